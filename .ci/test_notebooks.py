#!/usr/bin/env python3
"""Run the test command, time each notebook, and note in RESULTS which passed.

A notebook that never started (skipped silently) or never ended fails, and so does one much slower than in an EARLIER
run, where there is one: the file of its TIMES.

usage, from the project's root:  python .ci/test_notebooks.py RESULTS TIMES EARLIER COMMAND...
"""
import json
import re
import subprocess
import sys
import time
from pathlib import Path

SLOWER = 10, 0.5  # seconds, or share of its time, that a notebook may take longer than in the earlier run


def watch(command):
    "When each notebook began, the seconds it took, those that failed, and the command's exit status"
    began, took, failed, listing = {}, {}, set(), False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                for what, name in re.findall(r"(Starting|Completed) \S*?([^/\s]+\.ipynb)", line):
                    if what == "Starting": began[name] = time.monotonic()
                    else: took[name] = time.monotonic() - began[name]
                listing = listing or "Tests Failed On The Following Notebooks" in line
                if listing and line.startswith("\t"): failed.add(line.strip())
        except BaseException:  # Ctrl-C, which the command may ignore
            process.terminate()
            raise
    return began, took, failed, process.returncode


def main():
    results, times, earlier = map(Path, sys.argv[1:4])
    began, took, failed, status = watch(sys.argv[4:])
    times.write_text(json.dumps(took))
    before = json.loads(earlier.read_text()) if earlier.exists() else {}

    def fault(name):
        if name not in began: return "skipped silently: it never started"
        if name not in took: return "never ended"
        if name in failed: return "failed"
        usual = before.get(name, took[name])
        if took[name] > usual + max(SLOWER[0], SLOWER[1] * usual): return f"it took {before[name]:.0f} s in the earlier run"

    names = sorted(path.name for path in Path("nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    faults = {name: fault(name) for name in names}
    if status and not any(faults.values()): faults["the test command"] = f"exit status {status}"
    with results.open("a") as log:
        for name, what in faults.items():
            outcome = f"{'failed' if what else 'passed'} {name} ({times.stem} pass)"
            print(f"{outcome}, {took.get(name, 0):.0f} s{': ' + what if what else ''}")
            print(outcome, file=log)


if __name__ == "__main__": main()
