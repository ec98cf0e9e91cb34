"""Ports of the cores: out of the emitted Verilog, with what the sources or hdl/cores/ports say that they mean.

ports.py FOLDER [MEANINGS] says what is missing or too much, of the Verilog in FOLDER: NAME.v for every name of EMITTED."""

import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SOURCES = ROOT / "hdl/cores/src"
MEANINGS = ROOT / "hdl/cores/ports"
# Folders whose names are no part of a core's name.
SUBSYSTEMS = ("array", "command", "link", "seed", "store", "top")

# Rows and columns of the array on a bus, as it is shown (nda_cores::emit::units::BUS_ARRAY).
BUS_ROWS, BUS_COLS = 2, 8
# What is emitted to show every core, and how a page says it. A core is shown in the first that has it.
EMITTED = {
    "nano16_parallel": "nano16",
    "nano16_uart": "nano16 --port uart",
    "token1024_parallel": "token1024",
    "token1024_uart": "token1024 --port uart",
    "seed64_parallel": "seed64",
    "gemv_axis": f"--bus axi-stream --rows {BUS_ROWS} --cols {BUS_COLS}",
    "gemv_wb": f"--bus wishbone --rows {BUS_ROWS} --cols {BUS_COLS}",
}

# Cores of the token machine whose modules have other names than their files.
MACHINE = "machine_machine"
NAMES = {
    "machine": MACHINE,
    "mix_head": "mix",
    "query_tables": "query",
    "inverse_sum": "inverse",
    "kv_store": "store",
    "scale_factors": "factors",
    "softmax": "softmax_2",
}
# Tops of the array on a bus.
BUSES = {"bus/stream.rs": "gemv_axis", "bus/wishbone.rs": "gemv_wb"}
# What a page has beside its ports: the field's term for the core, why it is not simulated.
OWN = ("term", "unsimulated")
# Every module has it.
CLOCK = {"clock": "System clock."}
HEAD = "\n| {} | direction | bits | meaning |\n|---|---|---|---|\n"


class Module:
    """A module of the emitted Verilog."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.inner = re.findall(r"^\s*(\w+) (\w+)\s*\(", text, re.M)
        self.ports = []
        for direction, bits, port in re.findall(r"^\s*(input|output)\s+(?:(?:wire|reg)\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*[,;)]?$", text, re.M):
            self.ports.append((direction, port, int(bits) + 1 if bits else 1))

    def bits(self, signal):
        """Bits of a signal within it, none if there is no such signal."""
        ports = {port: bits for _, port, bits in self.ports}
        found = re.search(rf"^(?:reg|wire)(?: signed)? (?:\[(\d+):0\] )?{signal}\b", self.text, re.M)
        return ports.get(signal) or (found and int(found[1] or 0) + 1)


def modules(verilog):
    found = re.findall(r"^module (\w+)\((.*?)^endmodule", verilog, re.S | re.M)
    return {name: Module(name, text) for name, text in found}


def said(path):
    """What a source says of itself."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("//!"):
            break
        lines.append(line[3:].removeprefix(" "))
    return "\n".join(lines)


def page_name(path):
    """A core's page: its file's name; that of a part, and of a core of the token machine, with its folder in front."""
    parts = path.relative_to(SOURCES).with_suffix("").parts
    return "_".join(parts[1:] if parts[0] in SUBSYSTEMS else parts)


def declared(path):
    """Ports of the blocks of rust-hdl in a source: (name, direction, type) and what they mean. The first block is the core, others its forms."""
    ports, meanings, comment = [], {}, []
    for line in path.read_text().splitlines():
        if found := re.match(r"\s*/// (.*)", line):
            comment.append(found[1])
            continue
        if port := re.match(r"\s*pub (\w+): Signal<(In|Out), (Clock|Bit|Bits<(\w+)>)>", line):
            if port[1] not in meanings:
                ports.append((port[1], {"In": "input", "Out": "output"}[port[2]], port[4] or "1"))
                meanings[port[1]] = " ".join(comment)
        comment = []
    return ports, meanings


def first_block(path):
    """Names of the first block's ports."""
    text = path.read_text()
    begin = re.search(r"^\s*pub \w+: Signal<", text, re.M)
    block = text[begin.start() :].split("\n}", 1)[0] if begin else ""
    return set(re.findall(r"^\s*pub (\w+): Signal<(?:In|Out),", block, re.M))


def emitted_name(path):
    """How the name of a source's module ends."""
    relative = path.relative_to(SOURCES).as_posix()
    # A part's unit bears the part's own name; what stands on a bus is a top; both kinds of the array are one module.
    if path.stem == "unit":
        return path.parent.name
    if path.parent.name == "gemv_array":
        return "engine_array"
    return BUSES.get(relative, NAMES.get(path.stem, path.stem))


def belongs(path, emitted):
    """Whether a source's core can stand in that Verilog: names and ports alone are those of others too."""
    inside = path.relative_to(SOURCES).as_posix()
    if inside in BUSES or emitted in BUSES.values():
        return BUSES.get(inside) == emitted
    if path.stem.startswith(("board", "token_board")):
        return emitted.startswith("token") == path.stem.startswith("token") and emitted.endswith(path.stem.rsplit("_", 1)[1])
    return emitted.startswith("token") or not inside.startswith(("token", "top/token", "array/gemv_array/tables"))


def modules_of(path, found):
    """The emitted modules of a source: the one whose ports are the block's or whose name ends as the file's, else those that it names."""
    wanted, stem = first_block(path), path.stem
    if wanted:
        same = [module for module in found.values() if {port[1] for port in module.ports} == wanted]
        return same[:1]
    stem = emitted_name(path)
    named = [stem, *re.findall(r'Module::new\("(\w+)"\)', path.read_text())]
    ends = lambda name: [module for module in found.values() if module.name == name or module.name.endswith(f"_{name}")]
    all_ends = [min(ends(name), key=lambda module: len(module.name)) for name in named if ends(name)]
    return all_ends[:1] if all_ends and all_ends[0] in ends(stem) else all_ends


class Ports:
    """What all ports mean, and the faults that were found while it was looked up."""

    def __init__(self, folder=MEANINGS):
        self.pages, self.faults, self.asked = {}, [], set()
        for path in sorted(folder.glob("*.toml")):
            self.pages |= tomllib.loads(path.read_text())

    def of_page(self, path, what):
        """What is said of a core beside its source: a word of OWN."""
        return self.pages.get(page_name(path), {}).get(what, "").strip()

    def is_core(self, path):
        return path.exists() and re.search("Cost|Handshake", said(path)) is not None

    def sources(self):
        return [path for path in sorted(SOURCES.rglob("*.rs")) if self.is_core(path)]

    def parts(self, path):
        """Signals of a core that is no module of its own, by direction."""
        page = self.pages.get(page_name(path), {})
        return {direction: page[direction] for direction in ("in", "out") if isinstance(page.get(direction), dict)}

    def meanings(self, path):
        # Both kinds of the array have the ports of the array's block.
        block = SOURCES / "array/gemv_array.rs" if path.parent.name == "gemv_array" else path
        own = {name: text for name, text in self.pages.get(page_name(path), {}).items() if name not in OWN}
        return CLOCK | declared(block)[1] | own, own

    def where(self, path, verilogs):
        """The Verilog that shows a source's core, and its modules there."""
        for emitted, found in verilogs.items():
            its = modules_of(path, found) if belongs(path, emitted) else []
            if its and not self.parts(path):
                return emitted, its
        return None, []

    def table(self, path, verilogs):
        """A page's tables of ports."""
        self.asked.add(page_name(path))
        if self.parts(path):
            return self.table_of_part(path, verilogs["token1024_parallel"])
        emitted, its = self.where(path, verilogs)
        meanings, own = self.meanings(path)
        name = page_name(path)
        used = {port for module in its for _, port, _ in module.ports}
        self.faults += [f"{name}: there is no port {port}" for port in sorted(set(own) - used)]
        if not its:
            rows = declared(path)[0]
            self.check(name, [port for port, _, _ in rows], meanings)
            text = "\nAs the source declares them: no configuration has this core. Letters are its parameters.\n" + HEAD.format("port")
            return text + "".join(f"| `{port}` | {direction} | {bits} | {meanings[port]} |\n" for port, direction, bits in rows)
        text = ""
        for module in its:
            self.check(name, [port for _, port, _ in module.ports], meanings)
            text += f"\nAs emitted for `{EMITTED[emitted]}`, module `{module.name}`.\n" + HEAD.format("port")
            text += "".join(f"| `{port}` | {direction} | {bits} | {meanings.get(port, '')} |\n" for direction, port, bits in module.ports)
        return text

    def table_of_part(self, path, found):
        """The same of a core that is written into the machine's module."""
        module, name = machine(found), page_name(path)
        text = f"\nThis core is no module of its own: it is written into `{module.name}`, and these are its signals there, as emitted for `token1024`.\n"
        text += HEAD.format("signal")
        for direction, signals in self.parts(path).items():
            for signal, meaning in signals.items():
                if not module.bits(signal):
                    self.faults.append(f"{name}: the machine has no signal {signal}")
                text += f"| `{signal}` | {direction} | {module.bits(signal)} | {meaning} |\n"
        self.check(name, [signal for signals in self.parts(path).values() for signal in signals], {**self.parts(path)["in"], **self.parts(path)["out"]})
        return text

    def check(self, name, ports, meanings):
        if not ports:
            self.faults.append(f"{name}: no ports")
        self.faults += [f"{name}: what does {port} mean?" for port in ports if not meanings.get(port)]

    def strangers(self):
        """Pages that nobody asked for."""
        return [f"hdl/cores/ports: there is no core {name}" for name in sorted(set(self.pages) - self.asked)]


def machine(found):
    """The module that the parts are written into."""
    return next(module for module in found.values() if module.name.endswith(MACHINE))


def main():
    folder, *meanings = map(pathlib.Path, sys.argv[1:])
    ports = Ports(*meanings)
    verilogs = {name: modules((folder / f"{name}.v").read_text()) for name in EMITTED}
    for path in ports.sources():
        ports.table(path, verilogs)
    faults = ports.faults + ports.strangers()
    sys.exit("\n".join(faults) if faults else None)


if __name__ == "__main__":
    main()
