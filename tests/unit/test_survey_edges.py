"""Truth: mechanics. Surveys of hardly anybody, with constant answers, with holes: an estimate or one clear error."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

import churnsim as cs
from churnsim.errors import MissingExtraError
from churnsim.records.base import plain
from churnsim.satisfaction.instruments import INSTRUMENTS, measure
from churnsim.satisfaction.servqual import DIMENSIONS, ITEMS, servqual
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.synthetic import attributes, gaps, structures
from churnsim.satisfaction.synthetic.servqual import synthetic_servqual

MAKERS = {
    "servqual": synthetic_servqual,
    "servperf": synthetic_servqual,
    "gaps": gaps.synthetic_gaps,
    "benchmark": gaps.synthetic_benchmark,
    "acsi": structures.synthetic_acsi,
    "paths": structures.synthetic_paths,
    "kano": attributes.synthetic_kano,
    "penalty-reward": attributes.synthetic_penalty_reward,
    "importance": attributes.synthetic_importance,
    "value": attributes.synthetic_value,
}


def spoilt(survey, how):
    """The survey with its answers made constant, full of holes, or one item never answered."""
    answers = {kind: frame.copy() for kind, frame in survey.answers.items()}
    holes = np.random.default_rng(1)
    for kind, frame in answers.items():
        if how == "constant":
            answers[kind] = frame.where(frame.isna(), survey.scales[kind][0] + 1)
        elif how == "holes":
            answers[kind] = frame.mask(holes.random(frame.shape) < 0.3)
        elif how == "an empty item":
            frame.iloc[:, 0] = np.nan
    return replace(survey, answers=answers)


@pytest.mark.parametrize("how", ["as it is", "constant", "holes", "an empty item"])
@pytest.mark.parametrize("n", [1, 3, 12])
@pytest.mark.parametrize("name", INSTRUMENTS)
def test_an_estimate_or_one_clear_error(name, n, how):
    survey = spoilt(MAKERS[name](n, seed=1).survey, how)
    try:
        measured, refusal = measure(survey, name, resamples=25), None
    except cs.errors.DataError as error:
        measured, refusal = None, str(error)
    if refusal is not None:
        assert refusal.endswith(".")
        assert "\n" not in refusal
        return
    json.dumps(plain(measured.to_dict()), allow_nan=False)
    assert any("respondents are few" in text for text in measured.warnings)


def test_unknown_instruments_and_levels():
    survey = MAKERS["kano"](30, seed=1).survey
    with pytest.raises(cs.errors.ConfigError, match="no instrument 'kanoo'"):
        measure(survey, "kanoo")
    with pytest.raises(cs.errors.ConfigError, match="level must be"):
        measure(survey, "kano", level=95.0)
    with pytest.raises(cs.errors.ConfigError, match="resamples must be a whole number, 20 or more"):
        measure(survey, "kano", resamples=3)


def test_without_semopy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "semopy", None)
    with pytest.raises(MissingExtraError, match=r"churnsim\[survey\]"):
        measure(MAKERS["paths"](60, seed=1).survey, "paths", resamples=25)


def test_importance_of_items_weighs_as_that_of_their_dimensions():
    known = synthetic_servqual(80, seed=4).survey
    points = known.answers["importance"]
    by_item = points[[d for d, items in DIMENSIONS.items() for _ in items]].set_axis(list(ITEMS), axis=1)
    itemised = replace(known, answers={**known.answers, "importance": by_item})
    pair = [servqual(s, resamples=20).estimate("overall weighted") for s in (known, itemised)]
    assert pair[0] == pytest.approx(pair[1])


@pytest.mark.parametrize(
    ("blocks", "paths", "signs", "words"),
    [
        ({"a": ("x", "y")}, {"b": ("a",)}, {}, "paths name b"),
        ({"a": ("x", "y"), "b": ("z",)}, {}, {}, "stand in no path"),
        ({"a": ("x", "y"), "b": ("y",)}, {"b": ("a",)}, {}, "measure more than one"),
        ({"a": ("x", "y"), "b": ("z",)}, {"b": ("a",)}, {("b", "a"): 1}, "not among the paths"),
    ],
)
def test_impossible_structures(blocks, paths, signs, words):
    with pytest.raises(cs.errors.ConfigError, match=words):
        Structure(blocks=blocks, paths=paths, signs=signs)


def test_a_structure_of_its_own_with_names_that_no_language_knows():
    """Constructs and items may be called anything: the library sees plain symbols."""
    known = structures.synthetic_paths(120, seed=1).survey
    renamed = {f"{name} (1–10)": name for name in ("quality_1", "quality_2", "quality_3")}
    frame = known.answers["perception"].rename(columns={old: new for new, old in renamed.items()})
    structure = Structure(
        blocks={
            "product & service": tuple(renamed),
            "客户满意": ("satisfaction_1", "satisfaction_2", "satisfaction_3"),
        },
        paths={"客户满意": ("product & service",)},
    )
    from churnsim.satisfaction.structural_fit import fit_structure

    table = fit_structure(frame, structure, resamples=25).table
    assert table.loc["客户满意 <- product & service", "lower"] > 0.3


WHO = pd.DataFrame({"role": "customer"}, index=[f"r{n}" for n in range(30)])
PAIRS = pd.DataFrame({"a": np.arange(30) % 5 + 1.0, "b": np.arange(30) % 4 + 1.0}, index=WHO.index)
INDEX = pd.DataFrame({f"satisfaction_{k}": PAIRS["a"] for k in (1, 2, 3)})
CUSTOMERS = pd.DataFrame(
    {"satisfaction": np.linspace(0, 100, 30), "frequency": np.arange(30) % 3, "T": 10.0, "revenue": 1.0}
)


def survey(scale=(1, 5), who=WHO, **answers):
    return cs.satisfaction.Survey(answers=answers, respondents=who, scales=dict.fromkeys(answers, scale))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: survey(nonsense=PAIRS), "unknown kind of answer 'nonsense'"),
        (lambda s: s.Survey(answers={"perception": PAIRS}, respondents=WHO, scales={}), "perception is not given"),
        (lambda s: survey(perception=PAIRS.head(9)), "rows of perception are not the respondents"),
        (lambda s: survey(perception=PAIRS[[]]), "perception has no items"),
        (lambda s: survey(perception=PAIRS, who=WHO[[]]), "need a column role of customer"),
        (lambda s: survey(perception=PAIRS, who=WHO.assign(role="boss")), "need a column role of customer"),
        (lambda s: survey(perception=PAIRS, who=WHO.assign(role="manager")).of("perception"), "no customer gave"),
        (lambda s: s.kano(survey((1, 7), functional=PAIRS, dysfunctional=PAIRS)), "must be on the scale 1 to 5"),
        (lambda s: s.kano(survey(functional=PAIRS[["a"]], dysfunctional=PAIRS[["b"]])), "asked in both forms"),
        (lambda s: s.kano(survey(functional=PAIRS.where(PAIRS["b"] < 3), dysfunctional=PAIRS.where(PAIRS["b"] > 2))),
         "nobody answered both questions to a"),
        (lambda s: s.acsi(survey(perception=INDEX), weights={"satisfaction_1": 1.0}), "positive and name"),
        (lambda s: s.acsi(survey(perception=INDEX), weights=dict.fromkeys(INDEX, np.inf)), "weights must be positive"),
        (lambda s: s.acsi(survey(perception=INDEX), weights=dict.fromkeys(INDEX, "much")), "weights must be numbers"),
        (lambda s: s.acsi(survey(perception=INDEX), weights="even"), "weights must be 'model', 'equal' or"),
        (lambda s: s.penalty_reward(survey(perception=PAIRS), overall="all"), "no perception of 'all'"),
        (lambda s: s.penalty_reward(survey(perception=PAIRS), overall="a", items=["a"]), "name one at least"),
        (lambda s: s.importance_performance(survey(perception=PAIRS), overall="all"), "a perception of 'all'"),
        (lambda s: s.customer_value_ratio(survey(perception=PAIRS)), "Pass benefits= and costs="),
        (lambda s: s.satisfaction_scores(survey(perception=PAIRS)), "the survey asks a, b. Pass items="),
        (lambda s: s.join_customers(survey(perception=INDEX), CUSTOMERS), "no customer ids to join by"),
        (lambda s: s.class_values(CUSTOMERS, []), "one column of outcomes and one class"),
        (lambda s: s.class_values(CUSTOMERS.head(0), ["revenue"]), "there are no customers"),
        (lambda s: s.class_values(CUSTOMERS, ["revenue"], classes={"high": 100.0, "low": 50.0}), "classes must go up"),
        (lambda s: s.class_values(CUSTOMERS, ["revenue"], classes={"low": np.nan}), "classes must go up"),
        (lambda s: s.class_values(CUSTOMERS, ["revenue"], classes={"low": "50"}), "classes must be numbers"),
        (lambda s: s.class_values(CUSTOMERS.tail(9), ["revenue"], classes={"low": 5.0}), "is above 5. Give higher"),
        (lambda s: s.buying_rate(CUSTOMERS.assign(frequency=-1)), "counts purchases, so it must be 0 or more; got -1"),
        (lambda s: s.buying_rate(CUSTOMERS.assign(frequency=0)), "nobody bought"),
        (lambda s: s.buying_rate(CUSTOMERS.assign(satisfaction=5.0)), "with T above 0 are all as satisfied"),
    ],
)  # fmt: skip
def test_what_measures_nothing_is_refused(call, said):
    with pytest.raises(cs.errors.ChurnSimError, match=said):
        call(cs.satisfaction)


def test_classes_of_customers_who_bought_nothing_have_no_ratio_to_the_average():
    customers = CUSTOMERS.assign(revenue=0.0)
    table = cs.satisfaction.class_values(customers, ["frequency", "revenue"], classes={"low": 50.0, "high": 100.0})
    assert {name.split(": ")[1] for name in table.index} == {"frequency", "frequency ratio", "revenue"}
    low = customers[customers["satisfaction"] <= 50]["frequency"].mean()
    assert table.loc["low: frequency ratio", "estimate"] == pytest.approx(
        low / customers["frequency"].mean(), rel=1e-12
    )


def test_pairs_that_contradict_themselves_are_said_to():
    """Who likes both that something is there and that it is not."""
    found = cs.satisfaction.kano(survey(functional=PAIRS * 0 + 1, dysfunctional=PAIRS * 0 + 1), resamples=20)
    assert "100% of the pairs for a contradict themselves: look at its words." in found.warnings


def test_a_category_that_nobody_is_in_has_an_upper_limit():
    """Wilson's limits of 0 and of all n, as statsmodels has them; "worse" is minus a share."""
    found = cs.satisfaction.kano(survey(functional=PAIRS * 0 + 1, dysfunctional=PAIRS * 0 + 5), resamples=20).table
    n = int(found["n"].iloc[0])
    low, high = proportion_confint(np.array([0, n]), n, method="wilson")
    assert found.loc["share M: a", ["lower", "upper"]].tolist() == pytest.approx([low[0], high[0]])
    assert found.loc["worse: a", ["lower", "upper"]].tolist() == pytest.approx([-high[1], -low[1]])


def test_value_without_importance_is_the_plain_ratio():
    """Benefits rated 3 and costs 2 on average: 1.5."""
    answers = PAIRS.set_axis(["benefit_1", "cost_1"], axis=1)
    expected = answers["benefit_1"].mean() / answers["cost_1"].mean()
    found = cs.satisfaction.customer_value_ratio(survey(perception=answers), resamples=20)
    assert found.table["estimate"].iloc[0] == pytest.approx(expected, rel=1e-12)
