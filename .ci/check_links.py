#!/usr/bin/env python3
"""Check that every link and badge agrees with settings.ini and leads somewhere, and that the sidebar is complete.

usage, from the project's root:  python .ci/check_links.py
to write the notebooks and their titles into the sidebar first:  python .ci/check_links.py --sync
"""
import re
import sys
from urllib.parse import unquote

import yaml

from common import NBS, ROOT, all_notebooks, settings

cfg = settings()
USER, REPO, BRANCH, GITHUB = cfg["user"], cfg["repo"], cfg["branch"], cfg["git_url"]
DOCS = cfg["doc_host"] + cfg["doc_baseurl"]
COLAB = f"https://colab.research.google.com/github/{USER}/{REPO}/blob/{BRANCH}"
RAW = f"https://raw.githubusercontent.com/{USER}/{REPO}/{BRANCH}"
PAGES = {re.sub(r"^\d+[a-zA-Z0-9]*_", "", path.stem) for path in NBS.glob("*.ipynb")} | {"404"}  # as nbdev names them
OURS = re.compile(rf"//{re.escape(USER)}\.|/{re.escape(USER)}/|\.github\.io/{re.escape(REPO)}\b|"
                  r"(github\.com|githubusercontent\.com|colab\.research\.google\.com/github|img\.shields\.io/\S+)"
                  rf"/[^/\s]+/{re.escape(REPO)}\b")
GROUNDS = {"light.scss": ["#ffffff", "#ecf0f1"], "dark.scss": ["#222222", "#303030"]}  # page and sidebar or cards
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def own_url_is_right(url):
    "Whether an address of this project has the user, repository and branch of settings.ini and leads somewhere"
    github, colab, raw, branch = map(re.escape, (GITHUB, COLAB, RAW, BRANCH))
    if match := re.match(rf"({colab}|{raw}|{github}/(?:blob|tree|edit)/{branch})/(.+)", url):
        return (ROOT / match[2]).exists()
    if match := re.match(rf"{github}/actions/workflows/([^/]+)(/badge\.svg)?$", url):
        return (ROOT / ".github/workflows" / match[1]).exists()
    if url == f"{DOCS}/draw/index.html": return (NBS / "draw/index.html").exists()
    if match := re.match(rf"{re.escape(DOCS)}(?:/(?:(\w+)\.html)?)?$", url):
        return (match[1] or "index") in PAGES
    if re.match(rf"{github}(\.git|/(issues|discussions|releases|pulls|actions|commits)\b.*)?/?$", url): return True
    return bool(re.match(rf"https://img\.shields\.io/github/.+/{re.escape(USER)}/{re.escape(REPO)}\b", url))


def url_faults(text):
    for url in re.findall(r"""https?://[^\s)\]"'<>\\`]+""", text):
        url = re.sub(r"[?#].*|[.,;:]+$", "", url)
        if OURS.search(url) and not own_url_is_right(url):
            yield f"{url} does not match settings.ini, or leads nowhere"


def link_faults(markdown, folder):
    "What is wrong with the addresses in a Markdown text, and with its links relative to `folder`"
    yield from url_faults(markdown)
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", markdown, flags=re.M | re.S)
    for target in re.findall(r"""(?:\]\(|\b(?:src|href)=["'])([^)\s"']+)""", prose):
        if re.match(r"\w+:|#", target): continue
        name = unquote(target.split("#")[0])
        path = (folder / name).resolve()
        if not path.exists(): yield f"{target} is not there"
        elif folder not in (path, *path.parents):
            yield f"{target} leads out of {folder.name}/, where it is not published"


def notebook_faults(nb):
    for cell in nb.cells:
        yield from link_faults(cell.source, NBS) if cell.kind == "markdown" else url_faults(cell.source)


def entries(part):
    "(notebook, text) of each place in a sidebar or navbar, in order"
    if isinstance(part, str): part = {"href": part}
    if isinstance(part, list):
        for item in part: yield from entries(item)
    elif isinstance(part, dict):
        if str(part.get("href", "")).endswith(".ipynb"): yield part["href"], part.get("text")
        for key in ("contents", "left", "right"): yield from entries(part.get(key, []))


def sidebar_faults(sidebar, titles):
    "Every notebook and no other, in the order of the files, each under its number and title"
    listed = [*entries(sidebar)]
    names = [name for name, _ in listed]
    for name in sorted({*names} - titles.keys()): yield f"the sidebar has {name}, which is not there"
    for name in sorted(titles.keys() - {*names}): yield f"the sidebar lacks {name}"
    numbered = [name for name in names if name[0].isdigit()]
    if numbered != sorted(numbered): yield "the sidebar is not in the order of the files"
    for name, text in listed:
        if name in titles and name[0].isdigit() and text != titles[name]:
            yield f"the sidebar calls {name} {text!r}, the notebook itself {titles[name]!r}"


def chapter_list_faults(text, titles):
    "Every numbered notebook is in the home page's list of chapters, under its number and title"
    listed = {name: title for title, name in re.findall(r"^\| \[([^\]]+)\]\((\d\w+\.ipynb)\) \|", text, re.M)}
    for name, title in titles.items():
        if name[0].isdigit() and listed.get(name) != title:
            yield f"the list of chapters calls {name} {listed.get(name)!r}, the notebook itself {title!r}"


def site_faults(text, titles):
    "The site's names and addresses as in settings.ini, and its navigation"
    yield from url_faults(text)
    site = yaml.safe_load(text)["website"]
    wanted = {"title": cfg["title"], "description": cfg["description"], "site-url": DOCS,
              "repo-url": GITHUB, "repo-branch": BRANCH}
    for key, value in wanted.items():
        if site[key] != value: yield f"{key} is {site[key]!r}, settings.ini makes it {value!r}"
    yield from sidebar_faults(site["sidebar"], titles)
    for name, _ in entries(site["navbar"]):
        if name not in titles: yield f"the navbar has {name}, which is not there"
    for name in re.findall(r"\b[\w-]+\.(?:css|scss|lua|svg)\b", text):
        if not (NBS / name).exists(): yield f"nbs/{name} is not there"


def synced(text, titles):
    "_quarto.yml, with each numbered notebook in the sidebar under its title, after the one before it, and no other"
    entry = re.compile(r'^( *)- text: "[^"\n]*"\n +href: (\d\w+\.ipynb)\n', re.M)
    def titled(indent, name): return f'{indent}- text: "{titles[name]}"\n{indent}  href: {name}\n'
    head, sidebar, text = text.rpartition("\n  sidebar:")
    text = entry.sub(lambda match: titled(*match.groups()) if match[2] in titles else "", text)
    for name in sorted(titles.keys() - {match[2] for match in entry.finditer(text)}):
        before = [match for match in entry.finditer(text) if match[2] < name]
        if name[0].isdigit() and before:
            text = text[:before[-1].end()] + titled(before[-1][1], name) + text[before[-1].end():]
    return head + sidebar + text


def luminance(color):
    "Relative luminance of #rrggbb (WCAG 2)"
    parts = (int(color[i:i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_faults(scss, grounds):
    "Each colour that a theme sets for text must stand out from the grounds it is seen on"
    for name, color in re.findall(r"^\$([\w-]+): (#[0-9a-fA-F]{6});", scss, re.M):
        for ground in grounds:
            dark, light = sorted((luminance(color), luminance(ground)))
            contrast = (light + 0.05) / (dark + 0.05)
            if contrast < 4.5: yield f"${name} has a contrast of {contrast:.1f} on {ground}, 4.5 at least"


def main():
    notebooks = all_notebooks()
    if "--sync" in sys.argv:
        text = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
        text = synced(text, {nb.name: nb.title for nb in notebooks})
        (ROOT / "_quarto.yml").write_text(text, encoding="utf-8")
    faults = [(path.name, fault) for path in TEXTS for fault in link_faults(path.read_text(encoding="utf-8"), ROOT)]
    faults += [(f"nbs/{path.name}", fault) for path in sorted(NBS.glob("*.qmd"))
               for fault in link_faults(path.read_text(encoding="utf-8"), NBS)]
    text = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    faults += [("_quarto.yml", fault) for fault in site_faults(text, {nb.name: nb.title for nb in notebooks})]
    home = (ROOT / "README.md").read_text(encoding="utf-8").replace("](nbs/", "](")
    faults += [("README.md", fault) for fault in chapter_list_faults(home, {nb.name: nb.title for nb in notebooks})]
    faults += [(f"nbs/{name}", fault) for name, grounds in GROUNDS.items()
               for fault in contrast_faults((NBS / name).read_text(encoding="utf-8"), grounds)]
    faults += [(f"nbs/{nb.name}", fault) for nb in notebooks for fault in notebook_faults(nb)]
    for name, fault in faults: print(f"{name}: {fault}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__": main()
