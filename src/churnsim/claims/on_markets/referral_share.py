"""`referral-share`: sixty percent of new customers come by referral."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["REFERRAL_SHARE"]

WAITING = waits_for("the mechanisms of the simulation: referral")

REFERRAL_SHARE = Claim(
    id="referral-share",
    says=(
        "Referrals bring 60% of new customers (001), 20 to 40% in American banks (002); 100 "
        "satisfied customers bring 25 new ones (004)."
    ),
    quote=(
        "60%的新顾客来自于老顾客的热情推荐 (001); 20%40%的银行新客户是通过顾客推荐赢得的 (002); "
        "每100个满意的顾客会带来25个新顾客 (004)"
    ),
    sources=(
        source(
            "001",
            measured=(
                "No study is named; Reichheld & Sasser 1990 tell of a home builder with 60% of sales by referral"
            ),
        ),
        source("002", measured="No study is named."),
        source("004", study="A handbook of the American Marketing Association", measured="Not known."),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Share of new customers that come by referral, percent, by referral rate, on the fitted "
        "market; and the rate at which each of the three statements is true."
    ),
    expect="one referral rate at which all three statements are true",
    within=None,
    because="The shares are ranges and round figures: 55-65, 20-40, and 22.5-27.5 per 100.",
    control=Control(what="a market where nobody refers anybody", judge=WAITING),
    critique=(
        (
            "Schmitt, Skiera & Van den Bulte (2011, Journal of Marketing 75(1), 46-59): referred bank "
            "customers are worth 16% more; nothing says how many there are."
        ),
    ),
    judge=WAITING,
)
