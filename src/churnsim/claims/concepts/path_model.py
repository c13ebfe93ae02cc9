"""`path-model`: quality, value and trust lead through satisfaction and loyalty to share and return."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["PATH_MODEL"]

WAITING = waits_for("the path model satisfaction/paths.py")

PATH_MODEL = Claim(
    id="path-model",
    says=(
        "Quality makes satisfaction, value and trust; these make loyalty; loyalty makes market "
        "share, and share makes return."
    ),
    quote="产品/服务质量 → 满意/高兴 → 顾客价值 顾客信任 → 顾客忠诚 → 市场份额 → 资产收益率/竞争优势",
    sources=(
        source(
            "001",
            study=(
                "PIMS is named; Anderson, Fornell & Lehmann 1994, Journal of Marketing 58(3), 53-66, is the "
                "published test"
            ),
            measured=(
                "Swedish firms: satisfaction goes with return on assets, and with market share it goes the other way."
            ),
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=(
        "Sign and interval of each path of the chain, standardised, on survey data, and recovery of "
        "known paths on a synthetic survey."
    ),
    expect="every path positive",
    within=None,
    because=("A sign is judged by its interval; on the synthetic survey the true coefficient must lie in it."),
    control=Control(what="the same survey with the satisfaction column shuffled between respondents", judge=WAITING),
    critique=(
        (
            "Anderson, Fornell & Lehmann (1994): satisfaction and market share may be negatively related "
            "as a firm grows to serve more unlike customers."
        ),
        ("Paths fitted to one cross-section are associations; they carry the direction that was drawn into them."),
    ),
    judge=WAITING,
)
