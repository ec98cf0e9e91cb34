"""What fits the boards, and how fast it would be: out of the build records and the table that is made of them."""

import re

from svg import Picture, figure, table

TABLE = "docs/boards.md"


def short(name):
    return name.split(" v")[0]


def utilisation():
    rows = table(TABLE, "Fmax by seed, MHz")
    picture = Picture(900, 92 + 66 * len(rows), "What an image takes of its part", f"nextpnr: placed and routed, never run on a board; {TABLE}, firmware/records")
    for k, row in enumerate(rows):
        y = 76 + 66 * k
        picture.text(20, y + 16, short(row["board"]), "ink b", 13)
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


def tokens():
    rows = table(TABLE, "GMAC/s (projected)")
    key = next(name for name in rows[0] if name.startswith("board, link"))
    share = lambda row: int(row["weights on the board (derived)"].split(" of ")[0]) / int(row["weights on the board (derived)"].split(" of ")[1])
    rows.sort(key=lambda row: -share(row))
    below = f"projected: cycle model at a clock that nextpnr meets, 1 Mbaud, 1 ms for a round trip; {TABLE}"
    picture = Picture(900, 142 + 44 * len(rows), "Where a token's time goes if boards multiply one product at a time", below)
    times = [[float(part) for part in row[key].split(" at ")[0].split(", ")] for row in rows]
    scale = 440 / max(sum(parts) for parts in times)
    for n, (title, colour) in enumerate((("array", "two"), ("link", "three"), ("round trips", "four"))):
        picture.rect(250 + 110 * n, 66, 12, 12, colour, radius=2)
        picture.text(268 + 110 * n, 76, title, "soft", 12)
    for k, (row, parts) in enumerate(zip(rows, times)):
        y, x = 90 + 44 * k, 250
        picture.text(20, y + 15, short(row["board"]), "ink b", 13)
        picture.text(20, y + 31, f"{100 * share(row):.0f} % of the weights on it", "soft", 11.5)
        for part, colour in zip(parts, ("two", "three", "four")):
            picture.rect(x, y, max(scale * part, 0.5), 22, colour)
            x += scale * part
        rate = f"{row['tokens/s (projected)']} tokens/s" if share(row) == 1 else "and the host's part"
        picture.text(x + 8, y + 16, f"{sum(parts):.0f} ms, {rate}", "ink", 12)
    y = 90 + 44 * len(rows)
    picture.text(20, y + 16, "The link is what costs. A board that makes whole tokens sends nothing else: token1024 takes " + figure("token-cycles") + " cycles and", "soft", 12)
    picture.text(20, y + 33, f"{figure('token-bytes-in')} bytes for a token (simulated). No image of it has been routed yet.", "soft", 12)
    return picture


PICTURES = {"utilisation.svg": utilisation, "tokens.svg": tokens}
