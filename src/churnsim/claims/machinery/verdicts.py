"""Rules from figures to verdicts that several claims share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from churnsim.claims.machinery.claim import Finding, Part, Verdict

__all__ = ["above", "by_interval", "closes", "combine", "not_run", "share_of_map"]


def closes(computed: float, stated: float, *, within: float) -> Verdict:
    """REPRODUCED when the computed figure is within the tolerance of the stated one, FAILS otherwise (and for NaN)."""
    return Verdict.REPRODUCED if abs(computed - stated) <= within else Verdict.FAILS


def by_interval(lower: float, upper: float, *, low: float, high: float) -> Verdict:
    """HOLDS when the interval lies within [low, high], FAILS when it lies wholly outside; across an end it is open, and
    more of the same runs or data would be needed: UNTESTABLE (as for NaN)."""
    if lower >= low and upper <= high:
        return Verdict.HOLDS
    return Verdict.FAILS if upper < low or lower > high else Verdict.UNTESTABLE


def above(lower: float, upper: float, level: float = 0.0) -> Verdict:
    """HOLDS when the interval lies above `level`, FAILS when its upper end is not above it, else UNTESTABLE."""
    if lower > level:
        return Verdict.HOLDS
    return Verdict.FAILS if upper <= level else Verdict.UNTESTABLE


def combine(parts: Sequence[Part]) -> Verdict:
    """One verdict for a claim from the verdicts on its parts.

    A part that was not run leaves the whole UNTESTED: a skipped run is never green. Parts that cannot be tested are
    set aside unless nothing else is left. Agreement everywhere is HOLDS, nowhere FAILS, and anything between HOLDS_IF.
    """
    verdicts = {part.verdict for part in parts}
    if not verdicts or Verdict.UNTESTED in verdicts:
        return Verdict.UNTESTED
    judged = verdicts - {Verdict.UNTESTABLE}
    if not judged:
        return Verdict.UNTESTABLE
    if judged == {Verdict.REPRODUCED}:
        return Verdict.REPRODUCED
    if judged <= {Verdict.HOLDS, Verdict.REPRODUCED}:
        return Verdict.HOLDS
    return Verdict.FAILS if judged == {Verdict.FAILS} else Verdict.HOLDS_IF


def share_of_map(inside: Iterable[bool]) -> tuple[Verdict, float]:
    """Verdict on a map of the assumptions, and the share of its cells in which the claim is true."""
    cells = list(inside)
    share = math.fsum(cells) / len(cells)
    if share in (0.0, 1.0):
        return (Verdict.HOLDS if share else Verdict.FAILS), share
    return Verdict.HOLDS_IF, share


def not_run(why: str) -> Finding:
    """The finding of a check that was not run."""
    return Finding(verdict=Verdict.UNTESTED, reason=why)
