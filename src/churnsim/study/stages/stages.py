"""What a study does at each stage; the runner knows only these names. Subscribers under contract: `contract_stages`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.logs.days import iso_day, largest_hole
from churnsim.data.tabular.order_states import stated
from churnsim.evidence.assumptions import assumptions
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.records.base import Record
from churnsim.records.customers import CustomersRecord
from churnsim.records.notices import StudyWarning
from churnsim.records.run import AssumptionRecord, ReplayRecord, ValidationRecord, ValueRecord
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.customers_stage import customers_story, value_base
from churnsim.study.stages.data_stage import StudyData, load_data
from churnsim.study.stages.fit_stage import candidates, fit_models
from churnsim.study.stages.market_stage import build_market
from churnsim.study.stages.validation_stage import validate
from churnsim.study.storage.executor import Executor
from churnsim.units import DAYS_PER_UNIT, UNIT_NAMES

WINDOW_DAYS = 30
# A log begins mid-life when its first month holds more newcomers than twice the mean of the later months that have any:
# older customers, whose first purchase was before the log, are counted as new in it. Twice, since growth or a season
# moves months by less (assumed); at least a twentieth of all, so that a few early customers say nothing.
TIMES = 2.0
LEAST_SHARE = 0.05
LEAST_WINDOWS = 3
SEASONS = 52 * 7  # days in which every season comes once


def log_warnings(config: StudyConfig, data: StudyData) -> Iterator[StudyWarning]:
    """What a reader must know of the log, with its numbers."""
    if not data.has_amounts:
        message = "the log has no amounts: nothing is said in money, neither of the customers' value nor of strategies."
        yield StudyWarning(stage="data", code="no amounts", message=message)
    way_out = "leave_out in [data]" if config.data.database is None else "--leave-out of churnsim db add"
    for column, values in data.transactions.attrs.get("reading", {}).get("undone", {}).items():
        for value, rows in values.items():
            message = f"{rows:,} {stated(column, value)} are read as purchases; {way_out} leaves such rows out."
            yield StudyWarning(stage="data", code="undone orders", message=message, figures={"rows": rows})
    silent = data.facts.silent_days
    if silent:
        message = (
            f"no purchase in the last {silent} days before {data.holdout_end}; they count as days on which nobody "
            "bought. If the log simply ends earlier, set holdout_end to its last day."
        )
        yield StudyWarning(stage="data", code="silent end", message=message, figures={"days": silent})
    bought = data.transactions["date"].to_numpy(dtype="datetime64[ns]").astype("datetime64[D]").astype(np.int64)
    if (hole := largest_hole(np.sort(bought))) is not None:
        start, end, missed = hole
        message = (
            f"no purchase from {iso_day(start)} to {iso_day(end)}, where some {missed:,.0f} would have come at the "
            "pace before and after: was an export left out? They count as days on which nobody bought."
        )
        figures = {"days": end - start + 1, "missed": missed}
        yield StudyWarning(stage="data", code="hole", message=message, figures=figures)
    first = data.transactions.groupby("customer_id")["date"].min()
    share, usual = starts_mid_life(first)
    if share > 0:
        message = (
            f"the first {WINDOW_DAYS} days hold the first purchase of {share:.0%} of the customers, later months "
            f"{usual:.0%} each: the log seems to begin in the middle of older relations, whose customers count as new "
            "here. Rates of buying and leaving are then off; first_from leaves out customers seen before a day, where "
            "enough are left."
        )
        yield StudyWarning(
            stage="data", code="starts mid-life", message=message, figures={"share": share, "usual_share": usual}
        )
    if (days := days_without_newcomers(first, pd.Timestamp(data.holdout_end))) is not None:
        message = (
            f"nobody is seen for the first time after {first.max():%Y-%m-%d}: these are the customers of a time, and "
            "how many others come, and at what cost, the log cannot show."
        )
        yield StudyWarning(stage="data", code="one cohort", message=message, figures={"days": days})
    yield from data.clocks.notes
    history = (pd.Timestamp(data.holdout_end) - first.min()).days / DAYS_PER_UNIT[data.unit]
    horizon = max(length.to(data.unit) for length in (config.simulation.horizon, config.value.horizon) if length)
    if horizon > history:
        message = (
            f"the study looks {horizon:,.0f} {UNIT_NAMES[data.unit]} ahead and the log reaches {history:,.0f} back: "
            "nothing in it shows what happens after so long. Take a shorter horizon, or read later years as a guess."
        )
        figures = {"horizon": horizon, "history": history}
        yield StudyWarning(stage="data", code="horizon beyond history", message=message, figures=figures)
    held_out = data.holdout_length * DAYS_PER_UNIT[data.unit]
    if held_out < SEASONS:
        message = (
            f"the holdout covers {held_out:,.0f} days, no whole year: what a season does to purchases is neither in "
            "the forecast nor in its test."
        )
        yield StudyWarning(
            stage="validation", code="holdout without a season", message=message, figures={"days": held_out}
        )


def days_without_newcomers(first: pd.Series[Any], end: pd.Timestamp) -> int | None:
    """Days to the `end` in which nobody bought for the first time, by the days of first purchases; None unless they are
    more than half of all."""
    span, closed = ((end - day).days for day in (first.min(), first.max()))
    return closed if closed > span / 2 else None


def starts_mid_life(first: pd.Series[pd.Timestamp]) -> tuple[float, float]:
    """The share of customers whose first purchase falls in the first 30 days, and the mean share of the later periods
    of 30 days that have any; (0, 0) where the first is not out of line.

    A cohort, whose newcomers stop at one time, has no later periods after that, and is compared with those before.
    """
    window = ((first - first.min()).dt.days // WINDOW_DAYS).to_numpy()
    counts = np.bincount(window)[:-1]  # the last period may be cut short by the end of the log or of the cohort
    later = counts[1:][counts[1:] > 0]
    if len(later) < LEAST_WINDOWS - 1:
        return 0.0, 0.0
    share, usual = counts[0] / len(first), float(later.mean()) / len(first)
    out_of_line = share >= LEAST_SHARE and share > TIMES * usual
    return (float(share), usual) if out_of_line else (0.0, 0.0)


class Stages:
    """The stages of customers known by their purchases: a purchase model and Gamma-Gamma, validated on a holdout.

    Another kind of study derives from it. `data` and `fits` are whatever its `load` and `fit` return.
    """

    def load(self, config: StudyConfig) -> Any:
        """The data that [data] names."""
        regularity = any(PURCHASE_FAMILIES[name].reads == "intervals" for name in candidates(config))
        lengths = (config.simulation.horizon, config.value.horizon)
        ahead = max(length.to("D") for length in lengths if length)
        return load_data(config.data, config.folder, regularity=regularity, models=config.models, ahead=ahead)

    def notes(self, config: StudyConfig, data: Any) -> Iterator[StudyWarning]:
        """What a reader must know of the data."""
        return log_warnings(config, data)

    def customers(self, data: Any) -> pd.Index:
        """The ids of the customers whom the strategies meet at the start."""
        return data.summary.index  # type: ignore[no-any-return]

    def fit(self, config: StudyConfig, data: Any) -> Any:
        """The fitted models."""
        return fit_models(data, candidates(config), why=config.models.why)

    def scores(self, data: Any, fits: Any) -> dict[str, CustomerScores]:
        """What the study's own models say of the customers, by the name that a strategy's `scores` has for it."""
        return {}

    def market(self, config: StudyConfig, data: Any, fits: Any) -> Market:
        """The market that the strategies meet."""
        return build_market(config, data, fits)

    def assumption_rows(self, market: Market, strategies: Sequence[Strategy]) -> list[AssumptionRecord]:
        """The content of assumptions.json."""
        return AssumptionRecord.of_frame(assumptions(market, strategies))

    def value(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, holdout: ReplayRecord | None
    ) -> ValueRecord | None:
        """The content of value.json, None where nothing is known of amounts; `holdout` is the replay of the purchases
        that were held out."""
        if not data.has_amounts:
            return None
        terms = terms_of_value(config, data, market)
        return value_base(data, fits, config.value, **terms, seed=config.seed, holdout=holdout)

    def customers_story(
        self, config: StudyConfig, data: Any, fits: Any, market: Market
    ) -> tuple[CustomersRecord, pd.DataFrame] | None:
        """The content of customers.json and of contacts.parquet; None where no purchases are known."""
        return customers_story(data, fits, **terms_of_value(config, data, market), seed=config.seed)

    def purchases(self, data: Any) -> StudyData | None:
        """The study's own purchases, for claims that are measured on data; None: they take the CDNOW log."""
        return data  # type: ignore[no-any-return]

    def validation_title(self, config: StudyConfig) -> str:
        """What the validation stage is called while it runs."""
        return f"replay of the holdout ({2 * config.validation.replications} replications)"

    def validation_files(self) -> tuple[str, ...]:
        """The files that it writes."""
        return ("validation.json",)

    def validation(
        self, config: StudyConfig, data: Any, fits: Any, market: Market, executor: Executor
    ) -> dict[str, Record]:
        """Their content, by name."""
        ahead = config.simulation.horizon.to("D")
        found = validate(data, fits, config.validation, seed=config.seed, executor=executor, ahead=ahead)
        return {"validation.json": found}

    def no_validation(self, data: Any) -> dict[str, Record]:
        """What is stored where the validation could not be done."""
        ends = {"calibration_end": data.calibration_end, "holdout_end": data.holdout_end}
        return {"validation.json": ValidationRecord.nothing(data.unit, **ends)}


def terms_of_value(config: StudyConfig, data: Any, market: Market) -> dict[str, float]:
    """Horizon (model units), annual discount rate and margin that customers are valued by."""
    section, asked = config.value, config.value.annual_discount_rate
    return {
        "horizon": (section.horizon or config.simulation.horizon).to(data.unit),
        "annual_discount_rate": market.terms.annual_discount_rate if asked is None else asked,
        "margin": market.terms.margin,
    }
