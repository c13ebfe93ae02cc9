"""Offers at renewal: how many renew at which price, and what that says of the response to a lower one.

Of customers offered a discount d (share of the price), the share q (1 - m (1 - e^(-d/s))) leaves at the renewal: q of
those without an offer, m the most that a lower price prevents, s the discount at which 63% of it is reached. Counts of
those who leave are binomial, so the posterior of (q, m, s) is computed on a grid: q and m uniform, ln s normal about
ln 0.1 with standard deviation 1 (a factor of five either way with probability 0.9).

Customers who were offered less may differ from those who were offered more. Whether chance alone decided is checked as
in any trial (`trial_effects`), on what was known before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from churnsim.checks import check_count, check_frame, check_level, check_number, check_seed, typed
from churnsim.data.records.reading import record_table
from churnsim.errors import DataError
from churnsim.evidence.grid import grid_draws
from churnsim.evidence.records import RecordEvidence, left_out, shares, status_of_trial, untold
from churnsim.evidence.trial import TrialEffects, trial_effects
from churnsim.simulation.core.belief import Belief
from churnsim.typing import Floats

MEDIAN_SCALE, SPREAD_OF_SCALE = 0.1, 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class OfferEvidence(RecordEvidence):
    """What a record of offers shows.

    Attributes
    ----------
    by_discount : DataFrame
        Indexed by `discount`: `offers`, how many `renewed`, the share `retention` with `lower` and `upper` (Wilson).
    effects : TrialEffects
        Differences of the share who leave between the arms and the control, and the checks of the trial.
    prevented, scale : array of shape (draws,)
        Joint draws of m, the share of those leaving that a lower price prevents at most, and s.
    checks, status, level
        As of every estimator from records.
    """

    by_discount: pd.DataFrame
    effects: TrialEffects
    prevented: Floats
    scale: Floats

    def _lines(self) -> list[str]:
        rows = [
            f"discount {discount:.0%}: {row['renewed']:,.0f} of {row['offers']:,.0f} renew, "
            + self._share(row, "retention")
            for discount, row in self.by_discount.iterrows()
        ]
        return [self.status, *rows, *self._believed(self.beliefs())]

    def beliefs(self, *, harmed_share: float = 0.0) -> dict[str, Belief]:
        """Joint beliefs in "renewal_offers.max_effect" and "renewal_offers.discount_scale".

        A market lets offers harm as many as contacts do (its `retention.harmed_share`), so that its mean effect is
        max_effect (1 - 2 harmed_share); give that share, and the mean effect is the one that was measured.
        """
        net = 1 - 2 * check_number(harmed_share, "harmed_share", least=0, below=0.5)
        offers = int(self.by_discount["offers"].sum())
        numbers = {"max_effect": np.minimum(self.prevented / net, 1.0), "discount_scale": self.scale}
        return self._drawn("renewal_offers", numbers, f"{offers:,} renewals at {len(self.by_discount)} prices")


@typed
def offer_evidence(
    offers: Any,
    *,
    control: str,
    chance: Mapping[str, float] | None = None,
    history: pd.DataFrame | None = None,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> OfferEvidence:
    """How many customers renew at which price, and the response that follows.

    Parameters
    ----------
    offers : DataFrame or path
        One row a customer and renewal that came up: ``customer_id``, ``renewal`` (its day), ``arm`` (what was to be
        offered, the control included), ``discount`` (share of the price, 0 for none) and ``renewed`` (yes or no). Of a
        customer with several rows the first renewal counts: later ones come to those alone who renewed.
    control : str
        The arm without an offer.
    chance : mapping, optional
        Each arm's probability. Without it, or without `history`, nothing says that chance alone decided, and the status
        is "measured here (observational)".
    history : DataFrame, optional
        What was known of each customer before, indexed by ``customer_id``: its columns are looked at for balance, and
        adjusted for in `effects`.
    level : float
        Of the intervals.
    draws, seed : int
        Of the posterior.

    Returns
    -------
    OfferEvidence

    Raises
    ------
    DataError
        Names row, value and remedy of a missing value, a discount that is not from 0 to below 1, a control with a
        discount, two rows for one renewal. Also for customers without a history, and where all prices are alike.

    Examples
    --------
    >>> random = np.random.default_rng(2)
    >>> discount = random.choice([0.0, 0.1, 0.3], 3000)
    >>> leaves = random.random(3000) < 0.25 * (1 - 0.4 * (1 - np.exp(-discount / 0.1)))
    >>> rows = pd.DataFrame({"customer_id": range(3000), "renewal": "2024-05-01", "discount": discount})
    >>> rows = rows.assign(arm=rows["discount"].astype(str), renewed=~leaves)
    >>> found = offer_evidence(rows, control="0.0")
    >>> belief = found.beliefs()["renewal_offers.max_effect"]
    >>> found.status, bool(belief.low < 0.4 < belief.high)
    ('measured here (observational)', True)
    """
    check_level(level)
    check_seed(seed)
    check_count(draws, "draws", least=2)
    rows = record_table("offers", offers)
    frame = rows.frame
    free = (frame["arm"].astype(str) == control) & (frame["discount"] > 0)
    rows.refuse(free, "discount", "is offered to the control", "Give the control a discount of 0.")
    frame = rows.checked().sort_values("renewal", kind="stable")
    first = frame.drop_duplicates("customer_id").set_index("customer_id")
    later = len(frame) - len(first)
    if first["discount"].nunique() < 2:
        raise DataError("every offer has the same discount, so nothing shows what a price does. Add those without one.")
    effects = _trial(first, control, chance, history, level)
    discount, place = np.unique(first["discount"].to_numpy(np.float64), return_inverse=True)
    count = np.bincount(place)
    renewed = np.asarray(np.bincount(place, weights=first["renewed"].to_numpy(np.float64)), dtype=np.float64)
    m, s = _posterior(discount, np.asarray(count - renewed, np.float64), count.astype(np.float64), draws, seed)
    table = pd.DataFrame(
        {"offers": count, "renewed": renewed.astype(np.int64), **shares(renewed, count, level, "retention")},
        index=pd.Index(discount, name="discount"),
    )
    checks = [*rows.told(), *left_out((later, "later renewals")), *untold(effects, "max_effect")]
    if len(table) == 2:
        checks.append("one discount alone was offered: the effect at it is measured, its course rests on the prior")
    return OfferEvidence(
        by_discount=table, effects=effects, prevented=m, scale=s, checks=tuple(checks), status=status_of_trial(effects),
        level=level,
    )  # fmt: skip


def _trial(
    first: pd.DataFrame, control: str, chance: Mapping[str, float] | None, history: pd.DataFrame | None, level: float
) -> TrialEffects:
    """Who leaves, by arm."""
    customers = pd.DataFrame({"arm": first["arm"].astype(str), "left": 1.0 - first["renewed"]})
    names: list[str] = []
    if history is not None:
        check_frame(history, "history", "Give one row a customer, indexed by customer_id.")
        absent = ~customers.index.isin(history.index)
        if absent.any():
            raise DataError(
                f"history has no row for customer {str(customers.index[absent][0])[:80]!r} ({int(absent.sum()):,} such "
                "customers). Give one to each, with ids written alike."
            )
        names = [str(name) for name in history.columns]
        known = history[~history.index.duplicated()].loc[customers.index]
        customers = customers.join(known.set_axis([f"before {name}" for name in names], axis=1))
        names = [f"before {name}" for name in names]
    return trial_effects(customers, outcomes=["left"], control=control, chance=chance, covariates=names, level=level)


def _posterior(discount: Floats, leavers: Floats, offers: Floats, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Joint draws of m and s."""

    def log_density(q: Floats, m: Floats, u: Floats) -> Floats:
        s = _scale(u)
        total: Floats = np.zeros(1)
        for d, k, n in zip(discount, leavers, offers, strict=True):
            share = np.maximum(q * (1 - m * -np.expm1(-d / s)), 1e-300)
            total = total + k * np.log(share) + (n - k) * np.log1p(-share)
        return total

    _, m, u = grid_draws(log_density, 3, draws=draws, seed=seed)
    return m, _scale(u)


def _scale(u: Floats) -> Floats:
    """The quantile of the prior of s."""
    return np.asarray(MEDIAN_SCALE * np.exp(SPREAD_OF_SCALE * ndtri(u)))
