"""Waves: out of a VCD, as WaveJSON (what WaveDrom draws), and as a picture with the others' look."""

from bisect import bisect

from svg import Picture

# The clock's path in every VCD of a board.
CLOCK = "TOP.board.clock"
# Cycles that a picture shows, and how many of them stand before the first event; those of the power-up, which no picture shows.
CYCLES, BEFORE, POWER_UP = 22, 2, 4
# Names of signals whose rising begins a piece of work.
EVENTS = ("valid", "issue", "start", "load", "write", "offer", "tick", "running", "active")
# Pixels of a picture's cycles.
WIDTH = 726
# Windows that are compared with one another, the first ones.
WINDOWS = 500


class Recorded:
    """A VCD: when each of the signals that are wanted changes, and the clock's edges."""

    def __init__(self, path, wanted):
        with path.open() as lines:
            self.codes, self.widths = definitions(lines, wanted | {CLOCK})
            self.changes = {code: [] for code in self.codes.values()}
            self.read(lines)
        self.edges = [at for at, value in self.changes[self.codes[CLOCK]] if value == 1]

    def read(self, lines):
        at = 0
        for line in lines:
            if line[0] == "#":
                at = int(line[1:])
            elif line[0] == "b":
                value, _, code = line[1:].rstrip().partition(" ")
                if code in self.changes:
                    self.changes[code].append((at, int(value.replace("x", "0").replace("z", "0"), 2)))
            elif line[0] in "01xz" and line[1:-1] in self.changes:
                self.changes[line[1:-1]].append((at, int(line[0] == "1")))

    def values(self, code):
        """A signal's value just before every edge of the clock."""
        found, changes, k, value = [], self.changes.get(code, []), 0, 0
        for edge in self.edges:
            while k < len(changes) and changes[k][0] < edge:
                value = changes[k][1]
                k += 1
            found.append(value)
        return found

    def wave(self, path, ports, cycles=CYCLES):
        """A core's ports where a piece of its work begins, as WaveJSON; none if nothing happens. Ports are (direction, name, bits)."""
        signals = [(port, bits, self.codes.get(f"TOP.{path}.{port}"), direction == "output") for direction, port, bits in ports if port != "clock"]
        signals = [(port, bits, self.values(code), is_output) for port, bits, code, is_output in signals if code is not None]
        begin = window(signals, cycles)
        if begin is None:
            return None
        lanes = [{"name": "clock", "wave": "p" + "." * (cycles - 1)}]
        lanes += [lane(port, bits, values[begin : begin + cycles]) for port, bits, values, _ in signals]
        return {"signal": lanes, "head": {"tick": begin}}


def definitions(lines, wanted):
    """The codes of signals by the paths that they have in a VCD, and the codes' widths; reads to the end of the definitions."""
    found, widths, scope = {}, {}, []
    for line in lines:
        words = line.split()
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"] and (name := ".".join([*scope, words[4]])) in wanted:
            found[name], widths[words[3]] = words[3], int(words[2])
        elif words[:1] == ["$enddefinitions"]:
            return found, widths


def changes(values, only=None):
    """Cycles in which a value is another than before; with a value, those in which it becomes this one."""
    pairs = zip(range(POWER_UP + 1, len(values)), values[POWER_UP:], values[POWER_UP + 1 :])
    return [cycle for cycle, before, value in pairs if value != before and only in (None, value)]


def window(signals, cycles):
    """Where a picture begins: where an event comes after a pause, outputs move and most ports do; none if nothing moves."""
    moves = [(changes(values), is_output) for _, _, values, is_output in signals]
    bits = [(port, values) for port, bits, values, _ in signals if bits == 1]
    events = [values for port, values in bits if any(word in port for word in EVENTS)]
    rising = lambda some: sorted({cycle for values in some for cycle in changes(values, 1)})
    starts = rising(events) or rising(values for _, values in bits) or sorted({cycle for found, _ in moves for cycle in found})
    behind_pauses = [cycle for cycle in starts if not any(any(values[cycle - BEFORE : cycle]) for values in events)] or starts
    # What takes longer than a picture shows is seen where it ends.
    ends = sorted({max(cycle - cycles // 2, BEFORE) for found, is_output in moves if is_output for cycle in found[:WINDOWS]})
    shows = lambda cycle, found: bisect(found, cycle - BEFORE) < bisect(found, cycle - BEFORE + cycles - 1)
    moving = lambda cycle: sum(shows(cycle, found) for found, _ in moves)
    tells = lambda cycle: any(shows(cycle, found) for found, is_output in moves if is_output)
    telling = [cycle for cycle in behind_pauses[:WINDOWS] + ends[:WINDOWS] if tells(cycle)]
    best = max(telling or behind_pauses[:WINDOWS], key=lambda cycle: (moving(cycle), -cycle), default=None)
    return None if best is None else best - BEFORE


def moving(wave, names):
    """Those of some signals that change in what a wave shows."""
    return [signal["name"] for signal in wave["signal"] if signal["name"] in names and signal["wave"].strip(".")[1:]]


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


def svg(wave, title, command):
    """A picture of WaveJSON: the characters p 0 1 = and the dot."""
    lanes, left, height = wave["signal"], 165, 26
    cycles = len(lanes[0]["wave"])
    step = WIDTH / cycles
    below = f"simulated: {command}, from its cycle {wave['head']['tick']} on; numbers are hexadecimal"
    picture = Picture(left + WIDTH + 20, 84 + height * len(lanes), title, below)
    for k in range(cycles + 1):
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
