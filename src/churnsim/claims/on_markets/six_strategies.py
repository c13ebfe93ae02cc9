"""`six-strategies`: a database, contacts, feedback, surveys, a channel, events, and winning back."""

from __future__ import annotations

from churnsim.claims.machinery.programme_claims import programme_claim

__all__ = ["SIX_STRATEGIES"]

SIX_STRATEGIES = programme_claim(
    id="six-strategies",
    says="Database, planned contacts, feedback, survey, a channel, events and winning back keep customers.",
    quote="建立顧客資料庫 籌劃接觸顧客的程式 … 確認和找回失去的顧客",
    text="after-marketing",
    # The steps that the simulation has: contact points are service quality, the channel and events are the club.
    steps=(
        "a database of recent buyers",
        "service and loyal staff",
        "answering complaints",
        "asking for complaints",
        "a club or events",
        "winning back",
    ),
)
