"""Twelve-month customer value of a million customers, beside lifetimes' customer_lifetime_value.

Customers are drawn from the published CDNOW models and observed for 20 to 39 weeks, in whole days as every log has
them; `--continuous` draws times that no two customers share instead. Both start from fitted models and the same frame,
warm, in one process, rounds alternating. lifetimes books each month's purchases at its end, churnsim as they come, so
the totals differ by about half a month's discount. Exits 1 below the bar.

    python benchmarks/customer_value.py [--customers 1000000] [--rounds 3] [--bar 15] [--continuous]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from churnsim.models import BGNBD, GammaGamma, customer_value, simulate_spend

PURCHASES = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
SPEND = GammaGamma(p=6.25, q=3.74, gamma=15.44)
WEEKS_PER_MONTH = 365.25 / 12 / 7
MONTHLY = 1.1 ** (1 / 12) - 1


def population(customers: int, continuous: bool) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    T = rng.uniform(20, 39, customers) if continuous else rng.integers(140, 274, customers) / 7
    summary = PURCHASES.draw_summary(T, seed=1)
    if not continuous:
        summary["recency"] = np.ceil(summary["recency"] * 7) / 7
    return simulate_spend(SPEND, summary, seed=1)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--bar", type=float, default=15.0, help="least ratio of the medians")
    arguments.add_argument("--continuous", action="store_true")
    options = arguments.parse_args()

    warnings.simplefilter("ignore")  # lifetimes is archived and warns about today's numpy and pandas
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    summary = population(options.customers, options.continuous)
    buying, paying = BetaGeoFitter(), GammaGammaFitter()
    buying.params_ = pd.Series({"r": PURCHASES.r, "alpha": PURCHASES.alpha, "a": PURCHASES.a, "b": PURCHASES.b})
    paying.params_ = pd.Series({"p": SPEND.p, "q": SPEND.q, "v": SPEND.gamma})
    buying.predict = buying.conditional_expected_number_of_purchases_up_to_time  # what its fit would set
    columns = [summary[name] for name in ("frequency", "recency", "T", "monetary_value")]

    def ours() -> float:
        values = customer_value(
            summary, purchases=PURCHASES, spend=SPEND, annual_discount_rate=0.1, horizon=12 * WEEKS_PER_MONTH
        )
        return float(values.sum())

    def theirs() -> float:
        values = paying.customer_lifetime_value(buying, *columns, time=12, discount_rate=MONTHLY, freq="W")
        return float(values.sum())

    totals = ours(), theirs()
    mine, other = [], []
    for _ in range(options.rounds):
        mine.append(seconds(ours))
        other.append(seconds(theirs))
    fast, slow = statistics.median(mine), statistics.median(other)
    print(f"customers              {len(summary):>10,}")
    print(f"total value            {totals[0]:>14,.0f} churnsim, {totals[1]:,.0f} lifetimes")
    print(f"churnsim, median       {fast:>10.3f} s")
    print(f"lifetimes, median      {slow:>10.3f} s")
    print(f"times faster           {slow / fast:>10.1f} (bar {options.bar:g})")
    return 0 if slow / fast >= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
