"""Names of the random streams and domains: which numbers serve which decision.

A stream is the second word of the Philox counter, a domain the second word of its key (see `philox.py`). The
ordinal of a block always has a meaning for the one customer: its k-th purchase, its traits, its k-th place in a
lineage.
"""

from __future__ import annotations

__all__ = ["ARRIVALS", "COMPLAINT", "MODEL_DRAWS", "PURCHASE", "SIMULATION", "TRAITS"]

# Streams. Four words each.
TRAITS = 0  # ordinal 0: alive?, rate, dropout, responsiveness; ordinal 1: spend
PURCHASE = 1  # ordinal k = k-th simulated purchase: gap before it, spend, failure?, organic dropout?
COMPLAINT = 2  # ordinal k = about the k-th purchase: complains or leaves?, reply kind, service time, stays?
ARRIVALS = 3  # ordinal k = k-th arrival of a channel: gap before it

# Domains.
SIMULATION = 1
MODEL_DRAWS = 2
