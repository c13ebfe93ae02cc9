"""Mechanics of claims: verdicts, withdrawal, rows, the catalogue, the figures file."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm
from scipy.stats import t as student

import churnsim.claims
from churnsim.claims.catalogue import CATALOGUE, Catalogue
from churnsim.claims.machinery.claim import Control, Finding, Kind, Part, not_run
from churnsim.claims.machinery.families import Averaged
from churnsim.claims.machinery.plausible import Plausible, plausible
from churnsim.claims.machinery.results import render, to_record
from churnsim.claims.machinery.sources import TEXTS
from churnsim.claims.machinery.verdicts import Answer, Basis, closes, combine, conjunction, share_of_map, spread
from churnsim.claims.reproduction.published import PUBLISHED, load_figures
from churnsim.claims.reproduction.reproduce import Reproduction, junit_xml, reproduce
from churnsim.decisions import Axis, Statement, map_region
from churnsim.errors import ConfigError
from churnsim.evidence import Belief
from churnsim.models.evaluation.holdout_scores import stacking_weights
from churnsim.records.claim import ControlRecord

CARD_NPV = CATALOGUE["card-npv"]


SOMEWHERE = {"region": "there", "plausible": Plausible(holds=0.3, fails=0.7, beliefs="size .2 [.1, .4]")}


def part(answer):
    ran = answer != "NOT_RUN"
    return Part(name="p", estimand="e", answer=Answer(answer if ran else "UNDECIDED"), ran=ran, reason="r", **SOMEWHERE)


def test_the_spread_of_few_draws_holds_one_more_with_95():
    """3,000 times 60 normal draws and one more; the middle 95% of the 60 (control) holds 92%, from the places 2.5 to
    58.5 of 61 gaps. Of fewer than 39 the t prediction interval."""
    draws = np.random.default_rng(3).standard_normal((3000, 61))
    found = [spread(row[:60]) for row in draws]
    held = np.mean([one.lower <= row[60] <= one.upper for one, row in zip(found, draws, strict=True)])
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 3000))
    low, high = np.quantile(draws[:, :60], [0.025, 0.975], axis=1)
    assert ((low <= draws[:, 60]) & (draws[:, 60] <= high)).mean() < 0.94
    few = draws[0, :20]
    reach = student.ppf(0.975, 19) * few.std(ddof=1) * math.sqrt(21 / 20)
    assert spread(few).upper == pytest.approx(few.mean() + reach)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], Answer.UNDECIDED),
        (["HOLDS", "NOT_RUN"], Answer.HOLDS),
        (["NOT_RUN"], Answer.UNDECIDED),
        (["UNDECIDED", "UNDECIDED"], Answer.UNDECIDED),
        (["UNDECIDED", "HOLDS"], Answer.HOLDS),
        (["HOLDS", "HOLDS"], Answer.HOLDS),
        (["HOLDS", "FAILS"], Answer.UNDECIDED),
        (["FAILS", "HOLDS_IF"], Answer.UNDECIDED),
        (["FAILS", "FAILS"], Answer.FAILS),
        (["FAILS", "UNDECIDED"], Answer.FAILS),
    ],
)
def test_parts_combine(verdicts, whole):
    assert combine([part(v) for v in verdicts]) is whole


def test_what_is_stated_together_holds_only_where_the_regions_meet():
    """As referral rates of 60% and of 20-40% do not: each text is right somewhere, both are right nowhere."""
    parts = [part(Answer.HOLDS_IF), part(Answer.HOLDS_IF)]
    assert conjunction(parts) is Answer.HOLDS_IF
    assert conjunction(parts, meet=False) is Answer.FAILS
    assert conjunction([*parts, part(Answer.FAILS)]) is Answer.FAILS
    assert conjunction([*parts, part("NOT_RUN")], meet=False) is Answer.UNDECIDED


def test_weights_of_models_are_those_of_the_best_mixture():
    """Two forecasts of 400 customers: the weight at which the mean log of the mixture is largest, by search."""
    rng = np.random.default_rng(3)
    logs = {"one": np.log(rng.uniform(0.05, 0.9, 400)), "two": np.log(rng.uniform(0.1, 0.8, 400))}
    first, second = (np.exp(values) for values in logs.values())
    best = minimize_scalar(lambda w: -np.log(w * first + (1 - w) * second).mean(), bounds=(0, 1), method="bounded")
    found = stacking_weights(logs)
    assert found["one"] == pytest.approx(best.x, abs=1e-4)
    assert sum(found.values()) == pytest.approx(1.0)
    # The mean share of a forecast in the mixture is one where it has a weight, and no more where it has none.
    logs |= {"worse": np.minimum(*logs.values()) - 0.01}
    weights = np.array(list(stacking_weights(logs).values()))
    each = np.exp(np.column_stack(list(logs.values())))
    shares = (each / (each @ weights)[:, None]).mean(axis=0)
    assert weights[2] == 0.0
    assert shares[:2] == pytest.approx([1.0, 1.0], abs=1e-12)
    assert shares[2] < 1


def test_models_that_disagree_decide_nothing():
    draws = {"low": np.linspace(1.0, 2.0, 50), "high": np.linspace(8.0, 9.0, 50), "odd": np.linspace(50.0, 60.0, 50)}
    found = Averaged(draws, {"low": 0.5, "high": 0.5, "odd": 0.0})
    assert found.answer(lambda s: s.above(5.0)) is Answer.UNDECIDED
    assert found.answer(lambda s: s.above(0.0)) is Answer.HOLDS  # a model of no weight has no say
    assert found.apart == pytest.approx(7.0)
    said = found.part(name="p", estimand="e", unit="u", judged=lambda s: s.above(40.0)).reason
    assert "do not agree" not in said  # "odd" alone is above
    assert found.whole.mean == pytest.approx(5.0)
    assert (found.whole.lower, found.whole.upper) == pytest.approx((1.05, 8.95), abs=0.03)


@pytest.mark.parametrize(
    ("old", "answer", "basis", "ran"),
    [
        ("REPRODUCED", Answer.HOLDS, Basis.ARITHMETIC, True),
        ("HOLDS", Answer.HOLDS, None, True),
        ("HOLDS_IF", Answer.UNDECIDED, None, True),
        ("FAILS", Answer.FAILS, None, True),
        ("UNTESTABLE", Answer.UNDECIDED, None, True),
        ("UNTESTED", Answer.UNDECIDED, None, False),
    ],
)
def test_old_names_of_answers_work_for_a_version(old, answer, basis, ran):
    with pytest.warns(DeprecationWarning, match="verdict= .* goes in 0.3"):
        found = Finding(verdict=old, reason="r")
    assert (found.answer, found.basis, found.ran) == (answer, basis, ran)
    with pytest.warns(DeprecationWarning, match="verdict of .* goes in 0.3"):
        again = found.verdict
    # What HOLDS_IF did not say is how plausible its region is.
    assert again == ("UNTESTABLE" if old == "HOLDS_IF" else old)
    row = ControlRecord.model_validate({"what": "w", "verdict": old})
    assert (row.answer, row.ran) == ("HOLDS_IF" if old == "HOLDS_IF" else answer, ran)


def test_a_claims_own_numbers_are_given_or_refused():
    claim = CATALOGUE["cross-selling"]
    assert claim.check_settings({"cost": 2}) == {"cost": 2}
    for wrong, words in (
        ({"costs": 2.0}, "has no setting 'costs'; it has cost, years"),
        ({"cost": -1.0}, "cost must be"),
    ):
        with pytest.raises(ConfigError, match=words):
            claim.check_settings(wrong)
    with pytest.raises(ConfigError, match="it has none"):
        CARD_NPV.test(settings={"rate": 0.1})


@pytest.mark.parametrize("claim", [c for c in CATALOGUE.values() if c.settings], ids=lambda claim: claim.id)
def test_defaults_of_settings_are_those_of_the_judge(claim):
    """Of a claim whose module has a constant of the default: both are written, and say the same."""
    row = next(row for row in STATEMENTS["claim"] if row["id"] == claim.id)
    name, _, function = row["module"].partition(":")
    judge = inspect.unwrap(getattr(importlib.import_module(f"churnsim.claims.{name}"), function or "judge"))
    takes = inspect.signature(judge).parameters
    for setting, value in claim.settings.items():
        default = takes[setting].default
        assert (list(default) if isinstance(value, list) else default) == value


def test_holds_if_says_where_and_how_plausible_that_is():
    for lacking in ({}, {"region": "there"}, {"plausible": SOMEWHERE["plausible"]}):
        with pytest.raises(ConfigError, match="HOLDS_IF needs a region"):
            Part(name="p", estimand="e", answer=Answer.HOLDS_IF, reason="r", **lacking)


@pytest.mark.parametrize(
    ("holds", "fails", "answer"),
    [
        (0.97, 0.0, Answer.HOLDS),
        (0.02, 0.98, Answer.FAILS),
        (0.3, 0.6, Answer.HOLDS_IF),
        (0.3, 0.1, Answer.UNDECIDED),
        (0.0, 0.9, Answer.UNDECIDED),
    ],
)
def test_an_answer_by_what_is_plausible(holds, fails, answer):
    mass = Plausible(holds=holds, fails=fails, beliefs="b")
    assert mass.answer is answer
    assert min(mass.holds, mass.negation.holds) <= 0.5


def test_the_mass_of_a_region_is_that_of_the_beliefs():
    """Two independent normal beliefs: P(x > 1) P(y < 0) by their distribution functions."""
    axes = (Axis(name="x", low=-6.0, high=8.0, cells=28), Axis(name="y", low=-6.0, high=8.0, cells=28))
    found = map_region(lambda x, y: float(x > 1.0 and y < 0.0), Statement(quantity="both", above=0.5), axes)
    about = {"status": "assumed", "source": "made up", "law": "normal"}
    x = Belief(value=0.5, low=-1.5, high=2.5, **about)
    y = Belief(value=1.0, low=-0.5, high=2.5, **about)
    deviation = 1.6448536269514722
    expected = norm.sf((1.0 - 0.5) * deviation / 2.0) * norm.cdf(-1.0 * deviation / 1.5)
    mass = plausible(found, {"x": x, "y": y})
    assert mass.holds == pytest.approx(expected, abs=0.002)
    assert mass.holds + mass.fails == pytest.approx(1.0, abs=1e-9)
    assert plausible(found, {"x": 2.0, "y": y}).holds == pytest.approx(norm.cdf(-deviation / 1.5), abs=0.002)


def test_nan_never_closes():
    assert closes(math.nan, 1.0, within=10.0) is Answer.FAILS
    assert closes(1.5, 1.0, within=0.5) is Answer.HOLDS
    assert closes(1.51, 1.0, within=0.5) is Answer.FAILS


def test_map_verdicts():
    assert share_of_map([True, True]) == (Answer.HOLDS, 1.0)
    assert share_of_map([False, False]) == (Answer.FAILS, 0.0)
    assert share_of_map([True, False]) == (Answer.UNDECIDED, 0.5)


def test_claims_are_found_by_id_on_the_package():
    assert churnsim.claims["card-npv"] is CATALOGUE["card-npv"]
    assert "card-npv" in churnsim.claims
    assert list(churnsim.claims) == list(CATALOGUE)
    assert len(churnsim.claims) == len(CATALOGUE) >= 5
    assert churnsim.claims["card-npv"].test().answer is Answer.HOLDS


def test_unknown_claim_names_those_there_are():
    with pytest.raises(ConfigError, match=r"there is no claim 'card'.*card-npv"):
        CATALOGUE["card"]
    assert CATALOGUE.get("card") is None


def test_an_id_stands_once():
    with pytest.raises(ConfigError, match="given twice: card-npv"):
        Catalogue((CARD_NPV, CARD_NPV))


@pytest.mark.parametrize("claim", CATALOGUE.values(), ids=list(CATALOGUE))
def test_every_entry_is_complete(claim):
    assert claim.says.endswith(".")
    assert claim.quote
    assert claim.quantity.endswith(".")
    assert claim.because.endswith(".")
    assert claim.critique
    assert claim.sources
    assert all(s.text in {text.cited for text in TEXTS.values()} and s.title for s in claim.sources)
    assert isinstance(claim.kind, Kind)


STATED_IN_THEIR_MODULE = {"card-npv", "regular-customers", "worst-twenty", "best-customer", "complaint-tree"}
STATEMENTS = tomllib.loads((Path(churnsim.claims.__file__).parent / "statements.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", STATEMENTS["claim"], ids=lambda row: row["id"])
def test_a_statement_agrees_with_the_module_that_judges_it(row):
    """Its functions are there and take its inputs, and a stated figure is the one that is judged."""
    name, _, function = row["module"].partition(":")
    module, function = importlib.import_module(f"churnsim.claims.{name}"), function or "judge"
    takes = inspect.signature(inspect.unwrap(getattr(module, function))).parameters
    assert {*row.get("inputs", {}), *row.get("control_inputs", {})} <= set(takes)
    for world in {"control", "planted"} & {*row}:
        assert f"{world}_inputs" in row or callable(getattr(module, function.replace("judge", world)))
    stated, within = (
        getattr(module, kind + function.removeprefix("judge").upper(), None) for kind in ("STATED", "WITHIN")
    )
    assert isinstance(stated, float | int) or row["id"] not in STATED_IN_THEIR_MODULE
    if isinstance(row["expect"], float) and isinstance(stated, float | int):
        assert row["expect"] in (stated, pytest.approx(100.0 * stated))
        assert within is None or row["within"] in (within, pytest.approx(100.0 * within))


def test_without_evidence_a_simulation_claim_is_not_run(quick_result):
    result = quick_result("recovery-retains")
    assert not result.ran
    assert result.finding.reason


def test_the_headline_is_judged_without_a_market_and_says_what_is_left_out(quick_result):
    found = quick_result("five-percent-churn").finding
    assert (found.ran, found.answer) == (True, Answer.HOLDS_IF)
    assert 0.3 < found.plausible.holds < 0.7
    assert [part.name[:3] for part in found.parts if not part.ran] == ["(c)"]
    assert "1 of 8 parts could not be run" in found.reason


def test_not_finite_becomes_null_and_numpy_becomes_python():
    finding = Finding(
        answer=Answer.FAILS, reason="r", estimate=math.inf, lower=np.float64(1.0), tables={"t": [{"n": np.int64(2)}]}
    )  # fmt: skip
    odd = dataclasses.replace(
        CARD_NPV,
        judge=lambda evidence, quick: finding,
        control=Control(what="c", judge=lambda evidence, quick: finding),
    )
    row = to_record(odd.test())
    assert row.estimate is None
    assert type(row.lower) is float
    assert type(row.tables["t"][0]["n"]) is int


def test_evidence_and_quick_reach_claim_and_control():
    seen = []

    def look(evidence, quick):
        seen.append((evidence, quick))
        return Finding(answer=Answer.FAILS, reason="r")

    odd = dataclasses.replace(CARD_NPV, judge=look, control=Control(what="c", judge=look))
    odd.test("market", quick=True)
    assert seen == [("market", True), ("market", True)]


@dataclasses.dataclass(frozen=True)
class Figures:
    """Evidence that notes which figures of the texts were put in, as a market's does."""

    claimed: dict = dataclasses.field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "verdict", "becomes"),
    [
        ("own", "HOLDS", "UNDECIDED"),
        ("own", "HOLDS_IF", "UNDECIDED"),
        ("own", "FAILS", "FAILS"),
        ("another", "HOLDS", "HOLDS"),
    ],
)
def test_a_figure_of_its_own_text_does_not_support_a_claim(text, verdict, becomes):
    told = CARD_NPV.sources[0].text if text == "own" else "Another text (1999)"

    def judge(evidence, quick):
        evidence.claimed["win_back.success"] = told
        return Finding(answer=Answer(verdict), reason="So it is.", **SOMEWHERE)

    control = Control(what="c", judge=lambda evidence, quick: Finding(answer=Answer.FAILS, reason="r"))
    finding = dataclasses.replace(CARD_NPV, judge=judge, control=control).test(Figures()).finding
    assert finding.answer is Answer(becomes)
    assert ("win_back.success" in finding.reason) == (text == "own")
    assert (f"not {verdict}" in finding.reason) == (verdict != becomes)


def test_text_says_the_verdict_first(quick_result):
    cheap = [claim for claim in CATALOGUE.values() if claim.kind in (Kind.ARITHMETIC, Kind.SIMULATION)]
    texts = [render(quick_result(claim.id)) for claim in cheap]
    assert [render(claim.test(quick=True)) for claim in cheap[:2]] == texts[:2]
    assert all(text.split()[0] in {*Answer, "NOT"} for text in texts)
    assert "false world" in texts[0]
    assert "(c)" in texts[0]


def test_a_check_not_run_has_no_figures():
    assert not_run("why") == Finding(answer=Answer.UNDECIDED, ran=False, reason="why")


# The figures file.

GOOD = """
[groups.g]
citation = "c"
because = "b"
[[figure]]
id = "one"
group = "g"
what = "w"
compute = "ratio"
inputs = { numerator = 1.0, denominator = 4.0 }
published = 0.25
tolerance = 0.01
"""


def write(tmp_path, text):
    path = tmp_path / "figures.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_figures_file(tmp_path):
    (result,) = reproduce(write(tmp_path, GOOD))
    assert result.reproduced
    assert (result.computed, result.difference, result.citation, result.because) == (0.25, 0.0, "c", "b")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("published = 0.25", "", "lacks: published"),
        ("published = 0.25", "published = 0.25\ncolour = 1", "unknown keys: colour"),
        ("published = 0.25", 'published = "0.25"', "published .* finite number"),
        ("published = 0.25", "published = nan", "published .* finite number"),
        ("published = 0.25", "published = true", "published .* finite number"),
        ("tolerance = 0.01", "", "one of digits"),
        ("tolerance = 0.01", "tolerance = 0.01\ndigits = 2", "one of digits"),
        ("tolerance = 0.01", "digits = 1.5", "digits .* whole number"),
        ("tolerance = 0.01", "digits = -1", "digits .* whole number"),
        ("tolerance = 0.01", "tolerance = -0.01", "narrower"),
        ("tolerance = 0.01", "tolerance = 0.3", "narrower"),
        ('compute = "ratio"', 'compute = "rato"', "unknown computation 'rato'"),
        ('compute = "ratio"', "compute = 3", "compute .* must be a text"),
        ("numerator = 1.0, ", "", "do not fit 'ratio'.*numerator"),
        ("denominator = 4.0", "denominator = 0.0", "cannot be computed"),
        ("denominator = 4.0", 'denominator = "four"', "cannot be computed"),
        ('citation = "c"', "", "citation .* must be a text"),
        ('because = "b"', 'because = " "', "because .* must be a text"),
        ('group = "g"', "group = 1", "group .* must be a text"),
        ("inputs = {", "inputs = [", "not valid TOML"),
        ("[[figure]]", "[figure]", "holds no figure"),
        ("[groups.g]", "[group.g]", "unknown keys: group"),
        ('[groups.g]\ncitation = "c"\nbecause = "b"', "[groups]\ng = 3", "group .* must be a table"),
    ],
)
def test_bad_figures_file_is_one_clear_error(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        reproduce(write(tmp_path, GOOD.replace(old, new)))


def test_missing_and_empty_figures_file(tmp_path):
    with pytest.raises(ConfigError, match="there is no figures file"):
        reproduce(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="holds no figure"):
        reproduce(write(tmp_path, ""))
    with pytest.raises(ConfigError, match="stands twice"):
        reproduce(write(tmp_path, GOOD + GOOD[GOOD.index("[[figure]]") :]))


def test_an_altered_figure_does_not_reproduce(tmp_path):
    (result,) = reproduce(write(tmp_path, GOOD.replace("published = 0.25", "published = 0.27")))
    assert not result.reproduced


def test_printed_digits_must_come_out_by_rounding(tmp_path):
    text = GOOD.replace("tolerance = 0.01", "digits = 1")
    (half_up,) = reproduce(write(tmp_path, text.replace("0.25", "0.3")))
    assert half_up.reproduced
    # Within half a digit, but not what rounding gives.
    (off,) = reproduce(write(tmp_path, text.replace("0.25", "0.26")))
    assert not off.reproduced


def test_the_packages_own_figures():
    figures = load_figures()
    assert PUBLISHED.exists()
    assert len(figures) >= 60
    assert {f.group for f in figures} >= {"card-npv", "retention-table", "bg-nbd", "gamma-gamma", "holdout"}


def test_junit_escapes_and_counts():
    def result(name, reproduced):
        return Reproduction(
            id=name, group="g", figure='a < b & "c" \x00', published=1.0, computed=2.0, difference=1.0, tolerance=0.1,
            reproduced=reproduced, citation="x > y & z", because="<b>",
        )  # fmt: skip

    root = ElementTree.fromstring(junit_xml([result("good", True), result("bad", False)]))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    cases = list(suite)
    assert 'a < b & "c"' in cases[0].get("name")
    assert cases[0].find("failure") is None
    assert "x > y & z" in cases[1].find("failure").text
