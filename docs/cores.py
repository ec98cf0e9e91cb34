"""A page per core: its header, its ports as they are emitted, and a wave of it on the simulated board."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(HERE / "pictures")]

import waves  # noqa: E402

SOURCES = ROOT / "hdl/cores/src"
# The boards that have every core between them: configuration, port, and what is traced of it beside the small product. The first one
# that has a core shows it.
BOARDS = {
    "nano16": ("parallel", ""),
    "nano16 --uart": ("uart", ""),
    "token1024": ("parallel", "models/tiny.ndf --prompt S --max-tokens 1"),
    "seed64": ("parallel", ""),
}
# Cores that work slowly: cycles that their pictures show.
SLOW = {"uart_rx": 92, "uart_tx": 92}

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

# Cores that are written into the machine's module, and the signals there that show them.
PARTS = {
    "job": "array_busy loading loads_alone load_step column_beat groups_left tile array_accepts job_ends array_issue array_is_load array_is_first array_is_last tile_address",
    "walker": "token_begins turns turn_pair_at is_sine walks_a_pair phase turn_address sets_cosine_3 sets_sine_3 sets_word_3 sets_lane_3 drain",
    "factor": "enters factor_group root_read mantissa_1 exponent_1 exponent_2 shift_sum shift_4",
    "stream": "feeds_a_word enters read_word constant_at mantissa_1 shift_4 slow_in gated_in leaves out_word written wide_writes wide_write_at reduces_16 last_word_out",
}

# Cores that stand on no board: the bus that they are emitted for, and their top.
BUSES = {"bus/stream.rs": ("axi-stream", "gemv_axis"), "bus/wishbone.rs": ("wishbone", "gemv_wb")}


class Module:
    """A module of the emitted Verilog."""

    def __init__(self, name, text):
        self.name = name
        self.inner = re.findall(r"^\s*(\w+) (\w+)\s*\(", text, re.M)
        self.ports = []
        for direction, bits, name in re.findall(r"\b(input|output)\s+(?:wire|reg)?\s*(?:\[(\d+):0\])?\s*(\w+)\s*[,;\n)]", text):
            if name not in [port[1] for port in self.ports]:
                self.ports.append((direction, name, int(bits) + 1 if bits else 1))


def modules(verilog):
    found = re.findall(r"^module (\w+)\((.*?)^endmodule", verilog, re.S | re.M)
    return {name: Module(name, text) for name, text in found}


def places(found, top="board"):
    """Where each module stands first: its path of instances."""
    at, todo = {}, [(top, "board")]
    while todo:
        name, path = todo.pop(0)
        if name not in at:
            at[name] = path
            todo += [(inner, f"{path}.{instance}") for inner, instance in found[name].inner if inner in found]
    return at


def said(path):
    """What a source says of itself."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("//!"):
            break
        lines.append(line[3:].removeprefix(" "))
    return "\n".join(lines)


def is_core(path):
    return path.exists() and re.search("Cost|Handshake", said(path)) is not None


def page_name(path):
    return "_".join(path.relative_to(SOURCES).with_suffix("").parts)


def header(path):
    """The same as Markdown: links of rustdoc lead to other cores' pages, or nowhere."""

    def link(match):
        place, _, name = match[1].rpartition("::")
        other = {"crate": SOURCES, "super": path.parent}.get(place, HERE) / f"{name}.rs"
        return f"[`{name}`]({page_name(other)}.md)" if is_core(other) else f"`{match[1]}`"

    return re.sub(r"\[`([^`\]]+)`\](?!\()", link, said(path))


def block(path):
    """The block of rust-hdl in a source: its ports with what they mean."""
    text = path.read_text()
    ports, said = {}, []
    for line in text.splitlines():
        # The first block is the core; those that follow are its forms.
        if ports and line == "}":
            break
        if comment := re.match(r"\s*/// (.*)", line):
            said.append(comment[1])
            continue
        if port := re.match(r"\s*pub (\w+): Signal<(In|Out),", line):
            ports.setdefault(port[1], " ".join(said))
        said = []
    return ports


def modules_of(path, found):
    """The emitted modules of a source: the one whose ports are the block's or whose name ends as the file's, else those that it names."""
    wanted, stem = set(block(path)), path.stem
    if wanted:
        same = [module for module in found.values() if {port[1] for port in module.ports} == wanted]
        return same[:1]
    stem = emitted_name(path)
    named = [stem, *re.findall(r'Module::new\("(\w+)"\)', path.read_text())]
    ends = lambda name: [module for module in found.values() if module.name == name or module.name.endswith(f"_{name}")]
    all_ends = [min(ends(name), key=lambda module: len(module.name)) for name in named if ends(name)]
    return all_ends[:1] if all_ends and all_ends[0] in ends(stem) else all_ends


def emitted_name(path):
    """How the name of a source's module ends."""
    relative = path.relative_to(SOURCES).as_posix()
    # A part's unit bears the part's own name; what stands on a bus is a top; both kinds of the array are one module.
    if path.stem == "unit":
        return path.parent.name
    if path.parent.name == "gemv_array":
        return "engine_array"
    return BUSES[relative][1] if relative in BUSES else NAMES.get(path.stem, path.stem)


def belongs(path, configuration):
    """Whether a source's core can stand in that Verilog: names and ports alone are those of others too."""
    inside = path.relative_to(SOURCES).as_posix()
    if inside.startswith("bus") or configuration.startswith("--bus"):
        return inside.startswith("bus") and configuration.startswith("--bus")
    if inside.startswith("board"):
        return not configuration.startswith("token")
    return configuration.startswith("token") or not inside.startswith(("token", "gemv_array/tables"))


def page(path, boards, folder):
    relative, name = path.relative_to(SOURCES), page_name(path)
    text = f"# {name}\n\n{header(path)}\n\nSource: `hdl/cores/src/{relative}`.\n"
    pictures = {}
    for configuration, (found, at, recorded) in boards.items():
        its = modules_of(path, found) if belongs(path, configuration) else []
        if not its:
            continue
        meanings = block(path)
        text += "\n## Ports\n"
        for module in its:
            text += f"\nAs emitted for `{configuration}`, module `{module.name}`.\n\n| port | direction | bits | |\n|---|---|---|---|\n"
            text += "".join(f"| `{port}` | {direction} | {bits} | {meanings.get(port, '')} |\n" for direction, port, bits in module.ports)
        cycles = SLOW.get(name, waves.CYCLES)
        recordings = (recorded.wave(at[module.name], [(port, bits) for _, port, bits in module.ports], cycles) for module in its if module.name in at)
        wave = next((wave for wave in recordings if wave is not None), None)
        if wave is not None:
            pictures[f"{name}.svg"] = waves.svg(wave, name, command(configuration))
            text += pictured(name, configuration)
        else:
            text += "\nIt stands on no board of this project, so `nda wave` does not show it: bus models of others drive it in `hdl/cores/tests/bus.rs`.\n"
        break
    else:
        part, pictures = part_of(path, name, boards["token1024"])
        text += part
    return name, text, pictures


def part_of(path, name, board):
    """What a page says of a core that is no module of its own, and its picture."""
    found, at, recorded = board
    if path.parent.name != "token" or path.stem not in PARTS:
        return "\nNo configuration has it, so `nda wave` does not show it: its Verilog is driven alone in `sim/tests/cores/elements.rs`.\n", {}
    module = next(module for module in found.values() if module.name.endswith(MACHINE))
    wave = recorded.wave(at[module.name], [(signal, recorded.bits(at[module.name], signal)) for signal in PARTS[path.stem].split()])
    said = f"\nIt is written into the module `{module.name}`; these are its signals there.\n"
    return said + pictured(name, "token1024"), {f"{name}.svg": waves.svg(wave, name, command("token1024"))}


def command(configuration):
    return " ".join(["nda wave", *BOARDS[configuration][1].split(), "--config", configuration])


def pictured(name, configuration):
    return f"\n## Wave\n\nSimulated: `{command(configuration)}`, where a piece of work begins and most of the signals move.\n\n![wave]({name}.svg)\n"


def pages(nda, folder):
    """Every core's page and picture, by their paths in the book."""
    boards = {}
    for board, (port, _) in BOARDS.items():
        configuration = board.split(" ")[0]
        place = folder / f"{configuration}_{port}"
        place.mkdir(parents=True)
        run = lambda *arguments: subprocess.run([nda, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        run("emit", "--config", configuration, "--port", port, "--out", place)
        run(*command(board).split()[1:], "--out", place / "wave.vcd")
        found = modules((place / f"board_{configuration}_{port}.v").read_text())
        at = places(found)
        wanted = {f"TOP.{path}.{port}" for name, path in at.items() for _, port, _ in found[name].ports}
        wanted |= {f"TOP.{path}.{signal}" for name, path in at.items() if name.endswith(MACHINE) for part in PARTS.values() for signal in part.split()}
        boards[board] = (found, at, waves.Recorded(place / "wave.vcd", wanted))
        (place / "wave.vcd").unlink()
    for bus, top in BUSES.values():
        subprocess.run([nda, "emit", "--bus", bus, "--rows", "4", "--cols", "32", "--out", folder / top], check=True, stdout=subprocess.DEVNULL)
        boards[f"--bus {bus} --rows 4 --cols 32"] = (modules((folder / top / f"{top}.v").read_text()), {}, None)
    sources = [path for path in sorted(SOURCES.rglob("*.rs")) if is_core(path)]
    all_pages, rows = {}, []
    for path in sources:
        name, text, pictures = page(path, boards, folder)
        all_pages[f"docs/cores/{name}.md"] = text
        all_pages |= {f"docs/cores/{picture}": svg for picture, svg in pictures.items()}
        first = header(path).split("\n")[0]
        rows.append(f"| [{name}]({name}.md) | {first} | {'wave' if pictures else ''} |\n")
    index = "# The cores\n\nMade of the cores' headers, the emitted Verilog and `nda wave`.\n\n| core | what it is | |\n|---|---|---|\n" + "".join(rows)
    return {"docs/cores/index.md": index} | all_pages
