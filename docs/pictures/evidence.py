"""The page of the headline figures: out of evidence.toml, and compared with the records where a record has the number."""

import json
import math
import re
import struct
import tomllib

from svg import ROOT, records, table

HEAD = """# Evidence

Made by `make pictures` from `docs/evidence.toml`; not edited by hand. Every headline figure, how it was found, and what finds it again. The README and the
pictures take their figures from the same list. Each is compared with a record of the project: of a run, of a tool's report, or with the test that states it.

*measured*: on the machine that the record names. *simulated*: the emitted Verilog, the same on every machine. *nextpnr*, *yosys*: the tool's own report.
*derived*: arithmetic from the geometry. *projected*: cycles at a clock of nextpnr. **Nothing has run on a real board.**

`PROMPT` is a file with 64 bytes of `models/val.txt` without line breaks (`host/cli/tests/figures.rs` takes eight; all give the same cycles); the first of the 257 tokens
belongs to the prompt. `./tools.sh smollm2` fetches `.tools/models/smollm2.gguf`. The programs of [bench](../bench/README.md#peers) write `target/ggml.json`,
`target/candle.json` and `target/onnx.json`, each peer's figures.

| figure | what it is | tag | command | where |
|---|---|---|---|---|
"""


def codes(path):
    """Weights of a trained model that are codes: its tensors of bytes."""
    data = (ROOT / path).read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack_from("<Q", data)[0]])
    return sum(math.prod(tensor["shape"]) for tensor in header.values() if tensor.get("dtype") == "I8")


def stated(path, before):
    """The number that a test states behind these words, where the test fails if it is less."""
    return int(re.search(re.escape(before) + r"\s*([0-9_]+)", (ROOT / path).read_text())[1].replace("_", ""))


def recorded():
    """Figures that a record has, as they are written."""
    kernels = records("bench/record/epyc-zen4-2-cores/kernels.json")
    ours = lambda level: next(k["gmac_per_s"] for k in kernels["kernels"] if (k["name"], k["level"], k["threads"], k["vectors"]) == ("AVX-512 ternary A8", level, 1, 1))
    peers = lambda level: max(peer["gmac_per_s"] for peer in kernels["peers"] if peer["level"] == level and peer["threads"] == 1)
    shown = (ROOT / "docs/first-run.md").read_text()
    perplexities = {row["weights"]: row["perplexity"] for row in records("docs/smollm2/report.json")["rows"]}
    sizes = records("firmware/sizes/token1024.json")
    cells, mhz = sizes["cells"], max(sizes["alone"]["mhz"].values())
    cycles = float(records("docs/figures.json")["board-cycles"].replace(",", ""))
    record = records("firmware/records/ulx3s-85f.json")
    # nextpnr rounds what it was asked for to whole picoseconds, so the report's own constraint is 85.01 MHz.
    runs, route = record["runs"], record["inputs"]["route"]
    asked = float(route[route.index("--freq") + 1])
    return {
        # Found by running the command, and found again by host/cli/tests/figures.rs.
        **records("docs/figures.json"),
        "weights": f"{codes('models/tiny.safetensors'):,}",
        "link-frames": f"{stated('sim/tests/boards.rs', 'frames_sent >='):,}",
        "sandbox-ways": f"{stated('host/sandbox/tests/escapes.rs', 'const WAYS: usize =')}",
        "short-text-cycles": f"{int(re.search('([0-9]+) cycles/token', shown)[1]):,}",
        "short-text-speed": f"{float(re.search('MHz of token1024: ([0-9]+) tokens/s', shown)[1]):,.0f}",
        "kernel-ternary": f"{ours('L3'):.0f}",
        "kernel-best-peer": f"{peers('L3'):.0f}",
        "kernel-ternary-memory": f"{ours('DRAM'):.0f}",
        "kernel-best-peer-memory": f"{peers('DRAM'):.0f}",
        "smollm2-k2": f"{perplexities['k2']:.2f}",
        "smollm2-k3": f"{perplexities['k3']:.2f}",
        "smollm2-floats": f"{perplexities['f32']:.2f}",
        "token-clock": f"{mhz:.1f}",
        "board-clock": f"{asked:.0f}",
        "token-speed": f"{asked * 1e6 / cycles:,.0f}",
        "ulx3s-clock": f"{max(run['clock']['achieved'] for run in runs):.1f}",
        # A carry cell takes the place of two LUTs, a LUT RAM that of six (docs/boards.md).
        "token-sites": f"{cells['LUT4'] + 2 * cells['CCU2C'] + 6 * cells['TRELLIS_DPR16X4']:,}",
    }


def page():
    rows = tomllib.loads((ROOT / "docs/evidence.toml").read_text())["figure"]
    values = {row["name"]: row["value"] for row in rows}
    assert not values.keys() - recorded().keys(), f"docs/evidence.toml: no record has {values.keys() - recorded().keys()}"
    for name, value in recorded().items():
        assert values[name] == value, f"docs/evidence.toml: {name} is {values[name]}, its record says {value}"
    for row in rows:
        assert (ROOT / row["where"]).exists(), f"docs/evidence.toml: {row['where']} is not there"
    # A figure of a record of earlier cores says so beside it.
    routed = {row["board"]: row["record"] for row in table("docs/boards.md", "Fmax by seed, MHz")}
    clock = next(row["what"] for row in rows if row["name"] == "ulx3s-clock")
    assert routed["ULX3S 85F"].startswith("stale") == ("stale" in clock), "docs/evidence.toml: ulx3s-clock: is its record stale?"
    lines = [f"| **{row['value']}** | {row['what']} | {row['tag']} | `{row['command']}` | `{row['where']}` |\n" for row in rows]
    return HEAD + "".join(lines)
