"""A figure of many firms: each measured on its own data, then pooled by random effects, with where a new firm's lies.

A statement about firms is a statement about a firm that nobody has looked at. It holds where the interval for a new
firm lies within what is stated, and fails where that of the mean over firms lies outside; else it is undecided, since
firms differ more than the statement allows, or too few were looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from churnsim.claims.machinery.claim import Evidence, Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import Answer, Spread
from churnsim.data import datasets
from churnsim.data.customers.concentration import customer_spend
from churnsim.data.customers.estimate import Estimate
from churnsim.errors import ChurnSimError, DataError
from churnsim.evidence.pooling import pool
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints

PANELS = ("catsup", "ketchup", "tuna", "yogurt", "cracker")
LOGS = ("cdnow-full", "online-retail")
"""Firms whose log of purchases is public. The CDNOW sample is a part of the full log, and no firm of its own."""
SPENDING = (*LOGS, "donations", "hillstrom", *PANELS)
"""Firms and categories of which it is known how much each customer bought."""


@cache
def load(name: str) -> pd.DataFrame:
    """A data set, read once."""
    return datasets.load(name)


def bought_by_customer(name: str) -> Floats:
    """What each customer bought: money, and gifts where no money is known (donors)."""
    frame = load(name)
    kind = datasets.describe(name).kind
    if kind == "panel":
        found: object = frame.groupby("household")["price"].sum()
    elif kind == "histories":  # the first purchase is not counted in the frequency
        found = np.repeat(1 + frame["frequency"].to_numpy(), frame["customers"].to_numpy())
    elif kind == "trial":
        found = frame["history"]
    else:
        found = customer_spend(frame)
    return np.asarray(found, dtype=np.float64)


def purchases_by_brand(panel: pd.DataFrame) -> Ints:
    """How often each household bought each brand: shape (households, brands)."""
    return pd.crosstab(panel["household"], panel["brand"]).to_numpy(dtype=np.int64)


def new_customers(log: pd.DataFrame, after: int = 91) -> pd.DataFrame:
    """The log of customers who were first seen so many days after it begins: where a firm is older than its log, the
    first purchase of the others need not be their first."""
    first = log.groupby("customer_id")["date"].transform("min")
    late: pd.DataFrame = log[first >= log["date"].min() + pd.Timedelta(after, "D")]
    return late


Scale = Literal["share", "ratio", "difference", "correlation"]
# To the scale on which estimates are about normal, back, and the slope of the first.
_SCALES: Mapping[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "share": (logit, expit, lambda p: 1.0 / (p * (1.0 - p))),
    "ratio": (np.log, np.exp, lambda r: 1.0 / r),
    "difference": (lambda d: d, lambda d: d, np.ones_like),
    "correlation": (np.arctanh, np.tanh, np.ones_like),
}


@dataclass(frozen=True, kw_only=True)
class FirmFinding:
    """One firm's (or category's) own figure, and how many customers it is of."""

    name: str
    found: Estimate


@dataclass(frozen=True, kw_only=True)
class AcrossFirms:
    """The figures of several firms and what they say together, in the figures' own unit.

    `mean` is over firms such as these with its interval, `new` where a new firm's lies (NaN with fewer than three), and
    `between` the share of the spread between the figures that is not their own error. `absent` names the data sets that
    were not at hand, `failed` those whose figure could not be found and why, `kind` says what is pooled.
    """

    firms: tuple[FirmFinding, ...]
    mean: Spread
    new: Spread
    between: float
    absent: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    kind: str = "firms"

    @property
    def _asked(self) -> Spread:
        """What must lie where it is stated: a new firm's figure, or that of the only firm that was asked about."""
        return self.mean if len(self.firms) == 1 else self.new

    def within(self, low: float, high: float) -> Answer:
        """Whether a firm's figure lies in [low, high]."""
        if self.mean.upper < low or self.mean.lower > high:
            return Answer.FAILS
        return Answer.HOLDS if self._asked.lower >= low and self._asked.upper <= high else Answer.UNDECIDED

    def above(self, level: float) -> Answer:
        """Whether a firm's figure lies above the level."""
        if self.mean.upper <= level:
            return Answer.FAILS
        return Answer.HOLDS if self._asked.lower > level else Answer.UNDECIDED

    def below(self, level: float) -> Answer:
        """Whether a firm's figure lies below the level."""
        if self.mean.lower >= level:
            return Answer.FAILS
        return Answer.HOLDS if self._asked.upper < level else Answer.UNDECIDED

    def part(self, answer: Answer, *, name: str, estimand: str, unit: str, digits: int = 1) -> Part:
        """The part of a claim that the pooled figure judges."""
        return Part(
            name=name, estimand=estimand, answer=answer, reason=self.said(digits), **self.mean.figures(unit),
        )  # fmt: skip

    def said(self, digits: int = 1) -> str:
        """Mean, a new firm's interval, and each firm's figure, in words."""
        form = f",.{digits}f"
        values = [firm.found.value for firm in self.firms]
        mean = f"{self.mean.mean:{form}} [{self.mean.lower:{form}}, {self.mean.upper:{form}}]"
        if len(values) == 1:
            told = f"{self.firms[0].name}: {mean}"
        else:
            told = (
                f"Over {len(values)} {self.kind} the mean is {mean}, from {min(values):{form}} to {max(values):{form}}"
            )
        if len(values) > 2:
            told += f"; that of a new one lies between {self.new.lower:{form}} and {self.new.upper:{form}}"
        away = f" Not at hand: {', '.join(self.absent)}." if self.absent else ""
        return f"{told}.{away}{_of_failed(self.failed)}"

    def table(self, title: str, unit: str) -> dict[str, Rows]:
        """A row a firm, then the mean and a new firm: for the finding's tables, which are drawn as a forest plot."""
        rows: Rows = [
            {"firm": one.name, "customers": one.found.n, "estimate": one.found.value, "lower": one.found.lower,
             "upper": one.found.upper, "unit": unit}
            for one in self.firms
        ]  # fmt: skip
        together = [("mean of firms", self.mean)]
        together += [("a new firm", self.new)] if len(self.firms) > 2 else []
        total = sum(one.found.n for one in self.firms)
        rows += [
            {"firm": name, "customers": total, "estimate": spread.mean, "lower": spread.lower, "upper": spread.upper,
             "unit": unit}
            for name, spread in together
        ]  # fmt: skip
        return {f"firms {title}": rows}


def across_firms(
    firms: FirmFindings | Iterable[FirmFinding], *, scale: Scale, times: float = 1.0, kind: str = "firms"
) -> AcrossFirms:
    """Pool the firms' figures on a scale where they are about normal; `times` 100 turns shares into percent.

    Raises DataError where there is no firm.
    """
    measured = firms if isinstance(firms, FirmFindings) else FirmFindings(list(firms))
    chosen = tuple(measured.firms)
    if not chosen and measured.failed:
        raise DataError(f"no firm has a figure.{_of_failed(measured.failed)}")
    if not chosen:
        raise DataError("no data set that can show it is at hand. Run: pip install 'churnsim[datasets]'")
    there, back, slope = _SCALES[scale]
    value = np.array([firm.found.value for firm in chosen])
    error = np.array([firm.found.standard_error for firm in chosen])
    if scale == "correlation":  # near 1 its error is far from normal; its limits are not
        ends = np.array([(firm.found.lower, firm.found.upper, normal_quantile(firm.found.level)) for firm in chosen]).T
        errors = (there(ends[1]) - there(ends[0])) / (2.0 * ends[2])
    else:
        errors = error * slope(value)
    pooled = pool(there(value), errors)

    def spread(*ends: float) -> Spread:
        return Spread(*(times * float(x) for x in back(np.array(ends))))

    figures = tuple(
        FirmFinding(
            name=firm.name,
            found=Estimate(
                value=times * firm.found.value, standard_error=times * firm.found.standard_error,
                lower=times * firm.found.lower, upper=times * firm.found.upper, level=firm.found.level, n=firm.found.n,
            ),
        )
        for firm in chosen
    )  # fmt: skip
    return AcrossFirms(
        firms=figures, mean=spread(pooled.estimate, pooled.lower, pooled.upper), kind=kind,
        new=spread(pooled.estimate, pooled.prediction_lower, pooled.prediction_upper), between=pooled.i_squared,
        absent=tuple(measured.absent), failed=measured.failed,
    )  # fmt: skip


def asks_of_all(evidence: Evidence) -> bool:
    """Whether a claim on data is asked of firms in general, and not of one market's customers."""
    return evidence is None or (isinstance(evidence, MarketEvidence) and evidence.cdnow)


def of_others(evidence: Evidence) -> str:
    """A sentence that says so where a claim is asked of a market and answered by other firms' data; else nothing."""
    if isinstance(evidence, MarketEvidence) and not asks_of_all(evidence):
        return f" This is of other firms: nothing is known of {evidence.label} that it could be judged on."
    return ""


@dataclass(frozen=True)
class FirmFindings:
    """Figures of firms, the names of data sets that were not at hand, and why the figures of others failed."""

    firms: list[FirmFinding] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: FirmFindings) -> FirmFindings:
        return FirmFindings(self.firms + other.firms, self.absent + other.absent, self.failed | other.failed)


def measured_on(names: Iterable[str], figure: Callable[[str], Estimate]) -> FirmFindings:
    """The figure of each data set that is at hand; nothing is downloaded.

    One that cannot be loaded, a file that is not the published one, is not at hand. One that can and has no figure,
    such as of too few customers, failed. Raises AssertionError for artificial data, in which nothing is found.
    """
    found = FirmFindings()
    for name in names:
        declared = datasets.describe(name)
        assert not declared.artificial, f"{name} is artificial: no firm's figure"
        if not (declared.at_hand and _loads(name)):
            found.absent.append(name)
            continue
        try:
            found.firms.append(FirmFinding(name=name, found=figure(name)))
        except ChurnSimError as error:
            found.failed[name] = str(error)
    return found


def _loads(name: str) -> bool:
    try:
        load(name)
    except ChurnSimError:
        return False
    return True


def _of_failed(failed: Mapping[str, str]) -> str:
    """A sentence a firm without a figure."""
    return "".join(f" No figure of {name}: {reason.rstrip('.')}." for name, reason in failed.items())
