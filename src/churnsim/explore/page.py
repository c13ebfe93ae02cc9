"""The page that a browser shows: strategies and beliefs to be changed, and what comes out, in the words of reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import numpy as np

import churnsim
from churnsim.explore.session import Explorer, State
from churnsim.explore.variant import changeable, content_of, plain_settings
from churnsim.records.run import AssumptionRecord, Run
from churnsim.report.chapters.answer import chances, decision_tiles
from churnsim.report.chapters.moved import shown
from churnsim.report.charts.figures import forest_figure
from churnsim.report.headline import headline
from churnsim.report.html import as_markup, blocks_of, filled, script_policy, template_text
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import Block, Heading, Listing, Paragraph, TableBlock, Tiles
from churnsim.report.page.context import Context, told_in
from churnsim.report.page.tables import heads, row_of, table
from churnsim.report.what_it_takes import how_it_was_found, mechanism_title, what_it_takes
from churnsim.simulation.core.assumption import LEVEL, law_of
from churnsim.simulation.core.lifetimes import typical_amount
from churnsim.simulation.mechanisms.parts import Length, Money, Setting, settings_of
from churnsim.study.config.strategy_sections import MECHANISMS
from churnsim.study.setup.choices import purchase_gaps, silent_weeks
from churnsim.study.setup.writing import programmes_for
from churnsim.study.stages.data_stage import StudyData

FIRST_SHOWN = 8  # numbers; the others lie below a fold
MONEY = "currency "
SHARE_OF_PURCHASE = 0.05  # that a programme which is added pays for each event, until one says otherwise
SHARE_OF_BUDGET = 0.1


class LivePage:
    """The page of an explorer, in the language and the locale of the run's report."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._drawn: tuple[Run | None, str] = (None, "")

    def html(self) -> tuple[str, str]:
        """The page, and what its content security policy has to say of its script."""
        run, script = self._explorer.base, template_text("explore.js")
        with told_in(run) as context:
            words, manifest = context.words, run.manifest
            text = filled(
                "explore.html", lang=words("page.lang"), say=words, title=words("explore.title", title=manifest.title),
                skip=words("page.skip"), date=fmt.day(manifest.finished or manifest.started),
                source=manifest.data.source, folder=self._explorer.config.folder, css=as_markup(
                    template_text("report.css") + template_text("explore.css")
                ),
                script=as_markup(script), data=as_markup(self._data(context)),
                footer=words("explore.footer", version=churnsim.__version__, run=manifest.name, hash=manifest.hash),
                known=fmt.percent(LEVEL), measured=self._explorer.config.evidence is not None,
                name=f"{manifest.name}-variant",
            )  # fmt: skip
        return text, script_policy(script)

    def state(self, state: State) -> dict[str, Any]:
        """How far a request has come, in words, with what is known so far as HTML."""
        with told_in(state.run or self._explorer.base) as context:
            say = context.words
            size = context.run.comparison.replications if state.run else 0
            everything = self._explorer.config.simulation.replications
            counts = {"replications": fmt.count(size), "all": fmt.count(everything)}
            if state.error:
                told = say("explore.failed", error=state.error)
            elif state.number == 0:
                told = say("explore.of_run", **counts)
            elif state.final:
                told = say("explore.done", **counts)
            else:
                told = say("explore.partial", **counts) if state.run else say("explore.beginning")
            step = ""
            if not state.final and state.total:
                title = say.known(f"explore.stage.{state.stage}", fmt.sentence(state.stage))
                step = say("explore.working", stage=title, done=fmt.count(state.done), total=fmt.count(state.total))
            return {
                "number": state.number, "told": told, "step": step, "done": state.done, "total": state.total,
                "final": state.final, "failed": bool(state.error), "results": self._results(context, state),
            }  # fmt: skip

    def _results(self, context: Context, state: State) -> str:
        if state.run is None:
            return ""
        if self._drawn[0] is not state.run:
            self._drawn = state.run, blocks_of(list(self._blocks(context, state.final)))
        return self._drawn[1]

    def _blocks(self, context: Context, final: bool) -> Iterator[Block]:
        say = context.say
        said = headline(context)
        yield Paragraph(text=" ".join([*said.verdict, *said.beside]), tone="lead")
        yield Tiles(tiles=decision_tiles(context))
        if len(context.run.comparison.best) > 1:
            yield chances(context)
            yield self._beside(context)
        if context.differences:
            yield forest_figure(context)
        takes = what_it_takes(context)
        if takes:
            yield from (Heading(text=say("explore.takes")), Listing(items=takes))
            yield Paragraph(text=how_it_was_found(context), tone="note")
        elif not final:
            yield Paragraph(text=say("explore.takes_waiting"), tone="note")

    def _beside(self, context: Context) -> TableBlock:
        """Each strategy in the run and now."""
        before = Context(self._explorer.base, context.words)
        rows = []
        for name in dict.fromkeys([*before.titles, *context.titles]):
            told = [_told(each, name) for each in (before, context)]
            if any(told):
                absent = (context.say("explore.absent"), fmt.ABSENT)
                (more, chance), (more_now, chance_now) = (one or absent for one in told)
                rows.append(row_of({**before.titles, **context.titles}[name], more, more_now, chance, chance_now))
        comparison = context.run.comparison
        against = context.titles[comparison.nothing or comparison.against]
        keys = ("more_run#", "more_now#", "chance_run#", "chance_now#")
        columns = [*heads(context, "answer", "strategy"), *heads(context, "explore", *keys, against=against)]
        return table(context.say("explore.beside"), columns, rows)

    def _data(self, context: Context) -> str:
        """What the page's script builds its controls from, as JSON that may stand inside HTML."""
        explorer, words = self._explorer, context.words
        content = content_of(explorer.config)
        against = explorer.config.comparison.against
        strategies = [
            {
                "name": strategy["name"], "title": strategy.get("title", strategy["name"]),
                "fixed": strategy["name"] == against,
                "mechanisms": {
                    name: {key: value for key, value in part.items() if key in plain_settings(MECHANISMS[name])}
                    for name, part in strategy.items() if name in MECHANISMS
                },
            }
            for strategy in content["strategy"]
        ]  # fmt: skip
        programmes = self._programmes()
        mechanisms = {
            name: {
                "title": mechanism_title(context, name), "settings": list(_settings(context, kind)),
                "start": {name: self._start(kind)} | self._programme(programmes.get(name, {})),
            }
            for name, kind in MECHANISMS.items() if not kind.under_contract or explorer.base.survival
        }  # fmt: skip
        told = {key: words(f"explore.{key}", **PLACES) for key in WORDS}
        data = {
            "strategies": strategies, "mechanisms": mechanisms, "numbers": list(self._numbers(context)), "words": told,
            "shown": FIRST_SHOWN,
        }  # fmt: skip
        text = json.dumps(data, ensure_ascii=False, allow_nan=False)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _numbers(self, context: Context) -> Iterator[dict[str, Any]]:
        """The numbers of the market, those first on which the answer depends most."""
        known = changeable(self._explorer.market, self._explorer.config)
        rows = [row for row in context.run.assumptions if row.parameter in known]
        for row in sorted(rows, key=lambda row: -(row.share or 0.0)):
            law = law_of(known[row.parameter].about)
            limits = {"beta": (0, 1), "log-normal": (0, None)}.get(law, (None, None))
            exact = {"value": row.value, "low": row.low, "high": row.high}
            yield {
                "address": row.parameter, "title": fmt.sentence(row.meaning), "unit": row.unit or "", **exact,
                "shown": {name: f"{value:.6g}" for name, value in exact.items() if value is not None},
                "least": limits[0], "most": limits[1], "stated": self._stated(context, row),
            }  # fmt: skip

    def _stated(self, context: Context, row: AssumptionRecord) -> str:
        status = context.status(row.status)
        value = shown(context, row, row.value)
        told = context.say("explore.stated_alone", value=value, status=status)
        if row.low is not None and row.high is not None and row.low < row.high:
            interval = context.interval(shown(context, row, row.low), shown(context, row, row.high))
            told = context.say(
                "explore.stated", value=value, interval=context.say("explore.interval", interval=interval,
                known=fmt.percent(LEVEL)), status=status,
            )  # fmt: skip
        if row.share is not None:
            told += " " + context.say("explore.share", share=fmt.percent(row.share, 0))
        return told

    def _programmes(self) -> dict[str, dict[str, Any]]:
        """The strategies of the programmes that `churnsim init` adds, by mechanism, for this firm's purchases."""
        data = self._explorer.data
        gaps = purchase_gaps(data.transactions) if isinstance(data, StudyData) else np.empty(0)
        if not len(gaps):
            return {}
        return programmes_for(typical_amount(self._explorer.market.spend), f"{silent_weeks(gaps)} W")

    def _programme(self, strategy: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The mechanisms of a programme's strategy; shares of a budget that the study has not in its own money."""
        parts = {name: {**part} for name, part in strategy.items() if name in MECHANISMS}
        for name, part in parts.items():
            if self._explorer.config.budget is None and "budget_share" in part:
                key = next(key for key, (_, about) in settings_of(MECHANISMS[name]).items() if about.budget)
                part[key] = float(f"{part.pop('budget_share') * self._spent():.2g}")
        return parts

    def _spent(self) -> float:
        """What the study's strategies spend a period, the most of them, of budgets stated in money."""
        budgets = [
            sum(part.get("budget_per_period", 0.0) for part in strategy.values() if isinstance(part, dict))
            for strategy in content_of(self._explorer.config)["strategy"]
        ]
        return max(budgets) or typical_amount(self._explorer.market.spend)

    def _start(self, kind: Any) -> dict[str, Any]:
        """The settings of a mechanism that is added, to be changed: what it needs, scaled to this firm."""
        config, found = self._explorer.config, dict[str, Any]()
        worth = typical_amount(self._explorer.market.spend)
        each = max(0.01, float(f"{SHARE_OF_PURCHASE * worth:.1g}"))
        needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
        for name, (_, about) in settings_of(kind).items():
            if about.budget and config.budget is not None:
                found["budget_share"] = SHARE_OF_BUDGET
            elif name not in needed:
                continue
            elif isinstance(about, Length):
                period = config.simulation.period
                times = 0.125 if about.guess else 1 if not about.passes_over else 6
                found[name] = f"{period.value * times:g} {period.unit}"
            elif isinstance(about, Money):
                found[name] = float(f"{SHARE_OF_BUDGET * self._spent():.2g}") if about.budget else each
            else:
                found[name] = about.example
        return found


WORDS = (
    "on", "against", "part_on", "new_strategy", "value", "low", "high", "more_beliefs", "saved", "lost", "elsewhere"
)  # fmt: skip
PLACES = {"path": "{path}"}
"""What the script says, by key, and what it fills in."""


def _told(context: Context, name: str) -> tuple[str, str] | None:
    """What a strategy earns more than spending nothing, else than the one all are compared with, and in how many
    futures it is the best."""
    comparison = context.run.comparison
    against = comparison.against_nothing if comparison.nothing else context.differences
    more = next((context.difference(row.mean) for row in against if row.strategy == name), None)
    chance = next((fmt.percent(row.chance, 0) for row in comparison.best if row.strategy == name), None)
    return (more or fmt.ABSENT, chance or fmt.ABSENT) if more or chance else None


def _settings(context: Context, kind: Any) -> Iterator[dict[str, Any]]:
    """What the settings of a mechanism are called, and what they may be."""
    about = settings_of(kind)
    for name in plain_settings(kind):
        if name == "budget_share":
            title = context.say("explore.setting.budget_share")
            yield {"key": name, "title": title, "kind": "number", "least": 0, "most": 1}
            continue
        plain, said = about[name]
        # An amount is told in the client's money, as the units of the assumptions are.
        meaning = said.meaning.replace(MONEY, "money ", 1) if said.meaning.startswith(MONEY) else said.meaning
        told = context.unit(context.words.told(meaning))
        yield {"key": name, "title": f"{name.replace('_', ' ')}: {told}", **_kind(plain, said)}


def _kind(plain: Any, about: Setting) -> dict[str, Any]:
    kinds = [plain, *(kind for kind in get_args(plain) if kind is not NoneType)]
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    if choices:
        return {"kind": "choice", "choices": choices}
    if isinstance(about, Length):
        return {"kind": "text"}
    if bool in kinds:
        return {"kind": "flag"}
    least = about.limits.get("ge", about.limits.get("gt", 0))
    most = about.limits.get("le", about.limits.get("lt"))
    return {"kind": "whole" if int in kinds else "number", "least": least, "most": most}
