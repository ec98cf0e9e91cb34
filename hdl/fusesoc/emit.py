"""A generator of FuseSoC: the project's Verilog, emitted when a design asks for it.

FuseSoC calls it with a file of parameters: 'config' and 'port' for a board, or 'bus', 'rows' and 'cols' for the array alone. The command is
'nda' on the PATH, or what the variable NDA names."""

import os
import pathlib
import subprocess
import sys

import yaml


def emitted(parameters):
    """Options of 'nda emit', and the file that it writes."""
    if "bus" in parameters:
        options = ["--bus", parameters["bus"], "--rows", str(parameters["rows"]), "--cols", str(parameters["cols"])]
        return options, {"axi-stream": "gemv_axis.v", "wishbone": "gemv_wb.v"}[parameters["bus"]]
    config, port = parameters["config"], parameters["port"]
    return ["--config", config, "--port", port], f"board_{config}_{port}.v"


def main(file):
    asked = yaml.safe_load(pathlib.Path(file).read_text())
    options, name = emitted(asked["parameters"])
    command = [os.environ.get("NDA", "nda"), "emit", *options, "--out", "."]
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        sys.exit(f"error: {command[0]} is not there\n  help: put 'nda' on the PATH, or name it in the variable NDA ('make build' makes target/release/nda)")
    core = {
        "name": asked["vlnv"],
        "filesets": {"rtl": {"files": [name], "file_type": "verilogSource"}},
        "targets": {"default": {"filesets": ["rtl"]}},
    }
    # The first line is what FuseSoC knows a core by.
    pathlib.Path("emitted.core").write_text("CAPI=2:\n" + yaml.safe_dump(core))


main(sys.argv[1])
