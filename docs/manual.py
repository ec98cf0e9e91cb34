"""Puts the manual together: chapters out of SUMMARY.md where they lie, pages of cores, a book by mdBook; every link is checked.

manual.py NDA OUT [MDBOOK]

Without MDBOOK the sources are put together and their links checked, and nothing is rendered. Chapters keep their paths from the
project's root, so links between them stay as they are; links to other files lead to the project's own files."""

import html.parser
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

import cores  # noqa: E402

LINK = re.compile(r"(!?\[[^\]\n]*\]\()([^)\s]+)(\))")
BOOK = """[book]
title = "nda"
language = "en"

# Chapters keep their names: 'README.md' stays one, so that links to it hold.
[build]
use-default-preprocessors = false

[output.html]
default-theme = "light"
preferred-dark-theme = "navy"
no-section-label = true

[output.html.search]
limit-results = 20
"""


FIRST = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>nda</title><meta http-equiv="refresh" content="0; url={0}"></head>
<body><a href="{0}">The manual</a></body></html>
"""


def chapters():
    """Paths of the chapters from the root, in order."""
    found = re.findall(r"\]\(([^)]+)\)", (HERE / "SUMMARY.md").read_text())
    return [os.path.normpath(os.path.join("docs", path)) for path in found]


def prose(text):
    """Lines outside of blocks of code, as (number, line)."""
    is_code = False
    for number, line in enumerate(text.split("\n")):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, line


class Manual:
    def __init__(self, nda, out):
        self.out, self.source = out, out / "src"
        shutil.rmtree(out, ignore_errors=True)
        self.source.mkdir(parents=True)
        self.pages, self.faults = cores.pages(nda, out / "cores")
        self.chapters = chapters()
        self.known = set(self.chapters) | set(self.pages)

    def put_together(self):
        lines = []
        for line in (HERE / "SUMMARY.md").read_text().splitlines():
            lines.append(LINK.sub(lambda m: m[1] + os.path.normpath(os.path.join("docs", m[2])) + m[3], line))
            if "(cores/index.md)" in line:
                inner = [path for path in self.pages if path.endswith(".md") and not path.endswith("index.md")]
                lines += [f"    - [{self.pages[path].split(chr(10))[0][2:].replace('_', ' ')}]({path})" for path in inner]
        (self.source / "SUMMARY.md").write_text("\n".join(lines) + "\n")
        for path, text in self.pages.items():
            self.write(path, text)
        for path in self.chapters:
            if path not in self.pages:
                self.write(path, self.linked(path, (ROOT / path).read_text()))
        (self.out / "book.toml").write_text(BOOK)

    def write(self, path, text):
        target = self.source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def linked(self, path, text):
        """A chapter's text with its links judged, and those that leave the book made to lead to the project's files."""
        lines = text.split("\n")
        for number, line in prose(text):
            lines[number] = LINK.sub(lambda m: m[1] + self.target(path, number, m[2]) + m[3], line)
        return "\n".join(lines)

    def target(self, path, number, link):
        if re.match(r"[a-z]+:", link) or link.startswith("#"):
            return link
        place, _, anchor = link.partition("#")
        found = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(place)))
        if found in self.known:
            return link
        if not (ROOT / found).exists():
            self.faults.append(f"{path}:{number + 1}: {link} is not there")
        elif (ROOT / found).suffix in (".svg", ".png"):
            (self.source / found).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / found, self.source / found)
            return link
        page = self.out / "html" / os.path.dirname(path)
        # Other files keep their ending: mdBook would turn '.md' into a page's.
        found = re.sub(r"\.md$", "%2Emd", found)
        return os.path.relpath(ROOT / found, page) + (f"#{anchor}" if anchor else "")

    def render(self, mdbook):
        subprocess.run([mdbook, "build", self.out, "--dest-dir", self.out / "html"], check=True)
        # mdBook copies the first chapter there, whose links are relative to where it lies.
        first = self.chapters[0].removesuffix(".md") + ".html"
        (self.out / "html" / "index.html").write_text(FIRST.format(first))
        pages = {page: Page(page) for page in (self.out / "html").rglob("*.html")}
        for page, found in sorted(pages.items()):
            for link in found.links:
                place, _, anchor = link.partition("#")
                target = (page.parent / urllib.parse.unquote(place)).resolve() if place else page
                if re.match(r"[a-z]+:", link) or page.name in ("print.html", "404.html", "toc.html"):
                    continue
                if not target.exists():
                    self.faults.append(f"{page.relative_to(self.out)}: {link} is not there")
                elif anchor and target in pages and urllib.parse.unquote(anchor) not in pages[target].ids:
                    self.faults.append(f"{page.relative_to(self.out)}: {link}: no such heading")


class Page(html.parser.HTMLParser):
    """Links and places of a rendered page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id") or found.get("name"))
        self.links += [found[key] for key in ("href", "src") if found.get(key)]


def main():
    nda, out, *mdbook = sys.argv[1:]
    manual = Manual(nda, pathlib.Path(out).resolve())
    manual.put_together()
    if mdbook:
        manual.render(mdbook[0])
    sys.exit("\n".join(manual.faults) if manual.faults else None)


if __name__ == "__main__":
    main()
