"""Truth: the recipes of CONTRIBUTING.md. Each toy is added to a copy of the source in the files that its recipe names.

The recipes for a purchase model and for a mechanism are tried where the files they touch are counted.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tests.forked import Interpreter

ROOT = Path(__file__).parents[2]

CLAIM = '''"""`toy`: a price and its double."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import closes


def judge(evidence: Evidence = None, quick: bool = False, *, factor: float = 2.0) -> Finding:
    """A price times the factor; the control takes another factor."""
    found = 50.0 * factor
    return Finding(answer=closes(found, 100.0, within=0.5), reason=f"50 x {factor:g} = {found:g}.", estimate=found)
'''

STATEMENT = """[[claim]]
id = "toy"
module = "arithmetic.toy"
group = "What keeping customers is worth"
kind = "arithmetic"
says = "Twice 50 is 100."
quote = "两倍"
quantity = "The double of a price."
expect = 100.0
within = 0.5
because = "Printed without decimals."
control = "three times the price"
control_inputs = { factor = 3.0 }
critique = ["It is a toy."]
sources = [{ text = "lecture" }]

"""

CHAPTER = '''"""How many strategies were compared."""

from __future__ import annotations

from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Chapter, Paragraph
from churnsim.report.page.context import Context


def chapter(context: Context) -> Chapter:
    """One sentence; a run of one strategy has no such chapter."""
    count = len(context.run.strategies)
    blocks = [Paragraph(text=context.say("toy.count", count=fmt.count(count)))] if count > 1 else []
    return Chapter(id="toy", title=context.say("section.toy"), blocks=list(blocks))
'''

# Charts are drawn in test_report.py.
RENDER = """
import sys
from pathlib import Path
import vl_convert
from churnsim.report import render
import fake_run
vl_convert.vegalite_to_svg = lambda *_, **__: "<svg/>"
pieces = fake_run.make_pieces()
print(len(pieces["strategies"]), render(fake_run.write_run(Path(sys.argv[1]), pieces)))
"""

# Commands one after the other, in a process that imports the package once.
EACH = """
import json, sys
from typer.testing import CliRunner
from churnsim.cli.app import app
done = [CliRunner().invoke(app, words) for words in json.loads(sys.argv[1])]
print(*(one.output for one in done), [one.exit_code for one in done])
"""

LIST = """
import json
from typer.testing import CliRunner
from churnsim.cli.app import app
asked = (["--containing", "credit-card"], ["--help"], ["--containing"])
done = [CliRunner().invoke(app, ["claims", "list", *words]) for words in asked]
print(json.dumps([done[0].output, done[1].output, [one.exit_code for one in done]]))
"""


class Copy:
    """A copy of the source in which the steps of a recipe are done."""

    def __init__(self, folder: Path, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.src = folder / "src"
        self.touched: set[str] = set()
        shutil.copytree(ROOT / "src", self.src, ignore=shutil.ignore_patterns("*.nb*", "*.pyc.*", "*.egg-info"))

    def create(self, path: str, text: str) -> None:
        file = self._file(path)
        assert not file.exists()
        file.write_text(text, encoding="utf-8")

    def edit(self, path: str, *changes: tuple[str, str]) -> None:
        """Replace each text, which must be there exactly once."""
        file = self._file(path)
        text = file.read_text(encoding="utf-8")
        for before, after in changes:
            assert text.count(before) == 1, (path, before)
            text = text.replace(before, after)
        file.write_text(text, encoding="utf-8")

    def run(self, code: str, *arguments: str) -> str:
        """What code that uses the copy prints; it must succeed."""
        wide, paths = "import os; os.environ['COLUMNS'] = '120'\n", [self.src, ROOT / "tests" / "unit"]
        done = self.interpreter.run(wide + code, arguments=["", *arguments], where=self.src.parent, paths=paths)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _file(self, path: str) -> Path:
        self.touched.add(path)
        return self.src.parent / path


def named(title: str) -> set[str]:
    """The source files that a recipe names, for a toy."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    match = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, f"CONTRIBUTING.md has no recipe {title!r}"
    return {path.replace("NAME", "toy") for path in re.findall(r"`(src/[^`]+\.(?:py|toml))`", match.group(1))}


def test_every_place_that_is_named_exists():
    """Also in the recipes whose toys are tried elsewhere; what is to be added has its folder."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = [Path(place) for place in re.findall(r"`((?:src|tests|docs|configs)/[^` ]+)`", text)]
    assert len(places) > 20
    assert not [p for p in places if not (ROOT / (p.parent if p.stem == "NAME" else p)).exists()]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, interpreter: Interpreter) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"), interpreter)


@pytest.fixture
def copy(shared: Copy) -> Copy:
    """One copy for all recipes, whose toys do not meet; what each touches is counted afresh."""
    shared.touched.clear()
    return shared


def test_recipe_of_a_claim(copy: Copy, tmp_path: Path):
    copy.create("src/churnsim/claims/arithmetic/toy.py", CLAIM)
    first = '[[claim]]\nid = "card-npv"\n'
    copy.edit("src/churnsim/claims/statements.toml", (first, STATEMENT + first))
    # The recipe names the folder: a judge goes into the module of its theme, or into a new one, as here.
    assert copy.touched == named("A claim") | {"src/churnsim/claims/arithmetic/toy.py"}

    findings, page = tmp_path / "findings.json", tmp_path / "claims.md"
    tested = ["claims", "test", "toy", "--json", str(findings)]
    assert copy.run(EACH, json.dumps([tested, ["claims", "page", str(findings), str(page)]])).endswith("[0, 0]\n")
    (row,) = json.loads(findings.read_text(encoding="utf-8"))
    assert (row["answer"], row["control"]["answer"]) == ("HOLDS", "FAILS")
    assert "[`toy`](claims/toy.md)" in page.read_text(encoding="utf-8")
    assert (tmp_path / "claims" / "toy.md").is_file()


def test_recipe_of_a_report_chapter(copy: Copy, tmp_path: Path):
    copy.create("src/churnsim/report/chapters/toy.py", CHAPTER)
    copy.edit(
        "src/churnsim/report/chapters/__init__.py",
        ("    survival,\n    value,\n)", "    survival,\n    toy,\n    value,\n)"),
        ("question, customers, data,", "question, toy, customers, data,"),
    )
    copy.edit(
        "src/churnsim/report/messages/en.toml",
        ('question = "What was asked"\n', 'question = "What was asked"\ntoy = "A toy chapter"\n'),
        ("[question]\n", '[toy]\ncount = "{count} strategies were compared."\n\n[question]\n'),
    )
    assert copy.touched == named("A report chapter")

    count, page = copy.run(RENDER, str(tmp_path / "run")).split(" ", 1)
    assert f"{count} strategies were compared." in page
    assert page.index("What was asked</h2>") < page.index("A toy chapter</h2>") < page.index("The data</h2>")


def test_recipe_of_a_command_line_option(copy: Copy):
    copy.edit(
        "src/churnsim/cli/claims.py",
        (
            "def list_claims() -> None:",
            "def list_claims(\n"
            "    containing: Annotated[\n"
            '        str, typer.Option(metavar="WORD", help="Only claims whose statement contains it.")\n'
            '    ] = "",\n'
            ") -> None:",
        ),
        ("for c in CATALOGUE.values()])", "for c in CATALOGUE.values() if containing in c.says])"),
    )
    assert copy.touched == named("A command-line option")

    listed, explained, statuses = json.loads(copy.run(LIST))
    assert "card-npv" in listed
    assert "five-percent-churn" not in listed
    assert "--containing" in explained
    assert statuses == [0, 0, 2]  # and 2 for an option without its word
