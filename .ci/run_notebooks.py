#!/usr/bin/env python3
"""Run notebooks top to bottom and store their outputs; slow and CUDA cells keep the outputs they have.

A stamp in the notebook's metadata, a hash of the code that ran, lets .ci/check_notebooks.py find stale outputs.

usage, from the project's root:  python .ci/run_notebooks.py nbs/00_eda.ipynb ... [--flags "slow"]
after a change of code that can't change an output:  python .ci/run_notebooks.py --stamp nbs/00_eda.ipynb ...
"""
import argparse
import json
import os
from pathlib import Path

from common import LONG, STAMP, as_notebook, make_stamp

WIDGET = "application/vnd.jupyter.widget-view+json"


def stamp(path, ran_long=None):
    "Store the stamp: its code made its outputs, those of the long cells in `ran_long` (all by default) too"
    path = Path(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    nb = as_notebook(path.name, content)
    if ran_long is None: ran_long = {cell.id for cell in nb.code}
    content["metadata"][STAMP] = make_stamp(nb, ran_long, nb.metadata.get(STAMP, {}))
    text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False)  # as nbdev_clean writes it
    path.write_text(text + "\n", encoding="utf-8")


def without_widgets(outputs):
    "The outputs without widgets, which need a kernel; a picture that stands beside one is kept"
    kept = []
    for out in outputs:
        data = out.get("data", {})
        if data.pop(WIDGET, None) is None or "image/png" in data: kept.append(out)
    return kept


def run(path, wanted):
    import nbformat
    from nbclient import NotebookClient
    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(nb, timeout=None, coalesce_streams=True, resources={"metadata": {"path": "nbs"}})
    flags = [LONG & cell.directives.keys() for cell in as_notebook("", nb).cells]
    ran_long = set()
    try:
        with client.setup_kernel():
            for i, cell in enumerate(nb.cells):
                if cell.cell_type != "code": continue
                if not flags[i] - wanted:
                    client.execute_cell(cell, i)
                    ran_long.add(cell.id)
                cell.outputs = without_widgets(cell.outputs)
    finally: nbformat.write(nb, path)  # hours of work are kept, whatever cell fails
    stamp(path, ran_long)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+")
    parser.add_argument("--flags", default="", help="run cells so marked too: 'slow', 'cuda' or both")
    parser.add_argument("--stamp", action="store_true", help="run nothing: vouch that the outputs match the code")
    args = parser.parse_args()
    os.environ["IN_TEST"] = "1"  # the last cell's nbdev_export does nothing
    for path in args.notebooks:
        if args.stamp: stamp(path)
        else: run(path, set(args.flags.split()))


if __name__ == "__main__": main()
