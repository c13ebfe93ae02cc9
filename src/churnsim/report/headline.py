"""What a run says first: the verdict as strong as its intervals allow, and what must be read beside it.

The report's page and the summary in the terminal say the same sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from churnsim.records.run import Difference, FitRecord, ReplayRecord, ValueRecord
from churnsim.report.page import numbers as fmt
from churnsim.report.page.context import Context, family_parts
from churnsim.report.what_it_takes import held_at_values

GOOD_FITS = frozenset({"ok", "converged"})


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Sentences: the verdict; what must be read in the same breath; what its intervals leave out; and what else weakens
    it, each by itself."""

    verdict: list[str]
    beside: list[str] = field(default_factory=list)
    leaves_out: list[str]
    warnings: list[str] = field(default_factory=list)


def headline(context: Context) -> Headline:
    """What is said first of a run."""
    failed = any(failure.stage == "strategies" for failure in context.run.notices.failures)
    if failed and not context.differences:
        return Headline(verdict=[context.say("answer.failed")], leaves_out=[], warnings=_warnings(context))
    return Headline(
        verdict=[*_none_pays(context), *_in_order(context), *_outdone(context)],
        beside=[
            *_few_carry(context),
            *held_at_values(
                context, {row.strategy for row in (_front_runner(context), *context.contenders[:1]) if row}
            ),
            *_unranked_in_short(context),
            *(_tested(context) if _missed(context) else []),
        ],
        leaves_out=_leaves_out(context),
        warnings=_warnings(context),
    )


def doubtful(fit: FitRecord) -> bool:
    """Whether the fit's own status says that it is not to be relied on as it is."""
    return fit.status.code.lower() not in GOOD_FITS


def leaves_after_repeats(context: Context) -> bool:
    """Whether by the purchase model a customer cannot leave before a repeat purchase."""
    fit = context.run.fits.get("purchases")
    return fit is not None and family_parts(fit.family)[0] == "bgnbd"


def named(context: Context, row: Difference) -> dict[str, str]:
    """Strategy, size of the difference, and interval of one row."""
    return {
        "strategy": context.titles[row.strategy],
        "difference": context.difference(row.mean, sign=False),
        "interval": context.signed_interval(row.lower, row.upper),
    }


def apart(context: Context, actual: float, forecast: float) -> str:
    """How far what happened is from a forecast, in percent of the forecast and in words: '12% more'."""
    share = abs(actual / forecast - 1) if forecast else float("nan")
    side = "more" if actual >= forecast else "fewer"
    return context.say(f"page.{side}", share=fmt.percent(share, 0 if share >= 0.1 else 1))


def _front_runner(context: Context) -> Difference | None:
    """The one in the running that the verdict is about: shown to be better if any is, else the highest mean."""
    rows = context.contenders
    return next((row for row in rows if row.reading == "better"), rows[0] if rows else None)


def _verdict(context: Context) -> str:
    rows = context.contenders
    shared = {"baseline": context.baseline, "level": context.level, "horizon": context.horizon}
    if not rows:
        expected = _expected(context)
        if len(expected) > 1 or not context.has_amounts:
            no_money = [context.say("answer.no_money")] if len(expected) > 1 else []
            return context.prose(*no_money, *_active_now(context), *expected)
        return context.prose(context.say("answer.alone", **shared), *_active_now(context), *expected)
    best, front = rows[0], _front_runner(context)
    assert front is not None  # there are rows
    if best.reading == "better":
        key = "best_clear"
    elif front.reading == "better":
        # The highest mean is not always the surest: the one that can be shown to be better comes first.
        shown = {f"clear_{name}": text for name, text in named(context, front).items() if name != "strategy"}
        shared |= shown | {"clear": context.titles[front.strategy]}
        key = "best_unclear_other_clear"
    elif best.mean > 0:
        key = "best_unclear"
    else:
        key = "baseline_clear" if best.reading == "worse" else "baseline_unclear"
    return context.say(f"answer.{key}", **shared, **named(context, best))


def _expected(context: Context) -> list[str]:
    """What each strategy that was simulated brings in purchases and in customers who stay; of one, and of no money,
    that is the answer."""
    metrics = context.run.comparison.metrics
    if "purchases" not in metrics or "active_end" not in metrics:
        return []
    levels = metrics["purchases"].levels
    active = {row.strategy: row.mean for row in metrics["active_end"].levels}
    return [
        context.say(
            "answer.expected" if len(levels) > 1 else "answer.expected_alone",
            strategy=context.titles[row.strategy], horizon=context.horizon, purchases=fmt.fixed(row.mean, 0),
            level=context.level, interval=context.interval(fmt.fixed(row.lower, 0), fmt.fixed(row.upper, 0)),
            active=fmt.fixed(active[row.strategy], 0),
        )
        for row in levels
        if row.strategy in active
    ]  # fmt: skip


def _active_now(context: Context) -> list[str]:
    """How many of the customers are still active, where the model lets any of them leave."""
    said = context.active
    if said is None:
        return []
    return [context.say("answer.active_now" if "interval" in said else "answer.active_now_plain", **said)]


def _active_by_the_model(context: Context) -> list[str]:
    """What the number of those who are still active leaves out."""
    if context.active is None:
        return []
    late = [context.say("value.alive_until_repeat")] if leaves_after_repeats(context) else []
    return [context.say("answer.active_now_left_out"), *late]


def few_carry(context: Context, row: Difference) -> bool:
    """Whether the interval of an average reaches beyond where one future falls: of futures, a few carry it."""
    if row.lower is None or row.upper is None or row.future_lower is None or row.future_upper is None:
        return False
    return row.lower < row.future_lower or row.upper > row.future_upper


def _few_carry(context: Context) -> list[str]:
    """That the average which the verdict praises is carried by a few futures."""
    row = _front_runner(context)
    if row is None or not few_carry(context, row):
        return []
    future = context.signed_interval(row.future_lower, row.future_upper)
    return [context.say("answer.few_carry", replications=fmt.count(context.run.comparison.replications), future=future)]


def _none_pays(context: Context) -> list[str]:
    """That every strategy in the running loses against spending nothing: the best of them is not to be praised."""
    rows, nothing = context.against_nothing, context.run.comparison.nothing
    if nothing is None or not rows or any(row.reading != "worse" for row in rows):
        return []
    budget = max(strategy.budget_per_period or 0.0 for strategy in context.run.strategies)
    said = {"nothing": context.titles[nothing], "level": context.level, "horizon": context.horizon}
    start = context.say("answer.at_budget", budget=context.money(budget)) if budget else context.say("answer.at_all")
    told = [context.say("answer.none_pays", start=start, **said, **named(context, rows[0]))]
    running = {row.strategy for row in rows}
    later = [row for row in context.run.comparison.against_nothing_later if row.strategy in running]
    if later:
        best = max(later, key=lambda row: row.mean)
        if best.reading == "better":
            told.append(context.say("answer.none_pays_later", **said, **named(context, best)))
        elif best.reading == "worse":
            told.append(context.say("answer.none_pays_ever"))
    return told


def _in_order(context: Context) -> list[str]:
    """The verdict against the baseline and what is said against spending nothing. The latter comes first where it is
    about a gain: whether something pays is asked before which of two pays more."""
    verdict, against = _verdict(context), _against_nothing(context)
    row = _praised_against_nothing(context)
    gains = against and row is not None and row.reading == "better"
    return [*against, verdict] if gains else [verdict, *against]


def _praised_against_nothing(context: Context) -> Difference | None:
    """The difference from spending nothing of the strategy that the verdict is about."""
    comparison, front = context.run.comparison, _front_runner(context)
    if front is None or comparison.nothing is None:
        return None
    praised = front.strategy if front.mean > 0 else comparison.against
    return next((row for row in comparison.against_nothing if row.strategy == praised), None)


def _gains(context: Context, row: Difference) -> list[str]:
    """What is said of a strategy whose mean is above that of spending nothing: whether one future would be, too."""
    comparison = context.run.comparison
    assert comparison.nothing is not None  # the row is against it
    said = {"nothing": context.titles[comparison.nothing], "level": context.level, "horizon": context.horizon}
    said |= named(context, row)
    if row.future_lower is None or row.future_upper is None or row.future_lower > 0:
        return [context.say("answer.nothing_better", **said)]
    future = context.signed_interval(row.future_lower, row.future_upper)
    told = [context.say("answer.nothing_unsettled", future=future, **said)]
    if chances := unsettled(context, row):
        told.append(context.say("answer.nothing_chances", **chances))
    return told


def unsettled(context: Context, row: Difference) -> dict[str, str]:
    """Where one future may bring less than spending nothing though the average is more: in which share of them the
    strategy is best, and in which spending nothing is."""
    comparison = context.run.comparison
    chances = {found.strategy: fmt.percent(found.chance, 0) for found in comparison.best}
    open_ = row.reading == "better" and row.future_lower is not None and row.future_lower <= 0
    if not open_ or row.strategy not in chances or comparison.nothing not in chances:
        return {}
    return {"chance": chances[row.strategy], "nothing_chance": chances[comparison.nothing]}


def _against_nothing(context: Context) -> list[str]:
    """Whether what the verdict is about earns what it costs: it must also beat a strategy that spends nothing."""
    comparison, front = context.run.comparison, _front_runner(context)
    if front is None or _none_pays(context):
        return []
    if context.spends_nothing(comparison.against):
        return [context.say("answer.against_nothing", baseline=context.baseline)]
    if comparison.nothing is None:
        idle = any(context.spends_nothing(row.strategy) for row in context.differences)
        return [] if idle else [context.say("answer.no_nothing")]
    row = _praised_against_nothing(context)
    if row is None:  # it is the strategy that spends nothing itself
        return [context.say("answer.nothing_best", nothing=context.titles[comparison.nothing])]
    if row.reading == "better":
        return _gains(context, row)
    nothing, level = context.titles[comparison.nothing], context.level
    return [context.say(f"answer.nothing_{row.reading}", nothing=nothing, level=level, **named(context, row))]


def _outdone(context: Context) -> list[str]:
    """A strategy outside the running that does better than the best of those in it belongs beside the verdict."""
    best = max((row.mean for row in context.contenders), default=0.0)
    told = context.run.comparison.nothing  # said already
    better = [row for row in context.references if row.mean > max(best, 0.0) and row.strategy != told]
    return [context.say("answer.outdone", baseline=context.baseline, **named(context, row)) for row in better]


def _leaves_out(context: Context) -> list[str]:
    """What the intervals of the differences do not hold."""
    run = context.run
    if not context.differences:
        return [*_active_by_the_model(context), *([] if _missed(context) else _tested(context))]
    said = [context.say("answer.chance_alone", replications=fmt.count(run.comparison.replications))]
    if run.fits:
        said.append(context.say("answer.parameters_drawn" if context.draws_parameters else "answer.parameters"))
    if context.assumed:
        total, key = fmt.count(len(run.assumptions)), "assumed_drawn" if context.draws_beliefs else "assumed"
        said.append(context.say(f"answer.{key}", assumed=context.assumed, total=total))
    said += _new_customers(context)
    if run.validation.replay is not None:
        said += [] if _missed(context) else _tested(context)
    else:
        said.append(context.say("answer.model_untested" if run.survival is None else "answer.model_of_stays"))
    return said + _active_by_the_model(context)


def _new_customers(context: Context) -> list[str]:
    """What the intervals hold of the customers who come later, whose own series nobody knows."""
    own = next((row for row in context.run.assumptions if row.parameter == "own_series.newcomers"), None)
    if own is None:
        return []
    births = context.run.comparison.metrics.get("births")
    some = births is None or any(row.mean > 0 for row in births.levels)
    key = "none" if not some else "drawn" if own.drawn or context.draws_beliefs else "fixed"
    value, low, high = (
        fmt.fixed(number, fmt.decimals_shown([number])) for number in (own.value, own.low, own.high)
    )  # fmt: skip
    return [context.say(f"answer.new_own_{key}", value=value, plausible=context.interval(low, high))]


def _missed(context: Context) -> bool:
    """Whether the test of the forecast came out beyond its intervals: the verdict is not told without it."""
    replay = context.run.validation.replay
    return replay is not None and not (replay.with_parameter_uncertainty or replay).covered


def _tested(context: Context) -> list[str]:
    """How the forecast of the purchases that were kept back came out."""
    replay = context.run.validation.replay
    if replay is None:
        return []
    gap, key = apart(context, replay.actual, replay.mean), "missed" if context.differences else "tested"
    figures = {"actual": fmt.count(replay.actual), "mean": fmt.fixed(replay.mean, 0), "span": context.kept_back}
    return [context.say(f"answer.model_{key}", gap=gap, **figures)]


def variance_sentences(context: Context) -> list[str]:
    """Where the spread of the best strategy's gain comes from."""
    split = context.run.break_even.variance if context.run.break_even else None
    if split is None:
        return []
    shares = [
        context.say(
            f"answer.split_{name}",
            share=fmt.percent(share.mean, 0),
            interval=context.interval(fmt.percent(share.lower, 0), fmt.percent(share.upper, 0)),
        )
        for name in ("chance", "estimation", "beliefs")
        if (share := getattr(split, name)).upper > 0
    ]
    names = {"strategy": context.titles[split.strategy], "against": context.titles[split.against]}
    return [context.say("answer.split", shares=context.listed(shares), **names)]


def _warnings(context: Context) -> list[str]:
    """What the study found to warn of, what failed, and which strategies are not ranked."""
    notices, run = context.run.notices, context.run
    said = unranked(context)
    # What the answer says in its own words: the holdout by how much it was missed, of fits that their numbers are open,
    # and which strategies are not ranked.
    told = {"fit", *(["holdout missed"] if run.validation.replay else []), *(["nobody leaves"] if said else [])}
    if any(map(doubtful, run.fits.values())) or any(warning.code == "fit" for warning in notices.warnings):
        said.append(context.say("answer.doubtful", fit=context.say("section.fit")))
    for failure in notices.failures:
        what = context.listed([failure.stage, failure.subject]) if failure.subject else failure.stage
        said.append(
            context.say("answer.stage_failed", stage=fmt.sentence(context.words.told(what)), reason=failure.reason)
        )
    said += [fmt.sentence(warning.message) for warning in notices.warnings if warning.code not in told]
    return said


def _unranked_in_short(context: Context) -> list[str]:
    """How many strategies the verdict leaves out."""
    left_out = [context.titles.get(row.strategy, row.strategy) for row in context.run.notices.unjudged]
    if not left_out:
        return []
    counts = {"count": fmt.count(len(left_out)), "all": fmt.count(len(context.run.strategies))}
    key = "unranked" if _rate_alone(context) else "unranked_too"
    return [context.say(f"answer.{key}", strategies=context.quoted(left_out), **counts)]


def _rate_alone(context: Context) -> bool:
    """Whether the purchase model is one by which nobody can leave."""
    own = context.run.fits.get("purchases")
    return own is None or len(own.parameters) == 2


def unranked(context: Context) -> list[str]:
    """Which strategies are not ranked, and why, each reason once."""
    titles: dict[str, list[str]] = {}
    for row in context.run.notices.unjudged:
        titles.setdefault(row.reason, []).append(context.titles.get(row.strategy, row.strategy))
    key = "unjudged" if _rate_alone(context) else "unjudged_too"
    return [
        context.say(f"answer.{key}", strategies=context.quoted(names), reason=fmt.sentence(reason))
        for reason, names in titles.items()
    ]


def replay_sentences(context: Context, replay: ReplayRecord) -> list[str]:
    """Simulated against actual holdout purchases: covered, or how far from the mean and from the interval; then with
    the error of the parameters."""
    said = {
        "replications": fmt.count(replay.replications),
        "mean": fmt.fixed(replay.mean, 0),
        "level": fmt.percent(replay.level),
        "interval": context.count_interval(round(replay.lower), round(replay.upper)),
        "actual": fmt.count(replay.actual),
        "gap": apart(context, replay.actual, replay.mean),
        "miss": fmt.count(abs(round(replay.miss))),
    }
    sentences = [context.say("prediction.replay_covered" if replay.covered else "prediction.replay_missed", **said)]
    wider = replay.with_parameter_uncertainty
    if wider:
        interval = context.count_interval(round(wider.lower), round(wider.upper))
        key, miss = "covered" if wider.covered else "missed", fmt.count(abs(round(wider.miss)))
        sentences.append(context.say(f"prediction.replay_parameters_{key}", interval=interval, miss=miss))
    if not (wider or replay).covered:
        sentences.append(context.say("prediction.read_with_care"))
    return sentences


def value_sentences(context: Context, value: ValueRecord) -> list[str]:
    """What the customers are worth, and with which interval of what."""
    say = context.say
    sentences = [
        say(
            "value.intro" if value.margin is not None else "value.intro_by_tenure",
            horizon=context.span_of(value),
            margin=fmt.percent(value.margin),
            rate=fmt.percent(value.annual_discount_rate),
            total=context.money(value.total),
            customers=fmt.count(value.customers),
        )
    ]
    interval = context.money_interval(value.lower, value.upper)
    if interval != fmt.ABSENT:
        said = {"level": fmt.percent(value.level), "interval": interval}
        if value.holdout_ratio is None:
            sentences.append(say("value.interval", **said))
        else:
            alone = context.money_interval(value.estimation_lower, value.estimation_upper)
            gap = apart(context, value.holdout_ratio, 1.0)
            sentences.append(say("value.interval_holdout", estimation=alone, gap=gap, **said))
    return sentences


def precision_sentences(context: Context) -> list[str]:
    """Whether the precision asked for was reached, and what the selection of the best came to."""
    say, comparison = context.say, context.run.comparison
    told = []
    if comparison.precision:
        p = comparison.precision
        told.append(
            say(
                "strategies.precision_reached" if p.reached else "strategies.precision_missed",
                asked=context.money(p.half_width),
                half_width=context.money(p.reached_half_width),
                metric=context.words.known(f"metric.{p.metric}", p.metric),
                replications=fmt.count(comparison.replications),
            )
        )
    if comparison.selection:
        s = comparison.selection
        told.append(
            say(
                "strategies.selection_made" if s.chosen else "strategies.selection_open",
                chosen=context.titles.get(s.chosen or "", s.chosen or ""),
                remaining=context.listed(context.titles.get(name, name) for name in s.remaining),
                indifference=context.money(s.indifference),
                level=fmt.percent(s.level),
                metric=context.words.known(f"metric.{s.metric}", s.metric),
                replications=fmt.count(s.replications),
            )
        )
    return told
