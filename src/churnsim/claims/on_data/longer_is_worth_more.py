"""`longer-is-worth-more`: the longer the relation, the more a customer is worth."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["LONGER_IS_WORTH_MORE"]

WAITING = waits_for("profit by tenure on CDNOW (data side of the database)")

LONGER_IS_WORTH_MORE = Claim(
    id="longer-is-worth-more",
    says=(
        "The longer a relation lasts, the more the customer is worth: yearly profit rises from 30 to "
        "55 over five years."
    ),
    quote="顾客与企业的关系越长,顾客对企业的价值就越大",
    sources=(
        source(
            "001",
            study="Reichheld & Sasser 1990, Zero defections, Harvard Business Review 68(5), 105-111",
            measured=(
                "Average yearly profit of a credit-card customer by year of the relation; only of those still there."
            ),
        ),
    ),
    kind=Kind.DATA,
    quantity=(
        "Slope of mean spend per surviving customer and period on tenure, and of spend per customer "
        "ever won, CDNOW, percent per quarter."
    ),
    expect="both slopes above zero",
    within=None,
    because="A sign, judged by its interval.",
    control=Control(what="the quarters in reverse order", judge=WAITING),
    critique=(
        (
            "Reinartz & Kumar (2000, Journal of Marketing 64(4), 17-35): in a catalogue firm profit of "
            "long-lived customers does not rise with tenure."
        ),
        "The mean of those still there rises as the light buyers leave, though nobody buys more.",
    ),
    judge=WAITING,
)
