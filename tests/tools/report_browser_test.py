#!/usr/bin/env python3
"""Lays out the report of every sample in a headless Chromium and measures it.

    report_browser_test.py --pages PROGRAM          the test; PROGRAM is report_pages
    report_browser_test.py --shoot FILE.html DIR    pictures of a report, to be looked at

On a narrow and a wide screen, light and dark, and on paper: no text of a picture meets another one or leaves it,
nothing leaves the screen, all can be read, and nothing is asked for but the page itself.
"""
import argparse
import base64
import os
import pathlib
import subprocess
import sys
import tempfile

import devtools

HERE = pathlib.Path(__file__).resolve().parent
WIDTHS = (400, 1200)
SCHEMES = ("light", "dark")
PAPER = 720  # A4 without its margins
# Width, what is preferred, and on what.
LAYOUTS = [(width, scheme, "screen") for width in WIDTHS for scheme in SCHEMES]
LAYOUTS.append((PAPER, "dark", "print"))
# How many pictures each sample's report has.
PICTURES = {"whole": 7, "large": 7, "unfinished": 4, "every-setting-loses": 4, "nobody-served": 3,
            "one-setting": 2, "hostile": 2, "comparisons-only": 1, "trials-only": 4,
            "recommendation-only": 2, "recommendation-unmet": 2, "unreadable": 3}
# What must be found out, lest the measuring itself be broken.
BROKEN = """<!DOCTYPE html><html lang="en"><head><title>broken</title></head>
<body style="background: #fff; color: #ccc"><p style="width: 3000px">pale and wide</p>
<svg id="s" class="plot" viewBox="0 0 200 100" style="width: 300px; height: 150px">
<text x="10" y="50">over</text><text x="12" y="52">lapping</text><text x="190" y="20">outside</text>
<rect width="200" height="100" fill="none"/><rect x="74" y="60" width="14" height="20" fill="#fff"/>
<text x="50" y="75">too wide</text><text x="80" y="90" fill="#eee">pale</text></svg>
<svg id="empty" viewBox="0 0 10 10" style="width: 0; height: 0"></svg></body></html>"""
BROKEN_FAULTS = ("meets", "leaves the picture", "has a contrast", "wide on a screen",
                 "leaves the screen", "empty is 0 by 0", "wider than what it stands on")


def measure(browser, path, width, scheme, medium):
    """The faults of a page as the browser lays it out, as sentences; and what was measured."""
    url = path.as_uri()
    asked = browser.show(url, width, 900, scheme, medium)
    layout = browser.evaluate((HERE / "report_layout.js").read_text(encoding="utf-8"))
    faults = layout["faults"]
    faults += [f"asks for {other}" for other in asked if other not in (url, "about:blank")]
    if layout["scripts"] != 0:
        faults.append(f"has {layout['scripts']} scripts")
    dark = scheme == "dark" and medium == "screen"
    if (layout["ground"] < 0.2) != dark:
        faults.append("is dark" if not dark else "is not dark")
    if medium == "print":
        # Nobody scrolls paper.
        faults += [f"a table is {table} wide" for table in layout["tables"] if table > width]
    return faults, layout


def test(program):
    failures = []
    measured = 0
    with tempfile.TemporaryDirectory() as directory, devtools.Browser() as browser:
        subprocess.run([program, directory], check=True, timeout=60)
        root = pathlib.Path(directory)
        pages = sorted(root.glob("*.html"))
        if {page.stem for page in pages} != set(PICTURES):
            failures.append(f"the samples are {[page.stem for page in pages]}, not {list(PICTURES)}")
        for page in pages:
            for width, scheme, medium in LAYOUTS:
                faults, layout = measure(browser, page, width, scheme, medium)
                measured += 1
                if layout["plots"] != PICTURES.get(page.stem):
                    faults.append(f"has {layout['plots']} pictures")
                if len(layout["headline"]) < 20:
                    faults.append("has no headline")
                failures += [f"{page.stem}, {medium}, {width} wide, {scheme}: {fault}"
                             for fault in faults]
        broken = root / "broken.html"
        broken.write_text(BROKEN, encoding="utf-8")
        faults, _ = measure(browser, broken, WIDTHS[0], "light", "screen")
        failures += [f"the broken page: no fault was found that says \"{expected}\": {faults}"
                     for expected in BROKEN_FAULTS
                     if not any(expected in fault for fault in faults)]
    print("\n".join(failures[:60]))
    print(f"{measured} layouts measured, {len(failures)} faults")
    return 1 if failures or measured == 0 else 0


def shoot(file, directory):
    path = pathlib.Path(file).resolve()
    os.makedirs(directory, exist_ok=True)
    with devtools.Browser() as browser:
        for width in WIDTHS:
            for scheme in SCHEMES:
                browser.show(path.as_uri(), width, 900, scheme)
                name = os.path.join(directory, f"{path.stem}-{width}-{scheme}.png")
                with open(name, "wb") as picture:
                    picture.write(base64.b64decode(browser.screenshot()))
                print(name)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--pages", metavar="PROGRAM")
    group.add_argument("--shoot", nargs=2, metavar=("FILE", "DIR"))
    arguments = parser.parse_args()
    try:
        return test(arguments.pages) if arguments.pages else shoot(*arguments.shoot)
    except devtools.BrowserError as error:
        print(f"report_browser_test: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
