#!/usr/bin/env python3
"""Make README.md from nbs/index.ipynb, without quarto; with --check, only say whether it is up to date.

usage, from the project's root:  python .ci/make_readme.py [--check]
"""
import json
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK, README = ROOT / "nbs/index.ipynb", ROOT / "README.md"
NOTE = "<!-- Made from nbs/index.ipynb by .ci/make_readme.py: edit the notebook, not this file. -->"
HIDDEN = {"hide", "export", "exporti", "default_exp"}
FENCE = re.compile(r"(^```.*?^```[ \t]*$)", re.M | re.S)


def seen_from_root(match):
    "A link that is relative to nbs/, relative to the project's root instead"
    before, target = match.groups()
    if re.match(r"\w+:|[#/]", target): return match[0]
    return before + posixpath.normpath("nbs/" + target)


def prose(text):
    "Markdown as GitHub reads it: without quarto's divs and attributes, links seen from the root; fenced code as it is"
    def plain(part):
        part = re.sub(r"^:::.*\n?", "", part, flags=re.M)
        part = re.sub(r"(?<=\))\{[^}\n]*\}", "", part)
        return re.sub(r"""(\]\(|\b(?:src|href)=["'])([^)\s"']+)""", seen_from_root, part)
    return "".join(part if part.startswith("```") else plain(part) for part in FENCE.split(text)).strip()


def fenced(text, language=""): return f"```{language}\n{text.strip()}\n```"


def output(out):
    "One stored output as markdown"
    data = out.get("data", {"text/plain": out.get("text", "")})
    if out["output_type"] == "error": sys.exit(f"{NOTEBOOK.name}: a visible cell ends in {out['ename']}: {out['evalue']}")
    if any(kind.startswith("image/") for kind in data):
        sys.exit(f"{NOTEBOOK.name}: a visible cell draws a picture: hide the cell, save the picture below nbs/images/ "
                 "and show it from a markdown cell, so that the README has it too")
    if "text/markdown" in data: return prose("".join(data["text/markdown"]))
    return fenced("".join(data["text/plain"]))


def code(source, outputs):
    "The visible parts of a code cell"
    lines, found = source.split("\n"), {}
    while lines and (match := re.match(r"#\s*\|\s*([\w-]+):?\s*(.*)", lines[0])):
        found[match[1]] = match[2].strip()
        lines.pop(0)
    if HIDDEN & found.keys() or found.get("include") == "false": return []
    body = "\n".join(line for line in lines if not re.search(r"#\|\s*hide_line\s*$", line))
    shown = [fenced(body, "python")] if body.strip() and found.get("echo") != "false" else []
    return shown + ([] if found.get("output") == "false" else [output(out) for out in outputs])


def readme():
    blocks = [NOTE]
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown": blocks.append(prose(source))
        elif cell["cell_type"] == "code": blocks += code(source, cell["outputs"])
    return "\n\n".join(block for block in blocks if block) + "\n"


def main():
    text = readme()
    if "--check" not in sys.argv: README.write_text(text, encoding="utf-8")
    elif not README.exists() or README.read_text(encoding="utf-8") != text:
        sys.exit("README.md is not what nbs/index.ipynb makes: run `python .ci/make_readme.py` and commit it")


if __name__ == "__main__": main()
