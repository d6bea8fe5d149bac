#!/usr/bin/env python3
"""Build the docs site as nbdev_docs does, with real signatures for NamedTuples and recipes, and the page to draw on.

Needs Quarto, and npm for the page to draw on, which the preview lacks.

usage, from the project's root:  python .ci/build_docs.py            (then: python .ci/check_site.py)
to watch it while you write:     python .ci/build_docs.py --preview
"""
import ast
import inspect
import io
import sys
import tokenize
from importlib import import_module

import nbdev.showdoc
from nbdev.config import get_config
from nbdev.quarto import nbdev_docs, nbdev_preview

import build_draw


def field(node, comments):
    "`name:type=default, # meaning` of a field; pydantic's `Field` has default and meaning inside"
    value, meaning = node.value, comments.get(node.lineno, "")
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        meaning = next((word.value.value for word in value.keywords if word.arg == "description"
                        and isinstance(word.value, ast.Constant)), meaning)
        value = value.args[0] if value.args else next((word.value for word in value.keywords if word.arg == "default"), None)
    default = f"={ast.unparse(value)}" if value is not None else ""
    return f"    {node.target.id}:{ast.unparse(node.annotation)}{default}," + (f" # {meaning}" if meaning else "")


def fields_of(source):
    "The signature that the fields of a class make, from its source; None where it has no fields"
    tree = ast.parse(source).body[0]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    fields = [field(node, comments) for node in tree.body if isinstance(node, ast.AnnAssign)
              and isinstance(node.target, ast.Name) and "ClassVar" not in ast.unparse(node.annotation)]
    parents = [ast.unparse(base) for base in tree.bases if ast.unparse(base) not in ("NamedTuple", "BaseModel")]
    fields += [f"    **keys, # those of {parent}" for parent in parents]
    return "\n".join([f"def {tree.name}(", *fields, "):"]) if fields else None


def module_of(name):
    "The module of this package that defines a public name: in a notebook, it is defined again in __main__"
    namespace = {}
    exec((get_config().lib_path / "_modidx.py").read_text(encoding="utf-8"), namespace)
    return next((module for module, names in namespace["d"]["syms"].items() if f"{module}.{name}" in names), None)


class Renderer(nbdev.showdoc.BasicMarkdownRenderer):
    "nbdev's, but for classes whose own `__init__` says nothing"

    def __init__(self, sym, **kwargs):
        super().__init__(sym, **kwargs)
        self.dm = str(self.dm).replace("__main__.", "")
        if not inspect.isclass(sym) or not (hasattr(sym, "_fields") or hasattr(sym, "model_fields")): return
        module = module_of(sym.__name__)
        signature = module and fields_of(inspect.getsource(getattr(import_module(module), sym.__name__)))
        if signature: self.dm = signature


def main():
    nbdev.showdoc.BasicMarkdownRenderer = Renderer
    if "--preview" in sys.argv: nbdev_preview.__wrapped__(n_workers=0)
    else:
        nbdev_docs.__wrapped__(n_workers=0)  # in this process, which has the renderer
        build_draw.build(get_config().doc_path / "draw")


if __name__ == "__main__": main()
