"""MBG/NBD: as BG/NBD, but the first purchase can be the last one too.

Batislam, Denizel & Filiztekin (2007), "Empirical validation and comparison of models for customer base analysis",
International Journal of Research in Marketing 24(3), 201-209; the same model as the CBG/NBD of Hoppe & Wagner (2007),
Marketing: Journal of Research and Management 3(2), 75-90. In BG/NBD a customer who never buys again counts as alive
for ever; here it may have left after its first purchase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.models.purchase.bg_nbd import BetaDropout, BGNBDCovariates
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.protocol import Simulated
from churnsim.typing import Floats


class MBGNBD(BetaDropout):
    """An MBG/NBD model: shape `r` and rate `alpha` (in time units) of the purchase rate, `a` and `b` of the dropout
    probability, and the `unit` of time ("H", "D", "W", "M", "Y"). Raises ConfigError unless all are finite and above 0.

    Examples
    --------
    >>> model = MBGNBD(r=0.52, alpha=6.18, a=0.89, b=1.62)
    >>> round(float(model.expected_purchases_new(39.0)), 3)
    1.177
    """

    family: ClassVar[str] = "mbg_nbd"
    title: ClassVar[str] = "MBG/NBD"
    simulated_as: ClassVar[Simulated | None] = "dropout at once"
    within: ClassVar[str | None] = "nbd"
    drops_at_first: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class MBGNBDCovariates(BGNBDCovariates):
    """An MBG/NBD model whose `alpha` and `a` are those of an average customer; all else as in `BGNBDCovariates`.

    Parameters
    ----------
    r, alpha : float
        Shape and rate (in time units) of an average customer's purchase rate.
    a, b : float
        Of an average customer's dropout probability.
    rate_effects, lifetime_effects, covariate_means : mapping of covariate to number
        As of `BGNBDCovariates`.
    unit : str
        Of time.

    Examples
    --------
    >>> import numpy as np
    >>> summary = MBGNBD(r=0.5, alpha=8.0, a=0.8, b=2.5).draw_summary(np.full(500, 40.0), seed=1)
    >>> fit = MBGNBDCovariates.fit(summary.assign(big=np.tile([0.0, 1.0], 250)), covariates_lifetime=["big"])
    >>> fit.names[-1], fit.status.code
    ('lifetime:big', 'converged')
    """

    family: ClassVar[str] = "mbg_nbd_covariates"
    plain: ClassVar[Any] = MBGNBD
    more: ClassVar[tuple[Any, ...]] = (True,)
    drops_at_first: ClassVar[bool] = True

    def _of(self, h: Histories) -> Sequence[float | Floats]:
        # The first purchase is a toss that was survived already.
        *others, b = super()._of(h)
        return [*others, b + 1.0]
