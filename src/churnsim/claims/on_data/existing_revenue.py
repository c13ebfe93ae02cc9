"""`existing-revenue`: most revenue comes from existing customers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence, cdnow_evidence, log_of, market_evidence
from churnsim.claims.machinery.maps import records
from churnsim.claims.machinery.plausible import Plausible
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread
from churnsim.data.customers import existing_revenue
from churnsim.errors import DataError
from churnsim.models import BGNBD
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.core.lifetimes import FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.scenario.market import Market
from churnsim.units import units_per_year

YEARS = tuple(round(0.25 * i, 2) for i in range(1, 21))
FINE = tuple(round(0.05 * i, 2) for i in range(1, 101))
LATER = tuple(round(0.25 * i, 2) for i in range(1, 161))
FIRMS = 2000
BELIEFS = {
    "age of the firm in years": Belief(
        value=10.0, low=2.0, high=40.0, status="assumed", source="most firms are older than two years"
    ),
    "yearly growth": Belief(
        value=0.05, low=-0.10, high=0.50, law="normal", status="assumed", source="of the customers won, a usual firm"
    ),
}
"""Of any firm; a firm that knows its own reads the table by age."""
GROWTHS = (-0.2, 0.0, 0.2, 0.5, 1.0, 2.0)
"""Yearly growth of the number of customers won: relative, continuous rate ln(1 + g)."""


def share_by_age(evidence: MarketEvidence, growth: float, years: tuple[float, ...] = YEARS) -> NDArray[np.float64]:
    """Share of a firm's purchases that are repeat purchases, by its age, when customers are won at a rate that grows.

    A customer aged s has bought E[X(s)] times after the first purchase, so at age t of the firm repeat purchases
    come at a rate of int_0^t e^(-g s) dE[X(s)] for each new customer's first purchase. All customers are alike in
    what they spend.
    """
    if evidence.market.purchases.family == "contract":
        raise DataError("under a contract every payment after the first comes from an existing customer.")
    year = units_per_year(evidence.market.unit)
    grid = np.linspace(0.0, max(years) * year, 801)
    bought = np.asarray(evidence.market.purchases.expected_purchases_new(grid), dtype=np.float64)
    rate = np.log1p(growth) / year
    middle = 0.5 * (grid[1:] + grid[:-1])
    repeats = np.concatenate([[0.0], np.cumsum(np.diff(bought) * np.exp(-rate * middle))])
    at = np.interp(np.asarray(years) * year, grid, repeats)
    return np.asarray(at / (1.0 + at))


def judge(evidence: Evidence = None, quick: bool = False, *, swapped: bool = False) -> Finding:
    """By age and growth of a firm with the fitted customers; the control takes the new ones' revenue for theirs."""
    market = evidence if isinstance(evidence, MarketEvidence) else cdnow_evidence(replications=2)
    rows: Rows = []
    for growth in GROWTHS:
        share = share_by_age(market, growth)
        for years, value in zip(YEARS, 1.0 - share if swapped else share, strict=True):
            rows.append({"growth": growth, "years": years, "existing_percent": 100.0 * float(value)})
    inside = [row["existing_percent"] > 50.0 for row in rows]
    steady = [row for row in rows if row["growth"] == 0.0]
    # Taken for the others', the share would have to be above one half in the firm's maturity.
    late = [row for row in rows if row["years"] >= 3.0 and row["growth"] <= 0.2]
    if swapped:
        inside = [row["existing_percent"] > 50.0 for row in late]
    mass = None
    answer = Answer.HOLDS if all(inside) else Answer.FAILS
    if any(inside) and not all(inside):
        mass = _plausible(market)
        answer = mass.answer
    young, months = _on_a_log(evidence)
    ages = {growth: _age(market, growth) for growth in GROWTHS}
    told = ", ".join(f"{age:g} years at {growth:+.0%} a year" for growth, age in ages.items() if age is not None)
    never = ", ".join(f"{growth:+.0%}" for growth, age in ages.items() if age is None)
    firm = Part(
        name="(a) a firm with the fitted customers",
        estimand="Share of purchases that are repeat purchases, percent, by the firm's age and the growth of "
        "acquisition.",
        answer=answer,
        estimate=steady[-1]["existing_percent"],
        unit=f"percent of purchases at {YEARS[-1]:g} years, steady acquisition",
        reason=(
            f"A firm that wins as many customers every year makes {steady[3]['existing_percent']:.0f}% of its sales to "
            f"existing customers after one year and {steady[-1]['existing_percent']:.0f}% after {YEARS[-1]:g}."
        ),
        region=f"The firm is older than {told}" + (f"; never within {YEARS[-1]:g} years at {never}." if never else ".")
        if mass
        else None,
        plausible=mass,
        basis=Basis.ASSUMED if mass else None,
    )
    return Finding(
        answer=answer,
        basis=firm.basis,
        plausible=mass,
        reason=f"{firm.reason} {mass or ''} {young.reason}",
        **firm.figures,
        region=firm.region,
        parts=(firm, young),
        tables={"by_age": rows, **months},
    )


def _plausible(market: MarketEvidence) -> Plausible:
    """Share of plausible firms, by age and growth, whose purchases are mostly of existing customers."""
    rng = np.random.default_rng(1)
    drawn = {name: belief.sample(FIRMS, rng) for name, belief in BELIEFS.items()}
    growths = np.linspace(-0.5, 3.0, 36)
    by_growth = np.array([share_by_age(market, float(growth), LATER) for growth in growths])
    nearest = np.abs(growths[:, None] - drawn["yearly growth"]).argmin(axis=0)
    ages = np.clip(drawn["age of the firm in years"], LATER[0], LATER[-1])
    inside = [float(np.interp(age, LATER, by_growth[row])) > 0.5 for age, row in zip(ages, nearest, strict=True)]
    return Plausible.of_draws(inside, BELIEFS)


def _on_a_log(evidence: Evidence) -> tuple[Part, dict[str, Rows]]:
    name, estimand = "(b) on a log", "Share of a month's revenue from customers of earlier months, percent, by month."
    if isinstance(evidence, MarketEvidence) and evidence.log is None and not evidence.cdnow:
        reason = "No purchases of these customers were handed over."
        return Part(name=name, estimand=estimand, answer=Answer.UNDECIDED, reason=reason), {}
    log, label = log_of(evidence)
    data = existing_revenue(log, period_days=30)
    if data["share"].iloc[1:3].notna().sum() < 2:
        reason = f"The log of {label} has no purchases in its second or third month."
        return Part(name=name, estimand=estimand, answer=Answer.UNDECIDED, reason=reason), {}
    third = Spread(*(100.0 * float(data[column].iloc[2]) for column in ("share", "lower", "upper")))
    part = Part(
        name=name,
        estimand=estimand,
        answer=Answer.UNDECIDED,
        **third.figures("percent of the third month's revenue"),
        reason=(
            f"On {label} it is {data['share'].iloc[1]:.0%} in the second and {data['share'].iloc[2]:.0%} in the third "
            "month; where a log holds no later newcomers it is 100% by construction. It takes a log of all "
            "customers of a firm over years."
        ),
    )
    return part, {"by_month": records(data)}


def _age(market: MarketEvidence, growth: float) -> float | None:
    """First age, in steps of a twentieth of a year, from which on existing customers bring the majority."""
    share = share_by_age(market, growth, FINE)
    return next((years for years, value in zip(FINE, share, strict=True) if value > 0.5), None)


def planted(evidence: Evidence, quick: bool) -> Finding:
    """Firms whose customers buy every day or two and stay for years."""
    model = BGNBD(r=10.0, alpha=2.0, a=1.0, b=999.0, unit="W")
    market = Market(customers=Cohort(size=10), purchases=model, spend=FixedSpend(amount=10.0))
    return judge(market_evidence(market, replications=2), quick)
