"""Waves: out of a VCD, as WaveJSON (what WaveDrom draws), and as a picture with the others' look."""

import re

from svg import Picture

# Cycles that a picture shows, and how many of them stand before the first event.
CYCLES, BEFORE = 22, 2
# Names that say that something happens, in the order in which they are looked for.
EVENTS = ["valid", "issue", "start", "write", "tick", "running"]


class Recorded:
    """A VCD: when each signal changes, and the clock's period."""

    def __init__(self, path):
        self.codes, self.changes, scope = {}, {}, []
        text = path.read_text()
        head, _, body = text.partition("$enddefinitions $end")
        for kind, rest in re.findall(r"\$(scope|upscope|var)\b(.*?)\$end", head, re.S):
            words = rest.split()
            if kind == "scope":
                scope.append(words[1])
            elif kind == "upscope":
                scope.pop()
            else:
                self.codes[".".join([*scope, words[3]])] = words[2]
        at = 0
        for line in body.split("\n"):
            if line.startswith("#"):
                at = int(line[1:])
            elif line.startswith(("b", "B")):
                value, code = line[1:].split()
                self.changes.setdefault(code, []).append((at, int(value.replace("x", "0").replace("z", "0"), 2)))
            elif line and line[0] in "01xz":
                self.changes.setdefault(line[1:], []).append((at, int(line[0] == "1")))
        clock = next(code for name, code in self.codes.items() if name.endswith("board.clock"))
        self.edges = [at for at, value in self.changes[clock] if value == 1]

    def values(self, code):
        """A signal's value just before every edge of the clock."""
        found, changes, k, value = [], self.changes.get(code, []), 0, 0
        for edge in self.edges:
            while k < len(changes) and changes[k][0] < edge:
                value = changes[k][1]
                k += 1
            found.append(value)
        return found

    def wave(self, path, ports):
        """A core's ports from its first event on, as WaveJSON; none if nothing happens."""
        signals = [(port, bits, self.codes.get(f"TOP.{path}.{port}")) for port, bits in ports if port != "clock"]
        signals = [(port, bits, self.values(code)) for port, bits, code in signals if code is not None]
        events = [s for word in EVENTS for s in signals if s[1] == 1 and word in s[0]] or [s for s in signals if s[1] == 1]
        # The first cycles are the power-up.
        first = next((cycle for _, _, values in events for cycle in range(4, len(values)) if values[cycle] != values[cycle - 1]), None)
        if first is None:
            return None
        begin = first - BEFORE
        lanes = [{"name": "clock", "wave": "p" + "." * (CYCLES - 1)}]
        lanes += [lane(port, bits, values[begin : begin + CYCLES]) for port, bits, values in signals]
        return {"signal": lanes, "head": {"tick": begin}}


def lane(port, bits, values):
    wave, data = "", []
    for k, value in enumerate(values):
        if k and value == values[k - 1]:
            wave += "."
        elif bits == 1:
            wave += str(value)
        else:
            wave += "="
            data.append(f"{value:x}")
    return {"name": port, "wave": wave} | ({"data": data} if data else {})


def svg(wave, title):
    """A picture of WaveJSON: the characters p 0 1 = and the dot."""
    lanes, left, step, height = wave["signal"], 150, 33, 26
    picture = Picture(left + step * CYCLES + 20, 84 + height * len(lanes), title, f"from cycle {wave['head']['tick']} on; numbers are hexadecimal")
    for k in range(CYCLES + 1):
        picture.line([(left + step * k, 70), (left + step * k, 76 + height * len(lanes))], "edge", 0.6)
    for n, signal in enumerate(lanes):
        y = 76 + height * n
        picture.text(left - 10, y + 14, signal["name"], "ink m", 11.5, "end")
        draw(picture, signal, left, y, step)
    return str(picture)


def draw(picture, signal, left, y, step):
    high, low, points = y + 2, y + 18, []
    spans, data = [], iter(signal.get("data", []))
    for k, character in enumerate(signal["wave"]):
        if character == "." and spans:
            spans[-1][2] += 1
        else:
            spans.append([character, k, 1])
    for character, begin, count in spans:
        x, end = left + step * begin, left + step * (begin + count)
        if character == "p":
            for k in range(begin, begin + count):
                at = left + step * k
                picture.line([(at, low), (at, high), (at + step / 2, high), (at + step / 2, low), (at + step, low)], "soft", 1.2)
        elif character == "=":
            text = next(data)
            picture.rect(x + 1, high, end - x - 2, low - high, "box", radius=3, edge="two")
            room = int((end - x) / 6.8)
            picture.text((x + end) / 2, y + 14, text if len(text) <= room else text[: max(room - 1, 0)] + "…", "ink m", 10, "middle")
        else:
            points += [(x, high if character == "1" else low), (end, high if character == "1" else low)]
    if points:
        picture.line(points, "one", 1.6)
