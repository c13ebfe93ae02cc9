"""`acsi`: expectations, performance and value make satisfaction; satisfaction makes complaints and loyalty."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["ACSI"]

WAITING = waits_for("the instrument satisfaction/acsi.py")

ACSI = Claim(
    id="acsi",
    says=(
        "The American index: expectations, perceived performance and value make satisfaction, which "
        "lowers complaints and raises loyalty."
    ),
    quote="ACSI模型 期望 感知价值 属性表现 满意 抱怨 忠诚",
    sources=(
        source(
            "001",
            study=(
                "Fornell, Johnson, Anderson, Cha & Bryant 1996, The American Customer Satisfaction Index, "
                "Journal of Marketing 60(4), 7-18"
            ),
            measured=("Household interviews on products used; latent index from 0 to 100 by partial least squares."),
        ),
    ),
    kind=Kind.CONCEPT,
    quantity=("Index on 0 to 100 of answers whose index is known, and the sign of each path on a survey."),
    expect="the index of known answers, and signs as drawn",
    within=None,
    because="The index is a weighted mean, exact but for rounding; a sign is judged by its interval.",
    control=Control(what="the same answers with the complaint scale reversed", judge=WAITING),
    critique=(("Complaints may rise with loyalty where complaining is made easy (Hirschman 1970: voice and exit)."),),
    judge=WAITING,
)
