"""`club`: club marketing."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["CLUB"]

WAITING = waits_for("the mechanisms of the simulation: social bonds")

CLUB = Claim(
    id="club",
    says="A club of the best customers binds them and makes them recommend.",
    quote="俱乐部营销 … 培养顾客的忠诚度 … 利用顾客的“口碑宣传”来激活巨量的潜在市场",
    sources=(source("003", measured="No study is named."),),
    kind=Kind.SIMULATION,
    quantity=("Net present value with the method less without, at equal budget, money over the horizon, paired."),
    expect="above zero",
    within=None,
    because="A sign, judged by a paired interval.",
    control=Control(what="the method at the same cost and without effect", judge=WAITING),
    critique=(
        ("A method is as good as the response it meets, which the text does not state; the map says what it takes."),
    ),
    judge=WAITING,
)
