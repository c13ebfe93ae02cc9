"""`nine-steps`: nine steps from a CRM office to winning customers back."""

from __future__ import annotations

from churnsim.claims.machinery.programme_claims import programme_claim

__all__ = ["NINE_STEPS"]

NINE_STEPS = programme_claim(
    id="nine-steps",
    says=(
        "Nine steps together build loyalty: office, loyal staff, the 20%, care, club, one-to-one, "
        "database, complaints, win-back."
    ),
    quote="“九步法” 建立CRM机构 … 迎接客户再生",
    text="nine-steps",
    # The steps that the simulation has: the office is the budget itself, care and the database are the contacts.
    steps=(
        "the best fifth",
        "service and loyal staff",
        "a club or events",
        "one-to-one offers",
        "answering complaints",
        "winning back",
    ),
)
