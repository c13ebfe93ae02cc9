"""The pictures of a survey's measurement, by instrument: which charts there are, and each as a file's SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from churnsim.report.charts.survey import intervals, quadrants
from churnsim.report.charts.svg import ChartMaker, to_svg
from churnsim.report.charts.theme import WIDE
from churnsim.satisfaction.importance import QUADRANTS
from churnsim.satisfaction.measurement import Measurement

__all__ = ["SurveyFigure", "survey_figures", "svg_file"]


class SurveyFigure(NamedTuple):
    """One picture: a file's name, a title, and what makes it."""

    name: str
    title: str
    make: ChartMaker


def survey_figures(measured: Measurement) -> list[SurveyFigure]:
    """The pictures of one measurement."""
    return _MAKERS[measured.instrument](measured)


def svg_file(figure: SurveyFigure) -> str:
    """The picture alone, on white."""
    chart, height = figure.make(WIDE)
    titled = chart.properties(background="white", title=figure.title)
    return to_svg(titled, size=WIDE, height=height + 24)


def _rows(table: pd.DataFrame, *, strip: str = "") -> list[dict[str, Any]]:
    return [
        {
            "label": str(name).removeprefix(strip),
            "estimate": float(row["estimate"]),
            "lower": None if pd.isna(row["lower"]) else float(row["lower"]),
            "upper": None if pd.isna(row["upper"]) else float(row["upper"]),
        }
        for name, row in table.iterrows()
    ]


def _group(measured: Measurement, *groups: str) -> pd.DataFrame:
    return measured.table[measured.table["group"].isin(groups)]


def _servqual(m: Measurement) -> list[SurveyFigure]:
    gap = m.instrument == "SERVQUAL"
    x = "perception minus expectation" if gap else "perceived performance"
    reference = 0.0 if gap else None
    items = _rows(_group(m, "item"))
    for row in items:
        row["label"] = f"{row['label']} {m.table['about'][row['label']]}"
    return [
        SurveyFigure(
            "dimensions", "By dimension", intervals(_rows(_group(m, "dimension", "overall")), x=x, reference=reference)
        ),
        SurveyFigure("items", "By item", intervals(items, x=x, reference=reference)),
    ]


def _gaps(m: Measurement) -> list[SurveyFigure]:
    overall = [row for row in _rows(m.table) if row["label"].endswith(": overall")]
    for row in overall:
        row["label"] = row["label"].removesuffix(": overall")
    service = _rows(_group(m, "gap 5 service"), strip="gap 5 service: ")
    x = "steps of the scale"
    return [
        SurveyFigure("gaps", "The five gaps, over all dimensions", intervals(overall, x=x, reference=0.0)),
        SurveyFigure("service-gap", "Gap 5, service, by dimension", intervals(service, x=x, reference=0.0)),
    ]


def _benchmark(m: Measurement) -> list[SurveyFigure]:
    return [
        SurveyFigure(
            word.replace(" ", "-"),
            word.capitalize(),
            intervals(_rows(part, strip=f"{word}: "), x="this firm minus the other", reference=0.0),
        )
        for word, part in ((str(w), p) for w, p in m.table.groupby("group", sort=False))
    ]


def _paths(m: Measurement) -> list[SurveyFigure]:
    drawn = intervals(_rows(_group(m, "path")), x="standardised path", reference=0.0)
    return [SurveyFigure("paths", "Paths, effect <- cause", drawn)] if not _group(m, "path").empty else []


def _acsi(m: Measurement) -> list[SurveyFigure]:
    index = intervals(_rows(_group(m, "index")), x="index, 0 to 100", digits=1)
    return [SurveyFigure("index", "Satisfaction index", index), *_paths(m)]


def _points(m: Measurement, x: str, y: str) -> list[dict[str, Any]]:
    names = [str(n).removeprefix(f"{x}: ") for n in _group(m, x).index]
    return [
        {
            "label": name,
            **{
                f"{axis}{suffix}": float(m.table.loc[f"{kind}: {name}", column])  # type: ignore[arg-type]
                for axis, kind in (("x", x), ("y", y))
                for suffix, column in (("", "estimate"), ("_lower", "lower"), ("_upper", "upper"))
            },
        }
        for name in names
    ]


def _kano(m: Measurement) -> list[SurveyFigure]:
    points = _points(m, "worse", "better")
    for point in points:  # the harm is drawn to the right
        point["x"], point["x_lower"], point["x_upper"] = -point["x"], -point["x_upper"], -point["x_lower"]
    drawn = quadrants(
        points, x="can hurt by its absence (−worse)", y="can please (better)", cross=(0.5, 0.5),
        corners=("indifferent", "basic", "excitement", "performance"),
    )  # fmt: skip
    return [SurveyFigure("better-worse", "Better and worse", drawn)]


def _penalty_reward(m: Measurement) -> list[SurveyFigure]:
    rows = _rows(_group(m, "penalty", "reward"))
    return [
        SurveyFigure(
            "effects",
            "Penalty of a low rating, reward of a high one",
            intervals(rows, x="overall satisfaction", reference=0.0),
        )
    ]


def _importance(m: Measurement) -> list[SurveyFigure]:
    found = []
    for kind in ("stated", "derived"):
        if not _group(m, kind).empty:
            points = _points(m, "performance", kind)
            cross = tuple(sum(p[axis] for p in points) / len(points) for axis in ("x", "y"))
            drawn = quadrants(
                points, x="performance", y=f"{kind} importance", cross=(cross[0], cross[1]), corners=QUADRANTS
            )
            found.append(SurveyFigure(f"{kind}-importance", f"Importance ({kind}) and performance", drawn))
    return found


def _value(m: Measurement) -> list[SurveyFigure]:
    scales = m.details["scales"].rename(columns={"V": "estimate"})
    return [
        SurveyFigure(
            "ratio",
            "One survey, six codings: V and its verdict",
            intervals(_rows(scales), x="V, benefits over costs", reference=1.0),
        )
    ]


_MAKERS: Mapping[str, Callable[[Measurement], list[SurveyFigure]]] = {
    "SERVQUAL": _servqual,
    "SERVPERF": _servqual,
    "five gaps": _gaps,
    "benchmark": _benchmark,
    "ACSI": _acsi,
    "path model": _paths,
    "Kano": _kano,
    "penalty-reward": _penalty_reward,
    "importance-performance": _importance,
    "customer value ratio": _value,
}
