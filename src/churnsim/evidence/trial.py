"""What a randomised trial measured, by the randomisation alone: differences of means, adjusted and not, and checks.

With Y_i(a) what customer i would do in arm a, and p_i the known chance of the arm it was drawn to, the mean of Y(a)
over all customers is estimated

- *unadjusted*: by the mean over those in arm a, weighted by 1/p_i (Hajek; plain means where chances are equal);
- *adjusted*: by the intercept of a regression within arm a, weighted likewise, on covariates known before the draw,
  less their means over all customers (Lin 2013, "Agnostic notes on regression adjustments to experimental data",
  Annals of Applied Statistics 7(1), 295-318: with a slope for each arm the adjustment cannot lose precision in large
  samples, whatever the truth). With a forecast of the outcome as the covariate it is CUPED (Deng, Xu, Kohavi & Walker
  2013, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data", WSDM, 123-132)
  with a coefficient for each arm; with words as the covariate it is the stratified estimator.

Variances are HC2 (MacKinnon & White 1985), which for plain means are s^2/n, and for adjusted ones hold the spread of
the covariates' means over samples of customers too, so that both speak of customers such as these. Limits are Student's
with Satterthwaite's degrees of freedom. An arm in which all did the same, as where nobody of few bought, does not show
how customers differ: its variance is that of the customers of all arms together, and where these did the same too there
are no limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_frame, check_level, check_number, labels_of, typed
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.beliefs import Belief
from churnsim.models.estimation.design_matrix import Design, checked_features, independent_columns, number_columns
from churnsim.statistics import chi2_tail, f_tail, normal_quantile, student_quantile, student_tail, tails
from churnsim.typing import Flags, Floats, Ints

RANDOMISED: Final = "measured here (randomised)"
OBSERVATIONAL: Final = "measured here (observational)"

# Below this p-value a check fails: one sound trial in a thousand is doubted, as is customary for sample ratios
# (Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled experiments", KDD, 2156-2164).
DOUBT = 0.001
FEWEST = 20  # customers in an arm
PIECE = 131_072  # customers of an arm whom the adjustment and the checks work on at once, for the sake of memory


@dataclass(frozen=True, kw_only=True)
class TrialCheck:
    """One check of a trial: its `name`, the `p_value` (NaN where it could not be made), whether it `passed`, and in
    words what was found.

    Examples
    --------
    >>> print(TrialCheck(name="sizes of the arms", p_value=0.4, passed=True, message="as drawn"))
    sizes of the arms: passed; as drawn
    """

    name: str
    p_value: float
    passed: bool
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {'passed' if self.passed else 'FAILED'}; {self.message}"


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialEffects:
    """What the arms of a trial did, against its control.

    Attributes
    ----------
    table : DataFrame
        Indexed by `outcome`, `arm` and `estimator` ("unadjusted", "adjusted"): the means `control` and `treated`, the
        `difference`, its `standard_error`, `lower`, `upper` and `p_value` (all NaN where every customer did the same),
        and the ratio of the means less 1, `lift`, with its `lift_error`.
    customers : Series
        In each arm.
    checks : tuple of TrialCheck
        Sample ratio, balance of the arms before the campaign, and a placebo where there is one.
    status : str
        "measured here (randomised)" only where every customer's chance is known and every check passed.
    control : str
        The arm that was left alone.
    level : float
        Of the limits.
    """

    table: pd.DataFrame
    customers: pd.Series[int]
    checks: tuple[TrialCheck, ...]
    status: str
    control: str
    level: float

    @property
    def best(self) -> pd.DataFrame:
        """The table's adjusted rows, or the unadjusted ones where nothing was adjusted for; by `outcome` and `arm`."""
        kinds = self.table.index.get_level_values("estimator")
        kind = "adjusted" if "adjusted" in kinds else "unadjusted"
        return self.table[kinds == kind].droplevel("estimator")

    @property
    def narrower(self) -> pd.Series[float]:
        """By which share the adjustment makes each interval narrower; by `outcome` and `arm`."""
        plain = self.table.xs("unadjusted", level="estimator")["standard_error"]
        return 1.0 - self.best["standard_error"] / plain

    def beliefs(self, outcome: str, *, arm: str, window: float, half_life: float) -> dict[str, Belief]:
        """The market's ``retention.purchase_lift`` of contacts such as those of `arm`, of which the lift of the mean
        `outcome` over the `window` after the draw is the evidence.

        A trial with one window cannot tell how fast an effect fades: with `half_life`, which is assumed (in the
        window's unit), right after the contact the lift is larger than its mean over the window, by the factor
        k w / (1 - e^(-k w)), k = ln 2 / half-life. The interval is that of the logarithm of the ratio of the means.
        Raises DataError where either mean is 0, which tells no ratio.

        Examples
        --------
        >>> import churnsim
        >>> sums = churnsim.datasets.hillstrom_sums()
        >>> found = effects_of_sums(sums, outcomes=["conversion"], control="none")
        >>> belief = found.beliefs("conversion", arm="women", window=2.0, half_life=2.0)["retention.purchase_lift"]
        >>> round(belief.value, 2), round(belief.low, 2), round(belief.high, 2)
        (1.75, 1.32, 2.3)
        """
        if (outcome, arm) not in self.best.index:
            raise ConfigError(f"there is no effect of {arm!r} on {outcome!r}.")
        gone = check_number(window, "window", above=0) * math.log(2) / check_number(half_life, "half_life", above=0)
        row = self.best.loc[[(outcome, arm)]].iloc[0]
        ratio, error, larger = 1.0 + float(row["lift"]), float(row["lift_error"]), gone / -math.expm1(-gone)
        if not (ratio > 0 and error > 0):
            raise DataError(
                f"{outcome} has a mean of {row['treated']:.4g} in arm {arm!r} and of {row['control']:.4g} in the "
                "control: that tells no ratio of the two. Take a longer window, more customers or a commoner outcome."
            )
        factor = math.exp(normal_quantile(self.level) * error / ratio)
        value, low, high = (max(0.001, 1.0 + (end - 1.0) * larger) for end in (ratio, ratio / factor, ratio * factor))
        own, others = self.customers[arm], self.customers[self.control]
        source = f"{outcome} of {own:,} customers in arm {arm!r} and {others:,} in {self.control!r}"
        source += f"; half-life of {half_life:g} assumed"
        status: Any = self.status
        belief = Belief(value=value, low=low, high=high, level=self.level, status=status, source=source)
        return {"retention.purchase_lift": belief}

    def __str__(self) -> str:
        lines = [f"{self.status}; {', '.join(f'{n:,} {arm}' for arm, n in self.customers.items())}"]
        for key, row in self.best.iterrows():
            outcome, arm = cast("tuple[str, str]", key)
            lines.append(
                f"{outcome}, {arm}: {row['treated']:.4g} against {row['control']:.4g}, difference "
                f"{row['difference']:+.4g} [{row['lower']:.4g}, {row['upper']:.4g}], interval "
                f"{self.narrower[outcome, arm]:.1%} narrower than without adjustment"
            )
        return "\n".join([*lines, *map(str, self.checks)])


def varying(customers: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the columns of numbers that vary within every `arm`, so that they can be adjusted for."""
    varies = customers.groupby("arm", observed=True)[list(names)].agg(np.ptp).gt(0).all()
    return [name for name in names if varies[name]]


@in_kind
@typed
def trial_effects(
    customers: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    control: str,
    arm: str = "arm",
    chance: str | Mapping[str, float] | None = None,
    covariates: Sequence[str] = (),
    before: Sequence[str] = (),
    history: Sequence[str] = (),
    level: float = 0.95,
) -> TrialEffects:
    """Differences of means between the arms of a trial and its control, with and without adjustment, and its checks.

    Parameters
    ----------
    customers : DataFrame
        One row for each customer drawn, whatever became of the contact. Those drawn together, as a household or the
        customers of a branch are, must be one row, since their outcomes and their arm go together.
    outcomes : sequence of str
        Columns of numbers: what customers did afterwards.
    control : str
        The arm that was left alone.
    arm : str
        The column of the arms.
    chance : str or mapping, optional
        With what probability each customer was drawn to its arm: a column, or a number for each arm. Without it nothing
        says that anybody was drawn, and the status is "measured here (observational)".
    covariates : sequence of str
        Columns known before the draw, numbers or words, to adjust for; words are strata.
    before : sequence of str
        Columns of numbers: the outcomes over a time before the campaign. They are adjusted for, and an effect on them
        is the placebo that must be none.
    history : sequence of str
        Further columns known before the draw, only looked at for balance.
    level : float
        Of the limits.

    Returns
    -------
    TrialEffects
        Raises ConfigError for columns and arms that are not there, DataError for missing values, an arm with fewer than
        20 customers, chances that are none, and a covariate that does not vary within an arm.

    References
    ----------
    Lin (2013), Annals of Applied Statistics 7(1), 295-318; Deng, Xu, Kohavi & Walker (2013), WSDM, 123-132.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> past = random.poisson(2.0, 4000)
    >>> drawn = np.where(random.random(4000) < 0.5, "mail", "none")
    >>> bought = random.poisson(0.5 * past + 0.3 * (drawn == "mail"))
    >>> base = pd.DataFrame({"arm": drawn, "past": past, "bought": bought})
    >>> found = trial_effects(
    ...     base, outcomes=["bought"], control="none", chance={"mail": 0.5, "none": 0.5}, before=["past"]
    ... )
    >>> row = found.best.loc["bought", "mail"]
    >>> found.status, bool(row["lower"] < 0.3 < row["upper"]), float(found.narrower.iloc[0].round(1))
    ('measured here (randomised)', True, 0.2)
    """
    check_frame(customers, "customers", "Give one row a customer.")
    level = check_level(level)
    wanted = [arm, *outcomes, *covariates, *before, *history, *([chance] if isinstance(chance, str) else [])]
    lacking = [name for name in wanted if name not in customers.columns]
    if lacking or not len(outcomes):
        raise ConfigError(f"customers has no column {lacking[0]!r}." if lacking else "name at least one outcome.")
    group, arms = _arm_of(customers[arm], control)
    weight, known = _weights(customers, group, arms, chance)
    by_arm = None if chance is None else [weight[group == k] for k in range(len(arms))]
    counts = np.bincount(group, minlength=len(arms))
    numbers = {name: _numbers(customers, name) for name in (*outcomes, *before)}
    adjusting = list(dict.fromkeys([*covariates, *before]))
    estimators: dict[str, Floats | None] = {"unadjusted": None}
    if adjusting:
        design = Design.of(customers, adjusting)
        estimators["adjusted"] = design.matrix(customers) - np.array(design.means)
    means = {kind: outcome_means([numbers[name] for name in outcomes], x, weight, group, arms)
             for kind, x in estimators.items()}  # fmt: skip
    estimators.clear()  # of a million customers they take more room than is at hand for what follows
    rows = {(outcome, kind): of[k] for k, outcome in enumerate(outcomes) for kind, of in means.items()}
    checks = [_sample_ratio(counts.astype(np.float64), arms, known, by_arm)]
    looked = list(dict.fromkeys([*adjusting, *history]))
    checks.append(_balance(_shapes(customers, looked), weight, group, arms))
    if len(before):
        checks.append(_placebo([numbers[name].__getitem__ for name in before], weight, group, arms))
    return TrialEffects(
        table=_effects_table(rows, arms, level),
        customers=pd.Series(counts, arms, name="customers").rename_axis("arm"),
        checks=tuple(checks),
        status=RANDOMISED if all(check.passed for check in checks) else OBSERVATIONAL,
        control=control,
        level=level,
    )


@typed
def effects_of_sums(
    sums: pd.DataFrame,
    *,
    outcomes: Sequence[str],
    control: str,
    chance: Mapping[str, float] | None = None,
    strata: Sequence[str] = (),
    level: float = 0.95,
) -> TrialEffects:
    """The same from sums: what a firm can hand out of a trial without handing out its customers.

    Parameters
    ----------
    sums : DataFrame
        One row for each `arm` and stratum: how many `customers`, for each outcome its sum in a column of its name, and
        the sum of its squares in one with ``^2`` after the name (not needed where the outcome is 0 or 1).
    outcomes, control, chance, level
        As in `trial_effects`; `chance` has a number for each arm.
    strata : sequence of str
        Columns that tell the strata; the adjusted answer is the stratified one, and they are looked at for balance.

    Examples
    --------
    >>> import churnsim
    >>> sums, third = churnsim.datasets.hillstrom_sums(), 1 / 3
    >>> chance = {"none": third, "men": third, "women": third}
    >>> found = effects_of_sums(sums, outcomes=["spend"], control="none", chance=chance)
    >>> row = found.best.loc["spend", "men"]
    >>> [float(row[name].round(2)) for name in ("difference", "lower", "upper")]
    [0.77, 0.49, 1.05]
    """
    check_frame(sums, "sums", "Give one row an arm and stratum.")
    level = check_level(level)
    lacking = [name for name in ("arm", "customers", *outcomes, *strata) if name not in sums.columns]
    if lacking:
        raise ConfigError(f"sums has no column {lacking[0]!r}.")
    squares = [f"{name}^2" for name in outcomes if f"{name}^2" in sums.columns]
    sums = sums.assign(**number_columns(sums, ["customers", *outcomes, *squares]))
    if (sums[["customers", *squares]] < 0).any(axis=None):
        raise DataError("sums has a number of customers or a sum of squares below 0. Correct it.")
    strata = list(strata)
    sums[strata] = sums[strata].astype(str)
    found = sorted(sums["arm"].astype(str).unique())
    if control not in found or len(found) < 2:
        raise ConfigError(f"sums needs the control arm {control!r} and another one; the arms are {', '.join(found)}.")
    arms = [control, *(name for name in found if name != control)]
    cells = [*(sums[name] for name in strata), sums["arm"].astype(str)]

    def by_cell(column: str) -> Floats:
        """Shape (strata, arms), NaN where nobody is."""
        totals = sums[column].groupby(cells).sum()
        table = totals.unstack("arm") if strata else totals.to_frame().T
        return table.reindex(columns=arms).to_numpy(dtype=np.float64)

    n = by_cell("customers")
    if not (n >= 2).all():
        raise DataError("an arm has fewer than two customers in a stratum. Merge small strata.")
    rows = {}
    for name in outcomes:
        parts = n, by_cell(name), by_cell(f"{name}^2" if f"{name}^2" in sums.columns else name)
        rows[name, "unadjusted"] = _means_of_sums(*(part.sum(axis=0)[None, :] for part in parts))
        if strata:
            rows[name, "adjusted"] = _means_of_sums(*parts)
    counts = n.sum(axis=0)
    known = None
    if chance is not None:
        if set(chance) != set(arms):
            raise ConfigError(f"chance must name the arms {', '.join(arms)}; got {', '.join(map(str, chance))}.")
        known = np.array([float(chance[name]) for name in arms])
        known = known / known.sum()
    checks = [_sample_ratio(counts, arms, known)]
    if not strata:
        checks.append(UNCHECKED)
    else:
        expected = n.sum(axis=1)[:, None] * counts / counts.sum()
        p = float(chi2_tail(((n - expected) ** 2 / expected).sum(), (len(n) - 1) * (len(arms) - 1)))
        checks.append(_check("balance", p, f"{len(n)} strata by {len(arms)} arms (p = {p:.3g})."))
    return TrialEffects(
        table=_effects_table(rows, arms, level),
        customers=pd.Series(counts.astype(np.int64), arms, name="customers").rename_axis("arm"),
        checks=tuple(checks),
        status=RANDOMISED if all(check.passed for check in checks) else OBSERVATIONAL,
        control=control,
        level=level,
    )


def _means_of_sums(n: Floats, first: Floats, second: Floats) -> list[ArmMean]:
    """What `arm_means` gives, from counts, sums and sums of squares by stratum and arm: the stratified estimator."""
    if (first**2 > n * second * (1 + 1e-9)).any():  # Cauchy and Schwarz
        raise DataError(
            "sums has an outcome whose sum of squares is smaller than any customers' with that sum. Squares are in a "
            "column with ^2 after the outcome's name; without it the outcome is 0 or 1."
        )
    share = n.sum(axis=1) / n.sum()
    means = first / n
    variances = (second - n * means**2) / (n - 1) / n
    spread = (np.diag(share) - np.outer(share, share)) / n.sum()
    of_all = max(0.0, float(second.sum() - first.sum() ** 2 / n.sum())) / (n.sum() - 1)
    own = [share**2 @ variances[:, k] for k in range(n.shape[1])]
    return [
        ArmMean(
            share @ means[:, k], own[k] if np.ptp(means[:, k]) or own[k] > 0 else of_all / n[:, k].sum(),
            n[:, k].sum() - len(n), means[:, k], spread,
        )
        for k in range(n.shape[1])
    ]  # fmt: skip


def _arm_of(values: pd.Series, control: str) -> tuple[Ints, list[str]]:
    """Each customer's arm as a number, 0 for the control, and the arms' names."""
    if values.isna().any():
        raise DataError(
            f"customer {str(values.index[values.isna()][0])[:80]!r} has no arm. Leave it out, or say which."
        )
    codes, values_found = labels_of(values, f"the column of arms {values.name!r}")
    words = [str(value) for value in values_found]
    found = sorted(set(words))
    if control not in found:
        raise ConfigError(f"no customer is in the control arm {control!r}; the arms are {', '.join(found)[:300]}.")
    arms = [control, *(name for name in found if name != control)]
    if len(arms) < 2:
        raise DataError(f"every customer is in the arm {control!r}. A comparison needs another one.")
    group = np.array([arms.index(word) for word in words], dtype=np.int64)[codes]
    counts = np.bincount(group)
    if counts.min() < FEWEST:
        raise DataError(f"arm {arms[counts.argmin()]!r} has {counts.min()} customers; at least {FEWEST} are needed.")
    return group, arms


def _weights(
    customers: pd.DataFrame, group: Ints, arms: list[str], chance: str | Mapping[str, float] | None
) -> tuple[Floats, Floats | None]:
    """1/chance of each customer's own arm (1 where unknown), and the chances of the arms where they are constant."""
    if chance is None:
        return np.ones(group.size), None
    if isinstance(chance, Mapping):
        if set(chance) != set(arms):
            raise ConfigError(f"chance must name the arms {', '.join(arms)}; got {', '.join(map(str, chance))}.")
        own = np.array([float(chance[name]) for name in arms])[group]
    else:
        own = _numbers(customers, chance)
    bad = ~((own > 0) & (own <= 1))
    if bad.any():
        raise DataError(f"a chance must be above 0 and at most 1; a customer in arm {arms[group[bad][0]]!r} has "
                        f"{own[bad][0]:g}.")  # fmt: skip
    by_arm = [own[group == k] for k in range(len(arms))]
    if all(np.ptp(each) < 1e-9 for each in by_arm):
        known = np.array([each[0] for each in by_arm])
        if abs(known.sum() - 1) > 0.005:
            raise DataError(f"the chances of the arms add up to {known.sum():g}, not to 1. Check them, or add the arm "
                            "that is missing.")  # fmt: skip
        return 1.0 / own, known / known.sum()
    return 1.0 / own, None


def _numbers(customers: pd.DataFrame, name: str) -> Floats:
    values = pd.to_numeric(customers[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        bad = int(np.argmin(np.isfinite(values)))
        raise DataError(f"{name} must be a number; customer {str(customers.index[bad])[:80]!r} has "
                        f"{str(customers[name].iloc[bad])[:60]!r}. Correct it, or leave the customer out.")  # fmt: skip
    return values


class ArmMean(NamedTuple):
    """The mean if all customers were in an arm, its HC2 variance with degrees of freedom, and what adds the variance of
    the covariates' means, `spread`, to it: the slopes."""

    mean: float
    variance: float
    df: float
    slopes: Floats
    spread: Floats


def arm_means(y: Floats, x: Floats | None, weight: Floats, group: Ints, arms: list[str]) -> list[ArmMean]:
    """`outcome_means` of one outcome."""
    return outcome_means([y], x, weight, group, arms)[0]


def outcome_means(
    outcomes: Sequence[Floats], x: Floats | None, weight: Floats, group: Ints, arms: list[str]
) -> list[list[ArmMean]]:
    """By outcome the mean of each arm, customers weighted by 1/chance, adjusted for `x`, of mean 0 over all, where
    there is one. Shapes (n,) each, (n, columns), (n,) and (n,); `group` is the number of each customer's arm."""
    spread = np.zeros((0, 0)) if x is None else np.cov(x, rowvar=False, ddof=0).reshape(x.shape[1], -1) / len(x)
    means: list[list[ArmMean]] = [[] for _ in outcomes]
    for k, name in enumerate(arms):
        inside = np.flatnonzero(group == k)
        used = np.zeros(0, dtype=np.int64)
        if x is not None:
            mine = x[inside]
            if (np.ptp(mine, axis=0) == 0).any():
                raise DataError(f"a covariate does not vary within arm {name!r}. Leave it out, or merge rare words.")
            # Of columns that are dependent in this arm alone, such as purchases and their spend, one says it all.
            used = np.flatnonzero(independent_columns(mine - mine.mean(axis=0)))
            if len(inside) <= len(used) + 1:
                raise DataError(
                    f"arm {name!r} has {len(inside)} customers, too few to adjust for as many columns of covariates, "
                    "of which each word is one. Give fewer."
                )
        pieces = list(_pieces(inside))
        every = np.zeros(len(spread))
        regressions = _regressions(outcomes, x, used, weight, pieces)
        for y, found, (slopes, variance) in zip(outcomes, means, regressions, strict=True):
            mean, own = float(slopes[0]), every.copy()
            own[used] = slopes[1:]
            if np.ptp(y[inside]) == 0:
                mean, w = float(y[inside[0]]), weight[inside]
                own[:], variance = 0.0, float(np.var(y, ddof=1) * (w @ w) / w.sum() ** 2)
            found.append(ArmMean(mean, variance, float(len(inside) - len(slopes)), own, spread))
    return means


def _pieces(rows: Ints) -> Iterator[Ints]:
    """The rows by so many that what is worked out for them at once takes little room."""
    return (rows[at : at + PIECE] for at in range(0, len(rows), PIECE))


def _regressions(
    outcomes: Sequence[Floats], x: Floats | None, used: Ints, weight: Floats, pieces: Sequence[Ints]
) -> Iterator[tuple[Floats, float]]:
    """Of each outcome on 1 and the columns `used` of `x`: the slopes by weighted least squares, and the HC2 variance of
    the first of them. Rows come in pieces, whose triangles are put together by another one."""

    def design(piece: Ints) -> Floats:
        ones = np.ones((len(piece), 1))
        # Rows, then columns: the layout decides the last digits.
        return ones if x is None else np.column_stack([ones, x[piece][:, used]])

    def turned(piece: Ints) -> tuple[Floats, Floats]:
        return np.linalg.qr(np.sqrt(weight[piece])[:, None] * design(piece))

    triangles = [turned(piece)[1] for piece in pieces]
    turn, r = np.linalg.qr(np.vstack(triangles)) if len(pieces) > 1 else (np.eye(len(triangles[0])), triangles[0])
    first, turns = np.linalg.solve(r.T, np.eye(len(r))[0]), np.split(turn, len(pieces))
    products, shares = np.zeros((len(outcomes), len(r))), []
    for piece, own_turn in zip(pieces, turns, strict=True):
        q = turned(piece)[0] @ own_turn
        for y, total in zip(outcomes, products, strict=True):
            total += q.T @ (np.sqrt(weight[piece]) * y[piece])
        # A customer whom a slope fits alone has no residual and tells nothing of the variance.
        shares.append(((q @ first) ** 2, 1 - np.minimum((q**2).sum(axis=1), 1 - 1e-9)))
    for y, product in zip(outcomes, products, strict=True):
        slopes, variance = np.linalg.solve(r, product), 0.0
        for piece, (share, rest) in zip(pieces, shares, strict=True):
            residual = np.sqrt(weight[piece]) * (y[piece] - design(piece) @ slopes)
            variance += float((share * residual**2 / rest).sum())
        yield slopes, variance


def contrast(control: ArmMean, treated: ArmMean) -> tuple[float, float, float]:
    """The difference of two arms' means, its standard error, and Satterthwaite's degrees of freedom."""
    v, v_0, shared = treated.variance, control.variance, _shared(control, treated)
    error = math.sqrt(v + v_0 + shared[0] - 2 * shared[1] + shared[2])
    degrees = (v + v_0) ** 2 / max(v**2 / treated.df + v_0**2 / control.df, 1e-300)
    return treated.mean - control.mean, error, max(degrees, 1.0)


def _shared(control: ArmMean, treated: ArmMean) -> list[float]:
    """What the covariates' means add to the variance of the treated mean, to the covariance, to the control's."""
    a, b = treated.slopes, control.slopes
    return [float(one @ control.spread @ other) for one, other in ((a, a), (a, b), (b, b))]


def _effects_table(
    rows: Mapping[tuple[str, str], Sequence[ArmMean]], arms: Sequence[str], level: float
) -> pd.DataFrame:  # fmt: skip
    """The table of `TrialEffects` from the means of the arms (the control first), by outcome and estimator."""
    table = {}
    for (outcome, kind), means in rows.items():
        control, v_0 = means[0].mean, means[0].variance
        for name, own in zip(arms[1:], means[1:], strict=True):
            mean, v, shared = own.mean, own.variance, _shared(means[0], own)
            difference, error, degrees = contrast(means[0], own)
            half = float(student_quantile(tails(level)[1], degrees)) * error
            lift = difference / control if control else math.nan
            # The delta method on mean / control.
            ratio = mean / control if control else math.nan
            of_ratio = v + shared[0] + ratio**2 * (v_0 + shared[2]) - 2 * ratio * shared[1]
            if not error:  # everybody did the same, which says nothing of how customers differ
                error = half = of_ratio = math.nan
            table[outcome, name, kind] = {
                "control": control,
                "treated": mean,
                "difference": difference,
                "standard_error": error,
                "lower": difference - half,
                "upper": difference + half,
                "p_value": float(2 * student_tail(abs(difference) / error, degrees)),
                "lift": lift,
                "lift_error": math.sqrt(of_ratio) / abs(control) if control else math.nan,
            }
    frame = pd.DataFrame.from_dict(table, orient="index")
    frame.index = pd.MultiIndex.from_tuples(table, names=["outcome", "arm", "estimator"])
    return frame


def _sample_ratio(
    counts: Floats, arms: list[str], known: Floats | None, weights: Sequence[Floats] | None = None
) -> TrialCheck:
    """Whether the arms are as large as the chances say: chi-squared, or by the `weights` 1/chance of each arm's
    customers where chances differ."""
    shares = ", ".join(f"{share:.2%} {name}" for share, name in zip(counts / counts.sum(), arms, strict=True))
    if known is not None:
        expected = known * counts.sum()
        p = float(chi2_tail(((counts - expected) ** 2 / expected).sum(), len(arms) - 1))
        wanted = ", ".join(f"{share:.2%}" for share in known)
        return _check("sample ratio", p, f"{shares}; drawn with {wanted} (p = {p:.3g}).")
    if weights is None:
        return TrialCheck(
            name="sample ratio", p_value=math.nan, passed=False,
            message=f"{shares}; no chances were given, so nothing says that customers were drawn.",
        )  # fmt: skip
    # Each arm's sum of 1/chance estimates the number of all; Bonferroni over the arms.
    scores = []
    for w in weights:
        scores.append((w.sum() - counts.sum()) / math.sqrt(max((w * (w - 1)).sum(), 1e-300)))
    p = min(1.0, len(arms) * float(chi2_tail(np.max(np.square(scores)), 1)))
    return _check("sample ratio", p, f"{shares}; against chances that differ by customer (p = {p:.3g}).")


def _check(name: str, p: float, message: str) -> TrialCheck:
    return TrialCheck(name=name, p_value=p, passed=bool(p >= DOUBT), message=message)


Column = Callable[[Any], Floats]
"""What a column is in the rows asked for: a million customers' are not kept in every shape."""


def _shapes(customers: pd.DataFrame, names: Sequence[str]) -> dict[str, Column]:
    """Ranks of numbers with their squares (Legendre's first two polynomials), and words as columns of 0 and 1."""
    columns: dict[str, Column] = {}
    for name in names:
        features = checked_features(customers, [name])
        if not pd.api.types.is_numeric_dtype(features[name].dtype):
            for word, is_word in pd.get_dummies(features[name].astype(str)).items():
                columns[f"{name}={word}"] = _as_number(is_word.to_numpy())
            continue
        rank = _ranks(features[name].to_numpy()) / (len(features) + 1) * 2 - 1
        columns[str(name)] = rank.__getitem__
        columns[f"{name}, middling"] = _middling(rank)
    return {name: column for name, column in columns.items() if np.ptp(column(slice(None))) > 0}


def _as_number(values: NDArray[Any]) -> Column:
    return lambda rows: values[rows].astype(np.float64)


def _middling(rank: Floats) -> Column:
    return lambda rows: (3 * rank[rows] ** 2 - 1) / 2


def _ranks(values: NDArray[Any]) -> Floats:
    """Ranks from 1, those of equal values their mean: by counting where there are few whole numbers."""
    from scipy.stats import rankdata  # a second of imports

    if values.dtype.kind == "i" and int(values.max()) - int(values.min()) < len(values):
        counts = np.bincount(values - values.min())
        return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[values - values.min()])
    return np.asarray(rankdata(values.astype(np.float64)))


UNCHECKED = TrialCheck(
    name="balance", p_value=math.nan, passed=False,
    message="nothing known before the campaign was given, so that nothing shows the arms to be alike.",
)  # fmt: skip


def _balance(shapes: Mapping[str, Column], weight: Floats, group: Ints, arms: list[str]) -> TrialCheck:
    """Whether what was known before the campaign tells the arm."""
    if not shapes:
        return UNCHECKED
    p, gap = _joint_difference(list(shapes.values()), weight, group, len(arms))
    worst = int(np.argmax(np.abs(gap)))
    return _check(
        "balance", p,
        f"what was known before {'tells' if p < DOUBT else 'does not tell'} the arm (p = {p:.3g}); the largest "
        f"difference is {abs(gap[worst]):.2f} standard deviations, in {list(shapes)[worst % len(shapes)]}.",
    )  # fmt: skip


def _placebo(values: Sequence[Column], weight: Floats, group: Ints, arms: list[str]) -> TrialCheck:
    p, _ = _joint_difference(values, weight, group, len(arms))
    effect = "an effect before the campaign began" if p < DOUBT else "no effect before the campaign began"
    return _check("placebo", p, f"{effect} (p = {p:.3g}).")


def _joint_difference(values: Sequence[Column], weight: Floats, group: Ints, arms: int) -> tuple[float, Floats]:
    """p-value of equal means of all columns in all arms (Wald, on F), and the differences from the control in standard
    deviations."""
    whole = slice(None)
    varying = [column for column in values if np.ptp(column(whole)) > 0]
    columns = len(varying)
    if not columns:
        return 1.0, np.zeros(1)
    spread = [column(whole).std() for column in varying]

    def scaled(piece: Ints) -> Floats:
        return np.array([column(piece) / sd for column, sd in zip(varying, spread, strict=True)])

    means, covariances = [], []
    for k in range(arms):
        mine = np.flatnonzero(group == k)
        total = weight[mine].sum()
        pieces = [(piece, weight[piece] / total) for piece in _pieces(mine)]
        mean = sum((scaled(piece) @ w for piece, w in pieces), np.zeros(columns))
        own = np.zeros((columns, columns))
        for piece, w in pieces:
            off = scaled(piece)
            off -= mean[:, None]
            off *= w
            own += off @ off.T
        means.append(mean)
        covariances.append(own)
    gap = np.concatenate([mean - means[0] for mean in means[1:]])
    covariance = np.kron(np.ones((arms - 1, arms - 1)), covariances[0])
    for k in range(1, arms):
        place = slice((k - 1) * columns, k * columns)
        covariance[place, place] += covariances[k]
    roots, vectors = np.linalg.eigh(covariance)
    kept: Flags = roots > 1e-9 * roots[-1]
    rank = int(kept.sum())
    wald = float((((vectors[:, kept].T @ gap) ** 2) / roots[kept]).sum())
    return float(f_tail(wald / rank, rank, max(len(group) - columns - arms, 1))), gap
