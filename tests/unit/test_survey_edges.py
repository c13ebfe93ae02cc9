"""Truth: mechanics. Surveys of hardly anybody, with constant answers, with holes: an estimate or one clear error."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

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
