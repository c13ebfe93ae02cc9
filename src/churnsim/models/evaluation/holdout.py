"""Validation on held-out purchases: every model and plain baseline forecasts what was kept from it, and is scored.

A baseline knows nothing of dropout, or, the learner, nothing of buying; each sees the log up to the end of the
calibration only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Protocol

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, check_kind, check_number, shown
from churnsim.data.logs.days import calendar_day, past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.summaries.calendar import SUMS, Calendar
from churnsim.data.summaries.customer_series import CustomerSeries, add_calendar, check_calendar
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.data.summaries.opportunities import FIRST_PERIOD, summarise_opportunities
from churnsim.data.summaries.period_holdout import OF_PERIODS, last_day_of_periods, period_log
from churnsim.data.summaries.summary import split_holdout, summarise
from churnsim.errors import ConfigError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.threads import one_thread
from churnsim.models.evaluation.forecast import forecast
from churnsim.models.evaluation.holdout_scores import (
    active_calibration,
    interval_calibration,
    log_scores,
    paired_error,
    point_scores,
    poisson_scores,
)
from churnsim.models.evaluation.predictive import score_counts
from churnsim.models.evaluation.selection import (
    CLEARLY,
    Families,
    ModelComparison,
    compare_fits,
    named_families,
    split_log,
)
from churnsim.models.evaluation.validation import holdout_by_frequency, tracking, tracking_in_periods
from churnsim.models.purchase.bg_bb_calendar import BGBBCalendar
from churnsim.models.purchase.in_periods import Count, check_count, in_opportunities, seen_in
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import PURCHASE_FAMILIES, WITHOUT_DROPOUT
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT, check_unit


class Forecaster(Protocol):
    """Expected purchases of every customer of `summary` in the `horizon` (in `unit`) after `end`."""

    label: str
    counts: bool
    """Whether the forecast is the mean of a Poisson law, so that counts can be scored against it."""

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """One number a row of `summary`, which is the log summarised at `end`."""


class LastRate:
    """Each customer goes on as lately: its rate in the last half of its time since the first purchase, continued.

    The rule of thumb that Wübben & Wangenheim (2008), Journal of Marketing 72(3), 82-93, put beside the models is of
    this kind.
    """

    label = "last rate continued"
    counts = False

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """Purchase days in the last half of each customer's time, over that half, times the horizon."""
        days = transactions[["customer_id", "date"]].assign(date=transactions["date"].dt.normalize()).drop_duplicates()
        days = days[days["date"] <= end]
        T = summary["T"]
        ago = (end - days["date"]).dt.days / DAYS_PER_UNIT[unit]
        age = days["customer_id"].map(T)
        # The first purchase of all starts the clock and is never in the last half, but for customers of the last day.
        late = days[(ago < age / 2).to_numpy()].groupby("customer_id").size().reindex(summary.index, fill_value=0)
        half = T.to_numpy() / 2
        rate = np.divide(late.to_numpy(), half, out=np.zeros(len(summary)), where=half > 0)
        return np.asarray(rate * horizon)


class BoostedTrees:
    """Gradient-boosted trees on recency, frequency and monetary value, trained inside the calibration.

    The end of the calibration is held out once more: features at an earlier day, the purchases after it as the target.
    The trained trees then read the features at the real end. scikit-learn's HistGradientBoostingRegressor with a
    Poisson loss; its settings are scikit-learn's own but for a slower rate of learning (assumed, not tuned).
    """

    label = "gradient-boosted trees on RFM"
    counts = True

    def __init__(self, *, seed: int = 1) -> None:
        self.seed = seed

    def expected(
        self, transactions: pd.DataFrame, summary: pd.DataFrame, *, end: pd.Timestamp, horizon: float, unit: str
    ) -> Floats:
        """The trained trees at `end`, over `horizon`; raises as `split_holdout` where nothing can be held out again."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        known = transactions[transactions["date"].dt.normalize() <= end]
        length = (end - known["date"].min()).days / DAYS_PER_UNIT[unit]
        inner = min(horizon, length / 2)
        until: date = (end - pd.Timedelta(days=round(inner * DAYS_PER_UNIT[unit]))).date()
        split = split_holdout(known, until=until, holdout_until=end.date(), unit=unit)
        learner = HistGradientBoostingRegressor(
            loss="poisson", learning_rate=0.05, early_stopping=False, random_state=self.seed
        )
        if not split["frequency_holdout"].any():
            return np.zeros(len(summary))  # a Poisson law cannot be learnt from no purchase at all
        with one_thread():
            learner.fit(_features(split), split["frequency_holdout"])
            predicted = learner.predict(_features(summarise(known, unit=unit, until=end.date())))
        return np.asarray(predicted * horizon / float(split["T_holdout"].iloc[0]))


def _features(summary: pd.DataFrame) -> Floats:
    x, t_x, T = (summary[name].to_numpy(dtype=np.float64) for name in ("frequency", "recency", "T"))
    spend = summary["monetary_value"].to_numpy() if "monetary_value" in summary else np.zeros(len(summary))
    return np.column_stack([x, t_x, T, T - t_x, x / np.maximum(T, 1e-9), spend])


DRAWS = 200
# A law of periods costs some twenty times as much as one of purchases.
DRAWS_IN_PERIODS = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Validation:
    """What held-out purchases say of each model; where `count` is "periods", what held-out periods with a purchase do:
    then every number called purchases below is of those, for every model and baseline alike.

    Attributes
    ----------
    scores : DataFrame
        A row for each model and baseline: `kind`, number of `parameters`, `expected` and `actual` totals, `bias` (a
        share of the actual total), the 95% interval `lower, upper` of the total and whether it `covered`, `mae, rmse`
        a customer, mean `log_score` of each customer's count (0 at best), how far it is `behind` the best one with the
        paired standard error `behind_error`, and the `status` of the fit.
    by_frequency : DataFrame
        Mean held-out purchases by calibration frequency, actual and by model.
    tracking : DataFrame
        Purchases by period, actual and expected, new in the period and cumulative, by model.
    active : DataFrame
        P(alive) and the chance to buy beside the share that bought, by model.
    intervals : DataFrame
        How often intervals of single customers' counts hold what came, by model.
    comparison : ModelComparison
        Which model to use and why, NBD among the candidates unless it was left out.
    fits : mapping of name to ModelFit
        On the calibration period.
    split : DataFrame
        What they were fitted to, and what came.
    calibration_end, holdout_end : Timestamp
        Last days of the two stretches.
    unit : str
        Of time.
    count : "purchases" or "periods"
        What was forecast.
    with_calendar : DataFrame, optional
        A row for each family that was fitted with and without a calendar: by how much the mean log score is higher with
        it (`gain`, and its standard error paired by customer, `gain_error`), the biases of the total, the `p_value` of
        the likelihood-ratio test, and whether it `forecasts` better, worse, or is not told apart (two standard errors).
    """

    made_by: ClassVar[str] = "churnsim.validate(log, [churnsim.BGNBD], calibration_end=...)"
    scores: pd.DataFrame
    by_frequency: pd.DataFrame
    tracking: pd.DataFrame
    active: pd.DataFrame
    intervals: pd.DataFrame
    comparison: ModelComparison
    fits: Mapping[str, ModelFit[PurchaseModel]]
    split: pd.DataFrame
    calibration_end: pd.Timestamp
    holdout_end: pd.Timestamp
    unit: str
    count: Count = "purchases"
    with_calendar: pd.DataFrame | None = None

    @property
    def best(self) -> str:
        """The model with the best mean log score; a baseline without a law of counts cannot have one."""
        return str(self.scores["log_score"].idxmax())


@in_kind
def validate(
    transactions: Any,
    models: Families,
    *,
    calibration_end: str | date,
    holdout_end: str | date | None = None,
    unit: str = "W",
    seed: int = 1,
    baselines: Sequence[Forecaster] | None = None,
    covariates: CustomerFrame | None = None,
    count: str | None = None,
    calendar: Calendar | CustomerSeries | None = None,
    future: Any = None,
) -> Validation:
    """Fit each model to the purchases up to `calibration_end`, and score its forecast of those after it.

    Parameters
    ----------
    transactions : DataFrame, or a log elsewhere
        A log that `churnsim.split_holdout` takes.
    models : sequence of families, or mapping of names to families or fitting functions
        Such as ``[BGNBD, ParetoNBD]``; a function takes a summary and returns its fit.
    calibration_end, holdout_end : str or date
        Last day that the models see, and last day that they are scored on (the log's last unless given).
    unit : {"H", "D", "W", "M", "Y"}
        Unit of time.
    seed : int
        Of the intervals and of the trees.
    baselines : sequence of Forecaster, optional
        The last rate continued, and gradient-boosted trees on RFM, unless given, and beside them NBD, in which nobody
        leaves, as one more candidate; ``[]`` for none. They see the calibration only.
    covariates : DataFrame, optional
        By customer id; joins the summary.
    count : {"purchases", "periods"}, optional
        What is forecast and scored: days with a purchase, or the units of time (weeks, where `unit` is "W") in which a
        customer bought. BG/BB knows periods only, so with it among the models periods are counted for all; each model
        is fitted to its own kind of data (see `churnsim.data.split_periods`), and all forecast the same counts of the
        same customers.
    calendar : Calendar or CustomerSeries, optional
        Each family that takes one is fitted with it too, under its name and ``_calendar``, and
        ``Validation.with_calendar`` says whether it forecasts better so.
    future : mapping, or "hold" or DataFrame of series, optional
        What the calendar does after `calibration_end`, as forecasts take it.

    Returns
    -------
    Validation

    Raises
    ------
    DataError
        As `churnsim.split_holdout` or `churnsim.data.split_periods`, and where nobody bought again by
        `calibration_end`.
    ConfigError
        As these, and for models that are none, or BG/BB on purchases.

    Examples
    --------
    >>> import churnsim as cs
    >>> done = validate(cs.datasets.cdnow(), [cs.BGNBD], calibration_end="1997-09-30", baselines=[])
    >>> done.scores.loc["bg_nbd", ["expected", "actual"]].astype(int).to_dict()
    {'expected': 1653, 'actual': 1882}
    """
    makers = {name: ("model", make) for name, make in named_families(models).items()}
    if covariates is not None:
        check_frame(covariates, "covariates", "Give one row a customer, by customer id.")
    rivals = (LastRate(), BoostedTrees(seed=seed)) if baselines is None else baselines
    if not isinstance(rivals, list | tuple) or not all(hasattr(each, "expected") for each in rivals):
        raise ConfigError(f"baselines must be forecasters in a list, such as [LastRate()]; got {shown(baselines)}.")
    counted = check_count(count, list(models.values() if isinstance(models, Mapping) else models))
    # One kind of log from here on, whatever the dates and ids came as.
    transactions = purchase_days(transactions).frame()
    split = split_log(transactions, calibration_end, holdout_end, unit, counted)
    if calendar is not None:
        check_calendar(calendar)
        makers |= _with_calendar(makers, models, calendar, future)
        if counted == "periods":
            met = summarise_opportunities(transactions, unit=unit, until=calibration_end, calendar=calendar)
            sums = {OF_PERIODS + SUMS + name: met[SUMS + name] for name in calendar.names}
            split = split.assign(**{FIRST_PERIOD: met[FIRST_PERIOD], **sums})
            split.attrs["unit"] = unit
        last_seen = past_day(calibration_end, name="calibration_end")
        add_calendar(split, purchase_days(transactions), last_seen, calendar, gaps="log_intervals" in split.columns)
    if covariates is not None:
        split = split.join(covariates, how="left")
        split.attrs["unit"] = unit
    end = calendar_day(calibration_end, name="calibration_end")
    actual = split["frequency_holdout"].to_numpy(dtype=np.float64)
    horizon = float(split["T_holdout"].iloc[0])
    fits: dict[str, ModelFit[PurchaseModel]] = {}
    rows, logs, tables = {}, {}, _Tables(transactions, end, counted)
    if baselines is None and WITHOUT_DROPOUT not in makers:
        nobody_leaves = named_families([PURCHASE_FAMILIES[WITHOUT_DROPOUT]])
        makers |= {name: ("baseline", make) for name, make in nobody_leaves.items()}
    for name, (kind, make) in makers.items():
        fit = fits[name] = make(split, unit)
        seen = seen_in(fit, counted)
        model = seen.model
        scores = score_counts(model, split, horizon, actual.astype(np.int64))
        draws = DRAWS if counted == "purchases" else DRAWS_IN_PERIODS
        drawn = [seen_in(replace(fit, model=each), counted).model for each in fit.draw_parameters(draws, seed=seed)]
        total = forecast(seen, split, horizon=horizon, seed=seed, draws=drawn)
        logs[name] = scores["log_score"].to_numpy()
        rows[name] = {
            "kind": kind,
            "parameters": len(fit.names),
            **point_scores(model.expected_purchases(split, horizon).to_numpy(), actual),
            "lower": total.lower,
            "upper": total.upper,
            "covered": total.covers(actual.sum()),
            "status": fit.status.code,
        }
        tables.add(name, model, split, scores, actual)
    if counted == "periods":
        transactions = period_log(transactions, until=calibration_end, unit=unit)
    for baseline in rivals:
        expected = baseline.expected(transactions, split, end=end, horizon=horizon, unit=unit)
        rows[baseline.label] = {"kind": "baseline", **point_scores(expected, actual)}
        if baseline.counts:
            logs[baseline.label] = poisson_scores(expected, actual)["log_score"].to_numpy()
    return Validation(
        scores=pd.DataFrame.from_dict(rows, orient="index").join(log_scores(logs)).rename_axis("model"),
        comparison=compare_fits(fits, split, logs={name: logs[name] for name in fits}),
        by_frequency=tables.joined("by_frequency"),
        tracking=tables.joined("tracking"),
        active=tables.joined("active"),
        intervals=tables.joined("intervals"),
        fits=fits,
        split=split,
        calibration_end=end,
        holdout_end=tables.last(split, unit),
        unit=unit,
        count=counted,
        with_calendar=_calendar_table(fits, logs, rows),
    )


def _in_opportunities(family: Any) -> bool:
    """Whether it is the plain family of opportunities, whose calendars are those of `BGBBCalendar`."""
    return getattr(family, "family", None) == BGBBCalendar.within


def _with_calendar(
    makers: Mapping[str, Any], models: Families, calendar: Calendar | CustomerSeries, future: Any
) -> dict[str, Any]:
    """Makers of the families' fits with the calendar. ConfigError where none takes one."""
    given = models if isinstance(models, Mapping) else dict(zip(makers, models, strict=True))
    takes = {
        name: family for name, family in given.items()
        if getattr(family, "takes_calendar", False) or _in_opportunities(family)
    }  # fmt: skip
    if not takes:
        raise ConfigError("a calendar is for families such as BGNBD: none of the models takes one. Add one that does.")

    def maker(family: Any) -> Any:
        fit: Any = BGBBCalendar.fit if _in_opportunities(family) else family.fit

        def make(summary: pd.DataFrame, unit: str) -> Any:
            read = in_opportunities(summary) if _in_opportunities(family) else summary
            return fit(read, unit=unit, calendar=calendar).with_future(future)

        return make

    return {f"{name}_calendar": ("model", maker(family)) for name, family in takes.items()}


def _calendar_table(
    fits: Mapping[str, Any], logs: Mapping[str, Floats], rows: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame | None:
    """Of each family with a calendar: how much better it foresees than without, in words too."""
    table = {}
    for name, fit in fits.items():
        plain = name.removesuffix("_calendar")
        if plain == name or plain not in fits or not hasattr(fit, "likelihood_ratio"):
            continue
        gain = float(np.mean(logs[name] - logs[plain]))
        error = paired_error(logs[name], logs[plain])
        clear = abs(gain) > CLEARLY * error
        verdict = ("better" if gain > 0 else "worse") if clear else "not told apart"
        table[plain] = {
            "gain": gain,
            "gain_error": error,
            "bias_without": rows[plain]["bias"],
            "bias_with": rows[name]["bias"],
            "p_value": fit.likelihood_ratio.p_value,
            "forecasts": verdict,
        }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("model") if table else None


def rolling_validation(
    transactions: Any, models: Families, *, origins: Sequence[str | date], horizon: float, unit: str = "W",
    **options: Any,
) -> pd.DataFrame:  # fmt: skip
    """The scores of `validate` from several calibration ends, each with a holdout of `horizon` (in `unit`).

    One row an origin and model: columns `origin, model` and those of `Validation.scores`. At one origin a model
    may lead by chance; one that leads at all of them is better. `options` go to `validate`. Raises as `validate`, and
    ConfigError without an origin or, where periods are counted, for a horizon that is no whole number of them.

    Parameters
    ----------
    transactions : DataFrame or log
        As `validate` takes them.
    models : sequence of families, or mapping
        As `validate` takes them.
    origins : sequence of str or date
        Last days of the calibrations.
    horizon : float
        Length of each holdout, in `unit`.
    unit : str
        Time unit of the summary.
    **options
        Of `validate`.

    Examples
    --------
    >>> import churnsim as cs
    >>> origins = ["1997-06-30", "1997-09-30"]
    >>> scores = rolling_validation(cs.datasets.cdnow(), [cs.models.NBD], origins=origins, horizon=13.0)
    >>> scores.loc[scores["model"] == "nbd", "mae"].round(2).tolist()
    [0.5, 0.43]
    """
    check_kind(models, "models", (Mapping, Sequence), "a list of families or a mapping of names to them")
    check_kind(origins, "origins", (Sequence, pd.Index), "a list of days")
    if len(origins) == 0:
        raise ConfigError("origins must hold at least one day, such as ['1997-07-31', '1997-09-30'].")
    counted = check_count(options.get("count"), list(models.values() if isinstance(models, Mapping) else models))
    a_century = 36_525 / DAYS_PER_UNIT[check_unit(unit)]
    horizon = check_number(horizon, "horizon", above=0, most=a_century, remedy=f"It is counted in {unit!r}.")
    if counted == "periods" and horizon != int(horizon):
        raise ConfigError(f"horizon must be a whole number of periods where periods are counted; got {horizon!r}.")
    days = round(horizon * DAYS_PER_UNIT[unit])
    transactions = purchase_days(transactions).frame()
    tables = []
    for origin in origins:
        start = calendar_day(origin, name="origins")
        end = start + pd.Timedelta(days=days)
        if counted == "periods":  # calendar months are not all of one length
            end = last_day_of_periods(start, int(horizon), unit)
        done = validate(
            transactions, models, calibration_end=start.date(), holdout_end=end.date(), unit=unit, **options
        )  # fmt: skip
        tables.append(done.scores.rename_axis("model").reset_index().assign(origin=start))
    table = pd.concat(tables, ignore_index=True)
    return table[["origin", "model", *(name for name in table.columns if name not in ("origin", "model"))]]


class _Tables:
    """The tables of every model, gathered and put one under the other."""

    def __init__(self, transactions: pd.DataFrame, end: pd.Timestamp, count: Count) -> None:
        self.transactions, self.end, self.count = transactions, end, count
        self.parts: dict[str, dict[str, pd.DataFrame]] = {}

    def last(self, split: pd.DataFrame, unit: str) -> pd.Timestamp:
        """The last day that is scored."""
        if self.count == "periods":
            return last_day_of_periods(self.end, int(split["T_holdout"].iloc[0]), unit)
        return self.end + pd.Timedelta(days=round(float(split["T_holdout"].iloc[0]) * DAYS_PER_UNIT[unit]))

    def add(self, name: str, model: Any, split: pd.DataFrame, scores: pd.DataFrame, actual: Any) -> None:
        follow = tracking_in_periods if self.count == "periods" else tracking
        track = follow(
            model, self.transactions, until=self.end, holdout_until=self.last(split, model.unit), customers=split
        ).rename(columns={"actual": "cumulative_actual", "expected": "cumulative_expected"})  # fmt: skip
        for column in ("actual", "expected"):
            track[column] = np.diff(track[f"cumulative_{column}"], prepend=0)
        horizon = split["T_holdout"].to_numpy(dtype=np.float64)
        self.parts[name] = {
            "by_frequency": holdout_by_frequency(model, split),
            "tracking": track,
            "active": active_calibration(model, split, horizon, actual),
            "intervals": interval_calibration(scores),
        }

    def joined(self, table: str) -> pd.DataFrame:
        parts = {name: tables[table] for name, tables in self.parts.items()}
        return pd.concat(parts, names=["model", None]).reset_index(level=0).reset_index(drop=True)
