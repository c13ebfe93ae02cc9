"""Whom to treat with what, from a randomised campaign with one or several treatments, any outcome, and costs.

The effects are learned on a random half of the customers (`UpliftRegressor`); each customer's gain by an arm is
margin x effect - cost, and the policy is the arm of the largest gain, or none where no gain is above 0. The other half
did not choose the policy: there, within the customers for whom it chooses the same arm, the draw tells what that arm
earns (Hitsch, Misra & Zhang 2024, "Heterogeneous treatment effects and optimal targeting policy evaluation",
Quantitative Marketing and Economics 22, 115-168). What is judged is this policy, not the one of another half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from churnsim.checks import check_frame, check_level, check_number, check_seed, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, verbs_in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.classifier import Kind
from churnsim.models.churn.uplift import QiniCurve, average_effect, check_randomised, qini_curve
from churnsim.models.churn.uplift_regressor import UpliftRegressor
from churnsim.models.estimation.design_matrix import checked_features, number_columns
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints

FEWEST = 100  # customers in each arm of a campaign
PRIOR = 20  # customers as which an arm's variance counts in that of a set


@verbs_in_kind
@dataclass(frozen=True, kw_only=True, eq=False)
class UpliftPolicy:
    """A policy and its value on customers who did not choose it.

    Attributes
    ----------
    covariates, control, arms, costs, margin, level
        As `fit` took them; `arms` without the control.
    effects : DataFrame
        By arm: `value, standard_error, lower, upper` of its effect on the mean outcome, by the draw alone.
    qini : dict of str to QiniCurve
        By arm: of ranking the held-out customers of this arm and the control by its gain; in money.
    table : DataFrame
        By `policy` ("the policy", and each arm for everybody): the `profit` per customer against treating nobody, in
        money, with `lower` and `upper`; how much `more` the policy earns than it, with `more_lower` and `more_upper`.
    shares : Series
        Of the held-out customers, for whom the policy chooses each arm; the control is treating nobody.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> kind, arm = random.choice(["a", "b"], 8000), random.choice(["none", "call", "mail"], 8000)
    >>> effect = np.where(arm == "call", np.where(kind == "a", 6.0, 0.0), np.where(arm == "mail", 1.0, 0.0))
    >>> campaign = pd.DataFrame({"kind": kind, "arm": arm, "spend": effect + random.exponential(10.0, 8000)})
    >>> costs = {"call": 3.0, "mail": 0.1}
    >>> policy = UpliftPolicy.fit(campaign, covariates=["kind"], outcome="spend", costs=costs)
    >>> policy.choose(pd.DataFrame({"kind": ["a", "b"]})).tolist()
    ['call', 'mail']
    >>> bool(policy.table.loc["the policy", "lower"] < (3.0 + 0.9) / 2 < policy.table.loc["the policy", "upper"])
    True
    """

    covariates: tuple[str, ...]
    control: str
    arms: tuple[str, ...]
    costs: dict[str, float]
    margin: float
    level: float
    effects: pd.DataFrame
    qini: dict[str, QiniCurve]
    table: pd.DataFrame
    shares: pd.Series[float]
    _regressor: UpliftRegressor = field(repr=False)

    @classmethod
    @typed
    def fit(
        cls,
        campaign: CustomerFrame,
        *,
        covariates: Sequence[str],
        outcome: str,
        costs: Mapping[str, float],
        arm: str = "arm",
        control: str = "none",
        margin: float = 1.0,
        kind: Kind = "logistic",
        level: float = 0.95,
        resamples: int = 200,
        seed: int = 0,
    ) -> UpliftPolicy:
        """Learn from a random half of a randomised campaign and judge on the other.

        Raises ConfigError for unknown columns and arms, DataError where an arm has fewer than 100 customers, a value is
        missing, or the covariates tell who was in which arm (then the campaign was not randomised).

        Parameters
        ----------
        campaign : DataFrame
            A row a customer.
        covariates : sequence of str
            Columns known before the draw, numbers or words.
        outcome : str
            Column of what is to be gained: 0 and 1, or any number such as money.
        costs : mapping
            Of treating one customer, in money, by arm without the control.
        arm, control : str
            The column of the arms, and the arm that was left alone.
        margin : float
            What one unit of the outcome is worth in money before costs.
        kind : {"logistic", "boosting"}
            The learner.
        level : float
            Of the intervals.
        resamples : int
            Of the intervals of the Qini curves.
        seed : int
            Of the halves, the learner and the resamples.
        """
        check_frame(campaign, "the campaign", "Give one row a customer.")
        check_number(margin, "margin", above=0)
        check_level(level)
        names = list(covariates)
        if not names or len({*names, outcome, arm}) < len(names) + 2:
            raise ConfigError("covariates, outcome and arm must be different columns, with one covariate at least.")
        missing = [name for name in (*names, outcome, arm) if [*campaign.columns].count(name) != 1]
        if missing:
            raise ConfigError(f"the campaign lacks {', '.join(map(repr, missing))}, or has it twice.")
        features = checked_features(campaign, names)
        gained = number_columns(campaign, [outcome])[outcome]
        if campaign[arm].isna().any():
            raise DataError(f"{arm!r} must name an arm for every customer; {campaign[arm].isna().sum()} have none.")
        drawn = campaign[arm].astype(str).to_numpy()
        counts = pd.Series(drawn).value_counts()
        if control not in counts or len(counts) < 2:
            raise ConfigError(
                f"{arm!r} must hold the control {control!r} and another arm; it has {', '.join(counts.index)}."
            )
        arms = [control, *sorted(set(counts.index) - {control})]
        if set(costs) != set(arms[1:]):
            raise ConfigError(f"costs must name the arms {', '.join(arms[1:])}; got {', '.join(map(str, costs))}.")
        cost = np.array([0.0, *(check_number(costs[name], f"costs[{name!r}]", least=0) for name in arms[1:])])
        if counts.min() < FEWEST:
            raise DataError(
                f"arm {counts.idxmin()!r} has {counts.min()} customers; a policy needs {FEWEST} in each arm to be "
                "learned and judged. Merge arms, or leave it out."
            )
        group = np.searchsorted(arms[1:], drawn) + 1
        group[drawn == control] = 0
        for place in range(1, len(arms)):
            pair = (group == 0) | (group == place)
            check_randomised(features[pair], group[pair] == place)
        random = np.random.Generator(np.random.Philox(check_seed(seed)))
        learning = np.zeros(group.size, dtype=bool)
        learning[random.permutation(group.size)[: group.size // 2]] = True
        regressor = UpliftRegressor(control=control, kind=kind, seed=seed)
        regressor.fit(features[learning], gained[learning], treatment=drawn[learning])
        gains = _gains(regressor, features[~learning], margin, cost)
        judged, earned = group[~learning], margin * gained[~learning]
        chosen = best_arm(gains)
        effects, curves = {}, {}
        for place, name in enumerate(arms[1:], 1):
            pair = (group == 0) | (group == place)
            effects[name] = average_effect(group[pair] == place, gained[pair], level)
            pair = (judged == 0) | (judged == place)
            curves[name] = qini_curve(
                gains[pair, place - 1], judged[pair] == place, earned[pair], level=level, resamples=resamples, seed=seed
            )
        return cls(
            covariates=tuple(names), control=control, arms=tuple(arms[1:]),
            costs=dict(zip(arms[1:], cost[1:].tolist(), strict=True)), margin=margin, level=level,
            effects=pd.DataFrame(effects).T.rename_axis("arm"), qini=curves,
            table=policy_table(chosen, group=judged, earned=earned, costs=cost, arms=arms, level=level),
            shares=policy_shares(chosen, arms), _regressor=regressor,
        )  # fmt: skip

    def gains(self, customers: CustomerFrame) -> pd.DataFrame:
        """The expected profit of each arm from each customer, over leaving it alone; scores for the rule "score" of
        `RetentionContacts`."""
        features = checked_features(customers, self.covariates)
        costs = np.array([0.0, *self.costs.values()])
        gains = _gains(self._regressor, features, self.margin, costs)
        return pd.DataFrame(gains, customers.index, list(self.arms))

    def choose(self, customers: CustomerFrame) -> pd.Series[str]:
        """The arm of the largest gain of each customer; the control where none is above 0."""
        chosen = best_arm(self.gains(customers).to_numpy())
        return pd.Series(np.array([self.control, *self.arms], dtype=object)[chosen], customers.index, name="arm")

    def __str__(self) -> str:
        return policy_text(self.table, self.shares)


def policy_table(
    chosen: Ints,
    *,
    group: Ints,
    earned: Floats,
    costs: Floats,
    arms: Sequence[str],
    level: float,
    name: str = "the policy",
) -> pd.DataFrame:
    """What a policy earns per customer against treating nobody, and against each arm for everybody.

    `chosen` has each customer's place in `arms` (0 is the control, which comes first) by the policy, which did not
    choose its `group`, the one that it was drawn to; `earned` is before `costs`, one an arm and 0 for the control.
    Limits have the `level`, and `name` is what the table calls the policy.
    """
    z = normal_quantile(level)
    nobody = np.zeros_like(chosen)
    rows = {name: (*_gain(chosen, nobody, group, earned, costs, arms), 0.0, 0.0)}
    for place, arm in enumerate(arms[1:], 1):
        every = np.full_like(chosen, place)
        rows[f"{arm} for everybody"] = (
            *_gain(every, nobody, group, earned, costs, arms), *_gain(chosen, every, group, earned, costs, arms)
        )  # fmt: skip
    return pd.DataFrame(
        {
            policy: {
                "profit": profit, "lower": profit - z * error, "upper": profit + z * error,
                "more": more, "more_lower": more - z * of_more, "more_upper": more + z * of_more,
            }
            for policy, (profit, error, more, of_more) in rows.items()
        }
    ).T.rename_axis("policy")  # fmt: skip


def policy_shares(chosen: Ints, arms: Sequence[str]) -> pd.Series[float]:
    """Of the customers, for whom each arm is chosen."""
    counts = np.bincount(chosen, minlength=len(arms))
    return pd.Series(counts / len(chosen), list(arms), name="share").rename_axis("arm")


def policy_text(table: pd.DataFrame, shares: pd.Series[float]) -> str:
    """The table in a line a policy, after the shares."""
    lines = [", ".join(f"{share:.0%} {arm}" for arm, share in shares.items())]
    for place, (policy, row) in enumerate(table.iterrows()):
        text = f"{policy}: {row['profit']:+.3g} [{row['lower']:.3g}, {row['upper']:.3g}] a customer"
        if place:
            text += (
                f"; {table.index[0]} earns {row['more']:+.3g} [{row['more_lower']:.3g}, {row['more_upper']:.3g}] more"
            )
        lines.append(text)
    return "\n".join(lines)


def _gains(regressor: UpliftRegressor, features: pd.DataFrame, margin: float, costs: Floats) -> Floats:
    """Expected profit of each arm but the control over leaving the customer alone: shape (customers, arms - 1)."""
    return margin * regressor.transform(features)[:, 1:] - costs[1:]


def best_arm(gains: Floats) -> Ints:
    """The place of the arm of the largest gain, 0 (the control) where none is above 0."""
    best = np.argmax(gains, axis=1)
    return np.where(gains[np.arange(len(best)), best] > 0, best + 1, 0)


def _gain(
    one: Ints, other: Ints, group: Ints, earned: Floats, costs: Floats, arms: Sequence[str]
) -> tuple[float, float]:
    """What a policy earns more than another, a customer, and its standard error: of each set of customers for whom
    both choose the same, the difference of the means of those who were drawn to the two arms.

    Few customers of a set may all have done the same, or nearly so, such as not to buy: their variance counts beside
    that of `PRIOR` customers with the whole arm's, where that is larger. Where fewer than two of a set were drawn to an
    arm, each customer of it stands for those not drawn by the inverse of its chance (Horvitz & Thompson 1952), with the
    mean square as variance, which is rather too large.
    """
    effects, shares, variance = [], [], 0.0
    of_arm = [float(earned[group == k].var(ddof=1)) for k in range(len(arms))]
    for a, b in sorted({*zip(one.tolist(), other.tolist(), strict=True)}):
        inside = (one == a) & (other == b)
        share, effect = float(inside.mean()), 0.0
        if a != b:
            drawn = [earned[inside & (group == k)] for k in (a, b)]
            if min(map(len, drawn)) >= 2:
                effect = float(drawn[0].mean() - drawn[1].mean())
                for k, each in zip((a, b), drawn, strict=True):
                    own = float(each.var(ddof=1))
                    own += max(of_arm[k] - own, 0.0) * PRIOR / (len(each) + PRIOR)
                    variance += share**2 * own / len(each)
            else:
                weight = (group == a) / max((group == a).mean(), 1e-9) - (group == b) / max((group == b).mean(), 1e-9)
                each = weight * earned
                effect = float(each[inside].mean())
                square = max(float(np.square(each[inside]).mean()), float(np.square(each).mean()))
                variance += share**2 * square / int(inside.sum())
            effect -= float(costs[a] - costs[b])
        effects.append(effect)
        shares.append(share)
    mean = float(np.dot(shares, effects))
    variance += float(np.dot(shares, (np.array(effects) - mean) ** 2)) / len(one)
    return mean, math.sqrt(variance)
