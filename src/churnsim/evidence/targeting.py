"""Whom to contact, learned from one half of a randomised trial, and its profit in money on the other half.

On the first half each arm's chance to buy is learned from what was known before the draw, one model an arm (as
"two_model" of `UpliftModel`); a customer's gain by an arm is margin x what a buyer spends x (its chance in that arm
less that in the control) - cost, and the rule is the arm of the largest gain, or none where no gain is above 0. The
second half did not choose the rule: there, within the customers for whom it chooses the same arm, the draw tells what
that arm earns (Hitsch, Misra & Zhang 2024, "Heterogeneous treatment effects and optimal targeting policy evaluation",
Quantitative Marketing and Economics 22, 115-168).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, check_frame, check_level, check_number, check_seed, typed
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.trial import TrialEffects, trial_effects
from churnsim.models.churn.classifier import learner
from churnsim.models.churn.policy import best_arm, policy_shares, policy_table, policy_text
from churnsim.models.estimation.design_matrix import checked_features
from churnsim.models.estimation.threads import one_thread
from churnsim.typing import Floats

FEWEST_BUYERS = 20  # in each arm of the half that a model learns from


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetingRule:
    """A rule and its profit on customers who did not choose it.

    Attributes
    ----------
    table : DataFrame
        By `policy` ("the rule", and each arm for everybody): the `profit` per customer against contacting nobody, in
        money, with `lower` and `upper`; how much `more` the rule earns than it, with `more_lower` and `more_upper`.
    shares : Series
        Of the customers judged on, for whom the rule chooses each arm; the control is nobody contacting them.
    trial : TrialEffects
        The whole trial, with its checks.
    covariates : tuple of str
        What the rule reads.
    level : float
        Of the limits.
    """

    table: pd.DataFrame
    shares: pd.Series[float]
    trial: TrialEffects
    covariates: tuple[str, ...]
    level: float
    _models: tuple[Any, ...] = field(repr=False)
    _worth: float = field(repr=False)
    _costs: Floats = field(repr=False)

    def gains(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The expected profit of each arm from each customer, over leaving it alone; scores for the rule "score" of
        `RetentionContacts`."""
        features = checked_features(customers, list(self.covariates))
        arms = list(self.trial.customers.index)
        return pd.DataFrame(_gains(self._models, features, self._worth, self._costs), customers.index, arms[1:])

    def __str__(self) -> str:
        return f"{self.trial.status}; {policy_text(self.table, self.shares)}"


@in_kind
@typed
def targeting_rule(
    customers: pd.DataFrame,
    *,
    bought: str,
    spend: str,
    covariates: Sequence[str],
    control: str,
    chance: Mapping[str, float],
    margin: float,
    costs: Mapping[str, float],
    arm: str = "arm",
    kind: Literal["logistic", "boosting"] = "logistic",
    level: float = 0.95,
    seed: int = 0,
) -> TargetingRule:
    """Learn whom to contact with which arm from a random half of a trial, and judge it on the other half.

    Parameters
    ----------
    customers : DataFrame
        One row for each customer drawn.
    bought, spend : str
        Columns of the outcome: 0 or 1, and money.
    covariates : sequence of str
        Columns known before the draw, numbers or words, which the rule may read.
    control : str
        The arm that was left alone.
    chance : mapping
        With what probability customers were drawn to each arm, the same for all.
    margin : float
        Share of spend that is profit before contacts.
    costs : mapping
        Of one contact, in money, by arm without the control.
    arm : str
        The column of the arms.
    kind : {"logistic", "boosting"}
        The learner.
    level : float
        Of the limits.
    seed : int
        Of the halves, and of the learner.

    Returns
    -------
    TargetingRule
        Raises ConfigError for unknown columns and arms, DataError where an arm has fewer than 20 buyers in a half.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> open_to = random.random(20_000) < 0.5
    >>> drawn = np.where(random.random(20_000) < 0.5, "mail", "none")
    >>> bought = random.random(20_000) < np.where((drawn == "mail") & open_to, 0.12, 0.05)
    >>> base = pd.DataFrame({"open": open_to * 1.0, "arm": drawn, "bought": bought * 1, "spend": bought * 30.0})
    >>> rule = targeting_rule(
    ...     base, bought="bought", spend="spend", covariates=["open"], control="none", margin=0.5,
    ...     chance={"mail": 0.5, "none": 0.5}, costs={"mail": 0.4},
    ... )
    >>> bool(abs(rule.shares["mail"] - 0.5) < 0.05), bool(rule.table.loc["mail for everybody", "more_lower"] > 0)
    (True, True)
    """
    check_frame(customers, "customers", "Give one row a customer.")
    check_choice(kind, "kind", ("logistic", "boosting"))
    check_number(margin, "margin", above=0)
    check_level(level)
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    names = list(covariates)
    if not names:
        raise ConfigError("covariates are none; name one column at least, by which customers are told apart.")
    trial = trial_effects(
        customers, outcomes=[bought, spend], control=control, arm=arm, chance=chance, covariates=names, level=level
    )
    arms = list(trial.customers.index)
    if set(costs) != set(arms[1:]):
        raise ConfigError(f"costs must name the arms {', '.join(arms[1:])}; got {', '.join(map(str, costs))}.")
    cost = np.array([0.0, *(check_number(costs[name], f"costs[{name!r}]", least=0) for name in arms[1:])])
    group = customers[arm].astype(str).map({name: k for k, name in enumerate(arms)}).to_numpy(dtype=np.int64)
    bought_now, spent = (customers[name].to_numpy(dtype=np.float64) for name in (bought, spend))
    if not np.isin(bought_now, (0, 1)).all():
        raise DataError(f"{bought} must be 0 or 1. Give whether each customer bought.")
    learning = np.zeros(len(customers), dtype=bool)
    learning[random.permutation(len(customers))[: len(customers) // 2]] = True
    features = checked_features(customers, names)
    models = []
    for k, name in enumerate(arms):
        pick = learning & (group == k)
        buyers = int(bought_now[pick].sum())
        if min(buyers, int(pick.sum()) - buyers) < FEWEST_BUYERS:
            raise DataError(
                f"of the customers in arm {name!r} that the rule learns from {buyers} of {int(pick.sum())} bought; it "
                f"needs {FEWEST_BUYERS} who did and who did not. Use a larger trial, or a commoner outcome."
            )
        with one_thread():
            models.append(learner(kind, features, seed=seed).fit(features[pick], bought_now[pick] == 1))
    worth = margin * float(spent[learning & (bought_now == 1)].mean())
    gains = _gains(models, features[~learning], worth, cost)
    chosen = best_arm(gains)
    table = policy_table(
        chosen, group=group[~learning], earned=margin * spent[~learning], costs=cost, arms=arms, level=level,
        name="the rule",
    )  # fmt: skip
    return TargetingRule(
        table=table, shares=policy_shares(chosen, arms), trial=trial, covariates=tuple(names), level=level,
        _models=tuple(models), _worth=worth, _costs=cost,
    )  # fmt: skip


def _gains(models: Sequence[Any], features: pd.DataFrame, worth: float, cost: Floats) -> Floats:
    """Expected profit of each arm but the control over leaving the customer alone: shape (customers, arms - 1)."""
    with one_thread():
        chances = np.column_stack([model.predict_proba(features)[:, 1] for model in models])
    return np.asarray(worth * (chances[:, 1:] - chances[:, :1]) - cost[1:])
