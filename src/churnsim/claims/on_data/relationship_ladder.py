"""`relationship-ladder`: from suspect to partner, and the end of it."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["RELATIONSHIP_LADDER"]

WAITING = waits_for("the stages derived from behaviour (data side of the database)")

RELATIONSHIP_LADDER = Claim(
    id="relationship-ladder",
    says=(
        "Customers climb from suspect, prospect, first-time and repeat buyer to client, advocate and "
        "partner; relations also end."
    ),
    quote="怀疑者 观望者 首次购买者 重复购买者 主顾 倡导者 成员 合伙人 (解除)",
    sources=(
        source(
            "001",
            study=("Dwyer, Schurr & Oh 1987, Developing buyer-seller relationships, Journal of Marketing 51(2), 11-27"),
            measured="A framework of awareness, exploration, expansion, commitment and dissolution.",
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=(
        "Share of customers on each rung, by quarter, CDNOW, with rungs defined by purchases, and "
        "the share who ever climb past the first."
    ),
    expect=("every customer on one rung, moves only as defined, most who climb having passed each rung"),
    within=None,
    because="A partition is exact.",
    control=Control(what="rungs assigned by chance", judge=WAITING),
    critique=(
        (
            "Only purchases are seen: advocates and partners are not visible in a log. Most CDNOW "
            "customers never leave the first rung."
        ),
    ),
    judge=WAITING,
)
