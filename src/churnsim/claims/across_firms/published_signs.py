"""Claims of which others have measured at least the sign: `recovery-paradox`, `loyalty-rewards` and `returns-pay`.

Their sizes could not be seen, or are of no unit that money follows from; what counts is whether the published effects
on what customers do have the sign that the text says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.fitted import draw_of, worth_of_the_living
from churnsim.claims.machinery.sources import TARP
from churnsim.claims.machinery.verdicts import Answer, Basis, conjunction
from churnsim.claims.service_recovery import recovery_paradox
from churnsim.evidence.published_effects import published


def of_signs(signs: Sequence[str]) -> Answer:
    """HOLDS where every published effect has the stated sign, FAILS where none has, else UNDECIDED."""
    agree = [sign == "+" for sign in signs]
    return Answer.HOLDS if all(agree) else Answer.UNDECIDED if any(agree) else Answer.FAILS


def judge(
    evidence: Evidence = None, quick: bool = False, *, claim: str, effects: Sequence[Mapping[str, Any]], also: str,
    signs: Sequence[str] | None = None,
) -> Finding:  # fmt: skip
    """The signs of the published `effects`, of which the first are the claim's; the planted worlds are literatures with
    other `signs`."""
    known = {effect.key: effect for effect in published()}
    parts = []
    for part in effects:
        rests_on = [known[key] for key in part["keys"]]
        found = list(signs) if signs is not None else [effect.sign or "0" for effect in rests_on]
        told = "; ".join(f"{effect.reference.rstrip('.')}: {effect.what}" for effect in rests_on)
        parts.append(
            Part(
                name=part["name"], estimand=part["estimand"], answer=of_signs(found), basis=Basis.PUBLISHED,
                reason=f"Planted signs: {', '.join(found)}." if signs is not None else f"{told}.",
            )
        )  # fmt: skip
    tables: dict[str, Rows] = {}
    if signs is None and isinstance(evidence, MarketEvidence):
        if claim == "returns-pay":
            parts.append(_money(evidence, quick))
        elif claim == "recovery-paradox":
            simulated, tables = recovery_paradox.part_c(evidence)
            parts.append(simulated)
    answer = conjunction(parts)
    return Finding(
        answer=answer,
        basis=Basis.PUBLISHED if answer is parts[0].answer else None,
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts) + f" {also}",
        parts=tuple(parts),
        tables=tables,
    )


def _money(evidence: MarketEvidence, quick: bool) -> Part:
    """How many points more of those who bring goods back must stay for taking them back to pay."""
    evidence = evidence.at(quick=quick)
    worth = worth_of_the_living(evidence)
    basket = float(draw_of(evidence, 0).spend.mean())
    lost = basket * (
        1.0 - float(evidence.market.terms.margin)
    )  # what the goods cost, where nothing of them can be sold again
    needed = [100.0 * lost / value for value in (worth.mean, worth.upper, worth.lower)]
    kept = {size: 100.0 * (rates["resolved_quickly"] - rates["unresolved"]) for size, rates in TARP.items()}
    low, high = min(kept.values()), max(kept.values())
    inside = Answer.HOLDS if needed[2] < low else Answer.FAILS if needed[1] > high else Answer.UNDECIDED
    return Part(
        name="(b) the money",
        estimand="Percentage points more of dissatisfied buyers who must stay because goods are taken back, for "
        "their later margin to pay for goods that cannot be sold again.",
        answer=inside,
        basis=Basis.ASSUMED,
        estimate=needed[0], lower=needed[1], upper=needed[2],
        unit="percentage points",
        reason=f"On {evidence.label} an average basket costs the firm {lost:.2f} and a customer who stays is worth "
        f"{worth}: {needed[0]:.0f} points [{needed[1]:.0f}, {needed[2]:.0f}] more must stay. By what people told TARP "
        f"a quick answer keeps {low:.0f} to {high:.0f} points more than none (intentions).",
    )  # fmt: skip
