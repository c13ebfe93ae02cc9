"""Surveys sampled from the simulated customers: where the instrument meets a world whose state is known.

Each of three satisfaction items of the ACSI is 5.5 + 3.5 s and noise, ticked on 1 to 10, so that the index of many
answers is 50 + 38.9 s; what is expected of the service and how it was perceived are asked on the same scale.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import check_number, check_seed, typed
from churnsim.data.logs.customer_uid import customer_uids
from churnsim.errors import DataError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import tick

ITEMS = ("satisfaction_1", "satisfaction_2", "satisfaction_3")
SCALE = (1.0, 10.0)
MIDDLE, REACH, NOISE = 5.5, 3.5, 0.9
"""Steps that satisfaction from -1 to 1 moves an answer either way, and a respondent's noise in an item (assumed): both
ends of the scale are then hardly ever cut off."""
STEP = 1.2
"""Steps of the scale for one standard deviation of experienced quality (assumed)."""


@typed
def sample_survey(
    customers: pd.DataFrame,
    n: int,
    *,
    seed: int = 0,
    ids: pd.Index | None = None,
    silence: float = 0.0,
) -> Survey:
    """Ask `n` of the customers alive in a ledger's `customers` table, chosen at random without replacement.

    `silence` w makes the satisfied likelier to answer (chance in proportion to e^(w s); below 0 the angry): a survey of
    such answers is biased, as real ones are. `ids` are the customers' own ids, by which answers then join purchases;
    uids stand in for those who are not among them. Raises DataError where fewer than `n` are alive, ConfigError for a
    weight that is not finite.

    Examples
    --------
    >>> customers = pd.DataFrame({"alive": [1, 1, 1, 0], "satisfied": [0.9, 0.0, -0.9, 0.9], "expected": 0.0})
    >>> answers = sample_survey(customers, 3, seed=1).answers["perception"]
    >>> answers.mean(axis=1).sort_index().round(1).tolist()
    [8.3, 6.3, 3.3]
    """
    check_number(silence, "silence", least=-100, most=100)
    lacking = [name for name in ("alive", "satisfied", "expected") if name not in customers.columns]
    if lacking:
        raise DataError(f"the customers lack {lacking[0]!r}: take those of a ledger with log=True and satisfaction.")
    names = ["alive", "satisfied", "expected"]
    known = pd.DataFrame(number_columns(customers, names), customers.index)
    alive = known[known["alive"] > 0]
    check_seed(seed)
    if not 0 < n <= len(alive):
        raise DataError(f"{n} of {len(alive)} customers cannot be asked. Ask at least one and at most all.")
    random = np.random.Generator(np.random.Philox(seed))
    chance = np.exp(silence * alive["satisfied"].to_numpy())
    chosen = alive.iloc[random.choice(len(alive), size=n, replace=False, p=chance / chance.sum())]
    index = pd.Index([f"r{uid}" for uid in chosen.index], name="respondent")
    state = chosen["satisfied"].to_numpy()[:, None]
    answers = pd.DataFrame(
        tick(MIDDLE + REACH * state + NOISE * random.standard_normal((n, len(ITEMS))), SCALE),
        index=index,
        columns=list(ITEMS),
    )
    expected = MIDDLE + STEP * chosen["expected"].to_numpy() + NOISE * random.standard_normal(n)
    asked = {"perception": answers, "expectation": pd.DataFrame({"service": tick(expected, SCALE)}, index=index)}
    own = {} if ids is None else dict(zip(customer_uids(ids).tolist(), map(str, ids), strict=True))
    who = pd.DataFrame({"customer_id": [own.get(uid, str(uid)) for uid in chosen.index]}, index=index)
    return Survey.from_frames(asked, scale=SCALE, respondents=who)


def index_of(satisfied: float) -> float:
    """Index from 0 to 100 that a population of that satisfaction has."""
    return 100 * (MIDDLE + REACH * satisfied - SCALE[0]) / (SCALE[1] - SCALE[0])


@typed
def satisfied_at(index: float) -> float:
    """Satisfaction, -1 to 1, of a population with that index (0 to 100).

    Examples
    --------
    >>> satisfied_at(50.0), round(satisfied_at(76.0), 2)
    (0.0, 0.67)
    """
    return (SCALE[0] + index / 100 * (SCALE[1] - SCALE[0]) - MIDDLE) / REACH
