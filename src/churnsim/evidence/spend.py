r"""Spending on new customers by channel: what it brings, how it saturates and how long it lasts.

In period t there come on average

    mu_t = season_t (b + sum_c M_c (1 - e^(-A_ct / k_c))),    A_ct = (1 - theta_c) spend_ct + theta_c A_c,t-1

customers: b by themselves, at most M_c by channel c, 63% of these at a spending of k_c held for ever, of which a share
theta_c carries over from period to period. Numbers are negative binomial about mu_t, with variance mu (1 + mu / phi).
The season is e^(a sin + a' cos) of the day of the year where a whole year was seen.

Spending and customers are logged, not drawn, and a log says little of how a channel saturates. So the posterior takes

- the elasticity of all customers with respect to all spending as published (`published`, transform "elasticity"):
  log-normal;
- spending at its mean over k_c log-normal about 1, the logit of theta_c normal about 0, both with standard deviation 1;
- wide laws for the rest: the logarithm of all customers at the mean spending about that of their mean number with
  standard deviation 1; what a channel brings about a tenth of b (of several channels, together) with 2; ln of 1/phi
  about ln 0.05 with 1.5; the season's coefficients normal with 0.5.

Lift tests enter as further observations: a channel's spending was changed for some periods in regions that were drawn,
and the difference in customers has a standard error. Draws are by `laplace_draws`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, gammaln

from churnsim.checks import check_count, check_frame, check_kind, check_level, check_number, check_seed, typed
from churnsim.data.logs.days import calendar_day
from churnsim.data.records.reading import record_table
from churnsim.data.records.record_table import RecordTable
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.laplace import laplace_draws
from churnsim.evidence.published_effects import elasticity_prior
from churnsim.evidence.records import RecordEvidence, day_numbers
from churnsim.simulation.core.belief import Belief
from churnsim.statistics import percentile_limits
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_YEAR, Duration

LIFTS = ("channel", "from", "to", "spend_change", "lift", "standard_error")
FEWEST = 20  # periods
Test = tuple[int, Ints, Floats, float, float]
ALIKE = 0.95  # correlation of two channels above which they cannot be told apart


@dataclass(frozen=True, kw_only=True, eq=False)
class SpendEvidence(RecordEvidence):
    """What a record of spending shows.

    Attributes
    ----------
    by_channel : DataFrame
        Indexed by `channel`, the median of each number with its limits ("_lower", "_upper"): `brought`, new customers a
        period at the mean spending; `cost`, spending for each of them; `next_cost`, for one more; `elasticity`, of all
        new customers with respect to this channel's spending; `carry_over`; and `spend`, the mean itself.
    ceiling, scale : dict
        Draws of M_c (customers a period) and k_c (money a period) by channel, joint.
    unprompted : array of shape (draws,)
        New customers a period who come without spending, b.
    days : float
        Mean length of a period.
    revenue_per_customer : float
        Revenue of all periods over new customers; NaN without it.
    checks, status, level
        As of every estimator from records; the status is "measured here (observational)".
    """

    by_channel: pd.DataFrame
    ceiling: dict[str, Floats]
    scale: dict[str, Floats]
    unprompted: Floats
    days: float
    revenue_per_customer: float

    def _lines(self) -> list[str]:
        lines = [f"{self.status}; {np.median(self.unprompted):.3g} new customers a period come without spending"]
        for channel, row in self.by_channel.iterrows():
            told = [
                f"{words} {row[name]:.3g} [{row[f'{name}_lower']:.3g}, {row[f'{name}_upper']:.3g}]"
                for name, words in (
                    ("brought", "brings"), ("cost", "at"), ("next_cost", "each, the next at"),
                    ("elasticity", "elasticity"), ("carry_over", "carry-over"),
                )
            ]  # fmt: skip
            lines.append(f"{channel}: {row['spend']:,.0f} a period {', '.join(told)}")
        return lines

    def beliefs(self, *, prospects: float, period: Duration, channel: str | None = None) -> dict[str, Belief]:
        """Joint beliefs for a market of so many prospects whose `period` is this long.

        Of several channels those in "prospects.channels.NAME.ceiling" and ".spend_scale"; of one, or of the `channel`
        asked for, those in "prospects.ceiling" and "prospects.spend_scale"."""
        check_number(prospects, "prospects", least=1)
        check_kind(period, "period", Duration, "a Duration, such as Duration(4, 'W')")
        if channel is not None and channel not in self.ceiling:
            raise ConfigError(f"channel must be one of {', '.join(map(repr, self.ceiling))}; got {channel!r}.")
        if channel is None and len(self.ceiling) > 1:
            several = (self._beliefs(name, prospects, period, f"prospects.channels.{name}") for name in self.ceiling)
            return {address: belief for found in several for address, belief in found.items()}
        return self._beliefs(channel or next(iter(self.ceiling)), prospects, period, "prospects")

    def _beliefs(self, name: str, prospects: float, period: Duration, part: str) -> dict[str, Belief]:
        times = period.to("D") / self.days
        most = self.ceiling[name] * times / prospects
        if not most.max() < 1:
            raise ConfigError(
                f"spending on {name!r} may bring {most.max() * prospects:,.0f} customers in a period of the market, "
                f"which has {prospects:,.0f} prospects. Give more."
            )
        numbers = {"ceiling": most, "spend_scale": self.scale[name] * times / prospects}
        return self._drawn(part, numbers, f"spending on {name}")


@typed
def spend_evidence(
    spend: Any,
    *,
    lifts: pd.DataFrame | None = None,
    level: float = 0.9,
    draws: int = 1000,
    seed: int = 1,
) -> SpendEvidence:
    """What spending on new customers brings, by channel.

    Parameters
    ----------
    spend : DataFrame or path
        One row a period and channel: ``from`` and ``to`` (first and last day), ``channel``, ``spend`` (money),
        ``new_customers`` and perhaps ``revenue`` (money). Which channel a customer is counted under is not used: those
        of a period are added up.
    lifts : DataFrame, optional
        One row a test: ``channel``, ``from`` and ``to`` (the first and last day of periods of `spend`),
        ``spend_change`` (money by which the spending of these periods, all told, was more than without the test, each
        in proportion; negative where it was held back), ``lift`` (how many more customers came for it) and its
        ``standard_error``.
    level : float
        Of the intervals.
    draws, seed : int
        Of the posterior.

    Returns
    -------
    SpendEvidence

    Raises
    ------
    DataError
        Names row, value and remedy of missing and negative values, periods that end before they begin, overlap or leave
        a gap, and a channel twice in a period. Also for fewer than 20 periods, a channel on which the same was spent in
        all of them, and tests of other channels or periods.
    FitError
        If no mode of the posterior is found.

    Examples
    --------
    >>> random, weeks = np.random.default_rng(1), pd.date_range("2022-01-03", periods=104, freq="7D")
    >>> money = random.gamma(2.0, 500.0, 104)
    >>> came = random.poisson(50 + 60 * (1 - np.exp(-money / 1000)))
    >>> rows = pd.DataFrame({"from": weeks, "to": weeks + pd.Timedelta(days=6), "channel": "search", "spend": money})
    >>> found = spend_evidence(rows.assign(new_customers=came), draws=200)
    >>> row = found.by_channel.loc["search"]
    >>> truth = 60 * (1 - np.exp(-money.mean() / 1000))
    >>> bool(row["brought_lower"] < truth < row["brought_upper"])
    True
    """
    check_level(level)
    check_seed(seed)
    check_count(draws, "draws", least=2)
    rows = record_table("spend", spend)
    table = _periods(rows)
    model = _Model.of(table, _tests(lifts, table))
    found = laplace_draws(model.log_posterior, model.start(), draws=draws, seed=seed)
    parts = model.parts(found.draws)
    base, most, scale = parts.base, parts.most, parts.scale
    names = list(table.spend.columns)
    mean = model.spend.mean(axis=0)
    figures: dict[str, Floats] = {}
    brought = most * -np.expm1(-mean / scale)
    slope = most / scale * np.exp(-mean / scale)
    figures["brought"], figures["cost"], figures["next_cost"] = brought, mean / brought, 1 / slope
    figures["elasticity"] = slope * mean / (base[:, None] + brought.sum(axis=1, keepdims=True))
    figures["carry_over"] = parts.carry
    columns: dict[str, Floats] = {"spend": mean}
    for name, values in figures.items():
        lower, upper = percentile_limits(values, level=level)
        columns |= {name: np.median(values, axis=0), f"{name}_lower": lower, f"{name}_upper": upper}
    total = table.new.sum()
    return SpendEvidence(
        by_channel=pd.DataFrame(columns, index=pd.Index(names, name="channel")),
        ceiling={name: most[:, k] for k, name in enumerate(names)},
        scale={name: scale[:, k] for k, name in enumerate(names)},
        unprompted=base, days=table.days, revenue_per_customer=float(table.revenue / total) if total > 0 else math.nan,
        checks=(*rows.told(), *_checks(model, table, found.mode, found.effective, lifts)), level=level,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Table:
    """Periods in order: spending by channel, new customers, the middle of each as a share of the year."""

    spend: pd.DataFrame
    new: Floats
    first: Ints
    last: Ints
    days: float
    revenue: float

    @property
    def whole_year(self) -> bool:
        """Whether a season can be told."""
        return bool(self.last[-1] - self.first[0] >= 364)

    @property
    def season(self) -> Floats:
        """Sine and cosine of the time of the year; no columns where less than a year was seen."""
        angle = 2 * math.pi * (self.first + self.last) / 2 / DAYS_PER_YEAR
        return np.column_stack([np.sin(angle), np.cos(angle)])[:, : 2 if self.whole_year else 0]


def _periods(rows: RecordTable) -> _Table:
    frame = rows.frame
    first, last = day_numbers(frame["from"]), day_numbers(frame["to"])
    order = np.argsort(first, kind="stable")
    same = first[order][1:] == first[order][:-1]
    wrong = np.zeros(len(frame), dtype=bool)
    wrong[order[1:]] = np.where(same, last[order][1:] != last[order][:-1], first[order][1:] != last[order][:-1] + 1)
    rows.refuse(
        wrong, "from", "does not begin the day after the period before it ends",
        "Give every period, one after the other, with the same days for all channels.",
    )  # fmt: skip
    rows.checked()
    money = frame.assign(channel=frame["channel"].astype(str)).pivot_table(
        index="from", columns="channel", values="spend", aggfunc="sum", fill_value=0.0
    )
    if len(money) < FEWEST:
        raise DataError(f"there are {len(money)} periods; at least {FEWEST} are needed. Give shorter ones.")
    flat = [str(name) for name in money.columns if money[name].nunique() < 2]
    if flat:
        raise DataError(f"spending on {flat[0]!r} is the same in all periods, so nothing shows what it brings.")
    begins, place = np.unique(first, return_index=True)
    new = frame.groupby("from")["new_customers"].sum().to_numpy(dtype=np.float64)
    revenue = float(frame["revenue"].sum(min_count=1))
    return _Table(money, new, begins, last[place], float((last[place] - begins + 1).mean()), revenue)


def _tests(lifts: pd.DataFrame | None, table: _Table) -> list[Test]:
    """Channel, periods, change of spending in each, lift and its standard error of every test."""
    if lifts is None:
        return []
    check_frame(lifts, "lifts", "Give one row a test.")
    absent = [name for name in LIFTS if name not in lifts.columns]
    if absent:
        raise DataError(f"lifts has no column {absent[0]!r}; it needs {', '.join(LIFTS)}.")
    found = []
    names = [str(name) for name in table.spend.columns]
    for number, row in enumerate(lifts.to_dict("records"), start=1):
        days = [calendar_day(row[name], name=f"lifts, row {number}: {name}") for name in ("from", "to")]
        begin, end = day_numbers(pd.Series(days)).tolist()
        periods = np.flatnonzero((table.first >= begin) & (table.last <= end))
        if str(row["channel"]) not in names or not len(periods):
            raise DataError(
                f"lifts, row {number}: no spending on {row['channel']!r} from {row['from']} to {row['to']} is in the "
                "table. Give the first and the last day of its periods."
            )
        change = check_number(row["spend_change"], f"lifts, row {number}: spend_change")
        channel = names.index(str(row["channel"]))
        spent = table.spend.to_numpy(np.float64)[periods, channel]
        if change > spent.sum() * (1 + 1e-9):
            raise DataError(
                f"lifts, row {number}: the test added {change:,.2f} to the spending of its periods, which is "
                f"{spent.sum():,.2f} in all. Check spend_change."
            )
        share = spent / spent.sum() if spent.any() else np.full(len(periods), 1 / len(periods))
        error = check_number(row["standard_error"], f"lifts, row {number}: standard_error", above=0)
        found.append((channel, periods, change * share, check_number(row["lift"], f"lifts, row {number}: lift"), error))
    return found


@dataclass(frozen=True, eq=False)
class _Parts:
    """The numbers of the model at each of some points: shape (points,), by channel (points, channels)."""

    base: Floats
    most: Floats
    scale: Floats
    carry: Floats
    season: Floats
    dispersion: Floats
    brought: Floats
    saturation: Floats


@dataclass(frozen=True, eq=False)
class _Model:
    """The posterior of ln of all customers at the mean spending, then by channel ln of what it brings there over b,
    ln(mean spending / k) and the logit of theta, then ln(1 / phi) and the season."""

    spend: Floats
    new: Floats
    season: Floats
    length: Floats
    tests: list[Test]
    prior: tuple[float, float]

    @classmethod
    def of(cls, table: _Table, tests: list[Test]) -> _Model:
        length = (table.last - table.first + 1) / table.days
        return cls(table.spend.to_numpy(np.float64), table.new, table.season, length, tests, elasticity_prior())

    def start(self) -> Floats:
        channels, level = self.spend.shape[1], math.log(max(self.new.mean(), 0.5))
        by_channel = np.concatenate([np.full(channels, -math.log(10 * channels)), np.zeros(2 * channels)])
        return np.concatenate([[level], by_channel, [math.log(0.05)], np.zeros(self.season.shape[1])])

    def parts(self, x: Floats) -> _Parts:
        """The numbers at points of shape (points, numbers)."""
        channels = self.spend.shape[1]
        over, saturation = np.exp(x[:, 1 : 1 + channels]), np.exp(x[:, 1 + channels : 1 + 2 * channels])
        base = np.exp(x[:, 0]) / (1 + over.sum(axis=1))
        brought = base[:, None] * over
        return _Parts(
            base=base, most=brought / -np.expm1(-saturation), scale=self.spend.mean(axis=0) / saturation,
            carry=expit(x[:, 1 + 2 * channels : 1 + 3 * channels]), season=x[:, 2 + 3 * channels :],
            dispersion=np.exp(x[:, 1 + 3 * channels]), brought=brought, saturation=saturation,
        )  # fmt: skip

    def mean(self, parts: _Parts, spend: Floats) -> Floats:
        """mu_t under some spending, shape (points, periods)."""
        # Before the record the mean was spent.
        stock = np.broadcast_to(self.spend.mean(axis=0), parts.carry.shape)
        came = np.empty((len(parts.base), len(spend)))
        for t, spent in enumerate(spend):
            stock = spent + parts.carry * (stock - spent)
            came[:, t] = parts.base + (parts.most * -np.expm1(-stock / parts.scale)).sum(axis=1)
        return np.asarray(came * self.length * np.exp(parts.season @ self.season.T))

    def log_posterior(self, x: Floats) -> Floats:
        """At points of shape (points, numbers), up to a constant."""
        channels = self.spend.shape[1]
        # Six standard deviations of the prior; beyond, exponentials overflow.
        inside = (np.abs(x[:, 1 + channels : 1 + 3 * channels]).max(axis=1) < 6) & (np.abs(x).max(axis=1) < 40)
        total = np.full(len(x), -np.inf)
        if inside.any():
            total[inside] = self._log_posterior(x[inside])
        return total

    def _log_posterior(self, x: Floats) -> Floats:
        channels, parts = self.spend.shape[1], self.parts(x)
        mu, phi = self.mean(parts, self.spend), 1 / parts.dispersion[:, None]
        total = (
            gammaln(self.new + phi) - gammaln(phi) - gammaln(self.new + 1) - phi * np.log1p(mu / phi)
            + self.new * (np.log(mu) - np.log(mu + phi))
        ).sum(axis=1)  # fmt: skip
        for channel, periods, change, lift, error in self.tests:
            without = self.spend.copy()
            without[periods, channel] -= change
            expected = (mu - self.mean(parts, without)).sum(axis=1)
            total -= 0.5 * ((lift - expected) / error) ** 2
        level = math.log(max(self.new.mean(), 0.5))
        slope = parts.saturation / np.expm1(parts.saturation)
        elasticity = (parts.brought * slope).sum(axis=1) / (parts.base + parts.brought.sum(axis=1))
        squares = (
            (x[:, 0] - level) ** 2
            + (((x[:, 1 : 1 + channels] + math.log(10 * channels)) / 2) ** 2).sum(axis=1)
            + (x[:, 1 + channels : 1 + 3 * channels] ** 2).sum(axis=1)
            + ((x[:, 1 + 3 * channels] - math.log(0.05)) / 1.5) ** 2
            + ((parts.season / 0.5) ** 2).sum(axis=1)
            + ((np.log(elasticity) - self.prior[0]) / self.prior[1]) ** 2
        )
        return np.asarray(total - 0.5 * squares)


def _checks(model: _Model, table: _Table, mode: Floats, effective: float, lifts: pd.DataFrame | None) -> list[str]:
    parts = model.parts(mode[None, :])
    mu = model.mean(parts, model.spend)[0]
    residual = (model.new - mu) / np.sqrt(mu * (1 + mu * parts.dispersion[0]))
    told = [f"{len(model.new)} periods, {0 if lifts is None else len(lifts)} lift tests"]
    if not table.whole_year:
        told.append("less than a year was seen: a season that spending follows would count as its effect")
    after = float(np.corrcoef(residual[1:], residual[:-1])[0, 1])
    if abs(after) > 3 / math.sqrt(len(residual)):
        told.append(
            f"what is left over depends on the period before (correlation {after:.2f}): intervals are too narrow"
        )
    together = np.atleast_2d(np.corrcoef(model.spend.T))
    one, other = divmod(int(np.argmax(np.triu(together, 1))), len(together))
    if together[one, other] > ALIKE and one != other:
        told.append(
            f"spending on {table.spend.columns[one]} and {table.spend.columns[other]} goes together (correlation "
            f"{together[one, other]:.2f}): they are not told apart"
        )
    if effective < 400:
        told.append(f"the posterior is far from normal: its draws are worth {effective:.0f} independent ones")
    return told
