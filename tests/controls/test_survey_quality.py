"""Truth: planted errors. Items scored the wrong way round, straight-liners and copies must be reported; sound surveys
must not be accused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from churnsim.satisfaction.quality import quality_warnings, recoded, straight_liners
from churnsim.satisfaction.servqual import DIMENSIONS, REVERSED, servperf, servqual
from churnsim.satisfaction.synthetic.servqual import synthetic_servqual

FEW = {"resamples": 50}


def planted(items, seed=0):
    survey = synthetic_servqual(300, seed=seed).survey
    answers = dict(survey.answers)
    for kind in ("expectation", "perception"):
        answers[kind] = recoded(answers[kind], items, survey.scales[kind])
    return replace(survey, answers=answers)


def told(survey):
    return [text for text in servqual(survey, **FEW).warnings if "runs against" in text]


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_survey_is_not_accused(seed):
    assert not told(planted([], seed))


@pytest.mark.parametrize(
    "items",
    [REVERSED, DIMENSIONS["responsiveness"], DIMENSIONS["empathy"], ("q10",), ("q18", "q22"), ("q5",)],
    ids=lambda items: "-".join(items),
)
def test_items_planted_the_wrong_way_round_are_named(items):
    """Turned before reading (all nine, a whole dimension, one), and a positive item turned by mistake."""
    texts = told(planted(items))
    assert len(texts) == 2, "both expectation and perception must be reported"
    for text in texts:
        named = {word for word in text.replace(",", " ").split() if word.startswith("q") and word[1:].isdigit()}
        assert named == set(items)
        assert ("turned before the survey was read" in text) == (set(items) <= set(REVERSED))


def test_servperf_reports_them_too():
    assert any("runs against" in text for text in servperf(planted(("q11",)), **FEW).warnings)


def test_straight_liners_and_copies_are_reported():
    survey = planted([])
    perception = survey.answers["perception"].copy()
    perception.iloc[3] = 5.0
    perception.iloc[7] = perception.iloc[8].to_numpy()
    marred = replace(survey, answers={**survey.answers, "perception": perception})
    assert list(straight_liners(marred)) == [perception.index[3]]
    text = " ".join(quality_warnings(marred))
    assert str(perception.index[3]) in text
    assert "repeat another's perception" in text
    assert not quality_warnings(survey)
