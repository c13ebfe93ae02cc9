"""`servqual`: 22 items, five dimensions, nine of them reversed, five gaps."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["SERVQUAL"]

WAITING = waits_for("the instruments satisfaction/servqual.py and satisfaction/gaps.py")

SERVQUAL = Claim(
    id="servqual",
    says=(
        "Service quality is perception less expectation over 22 items in five dimensions; nine items "
        "are worded in reverse; five gaps explain it."
    ),
    quote="有形性 可靠性 响应性 保证性 移情性 … 10*–13* 18*–22* … 差距1–差距5",
    sources=(
        source(
            "001",
            study="Parasuraman, Zeithaml & Berry 1988, SERVQUAL, Journal of Retailing 64(1), 12-40",
            measured="22 paired items in four service industries, with reliabilities of the five dimensions.",
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=(
        "Scores of the five dimensions and the overall gap on answers whose scores are known, points "
        "on a 7-point scale."
    ),
    expect=("items 10-13 and 18-22 reversed; five dimension scores and their gaps as computed by hand"),
    within=None,
    because="Means of whole numbers are exact; nothing but rounding may differ.",
    control=Control(what="the same answers scored without reversing items 10-13 and 18-22", judge=WAITING),
    critique=(
        (
            "Difference scores are less reliable than their parts, and the five dimensions often do not "
            "separate (Cronin & Taylor 1992, Journal of Marketing 56(3), 55-68: perceptions alone "
            "predict better)."
        ),
    ),
    judge=WAITING,
)
