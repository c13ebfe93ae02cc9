"""`database-loop`: the database cycle."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["DATABASE_LOOP"]

WAITING = waits_for("the mechanisms of the simulation: targeting re-estimated each period")

DATABASE_LOOP = Claim(
    id="database-loop",
    says=("Collect data, find the ideal customers, use the data, renew it: the cycle keeps customers at lower cost."),
    quote="数据采集—数据存储—数据处理—寻找理想消费者—使用数据—更新和完善数据库",
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
