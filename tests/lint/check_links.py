#!/usr/bin/env python3
"""check_links.py PROGRAM LIBRARY...: fails if PROGRAM needs one of the shared libraries."""
import subprocess
import sys


def main():
    program, unwanted = sys.argv[1], sys.argv[2:]
    dynamic = subprocess.run(["readelf", "-d", program], check=True, stdout=subprocess.PIPE).stdout.decode()
    needed = [line.split("[")[1].split("]")[0] for line in dynamic.splitlines() if "(NEEDED)" in line]
    if not needed:
        print(f"{program}: readelf tells no shared library at all; this check needs a dynamic program")
        return 1
    found = [library for library in needed if library.startswith(tuple(unwanted))]
    for library in found:
        print(f"{program} needs {library}: policy must not, so its tests link {', '.join(unwanted)} in vain")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
