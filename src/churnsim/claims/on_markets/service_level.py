"""`service-level`: twenty percent better service gives forty percent more revenue."""

from __future__ import annotations

from churnsim.claims.claim import Claim, Control, Kind
from churnsim.claims.sources import source
from churnsim.claims.waiting import waits_for

__all__ = ["SERVICE_LEVEL"]

WAITING = waits_for("service quality by spend in the simulation, and a satisfaction index that moves it")

SERVICE_LEVEL = Claim(
    id="service-level",
    says="A customer level that rises by a fifth raises revenue by 40%.",
    quote="客户水平提高2成,营业额将提升40%",
    sources=(
        source(
            "004",
            study="A handbook of the American Marketing Association is named; it was not found",
            measured="Not known.",
        ),
    ),
    kind=Kind.SIMULATION,
    quantity=(
        "Elasticity of revenue over the horizon to service quality (the share of purchases without "
        "failure, and the failure rate), on the fitted market."
    ),
    expect=2.0,
    within=0.25,
    because=("The source gives whole numbers, 20 and 40: an elasticity from 1.75 to 2.25 rounds to them."),
    control=Control(what="service quality that no customer notices", judge=WAITING),
    critique=(
        ('The text says "customer level" (客户水平): service, satisfaction and customer quality are all readings.'),
    ),
    judge=WAITING,
)
