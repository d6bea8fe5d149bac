#!/usr/bin/env python3
"""Build the page to draw on: nbs/draw, the models as ONNX files, and onnxruntime-web from npm. Needs npm, not Quarto.

usage, from the project's root:  python .ci/build_draw.py FOLDER
to try it:                       python -m http.server -d FOLDER
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import NBS

PAGE = NBS / "draw"
MODELS = "digit", "scene"  # names of shipped weights
RUNTIME = "ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"
PACKAGES = "package.json", "package-lock.json"


class Offline(Exception):
    "npm cannot reach its registry"


def install_runtime(folder):
    "Put onnxruntime-web, in the version of the lock file, into a folder"
    with tempfile.TemporaryDirectory() as tmp:
        for name in PACKAGES: shutil.copy(PAGE / name, tmp)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        done = subprocess.run(command, cwd=tmp, capture_output=True, text=True)
        if done.returncode and any(word in done.stderr for word in ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ETIMEDOUT")):
            raise Offline(done.stderr.strip().splitlines()[0])
        if done.returncode: sys.exit(f"npm ci failed:\n{done.stderr}")
        folder.mkdir(parents=True, exist_ok=True)
        for name in RUNTIME: shutil.copy(Path(tmp, "node_modules/onnxruntime-web/dist", name), folder)


def build(folder):
    "Put the page and all that it loads into a folder"
    from mnist_vit.onnx_export import export_onnx
    folder = Path(folder)
    install_runtime(folder / "ort")
    for path in PAGE.iterdir():
        if path.is_file() and path.name not in PACKAGES: shutil.copy(path, folder)
    for name in MODELS: export_onnx(name, folder / f"{name}.onnx")


if __name__ == "__main__":
    if len(sys.argv) != 2: sys.exit(__doc__)
    build(sys.argv[1])
