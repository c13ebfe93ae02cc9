"""Truth: the documents. Every snippet runs, and the commands are those that CI uses."""

from __future__ import annotations

import ast
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


@pytest.mark.parametrize(("where", "code"), blocks("python"), ids=lambda value: value if "\n" not in value else "")
def test_python_snippets_run(where, code, tmp_path, monkeypatch):
    """Each in a fresh interpreter, from a directory of its own; a snippet's `assert` lines are its results."""
    monkeypatch.chdir(tmp_path)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{where}\n{done.stderr}"


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
