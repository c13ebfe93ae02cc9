"""`acquisition-multiple`: a new customer costs five to ten times what keeping one costs."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["ACQUISITION_MULTIPLE"]

WAITING = waits_for("equal budgets on the compiled engine")

ACQUISITION_MULTIPLE = Claim(
    id="acquisition-multiple",
    says=(
        "Winning a new customer costs 5 (001), 6 (002), 5 to 10 (000) or 6 to 10 (004) times as much as keeping one."
    ),
    quote="开发一个新顾客的成本是维护一个老顾客成本5倍 (001); 6倍 (002); 5~10倍 (000); 6~10倍 (004)",
    sources=(
        source("000", study="Empirical research 'in Western countries', not named", measured="Not known."),
        source("001", measured="No study is named."),
        source("002", study="American Management Association, no study named", measured="Not known."),
        source(
            "004",
            study="A handbook of the American Marketing Association, no study named",
            measured="Workload, not cost.",
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Ratio of the marginal cost of one more discounted margin through acquisition to that "
        "through retention, at the split of one budget that earns most."
    ),
    expect=(5.0, 10.0),
    within=None,
    because="The texts span 5 to 10; no tolerance is added to the ends.",
    control=Control(what="the average ratio taken for the marginal one", judge=WAITING),
    critique=(
        (
            "The optimum equates marginal returns, not average costs (Blattberg & Deighton 1996; Pfeifer "
            "2005, The optimal ratio of acquisition and retention costs, Journal of Targeting, "
            "Measurement and Analysis for Marketing 13(2), 179-188)."
        ),
    ),
    judge=WAITING,
)
