"What the checks share: the names in settings.ini, and a notebook as they read it."
import ast
import hashlib
import io
import json
import re
import tokenize
from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
LONG = {"slow", "cuda", "eval"}  # `eval` means `eval: false`: cells that .ci/run_notebooks.py skips
STAMP = "mnist_vit"  # the key of a notebook's metadata that holds its stamp; see settings.ini
EXPORTS = {"export", "exports", "exporti"}


def settings():
    parser = ConfigParser(delimiters=["="])
    parser.read(ROOT / "settings.ini", encoding="utf-8")
    return parser["DEFAULT"]


class Cell(NamedTuple):
    index: int
    id: str
    kind: str  # "code", "markdown" or "raw"
    source: str
    outputs: list

    @property
    def directives(self):
        "Name -> value of each `#| name: value`"
        found = re.findall(r"^\s*#\s*\|\s*([\w-]+):?[ \t]*(.*?)\s*$", self.source, re.M)
        return {name: value for name, value in found if (name, value) != ("eval", "true")}

    @property
    def lines(self):
        "Its lines of code: neither blank, nor a directive, nor a magic command"
        lines = self.source.split("\n")
        return [line for line in lines if line.strip() and not re.match(r"\s*(#\s*\||[%!])", line)]

    @property
    def is_exported(self): return self.kind == "code" and bool(EXPORTS & self.directives.keys())

    @property
    def is_long(self): return bool(LONG & self.directives.keys())

    @property
    def tree(self):
        "Its code as a syntax tree, magic commands left out; an empty tree where it is not Python"
        code = re.sub(r"^(\s*)[%!].*$", r"\1pass", self.source, flags=re.M)
        try: return ast.parse(code if self.kind == "code" else "")
        except SyntaxError: return ast.parse("")

    @property
    def prose(self):
        "Its Markdown without fenced code"
        return re.sub(r"^```.*?^```", "", self.source, flags=re.M | re.S) if self.kind == "markdown" else ""


class Notebook(NamedTuple):
    name: str  # "02_modules.ipynb"
    cells: list
    metadata: dict

    @property
    def code(self): return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def number(self):
        "2 for 02_modules.ipynb, None for index.ipynb"
        match = re.match(r"\d+", self.name)
        return int(match[0]) if match else None

    @property
    def title(self):
        "The first heading, as `02 The parts` where the file has a number"
        texts = [match[1] for cell in self.cells if (match := re.search(r"^# (.+)$", cell.prose, re.M))]
        digits = re.match(r"(\d+[a-z]?)?", self.name)[0]
        return f"{digits} {texts[0] if texts else ''}".strip()

    @property
    def module(self):
        "The module it exports, or None"
        names = [cell.directives["default_exp"] for cell in self.code if "default_exp" in cell.directives]
        return names[0] if names else None


def as_notebook(name, content):
    "A notebook from its JSON"
    cells = [Cell(i, cell.get("id", ""), cell["cell_type"], "".join(cell["source"]), cell.get("outputs", []))
             for i, cell in enumerate(content["cells"])]
    return Notebook(name, cells, content.get("metadata", {}))


def all_notebooks():
    return [as_notebook(path.name, json.loads(path.read_text(encoding="utf-8")))
            for path in sorted(NBS.glob("*.ipynb"))]


def code_hash(cells):
    "Changes when code changes, but not with directives, captions, comments or docstrings"
    lines = [line.rstrip() for cell in cells for line in [*without_comments(cell), "---"]]
    return hashlib.sha256("\n".join(filter(None, lines)).encode()).hexdigest()[:16]


def without_comments(cell):
    "The lines of a cell without comments and docstrings; where it is not Python, without directives"
    lines = cell.source.split("\n")
    try: tokens = [*tokenize.generate_tokens(io.StringIO(cell.source).readline)]
    except (SyntaxError, tokenize.TokenError):
        return [line for line in lines if not re.match(r"\s*#\s*\|", line)]
    for kind, _, (row, column), *_ in tokens:
        if kind == tokenize.COMMENT: lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(cell.tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            if not lines[first.lineno - 1][:first.col_offset].strip():  # a line of its own
                for row in range(first.lineno - 1, first.end_lineno): lines[row] = ""
    return lines


def make_stamp(nb, ran_long, old):
    "What to store beside the outputs: a hash of the quick cells, and of each long cell that has run, by its id"
    kept = {cell.id for cell in nb.code if cell.is_long} & old.get("long", {}).keys()
    ran = {cell.id: code_hash([cell]) for cell in nb.code if cell.is_long and cell.id in ran_long}
    long = {key: old["long"][key] for key in sorted(kept)} | ran
    quick = code_hash([cell for cell in nb.code if not cell.is_long])
    return {"quick": quick} | ({"long": long} if long else {})
