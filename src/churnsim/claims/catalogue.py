"""The catalogue: every claim by its id, in groups that a reader would look for, written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from churnsim.claims.arithmetic.best_customer import BEST_CUSTOMER
from churnsim.claims.arithmetic.card_npv import CARD_NPV
from churnsim.claims.arithmetic.cheaper_to_serve import CHEAPER_TO_SERVE
from churnsim.claims.arithmetic.complaint_tree import COMPLAINT_TREE
from churnsim.claims.arithmetic.complaint_visibility import COMPLAINT_VISIBILITY
from churnsim.claims.arithmetic.customer_asset_equation import CUSTOMER_ASSET_EQUATION
from churnsim.claims.arithmetic.dissatisfied_leave import DISSATISFIED_LEAVE
from churnsim.claims.arithmetic.regular_customers import REGULAR_CUSTOMERS
from churnsim.claims.arithmetic.retention_table import RETENTION_TABLE
from churnsim.claims.arithmetic.very_satisfied import VERY_SATISFIED
from churnsim.claims.concepts.acsi import ACSI
from churnsim.claims.concepts.customer_value_ratio import CUSTOMER_VALUE_RATIO
from churnsim.claims.concepts.disconfirmation import DISCONFIRMATION
from churnsim.claims.concepts.importance_performance import IMPORTANCE_PERFORMANCE
from churnsim.claims.concepts.kano import KANO
from churnsim.claims.concepts.path_model import PATH_MODEL
from churnsim.claims.concepts.satisfaction_share import SATISFACTION_SHARE
from churnsim.claims.concepts.servqual import SERVQUAL
from churnsim.claims.five_percent_churn.claim import FIVE_PERCENT_CHURN
from churnsim.claims.machinery.claim import Claim
from churnsim.claims.on_data.annual_churn import ANNUAL_CHURN
from churnsim.claims.on_data.defection_reasons import DEFECTION_REASONS
from churnsim.claims.on_data.eighty_twenty import EIGHTY_TWENTY
from churnsim.claims.on_data.existing_revenue import EXISTING_REVENUE
from churnsim.claims.on_data.gold_customers import GOLD_CUSTOMERS
from churnsim.claims.on_data.longer_is_worth_more import LONGER_IS_WORTH_MORE
from churnsim.claims.on_data.relationship_ladder import RELATIONSHIP_LADDER
from churnsim.claims.on_data.repeat_premium import REPEAT_PREMIUM
from churnsim.claims.on_data.second_sale import SECOND_SALE
from churnsim.claims.on_markets.abc_management import ABC_MANAGEMENT
from churnsim.claims.on_markets.acquisition_multiple import ACQUISITION_MULTIPLE
from churnsim.claims.on_markets.bonds import BONDS
from churnsim.claims.on_markets.cross_selling import CROSS_SELLING
from churnsim.claims.on_markets.customer_flow import CUSTOMER_FLOW
from churnsim.claims.on_markets.dismiss_unprofitable import DISMISS_UNPROFITABLE
from churnsim.claims.on_markets.internal_loyalty import INTERNAL_LOYALTY
from churnsim.claims.on_markets.low_risk import LOW_RISK
from churnsim.claims.on_markets.loyal_bank import LOYAL_BANK
from churnsim.claims.on_markets.methods import CLUB, DATABASE_LOOP, PRECISION
from churnsim.claims.on_markets.programmes import NINE_STEPS, SIX_STRATEGIES
from churnsim.claims.on_markets.referral_share import REFERRAL_SHARE
from churnsim.claims.on_markets.service_level import SERVICE_LEVEL
from churnsim.claims.on_markets.tell_eleven import TELL_ELEVEN
from churnsim.claims.on_markets.win_back_odds import WIN_BACK_ODDS
from churnsim.claims.on_markets.win_back_selection import WIN_BACK_SELECTION
from churnsim.claims.on_markets.worst_twenty import WORST_TWENTY
from churnsim.claims.service_recovery.recovery import RECOVERY_RETAINS
from churnsim.errors import ConfigError

__all__ = ["CATALOGUE", "GROUPS", "Catalogue", "UnknownClaimError"]

GROUPS: Mapping[str, tuple[Claim, ...]] = {
    "What keeping customers is worth": (
        FIVE_PERCENT_CHURN,
        CARD_NPV,
        RETENTION_TABLE,
        REGULAR_CUSTOMERS,
        LONGER_IS_WORTH_MORE,
        REPEAT_PREMIUM,
        LOYAL_BANK,
        CUSTOMER_ASSET_EQUATION,
    ),
    "What winning and keeping cost": (
        ACQUISITION_MULTIPLE,
        CHEAPER_TO_SERVE,
        SECOND_SALE,
        LOW_RISK,
        EXISTING_REVENUE,
    ),
    "Few customers and most of the profit": (
        EIGHTY_TWENTY,
        WORST_TWENTY,
        BEST_CUSTOMER,
        ABC_MANAGEMENT,
        GOLD_CUSTOMERS,
        DISMISS_UNPROFITABLE,
    ),
    "Complaints, recovery and word of mouth": (
        RECOVERY_RETAINS,
        COMPLAINT_TREE,
        COMPLAINT_VISIBILITY,
        DISSATISFIED_LEAVE,
        TELL_ELEVEN,
        REFERRAL_SHARE,
    ),
    "Losing customers and winning them back": (
        ANNUAL_CHURN,
        DEFECTION_REASONS,
        CUSTOMER_FLOW,
        WIN_BACK_ODDS,
        WIN_BACK_SELECTION,
    ),
    "Quality, satisfaction and loyalty": (
        VERY_SATISFIED,
        SERVICE_LEVEL,
        SATISFACTION_SHARE,
        INTERNAL_LOYALTY,
        SERVQUAL,
        ACSI,
        DISCONFIRMATION,
        KANO,
        IMPORTANCE_PERFORMANCE,
        CUSTOMER_VALUE_RATIO,
        PATH_MODEL,
    ),
    "Strategies and programmes": (
        BONDS,
        CROSS_SELLING,
        RELATIONSHIP_LADDER,
        CLUB,
        PRECISION,
        DATABASE_LOOP,
        NINE_STEPS,
        SIX_STRATEGIES,
    ),
}
ENTRIES = tuple(claim for group in GROUPS.values() for claim in group)


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
