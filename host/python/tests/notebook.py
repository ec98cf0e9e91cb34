"""Runs the notebook from its folder with the package in PACKAGES and looks at its end: notebook.py PACKAGES."""

import os
import pathlib
import sys

import nbclient
import nbformat

HERE = pathlib.Path(__file__).resolve().parent.parent


def main(packages: str) -> None:
    os.environ["PYTHONPATH"] = packages
    notebook = nbformat.read(HERE / "first_steps.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "the notebook is kept without what it printed"
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": HERE}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kinds = [kind for output in code[-1].outputs for kind in output.get("data", {})]
    assert "image/png" in kinds, kinds
    print(f"{len(code)} cells, and the last one ends with a plot")


main(*sys.argv[1:])
