#!/usr/bin/env python3
"""Reads the report of every sample as XML: report_pages_test.py PROGRAM, which is report_pages.

Well-formed, nothing from elsewhere, no script, every picture with a title and a description.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

HTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br", "hr", "img", "link"}


def faults_of(text, is_page):
    """Everything that is wrong with a page or a picture, as sentences."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"is not well-formed: {error}"]
    faults = []
    elements = list(root.iter())
    identifiers = [e.get("id") for e in elements if e.get("id") is not None]
    faults += [f"has two of id {i}" for i in set(identifiers) if identifiers.count(i) > 1]
    for element in elements:
        tag = element.tag.split("}")[1]
        if not element.tag.startswith((HTML, SVG)):
            faults.append(f"{element.tag} is neither HTML nor SVG")
        if tag in ("script", "iframe", "object", "embed", "link", "img", "image", "use", "base",
                   "foreignObject"):
            faults.append(f"has <{tag}>")
        for name, value in element.attrib.items():
            if name.lower().startswith("on"):
                faults.append(f"has a handler: {name}")
            if name.split("}")[-1] in ("src", "href", "action", "srcset", "data"):
                faults.append(f"refers to {value}")
            faults += [f"refers to {u}" for u in re.findall(r"url\(([^)]*)\)", value)
                       if not (u.startswith("#") and u[1:] in identifiers)]
            if name in ("aria-labelledby", "aria-describedby"):
                faults += [f"names no element: {i}" for i in value.split() if i not in identifiers]
        if is_page and element.tag.startswith(HTML) and tag not in VOID | {"td", "th"} \
                and len(element) == 0 and not (element.text or "").strip():
            faults.append(f"has an empty <{tag}>")
        if tag == "style" and re.search(r"@import|url\(|expression", element.text):
            faults.append("a style refers to something")
        if tag == "svg":
            title, description = element.find(SVG + "title"), element.find(SVG + "desc")
            if title is None or description is None or len(description.text) < 20:
                faults.append("a picture has no title or description")
            if element.get("viewBox") is None or element.get("role") != "img":
                faults.append("a picture has no viewBox or role")
    # In the text as well, whatever reads it: namespaces are names, not places.
    faults += [f"names {u}" for u in re.findall(r"https?://[^\s\"'<]*", text)
               if u not in (HTML[1:-1], SVG[1:-1])]
    return faults


class Detector(unittest.TestCase):
    """Lest the reading itself be broken."""

    def check(self, body, expected):
        page = f'<html xmlns="{HTML[1:-1]}"><body>{body}</body></html>'
        self.assertTrue(any(expected in fault for fault in faults_of(page, True)),
                        f"{body}: {faults_of(page, True)}")

    def test_finds_what_is_wrong(self):
        self.check("<p>a<b></p>", "not well-formed")
        self.check("<p>a &nbsp;</p>", "not well-formed")
        self.check("<script>1</script>", "has <script>")
        self.check('<p id="a">1</p><p id="a">2</p>', "two of id a")
        self.check('<a href="x">1</a>', "refers to x")
        self.check('<p onclick="x">1</p>', "a handler")
        self.check('<p style="fill: url(#b)">1</p>', "refers to #b")
        self.check(f'<svg xmlns="{SVG[1:-1]}" role="img"></svg>', "no title")
        self.check("<p>see https://example.org/</p>", "names https://example.org/")
        self.check("<p></p>", "an empty <p>")


class Pages(unittest.TestCase):
    program = None

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        subprocess.run([self.program, self.directory.name], check=True, timeout=60)
        self.root = pathlib.Path(self.directory.name)

    def tearDown(self):
        self.directory.cleanup()

    def test_pages(self):
        pages = sorted(self.root.glob("*.html"))
        self.assertGreaterEqual(len(pages), 12)
        for page in pages:
            text = page.read_text(encoding="utf-8")
            self.assertTrue(text.startswith("<!DOCTYPE html>\n<html "), page.stem)
            self.assertEqual(faults_of(text, True), [], page.stem)

    def test_pictures(self):
        pictures = sorted(self.root.glob("*.svg"))
        self.assertGreaterEqual(len(pictures), 30)
        for picture in pictures:
            text = picture.read_text(encoding="utf-8")
            self.assertEqual(faults_of(text, False), [], picture.stem)
            self.assertIn("prefers-color-scheme: dark", text)
            self.assertLess(len(text), 150_000, picture.stem)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("report_pages_test: name the program report_pages, and nothing else")
    Pages.program = sys.argv.pop()
    unittest.main()
