"""`satisfaction-share`: satisfy customers first, and share and return follow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding
from churnsim.claims.machinery.verdicts import Answer, above


def judge(evidence: Evidence = None, quick: bool = False, *, effect: float | None = None, seed: int = 1) -> Finding:
    """Slope of later share on satisfaction within firms, of a panel with such an `effect`; no real one is at hand."""
    if effect is None:
        return Finding(
            answer=Answer.UNDECIDED,
            reason=(
                "No data at hand holds satisfaction and share of the same firms over years; surveys of customers "
                "cannot stand in. It takes a panel of firms, the share a year later, and within-firm differences. The "
                "study that had one found no such rise in share (Anderson, Fornell & Lehmann 1994)."
            ),
        )
    ordered = _panel(effect, seed)
    later = ordered.groupby("firm")["share"].shift(-1)
    pairs = ordered.assign(later=later).dropna()
    x = (pairs["satisfaction"] - pairs.groupby("firm")["satisfaction"].transform("mean")).to_numpy()
    y = (pairs["later"] - pairs.groupby("firm")["later"].transform("mean")).to_numpy()
    slope = float(x @ y / (x @ x))
    error = float(np.sqrt(((y - slope * x) ** 2 * x**2).sum()) / (x @ x))
    return Finding(
        answer=above(slope - 1.96 * error, slope + 1.96 * error),
        reason=f"A point of satisfaction goes with {slope:+.3f} points of share a year later.",
        estimate=slope,
        lower=slope - 1.96 * error,
        upper=slope + 1.96 * error,
        unit="points of share per point of satisfaction",
    )


def _panel(effect: float, seed: int) -> pd.DataFrame:
    """Firms over years, whose share moves by `effect` times the satisfaction of the year before."""
    generator = np.random.default_rng(seed)
    rows = [
        {"firm": firm, "year": year, "satisfaction": s, "share": 30.0 + effect * previous + generator.normal(0, 0.1)}
        for firm in range(20)
        for year, (previous, s) in enumerate(pairwise(generator.normal(0, 1, 9).cumsum()))
    ]
    return pd.DataFrame(rows)
