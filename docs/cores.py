"""A page per core: its header, its ports as they are emitted, and a wave of it at work."""

import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "pictures")]

import waves  # noqa: E402
from ports import EMITTED, ROOT, SOURCES, Ports, machine, modules, page_name, said  # noqa: E402

# What is traced of a simulated board, beside the small product.
TRACED = {
    "nano16_parallel": "--config nano16",
    "nano16_uart": "--config nano16 --uart",
    "token1024_parallel": "models/tiny.ndf --prompt S --max-tokens 1 --config token1024",
    "seed64_parallel": "--config seed64",
}
# Cores that work slowly: cycles that their pictures show.
SLOW = {"uart_rx": 92, "uart_tx": 92, "board_uart": 92}
# Waves of cores that stand on no simulated board: sim/tests/cores/recorded.rs records them and holds them to the cores.
RECORDED = HERE / "recorded"


class Board:
    """Modules of a board, where each stands first, and what was traced."""

    def __init__(self, nda, emitted, found, ports, folder):
        self.found, self.at = found, places(found)
        self.command = f"nda wave {TRACED[emitted]}"
        run(nda, "wave", *TRACED[emitted].split(), "--out", folder / "wave.vcd")
        wanted = {f"TOP.{path}.{port}" for name, path in self.at.items() for _, port, _ in found[name].ports}
        if emitted.startswith("token"):
            at = self.at[machine(found).name]
            wanted |= {f"TOP.{at}.{signal}" for path in ports.sources() for signals in ports.parts(path).values() for signal in signals}
        self.recorded = waves.Recorded(folder / "wave.vcd", wanted)
        (folder / "wave.vcd").unlink()

    def wave(self, its, name):
        """The wave of the first of some modules that works."""
        cycles = SLOW.get(name, waves.CYCLES)
        found = (self.recorded.wave(self.at[module.name], module.ports, cycles) for module in its if module.name in self.at)
        return next((wave for wave in found if wave is not None), None)

    def wave_of_part(self, parts):
        """The wave of a core that is written into the machine's module."""
        module = machine(self.found)
        words = {"in": "input", "out": "output"}
        signals = [(words[direction], signal, module.bits(signal)) for direction, signals in parts.items() for signal in signals]
        return self.recorded.wave(self.at[module.name], signals)


def places(found, top="board"):
    """Where each module stands first: its path of instances."""
    at, todo = {}, [(top, "board")]
    while todo:
        name, path = todo.pop(0)
        if name not in at:
            at[name] = path
            todo += [(inner, f"{path}.{instance}") for inner, instance in found[name].inner if inner in found]
    return at


def run(nda, *arguments):
    subprocess.run([nda, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def emit(nda, emitted, folder):
    """The modules of what is emitted to show cores."""
    if emitted.startswith("gemv"):
        run(nda, "emit", *EMITTED[emitted].split(), "--out", folder)
        return modules((folder / f"{emitted}.v").read_text())
    configuration, port = emitted.split("_")
    run(nda, "emit", "--config", configuration, "--port", port, "--out", folder)
    return modules((folder / f"board_{emitted}.v").read_text())


def header(path, ports):
    """What a source says of itself, as Markdown: links of rustdoc lead to other cores' pages, or nowhere."""

    def link(match):
        *way, name = match[1].split("::")
        root = {"crate": SOURCES, "super": path.parent}.get(way[0] if way else "", HERE)
        other = root.joinpath(*way[1:], f"{name}.rs")
        return f"[`{name}`]({page_name(other)}.md)" if ports.is_core(other) else f"`{match[1]}`"

    return re.sub(r"\[`([^`\]]+)`\](?!\()", link, said(path))


def first_sentence(text):
    return text.split("\n\n")[0].replace("\n", " ").split(". ")[0].removesuffix(".") + "."


def title(path, ports):
    """A page's name, and the field's term behind it."""
    term = ports.of_page(path, "term")
    return page_name(path) + (f": {term}" if term else "")


def wave_of(path, ports, verilogs, boards):
    """A core's wave, and what is said of where it comes from."""
    name = page_name(path)
    if (RECORDED / f"{name}.json").exists():
        return json.loads((RECORDED / f"{name}.json").read_text()), "`sim/tests/cores/recorded.rs`, which drives the core alone"
    if parts := ports.parts(path):
        board = boards["token1024_parallel"]
        return board.wave_of_part(parts), f"`{board.command}`"
    emitted, its = ports.where(path, verilogs)
    board = boards.get(emitted)
    return (board.wave(its, name), f"`{board.command}`") if board else (None, "")


def page(path, ports, verilogs, boards):
    """A core's page, its picture and the faults of that."""
    name, faults = page_name(path), []
    text = f"# {title(path, ports)}\n\n{header(path, ports)}\n\nSource: `hdl/cores/src/{path.relative_to(SOURCES)}`.\n\n## Ports\n"
    text += ports.table(path, verilogs)
    wave, origin = wave_of(path, ports, verilogs, boards)
    if wave is None:
        why = ports.of_page(path, "unsimulated")
        faults += [] if why else [f"{name}: no wave"]
        return text + f"\n## Wave\n\nNone: {why[:1].lower()}{why[1:]}\n", None, faults
    outputs = {port for port, direction in directions(path, ports, verilogs) if direction in ("output", "out")}
    if not waves.moving(wave, outputs):
        faults.append(f"{name}: no output moves in its wave")
    text += f"\n## Wave\n\nSimulated: {origin}, where a piece of work begins and most of the signals move.\n\n![wave]({name}.svg)\n"
    return text, waves.svg(wave, name, origin.strip("`").replace("`", "")), faults


def directions(path, ports, verilogs):
    """A core's ports with their directions."""
    return re.findall(r"^\| `(\w+)` \| (\w+) \|", ports.table(path, verilogs), re.M)


def pages(nda, folder):
    """Every core's page and picture, by their paths in the book; and what is wrong with them."""
    ports, verilogs, boards = Ports(), {}, {}
    for emitted in EMITTED:
        place = folder / emitted
        place.mkdir(parents=True)
        verilogs[emitted] = emit(nda, emitted, place)
        if emitted in TRACED:
            boards[emitted] = Board(nda, emitted, verilogs[emitted], ports, place)
    all_pages, rows, faults = {}, [], []
    for path in ports.sources():
        name = page_name(path)
        all_pages[f"docs/cores/{name}.md"], picture, its = page(path, ports, verilogs, boards)
        all_pages |= {f"docs/cores/{name}.svg": picture} if picture else {}
        faults += its
        rows.append(f"| [{name}]({name}.md){title(path, ports).removeprefix(name)} | {first_sentence(header(path, ports))} |\n")
    index = "# The cores\n\nMade of the cores' headers, the emitted Verilog and `nda wave`.\n\n| core | what it is |\n|---|---|\n" + "".join(rows)
    return {"docs/cores/index.md": index} | all_pages, sorted(set(faults + ports.faults + ports.strangers()))
