"""Builds a bus's Verilog with a simulator and runs its claims: run.py SIMULATOR TOP VERILOG FOLDER ROWS COLS."""

import pathlib
import sys

from cocotb.runner import get_results, get_runner

# The bus models do not run under the Verilator that Debian 12 has (5.006): it does not tell them of edges. There a loop drives the pins.
CLAIMS = {
    ("icarus", "gemv_axis"): "axis_claims",
    ("icarus", "gemv_wb"): "wb_claims",
    ("verilator", "gemv_axis"): "plain_claims",
}


def main(simulator, top, verilog, folder, rows, cols):
    here = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    runner = get_runner(simulator)
    # Every warning of the strict lint is looked at elsewhere (hdl/cores/tests/lint.rs); here Verilator is a simulator.
    arguments = ["-Wno-fatal", "-Wno-lint"] if simulator == "verilator" else ["-g2005"]
    scale = ("1ns", "1ps")
    runner.build(verilog_sources=[verilog], hdl_toplevel=top, build_dir=folder, build_args=arguments, timescale=scale, always=True)
    environment = {"ARRAY_ROWS": rows, "ARRAY_COLS": cols, "PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1"}
    results = runner.test(hdl_toplevel=top, test_module=CLAIMS[simulator, top], build_dir=folder, test_dir=folder, extra_env=environment)
    tests, failures = get_results(pathlib.Path(results))
    print(f"{simulator}: {tests} claims of {top}, {rows} x {cols}, {failures} failures")
    sys.exit(failures > 0 or tests == 0)


main(*sys.argv[1:])
