"""Truth: the documents. Every snippet runs, and the commands are those that CI uses."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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


# Runs snippets given as JSON on standard input, each in a namespace and a directory of its own; says which fail.
RUN_SNIPPETS = """
import json, os, sys, tempfile, traceback
failed = False
for where, code in json.load(sys.stdin):
    os.chdir(tempfile.mkdtemp(dir=sys.argv[1]))
    try:
        exec(compile(code, where, "exec"), {"__name__": "__main__"})
    except Exception:
        failed = True
        print(where, traceback.format_exc(), sep="\\n", file=sys.stderr)
sys.exit(failed)
"""


def run_snippets(snippets: list[tuple[str, str]], folder: Path) -> subprocess.CompletedProcess[str]:
    """The snippets in one fresh interpreter, where a warning is an error."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN_SNIPPETS, str(folder)],
        input=json.dumps(snippets),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_snippets_run(document, tmp_path):
    """Those of one document share an interpreter, not their names; their `assert` lines are their results."""
    done = run_snippets([block for block in blocks("python") if block[0].startswith(f"{document.name}:")], tmp_path)
    assert done.returncode == 0, done.stderr


def test_control_a_snippet_that_fails_is_named(tmp_path):
    """A failed assertion, a name of another snippet and a warning are all failures; the others still run."""
    code = "import warnings; warnings.warn('old')"
    snippets = [("a:1", "x = 1"), ("a:2", "print(x)"), ("a:3", "assert 1 == 2"), ("a:4", code)]
    done = run_snippets(snippets, tmp_path)
    assert done.returncode == 1
    assert [name in done.stderr for name in ("a:1", "a:2", "a:3", "a:4")] == [False, True, True, True]


@pytest.mark.parametrize(("where", "text"), blocks("console"), ids=lambda value: value if "\n" not in value else "")
def test_console_snippets_run(where, text, tmp_path):
    """Lines after `$ ` are commands, run at the root; runs are written elsewhere. A command must succeed."""
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    assert commands, f"{where} has no command"
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "churnsim", f"{where}: only churnsim's own commands stand in console blocks"
        if words[1] == "run":
            words += ["--runs-dir", str(tmp_path / "runs")]
        if words[1] == "report":
            words[2] = str(next((tmp_path / "runs").iterdir()))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "churnsim"), *words[1:]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{where}: {command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.py")), ids=lambda path: path.stem)
def test_experiments_are_thin_and_their_examples_run(path):
    """At most about 100 lines, no input or output of their own, and the indented example in the docstring runs."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 110
    assert not re.search(r"\bopen\(|read_csv|to_csv|write_text|altair", text)
    tree = ast.parse(text)
    blocks = [line[4:] for line in (ast.get_docstring(tree) or "").splitlines() if line.startswith("    ") or not line]
    code = text + "\n" + "\n".join(blocks)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
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
