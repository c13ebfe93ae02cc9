"""The documentation site has every page and every public name. Building it takes longer than the tests may."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from tests.architecture.test_public_face import STUBS, names_of, package_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMMAND = "python -m sphinx -W docs site"


@pytest.fixture(scope="module")
def conf():
    return runpy.run_path(str(DOCS / "conf.py"))


def in_contents(text: str) -> list[str]:
    """What the contents of a page (its toctrees) name."""
    trees = re.findall(r"^```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r".*<(.+)>", r"\1", line) for tree in trees for line in tree.splitlines()]


def test_every_page_stands_in_the_contents_once(conf):
    """Those of docs, and those that the site takes from elsewhere in the repository."""
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    named = in_contents((DOCS / "index.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(pages | {f"made/{name}" for name in conf["ELSEWHERE"].values()} | {"made/churnsim"})
    assert all((ROOT / source).is_file() for source in conf["ELSEWHERE"])


def test_control_contents_are_read_with_and_without_a_title_of_their_own():
    text = "```{toctree}\n:caption: A\n:maxdepth: 1\n\none\nThe second <made/two>\n```\n\n```{toctree}\n\nthree\n```\n"
    assert in_contents(text) == ["one", "made/two", "three"]


def test_every_public_name_has_one_entry(conf):
    """Each name of a stub stands on the page of its namespace, by an entry or a link to one, or has a page."""
    pages = conf["reference_pages"]()
    assert set(pages["churnsim.rst"].split("toctree::")[1].split()[2:]) == {name[:-4] for name in pages} - {"churnsim"}
    entries = [
        name for page in pages.values() for name in re.findall(r"^\.\. auto(?!module)\w+:: (.+)$", page, re.MULTILINE)
    ]
    links = dict(
        link for page in pages.values() for link in re.findall(r"^- ``(.+)``: :py:obj:`(.+)`$", page, re.MULTILINE)
    )
    assert len(entries) == len(set(entries)) > 400
    assert set(links.values()) <= set(entries)
    at_top = {"churnsim.data.datasets": "churnsim.datasets.rst", "churnsim.data.customers": "churnsim.customers.rst"}
    for stub in STUBS:
        for name in names_of(stub):
            full = f"{package_of(stub)}.{name}"
            assert full in entries or full in links or at_top.get(full, f"{full}.rst") in pages, full


def test_names_are_found_by_what_else_they_are_called(conf):
    names = conf["other_names"]()
    assert names["summarise"] == names["churnsim.summarise"] == names["churnsim.data.summarise"]
    assert "fit" not in names


def test_links_to_pages_elsewhere_lead_to_what_the_site_makes_of_them(conf):
    moved, page = conf["moved_links"], DOCS / "models.md"
    text = "[a](../README.md#two-commands) [b](hard-data.md) [c](https://example.org/README.md) [d](#here)"
    assert moved(text, page, page) == text.replace("../README.md", "made/overview.md")
    readme = "![p](docs/gallery/tracking.png) [b](benchmarks/README.md)"
    assert moved(readme, ROOT / "README.md", DOCS / "made" / "overview.md") == (
        "![p](../gallery/tracking.png) [b](benchmarks.md)"
    )


def dead_links(text: str, folder: Path) -> list[str]:
    """Relative links of a Markdown text to files that are not there; code is not looked at."""
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\((?![a-z]+:)([^)#\s]+)", prose)
    return [target for target in targets if not (folder / target).exists()]


def test_links_name_files_that_are_there(conf):
    pages = [*DOCS.glob("*.md"), *DOCS.glob("claims/*.md"), *(ROOT / source for source in conf["ELSEWHERE"])]
    assert len(pages) > 80
    assert {
        page.name: dead for page in pages if (dead := dead_links(page.read_text(encoding="utf-8"), page.parent))
    } == {}


def test_control_a_dead_link_is_found():
    text = "[a](README.md#x) [b](https://a.b/c) `[c](code.md)` [d](#here)\n"
    text += "```\n[e](code.md)\n```\n![f](gone.png) [`g`](gone.md)"
    assert dead_links(text, ROOT) == ["gone.png", "gone.md"]


def test_the_way_to_build_is_written_down():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.match(r"[\w-]+", line)[0].lower() for line in project["optional-dependencies"]["docs"]} - {"churnsim"}
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()}
    assert wanted <= pinned
    assert COMMAND in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def not_run(section: str) -> list[str]:
    """Calls in the right column of a section's tables that its code does not contain, spaces aside."""
    code = re.sub(r"\s", "", "".join(re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)))
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| `") or " | `" in line]
    calls = [call for row in rows for call in re.findall(r"`([^`]+)`", row[-1])]
    assert calls
    return [call for call in calls if "".join(call.split()) not in code]


@pytest.mark.parametrize("peer", ["lifetimes", "pymc-marketing", "lifelines", "CLVTools"])
def test_our_side_of_the_calls_side_by_side_is_run(peer):
    """The code itself runs in `test_documents.py`."""
    text = (DOCS / "coming-from.md").read_text(encoding="utf-8")
    assert not_run(text.split(f"\n## {peer}\n")[1].split("\n## ")[0]) == []


def test_control_a_call_that_no_code_makes_is_found():
    assert not_run("| A | B |\n|---|---|\n| `f(x)` | `g(x)` |\n| the same | `h(x)` |\n\n```python\ng(x)\n```\n") == [
        "h(x)"
    ]
