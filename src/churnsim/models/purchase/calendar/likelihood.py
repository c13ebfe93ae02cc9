"""A likelihood with the effects of a calendar's columns beside a plain one, and what the data tell of a calendar."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from churnsim.data.logs.days import iso_day
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import independent_columns
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.effects import CalendarEffects
from churnsim.models.purchase.fit_data import Objective
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats

YEAR = 365  # days of purchases that tell a wave of the year


def likelihood_with(
    of_plain: Likelihood[Any], model: type[CalendarEffects], calendar: Any, *, means: Floats, spread: Floats,
    start: int, until: int, known: Mapping[str, Any], objective: Objective,
    hessian: Callable[[Floats], Floats] | None = None, begin: Sequence[Floats] = (),
    more: Mapping[str, float] | None = None, yearly: Sequence[str] = (),
) -> Likelihood[Any]:  # fmt: skip
    """The likelihood over the plain one's parameters, the effects of the calendar's columns, and `more` effects, each
    with the spread of its column, of which a whole year tells those in `yearly`. `begin` are starts before the plain
    ones; `known` is what the model has more. DataError for a column with a name of the model's own."""
    more = more or {}
    effects, base = (*calendar.names, *more), len(of_plain.names)
    fixed: dict[str, Any] = {f"mean:{name}": float(mean) for name, mean in zip(calendar.names, means, strict=True)}
    fixed |= {**known, "calendar": calendar, "seen_until": iso_day(until)}
    check_names(effects, of_plain.names, {*fixed, *(name for name in effects if effects.count(name) > 1)})
    return replace(
        of_plain,
        names=(*of_plain.names, *effects),
        scales=np.concatenate([of_plain.scales, 1 / spread, 1 / np.array([*more.values()])]),
        starts=[np.concatenate([point, np.zeros(len(effects))]) for point in (*begin, *of_plain.starts)],
        objective=objective,
        hessian=hessian,
        build=lambda values: model.from_dict({**fixed, **values}),
        real=(False,) * base + (True,) * len(effects),
        doubt=of_plain.doubt or season_doubt((*calendar.yearly, *yearly), start, until),
        sketch=None,
    )


def check_names(columns: Sequence[str], parameters: Sequence[str], more: Collection[str]) -> None:
    """DataError for a column with a name of the model's own: of a parameter, or of what `more` it holds."""
    if taken := [name for name in columns if name in parameters or name in more]:
        raise DataError(
            f"a column cannot be called {taken[0]!r}: the model ({', '.join(parameters)}) has something of its own by "
            "this name. Rename the column."
        )


def likelihood_of_days(
    days: Any, of_plain: Likelihood[Any], plain: ModelFit[PurchaseModel], objective: Objective, *,
    model: type[ClockModel], sketch: Callable[[Any], Likelihood[Any]], known: Mapping[str, Any] | None = None,
    **more: Any,
) -> Likelihood[Any]:  # fmt: skip
    """`likelihood_with` of histories on a clock, begun at the plain fit."""
    few, known = days.few, {**plain.model.to_dict(), "family": plain.model.family + model.suffix, **(known or {})}
    found = likelihood_with(
        of_plain, model, days.calendar, means=days.means, spread=days.spread, start=days.start, until=days.until,
        known=known, objective=objective, begin=[of_plain.parameters(plain.model)], **more,
    )  # fmt: skip
    return replace(found, customers=float(days.weight.sum()), sketch=(lambda: sketch(few)) if few else None)


def standardised(
    calendar: Any, columns: Floats, start: int, until: int, weight: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Columns less their means, over their spread, and both, of rows with a `weight` each or equal ones. Raises as
    `check_columns`."""
    if weight is None:
        means, spread, share = columns.mean(axis=0), columns.std(axis=0), np.ones(1)
    else:
        share = weight / weight.sum()
        means = (columns * share[:, None]).sum(axis=0)
        spread = np.sqrt(((columns - means) ** 2 * share[:, None]).sum(axis=0))
    check_columns(calendar, (columns - means) * np.sqrt(share)[:, None], spread, start, until)
    return (columns - means) / spread, means, spread


def check_columns(calendar: Any, centred: Floats, spread: Floats, start: int, until: int) -> None:
    """DataError for a column that does not vary over the days, or is determined by others."""
    days = f"from {iso_day(start + 1)} to {iso_day(until)}"
    for name, value in zip(calendar.names, spread, strict=True):
        if value <= 1e-12:
            raise DataError(
                f"the column {name!r} is the same on every day {days}, so nothing can be said of it. Leave it out."
            )
    keep = independent_columns(centred)
    if not keep.all():
        name = calendar.names[int(np.argmin(keep))]
        raise DataError(f"the column {name!r} is determined by the columns before it {days}. Leave one of them out.")


def season_doubt(yearly: Sequence[str], start: int, until: int) -> FitStatus | None:
    """The status of a fit whose days do not tell its yearly columns."""
    if not yearly or until - start >= YEAR:
        return None
    return FitStatus(
        "too little data",
        f"the season ({', '.join(yearly)}) is told from {until - start} days, less than one whole year: what "
        "it shows may as well be a trend, or the age of the customers.",
        "Observe a whole year, or take the season from elsewhere as a series.",
    )
