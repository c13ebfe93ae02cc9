"""Referrals: how many new customers an active customer brings in a year, who of the referred comes, and their worth.

With n_i referrals of customer i in e_i active years the rate is sum n_i / sum e_i. Customers refer at very different
rates, so its variance is that of a ratio over customers, not Poisson's. A referral becomes a customer with the first
purchase; how many do within a given time is one less the product limit (Kaplan & Meier 1958), since some were referred
too late to tell. Those whom one customer refers are alike, so its variance is by referrers too. The rate of new
customers is the product of the two; its variance is of what each customer adds to both.

The worth of those who came is compared with that of customers who began in the same quarter and were not referred.
Nobody drew who is referred: the ratio is an association.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_level, typed
from churnsim.data.records.reading import record_table
from churnsim.errors import DataError
from churnsim.evidence.records import (
    NEVER,
    History,
    Measured,
    RecordEvidence,
    chances,
    degrees,
    left_out,
    ratio_of_means,
)
from churnsim.product_limit import RiskTable, log_log_limits
from churnsim.simulation.core.belief import Belief
from churnsim.statistics import normal_quantile, resample_indices, wilson
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_YEAR, Duration

YEAR = Duration(1, "Y")
QUARTER = Duration(3, "M")
RESAMPLES, ENOUGH = 999, 5000  # of the referred, and how many need none


@dataclass(frozen=True, kw_only=True)
class ReferralEvidence(RecordEvidence):
    """What a record of referrals shows.

    Attributes
    ----------
    referrals, referrers, converted : int
        Referrals that count, customers who made them, and how many of them became customers by the end.
    active_years : float
        Of all customers.
    rate : Measured
        Referrals per active customer and year.
    conversion : Measured
        Share of the referred who buy within `within` of being referred; its standard error is by referrers.
    new_customers : Measured
        New customers per active customer and year, the product of the two.
    worth : Measured
        What the referred buy in the `horizon` from their first purchase on, over what others do who began in the same
        quarter; NaN where nobody was seen for as long.
    checks, status, level
        As of every estimator from records; the status is "measured here (observational)".
    """

    referrals: int
    referrers: int
    converted: int
    active_years: float
    rate: Measured
    conversion: Measured
    new_customers: Measured
    worth: Measured

    def _lines(self) -> list[str]:
        return [
            f"{self.referrals:,} referrals by {self.referrers:,} customers in {self.active_years:,.0f} active "
            f"years, {self.converted:,} of them became customers ({self.status})",
            f"referrals per active customer and year: {self.rate}",
            f"share of the referred who come: {self.conversion}",
            f"new customers per active customer and year: {self.new_customers}",
            f"worth of the referred over that of others (an association): {self.worth}",
        ]

    def beliefs(self) -> dict[str, Belief]:
        """The belief in "referral.rate_per_year". The market's rate is of satisfied customers, this one of all."""
        source = f"{self.referrals:,} referrals in {self.active_years:,.0f} active years, own records"
        return {"referral.rate_per_year": self.new_customers.belief(self.status, source, self.level)}


@typed
def referral_evidence(
    referrals: Any,
    purchases: Any,
    *,
    until: Any = None,
    active_for: Duration = YEAR,
    alive: pd.Series | None = None,
    within: Duration = QUARTER,
    horizon: Duration = YEAR,
    level: float = 0.9,
) -> ReferralEvidence:
    """How often customers refer others, who of these comes, and what they are worth.

    Parameters
    ----------
    referrals : DataFrame or path
        One row a referral: ``referrer_id``, ``referred_id`` and ``at``, the day of the referral.
    purchases : DataFrame
        ``customer_id``, ``date`` and, for worth in money, ``amount``, of all customers.
    until : str or date, optional
        The last day observed; the day of the last purchase unless given.
    active_for : Duration
        A customer counts as active from the first purchase until this long after the last one. Referrals made at other
        times are left out.
    alive : Series, optional
        In its place the chance that each customer is still there at the end, such as ``model.p_alive(summary)`` of a
        purchase model: the time since the last purchase then counts with this chance, which is exact where customers
        leave at a purchase, as in BG/NBD, and all referrals count.
    within : Duration
        The time in which a referral becomes a customer or does not.
    horizon : Duration
        Over which worth is compared.
    level : float
        Of the intervals.

    Returns
    -------
    ReferralEvidence

    Raises
    ------
    DataError
        Names row, value and remedy of customers who refer themselves, of a person referred twice, of referrals after
        the last day, and of referrers who had not bought by then. Also where no customer is active, or `alive` lacks
        some.

    Examples
    --------
    >>> purchases = pd.DataFrame(
    ...     {"customer_id": [1, 1, 2, 3], "date": ["2023-01-01", "2023-12-31", "2023-01-01", "2023-03-01"]}
    ... )
    >>> rows = pd.DataFrame({"referrer_id": [1, 2], "referred_id": [3, 4], "at": ["2023-02-20", "2023-06-01"]})
    >>> found = referral_evidence(rows, purchases)
    >>> found.referrals, found.converted, round(found.active_years, 2), round(found.conversion.value, 2)
    (2, 1, 2.83, 0.5)
    """
    check_level(level)
    history = History.of(purchases, until)
    rows = record_table("referrals", referrals)
    at = history.seen(rows, "at")
    referrer, referred = (history.customers(rows.frame[name]) for name in ("referrer_id", "referred_id"))
    began = history.first(referrer)
    rows.refuse(
        began > at, "referrer_id", "had bought nothing by then",
        "Write ids as in the purchases, and leave out referrals by people who were no customers.",
    )  # fmt: skip
    rows.checked()
    ends, doubt, words = _active_until(history, active_for, alive)
    arrived = history.first(referred)
    new = arrived >= at
    made = (at <= ends[referrer]) if alive is None else np.ones(len(at), dtype=bool)
    counts = new & made
    if not counts.any():
        raise DataError("no referral was made by an active customer of somebody new, so there is no rate. Check ids.")
    exposure = (ends - history.first(np.arange(len(ends)))) / DAYS_PER_YEAR
    if not exposure.sum() > 0:
        raise DataError("no customer is active for a day. Give a longer record of purchases or active_for.")
    number = np.bincount(referrer[counts], minlength=len(ends)).astype(np.float64)
    rate, error, df = ratio_of_means(number, exposure)
    of_doubt = doubt / DAYS_PER_YEAR / float(exposure.sum())
    conversion, of_conversion, moves = _conversion(
        referrer[counts], at[counts], arrived[counts], history.until, within.to("D"), level
    )
    # What each customer adds to the logarithms of both.
    both = (number - rate * exposure) / number.sum() + np.bincount(referrer[counts], moves, minlength=len(ends))
    of_new = math.sqrt(len(both) / max(len(both) - 1, 1) * float(both @ both) + of_conversion**2 + of_doubt**2)
    already, inactive = int((~new).sum()), int((new & ~made).sum())
    checks = [
        *rows.told(), f"active: {words}",
        *left_out(
            (already, "referrals of people who were customers already"), (inactive, "referrals by customers not active")
        ),
    ]  # fmt: skip
    if not (arrived[counts] == NEVER).any():
        checks.append("every referred person became a customer: the record seems to hold successful referrals alone")
    return ReferralEvidence(
        referrals=int(counts.sum()),
        referrers=len(np.unique(referrer[counts])),
        converted=int((arrived[counts] < NEVER).sum()),
        active_years=float(exposure.sum()),
        rate=Measured.positive(rate, math.hypot(error / rate, of_doubt), level, df),
        conversion=conversion,
        new_customers=Measured.positive(rate * conversion.value, of_new, level, degrees(both)),
        worth=_worth(history, referred[counts], arrived[counts], round(horizon.to("D")), level),
        checks=tuple(checks),
        level=level,
    )


def _active_until(history: History, active_for: Duration, alive: pd.Series[float] | None) -> tuple[Floats, float, str]:
    """The day until which each customer counts as active, in expectation where `alive` says how likely, the standard
    deviation of the days of all, and the rule in words."""
    last = history.last_before(np.arange(len(history.days.ids)), np.full(len(history.days.ids), history.until + 1))
    if alive is None:
        return np.minimum(last + active_for.to("D"), history.until), 0.0, f"until {active_for} after the last purchase"
    chance = chances(alive, history.days.ids)
    gap = (history.until - last).astype(np.float64)
    doubt = math.sqrt(float((gap**2 * chance * (1 - chance)).sum()))
    return last + gap * chance, doubt, "by the chance that the customer is still there"


def _conversion(
    referrer: Ints, at: Ints, arrived: Ints, until: int, within: float, level: float
) -> tuple[Measured, float, Floats]:
    """Share who have bought within a time of being referred, by the product limit; the standard error of its logarithm
    where all or none came, and by how much each referral moves that logarithm where some did."""
    came = (arrived < NEVER) & (arrived - at <= within)
    # A purchase on the day of the referral comes at half a day.
    waited = np.where(came, np.maximum(arrived - at, 0.5), np.minimum(until - at + 0.5, within))
    table = RiskTable.of(waited, came)
    stays = float(table.survival[-1]) if len(table.times) else 1.0
    if not 0 < stays < 1:  # all or none: no limits of the product limit, but as many as have referred those who tell
        known = len(np.unique(referrer[came | (waited >= within)]))
        low, high = (float(end) for end in wilson(known * (1 - stays), known, level=level))
        error = -math.log(low) / normal_quantile(level) if stays == 0 else math.nan
        return Measured(1 - stays, math.nan, low, high), error, np.zeros(len(at))
    moves = table.moves(waited, came, within)
    grouped = np.bincount(np.unique(referrer, return_inverse=True)[1], weights=moves)
    few = len(grouped) / max(len(grouped) - 1, 1)
    variance = np.maximum(table.greenwood[-1:], few * float(grouped @ grouped))
    lower, upper = log_log_limits(np.array([stays]), variance, level=level)
    found = Measured(1 - stays, stays * math.sqrt(variance[0]), float(1 - upper[0]), float(1 - lower[0]))
    return found, 0.0, -stays / (1 - stays) * moves


def _worth(history: History, referred: Ints, arrived: Ints, horizon: int, level: float) -> Measured:
    """Spending of the referred over that of others who began in the same quarter, in the days from the first
    purchase on."""
    everybody = np.arange(len(history.days.ids))
    first = history.first(everybody)
    seen = first + horizon <= history.until
    by_referral = np.zeros(len(everybody), dtype=bool)
    by_referral[referred[arrived < NEVER]] = True
    quarter = pd.PeriodIndex(first.astype("datetime64[D]").astype("datetime64[ns]"), freq="Q").asi8
    spent = history.spend_between(everybody, first - 1, first + horizon)
    other = other_variance = 0.0
    both = [q for q in np.unique(quarter[seen & by_referral]) if (seen & ~by_referral & (quarter == q)).sum() > 1]
    inside = seen & by_referral & np.isin(quarter, both)
    if inside.sum() < 2:
        return Measured.unknown()
    own = spent[inside]
    mean, variance = own.mean(), own.var(ddof=1) / len(own)
    for q in both:
        share = (inside & (quarter == q)).sum() / inside.sum()
        others = spent[seen & ~by_referral & (quarter == q)]
        other += share * others.mean()
        other_variance += share**2 * others.var(ddof=1) / len(others)
    if not (mean > 0 and other > 0):
        return Measured.unknown()
    error = math.sqrt(variance / mean**2 + other_variance / other**2)
    if len(own) > ENOUGH:
        return Measured.positive(mean / other, error, level)
    # A few spend most, so that the mean of some hundred referred is far from log-normal: the bootstrap of |t|.
    generator = np.random.default_rng(1)
    again = own[resample_indices(len(own), resamples=RESAMPLES, generator=generator)]
    means, variances = again.mean(axis=1), again.var(axis=1, ddof=1) / len(own)
    shift = generator.normal(0.0, math.sqrt(other_variance) / other, RESAMPLES)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (np.log(means / mean) - shift) / np.sqrt(variances / means**2 + other_variance / other**2)
    reach = math.exp(error * float(np.quantile(np.abs(t[np.isfinite(t)]), level)))
    return Measured(mean / other, error, mean / other / reach, mean / other * reach)
