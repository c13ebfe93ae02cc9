"""The purchases that a trial would see, in a market whose truth is known: to rehearse its reading."""

from __future__ import annotations

from typing import Unpack

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_kind, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.decisions.runs.experiment import Experiment, RunArguments
from churnsim.errors import ConfigError
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.trials.assignment import CONTROL, TrialAssignment
from churnsim.trials.replayed_arms import experiment_for, going_without
from churnsim.units import DAYS_PER_UNIT


@typed
def simulate_trial(
    market: Market | Experiment,
    strategy: Strategy,
    trial: TrialAssignment,
    *,
    replication: int = 0,
    **run: Unpack[RunArguments],
) -> pd.DataFrame:
    """The purchases during a trial, of customers under the strategy or without the parts that are held out.

    Parameters
    ----------
    market : Market or Experiment
        With the customers of the list, and the truth that the trial is to find. Others go on under the strategy.
    strategy : Strategy
        What the treated are under.
    trial : TrialAssignment
        Who is in which arm.
    replication : int
        Which of the futures.
    **run
        Parameters of `Experiment`, `seed` at least. A seed other than the design's makes another future than the
        replayed ones.

    Returns
    -------
    DataFrame
        One row a purchase: `customer_id` (as the market's customers have it), `date` and `amount`. Raises ConfigError
        where the market's customers are not those of the list.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow()).head(300)
    >>> market = cs.Market(
    ...     customers=cs.PosteriorBase(summary), purchases=cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    ...     spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44),
    ... )
    >>> mails = cs.Strategy(name="mails", retention=cs.simulation.RetentionContacts(budget_per_period=900.0))
    >>> plan = cs.trials.design_trial(
    ...     market, mails, about="retention.purchase_lift", effect=4.0, weeks=[26], shares=[0.5], power=0.5, seed=1,
    ...     replications=4,
    ... )
    >>> log = simulate_trial(market, mails, plan.assignment(start="1998-07-01"), seed=2)
    >>> str(log["date"].min())[:7], list(log.columns)
    ('1998-07', ['customer_id', 'date', 'amount'])
    """
    check_kind(trial, "trial", TrialAssignment, "a TrialAssignment")
    check_count(replication, "replication", least=0)
    plan = trial.manifest
    experiment, length = experiment_for(market, plan.weeks, run)
    ids = getattr(experiment.market.customers, "ids", None)
    if ids is None or not set(ids.astype(str)) >= set(trial.table["customer_id"]):
        raise ConfigError(
            "the market's customers are not those of the trial's list. Give the market it was drawn from."
        )
    arm = trial.table.set_index("customer_id")["arm"].reindex(ids.astype(str)).to_numpy()
    uids = customer_uids(ids)
    order = np.argsort(uids)
    sides = []
    for out, side in ((False, strategy), (True, going_without(strategy, plan.without))):
        ledger = experiment.ledger(side, replication, log=True)
        rows = pd.DataFrame([e for e in ledger.events if e.kind == "purchase" and e.time < length])
        rows = rows if len(rows) else pd.DataFrame({"time": [], "uid": [], "cents": []})
        place = order[np.minimum(np.searchsorted(uids[order], rows["uid"]), len(uids) - 1)]
        mine = (uids[place] == rows["uid"].to_numpy()) & ((arm[place] == CONTROL) == out)
        sides.append(rows[mine].assign(customer_id=ids[place[mine]]))
    found = pd.concat(sides).sort_values(["time", "customer_id"], kind="stable")
    day = np.floor(found["time"].to_numpy(dtype=np.float64) * DAYS_PER_UNIT[experiment.market.unit])
    date = pd.Timestamp(plan.start) + pd.to_timedelta(day, unit="D")
    return pd.DataFrame(
        {"customer_id": found["customer_id"].to_numpy(), "date": date, "amount": found["cents"].to_numpy() / 100}
    )
