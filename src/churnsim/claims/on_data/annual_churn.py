"""`annual-churn`: firms lose 10 to 30 percent of their customers a year."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from scipy.special import betaln

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence, market_evidence
from churnsim.claims.machinery.families import Families, families, families_of
from churnsim.claims.machinery.firms import AcrossFirms, FirmFinding, across_firms
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import Answer, Spread, combine, spread
from churnsim.data import datasets
from churnsim.data.customers.estimate import Estimate
from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.simulation.core.lifetimes import ContractualLifetime, FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.customers.remaining_lifetimes import RemainingLifetimes
from churnsim.simulation.scenario.market import Market
from churnsim.statistics import normal_quantile
from churnsim.units import units_per_year

LOW, HIGH = 10.0, 30.0
DRAWS, QUICK_DRAWS, CUSTOMERS = 60, 12, 1000
DONORS = 11_104
# The control calls a day a month: its year is as many times too long.
MEAN = "Mean over bases of customers of the share lost in the first year, percent."
ESTIMAND = "Probability that a new customer has left within a year, by the model, percent."


def judge(evidence: Evidence = None, quick: bool = False, *, years: float = 1.0) -> Finding:
    """Share lost within the first year, by data set, averaged over models; the control's year is `years` times as long.

    Of a market given the customers are its own.
    """
    draws = QUICK_DRAWS if quick else DRAWS
    bases: AcrossFirms | None = None
    if isinstance(evidence, MarketEvidence) and not evidence.cdnow:
        parts = _own(evidence, years, draws)
    else:
        bench, log = Workbench(), datasets.cdnow()
        parts = [
            *_cohorts(years), _donors(bench, years, draws),
            _averaged("CDNOW's new customers", families(bench.split, log), years, draws),
        ]  # fmt: skip
        sizes = (*(int(left.iloc[0]) for _, left in datasets.retention_cohorts().items()), DONORS, len(bench.split))
        firms = map(_base, parts, sizes)
        bases = across_firms(firms, scale="share", times=100.0, kind="bases of customers")
    inside = [part.name for part in parts if part.answer is Answer.HOLDS]
    answer = combine(parts) if all(part.answer is not Answer.UNDECIDED for part in parts) else Answer.UNDECIDED
    tables: dict[str, Rows] = {}
    if bases is not None:  # "on average": what is said is of the mean over firms
        answer = bases.mean.within(LOW, HIGH)
        parts.append(bases.part(answer, name="mean over bases", estimand=MEAN, unit="percent"))
        tables = bases.table("lost in the first year", "percent lost in the first year")
    return Finding(
        answer=answer,
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts)
        + " Where no contract ends, nobody is seen to leave: models that fit a log alike disagree about who has left.",
        **parts[0 if bases is None else -1].figures_in("percent a year"),
        region=f"Holds for {', '.join(inside)}." if answer is Answer.UNDECIDED and inside else None,
        parts=tuple(parts),
        tables=tables,
    )


def _base(part: Part, customers: int) -> FirmFinding:
    """A base of so many customers with its figure, as a share, whose error is that of its interval."""
    assert part.estimate is not None
    assert part.lower is not None
    assert part.upper is not None
    value, low, high = (end / 100.0 for end in (part.estimate, part.lower, part.upper))
    error = max(high - low, 1e-6) / (2.0 * normal_quantile(0.95))
    found = Estimate(value=value, standard_error=error, lower=low, upper=high, level=0.95, n=customers)
    return FirmFinding(name=part.name, found=found)


def _judged(name: str, estimand: str, found: Spread) -> Part:
    return Part(
        name=name,
        estimand=estimand,
        answer=found.within(LOW, HIGH),
        **found.figures("percent"),
        reason=f"{found.mean:.1f}% [{found.lower:.1f}, {found.upper:.1f}].",
    )


def _cohorts(years: float) -> list[Part]:
    """Counts of 1,000 after the first renewal; any other year by the fitted sBG."""
    parts = []
    for name, left in datasets.retention_cohorts().items():
        fit = ShiftedBetaGeometric.fit_cohort(left)
        n = float(left.iloc[0])
        lost = 1.0 - (float(left.iloc[1]) / n if years == 1.0 else float(np.asarray(fit.model.survival(years))))
        reach = 1.96 * float(np.sqrt(lost * (1.0 - lost) / n))
        found = Spread(100.0 * lost, 100.0 * (lost - reach), 100.0 * (lost + reach))
        parts.append(_judged(f"{name} cohort", "Share of 1,000 new customers lost in the first year, percent.", found))
    return parts


def _donors(bench: Workbench, years: float, draws: int) -> Part:
    """Donors by the BG/BB: the chance to leave before a year's opportunity is Beta(gamma, delta)."""
    lost = [
        100.0 * (1.0 - np.exp(betaln(m.gamma, m.delta + years) - betaln(m.gamma, m.delta)))
        for m in (cast(BGBB, model) for model in bench.donors(weighted=True).draw_parameters(draws, seed=1))
    ]
    return _judged("Donors", "Probability that a new donor has left within a year (BG/BB), percent.", spread(lost))


def _own(evidence: MarketEvidence, years: float, draws: int) -> list[Part]:
    """By the models of the customers' histories where these are at hand, else by the market's own model."""
    found = families_of(evidence)
    if found is not None:
        return [_averaged(evidence.label, found, years, draws)]
    market = evidence.market
    models = [purchases for purchases, _ in market.draws][:draws] or [market.purchases]
    return [_judged(f"{evidence.label}, as fitted", ESTIMAND, spread([_lost(model, years) for model in models]))]


def _averaged(name: str, found: Families, years: float, draws: int) -> Part:
    average = found.average(lambda model: _lost(model, years), draws=draws)
    return average.part(name=name, estimand=ESTIMAND, unit="percent", judged=lambda s: s.within(LOW, HIGH))


def _lost(model: Any, years: float) -> float:
    """Probability that a new customer has left within a year, percent: mean over drawn customers."""
    base = Cohort(size=CUSTOMERS).draw(purchases=model, spend=FixedSpend(amount=1.0), seed=1, replication=0)
    left = RemainingLifetimes.of(model, base).left_by(years * units_per_year(model.unit))
    return 100.0 * float(np.where(base.alive, left, 1.0).mean())


def planted(evidence: Evidence, quick: bool) -> Finding:
    """Contracts of which a fifth end each year."""
    contract = ContractualLifetime(term=1.0, hazards=(0.2,), unit="Y")
    market = Market(customers=Cohort(size=CUSTOMERS), purchases=contract, spend=FixedSpend(amount=1.0))
    return judge(market_evidence(market, label="made-up subscribers"), quick)
