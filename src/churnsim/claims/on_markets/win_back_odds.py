"""`win-back-odds`: lost customers are won back eight times, or twice, as easily as new ones are won."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["WIN_BACK_ODDS"]

WAITING = waits_for("the mechanisms of the simulation: win-back")

WIN_BACK_ODDS = Claim(
    id="win-back-odds",
    says=(
        "The same effort wins 5% of new and 40% of lost customers (004); selling to a new one "
        "succeeds half as often as to a lost one (003)."
    ),
    quote=(
        "只有5%的可能争取到新顾客,却有40%的可能重新挽回老顾客 (004); "
        "概率是向流失客户推销产品成功概率的二分之一 (003); 一般願意返回 (000)"
    ),
    sources=(
        source(
            "004",
            study=(
                "Griffin & Lowenstein 2001, Customer WinBack, citing Marketing Metrics: 5 to 20% of new, 20 "
                "to 40% of lost, 60 to 70% of active customers"
            ),
            measured=("Chance of a successful sale in a survey of firms; the text takes the two ends furthest apart."),
        ),
        source("003", study="Experts, not named", measured="Not known."),
        source(
            "000",
            measured=(
                "No figure; and the same text has Wal-Mart say that winning a customer back costs 5 to 10 "
                "times keeping one."
            ),
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "(a) Odds ratio that each text states; (b) success rate of win-back, by success of "
        "acquisition, above which win-back earns more at equal budget on the fitted market."
    ),
    expect="one ratio that both texts state",
    within=None,
    because="Eight and two are exact quotients of the stated figures.",
    control=Control(
        what=("win-back that succeeds no more often than acquisition and reaches only customers who never left"),
        judge=WAITING,
    ),
    critique=(
        (
            "A success is not a value: those won back may leave again sooner (Thomas, Blattberg & Fox "
            "2004, Journal of Marketing Research 41(1), 31-45)."
        ),
    ),
    judge=WAITING,
)
