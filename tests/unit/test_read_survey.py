"""Truth: mechanics. Surveys from files: both layouts, and everything that can be wrong with them."""

from __future__ import annotations

import pytest

import churnsim as cs
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
        ("respondent,P.q1,date\na,4,03/04/2020\n", ["'03/04/2020'", "year-month-day"]),
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
