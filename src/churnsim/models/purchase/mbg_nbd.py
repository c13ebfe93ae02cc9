"""MBG/NBD: as BG/NBD, but the first purchase can be the last one too.

Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for customer base analysis",
International Journal of Research in Marketing 24(3), 201-209; the same model as the CBG/NBD of Hoppe & Wagner (2007),
Marketing: Journal of Research and Management 3(2), 75-90. In BG/NBD a customer who never buys again counts as alive
for ever; here it may have left after its first purchase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from churnsim.models.purchase.bg_nbd import BetaDropout
from churnsim.models.purchase.protocol import Simulated


@dataclass(frozen=True, kw_only=True)
class MBGNBD(BetaDropout):
    """An MBG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0.

    Examples
    --------
    >>> model = MBGNBD(r=0.52, alpha=6.18, a=0.89, b=1.62)
    >>> round(float(model.expected_purchases_new(39.0)), 3)
    1.177
    """

    r: float
    alpha: float
    a: float
    b: float
    unit: str = "W"

    family: ClassVar[str] = "mbg_nbd"
    title: ClassVar[str] = "MBG/NBD"
    simulated_as: ClassVar[Simulated | None] = "dropout at once"
    within: ClassVar[str | None] = "nbd"
    drops_at_first: ClassVar[bool] = True
