#!/usr/bin/env python3
"""Check the pages that .ci/build_docs.py has built: titles, Colab buttons, links and anchors, pictures, raw Markdown.

usage, from the project's root:  python .ci/check_site.py [_docs]
"""
import posixpath
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from check_notebooks import colab_button
from common import NBS, ROOT, settings

cfg = settings()
SITE = urlsplit(cfg["doc_host"] + cfg["doc_baseurl"])
RAW_MARKDOWN = re.compile(r"\]\(\s*(?:https?:|[\w./#-]*\.(?:html|ipynb)\b)")
SOURCE = "quarto-embedded-source-code"  # what code-tools shows on demand
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    "What a page holds: ids, links, pictures, (link, picture in it), open folds, and the text that a reader sees"

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.ids, self.links, self.pictures, self.linked_pictures = set(), [], [], []
        self.text, self.title, self.favicon, self.open_folds = [], "", False, []
        self.inside = []  # (tag, its attributes) of the elements around
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[key] for key in ("id", "name") if attrs.get(key)}
        for key in ("href", "src"):
            if key in attrs and not (tag == "link" and attrs.get("rel") in ("canonical", "alternate", "preconnect")):
                self.links.append(attrs[key] or "")
        if tag == "link" and "icon" in attrs.get("rel", "").split(): self.favicon = True
        if tag == "img":
            self.pictures.append(attrs)
            around = [found.get("href") for name, found in self.inside if name == "a"]
            if around: self.linked_pictures.append((around[-1], attrs.get("src", "")))
        if tag not in VOID: self.inside.append((tag, attrs))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID: self.handle_endtag(tag)

    def handle_endtag(self, tag):
        names = [name for name, _ in self.inside]
        if tag in names: del self.inside[len(names) - 1 - names[::-1].index(tag):]

    def handle_data(self, data):
        names = {name for name, _ in self.inside}
        if "title" in names and "svg" not in names: self.title += data
        elif names & {"script", "style", "head"} or any(found.get("id") == SOURCE for _, found in self.inside): return
        else: self.text.append(data)
        if "summary" in names: self.open_folds += [data for name, found in self.inside if name == "details" and "open" in found]


def page_name(notebook):
    "eda.html for 00_eda.ipynb, as nbdev names pages"
    return re.sub(r"^\d+[a-zA-Z0-9]*_", "", Path(notebook).stem) + ".html"


def destination(link, page):
    "(file, anchor) of a link inside the site, seen from a page's folder; None for one that leads out of it"
    parts = urlsplit(link)
    anchor = unquote(parts.fragment)
    base = SITE.path.rstrip("/")
    if parts.scheme or parts.netloc:
        inside = parts.netloc == SITE.netloc and (parts.path + "/").startswith(base + "/")
        if not inside: return None
        path = parts.path[len(base):].lstrip("/")
    elif parts.path.startswith("/"): path = parts.path.removeprefix(base).lstrip("/")
    elif parts.path: path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path)))
    else: return page, anchor
    return (path + "index.html" if path.endswith("/") or path in ("", ".") else unquote(path)), anchor


def link_faults(name, page, pages, files):
    for link in dict.fromkeys(page.links):
        found = destination(link, name)
        if found is None or link in ("", "#"): continue
        path, anchor = found
        if path not in files: yield f"{link} leads nowhere"
        elif anchor and path in pages and anchor not in pages[path].ids and not anchor.startswith(("/", "!", ":~:")):
            yield f"{link} leads to an anchor that is not there"


def page_faults(name, page, pages, files):
    if not page.title.strip(): yield "has no title"
    if not page.favicon: yield "has no favicon"
    for picture in page.pictures:
        if not (picture.get("alt") or "").strip(): yield f"a picture without alt text: {picture.get('src', '')[:80]}"
    for text in page.text:
        if match := RAW_MARKDOWN.search(text):
            yield f"raw Markdown in the text: {text[max(0, match.start() - 40):match.end() + 30].strip()!r}"
    for owner in re.findall(r"\bdef ([A-Z]\w*)\(\s*(?:\*args,\s*\*\*kwargs|\*\*data:\s*Any)", "".join(page.text)):
        yield f"the signature of {owner} does not name its parameters"
    if "Exported source" in page.open_folds: yield "exported source is not folded"
    yield from link_faults(name, page, pages, files)


def site_faults(pages, files, notebooks):
    "(page, fault) for each fault of a site: its pages by name, the names of its files, and of its notebooks"
    for name in sorted({"index.html", "404.html"} - pages.keys()): yield name, "is not there"
    for name, page in pages.items():
        for fault in page_faults(name, page, pages, files): yield name, fault
    for notebook in notebooks:
        name = page_name(notebook)
        if name not in pages: yield name, f"is not there, though {notebook} is"
        else:
            button, badge = re.findall(r'(?:href|src)="([^"]+)"', colab_button(notebook))
            if (button, badge) not in pages[name].linked_pictures: yield name, "its Colab button is no link"


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "_docs")
    if not (folder / "index.html").exists(): sys.exit(f"{folder} holds no site: python .ci/build_docs.py builds it")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    pages = {name: Page((folder / name).read_text(encoding="utf-8")) for name in sorted(files)
             if name.endswith(".html") and not name.startswith("site_libs/")}
    faults = [*site_faults(pages, files, sorted(path.name for path in NBS.glob("*.ipynb")))]
    for name, fault in faults: print(f"{name}: {fault}")
    print(f"{len(pages)} pages, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__": main()
