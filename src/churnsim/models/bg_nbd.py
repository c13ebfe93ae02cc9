"""BG/NBD: repeat buying with dropout after a repeat purchase.

Fader, Hardie & Lee (2005), "'Counting your customers' the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24(2), 275-284. While alive a customer buys as a Poisson process at rate lambda; after each repeat
purchase it drops out with probability p; lambda ~ Gamma(r, rate alpha) and p ~ Beta(a, b), independently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from churnsim.models.beta_dropout import BetaDropout

__all__ = ["BGNBD"]


@dataclass(frozen=True, kw_only=True)
class BGNBD(BetaDropout):
    """A BG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0.

    A customer without a repeat purchase is alive for certain, since dropout follows one.
    """

    r: float
    alpha: float
    a: float
    b: float
    unit: str = "W"

    family: ClassVar[str] = "bg_nbd"
    drops_at_first: ClassVar[bool] = False
