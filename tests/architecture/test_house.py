"""Truth: the house rules. Rooms import downward, code is typed and tidy, nothing loads code or names this machine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "churnsim"
FILES = sorted(SOURCE.rglob("*.py"))
BIN = Path(sys.executable).parent


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment and return what it said."""
    tool = shutil.which(command[0], path=str(BIN)) or command[0]
    return subprocess.run([tool, *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        # A minute of its own without a cache, as in a new clone; the pre-commit hook runs it on every change.
        pytest.param(("mypy",), marks=pytest.mark.slow),
        ("lint-imports",),
    ],
    ids=lambda command: " ".join(command),
)
def test_tools_are_content(command):
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


LINT = (
    "import sys; sys.path.insert(0, 'src'); "
    "from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
)


def linted(copy: Path, planted: dict[str, str]) -> str:
    """What import-linter says of a copy of the package in which `planted` names modules and imports added to them."""
    shutil.copytree(SOURCE, copy / "src" / "churnsim", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for module, imported in planted.items():
        path = copy / "src" / "churnsim" / module
        path.write_text(path.read_text(encoding="utf-8") + f"\nimport churnsim.{imported}\n", encoding="utf-8")
    done = run(sys.executable, "-c", LINT, cwd=copy)
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join(done.stdout.split())


def rooms_with_layers() -> dict[str, list[str]]:
    """The layers of each room that has an inner contract, from the top down."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return {
        contract["containers"][0].removeprefix("churnsim.").replace(".", "/"): contract["layers"]
        for contract in contracts
        if contract["type"] == "layers" and "containers" in contract
    }


def a_module(room: str, layer: str) -> str:
    """A module of a layer, as a path below the package."""
    name = layer.split("|")[0].strip()
    path = SOURCE / room / name
    found = path if path.is_dir() else path.with_suffix(".py")
    return str((found / "__init__.py" if found.is_dir() else found).relative_to(SOURCE))


def test_control_an_upward_import_is_caught_in_each_room(tmp_path):
    """The lowest layer of each room reaches for the highest, and a kernel for a model."""
    rooms = rooms_with_layers()
    top = {room: layers[0].split("|")[0].strip() for room, layers in rooms.items()}
    planted = {a_module(room, layers[-1]): f"{room}/{top[room]}".replace("/", ".") for room, layers in rooms.items()}
    said = linted(tmp_path, {**planted, "kernels/numerics/special.py": "models.value.clv"})
    assert "Rooms import downward only BROKEN" in said
    assert len(rooms) >= 9
    assert not [room for room in rooms if f"Inside {room}: imports downward only BROKEN" not in said]


def test_control_a_circle_is_caught_in_each_room(tmp_path):
    """Two modules side by side that import each other, planted in a package of each room."""
    flat = (
        "cli",
        "economics",
        "explore",
        "satisfaction",
        "records",
        "evidence",
        "trials",
        "plots",
        "models/purchase/calendar",
    )
    packages = {room: room for room in (*flat, "models/purchase/calendar")}
    packages |= {
        room: next(
            str(p.relative_to(SOURCE)) for p in sorted((SOURCE / room).iterdir()) if len(list(p.glob("*.py"))) > 2
        )
        for room in rooms_with_layers()
        if room not in packages
    }
    planted = {}
    for package in packages.values():
        one, two, *_ = [p for p in sorted((SOURCE / package).glob("*.py")) if p.name != "__init__.py"]
        for path, other in ((one, two), (two, one)):
            planted[str(path.relative_to(SOURCE))] = f"{package.replace('/', '.')}.{other.stem}"
    said = linted(tmp_path, planted)
    assert not [
        package
        for package in packages.values()
        if f"No cycles are allowed in churnsim.{package.replace('/', '.')}." not in said
    ]


def test_folders_are_not_crowded():
    """At most about 25 modules a folder."""
    crowded = {
        str(folder.relative_to(SOURCE)): number
        for folder in (SOURCE, *(p for p in SOURCE.rglob("*") if p.is_dir()))
        if (number := sum(p.name != "__init__.py" for p in folder.glob("*.py"))) > 25
    }
    assert not crowded


# Class names that two modules may share, and why.
SHARED_CLASS_NAMES = {"_Run": "a run of either engine, private to its module: the same concept twice"}


def defined_twice(files: list[Path]) -> dict[str, list[str]]:
    """The class names that more than one of the files define, with the files."""
    modules: dict[str, list[str]] = {}
    for path in files:
        for name in names_in(path)["defined"]:
            modules.setdefault(name, []).append(path.name)
    return {name: where for name, where in modules.items() if len(where) > 1}


def test_a_class_name_has_one_meaning():
    """No class name is defined in two modules of the package, but for the exceptions above."""
    assert set(defined_twice(FILES)) == set(SHARED_CLASS_NAMES)


def test_control_a_class_name_with_two_meanings_is_found(tmp_path):
    """A second `ModelFit`, inside a function of another module."""
    second = tmp_path / "second.py"
    second.write_text("def make():\n    class ModelFit:\n        pass\n", encoding="utf-8")
    assert defined_twice([*FILES, second])["ModelFit"] == ["fit.py", "second.py"]


def test_a_fit_names_its_model():
    """`ModelFit[Any]` forgets whose fit it is: a function of any family says so by a type variable."""
    forgetful = re.compile(r"\bModelFit\[Any\]")
    assert forgetful.search("def summary_of(fit: ModelFit[Any]) -> str:")
    found = [str(p.relative_to(SOURCE)) for p in FILES if forgetful.search(p.read_text(encoding="utf-8"))]
    assert not found


@cache
def names_in(path: Path) -> dict[str, set[str]]:
    """Of a file, read once: the packages it has "imported", the classes "defined", the plain names "called", what it
    takes of "numpy" and what is "undocumented"."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {"imported": set(), "defined": set(), "called": set(), "numpy": set()}
    found["undocumented"] = undocumented(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found["imported"] |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found["imported"].add(node.module.split(".")[0])
        elif isinstance(node, ast.ClassDef):
            found["defined"].add(node.name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found["called"].add(node.func.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
            found["numpy"].add(node.attr)
    return found


def test_only_the_simpy_engine_imports_simpy():
    assert [p.name for p in FILES if "simpy" in names_in(p)["imported"]] == ["simpy_engine.py"]


def test_nothing_loads_code():
    loaders = {"pickle", "dill", "cloudpickle", "shelve", "marshal"}
    # The one reader of pickles answers every name itself; `tests/controls/test_inert_frame.py` attacks it.
    assert [p.name for p in FILES if names_in(p)["imported"] & loaders] == ["safe_pickle.py"]
    used = (SOURCE / "data" / "tabular" / "safe_pickle.py").read_text(encoding="utf-8")
    assert set(re.findall(r"pickle\.\w+", used)) == {"pickle.Unpickler", "pickle.UnpicklingError"}
    assert not set().union(*(names_in(p)["called"] for p in FILES)) & {"eval", "exec"}


def test_rules_use_no_transcendental_function_of_numpy():
    """NumPy's may differ from the C library's in the last bit, and then two engines would part."""
    allowed = {
        "float64",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint64",
        "bool_",
        "dtype",
        "nan",
        "array",
        "asarray",
        "arange",
        "column_stack",
        "where",
        "flatnonzero",
        "empty",
        "zeros",
        "ones",
        "full",
    }
    for path in (SOURCE / "kernels").rglob("*.py"):
        used = names_in(path)["numpy"]
        assert used <= allowed, (path.name, used - allowed)


def test_kernels_are_compiled_one_way():
    for path in (SOURCE / "kernels").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name in ("jit.py", "intrinsics.py") or "import numba" not in text
        assert "fastmath=True" not in text


def public_things(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """What a file defines and names without an underscore."""
    definitions = (ast.FunctionDef, ast.ClassDef)
    found = [(n.name, n) for n in tree.body if isinstance(n, definitions) and n.name[0] != "_"]
    for name, node in list(found):
        if isinstance(node, ast.ClassDef):
            found += [(f"{name}.{m.name}", m) for m in node.body if isinstance(m, ast.FunctionDef) and m.name[0] != "_"]
    return found


def undocumented(tree: ast.Module) -> set[str]:
    """Public things without a docstring, the module among them."""
    things = public_things(tree)
    # What a protocol of the same file documents need not be said again by those who follow it.
    said = {name.split(".")[-1] for name, node in things if "." in name and ast.get_docstring(node)}
    bare = {name for name, node in things if not ast.get_docstring(node)}
    bare = {name for name in bare if "." not in name or name.split(".")[-1] not in said}
    return bare if ast.get_docstring(tree) else {*bare, "the module"}


def test_public_things_are_documented():
    bare = {str(path.relative_to(SOURCE)): names_in(path)["undocumented"] for path in FILES}
    assert not {path: names for path, names in bare.items() if names}


def test_control_what_is_not_documented_is_found(tmp_path):
    path = tmp_path / "bare.py"
    path.write_text('class Some:\n    """A class."""\n\n    def verb(self):\n        return 1\n', encoding="utf-8")
    assert names_in(path)["undocumented"] == {"the module", "Some.verb"}


def tracked() -> list[Path]:
    listed = run("git", "ls-files", "-z").stdout.split("\0")
    return [ROOT / name for name in listed if name]


def test_the_repository_names_no_machine_and_no_registry():
    """Words are put together here so that this file does not name them either."""
    forbidden = ["/ho" + "me/", "/wo" + "rk/", "/ro" + "ot/", "pypi" + ".org", "python" + "hosted", "index" + "-url"]
    found = [
        (path.name, word)
        for path in tracked()
        if path.is_file() and path.suffix not in {".parquet", ".png"}
        for word in forbidden
        if word in path.read_text(encoding="utf-8", errors="ignore")
    ]
    assert not found


METAPHORS = re.compile(
    r"(?<![a-z])(?:coins?|bends?|bent|fates?|yardsticks?|dear|luck(?:y|ily)?|(?:hangs?|hung) on)(?![a-z])",
    re.IGNORECASE,
)


def test_sentences_and_names_have_no_metaphors():
    """Words that once stood for returns, rescaling, outcome, chance, dependence and reference are not back."""
    told = [p for p in SOURCE.rglob("*") if p.suffix in {".py", ".pyi", ".toml"}]
    told += [p for p in tracked() if p.suffix == ".md" and p.is_file()]
    found = {str(p): METAPHORS.findall(p.read_text(encoding="utf-8")) for p in told}
    assert not {path: words for path, words in found.items() if words}


@pytest.mark.parametrize(
    "sentence",
    [
        "The answer hangs on luck.",
        "bends = clock.bends",
        "x = next_coins",
        "per_coin_spent",
        "BEND = 2.53",
        "MOST_BENDS",
    ],
)
def test_control_a_metaphor_is_found(sentence):
    """Also within a name, and in that of a constant."""
    assert METAPHORS.search(sentence)


def test_top_level_is_as_agreed():
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    if not top:
        pytest.fail("git lists no files: run the tests in a clone")
    assert {"pyproject.toml", "src", "experiments", "configs", "tests", "README.md", "docs", "benchmarks"} <= top
