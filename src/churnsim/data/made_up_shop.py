"""A shop that is made up, with its records and the truth behind them: on it one can see what measuring finds.

Customers come by themselves, by two channels of advertising and by referral; each buys at a rate of its own and leaves
at a purchase with a chance of its own (BG/NBD). Half of those known are mailed five times, drawn anew each time. A
purchase may bring a complaint, and its answer decides who stays. Of those who have been silent for half a year, half
are called once. Days are drawn one by one, without any code of the models or the engines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from churnsim.checks import check_seed, typed
from churnsim.units import DAYS_PER_YEAR

MONDAY = np.datetime64("2023-01-02")
WEEKS, DAYS = 104, 728
MAILED = (210, 294, 378, 462, 546)  # days of the mailings
CALLED, SILENT = 420, 182  # the day of the calls, and the silence of those who may be called
UNPROMPTED = 6.0  # customers a week who come by themselves
CHANNELS = {"search": (14.0, 900.0, 0.3), "print": (4.0, 700.0, 0.5)}  # most a week, scale, carry-over
MEAN_SPEND = {"search": 800.0, "print": 500.0}  # money a week
RATE, ALPHA = 0.8, 28.0  # purchases a day: gamma; alpha in days
DROPOUT = (0.8, 3.2)
LIFT, HALF_LIFE, FORWARD, LASTING = 0.8, 14.0, 0.25, 28.0  # what a mail does to buying; days
KEPT = 0.4  # share of dropout that a mail prevents while it lasts
FAILS, COMPLAINS, SILENT_STAY = 0.15, 0.5, 0.7
ANSWERS = {"quick": (0.35, 0.95), "slow": (0.40, 0.80), "unresolved": (0.25, 0.45)}  # share, who stays
REFERRALS, COMES = 0.3, 0.5  # a year of an active customer, and who of the referred comes
SUCCESS, LOST_HALF_LIFE = 0.5, 182.0
SECOND_GAP, SECOND_LEAVES = 30.0, 0.3  # days between purchases of a second life, and who leaves at each
CHANCE, CALL_CHANCE = 0.5, 0.5
MAIL_COST, CALL_COST = 1.5, 4.0
AMOUNT = (4.0, 6.0, 50.0)  # gamma-gamma: p, q, gamma


@dataclass(frozen=True, kw_only=True, eq=False)
class Shop:
    """The tables of a made-up shop.

    Attributes
    ----------
    purchases : DataFrame
        ``customer_id, date, amount``.
    contacts, spend, complaints, referrals, win_backs : DataFrame
        Its records, with the columns that `churnsim.evidence` reads.
    truth : dict of str to float
        What the estimators should find, by the address of the market's number: money, shares and weeks, for a period of
        4 weeks and 20,000 prospects.
    """

    purchases: pd.DataFrame
    contacts: pd.DataFrame
    spend: pd.DataFrame
    complaints: pd.DataFrame
    referrals: pd.DataFrame
    win_backs: pd.DataFrame
    truth: dict[str, float] = field(default_factory=dict)


@typed
def shop(*, seed: int = 7) -> Shop:
    """A made-up shop of two years with about 2,000 customers, its records, and the truth behind them.

    Examples
    --------
    >>> made = shop()
    >>> made.contacts["arm"].value_counts(normalize=True).round(1).to_dict(), made.truth["win_back.success"]
    ({'mail': 0.5, 'control': 0.5}, 0.5)
    """
    check_seed(seed)
    made = _Making(np.random.default_rng(seed))
    spend, came = made.advertised()
    waiting = [(day, -1) for day in came]
    for day, referred in waiting:  # grows while customers refer others
        waiting.extend(made.customer(day, referred))
    return Shop(
        purchases=made.table("bought", "customer_id", "date", "amount"),
        contacts=made.table("mailed", "customer_id", "at", "arm", "campaign").assign(chance=CHANCE, cost=MAIL_COST),
        spend=spend,
        complaints=made.table("complained", "customer_id", "at", "answered_at", "outcome"),
        referrals=made.table("referred", "referrer_id", "referred_id", "at"),
        win_backs=made.table("called", "customer_id", "at", "arm").assign(cost=CALL_COST),
        truth=_truth(),
    )


def _truth() -> dict[str, float]:
    most, scale, _ = CHANNELS["search"]
    prospects, weeks = 20_000, 4
    return {
        "retention.purchase_lift": 1 + LIFT, "retention.half_life": HALF_LIFE / 7,
        "retention.pulled_forward": FORWARD, "retention.max_effect": KEPT, "retention.harmed_share": 0.0,
        "prospects.ceiling": most * weeks / prospects, "prospects.spend_scale": scale * weeks / prospects,
        "complaints.quick_share": ANSWERS["quick"][0], "complaints.slow_share": ANSWERS["slow"][0],
        **{f"complaints.stay_{kind}": stays for kind, (_, stays) in ANSWERS.items()},
        "referral.rate_per_year": REFERRALS * COMES,
        "win_back.success": SUCCESS, "win_back.half_life": LOST_HALF_LIFE / 7,
        "win_back.second_life": SECOND_GAP * (1 - SECOND_LEAVES) / SECOND_LEAVES / 7,
    }  # fmt: skip


class _Making:
    """The shop while it is made: rows of its tables by name, with days as numbers."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.rows: dict[str, list[tuple[object, ...]]] = {
            name: [] for name in ("bought", "mailed", "complained", "referred", "called")
        }
        self._ids = 1000

    def table(self, name: str, *columns: str) -> pd.DataFrame:
        """The rows, with days as dates, in the order of the first of them."""
        frame = pd.DataFrame(self.rows[name], columns=list(columns))
        for column in {"at", "date", "answered_at"} & set(columns):
            # As whole numbers: of missing floats pandas rounds what the memory held, with a warning where it is large.
            day = np.floor(frame[column].astype(float)).astype("Int64")
            frame[column] = pd.to_datetime(MONDAY) + pd.to_timedelta(day, unit="D")
        return frame.sort_values("date" if "date" in columns else "at", kind="stable", ignore_index=True)

    def advertised(self) -> tuple[pd.DataFrame, list[float]]:
        """Spending by week and channel, and the days on which its customers and the unprompted came."""
        random, rows, mean = self.random, [], np.full(WEEKS, UNPROMPTED)
        for channel, (most, scale, carry) in CHANNELS.items():
            money = np.round(random.gamma(1.5, MEAN_SPEND[channel] / 1.5, WEEKS), 2)
            stock = MEAN_SPEND[channel]
            for week, spent in enumerate(money):
                stock = spent + carry * (stock - spent)
                mean[week] += most * -math.expm1(-stock / scale)
            rows.append(pd.DataFrame({"week": range(WEEKS), "channel": channel, "spend": money}))
        came = random.poisson(mean)
        table = pd.concat(rows, ignore_index=True)
        first = pd.to_datetime(MONDAY) + pd.to_timedelta(7 * table.pop("week"), unit="D")
        table.insert(0, "from", first)
        table.insert(1, "to", first + pd.Timedelta(days=6))
        # New customers are those of the week, whichever channel won them; a half is written to each.
        table["new_customers"] = np.tile(came / len(CHANNELS), len(CHANNELS))
        return table, [7 * week + 7 * u for week, n in enumerate(came) for u in random.random(n)]

    def customer(self, day: float, referred: int) -> list[tuple[float, int]]:
        """One customer from the first purchase on, and whom it refers: the days on which these come, and their ids."""
        random = self.random
        who = referred if referred >= 0 else self.new_id()
        mails = []
        for number, sent in enumerate(MAILED, start=1):
            if sent > day + 1:
                arm = "mail" if random.random() < CHANCE else "control"
                self.rows["mailed"].append((who, sent, arm, f"mailing {number}"))
                mails += [float(sent)] * (arm == "mail")
        times, end = self._life(who, day, mails)
        silence = CALLED - max((t for t in times if t < CALLED), default=CALLED)
        if silence >= SILENT:
            times += self._called(who, lost=end < CALLED, silence=silence)
        worth = random.gamma(AMOUNT[1], 1 / AMOUNT[2])
        for t in times:
            if t < DAYS:
                self.rows["bought"].append((who, t, round(random.gamma(AMOUNT[0], 1 / worth) + 0.5, 2)))
        return self._refers(who, day, min(end, DAYS))

    def new_id(self) -> int:
        """The id of one more person."""
        self._ids += 1
        return self._ids

    def _life(self, who: int, day: float, mails: list[float]) -> tuple[list[float], float]:
        """Days of purchases by thinning, and the day of leaving; infinite for who is still there."""
        random, kappa = self.random, math.log(2.0) / HALF_LIFE
        rate, leaves = random.gamma(RATE, 1 / ALPHA), random.beta(*DROPOUT)
        times, now, mailed, waiting = [day], day, -math.inf, list(mails)
        lift = owed = since = 0.0
        while True:
            now += random.exponential(1 / (rate * (1 + LIFT)))
            while waiting and waiting[0] <= min(now, DAYS):
                mailed = waiting.pop(0)
                lift, owed = (x * math.exp(-k * (mailed - since)) for x, k in ((lift, kappa), (owed, kappa / 4)))
                owed, lift, since = owed + FORWARD * (LIFT - lift) / kappa, LIFT, mailed
            if now >= DAYS:
                return times, math.inf
            runs = 1 + lift * math.exp(-kappa * (now - since)) - kappa / 4 * owed * math.exp(-kappa / 4 * (now - since))
            if random.random() < runs / (1 + LIFT):
                times.append(now)
                hazard = 1 - KEPT if now - mailed <= LASTING else 1.0
                if random.random() >= self._stays(who, now, (1 - leaves) ** hazard):
                    return times, now

    def _stays(self, who: int, day: float, usually: float) -> float:
        """The chance to stay after a purchase, which may fail and bring a complaint."""
        random = self.random
        if random.random() >= FAILS:
            return usually
        if random.random() >= COMPLAINS:
            return SILENT_STAY
        kind = str(random.choice(list(ANSWERS), p=[share for share, _ in ANSWERS.values()]))
        answered = day + (8 + 33 * random.random() if kind == "slow" else 1 + 6 * random.random())
        outcome = "refused" if kind == "unresolved" else "resolved"
        seen = answered < DAYS
        self.rows["complained"].append((who, day, answered if seen else math.nan, outcome if seen else None))
        return ANSWERS[kind][1]

    def _called(self, who: int, *, lost: bool, silence: float) -> list[float]:
        """The draw of one of the silent, and the days of its purchases if it comes back for the call."""
        random = self.random
        arm = "call" if random.random() < CALL_CHANCE else "none"
        self.rows["called"].append((who, CALLED, arm))
        chance = SUCCESS * 2.0 ** (-silence / LOST_HALF_LIFE)
        if arm == "none" or not lost or random.random() >= chance:
            return []
        times = [CALLED + 1 + 40 * random.random()]
        while random.random() >= SECOND_LEAVES:
            times.append(times[-1] + random.exponential(SECOND_GAP))
        return times

    def _refers(self, who: int, day: float, end: float) -> list[tuple[float, int]]:
        """Whom a customer refers while it is there: when they come, of those who do."""
        random, coming = self.random, []
        for u in random.random(random.poisson(REFERRALS * (end - day) / DAYS_PER_YEAR)):
            at, person = day + u * (end - day), self.new_id()
            self.rows["referred"].append((who, person, at))
            if random.random() < COMES and at + 60 < DAYS:
                coming.append((at + 1 + 50 * random.random(), person))
        return coming
