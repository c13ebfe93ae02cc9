"""The data behind the pictures of decisions: what strategies bring, and where a statement holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_count, typed
from churnsim.decisions.assumptions.region import Region
from churnsim.decisions.comparison.compare import Comparison
from churnsim.errors import ConfigError


@typed
def strategies(
    comparison: Comparison, metric: str = "npv", *, against: str = "baseline", level: float = 0.95
) -> pd.DataFrame:
    """What each strategy brings more than another, by the same replications.

    Parameters
    ----------
    comparison : Comparison
        As `churnsim.compare` returns.
    metric : str
        What is compared, such as "npv" or "profit".
    against : str
        The strategy that the others are compared with.
    level : float
        Of the intervals of the paired differences.

    Returns
    -------
    DataFrame
        `strategy, against, metric, mean, lower, upper`.
    """
    table = comparison.differences(metric, against=against, level=level)
    if table.empty:
        raise ConfigError(f"there is no strategy besides {against!r} to show.")
    return table[["strategy", "against", "metric", "mean", "lower", "upper"]]


@typed
def belief_map(region: Region, *, third: int = 0) -> pd.DataFrame:
    """Where a statement holds, over a grid of two assumptions.

    Parameters
    ----------
    region : Region
        As `churnsim.decisions.assumption_region` or `map_region` returns, of two or three assumptions.
    third : int
        Of three assumptions: which cell of the third is shown.

    Returns
    -------
    DataFrame
        The borders `left, right` (of the first assumption) and `bottom, top` (of the second), `state, mean, lower,
        upper`.
    """
    if len(region.axes) not in (2, 3):
        raise ConfigError(f"a map has two assumptions, or three; this region has {len(region.axes)}.")
    check_count(third, "third", least=0, most=region.axes[2].cells - 1 if len(region.axes) > 2 else 0)
    values = {
        name: region.frame.get(name, pd.Series(np.nan, region.frame.index)).to_numpy()
        for name in ("state", "mean", "lower", "upper")
    }
    found = cells_of(region.axes).assign(**values)
    return found[found.pop("panel") == third].reset_index(drop=True)


def cells_of(axes: Sequence[Any]) -> pd.DataFrame:
    """The borders of the cells of a grid, the last axis running fastest: `left, right, bottom, top`, and `panel`, the
    cell of a third axis. An axis has `low, high` and a number of `cells`."""
    places = np.indices([axis.cells for axis in axes]).reshape(len(axes), -1)
    (left, right), (bottom, top), *_ = (
        [np.linspace(axis.low, axis.high, axis.cells + 1)[place + end] for end in (0, 1)]
        for axis, place in zip(axes, places, strict=True)
    )
    panel = places[2] if len(axes) > 2 else 0
    return pd.DataFrame({"left": left, "right": right, "bottom": bottom, "top": top, "panel": panel})
