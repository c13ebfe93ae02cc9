"""One row a customer: what became of each in one replication, read from the event log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import typed
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.kernels.engine.event_rules import EVAPORATES, SWITCHES
from churnsim.kernels.engine.records import KNOWN, PAID, REFERRED, SWITCHED, TOLD
from churnsim.simulation.customers.base import Base
from churnsim.simulation.engine.ledger import Ledger
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.scenario.strategy import Strategy

LOST = "lost_"
COLUMNS = (
    "customer_id", "origin", "channel", "born", "rate", "dropout", "first_lost", "lost", "cause", "destination",
    "returns", "failures", "complaints", "referrals", "purchases", "last_purchase", "revenue", "margin", "net_margin",
    "value",
)  # fmt: skip
# How a customer came, in the words of the ledger's accounts, and where a lost one went.
ORIGINS = {KNOWN: "start", PAID: "paid", REFERRED: "referred", TOLD: "told", SWITCHED: "switched"}
DESTINATIONS = {EVAPORATES: "nobody", SWITCHES: "competitor"}


@typed
def customer_table(experiment: Experiment, strategy: Strategy, replication: int) -> pd.DataFrame:
    """What became of every customer in one replication; index uid.

    Parameters
    ----------
    experiment : Experiment
        The market and how it is simulated.
    strategy : Strategy
        What the firm does.
    replication : int
        Number of the replication, from 0.

    Notes
    -----
    Who it is: `customer_id` (the data's own; missing for who came later and for a cohort), `origin` ("start" for the
    base; "paid", "referred", "told" by others or "switched" from a competitor for who came later), `channel` (that
    brought one who was paid for; "" for the one without a name, and for all others), `born` (first purchase, in time
    units; 0 or before for the base), and the true `rate` (purchases per time unit) and `dropout` (probability, hazard
    or multiplier, as the purchase model has it), which no firm sees.

    What became of it: `first_lost` (missing while never lost), `lost`, `cause` and `destination` (missing, "" and ""
    for those with the firm at the horizon; who was gone before the start has lost = 0 and cause "before the start";
    destinations are "nobody" and "competitor"), `returns`, `failures`, `complaints`, `referrals` (times it recommended
    the firm, whether or not somebody came), `purchases` and `last_purchase`.

    What it brought: `revenue` and `margin` (money over the horizon), `net_margin` (the margin less what was spent on
    this customer: contacts, offers, answers, compensation, serving; what it cost to win is in no customer's account),
    and `value` (the margin discounted to time 0 or, for a new customer, to its birth).

    Where bonds, cross-selling or a profit by tenure make the margin's share of revenue differ between purchases, a
    purchase gets the share that its period has on average; `net_margin` has each purchase's own.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.simulation.FixedSpend(amount=10.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> table = customer_table(cs.Experiment(market=market, seed=1, horizon=8), cs.Strategy(name="none"), 0)
    >>> bool((table["revenue"] == 10.0 * table["purchases"]).all())
    True
    """
    experiment.warn_of_epochs([strategy])
    return _OneTable(experiment, strategy)(replication)


@typed
def customer_tables(
    experiment: Experiment,
    strategy: Strategy,
    **run: Unpack[RunArguments],
) -> list[pd.DataFrame]:
    """The `customer_table` of each replication, in order.

    Parameters
    ----------
    experiment : Experiment
        The market and how it is simulated.
    strategy : Strategy
        What the firm does.
    **run
        Parameters of `Experiment` that replace the experiment's own; `replications` is 30 by default.

    Returns
    -------
    list of DataFrame
        One table per replication, with the columns of `customer_table`.

    Examples
    --------
    >>> import churnsim as cs
    >>> model, spend = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0), cs.GammaGamma(p=6.0, q=4.0, gamma=15.0)
    >>> market = cs.Market(customers=cs.Cohort(size=20), purchases=model, spend=spend)
    >>> experiment = cs.Experiment(market=market, seed=1, horizon=8)
    >>> [len(table) for table in customer_tables(experiment, cs.Strategy(name="none"), replications=2)]
    [20, 20]
    """
    experiment = Experiment.of(experiment, run)
    replications = experiment.size(30, least=1)
    experiment.names([strategy])
    experiment.warn_of_epochs([strategy])
    tables: list[pd.DataFrame] = [pd.DataFrame()] * replications
    for index, table in experiment.map(_OneTable(experiment.task_part, strategy), range(replications)):
        tables[index] = table
    return tables


@dataclass(frozen=True)
class _OneTable:
    experiment: Experiment
    strategy: Strategy

    def __call__(self, replication: int) -> pd.DataFrame:
        scenario = self.experiment.scenario(self.strategy)
        ledger = self.experiment.ledger(self.strategy, replication, log=True)
        market = scenario.market.in_replication(replication, seed=self.experiment.seed)
        base = market.customers.draw(
            purchases=market.purchases, spend=market.spend, seed=self.experiment.seed, replication=replication
        )
        return _table(scenario, ledger, base)


def _table(scenario: Scenario, ledger: Ledger, base: Base) -> pd.DataFrame:
    log = pd.DataFrame(ledger.events, columns=["time", "uid", "kind", "cents"]).astype({"cents": np.float64})
    births = log[log["kind"] == "birth"]
    uids = np.concatenate([base.uids, births["uid"].to_numpy(dtype=np.int64)])
    table = pd.DataFrame(index=pd.Index(uids, name="uid"))
    assert ledger.customers is not None  # a log was asked for
    states = ledger.customers.reindex(table.index)
    ids = getattr(scenario.market.customers, "ids", None)
    table["customer_id"] = pd.Series(ids, index=base.uids, dtype=object) if ids is not None else None
    table["origin"] = states["origin"].map(ORIGINS)
    channels = {code: name for name, code in scenario.market.prospects.codes.items()}
    table["channel"] = states["channel"].map(channels).fillna("")
    table["born"] = np.concatenate([base.first_purchase, births["time"].to_numpy(dtype=np.float64)])
    table[["rate", "dropout"]] = states[["rate", "dropout"]]
    gone = np.concatenate([~base.alive, np.zeros(len(births), dtype=bool)])
    _add_outcomes(table, log, gone)
    table["destination"] = states["destination"].map(DESTINATIONS).fillna("").where(table["lost"].notna(), "")
    for name, kind in (("failures", "failure"), ("complaints", "complaint")):
        counts = log.loc[log["kind"] == kind, "uid"].value_counts()
        table[name] = counts.reindex(table.index, fill_value=0)
    table["referrals"] = states["referrals"]
    table["last_purchase"] = states["last_purchase"]
    purchases = log[log["kind"] == "purchase"]
    period = np.minimum((purchases["time"] / ledger.period).astype(np.int64), len(ledger.table) - 1)
    revenue, margin = ledger.cents("revenue"), ledger.cents("margin")
    share = np.divide(margin, revenue, out=np.zeros(len(revenue)), where=revenue > 0)
    since = purchases["time"].to_numpy() - np.maximum(
        table.loc[purchases["uid"], "born"].to_numpy(dtype=np.float64), 0.0
    )
    earned = purchases["cents"].to_numpy() * share[np.asarray(period)] / 100
    by_uid = pd.DataFrame(
        {
            "uid": purchases["uid"],
            "purchases": 1,
            "revenue": purchases["cents"] / 100,
            "margin": earned,
            "value": earned * np.exp(-ledger.discount_force * since),
        }
    ).groupby("uid")
    sums = by_uid.sum().reindex(table.index, fill_value=0)
    table = table.join(sums).astype({"purchases": np.int64})
    table["net_margin"] = states["margin"] / 100
    return table[list(COLUMNS)]


def _add_outcomes(table: pd.DataFrame, log: pd.DataFrame, gone: NDArray[np.bool_]) -> None:
    """First and last loss, its cause, and returns."""
    lost = log[log["kind"].str.startswith(LOST)]
    returned = log[log["kind"] == "returned"].groupby("uid")["time"].agg(["max", "count"]).reindex(table.index)
    last = lost.groupby("uid").last().reindex(table.index)
    before = pd.Series(gone, index=table.index)
    first = lost.groupby("uid")["time"].min().reindex(table.index)
    table["first_lost"] = first.where(~before, 0.0)
    time = last["time"].where(last["time"].notna() | ~before, 0.0)
    with_firm = time.isna() | (returned["max"] >= time)
    table["lost"] = time.where(~with_firm)
    cause = last["kind"].str.removeprefix(LOST).where(last["kind"].notna() | ~before, "before the start")
    table["cause"] = cause.where(~with_firm, "").astype(str)
    table["returns"] = returned["count"].fillna(0).astype(np.int64)
