"""Entries whose method is not in place yet: they are in the catalogue, say what they wait for, and are never green."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Evidence, Finding, Judge
from churnsim.claims.machinery.verdicts import not_run

__all__ = ["waits_for"]


def waits_for(what: str) -> Judge:
    """A judge that says UNTESTED and names what it waits for."""

    def judge(evidence: Evidence, quick: bool) -> Finding:
        return not_run(f"Waits for {what}.")

    return judge
