"""Truth: computed by hand in docs/satisfaction.md. The code must agree to the last printed digit."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from churnsim.satisfaction.acsi import acsi
from churnsim.satisfaction.quality import recoded
from churnsim.satisfaction.servqual import DIMENSIONS, REVERSED, servqual
from churnsim.satisfaction.survey import Survey

TEXT = (Path(__file__).parents[2] / "docs" / "satisfaction.md").read_text(encoding="utf-8")


def table(title):
    """{row: printed text} of the two-column table headed by `title`."""
    body = re.search(rf"^\| {title} \| \w+ \|\n\|[-|]+\|\n((?:\|.*\n)+)", TEXT, re.MULTILINE).group(1)
    return dict(re.findall(r"^\| (.+?) \| (-?[\d.]+) \|$", body, re.MULTILINE))


def worked_survey():
    """The three respondents of the document, read out of its table."""
    cells = {
        who: dict(zip(DIMENSIONS, [tuple(map(float, cell.split(","))) for cell in row.split("|")], strict=True))
        for who, row in re.findall(r"^\| ([ABC]): E, P, points \|(.*)\|$", TEXT, re.MULTILINE)
    }
    assert list(cells) == ["A", "B", "C"]
    frames = {}
    for place, kind in enumerate(("expectation", "perception")):
        rows = {
            who: {item: by[d][place] for d, items in DIMENSIONS.items() for item in items} for who, by in cells.items()
        }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        if kind == "perception":
            frame.loc["A", "q5"] = 2.0
        frames[kind] = recoded(frame, REVERSED, (1, 7))  # as a respondent ticks items that are worded negatively
    points = {who: {d: values[2] for d, values in by.items()} for who, by in cells.items()}
    frames["importance"] = pd.DataFrame.from_dict(points, orient="index")
    return Survey.from_frames(frames, scales={"importance": (0, 100)})


def test_servqual_agrees_with_the_hand_to_the_last_digit():
    measured = servqual(worked_survey(), resamples=20)
    printed = table("SERVQUAL")
    assert len(printed) == 7
    assert {name: f"{measured.estimate(name):.3f}" for name in printed} == printed


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("weights .40, .35, .25", {"satisfaction_1": 0.40, "satisfaction_2": 0.35, "satisfaction_3": 0.25}),
        ("equal weights", "equal"),
    ],
)
def test_acsi_agrees_with_the_hand_to_the_last_digit(name, weights):
    rows = re.search(r"on 1 to 10: (.*?)\. Means", TEXT, re.DOTALL).group(1)
    answers = [tuple(map(float, row.split(","))) for row in re.findall(r"\(([\d, ]+)\)", rows)]
    assert len(answers) == 4
    frame = pd.DataFrame(answers, columns=["satisfaction_1", "satisfaction_2", "satisfaction_3"], index=list("abcd"))
    measured = acsi(Survey.from_frames({"perception": frame}, scale=(1, 10)), weights=weights, resamples=20)
    assert f"{measured.estimate('index'):.3f}" == table("ACSI")[name]
