"""The fit: parameters with standard errors and intervals, log-likelihood, and the status in words."""

from __future__ import annotations

import math
import re

from churnsim.data.summaries.calendar import MONTHS
from churnsim.records.run import FIT_LEVEL, FitParameter, FitRecord
from churnsim.report.headline import doubtful
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Chapter, Details, Facts, Heading, Paragraph, TableBlock
from churnsim.report.page.context import Context, family_parts
from churnsim.report.page.tables import heads, records_table, row_of, table

DIGITS = 4


def chapter(context: Context) -> Chapter:
    """Every fit of the run."""
    blocks: list[Block] = [*_choice(context), Paragraph(text=context.say("fit.intro"))]
    for key, fit in context.run.fits.items():
        family, role = fit_name(context, key)
        blocks.append(Heading(text=context.say("fit.heading", family=family, role=role)))
        blocks.append(Paragraph(text=_status(context, fit), tone="warning" if doubtful(fit) else "note"))
        blocks += [_parameters(context, key, fit), _quality(context, fit)]
    return Chapter(id="fit", title=context.say("section.fit"), blocks=blocks)


def _choice(context: Context) -> list[Block]:
    """Which purchase model was chosen among candidates, and why."""
    choice = context.run.notices.choice
    if choice is None:
        return []
    caption = context.say("fit.candidates")
    blocks: list[Block] = [Paragraph(text=context.with_titles(choice.why))]
    if choice.table:
        inside: list[Block] = [records_table(caption, choice.table, limit=len(choice.table), told=context.words.told)]
        if "BIC" in choice.why:
            inside.append(Paragraph(text=context.say("fit.candidates_note"), tone="note"))
        blocks.append(Details(summary=caption, blocks=inside))
    return blocks


def fit_name(context: Context, key: str) -> tuple[str, str]:
    """(family, role) of one fit, for a heading."""
    fit = context.run.fits[key]
    return context.family(fit.family, fit.family), context.words.known(f"role.{key}", fit.role)


def _status(context: Context, fit: FitRecord) -> str:
    status = fit.status
    said = context.say(
        "fit.said",
        code=fmt.sentence(context.words.told(status.code)),
        message=status.message,
        advice=status.advice or "",
    )
    return said.strip()


def _parameters(context: Context, key: str, fit: FitRecord) -> TableBlock:
    say = context.say
    family, role = fit_name(context, key)
    meanings = [_meaning(context, key, fit, p) for p in fit.parameters]
    told = any(meanings)
    names = ("parameter", "estimate#", "error#", "interval#", *(["meaning~"] if told else []))
    columns = heads(context, "fit", *names, level=fmt.percent(FIT_LEVEL))
    rows = []
    for p, meaning in zip(fit.parameters, meanings, strict=True):
        # One rounding for a row: as many decimals as the estimate needs, so that the bounds compare with it.
        decimals = fmt.decimals_for([p.estimate], digits=DIGITS)
        shown = [fmt.fixed(x, decimals) for x in (p.estimate, p.standard_error, p.lower, p.upper)]
        named = readable(p.name) if key == "regression" else p.name
        row = [named, shown[0], shown[1], context.interval(shown[2], shown[3])]
        rows.append(row_of(*row, *([meaning] if told else [])))
    return table(say("fit.caption", family=family, role=role), columns, rows, quiet=True)


def readable(parameter: str) -> str:
    """A covariate as a reader would write it: contract=Two year as contract: Two year."""
    name, sign, level = parameter.partition("=")
    return f"{name.replace('_', ' ')}{': ' if sign else ''}{level}"


def _meaning(context: Context, key: str, fit: FitRecord, row: FitParameter) -> str:
    """What a parameter says; of a regression how many times sooner one leaves, of a covariate, a calendar's column or a
    series what it multiplies."""
    estimate, (base, beside) = row.estimate, family_parts(fit.family)
    if key == "regression" and estimate is not None:
        return context.say("fit.hazard_ratio", ratio=fmt.significant(math.exp(estimate), 3))
    kind, _, covariate = row.name.partition(":")
    if covariate and kind in ("rate", "lifetime") and estimate is not None:
        told = f"fit.effect_{kind}" + ("_of_word" if "=" in covariate else "")
        more = {"covariate": readable(covariate), "factor": fmt.fixed(math.exp(estimate), 3)}
        if kind == "lifetime":
            more["leaving"] = context.say("fit.leaving_death" if "pareto" in fit.family else "fit.leaving_dropout")
        return context.say(told, **more)
    known = context.words.known(f"parameter.{base}.{row.name}", "")
    if known or estimate is None or beside not in ("calendar", "series"):
        return known
    return _on_a_clock(context, row, covariate or row.name, leaving=kind == "leaving" and bool(covariate))


def _on_a_clock(context: Context, row: FitParameter, column: str, *, leaving: bool) -> str:
    """What one unit more of a column multiplies, with its interval; of a wave of the season how often it comes."""
    if wave := re.fullmatch(r"(?:cos|sin) (\d+)", column):
        return context.say("fit.effect_wave", count=wave[1])
    one, low, high = (
        fmt.ABSENT if value is None else fmt.fixed(math.exp(value), 3)
        for value in (row.estimate, row.lower, row.upper)
    )  # fmt: skip
    factor = context.say("fit.factor", factor=one, interval=context.interval(low, high))
    key = "month" if column in MONTHS else "trend" if column == "trend" else "lifetime"
    rate = context.say("fit.leaving_death" if leaving else "fit.purchase_rate")
    return context.say(f"fit.effect_{key}", covariate=column, leaving=rate, factor=factor)


def _quality(context: Context, fit: FitRecord) -> Facts:
    say = context.say
    rows = [
        (say("fit.loglik"), fmt.fixed(fit.loglik, 1)),
        (say("fit.aic"), fmt.fixed(fit.aic, 1)),
        (say("fit.bic"), fmt.fixed(fit.bic, 1)),
        (say("fit.n"), fmt.count(fit.n)),
    ]
    if fit.unit:
        rows.append((say("fit.unit"), context.words.known(f"unit.{fit.unit}", fit.unit)))
    if fit.spend_correlation is not None:
        rows.append((say("fit.spend_correlation"), fmt.fixed(fit.spend_correlation, 2)))
    return Facts(rows=rows, compact=True)
