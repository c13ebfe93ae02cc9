"""Truth: the notebooks of docs/notebooks run without a warning, end in a picture, and their pages show what they find.

A notebook is a Python file whose cells begin with `# %%` (py:percent, as jupytext and editors read it). `python
tests/architecture/test_notebooks.py [NAME ...]` runs them and writes beside each its page and its picture.
"""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import churnsim as cs

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.py"))
LARGEST = 60_000  # bytes of a picture
OPENS = "*The notebook: [{0}]({0}), which Jupyter (by jupytext) and editors open cell by cell.*"
OUTPUT = re.compile(r"^```text\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def cells(text: str) -> list[tuple[str, str]]:
    """(kind, text) of the cells of a notebook; of words the text is Markdown."""
    found = []
    for kind, body in re.findall(r"^# %%(.*)\n((?:(?!# %%).*\n?)*)", text, re.MULTILINE):
        words = kind.strip() == "[markdown]"
        found.append(("words" if words else "code", re.sub("^# ?", "", body, flags=re.M) if words else body))
    return [(kind, body.strip()) for kind, body in found]


def shown(code: str, names: dict[str, Any]) -> tuple[str, Any]:
    """What a cell prints and shows: the value of its last line, unless it is a picture; and that value."""
    tree, value = ast.parse(code), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(tree, "<cell>", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            if value is not None and not isinstance(value, Axes):
                out.write(f"{value}\n")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()), value


def executed(notebook: Path) -> tuple[str, Figure]:
    """The page of a notebook, with what its cells show, and the picture that it ends in."""
    mpl.use("Agg")
    names: dict[str, Any] = {}
    lines, value = [], None
    with pd.option_context("display.width", 110, "display.max_columns", 20):
        for kind, text in cells(notebook.read_text(encoding="utf-8")):
            if kind == "words":
                lines += [text, ""]
                continue
            output, value = shown(text, names)
            lines += ["```python", text, "```", ""] + ["```text", output, "```", ""] * bool(output)
    assert isinstance(value, Axes), f"{notebook.name} does not end in a picture"
    title = lines[0].partition("\n")[0].removeprefix("# ")
    axes = " by ".join(filter(None, (value.get_ylabel(), value.get_xlabel().lower())))
    picture = f"![{title}: {axes}]({notebook.stem}.png)"
    return "\n".join([*lines, picture, "", OPENS.format(notebook.name), ""]), value.figure


def numbers(page: str) -> list[float]:
    """The numbers in the outputs of a page."""
    found = re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?", "".join(OUTPUT.findall(page)))
    return [float(number.replace(",", "")) for number in found]


def differs(page: str, stored: str) -> list[str]:
    """Where a page is not as stored: its words and code, or a number in what these show by more than 1%."""
    if OUTPUT.sub("", page) != OUTPUT.sub("", stored):
        return ["words or code"]
    found, before = numbers(page), numbers(stored)
    if len(found) != len(before):
        return ["how many numbers are shown"]
    return [
        f"{new} instead of {old}"
        for new, old in zip(found, before, strict=True)
        if not math.isclose(new, old, rel_tol=0.01, abs_tol=0.0011)
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_page_shows_what_it_finds(notebook):
    for name in re.findall(r'datasets\.load\("([\w-]+)"\)', notebook.read_text(encoding="utf-8")):
        if not cs.datasets.describe(name).at_hand:
            pytest.skip(f"CHURNSIM_DATA names no folder with the file of {name}")
    page, figure = executed(notebook)
    try:
        assert differs(page, notebook.with_suffix(".md").read_text(encoding="utf-8")) == []
        assert any(axes.has_data() for axes in figure.axes)
    finally:
        mpl.pyplot.close("all")


def test_ten_notebooks_with_pages_and_small_pictures():
    stems = {path.stem for path in NOTEBOOKS}
    assert len(stems) >= 10
    for suffix in (".md", ".png"):
        assert {path.stem for path in (DOCS / "notebooks").glob(f"*{suffix}")} == stems
    pictures = [path.with_suffix(".png") for path in NOTEBOOKS]
    assert max(path.stat().st_size for path in pictures) < LARGEST
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    listed = re.findall(r"\]\(notebooks/(\w+)\.md\)", (DOCS / "notebooks.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(stems)


def test_control_cells_are_read_and_a_page_that_is_old_is_found():
    text = "# %% [markdown]\n# # A\n#\n# b\n\n# %%\nx = 1\nx + 1\n\n# %%\nprint(x)\n"
    assert cells(text) == [("words", "# A\n\nb"), ("code", "x = 1\nx + 1"), ("code", "print(x)")]
    assert shown("x = 1\nx + 1", {}) == ("2", 2)
    page = "# A\n\n```text\n1,234.5 a2  -3\n```\n"
    assert numbers(page) == [1234.5, -3.0]
    assert differs(page, page.replace("1,234.5", "1,235.5")) == []
    assert differs(page, page.replace("-3", "3")) == ["-3.0 instead of 3.0"]
    assert differs(page, page.replace("# A", "# B")) == ["words or code"]


def write(names: list[str]) -> None:
    """Run the notebooks, and write their pages and pictures."""
    from PIL import Image

    for notebook in NOTEBOOKS:
        if names and notebook.stem not in names:
            continue
        page, figure = executed(notebook)
        notebook.with_suffix(".md").write_text(page, encoding="utf-8")
        picture = notebook.with_suffix(".png")
        figure.savefig(picture, dpi=100)
        mpl.pyplot.close("all")
        Image.open(picture).convert("RGB").quantize(256).save(picture, optimize=True)


if __name__ == "__main__":
    write(sys.argv[1:])
