"""What did a trial of contacts show, and what does that say of a market?

Hillstrom's trial of 2008, from the sums that come with the package: what two mails did, and the beliefs that follow:

    found = effects()
    print(found.best.loc["spend"].round(2))
    print(response("men"))

With the customers themselves (`churnsim.datasets.hillstrom()` fetches them) ``whom_to_mail`` learns a rule on one half
and judges it on the other. A firm's own contacts and purchases go to `churnsim.evidence.contact_effect`, for which
docs/contacts.md has the tables. Money in US dollars, durations in weeks.
"""

from __future__ import annotations

import pandas as pd

import churnsim
from churnsim.evidence import TargetingRule, TrialEffects, effects_of_sums, targeting_rule
from churnsim.simulation import RetentionResponse
from churnsim.units import Duration

__all__ = ["effects", "response", "whom_to_mail"]

THIRDS = {"none": 1 / 3, "men": 1 / 3, "women": 1 / 3}
KNOWN_BEFORE = ["recency", "history", "mens", "womens", "newbie", "channel"]
WINDOW = HALF_LIFE = 2.0  # the trial's, and an assumption: one window does not tell how fast an effect fades


def effects() -> TrialEffects:
    """The three arms' visits, conversions and spend in the two weeks after, by strata of newcomers and channel."""
    sums = churnsim.datasets.hillstrom_sums()
    outcomes = ["visit", "conversion", "spend"]
    return effects_of_sums(sums, outcomes=outcomes, control="none", chance=THIRDS, strata=["newbie", "channel"])


def response(arm: str) -> RetentionResponse:
    """What mails such as those of an arm do in a market: they lift buying, and nothing is known of leaving."""
    lift = effects().beliefs("conversion", arm=arm, window=WINDOW, half_life=HALF_LIFE)["retention.purchase_lift"]
    return RetentionResponse(purchase_lift=lift.value, half_life=Duration(HALF_LIFE, "W"), max_effect=0.0)


def whom_to_mail(customers: pd.DataFrame, *, margin: float = 0.4, cost: float = 0.15, seed: int = 0) -> TargetingRule:
    """Which mail each of the trial's customers should get, with its profit on the half that did not choose the rule."""
    return targeting_rule(
        customers, bought="conversion", spend="spend", covariates=KNOWN_BEFORE, control="none", chance=THIRDS,
        margin=margin, costs={"men": cost, "women": cost}, seed=seed,
    )  # fmt: skip
