#!/usr/bin/env python3
"""Reads the tree and holds the rules of docs/DESIGN.md that no compiler holds.

    lint.py [--root DIRECTORY] [RULE...]     rules: see RULES below; all of them by default

Prints FILE:LINE: what is wrong; what would be right. Exit 0: nothing found, 1: something, 2: usage.
Rules that the tree did not meet when they were made have a ratchet: ratchet.txt lists today's
exceptions. A new one is a fault, and so is an entry that is no longer needed.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LINES_PER_FILE_MAX = 400
LINES_PER_FUNCTION_MAX = 70

# Which rooms a room's files may include. A room may always include itself.
ROOMS = {
    "base": set(),
    "core": {"base"},
    "io": {"base"},
    "front": {"base", "core"},
    "admin": {"base", "core"},
    "sim": {"base", "core", "front"},
    "daemon": {"base", "core", "io", "front", "admin"},
    "tools": {"base", "core", "io", "sim"},
    "include": {"base"},
}
# Single headers beyond that: the seam to the kernel, and front's snapshots.
SEAM = {"io/kernel.h", "io/errno_judgement.h", "io/syn_refuser.h"}
SINGLE_HEADERS = {
    "front": SEAM,
    "sim": SEAM | {"io/kernel_options.h"},
    "admin": {"front/snapshot.h"},
    "tools": {"front/openssl_tls.h", "front/self_signed.h"},  # to measure what they cost
}
# Headers that name an engine: those who need one ask for the seam, and the daemon hands it down.
ENGINE_HEADERS = re.compile(r"^io/(engine|epoll_\w+|uring_\w+)\.h$")
ENGINE_ROOMS = {"io", "daemon", "tools"}
# Policy has no system call, clock, thread or log.
NOT_IN_CORE = re.compile(
    r"^(sys/.*|unistd\.h|poll\.h|netinet/.*|arpa/.*|netdb\.h|fcntl\.h|signal\.h|csignal|time\.h|ctime|"
    r"chrono|thread|mutex|condition_variable|atomic|future|iostream|fstream|filesystem|random|"
    r"liburing.*|openssl/.*|spdlog/.*|base/log\.h|base/fd\.h|absl/time/.*|absl/synchronization/.*)$")
OPENSSL_FILES = re.compile(
    r"^(src/front/(openssl_\w+|\w*tls\w*|ticket_keys|self_signed)|tools/storm/\w+|tools/tune/handshake_cost|tests/.+|bench/.+)\.(h|cc)$")
URING_FILES = re.compile(r"^(src/io/uring_\w+|tests/io/\w+|bench/\w+)\.(h|cc)$")

# Put together from pieces, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NO" r"LINT\w*|GTEST_" r"SKIP|DIS" r"ABLED_\w+)\b")
SLEEPS = re.compile(r"\b(sleep_" r"for|sleep_" r"until|u" r"sleep|nano" r"sleep|Sleep" r"For|(?<![\w.])sl" r"eep)\s*\(")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(ho" r"me|ro" r"ot|wo" r"rk|Us" r"ers)/[\w.]")
REGISTRIES = re.compile(
    r"\b(py" r"pi\.org|registry\.np" r"mjs\.org|crates\." r"io|deb\.deb" r"ian\.org|proxy\.go" r"lang\.org|"
    r"ruby" r"gems\.org|docker\.i" r"o)\b")


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = self._list()
        self._texts = {}

    def _list(self):
        try:
            listed = subprocess.run(["git", "-C", self.root, "ls-files", "-z"], check=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            files = listed.decode().split("\0")
        except (OSError, subprocess.CalledProcessError):
            files = [os.path.relpath(os.path.join(directory, name), self.root)
                     for directory, directories, names in os.walk(self.root)
                     if not directories.__contains__("CMakeCache.txt") and "/build" not in directory
                     for name in names]
        return sorted(f for f in files if f and os.path.isfile(os.path.join(self.root, f)))

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), "rb") as file:
                self._texts[path] = file.read().decode("utf-8", "replace")
        return self._texts[path]

    def lines(self, path):
        return list(enumerate(self.text(path).splitlines(), 1))

    def sources(self, *tops):
        return [f for f in self.files if f.endswith((".h", ".cc")) and f.split("/")[0] in tops]


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" else parts[0]


def includes(tree, path):
    for number, line in tree.lines(path):
        match = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(1) is not None


# --- Rules. Each yields (path, line, message); with a ratchet: (path, line, message, key, size).


def rule_includes(tree):
    """Rooms include only what docs/DESIGN.md lets them."""
    for path in tree.sources("src", "include", "tools"):
        room = room_of(path)
        if room not in ROOMS:
            yield path, 1, f"is in a room that the table in tests/lint/lint.py lacks: {room}"
            continue
        for number, header, quoted in includes(tree, path):
            target = header.split("/")[0]
            if quoted and target in ROOMS and target != room:
                single = header in SINGLE_HEADERS.get(room, set())
                if target not in ROOMS[room] and not single:
                    allowed = sorted(ROOMS[room] | SINGLE_HEADERS.get(room, set()) | {room})
                    yield path, number, (f"{room} may not include {header}; it may include "
                                         f"{', '.join(allowed)}")
            if room == "core" and NOT_IN_CORE.match(header):
                yield path, number, (f"core is pure and may not include {header}; let time, "
                                     "randomness and readings walk in as arguments")
            if ENGINE_HEADERS.match(header) and room not in ENGINE_ROOMS:
                yield path, number, f"only the daemon names an engine; use io/kernel.h, not {header}"
            if header.startswith("openssl/") and not OPENSSL_FILES.match(path):
                yield path, number, f"OpenSSL is behind front/tls.h; {header} is not for this file"
            if header.startswith("liburing") and not URING_FILES.match(path):
                yield path, number, f"io_uring is behind io/kernel.h; {header} is not for this file"


def rule_headers(tree):
    """Headers have the guard of their path and open by saying what they are."""
    for path in tree.sources("src", "include", "tools", "tests", "bench"):
        if not path.endswith(".h"):
            continue
        shown = re.sub(r"^(src|include)/", "", path)
        if not shown.startswith("floodgate/"):
            shown = "floodgate/" + shown
        guard = re.sub(r"[^A-Z0-9]", "_", shown.upper()) + "_"
        text = tree.text(path)
        if path.startswith("tools/") and guard not in text:  # "TOOLS_" may be left out.
            guard = guard.replace("_TOOLS_", "_")
        if not text.startswith("//"):
            yield path, 1, "a header begins with a comment that says what it is for"
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            yield path, 1, f"the include guard must be {guard}"
        if not text.rstrip().endswith(f"#endif  // {guard}"):
            yield path, len(tree.lines(path)), f"must end with: #endif  // {guard}"


def rule_file_length(tree):
    """Files have at most 400 lines."""
    for path in tree.sources("src", "include", "tools", "tests", "bench"):
        count = len(tree.lines(path))
        if count > LINES_PER_FILE_MAX:
            yield (path, count, f"has {count} lines; split it, {LINES_PER_FILE_MAX} are the most",
                   path, count)


def blank_out(text):
    """Comments and literals as blanks of the same length, so that braces in them do not count."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'
        r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def functions(text):
    """(name, first line, last line) of every function body at namespace or class scope."""
    code = re.sub(r"^[ \t]*#.*?(?<!\\)$", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  blank_out(text), flags=re.MULTILINE | re.DOTALL)
    found = []
    start = 0  # where the declaration under the cursor begins
    position = 0
    while position < len(code):
        char = code[position]
        if char in ";}":
            start = position + 1
        elif char == "{":
            head = code[start:position]
            if re.search(r"\b(namespace|class|struct|union|extern)\b[^()]*$", head):
                start = position + 1  # what is inside is at scope, too
            else:
                end = matching(code, position)
                body = re.search(r"([~\w:]+|operator[^\w\s(]+)\s*\(", head)
                initializer = re.search(r"[\w>]$", head)  # a_{1}, of a constructor
                if body and not initializer:
                    first = code.count("\n", 0, start + len(head) - len(head.lstrip())) + 1
                    found.append((body.group(1), first, code.count("\n", 0, end) + 1))
                position = end
                if not initializer:
                    start = position + 1
        position += 1
    return found


def matching(code, position):
    depth = 0
    for index in range(position, len(code)):
        depth += {"{": 1, "}": -1}.get(code[index], 0)
        if depth == 0:
            return index
    return len(code) - 1


def rule_function_length(tree):
    """Functions have at most 70 lines."""
    for path in tree.sources("src", "include", "tools", "tests", "bench"):
        for name, first, last in functions(tree.text(path)):
            count = last - first + 1
            if count > LINES_PER_FUNCTION_MAX:
                yield (path, first, f"{name} has {count} lines; {LINES_PER_FUNCTION_MAX} are the most",
                       f"{path}:{name}", count)


def rule_sleeps(tree):
    """Neither the daemon nor a test sleeps: they wait for what they need."""
    counts = collections.Counter()
    for path in tree.sources("src", "tests", "bench", "include"):
        for number, line in enumerate(blank_out(tree.text(path)).splitlines(), 1):
            if SLEEPS.search(line):
                counts[path] += 1
                yield (path, number, "sleeps; wait for the event, or poll(2) with a deadline", path,
                       counts[path])


def rule_unfinished(tree):
    """Nothing is left for later, switched off or excused."""
    counts = collections.Counter()
    for path in tree.files:
        if path.startswith("tests/fuzz/corpus/"):
            continue
        for number, line in tree.lines(path):
            match = UNFINISHED.search(line)
            if match:
                counts[path] += 1
                yield (path, number, f"has {match.group(1)}; do it, or open an issue", path,
                       counts[path])


def rule_places(tree):
    """No paths of somebody's machine and no hosts of package registries."""
    for path in tree.files:
        if path.startswith("tests/fuzz/corpus/"):
            continue
        for number, line in tree.lines(path):
            if MACHINE_PATHS.search(line):
                yield path, number, "names a path of one machine; make it relative or an argument"
            if REGISTRIES.search(line):
                yield path, number, "names a package registry; Debian's packages are all we use"



RULES = {name[len("rule_"):].replace("_", "-"): function
         for name, function in sorted(globals().items()) if name.startswith("rule_")}


def read_ratchet():
    """{rule: {key: the size that it may still have}}"""
    ratchet = collections.defaultdict(dict)
    with open(os.path.join(HERE, "ratchet.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                rule, key, size = line.split()
                ratchet[rule][key] = int(size)
    return ratchet


def run(tree, name, ratchet):
    faults = []
    sizes = {}
    for finding in RULES[name](tree):
        path, line, message = finding[:3]
        if len(finding) == 5:
            key, size = finding[3:]
            sizes[key] = max(size, sizes.get(key, 0))
            if size <= ratchet.get(key, 0):
                continue
        faults.append(f"{path}:{line}: {message}")
    for key, allowed in ratchet.items():
        if sizes.get(key, 0) < allowed:
            faults.append(f"tests/lint/ratchet.txt: {name} {key} is at {sizes.get(key, 0)}, below the "
                          f"{allowed} it was allowed: lower the entry, or remove it")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(HERE)))
    parser.add_argument("--list", action="store_true", help="print the rules")
    parser.add_argument("rules", nargs="*", metavar="RULE")
    arguments = parser.parse_args()
    unknown = [rule for rule in arguments.rules if rule not in RULES]
    if unknown:
        parser.error(f"there is no rule {', '.join(unknown)}; there are {', '.join(RULES)}")
    if arguments.list:
        for name, function in RULES.items():
            print(f"{name}: {function.__doc__}")
        return 0
    tree = Tree(os.path.abspath(arguments.root))
    ratchet = read_ratchet()
    faults = [fault for name in arguments.rules or RULES for fault in run(tree, name, ratchet[name])]
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
