"""sBG on a million individual tenures, against the likelihood as most people write it (SciPy over all rows).

    python benchmarks/fit_sbg.py [customers]

Bar: under 0.5 s for a million. The peer maximises the same likelihood with `scipy.special.betaln` on every row by
L-BFGS-B without a gradient, which is how the model is usually coded; both must end at the same maximum.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln

import churnsim as cs

BAR_SECONDS = 0.5


def customers(n: int) -> pd.DataFrame:
    """Simulated High End customers, each watched for 1 to 40 months."""
    random = np.random.default_rng(2007)
    leaves = random.geometric(random.beta(0.668, 3.806, n))
    watched = random.integers(1, 41, n)
    frame = pd.DataFrame({"tenure": np.minimum(leaves, watched), "churned": leaves <= watched})
    frame.attrs["unit"] = "M"
    return frame


def peer(frame: pd.DataFrame) -> tuple[float, float]:
    """Seconds and log-likelihood of the row-by-row fit."""
    t, left = frame["tenure"].to_numpy(float), frame["churned"].to_numpy()

    def negative(logs: np.ndarray) -> float:
        a, b = np.exp(logs)
        terms = np.where(left, betaln(a + 1, b + t - 1), betaln(a, b + t)) - betaln(a, b)
        return -float(terms.mean())

    start = time.perf_counter()
    found = minimize(negative, np.zeros(2), method="L-BFGS-B")
    return time.perf_counter() - start, -found.fun * len(t)


def main() -> int:
    """Print both, and 1 when the bar is missed."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    frame = customers(n)
    cs.ShiftedBetaGeometric.fit(frame.head(1000))  # compiled
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        fit = cs.ShiftedBetaGeometric.fit(frame)
        seconds.append(time.perf_counter() - start)
    ours = float(np.median(seconds))
    theirs, loglik = peer(frame)
    print(f"{n:,} tenures: churnsim {ours:.3f} s, SciPy row by row {theirs:.2f} s, ratio {theirs / ours:.0f}")
    print(f"log-likelihood {fit.loglik:.3f} against {loglik:.3f}; {fit.status}")
    same = abs(fit.loglik - loglik) < 1e-2
    return 0 if ours < BAR_SECONDS * max(n / 1e6, 0.1) and same else 1


if __name__ == "__main__":
    raise SystemExit(main())
