"""`satisfaction-share`: satisfy customers first, and share and return follow."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["SATISFACTION_SHARE"]

WAITING = waits_for("a panel of firms; the method would be the path model satisfaction/paths.py")

SATISFACTION_SHARE = Claim(
    id="satisfaction-share",
    says=(
        "Who satisfies customers gains market share, and who gains share earns more: Xerox put "
        "satisfaction first from 1987 on."
    ),
    quote="如果能够使顾客满意,就能够提高市场份额,而市场份额的提高将会提升我们的财务收入和股票价值 … PIMS",
    sources=(
        source(
            "001",
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
    control=Control(what="the same panel with years reversed", judge=WAITING),
    critique=(
        (
            "Anderson, Fornell & Lehmann (1994) find satisfaction and share negatively related: a larger "
            "share means more unlike customers."
        ),
    ),
    judge=WAITING,
)
