"""What fits the boards, and how fast it would be: out of the build records and the table that is made of them."""

import re

from svg import ROOT, Picture, figure, records, table, thousands

TABLE = "docs/boards.md"
# A column of the table of images.
FMAX = "Fmax by seed, MHz"


def short(name):
    return name.split(" v")[0]


def stale(rows):
    """How many records are of other cores than today's."""
    return sum(row["record"].startswith("stale") for row in rows)


def utilisation():
    rows = table(TABLE, FMAX)
    picture = Picture(900, 92 + 66 * len(rows), "What an image takes of its part", f"nextpnr: placed and routed, never run on a board; {TABLE}, firmware/records")
    if stale(rows):
        picture.text(20, 66, f"{stale(rows)} of {len(rows)} records are stale: images of earlier cores.", "five", 12)
    for k, row in enumerate(rows):
        y = 84 + 66 * k
        picture.text(20, y + 16, short(row["board"]) + (" (stale)" if stale([row]) else ""), "ink b", 13)
        picture.text(20, y + 33, row["part"], "soft", 11.5)
        picture.text(20, y + 48, f"{row['configuration']}, {row['clock, MHz']} MHz asked, {row['min / median / max'].split(' / ')[1]} met", "soft", 11.5)
        for n, (title, share) in enumerate(shares(row)):
            top = y + 17 * n
            picture.text(372, top + 12, title, "soft", 11.5, "end")
            picture.rect(380, top + 1, 400, 13, "edge", radius=2)
            picture.rect(380, top + 1, 4 * share, 13, ("one", "two", "four")[n], radius=2)
            picture.text(788, top + 12, f"{share} %", "ink", 11.5)
    return picture


def shares(row):
    """The board's share of logic and of its memories, out of '123 of 456 (7 %) NAME, ...'."""
    found = [("logic", percent(row["logic"]))]
    return found + [(part.rsplit(" ", 1)[1], percent(part)) for part in row["block RAM"].split(", ")]


def percent(text):
    return int(re.search(r"\((\d+) %\)", text)[1])


WHOLE = "cycles per token (simulated)"


def whole_tokens():
    """Boards that make whole tokens: what each is, the milliseconds of its machine and of the link, the clock, tokens/s."""
    for row in table(TABLE, WHOLE):
        machine, link = (float(part) for part in row["board, link: ms per token (projected)"].split(", "))
        yield f"{short(row['board'])}, {row['configuration']}", machine, link, row["clock, MHz (nextpnr)"], row["tokens/s (projected)"]


def tokens():
    rows = table(TABLE, "GMAC/s (projected)")
    share = lambda row: int(row["weights on the board (derived)"].split(" of ")[0]) / int(row["weights on the board (derived)"].split(" of ")[1])
    parts = sorted((row for row in rows if share(row) < 1), key=lambda row: (-share(row), short(row["board"])))
    clock = "clocks that nextpnr met, some for earlier cores" if stale(table(TABLE, FMAX)) else "clocks that nextpnr meets"
    below = f"projected: cycle model at {clock}, 1 Mbaud, 1 ms for a round trip; {TABLE}"
    picture = Picture(900, 0, "A token of models/tiny.ndf, by board", below)
    y = whole_model(picture, [row for row in rows if share(row) == 1])
    y = header(picture, y, "A part of the model on the board", "it is asked for a part of the products: no time of a token is its own, so none is shown (derived)")
    for row in parts:
        name(picture, y, short(row["board"]), "multiplies; the host does the rest")
        picture.rect(LEFT, y, LONGEST, 22, "edge")
        picture.rect(LEFT, y, LONGEST * share(row), 22, "one")
        picture.text(LEFT + LONGEST + 8, y + 16, f"{100 * share(row):.0f} % of the weights, {row['layers (derived)']} products", "ink", 12)
        y += 44
    end = f"A whole token of the ULX3S 85F is {figure('board-cycles')} cycles, {figure('token-bytes-in')} bytes from the board and {figure('token-bytes-out')} to it (simulated)."
    picture.text(20, y + 16, end, "soft", 12)
    picture.grow(y + 34)
    return picture


# Where bars begin, and the pixels of the longest time.
LEFT, LONGEST = 250, 330


def whole_model(picture, rows):
    """Boards that hold all of the model: what their tokens take; how far down it goes."""
    key = next(name for name in rows[0] if name.startswith("board, link"))
    times = [[float(part) for part in row[key].split(" at ")[0].split(", ")] for row in rows]
    scale = LONGEST / max(sum(parts) for parts in times)
    y = header(picture, 62, "All of the model on the board", "the time of a whole token")
    for n, (title, colour) in enumerate((("array", "two"), ("link", "three"), ("round trips", "four"))):
        picture.rect(600 + 90 * n, y - 34, 12, 12, colour, radius=2)
        picture.text(618 + 90 * n, y - 24, title, "soft", 12)
    for title, machine, link, mhz, speed in whole_tokens():
        name(picture, y, title, "makes whole tokens")
        # Tokens are queued, so the link sends one while the machine makes the next: the slower of the two limits, as 'nda plan' has it.
        slower = max(machine, link)
        bar(picture, y, scale, (machine, 0) if machine >= link else (0, link), f"{slower:.3f} ms, {thousands(int(speed))} tokens/s with a full ring, at the {mhz} MHz of its image; the link takes {link:.3f} ms meanwhile")
        y += 44
    for row, parts in zip(rows, times):
        name(picture, y, f"{short(row['board'])}, products alone", "multiplies; the host does the rest")
        bar(picture, y, scale, parts, f"{sum(parts):.0f} ms plus the host's time: {row['tokens/s (projected)']} tokens/s at most")
        y += 44
    return y


def header(picture, y, title, below):
    picture.text(20, y + 18, title, "ink b", 14)
    picture.text(20, y + 36, below, "soft", 12)
    return y + 50


def name(picture, y, title, below):
    picture.text(20, y + 12, title, "ink b", 13)
    picture.text(20, y + 28, below, "soft", 11.5)


def bar(picture, y, scale, parts, text):
    """Parts of a time beside one another, and what they come to."""
    x = LEFT
    for part, colour in zip(parts, ("two", "three", "four")):
        if part:
            # One that is too short to be seen is three pixels wide.
            picture.rect(x, y, max(scale * part, 3), 22, colour)
            x += max(scale * part, 3)
    picture.text(x + 8, y + 16, text, "ink", 12)


PICTURES = {"utilisation.svg": utilisation, "tokens.svg": tokens}
