"""`keeping-alone-grows`: keeping customers makes revenue and profit grow, without winning any.

Customers who were all won by one day, and what they buy afterwards, are a firm that wins nobody. Riebe, Wright, Stern &
Sharp (2014, "How to grow a brand: retain or acquire customers?", Journal of Business Research 67(5), 990-997) find for
brands that grew and shrank that unusual acquisition plays a far larger part in both than unusual defection.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.evidence import MarketEvidence, log_of
from churnsim.claims.machinery.firms import FirmFinding, FirmFindings, across_firms, load, measured_on
from churnsim.data.customers.estimate import Estimate, ratio_of_sums
from churnsim.errors import DataError
from churnsim.typing import Floats
from churnsim.units import DAYS_PER_UNIT


def early_and_late(log: pd.DataFrame) -> tuple[Floats, Floats, float]:
    """What each customer who was won in the first quarter of a log spends in its second quarter and in its last, and
    how many years lie between the two.

    Raises DataError where nothing was spent in the second quarter.
    """
    start, end = log["date"].min(), log["date"].max()
    quarter = (end - start) / 4
    first = log.groupby("customer_id")["date"].transform("min")
    own = log[first < start + quarter]
    if own.empty:
        raise DataError("the log spans no time: nobody could have bought again.")
    place = np.minimum(((own["date"] - start) / quarter).astype(int), 3)
    spent = own.pivot_table(index="customer_id", columns=place, values="amount", aggfunc="sum", fill_value=0.0)
    spent = spent.reindex(columns=range(4), fill_value=0.0)
    if spent[1].sum() <= 0:
        raise DataError("customers who were won in the first quarter of the log bought nothing in the second.")
    years = 2 * quarter.total_seconds() / (86_400 * DAYS_PER_UNIT["Y"])
    return spent[1].to_numpy(dtype=float), spent[3].to_numpy(dtype=float), years


def a_year(found: Estimate, years: float) -> Estimate:
    """A ratio of later to earlier over so many years, as the ratio of one year to the one before."""
    value = found.value ** (1.0 / years)
    lower, upper = (max(end, 0.0) ** (1.0 / years) for end in (found.lower, found.upper))
    error = found.standard_error * value / (years * found.value)
    return Estimate(value=value, standard_error=error, lower=lower, upper=upper, level=found.level, n=found.n)


def of_log(log: pd.DataFrame) -> Estimate:
    """Growth a year of what the customers of a log's first quarter buy."""
    early, late, years = early_and_late(log)
    return a_year(ratio_of_sums(late, early), years)


def of_donors(frame: pd.DataFrame) -> Estimate:
    """Growth a year of giving: who gave in the last year, against the mean of all years, which lies in their middle."""
    years = float(frame["T"].iloc[0])
    times = np.repeat(np.arange(len(frame)), frame["customers"])
    gave, last = frame["frequency"].to_numpy()[times], (frame["recency"] == frame["T"]).to_numpy()[times]
    return a_year(ratio_of_sums(last.astype(float), gave / years), (years - 1) / 2)


def of_cohort(left: pd.Series[int]) -> Estimate:
    """Growth a year of the subscribers left, from the first renewal to the last."""
    start, end = int(left.iloc[1]), int(left.iloc[-1])
    stayed = np.arange(start) < end
    return a_year(ratio_of_sums(stayed.astype(float), np.ones(start)), len(left) - 2)


def _bases() -> FirmFindings:
    firms = measured_on(("cdnow-full",), lambda name: of_log(load(name)))
    donors = measured_on(("donations",), lambda name: of_donors(load(name)))
    cohorts = [FirmFinding(name=f"{name} cohort", found=of_cohort(left)) for name, left in load("cohorts").items()]
    return firms + donors + FirmFindings(cohorts)


def judge(evidence: Evidence = None, quick: bool = False, *, world: Mapping[str, float] | None = None) -> Finding:
    """Each base of customers at hand, or the market's own alone; planted worlds have a known loss and growth."""
    if world is not None:
        firms = FirmFindings([FirmFinding(name=name, found=of_log(log)) for name, log in _world(**world).items()])
    elif isinstance(evidence, MarketEvidence) and not evidence.cdnow:
        log, label = log_of(evidence)
        firms = FirmFindings([FirmFinding(name=label, found=of_log(log))])
    else:
        firms = _bases()
    found = across_firms(firms, scale="ratio", kind="bases of customers")
    part = found.part(
        found.above(1.0), name="(a) customers who were all won before",
        estimand="What customers who were all won by one day buy in a year, over the year before; above 1 their "
        "revenue grows without anybody being won.",
        unit="of the year before", digits=2,
    )  # fmt: skip
    shrinks = "Where nobody is won afterwards, customers buy less from year to year. " * (found.mean.upper < 1.0)
    return Finding(
        answer=part.answer,
        reason=f"{shrinks}{part.reason} Were every loss prevented, all would go on as before: that keeps "
        "revenue, and it grows only where customers come to spend more. Online Retail is left out: its log is one year "
        "of a trade with a season, in which the last quarter cannot be held against the second.",
        **part.figures,
        parts=(part,),
        tables=found.table("growth without winning", "of the year before"),
    )


def _world(*, loss: float, growth: float) -> dict[str, pd.DataFrame]:
    """Logs of a year: customers won in its first month buy once a month until they are lost."""
    logs = {}
    for firm in range(4):
        generator = np.random.default_rng(firm)
        stays = np.cumprod(generator.random((400, 12)) >= loss, axis=1).astype(bool)
        stays[:, 0] = True
        customer, month = np.nonzero(stays)
        days = 30 * month + generator.integers(0, 28, len(month))
        amount = generator.lognormal(3.0, 0.3, len(month)) * (1 + growth) ** month
        logs[f"world {firm + 1}"] = pd.DataFrame(
            {
                "customer_id": customer,
                "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, "D"),
                "amount": amount,
            }
        )
    return logs
