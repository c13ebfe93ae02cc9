"""A family of purchase models is named in its own module and in the registry, and a new one is added in few files."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest

import churnsim as cs
from churnsim.cli import data
from churnsim.models.purchase import registry
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.simulation.core.lifetimes import lifetime_of
from churnsim.study.config.config import ModelsSection

SOURCES = Path(cs.__file__).parent
OWN = {place.partition(":")[0] for place in registry.PLACES.values()} | {registry.__name__}
# Files whose subject is one family, so that they name it.
ALLOWED = {
    "models/segmentation/gold_customers.py": "its method is this model",
    "cli/validate.py": "the default of an option, which its help shows without importing a model",
    "claims": "a claim is about the model that its text names",
}


def named(tree: ast.AST) -> Iterator[str]:
    """The texts of a module that are names of families, or of their forms with covariates, one or several."""
    name = rf"(?:{'|'.join(registry.PLACES)})(?:_covariates)?"
    names = re.compile(rf"{name}(?:[, ]+{name})*")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and names.fullmatch(node.value):
            yield node.value


def module_of(path: Path) -> str:
    return ".".join(("churnsim", *path.relative_to(SOURCES).with_suffix("").parts))


def test_no_other_source_file_lists_families() -> None:
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        place = path.relative_to(SOURCES).as_posix()
        if module_of(path) in OWN or place.startswith(("kernels/", *ALLOWED)):
            continue
        texts = set(named(ast.parse(path.read_text(encoding="utf-8"))))
        if texts:
            found[place] = sorted(texts)
    assert not found


def test_control_a_list_of_families_is_found() -> None:
    assert list(named(ast.parse('KINDS = {"bg_nbd": 1, "pareto_nbd_covariates": 2, "other": 3}'))) == [
        "bg_nbd", "pareto_nbd_covariates",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PURCHASE_FAMILIES)
def test_every_family_says_what_others_ask(name: str) -> None:
    family = PURCHASE_FAMILIES[name]
    assert family.family == name
    assert family.title
    assert family.within is None or family.within in PURCHASE_FAMILIES
    if family.covariate_family is not None:
        other = family.covariate_family
        assert (other.title, other.simulated_as, other.within) == (family.title, family.simulated_as, name)


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


def test_a_family_is_added_in_its_module_and_the_registry(toy: type[Toy]) -> None:
    summary = cs.BGNBD(r=0.8, alpha=5.0, a=0.8, b=2.5).draw_summary([50.0] * 400, seed=1)
    fit = toy.fit(summary)
    assert type(fit.model) is toy
    assert fit.loglik == cs.BGNBD.fit(summary).loglik
    compared = cs.compare_models(summary, [PURCHASE_FAMILIES["toy"], cs.NBD])
    assert compared.table.loc["toy", "lr"] > 0
    assert lifetime_of(fit.model)[0] == lifetime_of(cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0))[0]
    assert ModelsSection(purchases="toy").purchases == "toy"
    with pytest.raises(ValueError, match="unknown"):
        ModelsSection(purchases="tay")


def test_the_command_line_offers_what_is_registered() -> None:
    assert [str(name) for name in data.Model] == [*PURCHASE_FAMILIES, data.SPEND]


def test_control_without_the_registry_a_family_is_unknown() -> None:
    with pytest.raises(ValueError, match="unknown"):
        ModelsSection(purchases="toy")
