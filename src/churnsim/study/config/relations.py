"""What must hold between the keys of a configuration: whole numbers of periods, shares within the budget, names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from churnsim.errors import ConfigError
from churnsim.models.purchase.registry import PURCHASE_FAMILIES, with_covariates, with_leaving_clock
from churnsim.simulation.mechanisms.parts import settings_of
from churnsim.simulation.mechanisms.targeting import RULE_SETTINGS, Targeting, needed_settings
from churnsim.study.config.config import CHOOSE, MADE_UP_SHOP, DataSection, StudyConfig
from churnsim.study.config.evidence_sections import RECORDS, TargetsSection
from churnsim.study.config.file_section import DatedFile
from churnsim.study.config.problems import ConfigPath, Problem, closest, file_problems, unshown
from churnsim.study.config.strategy_sections import CHURN_MODEL, MECHANISMS, StrategySection
from churnsim.study.config.what_if_sections import BeliefSection, SensitivitySection
from churnsim.units import Duration


def what_if_problems(config: StudyConfig) -> list[Problem]:
    """Every relation that does not hold, each with what would."""
    return [
        *_replication_problems(config), *_name_problems(config), *_map_problems(config), *_decide_problems(config),
        *_optimise_problems(config),
    ]  # fmt: skip


def _replication_problems(config: StudyConfig) -> Iterator[Problem]:
    if not (config.precision or config.selection):
        return
    from churnsim.decisions.comparison.precision import LEAST_FIRST_STAGE  # loads the kernels: only when asked for

    first = config.simulation.replications
    if config.precision and first < LEAST_FIRST_STAGE:
        message = f"a run to a precision begins with at least {LEAST_FIRST_STAGE}; 30 make its intervals reliable."
        yield Problem(path=("simulation", "replications"), message=message)
    for key, section in (("precision", config.precision), ("selection", config.selection)):
        if section and section.max_replications < first:
            message = f"is below simulation.replications, {first}. Raise it or begin with fewer."
            yield Problem(path=(key, "max_replications"), message=message)
    if config.selection:
        if config.selection.first_stage > config.selection.max_replications:
            message = f"is above max_replications, {config.selection.max_replications}."
            yield Problem(path=("selection", "first_stage"), message=message)
        if sum(not strategy.reference for strategy in config.strategy) < 2:
            yield unshown(("selection",), "there is nothing to choose: fewer than two strategies are not references.")


def _name_problems(config: StudyConfig) -> Iterator[Problem]:
    names = [strategy.name for strategy in config.strategy]
    sections: list[tuple[ConfigPath, BeliefSection | SensitivitySection]] = [
        (("belief", i), section) for i, section in enumerate(config.belief)
    ]
    if config.sensitivity:
        sections.append((("sensitivity",), config.sensitivity))
    for path, section in sections:
        for key in ("strategy", "against"):
            name = getattr(section, key)
            if name is not None and name not in names:
                yield Problem(path=(*path, key), message=f"no strategy is called {name!r}. {closest(name, names)}")
        if section.strategy == section.against:
            yield Problem(path=(*path, "against"), message="is the strategy itself.")
        for address, bounds in section.over.items():
            if bounds != "recorded" and not bounds[0] < bounds[1]:
                yield Problem(path=(*path, "over", address), message="must go from a lower number to a higher.")
    size = config.sensitivity.size if config.sensitivity else None
    if config.sensitivity and config.sensitivity.method == "sobol" and size is not None and size & (size - 1):
        yield Problem(path=("sensitivity", "size"), message="must be a power of two for sobol.")


def _map_problems(config: StudyConfig) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, section in enumerate(config.belief):
        if section.relative and section.against is None:
            yield unshown(("belief", i, "relative"), "needs against: the strategy that the difference is a share of.")
        if section.above is not None and section.below is not None and section.above >= section.below:
            yield Problem(path=("belief", i, "below"), message=f"must be higher than above, {section.above:g}.")
        if section.name in seen:
            yield Problem(path=("belief", i, "name"), message="is the name of an earlier map. Give each its own.")
        seen.add(section.name)


def _decide_problems(config: StudyConfig) -> Iterator[Problem]:
    for name, trial in config.decide.trials.items():
        if trial.fixed_cost > trial.cost:
            message = f"is a part of cost, {trial.cost:g}, and may not be above it."
            yield Problem(path=("decide", "trials", name, "fixed_cost"), message=message)
        numbers, errors = (len(x) if isinstance(x, tuple) else 0 for x in (trial.about, trial.standard_error))
        if numbers != errors:
            message = "must be a list of one for each number where about is a list, and else one number."
            yield Problem(path=("decide", "trials", name, "standard_error"), message=message)


def _optimise_problems(config: StudyConfig) -> Iterator[Problem]:
    section = config.optimise
    if section is None:
        return
    if isinstance(config.data, DataSection) and not config.data.has_amounts:
        yield unshown(("optimise",), "needs amounts: without them no strategy earns anything.")
    named = {strategy.name: strategy for strategy in config.strategy}
    if section.strategy is not None and section.strategy not in named:
        message = f"no strategy is called {section.strategy!r}. {closest(section.strategy, list(named))}"
        yield Problem(path=("optimise", "strategy"), message=message)
    elif section.strategy is not None and named[section.strategy].mechanisms is not None:
        message = "has mechanisms of its own in Python, whose outcomes are not kept. Take one without."
        yield Problem(path=("optimise", "strategy"), message=message)
    for lever, (low, high) in section.levers.items():
        if not low < high:
            yield Problem(path=("optimise", "levers", lever), message="must go from a lower number to a higher.")


# Conversions such as "1 Y" into weeks carry rounding error of a few last digits, never this much.
ROUNDING = 1e-9
# What describes a file, and nothing else.
FILE_KEYS = {
    *DatedFile.model_fields, "customer_id", "date", "price", "quantity", "refunded", "currency_column", "guests",
    "duplicates", "leave_out", "most_bad",
}  # fmt: skip
# What becomes of the rows of a file or a database; those of a dataset are used as they come.
ROW_KEYS = {"exchange_rates", "refunds", "first_from"}
# Records that are measured without a log of purchases.
WITHOUT_PURCHASES = ("spend", "offers")
# More periods than this is a slip of the pen: a century of days has fewer.
MOST_PERIODS = 40_000


def relation_problems(config: StudyConfig) -> Iterator[Problem]:
    """Every relation between keys that does not hold, each with what would."""
    yield from _data_problems(config)
    yield from _money_problems(config)
    yield from _regularity_problems(config)
    yield from _time_problems(config)
    yield from _strategy_problems(config)
    yield from what_if_problems(config)
    yield from _claim_problems(config)
    yield from _survey_problems(config)
    yield from _evidence_problems(config)


def _data_problems(config: StudyConfig) -> Iterator[Problem]:
    if not isinstance(config.data, DataSection):
        yield from config.data.problems(config.folder)
        return
    data = config.data
    yield from _source_problems(data, config.folder)
    covariates = data.covariates
    if covariates is not None:
        yield from file_problems(config.folder, covariates.path, ("data", "covariates", "path"))
    if covariates is not None and not covariates.rate and not covariates.lifetime:
        message = "names no column. Give rate = [...] or lifetime = [...], columns of the file."
        yield unshown(("data", "covariates"), message)
    if data.covariates is not None and config.models.purchases not in (CHOOSE, *with_covariates()):
        message = (
            f"has no covariates. Use one of {', '.join(map(repr, with_covariates()))}, or leave [data.covariates] out."
        )
        yield Problem(path=("models", "purchases"), message=message)
    yield from _series_problems(config, data)
    if config.models.why and config.models.purchases == CHOOSE:
        message = "is of a family that is named. Name one as purchases, or leave it out: the study says why it chose."
        yield unshown(("models", "why"), message)
    if config.models.calendar is not None and data.covariates is not None:
        yield unshown(("models", "calendar"), "goes not with [data.covariates]. Leave one of the two out.")
    if config.models.leaving is not None:
        takes = with_leaving_clock()
        if config.models.purchases not in takes:
            message = f"has no leaving clock. Name {' or '.join(map(repr, takes))}, or leave [models.leaving] out."
            yield Problem(path=("models", "purchases"), message=message)
        if config.models.calendar is None:
            if data.series is None:
                yield unshown(("models", "leaving"), "goes with [models.calendar], which may be another one.")
        elif None not in (told := [section.after for section in (config.models.calendar, config.models.leaving)]) and (
            told[0] != told[1]
        ):
            message = f"must have after = {told[0]!r}, as [models.calendar]: there is one trend after the data."
            yield Problem(path=("models", "leaving", "after"), message=message)
    if data.holdout_end is not None and data.holdout_end <= data.calibration_end:
        yield unshown(("data", "holdout_end"), f"must be later than calibration_end, {data.calibration_end}.")


def _series_problems(config: StudyConfig, data: DataSection) -> Iterator[Problem]:
    """Files of series that are not there, or go not with what else is asked for."""
    models, takes = config.models, tuple(n for n, f in PURCHASE_FAMILIES.items() if f.takes_calendar)
    for key in ("calendar_series", "series"):
        section = getattr(data, key)
        if section is None:
            continue
        path = ("data", key)
        yield from file_problems(config.folder, section.path, (*path, "path"))
        if data.covariates is not None:
            yield Problem(
                path=path, message="goes not with [data.covariates]. Leave one of the two out.", show_value=False
            )
        if models.purchases not in (CHOOSE, *takes):
            message = f"takes no series. Use one of {', '.join(map(repr, takes))}, or leave [data.{key}] out."
            yield Problem(path=("models", "purchases"), message=message)
    if data.series is None:
        if "own_series" in config.market:
            message = (
                "goes with [data.series]: customers have no series of their own here. Leave one out, or give the other."
            )
            yield Problem(path=("market", "own_series"), message=message, show_value=False)
        return
    if data.series.leaving and models.purchases not in with_leaving_clock():
        message = (
            f"has no leaving clock. Name {' or '.join(map(repr, with_leaving_clock()))}, or leave leaving out of "
            "[data.series]."
        )
        yield Problem(path=("models", "purchases"), message=message)


def _source_problems(data: DataSection, folder: Path) -> Iterator[Problem]:
    """Where the purchases are, and what their columns are called."""
    given = [name for name in ("dataset", "path", "database") if getattr(data, name) is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        yield unshown(("data",), f"{got} of dataset, path and database given. Give exactly one of them.")
        return
    for key in given:
        if key != "dataset":
            yield from file_problems(folder, getattr(data, key), ("data", key))
    of_files = [name for name in data.model_fields_set if name in FILE_KEYS]
    if data.path is None and of_files:
        key = min(of_files)
        yield unshown(("data", key), f"says how a file is written, and {given[0]} is none. Remove it.")
    if data.dataset is not None:
        for key in sorted(ROW_KEYS & data.model_fields_set):
            message = "is for files and databases; the rows of a dataset are used as they come. Remove it."
            yield unshown(("data", key), message)
    if (data.price is None) != (data.quantity is None):
        lacking = "quantity" if data.quantity is None else "price"
        message = f"needs {lacking}: an amount is the price times the quantity."
        yield unshown(("data", "price" if data.price else "quantity"), message)
    if data.refunded is not None and not data.has_amounts:
        yield unshown(("data", "refunded"), "is taken off an amount, and amount = false has none. Remove one.")
    if data.price is not None and "amount" in data.model_fields_set:
        yield Problem(path=("data", "amount"), message="is given besides price and quantity. Leave one of the two out.")


def _money_problems(config: StudyConfig) -> Iterator[Problem]:
    """What a log without amounts cannot say."""
    if not isinstance(config.data, DataSection) or config.data.has_amounts:
        if len(config.strategy) < 2:
            yield unshown(("strategy",), "must have at least 2 entries.")
        return
    why = "a log without amounts does not say what a purchase brings. Name the column with the amount, or remove"
    for index, strategy in enumerate(config.strategy):
        for name in strategy.tables:
            if MECHANISMS[name].in_money:
                yield unshown(("strategy", index, name), f"is judged in money, and {why} the table.")
    for key in ("budget", "precision", "selection", "sensitivity", "belief", "decide"):
        if getattr(config, key) if key != "decide" else key in config.model_fields_set:
            yield unshown((key,), f"is in money, and {why} the table.")


def _regularity_problems(config: StudyConfig) -> Iterator[Problem]:
    family = config.models.purchases if config.models else CHOOSE
    if "regularity" in config.market and family != CHOOSE and PURCHASE_FAMILIES[family].reads == "intervals":
        message = f"{family!r} is fitted with its own. Remove it, or take another of [models]."
        yield unshown(("market", "regularity"), message)
    if "regularity" in config.market and not isinstance(config.data, DataSection):
        message = "does nothing under contract, where renewals come term by term. Remove it."
        yield unshown(("market", "regularity"), message)


def _survey_problems(config: StudyConfig) -> Iterator[Problem]:
    survey = config.survey
    if survey is None:
        return
    if (survey.path is None) == (survey.sampled is None):
        got = "neither" if survey.path is None else "both"
        yield unshown(("survey",), f"{got} of path and sampled given. Give exactly one of them.")
    if survey.path is not None:
        yield from file_problems(config.folder, survey.path, ("survey", "path"))
    if survey.low >= survey.high:
        yield Problem(path=("survey", "high"), message=f"must be above low, {survey.low:g}.")
    if survey.sampled is not None and survey.instruments != ("acsi",):
        yield Problem(path=("survey", "instruments"), message="sampled customers answer 'acsi' alone.")
    if survey.sampled is not None and "satisfaction" not in config.market:
        message = "sampled customers need a satisfaction to speak of. Add the table [market.satisfaction]."
        yield unshown(("survey", "sampled"), message)


def _time_problems(config: StudyConfig) -> Iterator[Problem]:
    unit, simulation = config.data.unit, config.simulation
    if simulation.dask_scheduler is not None and simulation.backend != "dask":
        message = "only backend = 'dask' uses it. Add backend = 'dask', or remove it."
        yield Problem(path=("simulation", "dask_scheduler"), message=message)
    for key, whole, part_key, part in (
        ("horizon", simulation.horizon, "period", simulation.period),
        ("period", simulation.period, "epoch", simulation.epoch),
    ):
        count = whole.to(unit) / part.to(unit)
        if count > MOST_PERIODS:
            message = f"holds {count:.3g} of {part_key}; at most {MOST_PERIODS:,} are run. Check the units."
            yield Problem(path=("simulation", key), message=message)
        elif not (round(count) >= 1 and abs(count - round(count)) <= ROUNDING * count):
            yield Problem(path=("simulation", key), message=_what_would_fit(whole, part_key, part))


def _what_would_fit(whole: Duration, part_key: str, part: Duration) -> str:
    """In the part's own unit, in which whole numbers of it can be written exactly."""
    count = math.floor(whole.to(part.unit) / part.value * (1 + ROUNDING))
    fitting = [f"'{n * part.value:.10g} {part.unit}'" for n in (count, count + 1) if n > 0]
    return (
        f"is {whole.to(part.unit):.10g} {part.unit}, not a whole number of {part_key}s of {part.value:.10g} "
        f"{part.unit}. {' or '.join(fitting)} would be."
    )


def _strategy_problems(config: StudyConfig) -> Iterator[Problem]:
    names = [strategy.name for strategy in config.strategy]
    for index, strategy in enumerate(config.strategy):
        path: ConfigPath = ("strategy", index)
        if strategy.name in names[:index]:
            yield Problem(path=(*path, "name"), message="is the name of an earlier strategy. Give each its own.")
        yield from _budget_problems(config, strategy, path)
        if strategy.mechanisms is not None:
            yield from file_problems(config.folder, strategy.mechanisms, (*path, "mechanisms"))
        for name, table in strategy.tables.items():
            if issubclass(MECHANISMS[name], Targeting):
                yield from _rule_problems(config, table, (*path, name))
            yield from _renewal_problems(config, MECHANISMS[name], table, (*path, name))
        yield from _market_problems(config, strategy, path)
    running = [s.name for s in config.strategy if not s.reference and s.name != config.comparison.against]
    if not running and len(config.strategy) > 1:
        yield unshown(
            ("strategy",),
            f"no strategy is left to compare with {config.comparison.against!r}: all others are references.",
        )
    if config.comparison.against not in names:
        yield unshown(
            ("comparison", "against"),
            f"no strategy is called {config.comparison.against!r}. {closest(config.comparison.against, names)}",
        )


def _budget_problems(config: StudyConfig, strategy: StrategySection, path: ConfigPath) -> Iterator[Problem]:
    total = 0.0
    for key, section in strategy.tables.items():
        amount_key = next((name for name, (_, about) in settings_of(MECHANISMS[key]).items() if about.budget), None)
        if amount_key is None:
            continue
        share, amount = section.budget_share, getattr(section, amount_key)
        if (share is None) == (amount is None):
            got = "neither" if share is None else "both"
            yield unshown((*path, key), f"{got} of budget_share and {amount_key} given. Give exactly one of them.")
        if share is not None and config.budget is None:
            yield Problem(
                path=(*path, key, "budget_share"),
                message=f"there is no budget to share. Add [budget] with per_period, or give {amount_key}.",
            )
        total += share or 0.0
    if total > 1 + ROUNDING:
        yield unshown(
            path, f"the budget shares of {strategy.name!r} add up to {total:.10g}; they may add up to at most 1."
        )


def _rule_problems(config: StudyConfig, campaign: Any, path: ConfigPath) -> Iterator[Problem]:
    rule = campaign.rule or "all"
    for key, rules in RULE_SETTINGS.items():
        given = getattr(campaign, key) is not None
        if not given and key in needed_settings(rule):
            message = f"rule = {rule!r} needs it. Add {key} = {json.dumps(settings_of(Targeting)[key][1].example)}."
            yield unshown((*path, key), message)
        if given and rule not in rules:
            users = " or ".join(map(repr, rules))
            yield Problem(path=(*path, key), message=f"only rule = {users} uses it. Remove it or change the rule.")
    if campaign.scores == CHURN_MODEL:
        if isinstance(config.data, DataSection):
            message = "there is a churn model in a study of subscribers alone. Give a file of scores."
            yield Problem(path=(*path, "scores"), message=message)
    elif campaign.scores is not None:
        yield from file_problems(config.folder, campaign.scores, (*path, "scores"))


def _renewal_problems(config: StudyConfig, kind: Any, table: Any, path: ConfigPath) -> Iterator[Problem]:
    """A mechanism for contracts elsewhere, and lengths that are shorter than the time between two reviews."""
    if kind.under_contract and isinstance(config.data, DataSection):
        yield unshown(path, "only subscribers under contract renew it: setting = 'contractual'. Remove the table.")
        return
    unit = config.data.unit
    for key, (_, about) in settings_of(kind).items():
        if about.passes_over and getattr(table, key).to(unit) < config.simulation.period.to(unit) * (1 - ROUNDING):
            missed = f"{about.passes_over} between two reviews would be passed over"
            yield Problem(path=(*path, key), message=f"is shorter than simulation.period, so that {missed}.")


def _market_problems(config: StudyConfig, strategy: StrategySection, path: ConfigPath) -> Iterator[Problem]:
    """Mechanisms that do nothing in a market without their counterpart."""
    for key in strategy.tables:
        table = MECHANISMS[key].needs
        if table and table not in config.market:
            message = f"does nothing in a market without it. Add the table [market.{table}], which may be empty."
            yield unshown((*path, key), message)
        for name, (_, about) in settings_of(MECHANISMS[key]).items():
            part, _, among = about.among.partition(".")
            known = config.market.get(part, {}).get(among, {})
            given = getattr(strategy.tables[key], name) or () if among else ()
            for missing in (one for one in given if one not in known):
                message = f"is none of the market's. Add [market.{about.among}.{missing}], which may be empty."
                yield unshown((*path, key, name, missing), message)


def _evidence_problems(config: StudyConfig) -> Iterator[Problem]:
    """Where the records are, and which a study of subscribers has no use for."""
    if config.evidence is None:
        return
    data: Any = config.data
    if config.evidence.targets is not None:
        yield from _target_problems(config, config.evidence.targets)
    elif not any(config.evidence.tables) and not config.evidence.trials:
        message = f"names no records. Add a table, such as [evidence.contacts]: {', '.join(RECORDS)}, targets."
        yield unshown(("evidence",), message)
    for index, name in enumerate(config.evidence.trials):
        yield from file_problems(config.folder, name, ("evidence", "trials", index))
    for kind, table in config.evidence.tables:
        path: ConfigPath = ("evidence", kind)
        if (history := getattr(table, "history", None)) is not None:
            yield from file_problems(config.folder, history, (*path, "history"))
        if not isinstance(data, DataSection) and kind not in WITHOUT_PURCHASES:
            without = " and ".join(WITHOUT_PURCHASES)
            message = f"is measured on purchases, which a study of subscribers has none of. It can measure {without}."
            yield unshown(path, message)
        elif table.path is not None:
            yield from file_problems(config.folder, table.path, (*path, "path"))
        elif not getattr(data, "database", None) and (data.dataset != MADE_UP_SHOP or kind == "offers"):
            message = "needs path, the file of these records: [data] names no customer database that has them."
            yield unshown(path, message)
        elif table.columns:
            message = "says what a file calls its columns, and there is none. Remove it, or give path."
            yield unshown((*path, "columns"), message)


def _target_problems(config: StudyConfig, section: TargetsSection) -> Iterator[Problem]:
    """Figures of what the study does not simulate, and a study that draws nothing that could be learned."""
    from churnsim.evidence.ledger_targets import IN_MONEY  # loads the kernels: only when asked for

    path: ConfigPath = ("evidence", "targets")
    names = [strategy.name for strategy in config.strategy]
    if section.strategy not in names:
        message = f"no strategy is called {section.strategy!r}. {closest(section.strategy, names)}"
        yield unshown((*path, "strategy"), message)
    if config.simulation.beliefs == "none":
        message = "is none, so that no number could be learned. Set it to 'stated' or 'all'."
        yield unshown(("simulation", "beliefs"), message)
    unit, clock, seen = config.data.unit, config.simulation, set[str]()
    period = clock.period.to(unit)
    for index, figure in enumerate(section.figure):
        place: ConfigPath = (*path, "figure", index)
        try:
            target = figure.target()
            target.window(round(clock.horizon.to(unit) / period), period, unit)
        except ConfigError as error:
            yield unshown(place, str(error))
            continue
        if str(target) in seen:
            yield unshown(place, f"is {str(target)!r}, as an earlier figure is. Give it a name of its own.")
        seen.add(str(target))
        if (
            isinstance(config.data, DataSection)
            and not config.data.has_amounts
            and IN_MONEY & {figure.quantity, figure.per}
        ):
            message = (
                "is in money, and a log without amounts does not say what a purchase brings. Count something else."
            )
            yield unshown(place, message)


def _claim_problems(config: StudyConfig) -> Iterator[Problem]:
    if not config.claims.test:
        return
    from churnsim.claims.catalogue import CATALOGUE  # it loads the models: only when asked for

    known = tuple(CATALOGUE)
    for index, claim in enumerate(config.claims.test):
        if claim.endswith((".toml", ".py")):  # claims of one's own
            yield from file_problems(config.folder, claim, ("claims", "test", index))
        elif claim not in known:
            yield Problem(path=("claims", "test", index), message=f"no such claim. {closest(claim[:200], known)}")
