"""Customer relationships as Markov chains.

Pfeifer & Carraway (2000), "Modeling customer relationships as Markov chains", Journal of Interactive Marketing
14(2), 43-55. A customer moves between states by P; being in state i earns R_i. With v = 1/(1 + d)

    V_T = sum over t = 0 ... T of (v P)^t R,      V = (I - v P)^-1 R   without an end.

Their example has states by recency: one who bought last period, two periods ago, ..., lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from churnsim.checks import check_count, typed
from churnsim.economics.multiples import discount_factor
from churnsim.economics.switching import checked_chances, checked_matrix
from churnsim.errors import ConfigError
from churnsim.typing import Floats


@typed
def recency_chain(buys: Sequence[float]) -> Floats:
    """P of a customer who buys with chance buys[i] at recency i + 1 and is lost after the last of them.

    Examples
    --------
    >>> recency_chain([0.3, 0.2]).tolist()
    [[0.3, 0.7, 0.0], [0.2, 0.0, 0.8], [0.0, 0.0, 1.0]]
    """
    checked_chances(buys)
    n = len(buys)
    P = np.zeros((n + 1, n + 1))
    P[:n, 0] = buys
    P[range(n), range(1, n + 1)] = 1.0 - np.asarray(buys)
    P[n, n] = 1.0
    return P


@typed
def chain_values(
    transitions: Floats, rewards: Sequence[float], *, discount_rate: float, periods: int | None = None
) -> Floats:
    """Value in each state, the reward of the present period included; `periods` further ones, or without an end.

    Raises ConfigError when rows are not chances, or the discount rate is not above 0 and there is no end.

    Examples
    --------
    >>> chain_values(recency_chain([0.3, 0.2]), [36.0, -4.0, 0.0], discount_rate=0.2).round(2).tolist()
    [51.57, 4.6, 0.0]
    """
    P, R = checked_matrix(transitions), np.asarray(rewards, dtype=np.float64)
    v = discount_factor(discount_rate)
    if R.shape != (len(P),):
        raise ConfigError(f"there must be one reward for each of the {len(P)} states; got {R.shape}.")
    if periods is None:
        if v >= 1.0:
            raise ConfigError(f"without an end the discount rate must be above 0; got {discount_rate!r}.")
        return np.asarray(np.linalg.solve(np.eye(len(P)) - v * P, R), dtype=np.float64)
    check_count(periods, "periods", least=0, most=1_000_000)
    worth = R
    for _ in range(periods):
        worth = R + v * (P @ worth)
    return worth
