"""The pictures of a survey's measurement, by instrument: which charts there are, and each as a file's SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from churnsim.plots.altair_chart import tick_labels
from churnsim.plots.picture import AxisSpec, Mark, PictureSpec
from churnsim.plots.theme import INK, MUTED, STRATEGIES, WIDE
from churnsim.report.charts.marks import Rows, interval_rows
from churnsim.report.charts.svg import ChartMaker, maker, to_svg
from churnsim.satisfaction.importance import QUADRANTS
from churnsim.satisfaction.measurement import Measurement

LIFT = 0.03  # of the height: from a point to the middle of its name


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
            "mean": float(row["estimate"]),
            "lower": None if pd.isna(row["lower"]) else float(row["lower"]),
            "upper": None if pd.isna(row["upper"]) else float(row["upper"]),
        }
        for name, row in table.iterrows()
    ]


def intervals(rows: Rows, *, x: str, reference: float | None = None, digits: int = 2) -> ChartMaker:
    """Estimates with their intervals, each with its number in its label."""
    shown = [{**row, "label": f"{row['label']}: {row['mean']:.{digits}f}".replace(": -", ": −")} for row in rows]
    return interval_rows(shown, x=x, labels=tick_labels(), reference=reference)


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


def quadrants(
    rows: Rows, *, x: str, y: str, cross: tuple[float, float], corners: Sequence[str] | None = None
) -> ChartMaker:
    """Named points in four fields around a cross; rows: label, x, y and their intervals x_lower, x_upper, y_lower,
    y_upper. `corners` name the fields: lower left, lower right, upper left, upper right."""

    table = pd.DataFrame(rows)

    def limits(axis: str, at: float) -> tuple[float, float]:
        ends = [*table[f"{axis}_lower"], *table[f"{axis}_upper"], at]
        pad = 0.12 * (max(ends) - min(ends)) or 1.0
        return min(ends) - pad, max(ends) + pad

    across, up = (limits(axis, at) for axis, at in zip("xy", cross, strict=True))
    rise = LIFT * (up[1] - up[0])
    places = range(len(corners or ()))
    fields = pd.DataFrame(
        {"x": [across[n % 2] for n in places], "y": [up[n // 2] + (-rise if n >= 2 else rise) for n in places],
         "label": list(corners or ()), "far": [n % 2 == 1 for n in places]}
    )  # fmt: skip
    # Names stand towards the middle, beside the interval and not on it.
    named = table.assign(y=table["y"] + rise, far=table["x"] > sum(across) / 2)
    words = [
        Mark(kind="text", table=part[part["far"] == far], x="x", y="y", text="label", colour=ink,
             align="right" if far else "left")
        for part, ink in ((fields, MUTED), (named, INK))
        for far in (False, True)
    ]  # fmt: skip
    centre = pd.DataFrame({"x": [cross[0]], "y": [cross[1]]})
    line: dict[str, Any] = {"table": centre, "colour": INK, "dash": (4, 3), "width": 1.0}
    look: dict[str, Any] = {"colour": STRATEGIES[1], "opacity": 0.45}
    return maker(
        PictureSpec(
            marks=[
                Mark(kind="rule", x="x", **line),
                Mark(kind="rule", y="y", **line),
                Mark(kind="spans", table=table, x="x_lower", x2="x_upper", y="y", **look),
                Mark(kind="spans", table=table, x="x", y="y_lower", y2="y_upper", **look),
                Mark(kind="points", table=table, x="x", y="y", width=2.6),
                *words,
            ],
            x=AxisSpec(title=x, limits=across),
            y=AxisSpec(title=y, limits=up),
            height=420,
        )
    )
