"""The catalogue: every claim by its id, written out in one tuple."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from churnsim.claims.card import CARD_NPV
from churnsim.claims.claim import Claim
from churnsim.claims.complaint_tree import COMPLAINT_TREE
from churnsim.claims.five_percent import FIVE_PERCENT_CHURN
from churnsim.claims.recovery import RECOVERY_RETAINS
from churnsim.claims.tables import RETENTION_TABLE
from churnsim.errors import ConfigError

__all__ = ["CATALOGUE", "Catalogue"]

ENTRIES = (FIVE_PERCENT_CHURN, RECOVERY_RETAINS, CARD_NPV, RETENTION_TABLE, COMPLAINT_TREE)


class Catalogue(Mapping[str, Claim]):
    """Claims by id, in the order given. An unknown id is a ConfigError that lists those there are."""

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        self._claims = {claim.id: claim for claim in claims}
        if len(self._claims) != len(claims):
            ids = [claim.id for claim in claims]
            double = sorted({i for i in ids if ids.count(i) > 1})
            raise ConfigError(f"each claim needs an id of its own; given twice: {', '.join(double)}.")

    def __getitem__(self, claim_id: str) -> Claim:
        try:
            return self._claims[claim_id]
        except KeyError:
            known = ", ".join(self._claims)
            raise UnknownClaimError(f"there is no claim {claim_id!r}. Use one of: {known}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)


class UnknownClaimError(ConfigError, KeyError):
    """No claim has that id. Also a KeyError, so that the catalogue keeps the promises of a mapping."""

    def __str__(self) -> str:
        return str(self.args[0])


CATALOGUE = Catalogue(ENTRIES)
