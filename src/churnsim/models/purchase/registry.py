"""The purchase models by the name of their family, for configs, the command line and comparisons."""

from __future__ import annotations

from churnsim.models.purchase.bg_bb import BGBB
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.mbg_cnbd import MBGCNBD
from churnsim.models.purchase.mbg_nbd import MBGNBD
from churnsim.models.purchase.nbd import NBD
from churnsim.models.purchase.pareto_nbd import ParetoNBD
from churnsim.models.purchase.protocol import PurchaseModel

__all__ = ["PURCHASE_FAMILIES"]

PURCHASE_FAMILIES: dict[str, type[PurchaseModel]] = {
    family.family: family for family in (BGNBD, MBGNBD, ParetoNBD, NBD, BGBB, MBGCNBD)
}
