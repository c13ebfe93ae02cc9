"""Validation on held-out purchases: every model and plain baseline forecasts what was kept from it, and is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data.intervals import summarise_with_intervals
from churnsim.data.summary import split_holdout
from churnsim.errors import ConfigError
from churnsim.models.baselines import BoostedTrees, Forecaster, LastRate
from churnsim.models.fit import ModelFit
from churnsim.models.forecast import forecast
from churnsim.models.holdout_scores import active_calibration, interval_calibration, point_scores, poisson_scores
from churnsim.models.nbd import NBD
from churnsim.models.predictive import score_counts
from churnsim.models.validation import holdout_by_frequency, tracking
from churnsim.units import DAYS_PER_UNIT

__all__ = ["Families", "Validation", "rolling_validation", "validate"]

# A family (such as BGNBD), or anything that makes a fit of a summary.
Families = Sequence[Any] | Mapping[str, Any]
DRAWS = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class Validation:
    """What held-out purchases say of each model.

    - `scores`, a row for each model and baseline: `kind`, number of `parameters`, `expected` and `actual` totals,
      `bias` (a share of the actual total), the 95% interval `lower, upper` of the total and whether it `covered`,
      `mae, rmse` a customer, mean `log_score` of each customer's count (0 at best), how far it is `behind` the best
      one with the paired standard error `behind_error`, and the `status` of the fit.
    - `by_frequency`: mean held-out purchases by calibration frequency, actual and by model.
    - `tracking`: purchases by period, actual and expected, new in the period and cumulative, by model.
    - `active`: P(alive) and the chance to buy beside the share that bought, by model.
    - `intervals`: how often intervals of single customers' counts hold what came, by model.
    - `fits`, by model, on the calibration period; `split`, what they were fitted to.
    """

    scores: pd.DataFrame
    by_frequency: pd.DataFrame
    tracking: pd.DataFrame
    active: pd.DataFrame
    intervals: pd.DataFrame
    fits: Mapping[str, ModelFit[Any]]
    split: pd.DataFrame
    calibration_end: pd.Timestamp
    holdout_end: pd.Timestamp
    unit: str

    @property
    def best(self) -> str:
        """The model with the best mean log score; a baseline without a law of counts cannot have one."""
        return str(self.scores["log_score"].idxmax())


def validate(
    transactions: pd.DataFrame,
    models: Families,
    *,
    calibration_end: str | date,
    holdout_end: str | date | None = None,
    unit: str = "W",
    seed: int = 1,
    baselines: Sequence[Forecaster] | None = None,
    covariates: pd.DataFrame | None = None,
) -> Validation:
    """Fit each model to the purchases up to `calibration_end`, and score its forecast to `holdout_end` (the last date
    of the log unless given).

    `models` are families such as `[BGNBD, ParetoNBD]`, or a mapping of names to families or to functions that fit a
    summary. `baselines` (the last rate continued, and gradient-boosted trees on RFM, beside NBD, in which nobody
    leaves) see the calibration only; pass `[]` for none. `covariates`, a frame by customer id, joins the summary.
    Raises DataError and ConfigError as `churnsim.split_holdout`, and ConfigError for models that are none.
    """
    split = split_holdout(transactions, until=calibration_end, holdout_until=holdout_end, unit=unit)
    # MBG/CNBD-k reads how regular the gaps were; the others leave the column alone.
    split["log_intervals"] = summarise_with_intervals(transactions, unit=unit, until=calibration_end)["log_intervals"]
    if covariates is not None:
        split = split.join(covariates, how="left")
        split.attrs["unit"] = unit
    end = pd.Timestamp(calibration_end).normalize()
    last = end + pd.Timedelta(days=round(float(split["T_holdout"].iloc[0]) * DAYS_PER_UNIT[unit]))
    actual = split["frequency_holdout"].to_numpy(dtype=np.float64)
    horizon = float(split["T_holdout"].iloc[0])
    fits: dict[str, ModelFit[Any]] = {}
    rows, logs, tables = {}, {}, _Tables()
    makers = {name: ("model", make) for name, make in named_families(models).items()}
    if baselines is None and NBD.family not in makers:
        makers[NBD.family] = ("baseline", _maker(NBD))  # nobody leaves
    for name, (kind, make) in makers.items():
        fit = fits[name] = make(split, unit)
        model = fit.model
        scores = score_counts(model, split, horizon, actual.astype(np.int64))
        total = forecast(fit, split, horizon=horizon, seed=seed, draws=DRAWS)
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
        tables.add(name, model, split, transactions, scores, actual, end, last)
    for baseline in (LastRate(), BoostedTrees(seed=seed)) if baselines is None else baselines:
        expected = baseline.expected(transactions, split, end=end, horizon=horizon, unit=unit)
        rows[baseline.label] = {"kind": "baseline", **point_scores(expected, actual)}
        if baseline.counts:
            logs[baseline.label] = poisson_scores(expected, actual)["log_score"].to_numpy()
    return Validation(
        scores=_with_log_scores(pd.DataFrame.from_dict(rows, orient="index"), logs),
        by_frequency=tables.joined("by_frequency"),
        tracking=tables.joined("tracking"),
        active=tables.joined("active"),
        intervals=tables.joined("intervals"),
        fits=fits,
        split=split,
        calibration_end=end,
        holdout_end=last,
        unit=unit,
    )


def rolling_validation(
    transactions: pd.DataFrame, models: Families, *, origins: Sequence[str | date], horizon: float, unit: str = "W",
    **options: Any,
) -> pd.DataFrame:  # fmt: skip
    """The scores of `validate` from several calibration ends, each with a holdout of `horizon` (in `unit`).

    One row an origin and model: columns `origin, model` and those of `Validation.scores`. One origin may be a lucky
    one; a model that leads at all of them is better. `options` go to `validate`.
    """
    if not origins:
        raise ConfigError("origins must hold at least one day, such as ['1997-07-31', '1997-09-30'].")
    tables = []
    for origin in origins:
        start = pd.Timestamp(origin).normalize()
        end = start + pd.Timedelta(days=round(horizon * DAYS_PER_UNIT[unit]))
        done = validate(
            transactions, models, calibration_end=start.date(), holdout_end=end.date(), unit=unit, **options
        )  # fmt: skip
        tables.append(done.scores.rename_axis("model").reset_index().assign(origin=start))
    table = pd.concat(tables, ignore_index=True)
    return table[["origin", "model", *(name for name in table.columns if name not in ("origin", "model"))]]


def named_families(models: Families) -> dict[str, Callable[[pd.DataFrame, str | None], ModelFit[Any]]]:
    """Name -> function that fits a summary in a unit. Raises ConfigError for what cannot be fitted."""
    given = models if isinstance(models, Mapping) else {_name(family): family for family in models}
    if not given:
        raise ConfigError("models holds none. Give families such as [churnsim.BGNBD, churnsim.MBGNBD].")
    return {name: _maker(family) for name, family in given.items()}


def _name(family: Any) -> str:
    name = getattr(family, "family", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"{family!r} is not a family of models. Give classes such as churnsim.BGNBD, or a mapping of names to "
            "functions that fit a summary."
        )
    return name


def _maker(family: Any) -> Callable[[pd.DataFrame, str | None], ModelFit[Any]]:
    if hasattr(family, "fit"):
        return lambda summary, unit: family.fit(summary, unit=unit)
    if callable(family):
        return lambda summary, _unit: family(summary)
    raise ConfigError(f"{family!r} can neither fit nor be called with a summary.")


class _Tables:
    """The tables of every model, gathered and put one under the other."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, pd.DataFrame]] = {}

    def add(
        self, name: str, model: Any, split: pd.DataFrame, transactions: pd.DataFrame, scores: pd.DataFrame,
        actual: Any, end: pd.Timestamp, last: pd.Timestamp,
    ) -> None:  # fmt: skip
        track = tracking(model, transactions, until=end, holdout_until=last).rename(
            columns={"actual": "cumulative_actual", "expected": "cumulative_expected"}
        )
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


def _with_log_scores(rows: pd.DataFrame, logs: Mapping[str, Any]) -> pd.DataFrame:
    means = {name: float(np.mean(values)) for name, values in logs.items()}
    table = rows.assign(log_score=pd.Series(means, dtype=float))
    if means:
        best = logs[max(means, key=lambda name: means[name])]
        table["behind"] = pd.Series({name: float(np.mean(best - values)) for name, values in logs.items()})
        table["behind_error"] = pd.Series(
            {name: float(np.std(best - values, ddof=1) / len(values) ** 0.5) for name, values in logs.items()}
        )
    return table.rename_axis("model")
