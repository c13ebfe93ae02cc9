"""`loyal-bank`: half the churn, twice the growth."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["LOYAL_BANK"]

WAITING = waits_for("firms with the same acquisition and churn of 5 and 10 percent on contractual customers")

LOYAL_BANK = Claim(
    id="loyal-bank",
    says=("A bank that holds its yearly defections below 5%, half of its industry, grows twice as fast."),
    quote="壹家运营小额信贷业务的银行发展速度是同行的2倍 … 始终控制于5%以下,是同行业平均顾客折损率的1/2",
    sources=(
        source(
            "002",
            study="Reichheld & Sasser 1990, Zero defections (MBNA America)",
            measured=(
                "One firm against its industry: defection 5% a year, half the average; growth is not held "
                "against any other cause."
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Ratio of yearly growth in customers of two firms with the same acquisition, churn 5% "
        "against 10% a year, by year."
    ),
    expect=2.0,
    within=0.5,
    because="The source gives a whole number, 2: a ratio from 1.5 to 2.5 rounds to it.",
    control=Control(what="two firms of the same churn", judge=WAITING),
    critique=(
        (
            "Growth is acquisition less churn: with equal acquisition of g the ratio is (g - 5)/(g - "
            "10), which is 2 at g = 15% and anything from 1 to infinity elsewhere."
        ),
    ),
    judge=WAITING,
)
