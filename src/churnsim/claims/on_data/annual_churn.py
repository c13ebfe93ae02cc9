"""`annual-churn`: firms lose 10 to 30 percent of their customers a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import fits_by_family
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.machinery.verdicts import Answer, Spread, combine, spread
from churnsim.data import datasets
from churnsim.errors import MissingExtraError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.survival.curve import CurveFit, fit_curve
from churnsim.simulation.core.lifetimes import FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.customers.remaining_lifetimes import RemainingLifetimes
from churnsim.units import DAYS_PER_UNIT, units_per_year

LOW, HIGH = 10.0, 30.0
LEVEL = 0.95
DRAWS, QUICK_DRAWS, CUSTOMERS = 60, 12, 1000
TELCO = "Telco (artificial data)"
# The control calls a day a month: its year is as many times too long.
DAY_AS_MONTH = DAYS_PER_UNIT["M"]


def judge(evidence: Evidence = None, quick: bool = False, *, years: float = 1.0) -> Finding:
    """Share lost within the first year, by data set and model; the control takes a year `years` times as long."""
    tables: dict[str, Rows] = {}
    if isinstance(evidence, MarketEvidence) and not evidence.cdnow:
        parts = _own(evidence, years, quick)
    else:
        parts = [*_cohorts(years), *_by_model("CDNOW", fits_by_family(Workbench().split), years, quick)]
        try:
            telco = datasets.telco()
        except MissingExtraError as error:
            estimand = "Share of new subscribers lost within the first year, percent."
            parts.insert(0, Part(name=TELCO, estimand=estimand, answer=Answer.UNDECIDED, ran=False, reason=str(error)))
        else:
            fit = fit_curve(telco)
            parts[:0] = [_telco(fit, years), _snapshot(float(telco["churned"].mean()), len(telco), years)]
            tables["telco_by_year"] = _by_year(fit)
    answer = combine(parts)
    inside = [part.name for part in parts if part.answer is Answer.HOLDS]
    told = " ".join(f"{part.name}: {part.reason}" for part in parts)
    return Finding(
        answer=answer,
        reason=(
            f"{told} Where no contract ends, nobody is seen to leave: models that fit a log alike disagree about who "
            "has left."
            + (" Which year decides: Telco loses a share in the first year that no later year reaches." * bool(tables))
        ),
        **parts[0].figures_in("percent a year"),
        region=f"{', '.join(inside)}." if answer is Answer.UNDECIDED and inside else None,
        parts=tuple(parts),
        tables=tables,
    )


def _judged(name: str, estimand: str, found: Spread) -> Part:
    return Part(
        name=name,
        estimand=estimand,
        answer=found.within(LOW, HIGH),
        **found.figures("percent"),
        reason=f"{found.mean:.1f}% [{found.lower:.1f}, {found.upper:.1f}].",
    )


def _telco(fit: CurveFit, years: float) -> Part:
    row = fit.interval(12.0 * years, LEVEL).iloc[0]
    found = (100.0 * (1.0 - float(row[name])) for name in ("survival", "upper", "lower"))
    return _judged(
        f"{TELCO}, followed from the start", "Share of new subscribers lost in twelve months (Kaplan-Meier), percent.",
        Spread(*found),
    )  # fmt: skip


def _snapshot(monthly: float, n: int, years: float) -> Part:
    """The source says that the leavers are those of the last month: then a year is twelve such months."""
    reach = 1.96 * np.sqrt(monthly * (1 - monthly) / n)
    found = (100.0 * float(1.0 - (1.0 - m) ** (12.0 * years)) for m in (monthly, monthly - reach, monthly + reach))
    return _judged(
        f"{TELCO}, leavers of one month", "Share of the base lost in a year at the table's monthly rate, percent.",
        Spread(*found),
    )  # fmt: skip


def _cohorts(years: float) -> list[Part]:
    """Counts of 1,000 after the first renewal; any other year by the fitted sBG."""
    parts = []
    for name, left in datasets.retention_cohorts().items():
        fit = ShiftedBetaGeometric.fit_cohort(left)
        if years == 1.0:
            lost, n = 1.0 - float(left.iloc[1] / left.iloc[0]), float(left.iloc[0])
        else:
            lost, n = 1.0 - float(np.asarray(fit.model.survival(years))), float(left.iloc[0])
        reach = 1.96 * float(np.sqrt(lost * (1.0 - lost) / n))
        found = Spread(100.0 * lost, 100.0 * (lost - reach), 100.0 * (lost + reach))
        parts.append(_judged(f"{name} cohort", "Share of 1,000 new customers lost in the first year, percent.", found))
    return parts


def _own(evidence: MarketEvidence, years: float, quick: bool) -> list[Part]:
    """The market's own model, and others fitted to its customers' histories where these are at hand."""
    market = evidence.market
    models = [purchases for purchases, _ in market.draws] or [market.purchases]
    parts = [_lost(f"{evidence.label}, as fitted", models[: QUICK_DRAWS if quick else DRAWS], years)]
    if evidence.summary is not None:
        parts += _by_model(evidence.label, fits_by_family(evidence.summary), years, quick)
    return parts


def _by_model(name: str, fits: Mapping[str, ModelFit[Any]], years: float, quick: bool) -> list[Part]:
    draws = QUICK_DRAWS if quick else DRAWS
    return [_lost(f"{name} by {model}", fit.draw_parameters(draws, seed=1), years) for model, fit in fits.items()]


def _lost(name: str, models: Iterable[Any], years: float) -> Part:
    """Probability that a new customer has left within a year: mean over drawn customers, spread over the models."""
    values = []
    for seed, model in enumerate(models):
        base = Cohort(size=CUSTOMERS).draw(purchases=model, spend=FixedSpend(amount=1.0), seed=seed, replication=0)
        left = RemainingLifetimes.of(model, base).left_by(years * units_per_year(model.unit))
        values.append(100.0 * float(np.where(base.alive, left, 1.0).mean()))
    return _judged(
        name, "Probability that a new customer has left within a year, by the model, percent.", spread(values)
    )


def _by_year(fit: CurveFit) -> Rows:
    """Share lost in each year of tenure of those there at its start."""
    s = np.asarray(fit.model.survival(12.0 * np.arange(7)))
    return [
        {"year_of_tenure": year + 1, "lost_percent": 100.0 * (1.0 - float(s[year + 1] / s[year]))} for year in range(6)
    ]
