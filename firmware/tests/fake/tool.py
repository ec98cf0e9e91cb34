#!/usr/bin/env python3
"""Stands for every tool of the flow in the tests: writes what the tool would write, doctored as `doctor.json` says.

The netlist has nothing in it but the identity module, the routed design nothing but its LUTs, the pads and the memories that have a site.
"""

import json
import pathlib
import sys

TOOL = pathlib.Path(sys.argv[0])
DOCTOR = json.loads((TOOL.parent.parent / "doctor.json").read_text())
ARGS = sys.argv[1:]


def value(option):
    return ARGS[ARGS.index(option) + 1]


def yosys():
    log = pathlib.Path(value("-l"))
    log.write_text("Reading.\n" + ("ERROR: syntax error in board.v\n" if DOCTOR["fail"] == TOOL.name else ""))
    module = {
        "attributes": {},
        "ports": {
            "address": {"direction": "input", "bits": [2, 3, 4, 5]},
            "data": {"direction": "output", "bits": list(range(6, 6 + DOCTOR["data_bits"]))},
        },
        "cells": {},
        "netnames": {},
    }
    top = {"attributes": {}, "cells": {"i": {"type": "board_engine_identity"}, "a": {"type": "SB_LUT4"}}}
    netlist = {"creator": "fake", "modules": {"top": top, "board_engine_identity": module}}
    pathlib.Path("netlist.json").write_text(json.dumps(netlist))


def nextpnr():
    if value("--seed") in DOCTOR["unplaced"]:
        print("ERROR: Unable to find legal placement for all cells, design is probably at utilisation limit.")
        sys.exit(1)
    netlist = json.loads(pathlib.Path(value("--json")).read_text())
    table = netlist["modules"]["board_engine_identity"]["cells"]
    cells = {}
    for name, cell in table.items():
        init = next(iter(cell["parameters"].values()))
        if name == DOCTOR["flipped_bit"]:
            init = init[:-1] + ("0" if init[-1] == "1" else "1")
        cells[f"board.engine.identity.{name}_LC"] = {
            "parameters": {"LUT_INIT": init},
            "connections": {port: bits for port, bits in cell["connections"].items() if port != "O"},
        }
    for pad, io_type in DOCTOR["pads"].items():
        cells[pad] = {"attributes": {"&IO_TYPE=" + io_type: "1"} if io_type else {}}
    for cell, site in DOCTOR["sites"].items():
        cells[cell] = {"attributes": {"NEXTPNR_BEL": site} if site else {}}
    pathlib.Path(value("--write")).write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    report = {"fmax": DOCTOR["fmax"], "utilization": DOCTOR["utilization"]}
    pathlib.Path(value("--report")).write_text(json.dumps(report))
    pathlib.Path(value("--log")).write_text(DOCTOR["log"])
    for option in ("--asc", "--textcfg"):
        if option in ARGS:
            pathlib.Path(value(option)).write_text(f"{option[2:]} of seed {value('--seed')}")


def pack():
    if "icepack" in TOOL.name:
        source, target = ARGS[-2:]
    elif "ecppack" in TOOL.name:
        source, target = value("--input"), value("--bit")
    else:
        source, target = ARGS[-1], value("-o")
    pathlib.Path(target).write_bytes(pathlib.Path(source).read_bytes())


if "yosys" in TOOL.name:
    yosys()
elif "nextpnr" in TOOL.name:
    nextpnr()
else:
    pack()
if DOCTOR["fail"] == TOOL.name:
    print("this tool fails")
    sys.exit(3)
