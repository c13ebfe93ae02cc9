"""`satisfaction-share`: satisfy customers first, and share and return follow."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Claim, Control, Evidence, Finding, Kind
from churnsim.claims.machinery.sources import source
from churnsim.claims.machinery.verdicts import Verdict, above

__all__ = ["SATISFACTION_SHARE", "judge"]


def judge(evidence: Evidence = None, quick: bool = False, *, panel: pd.DataFrame | None = None) -> Finding:
    """Slope of later share on satisfaction within firms, given a panel (firm, year, satisfaction, share)."""
    if panel is None:
        return Finding(
            verdict=Verdict.UNTESTABLE,
            reason=(
                "No data at hand holds satisfaction and share of the same firms over years; surveys of "
                "customers cannot stand in. It takes a panel of firms, the share a year later, and "
                "within-firm differences. The study that had one found no such rise in share (Anderson, "
                "Fornell & Lehmann 1994)."
            ),
        )
    ordered = panel.sort_values(["firm", "year"])
    later = ordered.groupby("firm")["share"].shift(-1)
    pairs = ordered.assign(later=later).dropna()
    x = (pairs["satisfaction"] - pairs.groupby("firm")["satisfaction"].transform("mean")).to_numpy()
    y = (pairs["later"] - pairs.groupby("firm")["later"].transform("mean")).to_numpy()
    slope = float(x @ y / (x @ x))
    error = float(np.sqrt(((y - slope * x) ** 2 * x**2).sum()) / (x @ x))
    return Finding(
        verdict=above(slope - 1.96 * error, slope + 1.96 * error),
        reason=f"A point of satisfaction goes with {slope:+.3f} points of share a year later.",
        estimate=slope,
        lower=slope - 1.96 * error,
        upper=slope + 1.96 * error,
        unit="points of share per point of satisfaction",
    )


def control(evidence: Evidence, quick: bool) -> Finding:
    """A made-up panel in which share falls where satisfaction has risen."""
    generator = np.random.default_rng(1)
    rows = [
        {"firm": firm, "year": year, "satisfaction": s, "share": 30.0 - 0.5 * previous + generator.normal(0, 0.1)}
        for firm in range(20)
        for year, (previous, s) in enumerate(
            zip(*(lambda walk: (walk[:-1], walk[1:]))(generator.normal(0, 1, 9).cumsum()), strict=True)
        )
    ]
    return judge(evidence, quick, panel=pd.DataFrame(rows))


SATISFACTION_SHARE = Claim(
    id="satisfaction-share",
    says=(
        "Who satisfies customers gains market share, and who gains share earns more: Xerox put "
        "satisfaction first from 1987 on."
    ),
    quote="如果能够使顾客满意,就能够提高市场份额,而市场份额的提高将会提升我们的财务收入和股票价值 … PIMS",
    sources=(
        source(
            "lecture",
            study=(
                "PIMS is named without figures; Anderson, Fornell & Lehmann 1994, Journal of Marketing 58(3), 53-66"
            ),
            measured=(
                "Swedish firms 1989-90: satisfaction goes with return on investment; with market share the "
                "relation is negative."
            ),
        ),
    ),
    kind=Kind.DATA,
    quantity=("Elasticity of a firm's later market share to its satisfaction index, within firms over time."),
    expect="positive, with an interval above zero",
    within=None,
    because="A sign, judged by its interval.",
    control=Control(what="a made-up panel in which share falls where satisfaction has risen", judge=control),
    critique=(
        "Anderson, Fornell & Lehmann (1994) find satisfaction and share negatively related: a larger "
        "share means more unlike customers.",
    ),
    judge=judge,
)
