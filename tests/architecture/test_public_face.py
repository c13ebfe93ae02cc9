"""Truth: the public face. Stubs and modules agree, imports are light, the names of 0.1 work."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import pytest

import churnsim

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "churnsim"
STUBS = sorted(SOURCE.rglob("*.pyi"))
# Names that `churnsim` had in 0.1; they work until 0.3.
NAMES_OF_0_1 = """
Acquisition AskForComplaints BGBB BGNBD BGNBDCovariates BetaDiscreteWeibull BetaDiscreteWeibullCovariates ChurnChange
ChurnModel ChurnSimError Cohort Comparison Compensation Competitors ComplaintDesk ConfigError ContractualLifetime
CrossSelling CustomerDatabase DataError DismissUnprofitable EconomicBond EmpoweredStaff Experiment FitError FixedSpend
GammaGamma Ledger LogNormal MBGCNBD MBGNBD Market Mechanism NBD Normal ParetoNBD ParetoNBDCovariates ParquetLog
PosteriorBase Precision ProfitByTenure PseudonymKey PurchaseModel Quantity Referral ReferralReward Region
RenewalOffers RetentionContacts Satisfaction Scenario Selection Sensitivity ServiceQuality ShiftedBetaGeometric
ShiftedBetaGeometricCovariates SocialBond StaffCare Strategy StructuralBond Survey SurvivalCurve SurvivalRegression
TraitsBase UpliftModel WinBack WordOfMouth addresses believe bootstrap compare compare_models compare_survival
count_renewals cumulative_incidence customer_table customer_tables customer_value customer_value_intervals
delta_interval drawn_interval forecast from_inference_data from_lifetimes gold_customers map_region posterior_models
read_subscriptions read_survey read_transactions realised_value reproduce retention_by_tenure rolling_validation
sample_posterior select_best sensitivity simulate simulated_whale_curve simulation_based_calibration split_holdout
split_periods subscriber_values summarise summarise_opportunities summarise_with_intervals total_value validate claims
customers datasets __version__
"""


def in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def package_of(stub: Path) -> str:
    return ".".join(("churnsim", *stub.parent.relative_to(SOURCE).parts))


def names_of(stub: Path) -> dict[str, str]:
    """Each name of a stub with the module that the stub says it comes from."""
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name, f"{stub}: say `{alias.name} as {alias.name}`, which re-exports it"
                found[alias.name] = ".".join(filter(None, (package_of(stub), node.module)))
    return found


@pytest.mark.parametrize("stub", STUBS, ids=package_of)
def test_a_stub_says_where_each_name_is(stub):
    """The module has it without an underscore, the package gives the same object, `__all__` is the stub's list."""
    package, names = importlib.import_module(package_of(stub)), names_of(stub)
    assert sorted(set(package.__all__) - {"__version__"}) == sorted(names)
    assert set(dir(package)) >= set(names)
    for name, place in names.items():
        module, thing = importlib.import_module(place), getattr(package, name)
        assert thing is getattr(module, name), f"{package.__name__}.{name}"
        assert name[0] != "_", f"{place}.{name}"
        # A list or a table of constants cannot have a docstring of its own.
        assert inspect.getdoc(thing) or not callable(thing), f"{place}.{name} has no docstring"


def test_the_top_is_what_a_newcomer_needs():
    import churnsim

    things = [name for name in churnsim.__all__ if not inspect.ismodule(getattr(churnsim, name))]
    assert 20 <= len(things) <= 30


def test_an_import_loads_nothing_heavy():
    """Neither the package, a namespace nor the list of claims loads what it does not use yet; about 15 ms."""
    spaces = ", ".join([*(package_of(stub) for stub in STUBS), "churnsim.claims.catalogue"])
    heavy = "{'numpy', 'pandas', 'numba', 'scipy', 'pydantic', 'importlib.metadata', 'sklearn', 'pyarrow'}"
    assert in_a_fresh_interpreter(f"import sys, {spaces}; print(sorted({heavy} & set(sys.modules)))") == "[]\n"


def test_names_of_0_1_work_and_say_once_where_they_are_now(interpreter, tmp_path):
    """Where the package is not imported yet, since a name warns only when first used: at the line that uses it."""
    code = f"""
import importlib, re, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    exec(compile(chr(10) + "from churnsim import WinBack", "<user>", "exec"))
[warning] = caught
assert (warning.filename, warning.lineno) == ("<user>", 2)
assert str(warning.message).startswith("churnsim.WinBack is now churnsim.simulation.WinBack")
import churnsim
for name in {NAMES_OF_0_1.split()!r}:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thing = getattr(churnsim, name)
        assert getattr(churnsim, name) is thing
    if name in (*churnsim.__all__, "WinBack"):
        assert not caught, name
        continue
    [warning] = caught
    assert warning.category is DeprecationWarning, name
    said = rf"churnsim.{{name}} is now (churnsim.[a-z]+).(\\w+); the old name goes in 0.3."
    place, new = re.fullmatch(said, str(warning.message)).groups()
    assert getattr(importlib.import_module(place), new) is thing, name
    print(name)
"""
    done = interpreter.run(code, arguments=[""], where=tmp_path, paths=[SOURCE.parent])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 80


def test_what_was_never_there_is_an_attribute_error():
    import churnsim

    with pytest.raises(AttributeError, match="Nothing"):
        _ = churnsim.Nothing


DEEPER = re.compile(r"^\s*(?:from|import) churnsim\.\w+\.\w+", re.MULTILINE)
SHOWN = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "experiments").glob("*.py"))]


def test_experiments_and_documents_use_the_public_face():
    """No import deeper than one namespace; the names in it are those of its `__all__`, which the import proves."""
    assert not [(path.name, found.group()) for path in SHOWN for found in DEEPER.finditer(path.read_text("utf-8"))]
    assert DEEPER.search("    from churnsim.simulation.scenario.market import Market")


IN_PROSE = re.compile(r"`churnsim\.([a-z_]\w*(?:\.\w+)*)[`(]")
BARE = re.compile(r"`([a-z]+_[a-z_]+)`")


def prose_of(path: Path) -> str:
    return re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)


def test_names_in_prose_are_there():
    """What pages name with the package in front is public; other names of several words occur in the sources."""
    sources = "\n".join(path.read_text("utf-8") for path in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.toml")])
    known = set(re.findall("[a-z]+_[a-z_]+", sources))
    unknown = []
    for path in SHOWN:
        if path.suffix != ".md" or path.name == "decisions.md":  # which tells what was, too
            continue
        text = prose_of(path)
        for dotted in IN_PROSE.findall(text):
            thing: object = churnsim
            for name in dotted.split("."):
                thing = getattr(thing, name, None)
            unknown += [(path.name, dotted)] * (thing is None)
        # Those of other packages are in the page for who comes from there.
        bare = set() if path.name == "coming-from.md" else {n for n in BARE.findall(text) if n[:5] != "test_"}
        unknown += [(path.name, name) for name in sorted(bare - known)]
    assert unknown == []


def test_control_a_name_that_is_gone_is_found_in_prose():
    text = (
        "It is `churnsim.evidence.assumptions(market)`, not `churnsim.simulation.market.believed`, nor `plot_of_old`."
    )
    assert IN_PROSE.findall(text) == ["evidence.assumptions", "simulation.market.believed"]
    assert BARE.findall(text) == ["plot_of_old"]


LONG = 6


def long_calls() -> dict[str, object]:
    """Public functions, classes and their public methods that take six parameters and more, by name."""
    found: dict[str, object] = {}
    for stub in STUBS:
        package = importlib.import_module(package_of(stub))
        for name in names_of(stub):
            thing = getattr(package, name)
            if not callable(thing) or (inspect.isclass(thing) and issubclass(thing, enum.Enum)):
                continue
            methods = vars(thing).items() if inspect.isclass(thing) else ()
            bare = ((key, getattr(method, "__func__", method)) for key, method in methods if not key.startswith("_"))
            calls = {"": thing, **{f".{key}": method for key, method in bare if inspect.isfunction(method)}}
            for suffix, call in calls.items():
                try:
                    count = len([p for p in inspect.signature(call).parameters if p not in ("self", "cls")])
                except ValueError:  # a class of Python's own tells no signature
                    continue
                if count >= LONG:
                    found[f"{package.__name__}.{name}{suffix}"] = call
    return found


def told(call: object) -> bool:
    """Whether the docstring has a section of its parameters, or a result's of its fields."""
    lines = (inspect.getdoc(call) or "").splitlines()
    return any(line in ("Parameters", "Attributes") for line in lines)


def test_long_calls_say_what_their_parameters_are():
    calls = long_calls()
    assert len(calls) > 50
    assert [name for name, call in calls.items() if not told(call)] == []


def unnamed(kind: type) -> list[str]:
    """Public fields of a dataclass's own that its docstring does not name."""
    own = [field.name for field in fields(kind) if field.name in vars(kind).get("__annotations__", ())]
    text = inspect.getdoc(kind) or ""
    return [name for name in own if not name.startswith("_") and not re.search(rf"\b{name}\b", text)]


def test_a_section_of_parameters_leaves_none_out():
    kinds = {name: call for name, call in long_calls().items() if is_dataclass(call) and told(call)}
    assert "churnsim.simulation.Strategy" in kinds
    assert {name: left for name, kind in kinds.items() if (left := unnamed(kind))} == {}


def test_control_a_field_that_is_left_out_is_found():
    @dataclass
    class Bond:
        """Has a price.

        Parameters
        ----------
        price : float
        """

        price: float
        term: float

    assert unnamed(Bond) == ["term"]


def test_control_a_long_call_without_the_section_is_found():
    def silent(a, b, c, d, e, f):
        """Nothing of its parameters."""

    assert not told(silent)


# Public calls that take seconds or are no calls at all, and the file that shows them or those that follow them.
SHOWN_ELSEWHERE = {
    "ClockEffects": "src/churnsim/evidence/contacts.py",  # part of what contact_effect returns
    "CustomerLife": "src/churnsim/economics/multiples.py",  # a protocol
    "LogRecord": "src/churnsim/data/logs/transactions.py",  # a mapping that a log carries along
    "cdnow_evidence": "experiments/five_percent_churn.py",
    "gains_table": "experiments/five_percent_churn.py",
    "PurchaseModel": "src/churnsim/models/value/clv.py",  # a protocol
    "gold_customers": "docs/customers.md",
    "judge_programme": "experiments/programmes.py",
    "read_customer_rows": "src/churnsim/data/subscriptions/subscriptions.py",  # what readers of a firm's tables share
}


def lines_of_examples(doc: str | None) -> str:
    return "\n".join(re.findall(r"^ *(?:>>>|\.\.\.) (.*)$", doc or "", re.MULTILINE))


def not_shown(places: dict[str, str]) -> set[str]:
    """Of public calls, by name and module: those that no example of their module or its package names, and that no call
    with an example returns."""
    homes = {}  # the module that defines each
    for name, place in places.items():
        own = str(getattr(getattr(importlib.import_module(place), name), "__module__", ""))
        homes[name] = own if own.startswith("churnsim.") else place
    examples, returned = {}, set()
    for home in set(homes.values()):
        module = importlib.import_module(home)
        tree = ast.parse(inspect.getsource(module))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        own = {node.name for node in nodes if ">>>" in (ast.get_docstring(node) or "")}
        around = [module.__doc__, sys.modules[home.rpartition(".")[0]].__doc__ if "." in home else None]
        docs = [*around, *(ast.get_docstring(node) for node in nodes)]
        examples[home] = "\n".join([*own, *map(lines_of_examples, docs)])
        for node in nodes:
            called = node.name in own or f"{node.name}(" in examples[home]
            if isinstance(node, ast.FunctionDef) and node.returns is not None and called:
                returned |= set(re.findall(r"\w+", ast.unparse(node.returns)))
    # One example calls all makers of surveys, by the beginning of their names.
    wanted = {name: rf"\b{name}\b|startswith\(\"{name.split('_')[0]}_" for name in places}
    return {
        name for name, home in homes.items() if name not in returned and not re.search(wanted[name], examples[home])
    }


def test_every_public_call_is_shown_in_an_example():
    places = {name: place for stub in STUBS for name, place in names_of(stub).items()}
    calls = {}
    for name, place in places.items():
        thing = getattr(importlib.import_module(place), name)
        raised = inspect.isclass(thing) and issubclass(thing, Exception)
        if callable(thing) and not raised:
            calls[name] = place
    assert len(calls) > 200
    found = not_shown(calls)
    without = found - set(SHOWN_ELSEWHERE)
    assert not without, f"give an example (>>>) to the docstring, or a file in SHOWN_ELSEWHERE, of {sorted(without)}"
    assert not set(SHOWN_ELSEWHERE) - found, "these have an example: take them out of SHOWN_ELSEWHERE"
    assert all(re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8")) for name, file in SHOWN_ELSEWHERE.items())


def test_control_a_call_without_an_example_is_found():
    assert not_shown({"names_of": __name__, "long_calls": __name__}) == {"names_of", "long_calls"}
