"""The field's claims about keeping customers, each with its source, its estimand, its test and its control.

`churnsim.claims["card-npv"].test()` judges one; ``churnsim.claims.catalogue.CATALOGUE`` is the mapping behind it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from churnsim.claims.catalogue import Catalogue
    from churnsim.claims.machinery.claim import Claim


class _ClaimsModule(ModuleType):
    """The package itself, indexed by claim id. The catalogue is imported on first use."""

    @staticmethod
    def _catalogue() -> Catalogue:
        from churnsim.claims.catalogue import CATALOGUE

        return CATALOGUE

    def __getitem__(self, claim_id: str) -> Claim:
        return self._catalogue()[claim_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogue())

    def __contains__(self, claim_id: object) -> bool:
        return claim_id in self._catalogue()

    def __len__(self) -> int:
        return len(self._catalogue())


__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
sys.modules[__name__].__class__ = _ClaimsModule
