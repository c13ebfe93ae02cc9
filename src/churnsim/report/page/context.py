"""The run together with the words and the number formats of one report."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.errors import ConfigError
from churnsim.records.base import Record
from churnsim.records.claim import PartRecord, SourceRecord
from churnsim.records.evidence import CheckRecord
from churnsim.records.load import load_draws, load_run
from churnsim.records.run import Difference, Run, ValueRecord
from churnsim.records.survival import ChurnRecord
from churnsim.report.messages import Words
from churnsim.report.page import numbers as fmt
from churnsim.units import DAYS_PER_UNIT, Duration, parse_duration

PROSE = frozenset(
    {
        "advice", "because", "beliefs", "before_source", "critique", "estimand", "expect", "meaning", "measured",
        "message", "quantity", "range_source", "reason", "region", "regression_status", "says", "source", "split",
        "statement", "study", "unit", "warnings", "what", "why", "words",
    }
)  # fmt: skip
"""Fields that hold sentences, or units."""
BY_RECORD: dict[type[Record], frozenset[str]] = {
    PartRecord: frozenset({"name"}),
    SourceRecord: frozenset({"title"}),
    CheckRecord: frozenset({"name"}),
    ChurnRecord: frozenset({"kind"}),
}
"""Fields that hold words in these records, and codes in others."""


def translated(run: Run, words: Words) -> Run:
    """The run with its prose told in the language of `words`; codes, names, figures and quotations stay as they are."""
    told: Run = _record(run, words)
    return told


def _record(record: Any, words: Words) -> Any:
    prose = PROSE | BY_RECORD.get(type(record), frozenset())
    changed = {}
    for name in type(record).model_fields:
        value = getattr(record, name)
        told = _value(value, words, prose=name in prose)
        if told is not value:
            changed[name] = told
    return record.model_copy(update=changed) if changed else record


def _value(value: Any, words: Words, *, prose: bool) -> Any:
    if isinstance(value, Record):
        return _record(value, words)
    if isinstance(value, str):
        return words.told(value) if prose else value
    if isinstance(value, list) and value and isinstance(value[0], Record | str):
        items = [_value(item, words, prose=prose) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), Record):
        told = {key: _value(item, words, prose=prose) for key, item in value.items()}
        return value if all(told[key] is item for key, item in value.items()) else told
    return value


def status_key(status: str) -> str:
    """'measured here (randomised)' -> 'measured_here_randomised', as the messages name it."""
    return "_".join(re.findall("[a-z]+", status.lower())) or "assumed"


def family_key(family: str) -> str:
    """The name of a family as the sentences know it: 'bg_nbd' and 'BG/NBD' -> 'bgnbd'."""
    return re.sub("[_/ -]", "", family).lower()


def family_parts(family: str) -> tuple[str, str]:
    """The family by itself as the sentences know it, and what it has beside: 'covariates', 'calendar', 'series' or
    nothing."""
    key = family_key(family)
    beside = next((kind for kind in ("covariates", "calendar", "series") if key.endswith(kind)), "")
    return key.removesuffix(beside), beside


class Context:
    """What every chapter needs: `run`, `words`, and numbers turned into text in the run's currency and units; and the
    `draws` behind what numbers are worth, where the run stores them."""

    def __init__(self, run: Run, words: Words, *, draws: pd.DataFrame | None = None) -> None:
        if any(warning.code == "no amounts" for warning in run.notices.warnings):
            rows = [row for row in run.assumptions if not row.parameter.startswith(("spend.", "terms."))]
            run = run.model_copy(update={"assumptions": rows})
        self.run = run
        self.words = words
        self.draws = draws
        self._figures = 0

    def figure_number(self) -> str:
        """The next figure's label."""
        self._figures += 1
        return self.words("page.figure", number=str(self._figures))

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Strategy name -> title; names are added where titles are not unique."""
        strategies = self.run.strategies
        uses = Counter(s.title for s in strategies)
        return {
            s.name: s.title if s.title and uses[s.title] == 1 else f"{s.title} ({s.name})".strip(" ")
            for s in strategies
        }

    @property
    def baseline(self) -> str:
        """The title of the strategy that the others are compared with."""
        return self.titles[self.run.comparison.against]

    @property
    def assumed(self) -> str:
        """How many of the numbers that outcomes rest on nothing supports, in words: guesses, and claims that are on
        trial; '' where every number is supported."""
        counts = Counter(row.status for row in self.run.assumptions if row.status in ("assumed", "claimed"))
        told = {status: fmt.count(counts[status]) for status in ("assumed", "claimed")}
        return (
            self.say("assumptions.and_claimed" if counts["claimed"] else "assumptions.guessed", **told)
            if counts
            else ""
        )

    @cached_property
    def spent(self) -> dict[str, float]:
        """What each strategy that was simulated spends over the horizon, without what every strategy pays."""
        comparison = self.run.comparison
        totals: dict[str, list[float]] = {row.strategy: [] for row in comparison.path}
        for row in comparison.spending:
            if row.account not in ("fixed", "cost_to_serve"):
                totals.setdefault(row.strategy, []).append(row.mean)
        return {name: math.fsum(amounts) for name, amounts in totals.items()}

    def share_beyond_horizon(self, strategy: str) -> float | None:
        """Which share of a strategy's equity lies beyond the horizon, where nothing was simulated."""
        metrics = self.run.comparison.metrics
        means = [
            next((row.mean for row in metrics[name].levels if row.strategy == strategy), None)
            for name in ("npv", "equity")
            if name in metrics
        ]
        if len(means) < 2 or means[0] is None or means[1] is None or not means[1] > 0:
            return None
        return min(1.0, max(0.0, 1 - means[0] / means[1]))

    def spends_nothing(self, name: str) -> bool:
        """Whether a strategy has no mechanism, or none but budgets of nothing."""
        return any(
            strategy.name == name and all(map(_budget_of_nothing, strategy.settings.values()))
            for strategy in self.run.strategies
        )

    @property
    def level(self) -> str:
        """The confidence level of the comparison, such as 95%."""
        return fmt.percent(self.run.comparison.level)

    @cached_property
    def differences(self) -> list[Difference]:
        """Paired differences in net present value against the baseline, the best mean first."""
        comparison = self.run.comparison
        rows = [d for d in comparison.metrics["npv"].differences if d.against == comparison.against]
        return sorted(rows, key=lambda d: -d.mean)

    @property
    def contenders(self) -> list[Difference]:
        """The differences of the strategies that are in the running."""
        aside = {strategy.name for strategy in self.run.strategies if strategy.reference}
        return [row for row in self.differences if row.strategy not in aside]

    @property
    def references(self) -> list[Difference]:
        """The differences of the strategies that were run for orientation only."""
        running = {row.strategy for row in self.contenders}
        return [row for row in self.differences if row.strategy not in running]

    @cached_property
    def against_nothing(self) -> list[Difference]:
        """How much more the strategies in the running earn than spending nothing, the one that all are compared with
        among them; the best mean first."""
        aside = {strategy.name for strategy in self.run.strategies if strategy.reference}
        rows = [row for row in self.run.comparison.against_nothing if row.strategy not in aside]
        return sorted(rows, key=lambda row: -row.mean)

    @property
    def more_than_nothing(self) -> dict[str, Difference]:
        """How much more each strategy earns than spending nothing, whether that is what all are compared with or stands
        beside it; empty where it was not simulated."""
        comparison = self.run.comparison
        compared = self.differences if self.spends_nothing(comparison.against) else []
        return {row.strategy: row for row in (comparison.against_nothing if comparison.nothing else compared)}

    @property
    def has_amounts(self) -> bool:
        """Whether the log says what was paid, so that anything can be told in money."""
        return all(warning.code != "no amounts" for warning in self.run.notices.warnings)

    @cached_property
    def active(self) -> dict[str, str] | None:
        """How many customers are still active, of how many, with an interval where the run stores one; None where that
        is not known: of subscribers, and by a model that lets nobody leave."""
        customers, value = self.run.customers, self.run.value
        if customers is not None and customers.active is not None:
            found = customers.active
            told = {"alive": fmt.fixed(found.mean, 0), "customers": fmt.count(found.customers)}
            if found.mean >= found.customers - 0.5:
                return None
            interval = self.interval(fmt.fixed(found.lower, 0), fmt.fixed(found.upper, 0))
            return told | {"level": fmt.percent(found.level), "interval": interval}
        share = value.mean_p_alive if value is not None else None
        if value is None or share is None or share * value.customers >= value.customers - 0.5:
            return None
        return {"alive": fmt.fixed(share * value.customers, 0), "customers": fmt.count(value.customers)}

    @property
    def kept_back(self) -> str:
        """How long the purchases were kept back that test the forecast, in the data's unit."""
        validation = self.run.validation
        days = (date.fromisoformat(validation.holdout_end) - date.fromisoformat(validation.calibration_end)).days
        length = days / DAYS_PER_UNIT.get(validation.unit, 1)
        return self.units(round(length), validation.unit) if length >= 2 else self.units(days, "D")

    def span_of(self, value: ValueRecord) -> str:
        """How far ahead the customers were valued, in the study's words where it is the horizon of the strategies."""
        unit = value.unit or self.run.validation.unit
        stated = self.stated("horizon")
        if stated is not None and unit in DAYS_PER_UNIT and math.isclose(stated.to(unit), value.horizon, rel_tol=1e-3):
            return self.horizon
        return self.units(value.horizon, unit)

    @property
    def draws_parameters(self) -> bool:
        """Whether each replication draws the fitted parameters from the error of their estimates."""
        simulation = self.run.manifest.config.get("simulation")
        return isinstance(simulation, dict) and simulation.get("parameter_uncertainty") is True

    @property
    def draws_beliefs(self) -> bool:
        """Whether each replication draws numbers of the market that are believed with an interval."""
        split = self.run.break_even.variance if self.run.break_even else None
        simulation = self.run.manifest.config.get("simulation")
        every = isinstance(simulation, dict) and simulation.get("beliefs") == "all"
        return every or (split is not None and split.beliefs.upper > 0)

    def stated(self, name: str) -> Duration | None:
        """A duration of the configuration's [simulation]; None in a configuration of another make."""
        section = self.run.manifest.config.get("simulation")
        stated = section.get(name) if isinstance(section, dict) else None
        try:
            return parse_duration(stated) if isinstance(stated, str) else None
        except ConfigError:
            return None

    @cached_property
    def horizon(self) -> str:
        """How far ahead the strategies were simulated."""
        stated = self.stated("horizon")
        if stated is not None:
            return self.units(stated.value, stated.unit)
        periods = max((row.period for row in self.run.comparison.path), default=0)
        return self.words("page.periods", periods=fmt.count(periods))

    @property
    def period(self) -> str:
        """How long the periods of the firm's books are; "" in a configuration of another make."""
        stated = self.stated("period")
        return self.units(stated.value, stated.unit) if stated else ""

    @cached_property
    def period_ends(self) -> dict[int, date]:
        """The day on which each period of the simulation ends; none where the customers' days are not known."""
        facts, period = self.run.manifest.data, self.stated("period")
        try:
            start = date.fromisoformat(facts.last[:10]) + timedelta(days=facts.silent_days or 0)
            numbers = {row.period for row in self.run.comparison.path}
            return {n: start + timedelta(days=round(n * period.to("D"))) for n in numbers} if period else {}
        except (
            ValueError,
            OverflowError,
        ):  # of subscribers only tenures are known; or beyond the calendar
            return {}

    def unit(self, unit: str | None) -> str:
        """The unit of a stored number in words; of a number of money it begins with "money"."""
        first, _, rest = (unit or "").partition(" ")
        return f"{self.words('page.money')} {rest}".strip() if first == "money" else unit or ""

    def since_start(self, period: int) -> tuple[float, str]:
        """How long after the start a period ends, and the name of the unit in which that is counted."""
        length = self.stated("period")
        if length is None:
            return float(period), self.words("page.period_unit")
        return period * length.value, self.words.known(f"unit.{length.unit}", length.unit)

    @property
    def currency(self) -> str:
        """The data's currency, '' where none is named."""
        return self.run.manifest.data.currency

    def length(self, value: float) -> str:
        """A length of time in the data's unit, in words; in days where it is less than one of these."""
        unit = self.run.manifest.config.get("data", {}).get("unit", self.run.validation.unit)
        if value < 1 and DAYS_PER_UNIT.get(unit, 0) > 1:
            return self.units(Duration(value, unit).to("D"), "D")
        return self.units(value, unit)

    def units(self, value: float, unit: str) -> str:
        """So many of a time unit, in words."""
        number = fmt.fixed(value, fmt.decimals_shown([value]))
        return self.words("page.units", value=number, unit=self.words.known(f"unit.{unit}", unit))

    def money(self, value: float | None, *, like: float | None = None) -> str:
        """An amount; `like` is a larger one whose rounding it shares."""
        decimals = None if like is None else (0 if abs(like) >= 999.5 else 2)
        return fmt.money(value, self.currency, decimals=decimals)

    def money_interval(self, lower: float | None, upper: float | None) -> str:
        """Two amounts as an interval, rounded alike."""
        like = max(abs(lower or 0.0), abs(upper or 0.0))
        return self.interval(self.money(lower, like=like), self.money(upper, like=like))

    @cached_property
    def largest_difference(self) -> float:
        """The largest amount among the differences and their bounds, by which all of them are rounded."""
        return max((abs(x) for d in self.differences for x in (d.mean, d.lower, d.upper) if x is not None), default=0.0)

    def difference(self, value: float | None, *, sign: bool = True) -> str:
        """A difference between strategies, with its sign unless that is said in words."""
        if value is None:
            return fmt.ABSENT
        text = self.money(value if sign else abs(value), like=self.largest_difference)
        return fmt.signed(text) if sign else text

    def signed_interval(self, lower: float | None, upper: float | None) -> str:
        """Two differences as an interval, each with its sign."""
        return self.interval(self.difference(lower), self.difference(upper))

    def interval(self, lower: str, upper: str) -> str:
        """Two formatted bounds as one interval."""
        return fmt.interval(lower, upper, joint=self.words("page.joint"))

    def significant_interval(self, lower: float, upper: float) -> str:
        """Two numbers of no known size as an interval."""
        return self.interval(fmt.significant(lower, 3), fmt.significant(upper, 3))

    def count_interval(self, lower: float | None, upper: float | None) -> str:
        """Two numbers of things as an interval."""
        return self.interval(fmt.count(lower), fmt.count(upper))

    def listed(self, items: Iterable[str]) -> str:
        """Several phrases in one sentence."""
        return self.words("page.list_separator").join(items)

    def named(self, names: Iterable[str]) -> str:
        """Several names in one sentence."""
        return self.words("page.name_separator").join(names)

    def family(self, family: str, otherwise: str) -> str:
        """The title of a family, with what it has beside; another text of one that is not known."""
        base, beside = family_parts(family)
        title = self.words.known(f"family.{base}", "")
        if not title:
            return otherwise
        return self.say(f"family_with.{beside}", family=title) if beside else title

    def with_titles(self, text: str) -> str:
        """A text of the models' with the families' titles in place of their keys."""

        def title(found: re.Match[str]) -> str:
            return self.family(found[0], found[0])

        return re.sub(r"\b(?:[a-z]+_)+[a-z]+\b|\b(?:nbd|weibull|sbg|bdw)\b", title, text)

    def status(self, status: str) -> str:
        """Where a number comes from, in words."""
        return self.words.known(f"status.{status_key(status)}", status)

    def quoted(self, names: Iterable[str]) -> str:
        """Several titles in one sentence, each marked as a title."""
        return self.named(self.say("page.quoted", text=name) for name in names)

    def prose(self, *sentences: str) -> str:
        """Whole sentences as one paragraph."""
        return self.words.joined(*sentences)

    def aside(self, text: str, aside: str) -> str:
        """A text with what explains it in brackets, where there is anything."""
        return self.say("page.aside", text=text, aside=aside) if aside else text

    def say(self, key: str, **values: Any) -> str:
        """The sentence `key`, filled."""
        return self.words(key, **values)


@contextmanager
def stored_context(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> Iterator[Context]:
    """A stored run in a language's words, its figures written as `locale` says; both as the study's own ``[report]``
    says where they are None.

    Raises ConfigError for an unknown language or locale, and what `load_run` and `load_draws` raise.
    """
    if language is not None:
        Words(language)  # before a file is read
    with told_in(load_run(run_dir), language=language, locale=locale, draws=load_draws(run_dir)) as context:
        yield context


@contextmanager
def told_in(
    run: Run, *, language: str | None = None, locale: str | None = None, draws: pd.DataFrame | None = None
) -> Iterator[Context]:
    """`stored_context` of a run that is at hand."""
    stored = run.manifest.report
    words = Words(stored.get("language", "en") if language is None else language)
    chosen = stored.get("locale", "en") if locale is None else locale
    # "en" is what nobody asked for: another language has its own.
    with fmt.written(words("page.locale") if chosen == "en" else chosen):
        yield Context(translated(run, words), words, draws=draws)


def _budget_of_nothing(settings: Mapping[str, Any]) -> bool:
    budgets = [settings.get(name) for name in ("budget_per_period", "budget_share")]
    return 0 in budgets and not any(budgets)
