"""The documentation site: `python -m sphinx -W docs site` builds it from the pages here, the pages at the root of the
repository and the docstrings of what is public.

The pages are plain Markdown that reads as well on a code host; what only the site needs is made here.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "made"  # written anew by each build, and not kept

project = "churnsim"
copyright = "the authors of churnsim, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_title = "churnsim"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["site.css"]
html_css_files = ["site.css"]

myst_heading_anchors = 4  # links to headings as code hosts make them
default_role = "py:obj"  # a name in single backticks links where it has an entry
nitpicky = True
nitpick_ignore = [("py:obj", "ConfigDict"), ("py:obj", "BetaRenewal")]  # pydantic's; a base that is not public
numpydoc_show_class_members = False  # members have entries of their own
autodoc_typehints = "none"  # types, shapes and units stand beside the parameters
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries_show_parents = "hide"

# Pages at other places of the repository, by their names in the site.
ELSEWHERE = {
    "README.md": "overview",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "benchmarks/README.md": "benchmarks",
}
# What the API reference covers, beside the names at the top, in the order in which the rooms build on each other.
NAMESPACES = (
    "data", "datasets", "customers", "models", "economics", "satisfaction", "simulation", "evidence", "decisions",
    "trials", "plots", "plots.data", "records", "claims", "report", "units", "errors",
)  # fmt: skip


def public_names(namespace: str) -> dict[str, Any]:
    """What a namespace has by name, without the namespaces in it."""
    module = importlib.import_module("churnsim")
    for part in namespace.split(".")[1:]:
        module = getattr(module, part)
    own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module.__name__]
    names = getattr(module, "__all__", [name for name in own if name[0] != "_"])
    things = {name: getattr(module, name) for name in sorted(names, key=str.lower)}
    return {name: thing for name, thing in things.items() if not isinstance(thing, ModuleType)}


def entries() -> dict[int, str]:
    """Where each public class and function has its entry: in the first namespace that has it."""
    return {
        id(thing): f"{namespace}.{name}"
        for namespace in reversed([f"churnsim.{space}" for space in NAMESPACES])
        for name, thing in public_names(namespace).items()
        if callable(thing)
    }


def reference_page(namespace: str, entry: dict[int, str]) -> str:
    """What a namespace has, in reStructuredText: an entry, or where the entry is, for each name."""
    lines = [namespace, "=" * len(namespace), "", f".. automodule:: {namespace}", "   :no-members:", ""]
    elsewhere = []
    for name, thing in public_names(namespace).items():
        full = f"{namespace}.{name}"
        if entry.get(id(thing), full) != full:
            elsewhere.append(f"- ``{full}``: :py:obj:`{entry[id(thing)]}`")
        elif inspect.isclass(thing):
            kind = "exception" if issubclass(thing, BaseException) else "class"
            lines += [f".. auto{kind}:: {full}", "   :members:", "   :inherited-members: dict, int, str, tuple", ""]
        else:
            lines += [f".. auto{'function' if callable(thing) else 'data'}:: {full}", ""]
    return "\n".join([*lines, *elsewhere, ""])


def moved_links(text: str, source: Path, page: Path) -> str:
    """The links of a Markdown text as they are once it, or what it links, stands in the site."""

    def moved(link: re.Match[str]) -> str:
        target = (source.parent / link[1]).resolve()
        made = ELSEWHERE.get(target.relative_to(ROOT).as_posix()) if target.is_relative_to(ROOT) else None
        if made is not None:
            target = MADE / f"{made}.md"
        return f"]({Path(os.path.relpath(target, page.parent)).as_posix()}"

    return re.sub(r"\]\((?![a-z]+:)([^)#\s]+)", moved, text)


def reference_pages() -> dict[str, str]:
    """The API reference by file name."""
    entry = entries()
    pages = {
        f"{space}.rst": reference_page(space, entry) for space in ["churnsim", *map("churnsim.{}".format, NAMESPACES)]
    }
    contents = [".. toctree::", "   :maxdepth: 1", "", *(f"   churnsim.{space}" for space in NAMESPACES), ""]
    pages["churnsim.rst"] += "\n" + "\n".join(contents)
    return pages


def make_pages(app: Any) -> None:
    """Write what the site has beside docs/*.md. A file that is as it should be is left alone and not read anew."""
    pages = reference_pages()
    for source, name in ELSEWHERE.items():
        page = f"{name}.md"
        pages[page] = moved_links((ROOT / source).read_text(encoding="utf-8"), ROOT / source, MADE / page)
    MADE.mkdir(exist_ok=True)
    for name, text in pages.items():
        if not (MADE / name).is_file() or (MADE / name).read_text(encoding="utf-8") != text:
            (MADE / name).write_text(text, encoding="utf-8")


def fit_page(app: Any, name: str, source: list[str]) -> None:
    """Links of the pages in docs to what stands elsewhere; the pages of claims and notebooks below their lists."""
    page = DOCS / f"{name}.md"
    if page.is_file() and page.parent != MADE:
        source[0] = moved_links(source[0], page, page)
    if name in ("claims", "notebooks"):
        pages = dict.fromkeys(re.findall(rf"\]\(({name}/[\w-]+)\.md\)", source[0]))
        source[0] += "\n".join(["\n```{toctree}", ":hidden:", "", *pages, "```", ""])


def is_foreign(app: Any, kind: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Members that come from another package, which documents them, are left out."""
    home = getattr(thing, "__module__", None)
    return True if isinstance(home, str) and not home.startswith("churnsim") else None


@cache
def other_names() -> dict[str, str]:
    """The entry of each public name by what else it is called: without its namespace, where only one has it, and in the
    other namespaces that have it."""
    entry = entries()
    short = [name.rsplit(".", 1)[1] for name in entry.values()]
    found = {name: place for name, place in zip(short, entry.values(), strict=True) if short.count(name) == 1}
    for space in ("churnsim", *(f"churnsim.{name}" for name in NAMESPACES)):
        things = public_names(space).items()
        found |= {f"{space}.{name}": entry[id(thing)] for name, thing in things if id(thing) in entry}
    return found


def link_other_name(app: Any, env: Any, node: Any, content: Any) -> Any:
    """A public name in backticks links to its entry, and `Class.method` to the method's or the class's.

    Of the rest only what looks like a name of ours, a class or a dotted path, has to have an entry: parameters, columns
    and pieces of code stand in backticks too, and are shown as they are.
    """
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    owner, _, member = target.rpartition(".")
    entry = other_names().get(owner, owner)
    for full in (other_names().get(target), f"{entry}.{member}", entry):  # an attribute is described with its class
        found = full and env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, content)
        if found:
            return found
    if node.get("reftype") == "obj" and not re.fullmatch(r"churnsim(\.\w+)+|[A-Z][a-z]+[A-Z]\w*(\.\w+)*", target):
        return content
    return None


def setup(app: Any) -> None:
    app.connect("builder-inited", make_pages)
    app.connect("source-read", fit_page)
    app.connect("missing-reference", link_other_name)
    app.connect("autodoc-skip-member", is_foreign)
