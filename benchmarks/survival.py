"""Survival regressions beside lifelines in one run: how many times as fast, in CPU seconds, and how near.

    python benchmarks/survival.py             Cox and accelerated failure times of 100,000 customers, 8 covariates
    python benchmarks/survival.py --million   Cox of a million customers as well (lifelines takes minutes)

Prints each ratio beside its bar and exits 1 below one. Both fit the same frame; ours also tests proportional hazards.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # waiting threads would count as CPU time on a busy machine

import lifelines
import numpy as np
import pandas as pd

import churnsim as cs

COVARIATES = [f"x{j}" for j in range(8)]
MILLION_BAR, COX_BAR, AFT_BAR, MEMORY_BAR = 40.0, 25.0, 10.0, 2.0
FITTERS = {
    "weibull_aft": lifelines.WeibullAFTFitter, "log_normal_aft": lifelines.LogNormalAFTFitter,
    "log_logistic_aft": lifelines.LogLogisticAFTFitter,
}  # fmt: skip


def base(n: int) -> pd.DataFrame:
    """Weibull lives with proportional hazards, half of them censored."""
    random = np.random.default_rng(1)
    z = random.standard_normal((n, len(COVARIATES)))
    life = random.weibull(1.3, n) * 20 * np.exp(-z @ np.linspace(-0.4, 0.4, len(COVARIATES)) / 1.3)
    seen = random.uniform(2, 40, n)
    frame = pd.DataFrame(z, columns=COVARIATES)
    return frame.assign(tenure=np.minimum(life, seen), churned=life <= seen)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What the call gives, and its CPU seconds over all threads."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def compare(kind: str, frame: pd.DataFrame) -> tuple[float, float, float, float]:
    """CPU seconds of ours and theirs, the largest difference of a coefficient in standard errors, and by how much our
    log-likelihood is above theirs."""
    fit, ours = timed(lambda: cs.models.SurvivalRegression.fit(frame, kind, covariates=COVARIATES))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"{kind} of {len(frame):,}: {ours:.2f} s, {fit.status.code}, process at most {peak:.2f} GB so far", flush=True
    )
    fitter = FITTERS.get(kind, lifelines.CoxPHFitter)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, theirs = timed(lambda: fitter.fit(frame, "tenure", "churned"))
    named = fitter.params_ if kind == "cox" else fitter.params_.iloc[: len(COVARIATES) + 1].droplevel(0)
    found = pd.Series(fit.parameters)
    gap = float(((named[COVARIATES] - found[COVARIATES]).abs() / pd.Series(fit.standard_errors)).max())
    return ours, theirs, gap, fit.loglik - fitter.log_likelihood_


def main() -> int:
    """Print every ratio; 1 where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--million", action="store_true")
    million = parser.parse_args().million
    small, missed = base(100_000), 0
    cs.models.SurvivalRegression.fit(small.head(500), covariates=COVARIATES)  # imports
    cases = [("cox", small, COX_BAR), *((kind, small, AFT_BAR) for kind in FITTERS)]
    if million:
        large = base(1_000_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        _, seconds = timed(lambda: cs.models.SurvivalRegression.fit(large, covariates=COVARIATES))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        missed += peak >= MEMORY_BAR
        print(
            f"a million: {seconds:.2f} s, {peak:.2f} GB with the data (before {before / 1024**2:.2f}; bar {MEMORY_BAR})"
        )
        cases.append(("cox", large, MILLION_BAR))
    for kind, frame, bar in cases:
        ours, theirs, gap, gain = compare(kind, frame)
        ratio = theirs / ours
        missed += ratio < bar
        print(
            f"{'ok  ' if ratio >= bar else 'MISS'} {kind}, {len(frame):,} x {len(COVARIATES)}: {ours:.2f} s against "
            f"{theirs:.1f}, {ratio:.0f} times as fast (bar {bar:.0f}), coefficients within {gap:.0e} standard errors, "
            f"log-likelihood {gain:+.0e}",
            flush=True,
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
