"""`best-customer`: thirteen ordinary customers for one of the best."""

from __future__ import annotations

import math

import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import log_of
from churnsim.claims.machinery.verdicts import Answer, Basis, closes

BEST, ORDINARY, STATED = 3500.0, 275.0, 13
EFFORT = (7.0, 10.0)
PERCENTILES = (75.0, 80.0, 90.0, 95.0, 97.0, 98.0, 99.0, 99.5, 99.9)


def replacements(spent: pd.Series[float]) -> Rows:
    """How many ordinary customers (of mean spend) the customer at each percentile is worth."""
    ordinary = float(spent.mean())
    return [
        {
            "percentile": percentile,
            "spend": float(spent.quantile(percentile / 100.0)),
            "ordinary_customers": float(spent.quantile(percentile / 100.0)) / ordinary,
        }
        for percentile in PERCENTILES
    ]


def _on_a_log(evidence: Evidence) -> tuple[Part, Rows]:
    log, label = log_of(evidence)
    spent = log.groupby("customer_id")["amount"].sum()
    days = (log["date"].max() - log["date"].min()).days + 1
    table, ordinary = replacements(spent), float(spent.mean())
    above = float((spent >= ordinary * BEST / ORDINARY).mean())
    effort = [float((spent >= ordinary * factor).mean()) for factor in EFFORT]
    part = Part(
        name="(b) on a log of purchases",
        estimand="Share of customers worth at least as many average customers as the text's best one, percent.",
        basis=Basis.MEASURED,
        answer=Answer.HOLDS if above else Answer.FAILS,
        estimate=100.0 * above,
        unit="percent of the customers",
        reason=(
            f"Of {label} {above:.2%} spent {BEST / ORDINARY:.1f} times the mean of "
            f"{ordinary:.2f} or more in {days:,} days; {effort[1]:.2%} ten times and {effort[0]:.2%} seven times."
        ),
        region=f"The customer lost is among the best {above:.2%}." if above else None,
    )
    return part, table


def judge(evidence: Evidence = None, quick: bool = False, *, ordinary: float = ORDINARY) -> Finding:
    """The quotient, and where such customers are on CDNOW; the control takes another ordinary customer."""
    needed = math.ceil(BEST / ordinary)
    arithmetic = Part(
        name="(a) the quotient",
        estimand="Ordinary customers whose spend makes up for one of the best, whole customers.",
        answer=closes(needed, STATED, within=0.0),
        estimate=BEST / ordinary,
        unit="ordinary customers",
        reason=f"{BEST:g} / {ordinary:g} = {BEST / ordinary:.2f}, so it takes {needed}; the text says {STATED}.",
    )
    if arithmetic.answer is Answer.FAILS:
        return Finding(answer=Answer.FAILS, reason=arithmetic.reason, parts=(arithmetic,))
    data, table = _on_a_log(evidence)
    return Finding(
        answer=arithmetic.answer,
        reason=(
            f"{arithmetic.reason} The same sentence has 7 to 10 times the effort, which is not the same figure. "
            f"{data.reason}"
        ),
        estimate=BEST / ordinary,
        unit="ordinary customers",
        region=data.region or "In the text's own figures; nobody on this log spends that much.",
        parts=(arithmetic, data),
        tables={"by_percentile": table},
    )
