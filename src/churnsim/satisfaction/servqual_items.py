"""SERVQUAL's twenty-two items and five dimensions (Parasuraman, Zeithaml & Berry 1988), in short words of our own."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DIMENSIONS", "ITEMS", "POSITIVE", "REVERSED"]

ITEMS: Mapping[str, str] = {
    "q1": "modern equipment", "q2": "appealing premises", "q3": "neat staff", "q4": "premises suit the service",
    "q5": "promises kept in time", "q6": "cares when there is trouble", "q7": "dependable", "q8": "on time",
    "q9": "accurate records", "q10": "does not say when (reversed)", "q11": "no prompt service (reversed)",
    "q12": "staff not always willing (reversed)", "q13": "staff too busy (reversed)", "q14": "staff can be trusted",
    "q15": "feels safe", "q16": "staff polite", "q17": "staff supported by the firm",
    "q18": "no individual attention by the firm (reversed)", "q19": "none by the staff (reversed)",
    "q20": "staff do not know my needs (reversed)", "q21": "my interests do not come first (reversed)",
    "q22": "hours do not suit everyone (reversed)",
}  # fmt: skip
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "tangibles": tuple(f"q{i}" for i in range(1, 5)),
    "reliability": tuple(f"q{i}" for i in range(5, 10)),
    "responsiveness": tuple(f"q{i}" for i in range(10, 14)),
    "assurance": tuple(f"q{i}" for i in range(14, 18)),
    "empathy": tuple(f"q{i}" for i in range(18, 23)),
}
REVERSED = tuple(f"q{i}" for i in (10, 11, 12, 13, 18, 19, 20, 21, 22))
"""Worded negatively, so that full agreement is the worst answer. 'Keeping existing customers' (undated) marks the
same nine with a star."""
POSITIVE = tuple(item for item in ITEMS if item not in REVERSED)
