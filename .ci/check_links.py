#!/usr/bin/env python3
"""Check that every link, badge and install cell agrees with settings.ini, and that the site shows them.

usage, from the project's root:  python .ci/check_links.py
"""
import json
import re
import sys
from configparser import ConfigParser
from pathlib import Path
from urllib.parse import unquote

import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT / "nbs"
cfg = ConfigParser(delimiters=["="])
cfg.read(ROOT / "settings.ini", encoding="utf-8")
cfg = cfg["DEFAULT"]
USER, REPO, BRANCH, GITHUB, DOCS = cfg["user"], cfg["repo"], cfg["branch"], cfg["git_url"], cfg["doc_host"] + cfg["doc_baseurl"]
COLAB = f"https://colab.research.google.com/github/{USER}/{REPO}/blob/{BRANCH}"
RAW = f"https://raw.githubusercontent.com/{USER}/{REPO}/{BRANCH}"
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](" + COLAB + "/nbs/{})"
INSTALL = f'#| hide\nif "google.colab" in str(get_ipython()):\n    %pip install -q "mnist_vit[dev] @ git+{GITHUB}"'
PAGES = {re.sub(r"^\d+[a-zA-Z0-9]*_", "", path.stem) for path in NBS.glob("*.ipynb")}  # as nbdev names them
OURS = re.compile(rf"//{re.escape(USER)}\.|/{re.escape(USER)}/|\.github\.io/{re.escape(REPO)}\b|"
                  rf"(github\.com|githubusercontent\.com|colab\.research\.google\.com/github|img\.shields\.io/\S+)/[^/\s]+/{re.escape(REPO)}\b")


def own_url_is_right(url):
    "Whether an address of this project has the user, repository and branch of settings.ini and leads somewhere"
    if match := re.match(rf"({re.escape(COLAB)}|{re.escape(RAW)}|{re.escape(GITHUB)}/(?:blob|tree|edit)/{re.escape(BRANCH)})/(.+)", url):
        return (ROOT / match[2]).exists()
    if match := re.match(rf"{re.escape(GITHUB)}/actions/workflows/([^/]+)(/badge\.svg)?$", url):
        return (ROOT / ".github/workflows" / match[1]).exists()
    if match := re.match(rf"{re.escape(DOCS)}(?:/(?:(\w+)\.html)?)?$", url): return (match[1] or "index") in PAGES
    return bool(re.match(rf"{re.escape(GITHUB)}(\.git|/(issues|discussions|releases|pulls|actions|commits)\b.*)?/?$", url)
                or re.match(rf"https://img\.shields\.io/github/.+/{re.escape(USER)}/{re.escape(REPO)}\b", url))


def url_faults(text):
    for url in re.findall(r"""https?://[^\s)\]"'<>\\`]+""", text):
        url = re.sub(r"[?#].*|[.,;:]+$", "", url)
        if OURS.search(url) and not own_url_is_right(url): yield f"{url} does not match settings.ini, or leads nowhere"


def link_faults(markdown, folder):
    "What is wrong with the addresses in a markdown text, and with its links relative to `folder`"
    yield from url_faults(markdown)
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", markdown, flags=re.M | re.S)
    for target in re.findall(r"""(?:\]\(|\b(?:src|href)=["'])([^)\s"']+)""", prose):
        if re.match(r"\w+:|#", target): continue
        path = (folder / unquote(target.split("#")[0])).resolve()
        if not path.exists(): yield f"{target} is not there"
        elif folder not in (path, *path.parents): yield f"{target} leads out of {folder.name}/, where it is not published"


def notebook_faults(path):
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    for kind, source in cells: yield from link_faults(source, NBS) if kind == "markdown" else url_faults(source)
    title = next((source for kind, source in cells if kind == "markdown" and re.search(r"^# ", source, re.M)), "")
    if not re.fullmatch(r"# .+\n\n?> .+\n?", title):
        yield "needs a cell with `# Title` and a one-line `> subtitle` and nothing else: nbdev drops the rest of it from the site"
    if not re.match(r"\d", path.name): return
    badge = BADGE.format(path.name)
    if not any(kind == "markdown" and badge in source for kind, source in cells): yield f"lacks its Colab button: {badge}"
    if ("code", INSTALL) not in [(kind, source.strip()) for kind, source in cells]: yield f"lacks the install cell:\n{INSTALL}"


def site_faults(path):
    "The site's names and addresses, and its sidebar: every notebook, and no other"
    text = path.read_text(encoding="utf-8")
    yield from url_faults(text)
    site = yaml.safe_load(text)["website"]
    for key, wanted in {"title": cfg["title"], "description": cfg["description"], "site-url": DOCS, "repo-url": GITHUB, "repo-branch": BRANCH}.items():
        if site[key] != wanted: yield f"{key} is {site[key]!r}, settings.ini makes it {wanted!r}"
    linked, listed = ({*re.findall(r"[\w-]+\.ipynb", json.dumps(part))} for part in (site, site["sidebar"]))
    there = {nb.name for nb in NBS.glob("*.ipynb")}
    for name in sorted(linked - there): yield f"{name} is not there"
    for name in sorted(there - listed): yield f"the sidebar lacks {name}"


def main():
    faults = [(name, fault) for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
              for fault in link_faults((ROOT / name).read_text(encoding="utf-8"), ROOT)]
    faults += [("_quarto.yml", fault) for fault in site_faults(ROOT / "_quarto.yml")]
    faults += [(f"nbs/{path.name}", fault) for path in sorted(NBS.glob("*.ipynb")) for fault in notebook_faults(path)]
    for name, fault in faults: print(f"{name}: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__": main()
