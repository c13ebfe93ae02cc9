"""Simulated firms that keep records beside their purchases, with the truth that estimators should find."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

import churnsim as cs

DAY_0 = np.datetime64("2020-01-01")


class Referring(NamedTuple):
    """Customers of a firm, whom they refer, and how long they were there in all (years)."""

    purchases: pd.DataFrame
    referrals: pd.DataFrame
    active_years: float


def dated(rows: list[tuple[int, ...]], names: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[*names, "day"])
    day = frame.pop("day").to_numpy().astype("timedelta64[D]")
    return frame.assign(**{"at" if "referrer_id" in names else "date": DAY_0 + day})


def referring(seed: int, *, customers: int, rate: float, conversion: float, days: int = 1095) -> Referring:
    """Customers buy at a rate and leave at a purchase, the first included (MBG/NBD), and refer while they are there, at
    rates that differ; a share of the referred comes within two months and does likewise."""
    random = np.random.default_rng(seed)
    waiting = [(k, int(day)) for k, day in enumerate(random.integers(0, 365, customers))]
    bought, referred, active, following = [], [], 0.0, customers
    while waiting:
        k, began = waiting.pop()
        gap, leaves, keen = 20.0 / random.gamma(0.8), random.beta(0.8, 3.0), random.gamma(1.5, 1 / 1.5)
        time = end = float(began)
        bought.append((k, began))
        while random.random() >= leaves:
            time += random.exponential(gap)
            end = min(time, float(days))
            if time >= days:
                break
            bought.append((k, int(time)))
        else:
            end = time
        active += (end - began) / 365.25
        for u in random.random(random.poisson(rate * keen * (end - began) / 365.25)):
            day = int(began + u * (end - began))
            referred.append((k, following, day))
            comes = day + int(random.integers(1, 60))
            if random.random() < conversion and comes < days:
                waiting.append((following, comes))
            following += 1
    purchases = dated(bought, ["customer_id"]).assign(amount=random.gamma(2.0, 10.0, len(bought)))
    return Referring(purchases, dated(referred, ["referrer_id", "referred_id"]), active)


def chances_to_be_there(purchases: pd.DataFrame, until: str) -> pd.Series:
    """P(alive) by MBG/NBD."""
    summary = cs.summarise(purchases, unit="W", until=until)
    return pd.Series(np.asarray(cs.MBGNBD.fit(summary).p_alive(summary)), index=summary.index)


class Offering(NamedTuple):
    """Renewals, what was known of the customers before, and the truth."""

    offers: pd.DataFrame
    history: pd.DataFrame
    prevented: float
    scale: float


PRICES = (0.0, 0.05, 0.1, 0.2)
EVEN = {str(price): 0.25 for price in PRICES}


def offering(seed: int, *, customers: int, chosen: bool = False) -> Offering:
    """Offers to customers at one renewal, drawn at random, or `chosen` by tenure; the response drawn from the prior."""
    random = np.random.default_rng(seed)
    prevented, scale, leaves = random.random(), 0.1 * np.exp(random.normal()), random.uniform(0.1, 0.4)
    tenure = random.gamma(2.0, 1.0, customers)
    arm = random.integers(0, 4, customers)
    if chosen:
        arm = np.clip((tenure + random.normal(0.0, 1.5, customers)).astype(int), 0, 3)
    discount = np.array(PRICES)[arm]
    left = random.random(customers) < leaves * (1 - prevented * -np.expm1(-discount / scale))
    offers = pd.DataFrame(
        {"customer_id": range(customers), "renewal": "2024-05-01", "arm": discount.astype(str), "discount": discount}
    )
    return Offering(offers.assign(renewed=~left), pd.DataFrame({"tenure": tenure}), prevented, scale)


class WinningBack(NamedTuple):
    """Win-back contacts, the purchases, and the truth (lengths in days)."""

    contacts: pd.DataFrame
    purchases: pd.DataFrame
    success: float
    half_life: float
    second_life: float


def winning_back(seed: int, *, customers: int, chosen: bool = False) -> WinningBack:
    """Customers who left at their last purchase, half of them contacted at random, or `chosen` for their silence; some
    return by themselves, and those who return buy until they leave at a purchase. Truth drawn from the priors."""
    random = np.random.default_rng(seed)
    success, half = random.random(), 182.0 * np.exp(random.normal())
    leaves, gap = random.uniform(0.2, 0.5), 25.0
    before, silence = random.poisson(3.0, customers), random.integers(30, 500, customers)
    slope, middle = random.normal(), random.uniform(0.02, 0.3)
    alone = 1 / (1 + (1 / middle - 1) * (silence / np.median(silence)) ** -slope)
    called = random.random(customers) < (np.where(silence > 250, 0.8, 0.2) if chosen else 0.5)
    share = alone + called * (1 - alone) * success * 2.0 ** (-silence / half)
    returned = random.random(customers) < share
    contact = 700
    bought = [(k, contact - int(s) - 20 * j) for k, s in enumerate(silence) for j in range(before[k] + 1)]
    contacted = []
    for k in range(customers):
        day = contact + int(random.integers(1, 50)) if returned[k] else -1
        contacted.append((k, "call" if called[k] else "none", day, contact))
        time = float(day)
        while returned[k] and time < 2000:
            bought.append((k, int(time)))
            if random.random() < leaves:
                break
            time += random.exponential(gap)
    purchases = dated(bought, ["customer_id"]).assign(amount=10.0)
    contacts = dated(contacted, ["customer_id", "arm", "back"]).rename(columns={"date": "at"})
    back = contacts.pop("back").to_numpy()
    contacts["returned_at"] = np.where(back < 0, np.datetime64("NaT"), DAY_0 + back.astype("timedelta64[D]"))
    return WinningBack(contacts, purchases, success, half, (1 - leaves) / leaves * gap)


class Complaining(NamedTuple):
    """Complaints, the purchases, and the shares of them that were settled quickly and late."""

    complaints: pd.DataFrame
    purchases: pd.DataFrame
    settled: tuple[float, float]


def complaining(
    seed: int, *, customers: int, stay: tuple[float, float, float], unfair: bool = False, drawn: bool = False
) -> Complaining:
    """Customers who all buy every 30 days on average, complain of one purchase in 50 and `stay` by whether the answer
    is quick, slow or none. A desk answers in turn, fewer a day in bad weeks. If `unfair`, it puts those first who
    would stay anyhow; with `drawn`, an arm waits a third as long."""
    random, days = np.random.default_rng(seed), 900
    histories, complained = [], []
    for k in range(customers):
        times = random.integers(0, 200) + np.cumsum(np.append(0.0, 1 + random.exponential(30.0, 60)))
        histories.append(times[times < days + 350].astype(int))
        failed = (random.random(len(histories[-1])) < 0.02) & (histories[-1] < days)
        complained += [(int(histories[-1][which]), k, int(which)) for which in np.flatnonzero(failed)]
    complained.sort()
    # The desk works off its queue: what comes before a complaint and is not answered yet is its load.
    rate = 1.5 * len(complained) / days
    capacity = np.cumsum(rate * np.exp(np.repeat(random.normal(0.0, 0.6, 300), 7)))
    rows, kinds, done = [], [], 0.0
    for day, k, which in complained:
        if which >= len(histories[k]):  # has left after an earlier one
            continue
        fast, loyal = random.random() < 0.5, random.random()
        done = max(done, capacity[day]) + 1.0
        wait = float(np.searchsorted(capacity, done) - day + random.exponential(2.0))
        wait *= np.exp(3.0 * (loyal - 0.5)) if unfair else 0.33 if fast and drawn else 1.0
        wait, refused = int(np.ceil(wait)), random.random() < 0.1
        kinds.append(2 if refused or wait > 42 else int(wait > 7))
        rows.append((k, "refused" if refused else "resolved", "fast" if fast else "usual", day + wait, day))
        if loyal > stay[kinds[-1]]:
            histories[k] = histories[k][: which + 1]
    complaints = dated(rows, ["customer_id", "outcome", "arm", "answered"]).rename(columns={"date": "at"})
    answered = complaints.pop("answered").to_numpy()
    seen = answered <= days + 340
    complaints["answered_at"] = np.where(seen, DAY_0 + answered.astype("timedelta64[D]"), np.datetime64("NaT"))
    share = np.bincount(kinds, minlength=3) / len(kinds)
    purchases = dated([(k, day) for k, own in enumerate(histories) for day in own], ["customer_id"])
    return Complaining(complaints, purchases, (float(share[0]), float(share[1])))


class Spending(NamedTuple):
    """Weekly spending by channel with the new customers of each week, a lift test, and the truth by channel: customers
    brought at the mean spending, elasticity of all customers, what the next one costs, and carry-over."""

    spend: pd.DataFrame
    lifts: pd.DataFrame
    brought: np.ndarray
    elasticity: np.ndarray
    next_cost: np.ndarray
    carry_over: np.ndarray


def spending(seed: int, *, channels: int = 2, weeks: int = 104) -> Spending:
    """A firm drawn from the priors of the estimator (elasticity as published), its spending at random."""
    random = np.random.default_rng(seed)
    level, middle, spread = np.log(100.0), np.log(0.12 * 0.24 * 0.09) / 3, 0.71
    while True:  # by rejection: the elasticity's law times the others
        over = np.exp(-np.log(10 * channels) + 2 * random.normal(size=channels))
        base = np.exp(level + 0.3 * random.normal()) / (1 + over.sum())
        brought = base * over
        saturation, carry = np.exp(random.normal(size=channels)), 1 / (1 + np.exp(random.normal(size=channels)))
        slope = brought * saturation / np.expm1(saturation)
        elasticity = slope / (base + brought.sum())
        likely = np.exp(-0.5 * ((np.log(elasticity.sum()) - middle) / spread) ** 2)
        if random.random() < likely:
            break
    money = np.array([random.gamma(2.0, 500.0, weeks) for _ in range(channels)]).T
    mean = money.mean(axis=0)
    most, scale = brought / -np.expm1(-saturation), mean / saturation
    season = np.exp(0.3 * random.normal() * np.sin(2 * np.pi * np.arange(weeks) / 52.18))

    def came(spent: np.ndarray) -> np.ndarray:
        stock, total = mean.copy(), []
        for row in spent:
            stock = (1 - carry) * row + carry * stock
            total.append(base + (most * -np.expm1(-stock / scale)).sum())
        return np.array(total) * season

    mu, dispersion = came(money), 0.05 * np.exp(1.5 * random.normal())
    new = random.poisson(mu * random.gamma(1 / dispersion, dispersion, weeks))
    begins = DAY_0 + (7 * np.arange(weeks)).astype("timedelta64[D]")
    rows = [
        pd.DataFrame({"from": begins, "to": begins + np.timedelta64(6, "D"), "channel": f"channel {c}",
                      "spend": money[:, c], "new_customers": new / channels})
        for c in range(channels)
    ]  # fmt: skip
    less = money.copy()
    half = weeks // 2
    less[half : half + 4, 0] *= 0.2
    error = 10.0
    lift = (mu - came(less)).sum() + error * random.normal()
    test = {"channel": "channel 0", "from": begins[half], "to": begins[half + 3] + np.timedelta64(6, "D"),
            "spend_change": float((money - less)[:, 0].sum()), "lift": lift, "standard_error": error}  # fmt: skip
    next_cost = mean * (1 / slope)
    return Spending(pd.concat(rows), pd.DataFrame([test]), brought, elasticity, next_cost, carry)
