"""The purchase models by the name of their family, for configs, the command line and comparisons.

A family is listed here once. Everything else that must be known of it (its title, what its summary must hold, what it
is simulated as, whether there is a form with covariates) is asked of its class, see `BuyTillYouDie`. The names are at
hand without importing any model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from churnsim.models.purchase.protocol import PurchaseModel

PLACES = {
    "bg_nbd": "churnsim.models.purchase.bg_nbd:BGNBD",
    "mbg_nbd": "churnsim.models.purchase.mbg_nbd:MBGNBD",
    "pareto_nbd": "churnsim.models.purchase.pareto_nbd:ParetoNBD",
    "nbd": "churnsim.models.purchase.nbd:NBD",
    "bg_bb": "churnsim.models.purchase.bg_bb:BGBB",
    "mbg_cnbd": "churnsim.models.purchase.mbg_cnbd:MBGCNBD",
}
DEFAULT_FAMILY = "bg_nbd"
# The family in which nobody leaves, which every other one must beat; the one of chances to buy at an opportunity; and
# those that are compared unless others are asked for.
WITHOUT_DROPOUT = "nbd"
AT_OPPORTUNITIES = "bg_bb"
COMPARED = ("bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd")


class _Families(Mapping[str, "type[PurchaseModel]"]):
    """The classes by name, each imported when asked for."""

    def __getitem__(self, name: str) -> type[PurchaseModel]:
        module, _, family = PLACES[name].partition(":")
        found: type[PurchaseModel] = getattr(import_module(module), family)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


PURCHASE_FAMILIES = _Families()


def simulated_families() -> tuple[str, ...]:
    """Names of the families by which a market can be simulated."""
    return tuple(name for name, family in PURCHASE_FAMILIES.items() if family.simulated_as is not None)


def with_leaving_clock() -> tuple[str, ...]:
    """Names of the families whose model with a calendar may have one of leaving too."""
    return tuple(name for name, family in PURCHASE_FAMILIES.items() if family.calendar_model == "TwoClockModel")


def with_covariates(*, simulated: bool = True) -> tuple[str, ...]:
    """Names of the families that have a form with covariates, by which a market can be simulated or by any."""
    forms = {name: family.covariate_family for name, family in PURCHASE_FAMILIES.items()}
    return tuple(
        name for name, form in forms.items() if form is not None and not (simulated and form.simulated_as is None)
    )
