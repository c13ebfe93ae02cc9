"""The pictures of a survey's measurement, by instrument: which charts there are, and each as a file's SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from churnsim.plots.altair_chart import tick_labels
from churnsim.plots.theme import EXPECTED, INK, MUTED, STRATEGIES, WIDE, Size
from churnsim.report.charts.marks import Rows, inline, interval_rows
from churnsim.report.charts.svg import AnyChart, ChartMaker, to_svg
from churnsim.satisfaction.importance import QUADRANTS
from churnsim.satisfaction.measurement import Measurement


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

    def make(size: Size) -> tuple[AnyChart, int]:
        shown = [dict(row) for row in rows]

        def limits(axis: str) -> list[float]:
            ends = [row[f"{axis}_{end}"] for row in shown for end in ("lower", "upper")]
            ends.append(cross[0] if axis == "x" else cross[1])
            pad = 0.12 * (max(ends) - min(ends)) or 1.0
            return [min(ends) - pad, max(ends) + pad]

        across, up = limits("x"), limits("y")

        def at_x(field: str) -> alt.X:
            scale = alt.Scale(domain=across, nice=False, zero=False)
            return alt.X(f"{field}:Q", title=x, scale=scale, axis=alt.Axis(tickCount=5))

        def at_y(field: str) -> alt.Y:
            scale = alt.Scale(domain=up, nice=False, zero=False)
            return alt.Y(f"{field}:Q", title=y, scale=scale, axis=alt.Axis(tickCount=5))

        middle = sum(across) / 2
        for row in shown:
            row["far"] = row["x"] > middle
        base = alt.Chart(inline(shown))
        spans = base.mark_rule(color=STRATEGIES[1], opacity=0.45, strokeWidth=2)
        first, second = (alt.Chart(inline([{"at": at}])).mark_rule(color=INK, strokeDash=[4, 3]) for at in cross)
        lines = [
            first.encode(x=at_x("at")),
            second.encode(y=at_y("at")),
        ]
        layers = [
            *lines,
            spans.encode(x=at_x("x_lower"), x2=alt.X2("x_upper:Q"), y=at_y("y")),
            spans.encode(x=at_x("x"), y=at_y("y_lower"), y2=alt.Y2("y_upper:Q")),
            base.mark_point(filled=True, size=80, color=EXPECTED, opacity=1).encode(x=at_x("x"), y=at_y("y")),
        ]
        # Names stand towards the middle, beside the interval and not on it.
        layers += [
            base.transform_filter(f"datum.far === {far}")
            .mark_text(
                dy=-10, dx=-8 if far == "true" else 8, align="right" if far == "true" else "left", fontWeight="bold"
            )
            .encode(x=at_x("x"), y=at_y("y"), text=alt.Text("label:N"))
            for far in ("true", "false")
        ]
        for place, name in enumerate(corners or ()):
            right, top = place % 2 == 1, place >= 2
            corner = {"x": across[1] if right else across[0], "y": up[1] if top else up[0], "label": name}
            words = alt.Chart(inline([corner])).mark_text(
                align="right" if right else "left",
                baseline="top" if top else "bottom",
                dx=-6 if right else 6,
                dy=6 if top else -6,
                fontStyle="italic",
                color=MUTED,
            )
            layers.append(words.encode(x=at_x("x"), y=at_y("y"), text=alt.Text("label:N")))
        return alt.layer(*layers), 340 if size.narrow else 420

    return make
