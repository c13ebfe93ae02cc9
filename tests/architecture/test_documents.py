"""Truth: the documents. Every snippet runs, and the commands are those that CI uses."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from tests.forked import Interpreter

import churnsim as cs

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """(where, text) of every fenced block of a language."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text[: match.start()].count("\n") + 1
            found.append((f"{document.name}:{line}", match.group(1)))
    return found


OF_DATA_SETS = [
    (name, where, code) for name in ("online-retail", "hillstrom") for where, code in blocks(f"python data={name}")
]
# Runs snippets given as JSON, each in a namespace and a directory of its own; says which fail.
RUN_SNIPPETS = """
import json, os, sys, tempfile, traceback
failed = False
for where, code in json.loads(sys.argv[1]):
    os.chdir(tempfile.mkdtemp(dir=sys.argv[2]))
    try:
        exec(compile(code, where, "exec"), {"__name__": "__main__"})
    except Exception:
        failed = True
        print(where, traceback.format_exc(), sep="\\n", file=sys.stderr)
sys.exit(failed)
"""
# Runs one command of churnsim.
COMMAND = "from churnsim.cli import main; main()"


def run_snippets(
    interpreter: Interpreter, snippets: list[tuple[str, str]], folder: Path
) -> subprocess.CompletedProcess[str]:
    return interpreter.run(RUN_SNIPPETS, arguments=["", json.dumps(snippets), str(folder)], where=folder)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_snippets_run(document, tmp_path, interpreter):
    """Those of one document share a process, not their names; their `assert` lines are their results."""
    snippets = [block for block in blocks("python") if block[0].startswith(f"{document.name}:")]
    done = run_snippets(interpreter, snippets, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "where", "code"), OF_DATA_SETS, ids=[where for _, where, _ in OF_DATA_SETS])
def test_snippets_of_data_sets_run(name, where, code, tmp_path, interpreter):
    """Those marked with a data set that has to be downloaded; skipped where it is not at hand."""
    if not cs.datasets.describe(name).at_hand:
        pytest.skip(f"CHURNSIM_DATA names no folder with the file of {name}")
    done = run_snippets(interpreter, [(where, code)], tmp_path)
    assert done.returncode == 0, done.stderr


def test_control_a_snippet_that_fails_is_named(tmp_path, interpreter):
    """A failed assertion, a name of another snippet and a warning are all failures; the others still run."""
    code = "import warnings; warnings.warn('old')"
    snippets = [("a:1", "x = 1"), ("a:2", "print(x)"), ("a:3", "assert 1 == 2"), ("a:4", code)]
    done = run_snippets(interpreter, snippets, tmp_path)
    assert done.returncode == 1
    assert [name in done.stderr for name in ("a:1", "a:2", "a:3", "a:4")] == [False, True, True, True]


def test_control_one_piece_of_code_knows_nothing_of_another(tmp_path, interpreter):
    """Nor does it end the others: neither its names, its changes to a module, its exit status nor its output.

    It ends as an interpreter does: after its threads and what is registered.
    """
    first = interpreter.run(
        "import json, os; json.planted = x = 1; print('said'); os._exit(3)", arguments=[""], where=tmp_path
    )
    assert (first.returncode, first.stderr) == (3, "")
    code = "import json, sys; print(hasattr(json, 'planted'), 'x' in globals(), sys.argv); raise ValueError('planted')"
    second = interpreter.run(code, arguments=["a", "b"], where=tmp_path)
    assert (second.returncode, second.stdout) == (1, "False False ['a', 'b']\n")
    assert "ValueError: planted" in second.stderr
    code = "import atexit, sys, threading as t; atexit.register(print, 'registered'); "
    code += "t.Timer(0.05, print, ('by a thread',)).start(); sys.exit('no')"
    third = interpreter.run(code, arguments=[""], where=tmp_path)
    assert (third.returncode, third.stdout, third.stderr) == (1, "by a thread\nregistered\n", "no\n")


@pytest.mark.parametrize(("where", "text"), blocks("console"), ids=lambda value: value if "\n" not in value else "")
def test_console_snippets_run(where, text, tmp_path, interpreter):
    """Lines after `$ ` are commands, run at the root; runs are written elsewhere. A command must succeed.

    A run's work is done in one process: that sharing it changes nothing is tested in `test_backends.py` and
    `test_runner.py`. The reports of the runs of buyers and subscribers, as long in the making as the rest, are tested
    in `test_resume.py` and `test_contract_study.py`.
    """
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    assert commands, f"{where} has no command"
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "churnsim", f"{where}: only churnsim's own commands stand in console blocks"
        if words[1] == "run":
            no_report = ["--no-report"] * where.startswith(("first-day.md", "contractual.md"))
            words += ["--runs-dir", str(tmp_path / "runs"), "--workers", "1", *no_report]
        if words[1] == "report":
            words[2] = str(next((tmp_path / "runs").iterdir()))
        done = interpreter.run(COMMAND, arguments=words, where=ROOT)
        assert done.returncode == 0, f"{where}: {command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.py")), ids=lambda path: path.stem)
def test_experiments_are_thin_and_their_examples_run(path, interpreter):
    """At most about 100 lines, no input or output of their own, and the indented example in the docstring runs."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110
    assert not re.search(r"\bopen\(|read_csv|to_csv|write_text|altair", text)
    tree = ast.parse(text)
    blocks = [line[4:] for line in (ast.get_docstring(tree) or "").splitlines() if line.startswith("    ") or not line]
    # Long epochs are said to the user and no fault of an experiment, whose epochs are its configuration's.
    quiet = "import warnings; from churnsim.errors import EpochWarning; warnings.simplefilter('ignore', EpochWarning)"
    future = "from __future__ import annotations\n"
    assert future in text
    code = "\n".join([text.replace(future, f"{future}{quiet}\n", 1), *blocks])
    done = interpreter.run(code, arguments=[""], where=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout, "the example shows nothing"


def test_the_first_two_commands_set_up_everything():
    commands = [text.strip() for where, text in blocks("bash") if where.startswith("README.md")]
    assert len(commands) >= 2
    main, test = commands[:2]
    for command in (main, test):
        assert command.startswith("python3 -m venv ")
        assert "-c constraints.txt" in command
        assert "\n" not in command
    assert main.endswith("churnsim run configs/cdnow.toml")
    assert test.endswith("-m pytest")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert test in script.splitlines(), ".ci/run must call exactly the README's test command"


def test_constraints_pin_versions_and_nothing_else():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert len(lines) > 30
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)


def not_in_contents(text: str) -> list[str]:
    """Headings of a document that its contents do not link, and links to no heading."""
    contents, body = text.split("## Contents", 1)[1].split("\n## ", 1)
    headings = re.findall(r"^#{2,4} (.+)$", "## " + body, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return sorted(anchors ^ set(re.findall(r"\]\(#([^)]+)\)", contents)))


def test_the_contents_of_the_decisions_name_every_entry():
    assert not_in_contents((ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")) == []


def test_control_an_entry_that_the_contents_leave_out_is_found():
    text = "# A\n\n## Contents\n\n- [Room](#room): [Old](#old)\n\n## Room\n\n### New entry (2)\n"
    assert not_in_contents(text) == ["new-entry-2", "old"]
