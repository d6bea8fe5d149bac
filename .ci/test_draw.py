#!/usr/bin/env python3
"""Try the page to draw on in a browser: its preparation beside Python's, then mouse, finger and keyboard; some minutes.

Where there is no npm or no way to its registry, no browser (Chromium, Chrome, or one that `playwright install chromium`
has fetched), or no playwright or onnx, it says NOT RUN and succeeds.

usage, from the project's root:  python .ci/test_draw.py [--shot FOLDER] [--site FOLDER, built by .ci/build_draw.py]
"""
import argparse
import base64
import importlib.util
import shutil
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from build_draw import Offline, build
from test_widgets import find_browser

WIDTH, HEIGHT = 560, 400  # of the paper, as in pad.js
COUNT = 100  # drawings of one digit, and as many of several
FINGER = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


# --- the drawings

def paste(paper, digit, box):
    "Lay a digit of MNIST's kind, made as large as the box, onto the paper"
    from PIL import Image
    x, y, side = box
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    part = paper[y:y + side, x:x + side]
    np.maximum(part, np.where(np.asarray(large) > 12, large, 0), out=part)


def drawings():
    "(2 * COUNT, HEIGHT, WIDTH) uint8, 255 = ink: first drawings of one digit, then of 2 to 8"
    from mnist_vit.data import load_data
    digits, rng = load_data("test").images.numpy(), np.random.default_rng(0)
    papers = np.zeros((2 * COUNT, HEIGHT, WIDTH), np.uint8)
    for i, paper in enumerate(papers):
        columns, rows = (1, 1) if i < COUNT else (4, 2)
        cells = rng.permutation(columns * rows)[:1 if i < COUNT else rng.integers(2, 9)]
        for cell in cells:
            left, top = WIDTH // columns * (cell % columns), HEIGHT // rows * (cell // columns)
            side = int(rng.integers(60, 390 if i < COUNT else 135))
            x = left + rng.integers(0, WIDTH // columns - side + 1)
            y = top + rng.integers(0, HEIGHT // rows - side + 1)
            paste(paper, digits[rng.integers(len(digits))], (x, y, side))
    papers[1] = 0  # blank, a dot, a long line
    papers[2] = 0
    papers[2, 100:116, 100:116] = 255
    papers[COUNT + 1, 380:390, 10:550] = 255
    return papers


# --- what Python and the page make of them

def prepared(ink, several):
    "The inputs of the model (n, S, S) that Python prepares"
    from mnist_vit.pages import page_inputs
    from mnist_vit.preparation import clear_paper, prepare_digit
    clean = clear_paper(ink)
    if several: return np.array([image for image, _ in page_inputs(clean)]).reshape(-1, 112, 112)
    return prepare_digit(clean)[None]


COMPARE = """async ([several, count]) => {
  const {reader} = await import('./main.js'), preparation = await import('./preparation.js')
  const bytes = new Uint8Array(await (await fetch('drawings.bin')).arrayBuffer()), size = 560 * 400
  const encoded = images => {
    const pixels = new Uint8Array(Float32Array.from(images.flatMap(image => [...image.data])).buffer)
    let text = ''
    for (let i = 0; i < pixels.length; i += 8192) text += String.fromCharCode(...pixels.subarray(i, i + 8192))
    return btoa(text)
  }
  const results = []
  for (let i = 0; i < count; i++) {
    const levels = bytes.subarray((several * count + i) * size, (several * count + i + 1) * size)
    const drawing = {data: Float32Array.from(levels, level => level / 255), width: 560, height: 400}
    const clean = preparation.clearPaper(drawing)
    const start = performance.now()
    const found = several ? await reader.read(drawing) : await reader.predict(drawing)
    const ms = performance.now() - start
    const inputs = several ? preparation.pageInputs(clean).map(window => window.image) : [preparation.prepareDigit(clean)]
    const answer = several ? found.map(({digit, box, score}) => [digit, ...box, score]) : found && [found.digit, ...found.probabilities]
    results.push({answer, ms, inputs: encoded(inputs)})
  }
  return results
}"""


def compare_preparation(page, papers, step):
    "The same inputs in both, to rounding; and the digits that mnist_vit_predict reads in a picture of the drawing"
    from mnist_vit.inference import DigitReader
    for several, name in ((0, "digit"), (1, "scene")):
        reader, worst, same, scores, times = DigitReader.from_pretrained(name), 0., 0, [], []
        for paper, result in zip(papers[several * COUNT:], page.evaluate(COMPARE, [several, COUNT])):
            wanted = prepared(paper.astype(np.float32) / 255, several)
            got = np.frombuffer(base64.b64decode(result["inputs"]), np.float32).reshape(-1, *wanted.shape[1:])
            assert got.shape == wanted.shape, (got.shape, wanted.shape)
            worst = max([worst, *np.abs(got - wanted).ravel()])
            same += agrees(reader, 255 - paper, result["answer"], several, scores)
            times.append(result["ms"])
        what = "pages of 2 to 8 digits" if several else "drawings of one digit"
        step(f"{COUNT} {what}: inputs differ by at most {worst:.0e}, {same} answers as in Python (scores within "
             f"{max(scores):.0e}); {np.median(times):.0f} ms each in the browser (median; 95 %: {np.quantile(times, .95):.0f})")
        assert worst < 1e-4 and same >= 0.98 * COUNT  # Python also has to find the paper, to which a score may owe its side of 0.5


def agrees(reader, picture, answer, several, scores):
    "Whether Python reads the same digits in a picture of the drawing, at the same places"
    if not several:
        digit, probabilities = reader.predict(picture, "light")
        if digit is None: return answer is None
        scores.append(abs(max(answer[1:]) - float(probabilities.max())))
        return answer[0] == digit
    found = reader.read(picture, "light")
    if [d.digit for d in found] != [d[0] for d in answer]: return False
    scores += [abs(d.score - other[5]) for d, other in zip(found, answer)]
    return all(np.abs(np.subtract(d.position, other[1:5])).max() < 6 for d, other in zip(found, answer))


# --- the page, as people use it

def answer_of(page, wanted):
    "Wait until the page says this"
    page.wait_for_function("text => document.getElementById('answer').textContent.startsWith(text)", arg=wanted)


TWO = [(0, 25), (15, 0), (45, -10), (75, 5), (78, 40), (55, 85), (20, 130), (0, 157), (40, 153), (90, 157)]


def draw_two(page, left=60, top=105):
    "With the mouse; the button stays down"
    box = page.locator("#marks").bounding_box()
    scale = box["width"] / WIDTH
    places = [(box["x"] + scale * (left + x), box["y"] + scale * (top + y)) for x, y in TWO]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]: page.mouse.move(*place, steps=4)


def try_mouse(page):
    draw_two(page)
    answer_of(page, "2")  # while the button is down
    page.mouse.up()
    draw_two(page, 330, 120)
    page.mouse.up()
    answer_of(page, "2 2")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("document.querySelectorAll('#digits button').length === 1")
    page.get_by_label("one digit").check()
    answer_of(page, "2 (")
    page.get_by_role("button", name="Clear").click()
    answer_of(page, "Draw a digit")
    page.get_by_label("a page of digits").check()
    page.get_by_role("button", name="Draw an example").click()
    answer_of(page, "2 5 8")


def shoot(page, shots):
    "Pictures of the page, as the README and the chapter have them"
    page.locator("#digits button").nth(1).click()
    page.screenshot(path=shots / "draw_page.png")
    page.get_by_label("one digit").check()
    page.get_by_role("button", name="Clear").click()
    draw_two(page)
    page.mouse.up()
    answer_of(page, "2 (")
    page.screenshot(path=shots / "draw_digit.png")
    page.get_by_label("a page of digits").check()


def try_keyboard(page):
    "A 1, and then back, without a pointer"
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("a page of digits").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "marks"
    for _ in range(7): page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(15): page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    answer_of(page, "1")
    for _ in range(3): page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").startswith("1")  # the digit's button
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    page.locator("#marks").focus()
    page.keyboard.press("Backspace")
    answer_of(page, "Draw some digits")


def try_finger(browser, address, shots):
    "At the width of a phone, in the dark theme"
    page = browser.new_context(**FINGER, color_scheme="dark").new_page()
    page.goto(address)
    answer_of(page, "Draw")
    touch = page.context.new_cdp_session(page)
    box = page.locator("#marks").bounding_box()

    def send(kind, *points):
        places = [{"x": box["x"] + x * box["width"] / WIDTH, "y": box["y"] + y * box["width"] / WIDTH} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    for i, (x, y) in enumerate(TWO): send("touchMove" if i else "touchStart", (x + 100, y + 60))
    send("touchEnd")
    answer_of(page, "2")
    assert page.evaluate("scrollY") == 0, "drawing scrolls the page"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "the page is wider than a phone"
    ground, text = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    assert (ground, text) == ("rgb(34, 34, 34)", "rgb(241, 241, 241)"), (ground, text)
    if shots: page.screenshot(path=shots / "draw_phone.png")
    page.evaluate("localStorage.setItem('quarto-color-scheme', 'default')")  # the site's light theme was chosen
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.context.close()


# --- all of it

class Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *args): pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, address): pass  # a page was closed while it loaded


def try_page(playwright, executable, site, shots, step):
    papers = drawings()
    (site / "drawings.bin").write_bytes(papers.tobytes())
    server = Server(("127.0.0.1", 0), partial(Handler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/index.html"
    browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1000, "height": 680})
    page.set_default_timeout(60_000)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    start = time.monotonic()
    page.goto(address)
    answer_of(page, "Draw some digits")
    step(f"the page is ready {time.monotonic() - start:.1f} s after it was asked for")
    compare_preparation(page, papers, step)
    try_mouse(page)
    if shots: shoot(page, shots)
    step("mouse: what is drawn is read while it is drawn, by both models; undo, clear and the example work")
    try_keyboard(page)
    step("keyboard: a digit can be drawn, chosen and taken back")
    try_finger(browser, address, shots)
    step("finger: at 390 pixels, in both themes")
    assert not faults, faults
    browser.close()
    server.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shot", type=Path, help="a folder for pictures of the page")
    parser.add_argument("--site", type=Path, help="a page that .ci/build_draw.py has built already")
    args = parser.parse_args()
    lacking = [name for name in ("playwright", "onnx", "onnxscript") if not importlib.util.find_spec(name)]
    if lacking or not (args.site or shutil.which("npm")):
        return print(f"NOT RUN: {', '.join(lacking) or 'npm'} is not installed; the page to draw on was not tried")
    from playwright.sync_api import sync_playwright
    start = time.monotonic()

    def step(what): print(f"{time.monotonic() - start:5.1f} s  {what}", flush=True)

    with tempfile.TemporaryDirectory() as tmp, sync_playwright() as playwright:
        executable = find_browser(playwright)
        if not executable: return print("NOT RUN: there is no Chromium or Chrome; the page to draw on was not tried")
        site = Path(tmp, "draw")
        try:
            if args.site: shutil.copytree(args.site, site)
            else: build(site)
        except Offline as e: return print(f"NOT RUN: npm cannot fetch onnxruntime-web ({e}); the page was not tried")
        step("the page is built")
        try_page(playwright, executable, site, args.shot, step)


if __name__ == "__main__": main()
