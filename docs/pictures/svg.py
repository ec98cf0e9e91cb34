"""What the pictures share: one look in light and dark, and numbers that are always spelled alike."""

import html
import json
import pathlib
import re
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Name, light, dark. Everything that has a colour has one of these classes.
COLOURS = [
    ("page", "#ffffff", "#0d1117"),
    ("ink", "#1f2328", "#f0f6fc"),
    ("soft", "#59636e", "#9198a1"),
    ("edge", "#d1d9e0", "#3d444d"),
    ("box", "#f6f8fa", "#151b23"),
    ("one", "#0969da", "#4493f8"),
    ("two", "#1a7f37", "#3fb950"),
    ("three", "#9a6700", "#d29922"),
    ("four", "#8250df", "#ab7df8"),
    ("five", "#cf222e", "#f85149"),
    ("rest", "#afb8c1", "#656c76"),
]
FONT = "-apple-system,Segoe UI,Helvetica,Arial,sans-serif"


def style():
    rules = ["text{stroke:none}.m{font-family:ui-monospace,Menlo,Consolas,monospace;white-space:pre}.b{font-weight:600}"]
    for is_dark in (False, True):
        colours = "".join(f".{name}{{fill:{dark if is_dark else light}}}.s-{name}{{stroke:{dark if is_dark else light};fill:none}}" for name, light, dark in COLOURS)
        rules.append(f"@media(prefers-color-scheme:dark){{{colours}}}" if is_dark else colours)
    return "".join(rules)


def number(value):
    """Two digits behind the point, none that say nothing."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def rectangle(x, y, width, height, name, radius):
    return f'<rect class="{name}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="{number(radius)}"/>'


class Picture:
    """A picture with a title and, below it, what the reader must know of its numbers."""

    def __init__(self, width, height, title, below=""):
        self.width, self.title = width, title
        self.parts = [""]
        self.grow(height)
        if title:
            self.text(20, 30, title, "ink b", 17)
            self.text(20, 50, below, "soft", 12)

    def grow(self, height):
        """Another height than the picture began with."""
        self.height = height
        self.parts[0] = rectangle(0, 0, self.width, height, "page", 8)

    def add(self, text):
        self.parts.append(text)

    def rect(self, x, y, width, height, name, radius=0, edge=None):
        self.add(rectangle(x, y, width, height, name, radius))
        if edge is not None:
            self.add(rectangle(x, y, width, height, f"s-{edge}", radius))

    def text(self, x, y, text, name="ink", size=13, anchor="start"):
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text class="{name}" x="{number(x)}" y="{number(y)}" font-size="{number(size)}"{at}>{html.escape(str(text), quote=False)}</text>')

    def label(self, x, y, text, name="ink", size=11, anchor="start"):
        """A text that covers the lines of a grid behind it."""
        width = 0.58 * size * len(text)
        self.rect(x - (width if anchor == "end" else 0), y - size, width, size + 3, "page")
        self.text(x, y, text, name, size, anchor)

    def line(self, points, name="soft", width=1.5, arrow=False, dashes=""):
        path = " ".join(f"{'M' if k == 0 else 'L'}{number(x)} {number(y)}" for k, (x, y) in enumerate(points))
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.add(f'<path class="s-{name}" d="{path}" stroke-width="{number(width)}"{dashed}/>')
        if arrow:
            self.head(*points[-2], *points[-1], name)

    def head(self, x0, y0, x, y, name):
        length = max(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5, 1e-9)
        dx, dy = (x - x0) / length, (y - y0) / length
        corners = [(x, y), (x - 8 * dx - 4 * dy, y - 8 * dy + 4 * dx), (x - 8 * dx + 4 * dy, y - 8 * dy - 4 * dx)]
        self.add(f'<path class="{name}" d="M{" L".join(f"{number(a)} {number(b)}" for a, b in corners)}Z"/>')

    def block(self, x, y, width, height, lines, name="box", edge="edge"):
        """A box with its lines in the middle; the first is its name."""
        self.rect(x, y, width, height, name, radius=6, edge=edge)
        top = y + height / 2 - (len(lines) - 1) * 8 + 5
        for k, line in enumerate(lines):
            self.text(x + width / 2, top + 16 * k, line, "ink b" if k == 0 else "soft", 13 if k == 0 else 11.5, "middle")

    def __str__(self):
        size = f'width="{number(self.width)}" height="{number(self.height)}" viewBox="0 0 {number(self.width)} {number(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" role="img">'
        label = f"<title>{html.escape(self.title, quote=False)}</title>" if self.title else ""
        return "\n".join([head, label + f"<style>{style()}</style>", *self.parts, "</svg>", ""])


def records(path):
    return json.loads((ROOT / path).read_text())


def table(path, key):
    """Rows of a table of a document, as dictionaries: of the first one whose head has this column."""
    rows, head = [], None
    for line in (ROOT / path).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            if rows:
                return rows
            head = None
        elif head is None:
            head = cells
        elif key in head and not re.fullmatch(r"[-:| ]+", line):
            rows.append(dict(zip(head, cells)))
    assert rows, f"{path} has a table with the column {key}"
    return rows


def configuration(name):
    rows = tomllib.loads((ROOT / "hdl/spec/configs.toml").read_text())["config"]
    return next(row for row in rows if row["name"] == name)


def thousands(value):
    return f"{value:,}"


def figure(name):
    """A headline figure as it is written, out of the list that says how it was found."""
    rows = tomllib.loads((ROOT / "docs/evidence.toml").read_text())["figure"]
    return next(row["value"] for row in rows if row["name"] == name)
