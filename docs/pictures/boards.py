"""What fits the boards, and how fast it would be: out of the build records and the table that is made of them."""

import re

from svg import ROOT, Picture, figure, records, table, thousands

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


# The line's rate and what a byte takes on it, as the projections of the table have them.
BAUD, BITS = 1_000_000, 10


def whole_tokens():
    """What makes whole tokens by its record: what it is, the milliseconds of its machine and of the link, the clock."""
    names = {row["part"]: short(row["board"]) for row in table(TABLE, "Fmax by seed, MHz")}
    cycles, exchanged = (float(figure(name).replace(",", "")) for name in ("token-cycles", "token-bytes-in"))
    exchanged += float(figure("token-bytes-out"))
    for path in sorted((ROOT / "firmware/sizes").glob("*.json")):
        record = records(path.relative_to(ROOT))
        if record["configuration"].startswith("token") and record.get("alone", {}).get("mhz"):
            part = next(row["part"] for row in table(TABLE, "LUT sites") if row["configuration"] == record["configuration"])
            mhz = max(record["alone"]["mhz"].values())
            yield f"{names[part]}, {record['configuration']}", cycles / mhz / 1000, exchanged * BITS / BAUD * 1000, mhz


def tokens():
    rows = table(TABLE, "GMAC/s (projected)")
    key = next(name for name in rows[0] if name.startswith("board, link"))
    share = lambda row: int(row["weights on the board (derived)"].split(" of ")[0]) / int(row["weights on the board (derived)"].split(" of ")[1])
    rows.sort(key=lambda row: -share(row))
    whole = list(whole_tokens())
    below = f"projected: cycle model at a clock that nextpnr meets, 1 Mbaud, 1 ms for a round trip; {TABLE}"
    picture = Picture(900, 176 + 44 * (len(rows) + len(whole)), "Where a token's time goes, by board", below)
    times = [[float(part) for part in row[key].split(" at ")[0].split(", ")] for row in rows]
    scale = 440 / max(sum(parts) for parts in times)
    for n, (title, colour) in enumerate((("array", "two"), ("link", "three"), ("round trips", "four"))):
        picture.rect(250 + 110 * n, 66, 12, 12, colour, radius=2)
        picture.text(268 + 110 * n, 76, title, "soft", 12)
    picture.text(20, 104, "Whole tokens: the board makes them by itself", "ink b", 12.5)
    y = 116
    for name, machine, link, mhz in whole:
        picture.text(20, y + 15, name, "ink b", 13)
        picture.text(20, y + 31, "all of the model on it; no image is routed yet", "soft", 11.5)
        bar(picture, y, scale, (machine, link), f"{machine + link:.2f} ms, {thousands(round(1000 / (machine + link)))} tokens/s at most, at the {mhz:.0f} MHz of its machine alone")
        y += 44
    picture.text(20, y + 18, "Products alone: one after another, and the host does the rest", "ink b", 12.5)
    y += 30
    for row, parts in zip(rows, times):
        picture.text(20, y + 15, short(row["board"]), "ink b", 13)
        picture.text(20, y + 31, f"{100 * share(row):.0f} % of the weights on it", "soft", 11.5)
        rate = f"{row['tokens/s (projected)']} tokens/s" if share(row) == 1 else "and the host's part"
        bar(picture, y, scale, parts, f"{sum(parts):.0f} ms, {rate}")
        y += 44
    end = f"A whole token is {figure('token-cycles')} cycles, {figure('token-bytes-in')} bytes from the board and {figure('token-bytes-out')} to it (simulated)."
    picture.text(20, y + 16, end, "soft", 12)
    return picture


def bar(picture, y, scale, parts, text):
    """Parts of a time beside one another, and what they come to."""
    x = 250
    for part, colour in zip(parts, ("two", "three", "four")):
        picture.rect(x, y, max(scale * part, 0.5), 22, colour)
        x += scale * part
    picture.text(x + 8, y + 16, text, "ink", 12)


PICTURES = {"utilisation.svg": utilisation, "tokens.svg": tokens}
