"""Summaries made by other packages, whose columns have the same meaning under other names."""

from __future__ import annotations

import pandas as pd

from churnsim.checks import check_frame

# Ours: theirs. lifetimes' calibration_and_holdout_data writes frequency_cal ... and duration_holdout, its data sets of
# opportunities periods or n_periods; pymc-marketing's rfm_train_test_split writes test_frequency ...
SPELLINGS = {
    "frequency": ("frequency_cal",),
    "recency": ("recency_cal",),
    "T": ("T_cal", "n_periods", "periods"),
    "monetary_value": ("monetary_value_cal",),
    "frequency_holdout": ("test_frequency",),
    "T_holdout": ("duration_holdout", "test_T"),
    "monetary_value_holdout": ("test_monetary_value",),
}
_THEIRS = {name for others in SPELLINGS.values() for name in others}


def as_summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame under our names, itself where it has them. A column of ours is never taken from another one."""
    elsewhere = hasattr(type(frame), "summary_rows")  # of its type: a frame looks for a column first
    made = (
        "Score it by churnsim.models.write_scores." if elsewhere else "Make it with churnsim.summarise(transactions)."
    )
    check_frame(frame, "the summary", made)
    found = set(frame.columns)
    if found.isdisjoint(_THEIRS):
        return frame
    renamed = {
        theirs: ours
        for ours, others in SPELLINGS.items()
        if ours not in found
        for theirs in [next((name for name in others if name in found), None)]
        if theirs is not None
    }
    return frame.rename(columns=renamed) if renamed else frame
