"""Names of the random streams and domains: which numbers serve which decision.

A stream is the second word of the Philox counter, a domain the second word of its key (see `philox.py`). The
ordinal of a block always has a meaning for the one customer: its k-th purchase, its traits, its k-th place in a
lineage.
"""

from __future__ import annotations

__all__ = [
    "ARRIVALS", "BELIEFS", "COMPLAINT", "DEATH", "LOSS", "MODEL_DRAWS", "PURCHASE", "REFERRAL", "RESEARCH",
    "SIMULATION", "TRAITS", "WIN_BACK",
]  # fmt: skip

# Streams. Four words each, and a fifth of the bits that these leave unused.
TRAITS = 0  # ordinal 0: alive?, rate, dropout, responsiveness; ordinal 1: spend, membership
# ordinal k = k-th purchase of the simulation: gap after it, spend, failure?, organic dropout?, quality
PURCHASE = 1
COMPLAINT = 2  # ordinal k = about the k-th purchase: complains?, reply kind, service time, stays?
ARRIVALS = 3  # ordinal k = k-th arrival of a channel: gap before it, money or mouth?, which spending?
DEATH = 4  # ordinal k = k-th life of a customer: how long it lasts in unit-exponential time
LOSS = 5  # ordinal k = loss after the k-th purchase: to a competitor?, held by a bond?
REFERRAL = 6  # ordinal k = k-th referral of a customer: gap before it, reaches a prospect?
# ordinal k = k-th contact to a silent customer: comes back?, place in a random order, gap to its next purchase
WIN_BACK = 7
RESEARCH = 9  # ordinals are those of a researcher's own mechanism

# Domains.
SIMULATION = 1
MODEL_DRAWS = 2
BELIEFS = 3
