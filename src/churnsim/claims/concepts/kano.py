"""`kano`: basic, performance and excitement factors."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["KANO"]

WAITING = waits_for("the instrument satisfaction/kano.py")

KANO = Claim(
    id="kano",
    says="Features of a product are basic, performance or excitement factors.",
    quote="基本要素 绩效要素 激励要素",
    sources=(
        source(
            "001",
            study=(
                "Kano, Seraku, Takahashi & Tsuji 1984, Attractive quality and must-be quality, Journal of "
                "the Japanese Society for Quality Control 14(2), 39-48"
            ),
            measured="Paired questions (feature present, feature absent) on television sets and clocks.",
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=("Class of each pair of answers in the 5 x 5 evaluation table, and of features whose class is known."),
    expect="the 25 cells of the evaluation table",
    within=None,
    because="A table has no tolerance.",
    control=Control(what="the functional and the dysfunctional question exchanged", judge=WAITING),
    critique=("The class of a feature moves with time and segment; a majority of answers hides both.",),
    judge=WAITING,
)
