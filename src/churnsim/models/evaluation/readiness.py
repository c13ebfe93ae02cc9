"""Whether a firm's data suffice for a family, before it is fitted, by what fits to simulated firms came to.

Measured (`benchmarks/readiness.py`): customers of CDNOW's published parameters, 100 to 3,200 of them observed for 13,
26 and 52 weeks, 40 firms each; the share of fits that the data determined (status "converged"), and the error that one
forecast in ten exceeded: of all purchases in as many weeks again, against the forecast of the true parameters. Rows
are told apart by the mean number of repeat purchases, which is what more weeks bring, and by how many customers bought
again. A market that differs from CDNOW in more than these needs other numbers: the rule is a first look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churnsim.checks import check_choice, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.models.purchase.histories import Histories
from churnsim.models.purchase.registry import AT_OPPORTUNITIES, PURCHASE_FAMILIES
from churnsim.units import UNIT_NAMES

# By family and mean repeat purchases: repeat customers, share of fits determined, error of one forecast in ten.
MEASURED = {
    "bg_nbd": {
        0.46: ((25, 53, 105, 207, 410, 826), (0.20, 0.42, 0.65, 0.75, 0.88, 1.0), (0.42, 0.30, 0.23, 0.22, 0.16, 0.10)),
        0.79: ((34, 73, 139, 282, 557, 1113), (0.62, 0.85, 0.88, 0.98, 1.0, 1.0), (0.42, 0.26, 0.23, 0.14, 0.08, 0.09)),
        1.28: ((43, 89, 176, 351, 702, 1405), (0.78, 0.98, 1.0, 1.0, 1.0, 1.0), (0.27, 0.22, 0.18, 0.11, 0.07, 0.06)),
    },
    "pareto_nbd": {
        0.46: ((27, 55, 108, 217, 425, 857), (0.05, 0.38, 0.18, 0.3, 0.5, 0.48), (0.61, 0.40, 0.32, 0.30, 0.20, 0.19)),
        0.79: ((35, 73, 140, 282, 559, 1116), (0.32, 0.55, 0.62, 0.7, 0.8, 0.92), (0.46, 0.41, 0.3, 0.25, 0.19, 0.14)),
        1.30: ((40, 85, 166, 330, 662, 1327), (0.72, 0.88, 0.85, 1.0, 1.0, 1.0), (0.47, 0.29, 0.33, 0.16, 0.10, 0.08)),
    },
}  # fmt: skip
# Assumed: below these a fit is called too little or doubtful. Half of the fits, and a forecast in ten off by 30%; four
# in five, and 20%.
LITTLE, ENOUGH = (0.5, 0.3), (0.8, 0.2)
NEAR = 0.95  # of a measured mean number of purchases: its own rows are taken


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether the data suffice: a `verdict` ("ready", "doubtful" or "too little") and the `reason`, in words.

    Attributes
    ----------
    family, verdict, reason, basis : str
        The `basis` is "measured", or "assumed" for a family for which the numbers of BG/NBD stand in.
    customers, repeaters : int
        In the summary, and how many of them bought again.
    determined : float
        Share of such simulated firms for which the data determined the fit.
    error : float
        Relative error that one forecast in ten of them exceeded.
    """

    family: str
    verdict: str
    reason: str
    basis: str
    customers: int
    repeaters: int
    determined: float
    error: float

    @property
    def ok(self) -> bool:
        """Whether the verdict is "ready"."""
        return self.verdict == "ready"

    def __str__(self) -> str:
        return self.reason


@in_kind
@typed
def readiness(summary: CustomerFrame, family: str = "bg_nbd") -> Readiness:
    """Judge before a fit whether a summary suffices for a purchase family (see the module for what was measured).

    Parameters
    ----------
    summary : DataFrame
        `frequency, recency, T`.
    family : str
        "bg_nbd", "pareto_nbd", "mbg_nbd", "mbg_cnbd" or "nbd"; the last three by the numbers of BG/NBD (assumed).

    Returns
    -------
    Readiness
        Raises ConfigError for another family, DataError for an impossible summary.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-06-30", unit="D").iloc[::5]
    >>> print(readiness(summary, "pareto_nbd").reason.partition(", because")[0])
    472 customers, of whom 167 bought again, and 180 days: doubtful for Pareto/NBD
    >>> readiness(cs.summarise(cs.datasets.cdnow()), "pareto_nbd").ok
    True
    """
    check_choice(family, "family", tuple(name for name in PURCHASE_FAMILIES if name != AT_OPPORTUNITIES))
    h = Histories.of(summary)
    basis = "measured" if family in MEASURED else "assumed"
    rows = MEASURED.get(family, MEASURED["bg_nbd"])
    repeaters, mean = int((h.x > 0).sum()), float(h.x.mean())
    below = [each for each in rows if mean >= NEAR * each]
    at, share, off = rows[max(below, default=min(rows))]
    place = float(np.log(max(repeaters, 1)))
    determined, error = (float(np.interp(place, np.log(at), each)) for each in (share, off))
    fewer = repeaters < at[0] or not below
    if determined < LITTLE[0] or error > LITTLE[1] or repeaters < at[0]:
        verdict = "too little"
    elif determined >= ENOUGH[0] and error <= ENOUGH[1] and below:
        verdict = "ready"
    else:
        verdict = "doubtful"
    words = {"ready": "enough", "doubtful": "doubtful", "too little": "too little"}[verdict]
    unit = UNIT_NAMES[summary.attrs.get("unit", "W")]
    best = "at most " if fewer else ""
    reason = (
        f"{h.x.size:,} customers, of whom {repeaters:,} bought again, and {h.T.max():,.0f} {unit}: {words} for "
        f"{PURCHASE_FAMILIES[family].title}, because of 40 simulated firms like this one {best}{determined:.0%} of the "
        f"fits were determined by the data, and one forecast in ten was off by {error:.0%} or more."
    )
    if verdict != "ready":
        simpler = " A family with fewer parameters (NBD, BG/NBD) asks for less." if family == "pareto_nbd" else ""
        reason += f" Observe longer or take more customers.{simpler}"
    if basis == "assumed":
        reason += " (Measured for BG/NBD, assumed for this family.)"
    return Readiness(
        family=family, verdict=verdict, reason=reason, basis=basis, customers=int(h.x.size), repeaters=repeaters,
        determined=determined, error=error,
    )  # fmt: skip
