"""Move a belief: sliders for the numbers that the answer depends on most, worked out in the reader's browser."""

from __future__ import annotations

import json
from typing import Any, get_args

import numpy as np
import pandas as pd
from scipy.special import ndtr

from churnsim.decisions.information.moved_beliefs import GRID, LEAST_EFFECTIVE, LEVEL, MovedBeliefs
from churnsim.records.information import OPTION, InformationRecord
from churnsim.records.run import AssumptionRecord
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Chapter, Paragraph, Slider, Sliders
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table
from churnsim.simulation.core.assumption import LEVEL as STATED
from churnsim.simulation.core.belief import Belief, Law

FEWEST, MOST = 3, 6  # sliders, where there are as many beliefs
DRAWS = 1000  # that a page carries, of replications that are in no order
ERRORS = 4.0  # standard errors by which draws may be off the law that is stated


def chapter(context: Context) -> Chapter:
    """Empty where the run stores no draws, or nothing is believed by a law."""
    found, moved = context.run.value_of_information, moved_beliefs(context)
    title, chosen = context.say("section.moved"), _chosen(context)
    if found is None or moved is None:
        return Chapter(id="moved", title=title)
    options = _options(found)
    names = {name: context.titles.get(name, name) for name in found.options}
    nothing = names.get(found.nothing, context.say("measure.nothing"))
    columns = heads(
        context, "moved", "strategy", "more#", "future#", "chance#", nothing=nothing, level=fmt.percent(LEVEL)
    )
    rows = [row_of(names[name], *[fmt.ABSENT] * 3) for name in options]
    figures = table(
        context.say("moved.caption", horizon=context.horizon), columns, [*rows, row_of(nothing, *[fmt.ABSENT] * 3)]
    )
    sliders = [
        Slider(
            id=f"moved-{place}", title=fmt.sentence(row.meaning),
            stated=context.say(
                "moved.stated", value=shown(context, row, row.value), known=fmt.percent(STATED),
                interval=context.interval(shown(context, row, row.low), shown(context, row, row.high)),
            ),
        )
        for place, row in enumerate(chosen)
    ]  # fmt: skip
    block = Sliders(
        sliders=sliders, steps=len(GRID), data=_data(context, chosen, moved, [names[name] for name in options]),
        table=figures, sure={value: context.say(f"moved.sure_{key}") for value, key in _SURE.items()},
        words={key: context.say(f"moved.{key}") for key in ("value", "how_sure", "reset", "even_heading")},
    )  # fmt: skip
    return Chapter(id="moved", title=title, blocks=[Paragraph(text=context.say("moved.intro")), block], scripted=True)


def moved_beliefs(context: Context) -> MovedBeliefs | None:
    """What the page calculates with, as it stands in it: what is worked out there is worked out from these."""
    found, draws, chosen = context.run.value_of_information, context.draws, _chosen(context)
    if found is None or draws is None or not chosen or not {OPTION + name for name in found.options} <= set(draws):
        return None
    earned = draws[[OPTION + name for name in _options(found)]].to_numpy()
    gains = earned - draws[[OPTION + found.nothing]].to_numpy()
    scores = np.column_stack([_belief(row).score(draws[row.parameter].to_numpy()) for row in chosen])
    return MovedBeliefs(np.round(scores[:DRAWS], 3), np.round(gains[:DRAWS], 2))


def _options(found: InformationRecord) -> list[str]:
    return [name for name in found.options if name != found.nothing]


_AT = ndtr(GRID)
_SURE = {"1": "stated", "0.5": "surer", "0": "exactly"}
"""Spreads of a number's score, and what they are called."""


def _chosen(context: Context) -> list[AssumptionRecord]:
    """The numbers believed by a law that the choice depends on most: by what knowing them is worth, then by their share
    of the variance."""
    found, draws = context.run.value_of_information, context.draws
    if found is None or draws is None:
        return []
    worth = {row.name: row.worth for row in found.rows if row.kind == "number"}
    rows = [
        row for row in context.run.assumptions
        if row.drawn and row.law in get_args(Law) and row.parameter in draws and _by_its_law(row, draws[row.parameter])
    ]  # fmt: skip
    rows.sort(key=lambda row: (-worth.get(row.parameter, 0.0), -(row.share or 0.0)))
    telling = sum(worth.get(row.parameter, 0.0) > 0 for row in rows)
    return rows[: min(MOST, max(FEWEST, telling))]


def _belief(row: AssumptionRecord) -> Belief:
    assert row.low is not None  # as of every law
    assert row.high is not None
    return Belief(
        value=float(row.value), low=float(row.low), high=float(row.high), level=STATED, law=row.law,  # type: ignore[arg-type]
        status="assumed", source=row.source or row.parameter,
    )  # fmt: skip


def _by_its_law(row: AssumptionRecord, drawn: pd.Series[float]) -> bool:
    """Whether the draws are those of the stated law: numbers that were cut off, or scaled, are weighted by no ratio of
    its density."""
    if row.low is None or row.high is None or not row.low < row.high or not isinstance(row.value, int | float):
        return False
    with np.errstate(all="ignore"):
        scores = _belief(row).score(drawn.to_numpy())
    n = len(scores)
    near = abs(scores.mean()) < ERRORS / n**0.5 and abs(scores.std() - 1) < ERRORS / (2 * n) ** 0.5
    return bool(np.isfinite(scores).all() and near)


def _kind(row: AssumptionRecord) -> str:
    unit = (row.unit or "").split()
    if unit[:1] == ["money"]:
        return "money"
    return "share" if row.law == "beta" else "number"


def shown(context: Context, row: AssumptionRecord, value: float | None) -> str:
    """A value of the assumption as the report writes it: money, a share or a plain number."""
    kind = _kind(row)
    if value is None:
        return fmt.ABSENT
    if kind == "money" and 0 < abs(value) < 1:
        return fmt.money(value, context.currency, decimals=max(2, fmt.decimals_for([value], digits=2)))
    if kind == "money":
        return context.money(value)
    return fmt.small_percent(value) if kind == "share" else fmt.significant(value, 3)


def _data(context: Context, chosen: list[AssumptionRecord], moved: MovedBeliefs, options: list[str]) -> str:
    """What the page calculates with, as JSON that stands inside HTML: scores, gains, and the regression's terms."""
    places = {name: f"{{{name}}}" for name in ("strategy", "number", "at", "low", "high", "effective", "all")}
    words = {key: context.say(f"moved.{key}", **places) for key in ("never", "even", "weighted", "regression")}
    marks, currency = fmt.marks(), context.currency
    words |= {"thousands": marks.thousands, "decimal": marks.decimal, "percent": f"{marks.percent}%"}
    words |= {"before": fmt.currency_prefix(currency), "after": fmt.currency_suffix(currency)}
    words["joint"] = context.say("page.joint")
    content: dict[str, Any] = {
        "numbers": [
            {"title": row.meaning, "kind": _kind(row), "values": np.round(_belief(row).quantile(_AT), 8).tolist()}
            for row in chosen
        ],
        "options": options, "scores": moved.scores.tolist(), "gains": moved.gains.T.tolist(), "terms": moved.terms,
        "grid": GRID.tolist(), "least": LEAST_EFFECTIVE, "words": words, "largest": context.largest_difference,
    }  # fmt: skip
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
