"""`recovery-retains`: 82 to 95 percent of dissatisfied customers stay when they are helped in time."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Claim, Control, Kind
from churnsim.claims.machinery.sources import TARP_MEASURED, TARP_STUDY, source
from churnsim.claims.service_recovery import recovery_simulation

__all__ = ["RECOVERY_RETAINS", "TARP"]

TARP: dict[str, dict[str, float]] = {
    "major": {"silent": 0.09, "unresolved": 0.19, "resolved": 0.54, "resolved_quickly": 0.82},
    "minor": {"silent": 0.37, "unresolved": 0.46, "resolved": 0.70, "resolved_quickly": 0.95},
}
"""Share who would buy again, by size of loss and by what became of the complaint (TARP 1979, 1986): data, published."""

RECOVERY_RETAINS = Claim(
    id="recovery-retains",
    says="Of dissatisfied customers who are helped in time 82 to 95 percent go on buying.",
    quote=(
        "對不滿意顧客及時補救,他們中82%~95%的人願意繼續購買 (《後行銷管理》); 得到满意回应的顾客,则有95%会重购 "
        "(《怎样重新经营被流失的顾客》)"
    ),
    sources=(
        source("after-marketing", study=TARP_STUDY, measured=TARP_MEASURED),
        source("win-back", study=TARP_STUDY, measured=TARP_MEASURED + " 95% is the minor loss alone."),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "(a) Percentage of all dissatisfied customers who stay when every complaint is answered quickly, from "
        "TARP's rates; (b) percentage of the answered who stay, simulated; (c, d) net present profit over the "
        "horizon, money, of a desk that replies quickly, before its wage, less the market's own handling of the "
        "same customers."
    ),
    expect=(82.0, 95.0),
    within=None,
    because=(
        "The claim is a range; no tolerance is added to its ends. A desk's worth is judged by the sign of its interval."
    ),
    control=Control(
        what="replies that keep as many as the market's own handling does on average, however quick they are",
        judge=recovery_simulation.control,
    ),
    critique=(
        "TARP asked for intentions of people who chose whether to complain: resolved against unresolved is "
        "association, not the effect of resolving.",
        "Good recovery lifts satisfaction above that of customers who met no failure, but over the studies there is no "
        "significant effect on repurchase intention (de Matos, Henrique & Rossi 2007, Journal of Service Research "
        "10(1), 60-77).",
        "The 95% of 'Winning back lost customers' (undated) is the figure for minor losses; for major ones TARP has "
        "82%, and 54% when slow.",
        "Faster replies are worth what the staff for them costs less: the claim is silent on cost.",
    ),
    judge=recovery_simulation.judge,
)
