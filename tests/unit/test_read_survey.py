"""Truth: mechanics. Surveys from files: both layouts, and everything that can be wrong with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data.tabular.row_errors import Flaws
from churnsim.satisfaction import Survey
from churnsim.satisfaction.read_survey import read_survey, survey_from_frame
from churnsim.satisfaction.synthetic.servqual import synthetic_servqual

POINTS = {"importance": (0, 100)}


@pytest.fixture(scope="module")
def known():
    return synthetic_servqual(30, seed=3)


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".parquet"])
def test_both_layouts_come_back_as_they_went(known, layout, suffix, tmp_path):
    survey = known.survey
    frame = survey.to_wide().reset_index() if layout == "wide" else survey.to_long()
    path = tmp_path / f"survey{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    read = read_survey(path, scales=POINTS)
    for kind, answers in survey.answers.items():
        assert (read.answers[kind][answers.columns] == answers).all(axis=None), kind
    again = survey_from_frame(frame, scales=POINTS)
    assert again.answers["perception"].equals(read.answers["perception"][again.answers["perception"].columns])


def write(tmp_path, text):
    path = tmp_path / "answers.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("respondent,P.q1\na,8\n", ["line 2", "'P.q1'", "'8'", "outside the scale 1 to 7"]),
        ("respondent,P.q1\na,0\n", ["outside the scale"]),
        ("respondent,P.q1\na,inf\n", ["is not a number"]),
        ("respondent,P.q1\na,4\nb,good\n", ["line 3", "'good' is not a number"]),
        ("respondent,P.q1\na,3.5\n", ["lies between the steps"]),
        ("respondent,P.q1\na,4\na,5\n", ["line 3", "answers the same item again"]),
        ("respondent,item,perception\na,q1,4\na,q1,4\n", ["line 3", "answers the same item again"]),
        ("respondent,item,perception\na,,4\n", ["is not an item (missing)"]),
        ("respondent,P.q1\n,4\n", ["is not a respondent's id (missing)"]),
        ("who,P.q1\na,4\n", ["no column 'respondent'", "respondent="]),
        ("respondent;P.q1\na;9\n", ["line 2", "outside the scale"]),
        ("respondent,q1\na,4\n", ["holds no answers", "perception.q1"]),
        ("respondent,P.q1,P.q1\na,4,4\n", ["several columns called 'P.q1'"]),
        ("respondent,P.q1,role\na,4,boss\n", ["'a'", "'boss'", "customer, employee, manager"]),
        ("respondent,P.q1,date\na,4,03/04/2020\n", ["respondent 'a'", "'03/04/2020' is not an ISO date"]),
        ("respondent,item,customer_id,perception\na,q1,7,4\na,q2,8,4\n", ["line 3", "more than one customer_id"]),
        ("respondent,P.q1\na,4,5\n", ["more fields"]),
        ("", ["is empty"]),
        ("respondent,P.q1\na,\n", ["no answer that can be used"]),
    ],
)
def test_bad_input_ends_in_one_clear_error(text, words, tmp_path):
    with pytest.raises(cs.errors.DataError) as caught:
        read_survey(write(tmp_path, text))
    for word in words:
        assert word in str(caught.value)


def test_set_aside_keeps_the_other_answers_and_lists_what_went(tmp_path):
    survey = read_survey(write(tmp_path, "respondent,P.q1,P.q2\na,9,4\nb,2,3\n"), on_bad="set_aside")
    assert survey.answers["perception"].loc["b"].tolist() == [2, 3]
    assert survey.answers["perception"].loc["a"].isna().tolist() == [True, False]
    (row,) = survey.set_aside
    assert (row["row"], row["column"], row["value"]) == (2, "P.q1", "'9'")


def test_ids_roles_and_dates_are_kept(tmp_path):
    text = "respondent,customer_id,date,role,P.q1\na,0012,2020-05-01,,4\nb,7,2020-05-02,manager,4\n"
    survey = read_survey(write(tmp_path, text))
    assert survey.respondents["customer_id"].tolist() == ["0012", "7"]
    assert survey.respondents["role"].tolist() == ["customer", "manager"]
    assert str(survey.respondents["date"].iloc[0].date()) == "2020-05-01"
    assert list(survey.of("perception", role="manager").index) == ["b"]


def test_impossible_arguments(tmp_path):
    path = write(tmp_path, "respondent,P.q1\na,4\n")
    with pytest.raises(cs.errors.ConfigError, match="run from low to high"):
        read_survey(path, scale=(7, 1))
    with pytest.raises(cs.errors.ConfigError, match="scales names"):
        read_survey(path, scales={"mood": (1, 5)})
    with pytest.raises(cs.errors.DataError, match="does not exist"):
        read_survey(tmp_path / "nothing.csv")


DAY = "is not an ISO date"


def known_answers(value, **respondents):
    who = pd.DataFrame(respondents, index=["a", "b"]) if respondents else None
    return Survey.from_frames({"perception": pd.DataFrame({"q1": [4, value]}, index=["a", "b"])}, respondents=who)


@pytest.mark.parametrize(
    ("value", "respondents", "words"),
    [
        (40, {}, ["perception of 'q1' by respondent 'b' is 40", "no number from 1 to 7"]),
        (0.5, {}, ["is 0.5"]),
        (float("inf"), {}, ["is inf"]),
        ("good", {}, ["'b' is 'good'"]),
        (4, {"date": ["2020-05-01", "2024"]}, ["respondent 'b'", "'2024'", DAY]),
        (4, {"date": ["2020-05-01", "2100-01-01"]}, ["'2100-01-01' is in the future"]),
        (4, {"date": [pd.Timestamp("2020-05-01"), pd.Timestamp("2100-01-01")]}, ["is in the future"]),
        (4, {"date": ["2020-05-01", "03/04/2020"]}, [DAY]),
    ],
)
def test_frames_are_checked_as_files_are(value, respondents, words):
    with pytest.raises(cs.errors.DataError) as caught:
        known_answers(value, **respondents)
    for word in words:
        assert word in str(caught.value)


def test_a_missing_answer_hides_no_other():
    """A column with pd.NA holds objects, which numpy does not convert: the scale is checked all the same."""
    answers = pd.DataFrame({"q1": pd.Series([pd.NA, 40, 5], dtype=object)})
    with pytest.raises(cs.errors.DataError, match="is 40, which is no number from 1 to 7"):
        Survey.from_frames({"perception": answers})
    assert Survey.from_frames({"perception": answers.drop(1)}).answers["perception"]["q1"].dropna().tolist() == [5.0]


def test_dates_of_frames_are_days():
    survey = known_answers(None, date=["2020-05-01", None])
    assert survey.respondents["date"].tolist() == [pd.Timestamp("2020-05-01"), pd.NaT]
    assert survey.select(pd.Index(["b"])).answers["perception"]["q1"].isna().all()


@pytest.mark.parametrize("day", ["2024", "2100-01-01", "2020-13-01"])
def test_files_take_the_dates_of_every_reader(day, tmp_path):
    with pytest.raises(cs.errors.DataError, match="respondent 'a', column 'date'"):
        read_survey(write(tmp_path, f"respondent,P.q1,date\na,4,{day}\n"))


@pytest.mark.parametrize("scale", ["1 to 7", (1, "7"), (1, 7, 10), (1, float("nan")), 7, None, (True, 7)])
def test_a_scale_is_two_numbers(scale, tmp_path):
    frame = pd.DataFrame({"q1": [4]})
    for call in (
        lambda: read_survey(write(tmp_path, "respondent,P.q1\na,4\n"), scale=scale),
        lambda: Survey.from_frames({"perception": frame}, scale=scale),
        lambda: Survey.from_frames({"perception": frame}, scales={"perception": scale}),
    ):
        with pytest.raises(cs.errors.ConfigError, match="the scale of"):
            call()


def test_no_answers_are_no_survey():
    with pytest.raises(cs.errors.DataError, match="from a file; got a list"):
        read_survey([1, 2])
    for answers in ({}, {"perception": [1, 2]}):
        with pytest.raises(cs.errors.DataError, match="a DataFrame of respondents by items"):
            Survey.from_frames(answers)


def test_thousands_of_items_take_a_pass_each(monkeypatch):
    """4,000 items, the last off the scale: every check runs once over all answers, not once an item."""
    frame = pd.DataFrame(np.full((2, 4000), 4), columns=[f"P.q{i}" for i in range(4000)])
    frame.iloc[1, -1] = 9
    frame.insert(0, "respondent", ["a", "b"])
    marks, plain = [], Flaws.mark
    monkeypatch.setattr(Flaws, "mark", lambda self, *given, **more: (marks.append(1), plain(self, *given, **more)))
    with pytest.raises(cs.errors.DataError, match=r"row 2, column 'P\.q3999': 9 is outside the scale 1 to 7"):
        survey_from_frame(frame)
    assert len(marks) < 50
    assert len(survey_from_frame(frame, on_bad="set_aside").items) == 3999 + 1
