"""`annual-churn`: firms lose 10 to 30 percent of their customers a year."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["ANNUAL_CHURN"]

WAITING = waits_for("Kaplan-Meier on contracts (models/survival.py) and the Telco table")

ANNUAL_CHURN = Claim(
    id="annual-churn",
    says="A firm loses 10 to 30 percent of its customers a year on average.",
    quote="一个公司平均每年约有10%~30%的顾客在流失",
    sources=(source("004", study="A market survey, not named", measured="Not known."),),
    kind=Kind.DATA,
    quantity=(
        "Share of customers lost within the first year, percent, on Telco (Kaplan-Meier) and on "
        "CDNOW (probability of having dropped out, fitted model)."
    ),
    expect=(10.0, 30.0),
    within=None,
    because="The claim is a range; a figure is judged by whether its interval lies inside.",
    control=Control(what="the same customers with a day called a month", judge=WAITING),
    critique=(
        (
            'One common churn rate hides that churn falls with tenure (Fader & Hardie 2007), so that "a '
            'year" depends on which year.'
        ),
        "In non-contractual settings the loss is never seen, only inferred.",
    ),
    judge=WAITING,
)
