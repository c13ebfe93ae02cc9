"""The firm's own records measured, and the market with what they say in place of what was assumed.

A number that the configuration states with a status at least as strong as that of the measurement stands. Any other,
stated or by default, is replaced. The two are never pooled: nothing says that they are independent. What is then
believed is the prior of a calibration to figures that are known in sums, where there are any.
"""

from __future__ import annotations

import hashlib
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from churnsim.data.database.database import CustomerDatabase
from churnsim.data.made_up_shop import shop
from churnsim.data.records.reading import read_records
from churnsim.data.subscriptions.customer_rows import read_covariates
from churnsim.errors import ConfigError, DataError, EpochWarning, FitError
from churnsim.evidence.calibration import Calibration, calibrate, told_from
from churnsim.evidence.clock_effects import DROPS
from churnsim.evidence.complaints import complaint_evidence
from churnsim.evidence.contacts import contact_effect
from churnsim.evidence.offers import offer_evidence
from churnsim.evidence.records import NEVER, History, day_numbers
from churnsim.evidence.referrals import referral_evidence
from churnsim.evidence.spend import spend_evidence
from churnsim.evidence.trial import DOUBT, TrialCheck
from churnsim.evidence.win_backs import win_back_evidence
from churnsim.records.evidence import (
    CalibratedNumber,
    CalibrationRecord,
    CheckRecord,
    EvidenceRecord,
    MeasuredNumber,
    MeasuredTable,
    MovedNumber,
    TargetRecord,
)
from churnsim.simulation.core.assumption import LEVEL, Origin
from churnsim.simulation.core.belief import STATUSES, Belief
from churnsim.simulation.mechanisms.acquisition import AcquisitionChannel
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.beliefs import market_beliefs, numbers_by_name, with_values
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.evidence_sections import RECORDS, RecordsSection, TargetsSection
from churnsim.study.config.market_overrides import beliefs_of_file, overridden_origins
from churnsim.study.stages.market_stage import experiment_for, own_mechanisms
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.progress import Progress
from churnsim.study.storage.store import RunStore, read_json_or_none, write_json
from churnsim.units import DAYS_PER_UNIT, UNIT_NAMES

ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
FEWEST_DRAWS = 1000
MOST_ARMS = 10  # told in an error


class Found(NamedTuple):
    """What an estimator found: its result, the checks it made, and what follows for the market."""

    result: Any
    checks: list[CheckRecord]
    beliefs: Mapping[str, Belief]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What estimators ask of a study: its customers, what is fitted to them, and the market as it is assumed."""

    config: StudyConfig
    data: Any
    fits: Any
    market: Market

    @property
    def until(self) -> pd.Timestamp | None:
        """The last day observed; None of subscribers, who have no log."""
        end = getattr(self.data, "holdout_end", None)
        return None if end is None else pd.Timestamp(end)

    @property
    def customers(self) -> pd.Index:
        """The ids of the study's customers; none of subscribers, whose records stand alone."""
        return self.data.summary.index if hasattr(self.data, "summary") else pd.Index([])

    @property
    def draws(self) -> int:
        """How many draws a posterior takes: each replication has its own."""
        return max(FEWEST_DRAWS, self.config.parameter_draws)

    def seed(self, kind: str) -> int:
        """The seed of a posterior's draws, another one for each kind of records."""
        return int(np.random.SeedSequence([self.config.seed, zlib.crc32(kind.encode())]).generate_state(1)[0])

    def alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """By the purchase model the chance that customers are still there."""
        return pd.Series(np.asarray(self.fits.purchases.model.p_alive(summary), dtype=np.float64), index=summary.index)

    def summary_at(self, customer: pd.Series[Any], at: pd.Series[Any]) -> pd.DataFrame:
        """What the purchase model asks of customers, as each stood on a day of its own."""
        history = History.of(self.data.transactions, self.until)
        place, day, unit = history.customers(customer), day_numbers(at), self.data.unit
        first, last = history.first(place), history.last_before(place, day)
        known = last > -NEVER
        days = DAYS_PER_UNIT[unit]
        frame = pd.DataFrame(
            {
                "frequency": history.bought_before(place, day)[known] - 1.0,
                "recency": (last - first)[known] / days, "T": (day - first)[known] / days,
            },
            index=pd.Index(customer[known]),
        )  # fmt: skip
        frame.attrs["unit"] = unit
        return frame[~frame.index.duplicated()]


def evidence_checksum(config: StudyConfig) -> str:
    """SHA-256 of the files of records, "" where there are none: other ones make another study. Those of a database or
    a made-up shop count by what they hold."""
    if config.evidence is None:
        return ""
    digests = []
    for kind, section in config.evidence.tables:
        if section.path is not None:
            content = (config.folder / section.path).read_bytes()
        else:
            content = _own_records(config, kind).to_csv(index=False).encode()
        digests.append(hashlib.sha256(content).hexdigest())
        if (history := getattr(section, "history", None)) is not None:
            digests.append(hashlib.sha256((config.folder / history).read_bytes()).hexdigest())
    digests += [hashlib.sha256((config.folder / name).read_bytes()).hexdigest() for name in config.evidence.trials]
    return "".join(digests)


def measured_market(
    config: StudyConfig, data: Any, fits: Any, market: Market, *, strategies: Sequence[Strategy], executor: Executor,
    edge: Callable[[str], AbstractContextManager[None]], watch: Progress, store: RunStore | None = None,
) -> tuple[Market, EvidenceRecord]:  # fmt: skip
    """The market with what the study's records measure, and the record of it.

    Each table is measured inside `edge` of its kind, where a failure of it ends. What a table says is left out as a
    whole where no market can have these numbers together. Then the numbers are calibrated, inside `edge` of "targets";
    what a run that was interrupted had found in its `store` is not sought again.
    """
    assert config.evidence is not None
    watch.stage("the firm's own records", len(list(config.evidence.tables)))
    study = Study(config=config, data=data, fits=fits, market=market)
    tables: list[MeasuredTable] = []
    numbers: list[MeasuredNumber] = []
    for kind, section in config.evidence.tables:
        with edge(kind):
            rows, left_out = _rows(study, kind, section)
            found = ESTIMATORS[kind](study, section, rows)
            market, told = _with_beliefs(config, market, kind, found.beliefs)
            numbers += told
            tables.append(
                MeasuredTable(
                    kind=kind,
                    source=_source(config, section),
                    rows=len(rows),
                    left_out=left_out,
                    status=found.result.status,
                    words=str(found.result).splitlines(),
                    checks=found.checks,
                )
            )  # fmt: skip
        watch.advance()
    for name in config.evidence.trials:
        with edge(f"trial {name}"):
            beliefs = beliefs_of_file(config.folder / name, config.data.unit)
            market, told = _with_beliefs(config, market, "trial", beliefs)
            numbers += told
            words = [f"{address}: {belief.source}" for address, belief in beliefs.items()]
            status = next(iter(beliefs.values())).status
            tables.append(MeasuredTable(kind="trial", source=name, rows=len(beliefs), status=status, words=words))
    if config.simulation.beliefs == "all":
        market = replace(market, beliefs=market_beliefs(market))
    calibration = None
    if (targets := config.evidence.targets) is not None:
        watch.stage("simulations of what is known in sums")
        with edge("targets"):
            says = _calibrated(study, targets, market, strategies, executor, watch, store)
            tables.append(_targets_table(targets, says))
            calibration = _calibration_record(targets, market, says)
            if says.market is None:
                raise FitError(". ".join([f"{says.status}. The numbers stay as they were", *says.checks]) + ".")
            learned = {name: Origin(b.source, b.status) for name, b in says.market.beliefs.items() if b.draws}
            market = replace(says.market, origins={**market.origins, **learned})
    return market, EvidenceRecord(measured=tables, numbers=numbers, calibration=calibration)


def _calibrated(
    study: Study, targets: TargetsSection, market: Market, strategies: Sequence[Strategy], executor: Executor,
    watch: Progress, store: RunStore | None,
) -> Calibration:  # fmt: skip
    """What the figures say of the market's numbers; as many draws as the study may have replications."""
    if all(belief.certain for belief in market.beliefs.values()):
        raise ConfigError(
            "no number of the market is uncertain, so that none could be learned. Give one of [market] an interval "
            "(low, high), or set beliefs = 'all' in [simulation]."
        )
    config, clock = study.config, study.config.simulation
    mechanisms = own_mechanisms(config).get(targets.strategy, ())
    # No longer than the figures ask for: the first periods are the same.
    ends = [(clock.horizon if figure.until is None else figure.until).to(market.unit) for figure in targets.figure]
    experiment = experiment_for(
        config, market, executor, seed=study.seed("targets"), horizon=max(ends), mechanisms=mechanisms,
        progress=watch.advance,
    )  # fmt: skip
    (today,) = (strategy for strategy in strategies if strategy.name == targets.strategy)
    goals, key = [figure.target() for figure in targets.figure], _calibration_key(market, targets, config)
    part = None if store is None else store.part("evidence", "targets.json")
    if part is not None and (kept := read_json_or_none(part)) is not None and kept.get("key") == key:
        return Calibration.of_dict(kept["found"], market, goals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EpochWarning)  # the study itself says it
        found = calibrate(experiment, today, goals, draws=config.parameter_draws, level=targets.level)
    if part is not None:
        write_json(part, {"key": key, "found": found.to_dict()})
    return found


def _calibration_key(market: Market, targets: TargetsSection, config: StudyConfig) -> str:
    """SHA-256 of what a calibration rests on beside the study's configuration and customers, which the run's own hash
    covers: the numbers that are believed, as the records have left them."""
    beliefs = {
        name: [belief.value, belief.low, belief.high, belief.level, str(belief.draws)]
        for name, belief in sorted(market.beliefs.items())
    }
    whole = {"beliefs": beliefs, "targets": targets.model_dump(mode="json"), "draws": config.parameter_draws}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _targets_table(targets: TargetsSection, found: Calibration) -> MeasuredTable:
    """The figures as a table of records: a figure that is reached has passed."""
    words = "simulations with the calibrated numbers in its interval"
    checks = [
        CheckRecord(name=str(name), passed=bool(row["reached"]), message=f"{row['inside']:.0%} of {words}")
        for name, row in found.targets.iterrows()
    ]
    return MeasuredTable(
        kind="targets", source=f"the time under {targets.strategy}", rows=len(targets.figure), status=found.status,
        words=str(found).splitlines(), checks=[*checks, *_remarks(found.checks)],
    )  # fmt: skip


def _calibration_record(targets: TargetsSection, market: Market, found: Calibration) -> CalibrationRecord:
    known, least = numbers_by_name(market), told_from(found.effective)
    after = market.beliefs if found.market is None else found.market.beliefs
    figures, numbers, by = (
        cast("dict[str, dict[str, Any]]", table.to_dict(orient="index"))
        for table in (found.targets, found.table, found.moved["narrowed"].unstack("target"))
    )
    return CalibrationRecord(
        strategy=targets.strategy, level=found.level, draws=len(found.draws), effective=found.effective,
        runs=found.runs, reached=found.market is not None, status=found.status,
        targets=[
            TargetRecord(target=name, source=figure.source, **row)
            for (name, row), figure in zip(figures.items(), targets.figure, strict=True)
        ],
        numbers=[
            CalibratedNumber(
                parameter=name, meaning=known[name].about.metadata["meaning"],
                unit=_unit(known[name].about.metadata["unit"], market), before_status=market.beliefs[name].status,
                source=after[name].source, most=max(by[name], key=by[name].__getitem__) * (row["narrowed"] > least),
                **row,
            )
            for name, row in numbers.items()
        ],
        moved=[
            MovedNumber.model_validate(row)
            for row in found.moved.rename_axis(["parameter", "target"]).reset_index().to_dict(orient="records")
        ],
    )  # fmt: skip


def _unit(words: str, market: Market) -> str:
    return words.replace("time units", UNIT_NAMES[market.unit])


def _with_beliefs(
    config: StudyConfig, market: Market, kind: str, found: Mapping[str, Belief]
) -> tuple[Market, list[MeasuredNumber]]:
    """The market with what holds of the beliefs that one kind of records gives, and each number before and after.

    A part that is off, such as referral, is on where it was measured, and a channel of spending is there.
    """
    off = {name.partition(".")[0] for name in found} - {number.part for number in numbers_by_name(market).values()}
    parts = parts_of(Market)
    market = replace(market, **{part: parts[part]() for part in off})
    channels = {name.split(".")[2] for name in found if name.startswith("prospects.channels.")}
    if new := channels - set(market.prospects.channels):
        several = {**market.prospects.channels, **{name: AcquisitionChannel() for name in sorted(new)}}
        market = replace(market, prospects=replace(market.prospects, channels=several))
    stated, before, known = overridden_origins(config.market), market_beliefs(market), numbers_by_name(market)

    def stands(name: str) -> bool:
        if name not in stated or stated[name].status == "assumed":  # not even against what an estimator has to assume
            return False
        return STATUSES.index(stated[name].status) <= STATUSES.index(found[name].status)

    used = {name: belief for name, belief in found.items() if not stands(name)}
    changes: dict[str, Any] = {"beliefs": {n: b for n, b in market.beliefs.items() if n not in used}}
    changes |= with_values(market, {name: belief.value for name, belief in used.items()})
    changes["origins"] = {**market.origins, **{n: Origin(b.source, b.status) for n, b in used.items()}}
    after = replace(market, **changes)
    if config.simulation.beliefs != "none":
        after = replace(after, beliefs={**after.beliefs, **used})
    told = [
        MeasuredNumber(
            parameter=name,
            kind=kind,
            meaning=known[name].about.metadata["meaning"],
            unit=_unit(known[name].about.metadata["unit"], market),
            used=name in used,
            level=LEVEL,
            status=belief.status,
            source=belief.source,
            before_status=before[name].status,
            before_source=before[name].source,
            **dict(zip(("value", "low", "high"), _interval(belief), strict=True)),
            **dict(zip(("before", "before_low", "before_high"), _interval(before[name]), strict=True)),
        )
        for name, belief in found.items()
    ]  # fmt: skip
    return after, told


def _interval(belief: Belief) -> tuple[float, float, float]:
    if belief.certain or belief.level == LEVEL:
        return belief.value, belief.low, belief.high
    low, high = belief.quantile(ENDS)
    return belief.value, float(low), float(high)


def _source(config: StudyConfig, section: RecordsSection) -> str:
    data: Any = config.data
    return section.path or getattr(data, "database", None) or str(data.dataset)


_shop = lru_cache(maxsize=1)(shop)


def _own_records(config: StudyConfig, kind: str) -> pd.DataFrame:
    """The records that come with the study's own data: those of its customer database or of the made-up shop."""
    data: Any = config.data
    if getattr(data, "database", None):
        with CustomerDatabase(config.folder / data.database, read_only=True) as database:
            return database.records(kind)
    return getattr(_shop(), kind)  # type: ignore[no-any-return]


def _read(config: StudyConfig, kind: str, section: RecordsSection) -> pd.DataFrame:
    """The records of a table as they are written."""
    if section.path is None:
        return _own_records(config, kind)
    with told_in_keys(f"evidence.{kind}", type(section).model_fields):
        path = config.folder / section.path
        return read_records(cast("Any", kind), path, columns=section.columns, **section.form)


def check_records(config: StudyConfig) -> None:
    """Read the study's records, and raise what that raises; ConfigError where an arm that is named is in none of the
    rows."""
    for kind, section in config.evidence.tables if config.evidence is not None else ():
        rows = _read(config, kind, section)
        arms = sorted(set(rows["arm"].dropna().astype(str))) if "arm" in rows.columns else []
        for key in ("control", "arm"):
            named = getattr(section, key, None)
            if named is not None and arms and named not in arms:
                raise ConfigError(
                    f"evidence.{kind}: no row is of the arm {named!r} that {key} names; the file has "
                    f"{', '.join(map(repr, arms[:MOST_ARMS]))}. Set {key} to one of these, or leave the table out: "
                    "without customers who were left alone nothing can be measured."
                )


def _with_own_ids(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the ids that the study's customers have: "7" in a file is 7 where ids are numbers."""
    own = {str(customer): customer for customer in study.customers}
    ids = rows.columns.intersection(["customer_id", "referrer_id", "referred_id"])
    return rows.assign(**{name: rows[name].map(lambda written: own.get(str(written), written)) for name in ids})


# Who must have bought before a record, and whether on the same day is enough.
BUYERS = {"complaints": ("customer_id", True), "referrals": ("referrer_id", True), "win_backs": ("customer_id", False)}


def _of_buyers(study: Study, kind: str, section: RecordsSection, rows: pd.DataFrame) -> pd.DataFrame:
    """The records of people who had bought by then; DataError for others, unless bad rows are to be set aside. Orders
    that did not come about, or were taken back, leave some of whom the purchases know nothing."""
    if kind not in BUYERS or study.until is None:
        return rows
    column, same_day = BUYERS[kind]
    began = rows[column].map(study.data.transactions.groupby("customer_id")["date"].min()).dt.normalize()
    day = rows["at"].dt.normalize()
    known = (began <= day) if same_day else (began < day)
    strangers = rows[~known & (rows["at"] < study.until + pd.Timedelta(days=1))]
    if strangers.empty:
        return rows
    # Where most are strangers the ids are written otherwise, and none is to be left out in silence.
    if section.on_bad != "set_aside" or 2 * len(strangers) > len(rows):
        few = ", ".join(f"{row[column]!r} on {row['at']:%Y-%m-%d}" for _, row in strangers.head(3).iterrows())
        raise DataError(
            f"{len(strangers):,} of {len(rows):,} rows are about customers who had bought nothing by then, such as "
            f"{few}. Write ids as in the purchases, or set on_bad = 'set_aside' in [evidence.{kind}] to leave such "
            "rows out."
        )
    kept: pd.DataFrame = rows.drop(index=strangers.index)
    reading = rows.attrs.get("reading", {"left_out": {}})
    kept.attrs["reading"] = {
        **reading,
        "left_out": {**reading["left_out"], "had bought nothing by then": len(strangers)},
    }
    return kept


def _rows(study: Study, kind: str, section: RecordsSection) -> tuple[pd.DataFrame, int]:
    """The records up to the study's end, and how many lie after it."""
    rows = _read(study.config, kind, section)
    rows = rows if section.path is None else _with_own_ids(study, rows)
    rows = _of_buyers(study, kind, section, rows)
    until, at = study.until, "to" if kind == "spend" else "renewal" if kind == "offers" else "at"
    if until is None:
        return rows, 0
    inside = rows[at] < until + pd.Timedelta(days=1)
    if not inside.any():
        raise DataError(f"every row lies after {until:%Y-%m-%d}, where the study ends. Set [data] holdout_end later.")
    kept = rows[inside]
    for name in {"answered_at", "returned_at"} & set(rows.columns):  # not known by then
        kept = kept.assign(**{name: kept[name].where(kept[name] < until + pd.Timedelta(days=1))})
    return kept, int((~inside).sum())


def _of_trial(checks: Iterable[TrialCheck], about: str = "") -> list[CheckRecord]:
    return [CheckRecord(name=f"{about}{c.name}", passed=c.passed, p_value=c.p_value, message=c.message) for c in checks]


def _remarks(checks: Iterable[str]) -> list[CheckRecord]:
    return [CheckRecord(name="remark", message=text) for text in checks]


def _contacts(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    unit = study.data.unit
    family = study.fits.purchases.model.family
    found = contact_effect(
        rows, study.data.transactions, window=section.window.to(unit), control=section.control, unit=unit,
        until=study.until, family=family if family in DROPS else "bg_nbd",
        lasting=None if section.lasting is None else section.lasting.to(unit), level=section.level,
    )  # fmt: skip
    checks = [check for name, trial in found.campaigns.items() for check in _of_trial(trial.checks, about=f"{name}: ")]
    for key, row in found.agreement.iterrows():
        campaign, arm = cast("tuple[str, str]", key)
        agrees = bool(row["p_value"] >= DOUBT)
        checks.append(
            CheckRecord(
                name=f"{campaign}: agreement",
                passed=agrees,
                p_value=row["p_value"],
                message=f"{row['design']:+.4g} purchases of {arm!r} in the window by the draw, {row['model']:+.4g} by "
                f"the purchase model (p = {row['p_value']:.3g}).",
            )
        )  # fmt: skip
    return Found(found, checks, found.beliefs(section.arm, draws=study.draws, seed=study.seed("contacts")))


def _spend(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    channels = sorted(rows["channel"].astype(str).unique())
    if section.channel is None and len(channels) > 1:
        spending = [getattr(strategy, "acquisition", None) for strategy in study.config.strategy]
        if not any(part is not None and part.channels for part in spending):
            raise ConfigError(
                f"spending went to {', '.join(map(repr, channels))}, and no strategy says to which of them its money "
                f"goes. Say channel = {channels[0]!r}, or split acquisition by channels in a strategy."
            )
    found = spend_evidence(rows, level=section.level, draws=study.draws, seed=study.seed("spend"))
    beliefs = found.beliefs(
        prospects=float(study.market.prospects.size), period=study.config.simulation.period, channel=section.channel
    )
    return Found(found, _remarks(found.checks), beliefs)


def _complaints(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    market = study.market
    found = complaint_evidence(
        rows, study.data.transactions, unresolved=section.unresolved, quick_within=market.complaints.quick_within,
        slow_within=market.complaints.slow_within, control=section.control, chance=section.chance, until=study.until,
        level=section.level,
    )  # fmt: skip
    checks = [] if found.effects is None else _of_trial(found.effects.checks)
    beliefs = found.beliefs(others_stay=found.others_stay(market.purchases))
    return Found(found, [*checks, *_remarks(found.checks)], beliefs)


def _referrals(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    found = referral_evidence(
        rows, study.data.transactions, until=study.until, alive=study.alive(study.data.summary), level=section.level
    )
    return Found(found, _remarks(found.checks), found.beliefs())


def _win_backs(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    found = win_back_evidence(
        rows, study.data.transactions, control=section.control, chance=section.chance, within=section.within,
        alive=study.alive(study.summary_at(rows["customer_id"], rows["at"])), until=study.until, level=section.level,
        draws=study.draws, seed=study.seed("win_backs"),
    )  # fmt: skip
    checks = [] if found.effects is None else _of_trial(found.effects.checks)
    return Found(found, [*checks, *_remarks(found.checks)], found.beliefs(unit=study.market.unit))


def _known_before(config: StudyConfig, section: Any, rows: pd.DataFrame) -> pd.DataFrame | None:
    """What was known of customers before offers were drawn, with ids as the offers have them."""
    if section.history is None:
        return None
    known = read_covariates(config.folder / section.history, section.known)
    own = {str(customer): customer for customer in rows["customer_id"]}
    return known.set_axis(pd.Index([own.get(str(customer), customer) for customer in known.index]))


def _offers(study: Study, section: Any, rows: pd.DataFrame) -> Found:
    found = offer_evidence(
        rows,
        control=section.control,
        chance=section.chance,
        history=_known_before(study.config, section, rows),
        level=section.level,
        draws=study.draws,
        seed=study.seed("offers"),
    )
    beliefs = found.beliefs(harmed_share=min(float(study.market.retention.harmed_share), 0.49))
    return Found(found, [*_of_trial(found.effects.checks), *_remarks(found.checks)], beliefs)


ESTIMATORS: dict[str, Callable[[Study, Any, pd.DataFrame], Found]] = {
    "contacts": _contacts, "spend": _spend, "complaints": _complaints, "referrals": _referrals,
    "win_backs": _win_backs, "offers": _offers,
}  # fmt: skip
assert set(ESTIMATORS) == set(RECORDS)
