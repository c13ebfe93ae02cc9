"""What contacts do to the buying and the leaving clock, by maximum likelihood with each customer's own contacts.

The model is stated in `churnsim.kernels.likelihoods.contact_clock`: NBD, BG/NBD or MBG/NBD in the time of a clock that
every contact speeds up, by a lift that halves with time and of which a share is given back later, and with a dropout
that the last contact raises or lowers. The estimates are those that maximise the likelihood times two weak priors, on
the half-life and on the share given back, which a log with no effect (and many with one) cannot tell; without them the
errors of the lifts would have no meaning there. Errors come from the observed information.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.data.logs.purchase_days import PurchaseDays
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.contact_rows import ContactRows
from churnsim.kernels.likelihoods import contact_clock as kernel
from churnsim.models.estimation.fit import FitStatus, status_of
from churnsim.models.estimation.optimise import Optimum, maximise
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.registry import PURCHASE_FAMILIES, WITHOUT_DROPOUT
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints
from churnsim.units import DAYS_PER_UNIT

# Records know days. Purchases count as made at noon, contacts as sent when their day begins, so that purchases of the
# same day come after them, and the last day counts whole.
NOON = 0.5
DROPS = {"nbd": kernel.NEVER, "bg_nbd": kernel.BG, "mbg_nbd": kernel.MBG}
# The priors: with 95% the half-life lies within a factor of 4.3 of the middle, the share given back within 1 of 0.5.
HALF_LIFE_SPREAD, GIVEN_BACK, GIVEN_BACK_SPREAD = 0.75, 0.5, 0.5
# From so many customers on the search begins with some of them, whose curvature leads its last steps, and the
# information is that of the products of slopes, which one pass gives; with fewer customers it is that of differences,
# which are nearer to the truth.
SKETCH_FROM, SKETCH = 50_000, 25_000
LEAST_RATIO = 1e-3  # of buying after a contact to buying without, which a fit may put below 0 where nobody bought
REMEDIES = "Record more contacts or purchases, merge arms, or take a family with fewer parameters."


@dataclass(frozen=True, kw_only=True, eq=False)
class ContactHistories:
    """Purchases and contacts of customers: stretches of long arrays, with times since each one's first purchase.

    The first of the `arms` is the control, whose draws are entered as contacts are. `place` says of each customer of
    the log where it is here, -1 for one who is not.
    """

    ids: pd.Index
    place: Ints
    T: Floats
    contact_from: Ints
    contact_to: Ints
    contact_time: Floats
    contact_arm: NDArray[np.int8]
    purchase_from: Ints
    purchase_to: Ints
    purchase_time: Floats
    arms: tuple[str, ...]
    unit: str

    @classmethod
    def of(cls, contacts: ContactRows, log: PurchaseDays, *, control: str, end: int, unit: str) -> ContactHistories:
        """Of customers with contacts who had bought before the day `end`, until which the log was seen."""
        days = DAYS_PER_UNIT[unit]
        known = log.ids.get_indexer(contacts.ids)
        owner = np.full(len(log.ids), -1, dtype=np.int64)
        owner[known[known >= 0]] = np.flatnonzero(known >= 0)
        starts = np.append(log.starts(), len(log.day))
        first = log.day[starts[:-1]]
        kept = np.flatnonzero((owner >= 0) & (first < end))
        if not kept.size:
            raise DataError("no customer in the contacts has bought. Write ids alike in both tables.")
        place = np.full(len(log.ids), -1, dtype=np.int64)
        place[kept] = np.arange(kept.size)
        arms = (control, *sorted(set(contacts.arms) - {control}))
        place_of_arm = np.array([arms.index(arm) for arm in contacts.arms], dtype=np.int8)
        order = contacts.order
        day = contacts.day[order]
        begin, stop = contacts.starts[:-1][owner[kept]], contacts.starts[1:][owner[kept]]
        if (day > end).any():
            late = np.append(0, np.cumsum(day > end))
            stop = stop - (late[stop] - late[begin])
        # In place, since there may be ten million.
        day -= np.where(known >= 0, first[known], 0).astype(np.int32)[contacts.customer[order]]
        time = np.subtract(day, NOON, dtype=np.float64)
        del day
        time /= days
        return cls(
            ids=log.ids[kept],
            place=place,
            T=np.asarray((end - first[kept] + NOON) / days, dtype=np.float64),
            contact_from=begin,
            contact_to=stop,
            contact_time=time,
            contact_arm=place_of_arm[contacts.arm[order]],
            purchase_from=starts[kept] + 1,
            purchase_to=starts[kept + 1],
            purchase_time=(log.day - first[log.customer]) / days,
            arms=arms,
            unit=unit,
        )

    def contacts(self) -> int:
        """How many there were, draws of the control apart."""
        before = np.zeros(len(self.contact_arm) + 1, dtype=np.int32)
        np.cumsum(self.contact_arm > 0, out=before[1:])
        return int((before[self.contact_to] - before[self.contact_from]).sum())

    def summary(self) -> pd.DataFrame:
        """Frequency, recency and T, as `churnsim.summarise` gives them."""
        x = self.purchase_to - self.purchase_from
        t_x = np.where(x > 0, self.purchase_time[np.maximum(self.purchase_to - 1, 0)], 0.0)
        frame = pd.DataFrame({"frequency": x, "recency": t_x, "T": self.T}, self.ids)
        frame.attrs["unit"] = self.unit
        return frame

    def chosen(self, pick: Ints | slice) -> ContactHistories:
        """Some of the customers; the long arrays are shared."""
        names = ("ids", "T", "contact_from", "contact_to", "purchase_from", "purchase_to")
        return replace(self, **{name: getattr(self, name)[pick] for name in names})

    def chunks(self) -> Chunks:
        """Pieces of customers for the kernel."""
        parts = (self.contact_from, self.contact_to, self.purchase_from, self.purchase_to, self.T)
        return Chunks(*map(np.ascontiguousarray, parts))


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockEffects:
    """What contacts do, by a purchase model in which each customer's contacts rescale its clocks.

    Attributes
    ----------
    table : DataFrame
        By `parameter`: `estimate`, `standard_error`, `lower`, `upper`. ``lift:ARM`` is by what share customers buy more
        often right after a contact than the control does after its draw, ``leaving:ARM`` the logarithm of what it
        multiplies their tendency to leave by, beside the control's; those of the control itself are against the
        purchase model, and show a season. ``half_life`` (of the lift, in `unit`) and ``pulled_forward`` (the share of
        the lift that is given back later) are all arms'; the others are the purchase model's.
    covariance : array of shape (parameters, parameters)
        Of the table's estimates, the positive parameters by their logarithms. Limits of a lift are those of
        ln(1 + lift).
    fitted, fitted_covariance : array
        The same before the control is taken off.
    status : FitStatus
        How the search ended.
    family, unit : str
        The purchase model's, and that of durations.
    customers, contacts : int
        How many there were.
    lasting : float
        How long after a contact it acts on leaving.
    level : float
        Of the limits.
    """

    table: pd.DataFrame
    covariance: Floats
    fitted: Floats
    fitted_covariance: Floats
    status: FitStatus
    family: str
    unit: str
    customers: int
    contacts: int
    lasting: float
    level: float

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms, without the control."""
        return tuple(name.removeprefix("lift:") for name in self.table.index if name.startswith("lift:"))[1:]

    def lifts(self) -> Floats:
        """The arms' lifts."""
        return self.table.loc[[f"lift:{arm}" for arm in self.arms], "estimate"].to_numpy(dtype=np.float64)

    def __str__(self) -> str:
        names = [name for name in self.table.index if ":" in name or name in ("half_life", "pulled_forward")]
        lines = [f"{self.family} on {self.customers:,} customers and {self.contacts:,} contacts; {self.status}"]
        for name in names:
            row = self.table.loc[name]
            lines.append(f"{name}: {row['estimate']:.3g} [{row['lower']:.3g}, {row['upper']:.3g}]")
        return "\n".join(lines)


def fit_clocks(
    histories: ContactHistories, *, family: str, half_life: float, lasting: float, level: float = 0.95
) -> ClockEffects:
    """Estimate the effects of contacts with the purchase model `family`, "nbd", "bg_nbd" or "mbg_nbd".

    `half_life` is the middle of its prior and `lasting` how long contacts act on leaving, both in the histories' unit.
    """
    if family not in DROPS:
        raise ConfigError(f"contacts act on the clocks of {', '.join(DROPS)}; got {family!r}.")
    h = histories
    arms = len(h.arms)
    if not h.contacts():
        raise DataError("no customer who has bought was contacted. There is nothing to learn the effect from.")
    scale = float(h.T.mean())
    plain = PURCHASE_FAMILIES[family].fit(h.summary(), unit=h.unit)
    if not plain.status.ok and family != WITHOUT_DROPOUT:
        # Without dropout that shows there is nothing for a contact to act on.
        alone = fit_clocks(h, family=WITHOUT_DROPOUT, half_life=half_life, lasting=lasting, level=level)
        said = f"{alone.status.message} Of leaving nothing can be said: {family} ended with {plain.status.message}"
        return replace(alone, status=replace(alone.status, message=said))
    # After the plain fit, which takes room of its own.
    scaled = replace(h, T=h.T / scale, contact_time=h.contact_time / scale, purchase_time=h.purchase_time / scale)
    drops = DROPS[family]
    base = list(plain.names)
    names = [
        *base, "half_life", *(f"lift:{arm}" for arm in h.arms), "pulled_forward",
        *(f"leaving:{arm}" for arm in h.arms if drops != kernel.NEVER),
    ]  # fmt: skip
    scales = np.array([scale if name in ("alpha", "half_life") else 1.0 for name in names])
    start = np.array(
        [*(plain.parameters[name] for name in base), half_life, *[0.05] * arms, GIVEN_BACK, *[0.0] * len(names)]
    )[: len(names)] / scales  # fmt: skip
    real = [name == "pulled_forward" or ":" in name for name in names]
    middle = math.log(half_life / scale)
    at = {name: k for k, name in enumerate(names)}
    lifts = slice(at["half_life"] + 1, at["half_life"] + 1 + arms)
    leaving = slice(at["pulled_forward"] + 1, len(names))
    last = (scaled.contact_time, scaled.contact_arm, scaled.purchase_time, drops, lasting / scale)
    # Where the kernel's slopes in r, alpha, a, b, the lifts, kappa, q and the deltas belong; -1 for what there is not.
    kernel_names = [
        *("r", "alpha", "a", "b"), *(f"lift:{arm}" for arm in h.arms), "half_life", "pulled_forward",
        *(f"leaving:{arm}" for arm in h.arms),
    ]  # fmt: skip
    places = np.array([at.get(name, -1) for name in kernel_names])
    kept = places >= 0

    def likelihood(data: ContactHistories, share: float) -> tuple[Any, Any]:
        """The objective of `maximise` and its second derivatives, by the products of slopes."""
        chunks = data.chunks()

        def of_kernel(parameters: Floats, information: bool) -> Floats:
            own = [float(parameters[at[name]]) if name in at else 1.0 for name in ("r", "alpha", "a", "b")]
            kappa = math.log(2.0) / parameters[at["half_life"]]
            deltas = np.zeros(arms) if drops == kernel.NEVER else parameters[leaving]
            first = (*own, parameters[lifts].copy(), kappa, float(parameters[at["pulled_forward"]]), deltas.copy())
            return chunks.sum(kernel.objective, first, (*last, information))

        def chain(parameters: Floats) -> Floats:
            """The slope of each of the kernel's parameters in ours: 1, but for kappa in the half-life."""
            slopes = np.ones(len(names))
            slopes[at["half_life"]] = -math.log(2.0) / parameters[at["half_life"]] ** 2
            return slopes

        def objective(parameters: Floats) -> tuple[float, Floats]:
            found = of_kernel(parameters, False)
            slopes = np.zeros(len(names))
            slopes[places[kept]] = found[1:][kept]
            slopes *= chain(parameters)
            length = parameters[at["half_life"]]
            off, beyond = math.log(length) - middle, parameters[at["pulled_forward"]] - GIVEN_BACK
            slopes[at["half_life"]] -= share * off / HALF_LIFE_SPREAD**2 / length
            slopes[at["pulled_forward"]] -= share * beyond / GIVEN_BACK_SPREAD**2
            prior = -0.5 * share * ((off / HALF_LIFE_SPREAD) ** 2 + (beyond / GIVEN_BACK_SPREAD) ** 2)
            return float(found[0]) + prior, slopes

        def hessian(parameters: Floats) -> Floats:
            size = len(kernel_names)
            products = of_kernel(parameters, True)[1 + size :].reshape(size, size)
            second = np.zeros((len(names), len(names)))
            second[np.ix_(places[kept], places[kept])] = -products[np.ix_(kept, kept)]
            slopes, length = chain(parameters), parameters[at["half_life"]]
            second *= np.outer(slopes, slopes)
            off = math.log(length) - middle
            second[at["half_life"], at["half_life"]] -= share * (1.0 - off) / (HALF_LIFE_SPREAD * length) ** 2
            second[at["pulled_forward"], at["pulled_forward"]] -= share / GIVEN_BACK_SPREAD**2
            return second

        return objective, hessian

    optimum = _search(likelihood, scaled, start, real)
    fitted = optimum.parameters * scales
    estimate, slopes = _beside_control(fitted, names, lifts, leaving, drops != kernel.NEVER)
    with np.errstate(invalid="ignore"):
        covariance = slopes @ optimum.log_covariance @ slopes.T
    covariance[~np.isfinite(covariance)] = np.inf
    errors = np.sqrt(np.diag(covariance))
    z = normal_quantile(level)
    by_log = ~np.array(real)
    is_lift = np.array([name.startswith("lift:") for name in names])
    estimate = np.where(is_lift, np.maximum(estimate, LEAST_RATIO - 1.0), estimate)
    with np.errstate(over="ignore", invalid="ignore"):
        factor = np.exp(np.minimum(z * errors, 700.0))
        lift_lower, lift_upper = (lifted(estimate, end * errors) for end in (-z, z))
        table = pd.DataFrame(
            {
                "estimate": estimate,
                "standard_error": np.where(by_log, estimate * errors, errors),
                "lower": np.select([by_log, is_lift], [estimate / factor, lift_lower], estimate - z * errors),
                "upper": np.select([by_log, is_lift], [estimate * factor, lift_upper], estimate + z * errors),
            },
            index=pd.Index(names, name="parameter"),
        )
    return ClockEffects(
        table=table,
        covariance=covariance,
        fitted=fitted,
        fitted_covariance=optimum.log_covariance,
        status=status_of(optimum, names, REMEDIES),
        family=family,
        unit=h.unit,
        customers=len(h.T),
        contacts=h.contacts(),
        lasting=lasting,
        level=level,
    )


def lifted(lift: Floats, off: Floats) -> Floats:
    """A lift that its error has moved: by the logarithm of how often customers buy beside the control, of which there
    is none below 0."""
    ratio = 1.0 + lift
    return np.asarray(ratio * np.exp(np.clip(off / ratio, -700.0, 700.0)) - 1.0)


def _beside_control(
    fitted: Floats, names: list[str], lifts: slice, leaving: slice, leaves: bool
) -> tuple[Floats, Floats]:
    """The estimates with the arms' effects beside the control's, and their slopes in those fitted.

    What happens to everybody at the time of a campaign, a season above all, happens to the control too.
    """
    net, slopes = fitted.copy(), np.eye(len(names))
    control = 1.0 + fitted[lifts.start]
    for k in range(lifts.start + 1, lifts.stop):
        net[k] = (1.0 + fitted[k]) / control - 1.0
        slopes[k, k], slopes[k, lifts.start] = 1.0 / control, -(1.0 + fitted[k]) / control**2
    for k in range(leaving.start + 1, leaving.stop) if leaves else ():
        net[k] = fitted[k] - fitted[leaving.start]
        slopes[k, leaving.start] = -1.0
    return net, slopes


def _search(likelihood: Any, data: ContactHistories, start: Floats, real: list[bool]) -> Optimum:
    customers = len(data.T)
    objective, products = likelihood(data, 1.0)
    if customers < SKETCH_FROM:
        return maximise(objective, starts=[start], customers=float(customers), real=real)
    few = data.chosen(slice(None, None, customers // SKETCH))
    share = len(few.T) / customers
    rough, _ = likelihood(few, share)
    near = maximise(rough, starts=[start], customers=float(len(few.T)), real=real)

    def curvature(parameters: Floats) -> Floats:
        """Second derivatives as those of the few show them."""
        rows = []
        for k, step in enumerate(1e-4 * np.where(real, 1.0, parameters)):
            up, down = parameters.copy(), parameters.copy()
            up[k] += step
            down[k] -= step
            rows.append((rough(up)[1] - rough(down)[1]) / (2.0 * step * share))
        second = np.array(rows)
        return np.asarray((second + second.T) / 2.0)

    optimum = maximise(
        objective, starts=[start], customers=float(customers), real=real, near=near.parameters, hessian=curvature
    )
    factor = np.where(real, 1.0, optimum.parameters)
    return replace(optimum, information=-products(optimum.parameters) * np.outer(factor, factor))
