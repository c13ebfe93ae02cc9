"""`disconfirmation`: satisfaction is performance against expectation, and fairness of the exchange."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["DISCONFIRMATION"]

WAITING = waits_for("the satisfaction rule of an agent, satisfaction/disconfirmation")

DISCONFIRMATION = Claim(
    id="disconfirmation",
    says=(
        "Customers are satisfied when what they perceive beats what they expected, and when outcome "
        "over input equals that of others; justice is distributive, procedural and interactional."
    ),
    quote="期望不一致模型(Oliver,1980) … 公平模型 自身得到的结果/自身的付出 = 参照群体",
    sources=(
        source(
            "001",
            study=(
                "Oliver 1980, A cognitive model of the antecedents and consequences of satisfaction "
                "decisions, Journal of Marketing Research 17(4), 460-469"
            ),
            measured="Panel on a flu inoculation: expectation and disconfirmation both add to satisfaction.",
        ),
    ),
    kind=Kind.CONCEPT,
    quantity="Satisfaction of agents by disconfirmation and by equity, on cases whose order is known.",
    expect=("positive, zero and negative disconfirmation give satisfaction above, at and below the neutral point"),
    within=None,
    because="The rule is a function; order is exact.",
    control=Control(what="satisfaction read from performance alone, expectations ignored", judge=WAITING),
    critique=(
        (
            "The text gives procedural justice as the order of delivery and interactional justice as "
            "comparison with others; in the literature these are fairness of procedure and of treatment "
            "(Tax, Brown & Chandrashekaran 1998)."
        ),
    ),
    judge=WAITING,
)
