"""The CPU's kernels beside those of other projects, as bars and under the machine's roofs: measured, one record."""

import math

from svg import Picture, number, records

RECORD = "bench/record/epyc-zen4-2-cores/kernels.json"
# A name in the record, what to call it beside others, and under the roofs.
OURS = [
    ("AVX-512 ternary A8", "nda, ternary (2 bits)", "ternary"),
    ("AVX-512 quaternary A8", "nda, quaternary (2 bits)", "quaternary"),
    ("AVX-512 grid k1 A8", "nda, one stack (2.5 bits)", "group-quantized, one stack"),
    ("AVX-512 grid k2 A8", "nda, two stacks (4.5 bits)", "group-quantized, two stacks"),
]
# Bits of a weight in the formats whose blocks are public: bytes of a block over its weights (ggml-common.h; ONNX is left out).
PEER_BITS = {
    "llama.cpp TQ2_0": 66 * 8 / 256,
    "llama.cpp Q2_K": 84 * 8 / 256,
    "llama.cpp Q4_K": 144 * 8 / 256,
    "candle Q2_K": 84 * 8 / 256,
    "candle Q4_0": 18 * 8 / 32,
    "candle Q8_0": 34 * 8 / 32,
}


def ours(record, name, level):
    rows = record["kernels"]
    return next(row for row in rows if (row["name"], row["level"], row["threads"], row["vectors"]) == (name, level, 1, 1))


def peers(record, level):
    return [row for row in record["peers"] if row["level"] == level and row["threads"] == 1]


def conditions(record):
    machine = record["machine"]
    return f"measured: one thread of a virtual {machine['cpu']} with AVX-512, commit {machine['commit'][:8]}; {RECORD}"


def rates():
    record = records(RECORD)
    rows = [(ours(record, name, "L3")["gmac_per_s"], ours(record, name, "DRAM")["gmac_per_s"], title, "one") for name, title, _ in OURS]
    in_memory = {row["name"]: row["gmac_per_s"] for row in peers(record, "DRAM")}
    rows += [(row["gmac_per_s"], in_memory[row["name"]], row["name"], "rest") for row in peers(record, "L3")]
    rows.sort(key=lambda row: (-row[0], row[2]))
    picture = Picture(900, 132 + 24 * len(rows), "A matrix-vector product on the CPU, 10⁹ multiplications per second", conditions(record))
    scale, bottom = 560 / rows[0][0], 84 + 24 * len(rows)
    picture.text(240, 76, "bar, first number: weights in the L3 cache; line, second number: weights in memory", "soft", 11.5)
    for value in range(0, int(rows[0][0]) + 1, 25):
        picture.line([(240 + scale * value, 84), (240 + scale * value, bottom)], "edge", 1)
        picture.text(240 + scale * value, bottom + 15, value, "soft", 11.5, "middle")
    picture.text(240, bottom + 33, "10⁹ multiplications per second", "soft", 12)
    for k, (cached, memory, title, colour) in enumerate(rows):
        y = 84 + 24 * k
        picture.text(230, y + 13, title, "ink b" if colour == "one" else "ink", 13, "end")
        picture.rect(240, y, scale * cached, 16, colour, radius=2)
        picture.line([(240 + scale * memory, y - 2), (240 + scale * memory, y + 18)], "ink", 2)
        picture.label(247 + scale * max(cached, memory), y + 13, f"{cached:.0f}, {memory:.0f}", "soft", 12)
    return picture


class Axes:
    """Two logarithmic axes: multiplications per byte, and a second."""

    LEFT, RIGHT, TOP, BOTTOM = 80, 860, 80, 470
    X, Y = (0.7, 6.0), (8.0, 250.0)

    def x(self, value):
        share = math.log(value / self.X[0]) / math.log(self.X[1] / self.X[0])
        return self.LEFT + share * (self.RIGHT - self.LEFT)

    def y(self, value):
        share = math.log(value / self.Y[0]) / math.log(self.Y[1] / self.Y[0])
        return self.BOTTOM - share * (self.BOTTOM - self.TOP)

    def draw(self, picture):
        for value in (0.8, 1, 1.5, 2, 3, 4, 5):
            picture.line([(self.x(value), self.TOP), (self.x(value), self.BOTTOM)], "edge", 1)
            picture.text(self.x(value), self.BOTTOM + 18, number(value), "soft", 11.5, "middle")
        for value in (10, 20, 50, 100, 200):
            picture.line([(self.LEFT, self.y(value)), (self.RIGHT, self.y(value))], "edge", 1)
            picture.text(self.LEFT - 8, self.y(value) + 4, value, "soft", 11.5, "end")
        picture.text((self.LEFT + self.RIGHT) / 2, self.BOTTOM + 38, "multiplications per byte of weights", "soft", 12, "middle")
        picture.text(self.LEFT, self.TOP - 6, "10⁹ multiplications per second", "soft", 12)


def roofline():
    record, axes = records(RECORD), Axes()
    picture = Picture(900, 570, "Every kernel under the machine's roofs", conditions(record))
    axes.draw(picture)
    roofs = []
    for level, colour, name in (("L3", "three", "read out of L3"), ("DRAM", "five", "read out of memory")):
        rate = next(row["gb_per_s"] for row in record["roofs"] if row["level"] == level and row["threads"] == 1)
        low, high = max(axes.X[0], axes.Y[0] / rate), min(axes.X[1], axes.Y[1] / rate)
        at = 0.75 * high if level == "L3" else 0.5 * high
        picture.label(axes.x(at) - 10, axes.y(rate * at) - 8, f"{name}: {rate:.0f} GB/s", colour, 12, "end")
        roofs.append([(axes.x(low), axes.y(rate * low)), (axes.x(high), axes.y(rate * high)), colour])
        roof = rate
    points = []
    for name, _, short in OURS:
        for level in ("L3", "DRAM"):
            row = ours(record, name, level)
            points.append((row["gmac_per_s"] / row["gb_per_s"], row["gmac_per_s"], "one", level, short))
    for level in ("L3", "DRAM"):
        points += [(8 / PEER_BITS[row["name"]], row["gmac_per_s"], "rest", level, row["name"]) for row in peers(record, level) if row["name"] in PEER_BITS]
    marks = [(axes.x(x), axes.y(y), colour, level) for x, y, colour, level, _ in points]
    labels = []
    for x, y, colour, level, name in sorted(points, key=lambda point: (point[3] != "L3", -point[1])):
        left, at = axes.x(x), axes.y(y) + 4
        # A ring close to its own full point has its name already.
        if level != "L3" and (colour == "one" or any(name == other and abs(at - height) < 15 for _, height, other in labels)):
            continue
        while any(abs(at - height) < 13 and abs(left - beside) < 90 for beside, height, _ in labels) or any(
            6 < mark[0] - left < 6 * len(name) and abs(mark[1] + 4 - at) < 13 for mark in marks
        ):
            at += 3
        labels.append((left, at, name))
        # Memory's roof rises to the right: a name above it stands to the left of its point, one below it to the right.
        aside, anchor = (-9, "end") if y > roof * x else (9, "start")
        picture.label(left + aside, at, name, "ink" if colour == "one" else "soft", 11, anchor)
    # Above the labels, which cover the grid.
    for low, high, colour in roofs:
        picture.line([low, high], colour, 2)
    for x, y, colour, level in marks:
        kind = f'class="{colour}"' if level == "L3" else f'class="s-{colour}" stroke-width="2"'
        picture.add(f'<circle {kind} cx="{number(x)}" cy="{number(y)}" r="5"/>')
    picture.text(axes.LEFT, 536, "Blue: nda; grey: llama.cpp and candle, by format. Full: weights in L3; ring: the same kernel with weights in memory.", "soft", 12)
    picture.text(axes.LEFT, 554, "Peers' bytes are those of their formats (derived); each peer was measured by a program of its own. ONNX Runtime is left out.", "soft", 12)
    return picture


PICTURES = {"kernels.svg": rates, "roofline.svg": roofline}
