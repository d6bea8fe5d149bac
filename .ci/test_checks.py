#!/usr/bin/env python3
"""Test the checks themselves: each must pass what is right and find what is made wrong here.

usage, from the project's root:  python .ci/test_checks.py
"""
import copy

import check_links
import check_notebooks
import check_site
import make_readme
from check_notebooks import INSTALL, colab_button, faults_of, read_package
from common import STAMP, as_notebook, make_stamp

NAME = "02_parts.ipynb"
PICTURE = [{"output_type": "display_data", "data": {"image/png": "..."}, "metadata": {}}]
TEXT = [{"output_type": "execute_result", "data": {"text/plain": ["3"]}, "metadata": {}}]
PRINTED = [{"output_type": "stream", "name": "stdout", "text": ["3"]}]
EXPORTED = '#| exports\ndef cut(\n    x:int, # an image\n) -> int: # patches\n    "Cut it"\n    if x < 0: return 0\n    return x'
FIGURE = '#| fig-cap: "What it shows"\n#| fig-alt: "A line"\nplot(cut(3))'
INDEX = {"mnist_vit.parts": {"mnist_vit.parts.cut": (), "mnist_vit.parts._hidden": ()},
         "mnist_vit.later": {"mnist_vit.later.train": ()}}


def code(source, outputs=(), id=None):
    return {"cell_type": "code", "id": id or f"{abs(hash(source)):x}"[:8], "source": source, "outputs": [*outputs]}


def prose(source): return {"cell_type": "markdown", "id": "0", "source": source}


GOOD = [code("#| default_exp parts"), prose("# Parts\n\n> What a model is made of"), prose(colab_button(NAME)),
        code(INSTALL), prose("It begins with [the digits](00_eda.ipynb), which `cut` cuts."),
        code("#| export\nfrom mnist_vit.data import load"), code(EXPORTED), code(FIGURE, PICTURE),
        code("#| slow\ntrain_for_hours()", TEXT, id="slowone"),
        prose("::: {.callout-tip}"), code("assert cut(3) == 3"), prose(":::")]


def notebook(cells, stamped=None):
    "A notebook with these cells, whose outputs were made by the code in `stamped`"
    content = {"cells": cells, "metadata": {}}
    nb = as_notebook(NAME, {"cells": stamped or cells})
    content["metadata"][STAMP] = make_stamp(nb, {"slowone"}, {})
    return as_notebook(NAME, content)


def package(*more):
    data = as_notebook("00_eda.ipynb", {"cells": [code("#| default_exp data")]})
    later = as_notebook("11_training.ipynb", {"cells": [code("#| default_exp later"), code("#| export\ndef train(): pass")]})
    return read_package([data, later, notebook(GOOD), *more], INDEX)


def changed(at, cell):
    "The good notebook with one cell exchanged"
    cells = copy.deepcopy(GOOD)
    cells[at] = cell
    return notebook(cells)


def added(cell): return notebook([*GOOD, cell])


WRONG = {  # a piece of the fault that must be found, and no other -> the notebook
    "needs a cell with `# Title`": changed(1, prose("# Parts\n\nNo subtitle")),
    "lacks the cell with its Colab button": changed(2, prose(colab_button("03_other.ipynb"))),
    "lacks the install cell": changed(3, code("#| hide")),
    "exported code 105 columns wide": added(code(f"#| export\nx = '{'x' * 99}'" + "\ny = 3" * 50)),
    "code lines are shown and wider than 88": added(code("\n".join(f"x = '{'x' * 90}'" for _ in range(9)))),
    "several statements in a line: x = 1; y": added(code("x = 1; y = 2")),
    "several statements in a line: for x in y: print(x)": added(code("for x in y: print(x)")),
    "imports and other code in one cell": added(code("import os\nprint(os.sep)")),
    "`:::` is not closed": added(prose("::: {.callout-note}")),
    "`:::` closes nothing": added(prose(":::")),
    "backticks inside a link text": added(prose("see [`load`](00_eda.ipynb)")),
    "a link text that is a file name, [00_eda]": added(prose("see [00_eda](00_eda.ipynb)")),
    "a link text that is a file name, [model.py]": added(prose("see [model.py](https://example.org)")),
    "`cut` in a docment": added(code("#| export\ndef join(x): # like `cut`\n    return x")),
    "`_hidden` becomes a link to what no page": added(prose("as `_hidden` does")),
    "a figure without fig-alt": changed(7, code('#| fig-cap: "It"\nplot(cut(3))', PICTURE)),
    "its caption would go to its value": changed(7, code(FIGURE, [*TEXT, *PICTURE])),
    "shows a figure twice": changed(7, code(FIGURE, [*PICTURE, *PICTURE])),
    "its code has changed since": notebook(GOOD, [*GOOD, code("removed()")]),
    "its code has changed": notebook(GOOD, [*GOOD[:6], code(EXPORTED.replace("return 0", "return 1")), *GOOD[7:]]),
    "this slow cell has changed": notebook(GOOD, [*GOOD[:8], code("#| slow\nother()", id="slowone"), *GOOD[9:]]),
    "no stamp": as_notebook(NAME, {"cells": GOOD}),
    "imports the private _load of data": added(code("from mnist_vit.data import _load")),
    "uses the private data._load": notebook([*GOOD, code("from mnist_vit import data"), code("data._load(3)")]),
    "uses later, which a later chapter (11) builds": added(code("from mnist_vit.later import train")),
    "uses later, which a later": added(code("from mnist_vit import train")),
}
RIGHT = [notebook(GOOD), added(code("print(3)", PRINTED)), changed(7, code(FIGURE, [*PICTURE, *PRINTED])),
         changed(7, code("#| hide\nplot(cut(3))", PICTURE)), added(code("from mnist_vit.parts import _hidden")),
         notebook(GOOD, [*GOOD, prose("once more prose")]),
         notebook(GOOD, [*GOOD[:6], code(EXPORTED.replace("an image", "its side").replace("Cut it", "Cut")), *GOOD[7:]]),
         added(prose("```\n[`x`](y.md) :::\n```"))]


def test_notebooks():
    for nb in RIGHT: assert not faults_of(nb, package()), faults_of(nb, package())
    for piece, nb in WRONG.items():
        faults = faults_of(nb, package())
        assert len(faults) == 1 and piece in faults[0], (piece, faults)
    for check in check_notebooks.NOTEBOOK_CHECKS:
        assert any([*check(nb, package())] for nb in WRONG.values()), f"{check.__name__} found nothing"


def test_modules():
    good = {"a": "from .b import x", "b": "def f():\n    from .a import y", "c": "import mnist_vit.a"}
    circle = good | {"b": "from mnist_vit.c import x"}
    assert not [*check_notebooks.circles(good)]
    assert "a → b → c → a" in [*check_notebooks.circles(circle)][0][1]
    light = {"model": "from .other import x", "other": "import torch\ndef f(): import PIL"}
    assert not [*check_notebooks.weights(light)]
    for line in ("from PIL import Image", "import urllib.request", "from urllib import request", "import matplotlib.pyplot as p"):
        assert [name for name, _ in check_notebooks.weights(light | {"other": line})] == ["model"], line
    assert [name for name, _ in check_notebooks.lengths({"a": "# %% cell\n\n" + "x\n" * 260, "b": "x\n" * 261})] == ["b"]


def test_links():
    titles = {"index.ipynb": "Home", "00_eda.ipynb": "00 Digits", "01_patching.ipynb": "01 Patches"}
    first, second = ({"text": titles[name], "href": name} for name in [*titles][1:])
    sidebar = {"contents": ["index.ipynb", {"section": "One", "contents": [first, second]}]}
    assert not [*check_links.sidebar_faults(sidebar, titles)]
    for contents, piece in {"index.ipynb": "lacks 00_eda", "gone.ipynb": "has gone.ipynb"}.items():
        assert any(piece in fault for fault in check_links.sidebar_faults({"contents": [contents]}, titles)), piece
    for contents, piece in (([second, first], "not in the order"), ([first | {"text": "Digits"}, second], "calls 00_eda")):
        faults = [*check_links.sidebar_faults({"contents": ["index.ipynb", *contents]}, titles)]
        assert len(faults) == 1 and piece in faults[0], faults
    rows = "| [00 Digits](00_eda.ipynb) | a |\n| [01 Patches](01_patching.ipynb) | b |\n"
    assert not [*check_links.chapter_list_faults(rows, titles)]
    for wrong in (rows[rows.index("\n"):], rows.replace("01 Patches", "01 Patching")):
        assert len([*check_links.chapter_list_faults(wrong, titles)]) == 1, wrong
    head = '  navbar:\n  - text: "Look"\n    href: 00_eda.ipynb\n  sidebar:\n'
    old = '  - text: "Old"\n    href: 00_eda.ipynb\n  - text: "Gone"\n    href: 02_gone.ipynb\n'
    new = '  - text: "00 Digits"\n    href: 00_eda.ipynb\n  - text: "01 Patches"\n    href: 01_patching.ipynb\n'
    assert check_links.synced(head + old, titles) == check_links.synced(head + new, titles) == head + new
    assert not [*check_links.contrast_faults("$link-color: #0a6b58;", ["#ffffff"])]
    assert len([*check_links.contrast_faults("$link-color: #18bc9c;", ["#ffffff", "#000000"])]) == 1
    wrong = ["[a](nowhere.ipynb)", "[a](../setup.py)", f"[a]({check_links.GITHUB}/blob/{check_links.BRANCH}/nowhere)",
             f"[a]({check_links.DOCS}/nowhere.html)", check_links.COLAB.replace(check_links.USER, "other") + "/setup.py"]
    for text in wrong: assert [*check_links.link_faults(text, check_links.NBS)], text
    right = "[a](index.ipynb) `[b](nowhere.ipynb)` <a href='https://example.org'>c</a>"
    assert not [*check_links.link_faults(right, check_links.NBS)]


PAGE = f"""<html><head><title>Parts</title><link rel="icon" href="favicon.svg"><link rel="canonical" href="/gone.html"></head>
<body><h1 id="parts">Parts</h1><p>{colab_button(NAME)}</p><a href="./index.html#top">home</a> <a href="#parts">up</a>
<a href="https://example.org/x.html#y">out</a> <a href="{check_links.DOCS}/parts.html#parts">us</a>
<img src="a%20b.png" alt="A digit"><details class="code-fold"><summary>Exported source</summary>
<pre>x[3](4)</pre></details><details open><summary>Code</summary></details>
<div id="quarto-embedded-source-code">[a](b.html)</div></body></html>"""
HOME = '<html><head><title>Home</title><link rel="icon" href="favicon.svg"></head><body id="top"></body></html>'
LOST = HOME.replace("favicon.svg", check_site.SITE.path + "/favicon.svg")
FILES = {"index.html", "404.html", "parts.html", "favicon.svg", "a b.png"}
WRONG_PAGES = {  # a piece of the fault that must be found, and no other -> the page
    "has no title": PAGE.replace("<title>Parts</title>", ""),
    "has no favicon": PAGE.replace('rel="icon"', 'rel="other"'),
    "a picture without alt text": PAGE.replace('alt="A digit"', ""),
    "raw Markdown in the text": PAGE.replace("x[3](4)", "see [x](https://example.org)"),
    "raw Markdown in the text: ": PAGE.replace("x[3](4)", "see [x](parts.html#parts)"),
    "the signature of Digits does not": PAGE.replace("x[3](4)", "def <b>Digits</b>(\n    *args, **kwargs\n):"),
    "the signature of Recipe does not": PAGE.replace("x[3](4)", "def Recipe(\n    **data:Any\n)"),
    "exported source is not folded": PAGE.replace('class="code-fold"', 'class="code-fold" open'),
    "./gone.html leads nowhere": PAGE.replace("./index.html#top", "./gone.html"),
    "gone.png leads nowhere": PAGE.replace("a%20b.png", "gone.png"),
    "#gone leads to an anchor": PAGE.replace('"#parts"', '"#gone"'),
    "./index.html#gone leads to an anchor": PAGE.replace("#top", "#gone"),
    "/parts.html#gone leads to an anchor": PAGE.replace("/parts.html#parts", "/parts.html#gone"),
    "its Colab button is no link": PAGE.replace(colab_button(NAME), '<img src="favicon.svg" alt="Open in Colab">'),
}


def site(page, notebooks=(NAME,)):
    pages = {"parts.html": page, "index.html": HOME, "404.html": LOST}
    pages = {name: check_site.Page(html) for name, html in pages.items()}
    return [fault for _, fault in check_site.site_faults(pages, FILES, notebooks)]


def test_site():
    assert not site(PAGE), site(PAGE)
    for piece, page in WRONG_PAGES.items():
        faults = site(page)
        assert len(faults) == 1 and piece in faults[0], (piece, faults)
    assert site(PAGE, [NAME, "03_more.ipynb"]) == ["is not there, though 03_more.ipynb is"]


def test_readme():
    text = ('::: {.callout-tip collapse="true" title="Why"}\n[a](00_eda.ipynb#x){.b} <a href="02_x.ipynb"><img src="i/a.png"></a>\n'
            ":::\n\n```\n::: [c](d)\n```")
    assert make_readme.prose(text) == ('[a](nbs/00_eda.ipynb#x) <a href="nbs/02_x.ipynb"><img src="nbs/i/a.png"></a>\n'
                                       "\n```\n::: [c](d)\n```"), make_readme.prose(text)
    table = {"output_type": "display_data", "data": {"text/markdown": "| a |\n|---|\n| 3 |", "text/plain": "<Markdown>"}}
    assert make_readme.code("#| echo: false\nshow()", [table]) == ["| a |\n|---|\n| 3 |"]
    assert make_readme.code("#| hide\nshow()", [table]) == []


def test_signatures():
    from build_docs import fields_of
    fields = "class Digits(NamedTuple):\n    'Some'\n    images:Tensor # uint8\n    labels:int=0\n"
    assert fields_of(fields) == "def Digits(\n    images:Tensor, # uint8\n    labels:int=0,\n):"
    keys = "class Mine(Recipe):\n    lr: float = Field(3e-3, gt=0, description='rate')\n    name: ClassVar[str] = 'x'\n"
    assert fields_of(keys) == "def Mine(\n    lr:float=0.003, # rate\n    **keys, # those of Recipe\n):"
    assert fields_of("class Plain(NamedTuple):\n    pass") is None


def test_outputs():
    from run_notebooks import WIDGET, without_widgets
    bar, view = {"text/plain": "IntProgress()", WIDGET: {}}, {"text/plain": "Explorer()", WIDGET: {}, "image/png": "..."}
    outputs = [{"output_type": "display_data", "data": data} for data in (bar, view, {"text/plain": "3"})] + PRINTED
    kept = without_widgets(outputs)
    assert [out.get("data") for out in kept] == [{"text/plain": "Explorer()", "image/png": "..."}, {"text/plain": "3"}, None]


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    for test in tests: test()
    print(f"{len(tests)} tests of the checks: {len(WRONG)} faulty notebooks and {len(WRONG_PAGES)} faulty pages found")


if __name__ == "__main__": main()
