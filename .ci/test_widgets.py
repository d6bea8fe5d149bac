#!/usr/bin/env python3
"""Try the explorers as a reader does: in JupyterLab, in a browser, with keyboard and mouse; at most a minute.

Where there is no browser (Chromium, Chrome, or one that `playwright install chromium` has fetched), or no playwright
or ipycanvas, it says NOT RUN and succeeds.

usage, from the project's root:  python .ci/test_widgets.py [--shot FOLDER]
"""
import argparse
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 60  # seconds, for everything
CELLS = ["""
import json
from pathlib import Path
import torch
from mnist_vit.data import load_data
from mnist_vit.detection import DetectionTransformer
from mnist_vit.explorers import DrawingPad, attention_explorer, scene_explorer
from mnist_vit.model import VisionTransformer
from mnist_vit.scenes import generate_scenes

torch.manual_seed(0)
digits = load_data("valid", "digits")
model = VisionTransformer().eval()
torch.nn.init.normal_(model.head.weight)  # untrained, but not the same for every image
detector = DetectionTransformer(image_size=56, position_canvas=0).eval()
scenes = generate_scenes(5, digits, min_digits=1, max_digits=3, canvas=56, scale=(1, 1), seed=0)

def report(name, widget, trait="value"):
    widget.observe(lambda change: Path(f"{name}.json").write_text(json.dumps(change.new)), trait)
""", """
explorer = attention_explorer(model, digits)
for name in ("digit", "block", "head"): report(name, explorer.controls[name])
explorer
""", """
of_scenes = scene_explorer(detector, scenes)
report("threshold", of_scenes.controls["threshold"])
of_scenes
""", """
pad = DrawingPad(model)
report("answer", pad.answer)
pad
"""]


def find_browser(playwright):
    "The path of a browser, or None"
    own = playwright.chromium.executable_path
    if Path(own).exists(): return own
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def notebook():
    cells = [{"cell_type": "code", "id": f"c{i}", "source": source.strip(), "metadata": {}, "outputs": [],
              "execution_count": None} for i, source in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def start_lab(folder):
    "A JupyterLab that knows nothing of the user's settings; its process and address"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex()
    home = folder/"home"
    settings = home/"settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')  # nothing from the network
    here = {"HOME": home, "IPYTHONDIR": home/"ipython", "JUPYTER_CONFIG_DIR": home/"config",
            "JUPYTER_DATA_DIR": home/"data", "JUPYTER_RUNTIME_DIR": home/"runtime", "JUPYTERLAB_SETTINGS_DIR": home/"settings"}
    env = {**os.environ, **{name: str(path) for name, path in here.items()}}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
               f"--IdentityProvider.token={token}"]
    log = (folder/"lab.log").open("w")
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    while True:  # until it listens
        if process.poll() is not None: sys.exit((folder/"lab.log").read_text())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0: break
        time.sleep(0.1)
    return process, f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb?token={token}"


def reported(folder, name, wanted, page):
    "Wait until the kernel has seen a value"
    path, found = folder/f"{name}.json", None
    while True:
        if path.exists() and path.read_text(): found = json.loads(path.read_text())
        if found is not None and wanted(found): return found
        page.wait_for_timeout(50)


def picture(output): return output.locator("img").get_attribute("src")


def changed(output, before, page):
    "Wait until an explorer shows another picture than before"
    while (src := picture(output)) == before: page.wait_for_timeout(50)
    return src


def try_widgets(page, folder, step):
    page.get_by_text("| Idle").wait_for()  # the kernel has started
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    outputs = page.locator(".jp-OutputArea-child")
    attention, scene, pad = (outputs.filter(has=page.locator(f".widget-{kind}")).nth(i) for kind, i in
                             (("dropdown", 0), ("slider", 1), ("hprogress", 0)))
    attention.locator("img").wait_for()
    step("the explorers are shown")

    before = picture(attention)
    digit, block = (attention.locator(".noUi-handle").nth(i) for i in (0, 1))
    digit.focus()
    digit.press("ArrowRight")
    reported(folder, "digit", lambda value: value == 1, page)
    before = changed(attention, before, page)
    block.focus()
    block.press("ArrowLeft")
    reported(folder, "block", lambda value: value == 3, page)
    before = changed(attention, before, page)
    attention.locator("select").select_option("head 2")
    reported(folder, "head", lambda value: value == 2, page)
    changed(attention, before, page)
    step("attention: digit, block and head can be chosen")

    before = picture(scene)
    threshold = scene.locator(".noUi-handle").nth(1)
    threshold.focus()
    threshold.press("End")
    reported(folder, "threshold", lambda value: value > 0.9, page)
    changed(scene, before, page)
    step("scenes: the threshold can be moved")

    canvas = pad.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    ink = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    blank = canvas.evaluate(ink)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for x, y in ((160, 60), (110, 120), (90, 190)):  # a 7
        page.mouse.move(box["x"] + x, box["y"] + y, steps=8)
    reported(folder, "answer", lambda text: "predicted" in text, page)  # while the button is down
    page.mouse.up()
    pad.get_by_text("predicted:").wait_for()
    assert canvas.evaluate(ink) > blank, "the canvas shows no line"
    pad.get_by_role("button", name="Clear").click()
    pad.get_by_text("draw a digit").wait_for()
    step("the drawing pad predicts while one draws, and can be cleared")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shot", help="a folder for a picture of the page at the end")
    args = parser.parse_args()
    lacking = [name for name in ("playwright", "jupyterlab", "ipycanvas") if not importlib.util.find_spec(name)]
    if lacking: return print(f"NOT RUN: {', '.join(lacking)} is not installed; the explorers were not tried")
    from playwright.sync_api import sync_playwright
    start = time.monotonic()

    def step(what): print(f"{time.monotonic() - start:5.1f} s  {what}", flush=True)

    def too_late(*_): sys.exit(f"not done after {LIMIT} s")

    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory() as tmp, sync_playwright() as playwright:
        executable = find_browser(playwright)
        if not executable: return print("NOT RUN: there is no Chromium or Chrome; the explorers were not tried")
        folder = Path(tmp)
        (folder/"widgets.ipynb").write_text(json.dumps(notebook()))
        lab, address = start_lab(folder)
        try:
            step("JupyterLab listens")
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1600})
            page.goto(address)
            page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
            try: try_widgets(page, folder, step)
            finally:
                if args.shot: page.screenshot(path=Path(args.shot)/"widgets.png")
            browser.close()
        finally:
            os.killpg(lab.pid, signal.SIGTERM)
            lab.wait()


if __name__ == "__main__": main()
