"""A family of purchase models is named in its own module and in the registry, and a new one is added in few files."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from tests.forked import Interpreter

import churnsim as cs
from churnsim.cli import data
from churnsim.models.purchase import registry
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.simulation.core.lifetimes import lifetime_of
from churnsim.study.config.config import ModelsSection

SOURCES = Path(cs.__file__).parent
OWN = {place.partition(":")[0] for place in registry.PLACES.values()} | {registry.__name__}
# Files whose subject is one family, so that they name it, and why. Kernels are the families' own arithmetic.
ALLOWED = {
    "models/purchase/bg_bb_calendar.py": "this family's form with a calendar, which a summary of its own makes",
    "models/purchase/bg_bb_courses.py": "what that form expects",
    "models/interop.py": "a table of other packages' fitters and the families that they are",
    "models/segmentation/gold_customers.py": "its method is this model",
    "satisfaction/money.py": "what it estimates is an effect in this model",
    "claims/on_data/annual_churn.py": "donors, whose chances to give are opportunities",
    "claims/machinery/families.py": "what a log does not decide is averaged over three models",
    "claims/machinery/reference_data.py": "the model that the claims' reference data are published with",
    "report/page/context.py": "the names of one word that stand for a title where a text holds them",
    "evidence/clock_effects.py": "the families that its likelihood is written for",
    "evidence/contacts.py": "the one of these that is fitted unless another is asked for",
    "study/stages/evidence_stage.py": "the one whose clocks contacts act on where the study's family has none",
    "claims/machinery/made_up.py": "customers of worlds in which claims are true",
    "claims/on_data/existing_revenue.py": "customers of a world in which it is true, more unlike than made-up ones",
    "models/evaluation/readiness.py": "the families whose simulations it rests on",
    "models/value/estimator.py": "the one that is fitted unless another is asked for",
    "claims/reproduction/computations.py": "published figures of this model",
}


def named(source: str) -> set[str]:
    """Names of families and of their classes, forms with covariates too, in a module: in any text but a docstring or an
    example of the command line, however it is surrounded, and as identifiers."""
    families = "|".join(registry.PLACES)
    classes = {place.partition(":")[2] for place in registry.PLACES.values()}
    text = re.compile(rf"(?<![A-Za-z0-9_.])(?:{families})(?:_covariates)?(?![A-Za-z0-9_])")
    every = {*classes, *(f"{name}Covariates" for name in classes)}
    if not text.search(source) and not any(name in source for name in every):
        return set()
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    return set(_names(tree, docs, text, every))


def _names(tree: ast.AST, docs: set[int], text: re.Pattern[str], classes: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield from text.findall(node.value)
        elif isinstance(node, ast.Name | ast.Attribute):
            yield from {node.id if isinstance(node, ast.Name) else node.attr} & classes


def module_of(path: Path) -> str:
    return ".".join(("churnsim", *path.relative_to(SOURCES).with_suffix("").parts))


def test_no_other_source_file_names_a_family() -> None:
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        place = path.relative_to(SOURCES).as_posix()
        if module_of(path) not in OWN and not place.startswith("kernels/"):
            found[place] = sorted(named(path.read_text(encoding="utf-8")))
    found = {place: names for place, names in found.items() if names}
    assert found.keys() == ALLOWED.keys()


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('KINDS = {"bg_nbd": 1, "pareto_nbd_covariates": 2, "other": 3}', {"bg_nbd", "pareto_nbd_covariates"}),
        ('say(f"compare with {x} and nbd, or mbg_cnbd")', {"nbd", "mbg_cnbd"}),
        ("fit = models.BGNBD.fit(x) if a else BGBB", {"BGNBD", "BGBB"}),
        ('"""A docstring may say bg_nbd."""\nx = "my_bg_nbd.toml, nbd_like"', set()),
    ],
)
def test_control_a_name_is_found_wherever_it_stands(source: str, names: set[str]) -> None:
    assert named(source) == names


@pytest.mark.parametrize("name", PURCHASE_FAMILIES)
def test_every_family_says_what_others_ask(name: str) -> None:
    family = PURCHASE_FAMILIES[name]
    assert family.family == name
    assert family.title
    assert family.within is None or family.within in PURCHASE_FAMILIES
    if family.covariate_family is not None:
        other = family.covariate_family
        assert (other.title, other.within) == (family.title, name)
        assert other.simulated_as in (family.simulated_as, None)


def inherited_for_others(family: type) -> list[str]:
    """Methods that a family inherits from one with other parameters and that read all of them, in their order."""
    found = []
    for name in dir(family):
        own = inspect.getattr_static(family, name)
        function = getattr(own, "__func__", getattr(own, "fget", own))
        home = next(kind for kind in family.__mro__ if name in vars(kind))
        others = getattr(home, "parameter_names", family.parameter_names)
        if isinstance(others, tuple) and others != family.parameter_names and inspect.isfunction(function):
            found += [f"{home.__name__}.{name}"] if "_parameters" in function.__code__.co_names else []
    return found


@pytest.mark.parametrize("name", PURCHASE_FAMILIES)
def test_no_family_inherits_what_reads_other_parameters(name: str) -> None:
    family = PURCHASE_FAMILIES[name]
    for kind in filter(None, (family, family.covariate_family)):
        found = inherited_for_others(kind)
        assert not found, f"{kind.__name__} has other parameters: it needs methods of its own in place of {found}"


def test_control_a_family_with_one_parameter_more_is_found() -> None:
    class Never(cs.NBD):
        parameter_names: ClassVar[tuple[str, ...]] = ("r", "alpha", "never")

    assert {"NBD._score_sql", "NBD._population", "NBD._log_likelihood"} <= set(inherited_for_others(Never))
    assert "NBD._alive" not in inherited_for_others(Never)  # reads none of them


class Toy(cs.BGNBD):
    """A family in one module of its own and one line of the registry."""

    family: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy"


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> type[Toy]:
    module = ModuleType("toy_family")
    module.Toy = Toy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_family", module)
    monkeypatch.setitem(registry.PLACES, "toy", "toy_family:Toy")
    return Toy


def test_a_registered_family_is_known_everywhere(toy: type[Toy]) -> None:
    summary = cs.BGNBD(r=0.8, alpha=5.0, a=0.8, b=2.5).draw_summary([50.0] * 400, seed=1)
    fit = toy.fit(summary)
    assert type(fit.model) is toy
    assert fit.loglik == cs.BGNBD.fit(summary).loglik
    compared = cs.compare_models(summary, [PURCHASE_FAMILIES["toy"], cs.NBD])
    assert compared.table.loc["toy", "lr"] > 0
    assert "toy" in cs.models.choose_model(summary).fits
    assert lifetime_of(fit.model)[0] == lifetime_of(cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0))[0]
    assert ModelsSection(purchases="toy").purchases == "toy"
    with pytest.raises(ValueError, match="unknown"):
        ModelsSection(purchases="tay")


# The whole change that adds a family: file, what stands there, what is put before it.
MODULE = '''"""A toy."""
from dataclasses import dataclass
from typing import ClassVar

from churnsim.models.purchase.nbd import NBD


@dataclass(frozen=True, kw_only=True)
class Toy(NBD):
    """NBD by another name."""

    family: ClassVar[str] = "toy"
    title: ClassVar[str] = "Toy"
'''
EDITS = [
    ("models/purchase/toy.py", None, MODULE),
    ("models/purchase/registry.py", '    "nbd": ', '    "toy": "churnsim.models.purchase.toy:Toy",\n'),
]


def linked(copy: Path) -> None:
    """The package again, file by file as links, so that compiled code is found and edits stay there."""
    for folder, inner, files in os.walk(SOURCES):
        here = copy / Path(folder).relative_to(SOURCES)
        here.mkdir(parents=True)
        for name in [*files, *(["__pycache__"] if "__pycache__" in inner else [])]:
            (here / name).symlink_to(Path(folder) / name)
        inner[:] = [name for name in inner if name != "__pycache__"]


def test_a_family_is_added_in_few_files_and_fitted_by_the_command_line(
    tmp_path: Path, interpreter: Interpreter
) -> None:
    copy = tmp_path / "src" / "churnsim"
    linked(copy)
    for place, before, text in EDITS:
        path = copy / place
        old = path.read_text(encoding="utf-8") if before else ""
        assert before is None or old.count(before) == 1
        path.unlink(missing_ok=True)
        path.write_text(old.replace(before, text + before) if before else text, encoding="utf-8")
    assert len({place for place, _, _ in EDITS}) <= 5
    log = cs.datasets.cdnow().head(400)
    log.to_csv(tmp_path / "purchases.csv", index=False)
    code = "import sys; sys.dont_write_bytecode = True\nfrom churnsim.cli.app import main; main()"
    words = ["", "fit", "purchases.csv", "--model", "toy"]
    done = interpreter.run(code, arguments=words, where=tmp_path, paths=[tmp_path / "src"])
    assert done.returncode == 0, done.stderr
    fit = cs.NBD.fit(cs.summarise(log))
    assert f"toy on {fit.n:,.0f} customers, unit W; log-likelihood {fit.loglik:.4f}" in done.stdout


def test_the_command_line_offers_what_is_registered() -> None:
    assert [str(name) for name in data.Model] == [*PURCHASE_FAMILIES, data.SPEND]


def test_control_without_the_registry_a_family_is_unknown() -> None:
    with pytest.raises(ValueError, match="unknown"):
        ModelsSection(purchases="toy")
