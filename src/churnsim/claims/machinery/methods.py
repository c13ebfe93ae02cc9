"""Claims that a way of marketing pays: the method differs, what is asked of it does not."""

from __future__ import annotations

from collections.abc import Callable

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.sources import source

__all__ = ["method_claim"]


def method_claim(
    *,
    id: str,
    says: str,
    quote: str,
    text: str,
    judge: Callable[[Evidence, bool], Finding],
    control: Callable[[Evidence, bool], Finding],
) -> Claim:
    """The claim of source `text` that a method pays; `control` judges the same method without effect."""
    return Claim(
        id=id,
        says=says,
        quote=quote,
        sources=(source(text, measured="No study is named."),),
        kind=Kind.SIMULATION,
        quantity=(
            "Customer equity (net present value, and what active customers are then still worth) with the method less "
            "without, at equal budget, money over the horizon, paired."
        ),
        expect="above zero",
        within=None,
        because="A sign, judged by a paired interval.",
        control=Control(what="the method at the same cost and without effect", judge=control),
        critique=(
            "A method is as good as the response it meets, which the text does not state; the map says what it takes.",
        ),
        judge=judge,
    )
