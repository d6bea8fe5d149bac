#!/usr/bin/env python3
"""Run notebooks top to bottom and store their outputs; slow and CUDA cells keep the outputs they have.

usage, from the project's root:  python .ci/run_notebooks.py nbs/00_eda.ipynb ... [--flags "slow"]
"""
import argparse
import os
import re

import nbformat
from nbclient import NotebookClient

LONG = {"slow", "cuda", "eval: false"}


def flags_of(cell): return set(re.findall(r"^#\s*\|\s*(\w+|eval: *false)\s*$", cell.source, re.M)) & LONG


def run(path, wanted):
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(nb, timeout=None, resources={"metadata": {"path": "nbs"}})
    try:
        with client.setup_kernel():
            for i, cell in enumerate(nb.cells):
                if cell.cell_type == "code" and not flags_of(cell) - wanted: client.execute_cell(cell, i)
                if cell.cell_type == "code": cell.outputs = [o for o in cell.outputs if "application/vnd.jupyter.widget-view+json" not in o.get("data", {})]
    finally: nbformat.write(nb, path)  # hours of work are kept, whatever cell fails


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+")
    parser.add_argument("--flags", default="", help="run cells so marked too: 'slow', 'cuda' or both")
    args = parser.parse_args()
    os.environ["IN_TEST"] = "1"  # the last cell's nbdev_export does nothing
    for path in args.notebooks: run(path, set(args.flags.split()))


if __name__ == "__main__": main()
