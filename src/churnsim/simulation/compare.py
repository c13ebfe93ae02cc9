"""Comparing strategies on the same customers meeting the same chances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from churnsim.errors import ConfigError
from churnsim.simulation.engines import Engine, simulate
from churnsim.simulation.ledger import ACCOUNTS, COSTS, MONEY, discount_factors
from churnsim.simulation.market import Market
from churnsim.simulation.paired import interval, paired_difference
from churnsim.simulation.scenario import Scenario
from churnsim.simulation.strategy import Strategy

__all__ = ["Comparison", "compare", "replicate"]

STOCKS = ("active_start", "active_end")


@dataclass(frozen=True)
class Comparison:
    """Outcomes of several strategies over the same replications.

    `outcomes` has one row per strategy, replication and period, with the ledger's accounts (money in cents). A
    metric is "npv" or "profit" (money over the horizon), "equity" (npv and what those active at the end are still
    worth), "discounted_margin", an account (money accounts in money, counts summed over the horizon), or
    "active_end" (at the horizon).
    """

    outcomes: pd.DataFrame
    period: float
    discount_force: float

    @classmethod
    def from_outcomes(cls, outcomes: pd.DataFrame, *, market: Market, period: float) -> Comparison:
        """A comparison from stored outcomes; `period` in the market's unit."""
        missing = [name for name in ("strategy", "replication", "period", *ACCOUNTS) if name not in outcomes.columns]
        if missing:
            raise ConfigError(f"the outcomes lack {', '.join(map(repr, missing))}.")
        return cls(outcomes=outcomes, period=period, discount_force=market.discount_force)

    @property
    def strategies(self) -> list[str]:
        """Names, in the order of their first rows."""
        return list(dict.fromkeys(self.outcomes["strategy"]))

    def values(self, metric: str) -> pd.DataFrame:
        """The metric by replication (rows) and strategy (columns)."""
        frame = self.outcomes
        if metric in ("npv", "profit", "equity", "discounted_margin"):
            amount = self._money(metric)
        elif metric in STOCKS:
            edge = frame["period"].max() if metric == "active_end" else 0
            amount = frame[metric].where(frame["period"] == edge, 0)
        elif metric in ACCOUNTS:
            amount = frame[metric] / 100 if metric in MONEY else frame[metric]
        else:
            raise ConfigError(
                f"no metric {metric!r}; there are npv, profit, equity, discounted_margin, {', '.join(ACCOUNTS)}."
            )
        keyed = frame[["replication", "strategy"]].assign(amount=amount)
        table = keyed.pivot_table(index="replication", columns="strategy", values="amount", aggfunc="sum", sort=False)
        if table.isna().to_numpy().any():
            raise ConfigError("some strategies lack replications that others have, so they cannot be paired.")
        return table.sort_index()[self.strategies]

    def _money(self, metric: str) -> pd.Series[float]:
        """Discounted or plain profit, or discounted margin, of each row of the outcomes."""
        frame = self.outcomes
        cents = frame["margin"].astype(float)
        if metric != "discounted_margin":
            cents = cents - frame[list(COSTS)].sum(axis=1)
        periods = int(frame["period"].max()) + 1
        if metric != "profit":
            cents = cents * discount_factors(periods, self.period, self.discount_force)[frame["period"].to_numpy()]
        if metric == "equity":
            cents = cents + frame["residual"] * float(np.exp(-self.discount_force * self.period * periods))
        return cents / 100

    def levels(self, metric: str = "npv", *, level: float = 0.95) -> pd.DataFrame:
        """Each strategy by itself: strategy, metric, mean, lower, upper, sd."""
        values = self.values(metric)
        rows = [
            {"strategy": name, "metric": metric, **asdict(interval(_column(values, name), level=level))}
            for name in self.strategies
        ]
        return pd.DataFrame(rows)

    def differences(
        self, metric: str = "npv", *, against: str | None = "baseline", level: float = 0.95
    ) -> pd.DataFrame:
        """Paired differences, one row a pair: strategy, against, metric, and the fields of `PairedDifference`.

        With `against` each other strategy is compared with that one, each interval at `level` by itself. With
        `against=None` all pairs are, and the intervals hold jointly at `level` (Bonferroni).
        """
        names = self.strategies
        if against is not None and against not in names:
            raise ConfigError(f"no strategy {against!r} to compare against; there are {', '.join(map(repr, names))}.")
        pairs = (
            [(name, against) for name in names if name != against]
            if against is not None
            else [(b, a) for a, b in combinations(names, 2)]
        )
        each = level if against is not None else 1 - (1 - level) / max(len(pairs), 1)
        values = self.values(metric)
        rows = [
            {
                "strategy": a,
                "against": b,
                "metric": metric,
                **paired_difference(_column(values, a), _column(values, b), level=each).row(),
            }
            for a, b in pairs
        ]
        return pd.DataFrame(rows)


def _column(values: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return values[name].to_numpy(dtype=np.float64)


def replicate(
    market: Market,
    strategy: Strategy,
    *,
    replications: Sequence[int],
    seed: int,
    horizon: float,
    period: float,
    epoch: float,
    engine: Engine = "simpy",
) -> pd.DataFrame:
    """Outcome rows (strategy, replication, period, accounts) of one strategy for the replications named."""
    scenario = Scenario(market=market, strategy=strategy, horizon=horizon, period=period, epoch=epoch)
    frames = []
    for replication in replications:
        frame = simulate(scenario, seed=seed, replication=replication, engine=engine).frame()
        frame.insert(0, "replication", np.int64(replication))
        frame.insert(0, "strategy", strategy.name)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def compare(
    market: Market,
    strategies: Sequence[Strategy],
    *,
    replications: int,
    seed: int,
    horizon: float,
    period: float = 4.0,
    epoch: float = 1.0,
    engine: Engine = "simpy",
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Run every strategy on the same `replications` (0, 1, ...) of the same market and return the paired comparison.

    Durations in the market's unit. `workers` processes share the work without changing the result; `progress` is called
    with the number of replications that have just finished. Raises ConfigError for fewer than 2 replications or two
    strategies of one name.
    """
    names = [strategy.name for strategy in strategies]
    if len(set(names)) != len(names) or not names:
        raise ConfigError(f"strategies need different names, and there must be one at least; got {names}.")
    if replications < 2:
        raise ConfigError(f"a comparison needs at least 2 replications; got {replications}.")
    block = max(1, replications // (4 * workers))
    chunks = [range(i, min(i + block, replications)) for i in range(0, replications, block)]
    tasks = (
        delayed(replicate)(
            market, strategy, replications=chunk, seed=seed, horizon=horizon, period=period, epoch=epoch, engine=engine
        )
        for strategy in strategies
        for chunk in chunks
    )
    frames = []
    for frame in Parallel(n_jobs=workers, return_as="generator")(tasks):
        frames.append(frame)
        if progress:
            progress(int(frame["replication"].nunique()))
    outcomes = pd.concat(frames, ignore_index=True)
    return Comparison(outcomes=outcomes, period=period, discount_force=market.discount_force)
