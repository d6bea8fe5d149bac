#!/usr/bin/env python3
"""Check the form of the notebooks, their stored outputs, and how the modules import each other.

usage, from the project's root:  python .ci/check_notebooks.py [nbs/00_eda.ipynb ...]
"""
import ast
import io
import re
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

from common import ROOT, STAMP, all_notebooks, code_hash, settings

cfg = settings()
COLAB = f"https://colab.research.google.com/github/{cfg['user']}/{cfg['repo']}/blob/{cfg['branch']}/nbs/"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
INSTALL = f"""#| hide
if "google.colab" in str(get_ipython()):
    %pip install -q "mnist_vit[dev] @ git+{cfg['git_url']}\""""
EXPORTED_WIDTH, SHOWN_WIDTH, WIDE_SHARE, MODULE_LINES = 100, 88, 0.03, 260
LIGHT = {"data", "model", "ink", "boxes", "detection", "inference",  # modules whose import costs little more than torch's
         "digit_task", "grid_task", "scene_task"}
HEAVY = {"PIL", "urllib.request", "torchmetrics", "matplotlib", "fastai", "torchvision"}
DEFS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BACKTICKED = re.compile(r"`([^`\s]+?)(?:\(\))?`")  # what nbdev takes for a name


class Package(NamedTuple):
    "What a check of one notebook must know of the others"
    chapters: dict  # module -> number of the notebook that exports it
    names: dict  # what nbdev makes a link of: "DigitBatches.__len__" and the like -> module
    shown: set  # of these, the names that a page documents: others are dead links


def colab_button(name): return f'<a href="{COLAB}{name}"><img src="{BADGE}" alt="Open in Colab"></a>'


# --- the form of a notebook; each check takes a notebook and the package

def opening(nb, package):
    title = next((cell.source for cell in nb.cells if re.search(r"^# ", cell.prose, re.M)), "")
    if not re.fullmatch(r"# .+\n\n?> .+\n?", title):
        yield "needs a cell with `# Title` and a one-line `> subtitle` and nothing else: nbdev drops the rest"
    button = colab_button(nb.name)
    if not any(cell.source.strip() == button for cell in nb.cells if cell.kind == "markdown"):
        yield f"lacks the cell with its Colab button: {button}"
    if nb.number is None: return
    if not any(cell.source.strip() == INSTALL for cell in nb.code): yield f"lacks the install cell: {INSTALL!r}"


def widths(nb, package):
    wide = lines = 0
    for cell in nb.code:
        lines += len(cell.lines)
        if not {"hide", "export", "exporti", "include"} & cell.directives.keys():  # it is shown
            wide += sum(len(line) > SHOWN_WIDTH for line in cell.lines)
        longest = max(map(len, cell.lines), default=0)
        if cell.is_exported and longest > EXPORTED_WIDTH:
            yield f"cell {cell.index}: exported code {longest} columns wide, {EXPORTED_WIDTH} at most"
    if wide > WIDE_SHARE * lines:
        yield f"{wide} of {lines} code lines are shown and wider than {SHOWN_WIDTH} columns, {WIDE_SHARE:.0%} at most"


def stacked(tree, lines):
    "Numbers of the lines with several statements; a short `if ...: return` (raise, continue, break) may be one"
    found = set()
    for node in ast.walk(tree):
        for block in (getattr(node, field, None) for field in ("body", "orelse", "finalbody")):
            if not isinstance(block, list): continue
            starts = [part.lineno for part in block if isinstance(part, ast.stmt)]
            found |= {n for n in starts if starts.count(n) > 1}
            if not starts or not isinstance(node, ast.stmt) or starts[0] != node.lineno: continue
            leaves = isinstance(block[0], (ast.Return, ast.Raise, ast.Continue, ast.Break))
            short = len(lines[starts[0] - 1]) <= SHOWN_WIDTH
            if not (isinstance(node, ast.If) and leaves and short): found.add(starts[0])
    return sorted(found)


def statements(nb, package):
    for cell in nb.code:
        for number in stacked(cell.tree, lines := cell.source.split("\n")):
            yield f"cell {cell.index}: several statements in a line: {lines[number - 1].strip()[:60]}"


def imports_alone(nb, package):
    "Where a page documents a name, the docs build runs each cell with an import in it, and no other lesson cell"
    if not {*shown_names(nb)}: return
    for cell in nb.code:
        tree = cell.tree
        imports = any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.walk(tree))
        if not imports or "nbdev_export()" in cell.source or cell.is_exported or "eval" in cell.directives: continue
        if not all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body):
            yield f"cell {cell.index}: imports and other code in one cell, which the docs build would run"


def divs(nb, package):
    "Each `::: {.callout-tip}` is closed, whatever cells are between"
    opened = []
    for cell in nb.cells:
        for line in re.findall(r"^:::+[ \t]*(.*?)\s*$", cell.prose, re.M):
            if line: opened.append(cell.index)
            elif opened: opened.pop()
            else: yield f"cell {cell.index}: `:::` closes nothing"
    for index in opened: yield f"cell {index}: `:::` is not closed"


# --- links, names and captions

def link_texts(nb, package):
    for cell in nb.cells:
        for text in re.findall(r"(?<!!)\[([^\]\[]*)\]\([^)]*\)", cell.prose):
            if "`" in text: yield f"cell {cell.index}: backticks inside a link text, [{text}]: nbdev may link them again"
            if re.fullmatch(r"[\w./-]+\.(ipynb|py|md|html|ya?ml|ini)|\d+[a-z]?_\w+", text.strip()):
                yield f"cell {cell.index}: a link text that is a file name, [{text}]: use the title"


def docments(source, tree):
    "The comments beside parameters, returns and fields"
    try: tokens = [*tokenize.generate_tokens(io.StringIO(source).readline)]
    except (tokenize.TokenError, SyntaxError): return
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    for node in ast.walk(tree):
        if not isinstance(node, DEFS): continue
        numbers = {*range(node.lineno, node.body[0].lineno)}
        if isinstance(node, ast.ClassDef): numbers |= {part.lineno for part in node.body if isinstance(part, ast.AnnAssign)}
        yield from (comments[number] for number in sorted(numbers & comments.keys()))


def own_names(nb, package):
    for cell in nb.code:
        if not cell.is_exported: continue
        for name in BACKTICKED.findall("\n".join(docments(cell.source, cell.tree))):
            if name in package.names: yield f"cell {cell.index}: `{name}` in a docment shows as raw Markdown: no backticks"
    for cell in nb.cells:
        for name in BACKTICKED.findall(cell.prose):
            if name in package.names and name not in package.shown:
                yield f"cell {cell.index}: `{name}` becomes a link to what no page documents: no backticks"


def captions(nb, package):
    for cell in nb.code:
        if {"hide", "include"} & cell.directives.keys(): continue
        shown = [out["data"] for out in cell.outputs if out["output_type"] in ("display_data", "execute_result")]
        pictures = [any(kind.startswith("image/") for kind in data) for data in shown]
        wanted = [name for name in ("fig-cap", "fig-alt") if name not in cell.directives]
        if any(pictures) and wanted: yield f"cell {cell.index}: a figure without {' and '.join(wanted)}"
        if not all(pictures) and "fig-cap" in cell.directives:  # stored after the value; printed text is neither
            yield f"cell {cell.index}: its caption would go to its value, which is no figure: print that"
        images = [data[kind] for data in shown for kind in data if kind.startswith("image/")]
        if len(images) > len({*map(str, images)}): yield f"cell {cell.index}: shows a figure twice"


# --- stored outputs

def staleness(nb, package):
    stamp = nb.metadata.get(STAMP)
    again = f"run it: python .ci/run_notebooks.py nbs/{nb.name}"
    if stamp is None: return (yield f"no stamp of the code that made its outputs: {again}")
    if stamp["quick"] != code_hash([cell for cell in nb.code if not cell.is_long]):
        yield f"its code has changed since its outputs were stored: {again}"
    for cell in nb.code:
        if cell.is_long and stamp.get("long", {}).get(cell.id, code_hash([cell])) != code_hash([cell]):
            flag = "cuda" if "cuda" in cell.directives else "slow"
            yield f"cell {cell.index}: this {flag} cell has changed since it ran: {again} --flags {flag}, or see --stamp"


# --- imports

def imported(tree):
    "(module, name) of each import from this package: name None for a whole module, module None for `mnist_vit`'s own"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("mnist_vit."): yield alias.name.split(".")[1], None
        elif isinstance(node, ast.ImportFrom):
            path = (node.module or "").split(".")
            inside = path[1:] if path[0] == "mnist_vit" else path if node.level else None
            if inside is not None:
                for alias in node.names: yield (inside[0] if inside and inside[0] else None), alias.name


def resolved(tree, package):
    "The same, with the module found for `from mnist_vit import name`"
    for module, name in imported(tree):
        if module is None and name in package.chapters: yield name, None
        elif module is None: yield package.names.get(name), name
        else: yield module, name


def imports(nb, package):
    for cell in nb.code:
        tree = cell.tree
        found = [*resolved(tree, package)]
        for module, name in found:
            if name and name.startswith("_") and not name.startswith("__") and module != nb.module:
                yield f"cell {cell.index}: imports the private {name} of {module}"
        for module in dict.fromkeys(module for module, _ in found):
            later = package.chapters.get(module, -1)
            if nb.number is not None and nb.number < later < 90:
                yield f"cell {cell.index}: uses {module}, which a later chapter ({later:02}) builds"


def private_attributes(nb, package):
    modules = set()
    for cell in nb.code:
        tree = cell.tree
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "mnist_vit":
                modules |= {alias.asname or alias.name for alias in node.names if alias.name in package.chapters}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                if node.attr.startswith("_") and not node.attr.startswith("__") and node.value.id != nb.module:
                    yield f"cell {cell.index}: uses the private {node.value.id}.{node.attr}"


NOTEBOOK_CHECKS = [opening, widths, statements, imports_alone, divs, link_texts, own_names, captions,
                   staleness, imports, private_attributes]


# --- the modules; each check takes their sources, by name

def lengths(sources):
    for name, source in sources.items():  # without blank lines, and nbdev's that say where a cell begins
        lines = sum(bool(line.strip()) and not line.startswith("# %%") for line in source.split("\n"))
        if lines > MODULE_LINES: yield name, f"{lines} lines, {MODULE_LINES} at most: it is two ideas"


def at_import(tree):
    "The tree without what runs later, or never: functions, and `if TYPE_CHECKING`"
    class Cut(ast.NodeTransformer):
        def visit_FunctionDef(self, node): return ast.Pass()
        visit_AsyncFunctionDef = visit_FunctionDef

        def visit_If(self, node):
            if "TYPE_CHECKING" in ast.unparse(node.test): return ast.Pass()
            return self.generic_visit(node)
    return Cut().visit(tree)


def circles(sources):
    needs = {name: {module or other for module, other in imported(at_import(ast.parse(source)))} & sources.keys()
             for name, source in sources.items()}
    def visit(name, path):
        if name in path: return path[path.index(name):] + [name]
        return next(filter(None, (visit(other, path + [name]) for other in sorted(needs[name]))), None)
    circle = next(filter(None, (visit(name, []) for name in sorted(needs))), None)
    if circle: yield circle[0], f"modules import each other in a circle: {' → '.join(circle)}"


def reached(name, sources):
    "What importing a module imports, by way of our other modules too: dotted names"
    found, todo = set(), [name]
    while todo:
        tree = at_import(ast.parse(sources[todo.pop()]))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import): found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        new = {module or other for module, other in imported(tree)} & sources.keys() - found
        found |= new
        todo += new
    return found


def weights(sources):
    for name in LIGHT & sources.keys():
        heavy = {part for part in reached(name, sources) if any((part + ".").startswith(f"{one}.") for one in HEAVY)}
        if heavy: yield name, f"its import reaches {', '.join(sorted(heavy))}: import that inside a function"


MODULE_CHECKS = [lengths, circles, weights]


# --- all of it

def shown_names(nb):
    "The names that nbdev documents on a notebook's page"
    for cell in nb.code:
        for node in cell.tree.body:
            if isinstance(node, DEFS) and {"export", "exports"} & cell.directives.keys() and "hide" not in cell.directives:
                if not node.name.startswith("_"): yield from (node.name, *patched(node))
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and node.value.args:
                if ast.unparse(node.value.func) == "show_doc": yield ast.unparse(node.value.args[0])


def patched(node):
    "`Class.method` of a method that fastcore's @patch adds"
    if isinstance(node, ast.ClassDef) or not node.args.args: return
    if any("patch" in ast.unparse(part) for part in node.decorator_list):
        yield f"{ast.unparse(node.args.args[0].annotation)}.{node.name}"


def read_package(notebooks, index):
    "What checks must know, from all notebooks and the `syms` of nbdev's index of names"
    chapters = {nb.module: nb.number for nb in notebooks if nb.module and nb.number is not None}
    names = {}
    for module, found in index.items():
        for name in found: names |= {name: module.split(".")[-1], name.removeprefix(f"{module}."): module.split(".")[-1]}
    shown = {name for nb in notebooks for name in shown_names(nb)}
    return Package(chapters, names, shown | {f"mnist_vit.{names[name]}.{name}" for name in shown if name in names})


def faults_of(nb, package): return [fault for check in NOTEBOOK_CHECKS for fault in check(nb, package)]


def main():
    wanted = {Path(name).name for name in sys.argv[1:]}
    notebooks = all_notebooks()
    namespace = {}
    exec((ROOT / "mnist_vit/_modidx.py").read_text(encoding="utf-8"), namespace)
    package = read_package(notebooks, namespace["d"]["syms"])
    faults = [(f"nbs/{nb.name}", fault) for nb in notebooks if not wanted or nb.name in wanted
              for fault in faults_of(nb, package)]
    if missing := wanted - {nb.name for nb in notebooks}: faults += [(name, "is not in nbs/") for name in missing]
    if not wanted:
        sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "mnist_vit").glob("*.py"))}
        sources = {name: text for name, text in sources.items() if "AUTOGENERATED" in text[:500] and name != "__init__"}
        faults += [(f"mnist_vit/{name}.py", fault) for check in MODULE_CHECKS for name, fault in check(sources)]
    for name, fault in faults: print(f"{name}: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__": main()
