"""The data behind the pictures of who stays: survival, and whom a contact keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_frame, check_kind, shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.curve import SurvivalCurve

ALL = "all customers"


@in_kind
@typed
def survival(
    subscriptions: CustomerFrame,
    *,
    by: str | None = None,
    curves: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Survival by Kaplan and Meier, of groups too, with the numbers at risk; and fitted curves beside it.

    Parameters
    ----------
    subscriptions : DataFrame
        With `tenure`, `churned` and perhaps `entry`, as `churnsim.data.read_subscriptions` returns.
    by : str, optional
        A column: a curve for each of its values.
    curves : mapping of names to fits or retention models, optional
        Drawn over the same tenures.
    level : float
        Of the intervals (Greenwood's, in ln(-ln S)).

    Returns
    -------
    DataFrame
        `series, time, survival, lower, upper, at_risk` (just before `time`), a row for time 0 and each time of a loss;
        of fitted curves without intervals and numbers.
    """
    groups = _groups(subscriptions, by)
    parts = []
    for name, rows in groups.items():
        try:
            fit = SurvivalCurve.fit(rows)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None
        assert fit.table is not None
        # At 0 the limits of the time until the first loss, over which they are drawn.
        told = fit.interval([np.nextafter(0.0, 1.0), *fit.table.index], level).reset_index(names="time")
        start = told.iloc[:1].assign(time=0.0, at_risk=float(len(rows)))
        table = told.iloc[1:].assign(at_risk=fit.table["at_risk"].to_numpy())
        parts.append(pd.concat([start, table], ignore_index=True).assign(series=name))
    last = max(float(part["time"].max()) for part in parts)
    grid = np.linspace(0.0, last, 201)
    for name, curve in (curves or {}).items():
        model = getattr(curve, "model", curve)
        check_kind(model, f"curves[{name!r}]", RetentionModel, "a fit or a retention model")
        parts.append(pd.DataFrame({"time": grid, "survival": np.asarray(model.survival(grid)), "series": str(name)}))
    found = pd.concat(parts, ignore_index=True)
    return found[["series", "time", "survival", "lower", "upper", "at_risk"]]


@in_kind
@typed
def at_risk(subscriptions: CustomerFrame, times: Sequence[float], *, by: str | None = None) -> pd.DataFrame:
    """How many customers were under observation just before given tenures, which stand below `survival`.

    Parameters
    ----------
    subscriptions : DataFrame
        With `tenure`, `churned` and perhaps `entry`.
    times : sequence of float
        Tenures.
    by : str, optional
        A column: a row for each of its values.

    Returns
    -------
    DataFrame
        `series, time, at_risk`.
    """
    parts = []
    for name, rows in _groups(subscriptions, by).items():
        seen = Tenures.of(rows)
        # At 0 everybody is who is under observation from the beginning.
        number = [int((((seen.entry < t) | ((t == 0) & (seen.entry == 0))) & (seen.tenure >= t)).sum()) for t in times]
        parts.append(pd.DataFrame({"series": name, "time": np.asarray(times, dtype=np.float64), "at_risk": number}))
    return pd.concat(parts, ignore_index=True)


@typed
def qini(curves: Any) -> pd.DataFrame:
    """What contacting the first of a ranking gains, beside as many contacted at random.

    Parameters
    ----------
    curves : QiniCurve or UpliftModel, or mapping of names to curves
        As `churnsim.models.qini_curve` returns; of an uplift model, its own and that by risk of leaving.

    Returns
    -------
    DataFrame
        `series, share` (of the customers contacted), `gain` (per customer of the base), `lower, upper`, and that of
        contacting as many at `random`.
    """
    from churnsim.models.churn.uplift import QiniCurve, UpliftModel  # with scikit-learn: a report can do without

    if isinstance(curves, UpliftModel):
        curves = {"by uplift": curves.qini, "by risk of leaving": curves.risk_qini}
    elif isinstance(curves, QiniCurve):
        curves = {"by score": curves}
    check_kind(curves, "curves", Mapping, "a QiniCurve or a mapping of names to them")
    check_count(len(curves), "the number of curves")
    for name, curve in curves.items():
        check_kind(curve, f"curves[{name!r}]", QiniCurve, "a QiniCurve")
    parts: list[pd.DataFrame] = [curve.table.reset_index().assign(series=str(name)) for name, curve in curves.items()]
    return pd.concat(parts, ignore_index=True)[["series", "share", "gain", "lower", "upper", "random"]]


def _groups(subscriptions: pd.DataFrame, by: str | None) -> dict[str, pd.DataFrame]:
    check_frame(subscriptions, "subscriptions")
    if by is None:
        return {ALL: subscriptions}
    if by not in subscriptions:
        raise ConfigError(f"by must be a column of the subscriptions; there is no {shown(by)}.")
    missing = int(subscriptions[by].isna().sum())
    if missing:
        raise DataError(f"{missing} customers have no {by!r}. Fill or drop them.")
    found = {str(name): rows for name, rows in subscriptions.groupby(by, sort=True, observed=True)}
    if not 1 <= len(found) <= 12:
        raise DataError(f"{by!r} must have from 1 to 12 values to be drawn apart; it has {len(found)}.")
    return found
