"""The posterior of BG/NBD on CDNOW: seconds to R-hat below 1.01 and an effective sample size above 1,000.

Beside emcee's own ensemble moves on the same compiled likelihood, and, where pymc-marketing is installed, its NUTS.
Medians of rounds, all warm. Exits 1 when ours takes longer than the bar or its chains do not agree.

    python benchmarks/posterior.py [--rounds 5] [--bar 1.0] [--peer-python /path/to/python/with/pymc-marketing]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

warnings.simplefilter("ignore")  # ArviZ announces its next version

import arviz as az  # noqa: E402
import emcee  # noqa: E402

from churnsim.data import datasets, summarise  # noqa: E402
from churnsim.models import (  # noqa: E402
    BGNBD,
    LogPosterior,
    check_priors,
    laplace,
    sample_posterior,
)

# Run by another interpreter, so that the peer's packages need not live with ours.
PEER = """
import sys, time, warnings
warnings.simplefilter("ignore")
import logging; logging.disable(logging.CRITICAL)
import arviz as az, pandas as pd
from pymc_marketing.clv import BetaGeoModel
data = pd.read_csv(sys.argv[1])
def once():
    model = BetaGeoModel(data=data)
    model.fit(method="mcmc", random_seed=1, progressbar=False, chains=2, cores=2)
    return model
once()
start = time.perf_counter()
model = once()
seconds = time.perf_counter() - start
names = ["r", "alpha", "a", "b"]
table = az.summary(model.idata, var_names=names)
print(seconds, table["r_hat"].max(), table["ess_bulk"].min())
"""


def timed(run: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--bar", type=float, default=1.0, help="most seconds of the median")
    arguments.add_argument("--peer-python", type=Path)
    options = arguments.parse_args()
    summary = summarise(datasets.cdnow(), until="1997-09-30")
    sample_posterior(BGNBD, summary, seed=0)

    times, agreed, speeds = [], True, []
    for seed in range(options.rounds):
        seconds, drawn = timed(lambda seed=seed: sample_posterior(BGNBD, summary, seed=seed, predictive=False))
        rhat = max(float(value) for value in az.rhat(drawn).values())
        ess = min(float(value) for value in az.ess(drawn).values())
        agreed = agreed and rhat < 1.01 and ess > 1000
        times.append(seconds)
        speeds.append(ess / seconds)
        speed = f"{ess / seconds:7,.0f} ESS/s"
        print(f"churnsim, seed {seed}:  {seconds:6.2f} s   R-hat {rhat:.4f}   ESS {ess:7,.0f}   {speed}")

    likelihood = BGNBD.likelihood(summary)
    target = LogPosterior(likelihood=likelihood, priors=check_priors(None, likelihood.names, (False,) * 4))
    about = laplace(target)
    for label, moves in (
        ("emcee, stretch move", None),
        ("emcee, differential evolution", [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]),
    ):
        sampler = emcee.EnsembleSampler(32, 4, target.density, moves=moves, vectorize=True)
        start = about.mode + np.random.default_rng(1).normal(size=(32, 4)) @ about.root.T

        def ensemble(sampler: emcee.EnsembleSampler = sampler, start: np.ndarray = start) -> object:
            sampler.run_mcmc(start, 600)
            return sampler.get_chain(discard=100)

        seconds, _ = timed(ensemble)
        # The walkers of an ensemble are not independent chains, so their effective size goes by emcee's own measure.
        tau = float(np.max(sampler.get_autocorr_time(discard=100, quiet=True)))
        print(f"{label}:  {seconds:6.2f} s   ESS {32 * 500 / tau:7,.0f}   {32 * 500 / tau / seconds:7,.0f} ESS/s")

    if options.peer_python:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "cdnow.csv"
            summary.reset_index().to_csv(file, index=False)
            done = subprocess.run(
                [str(options.peer_python), "-c", PEER, str(file)], capture_output=True, text=True, check=False
            )
        print("pymc-marketing, NUTS: ", done.stdout.strip().splitlines()[-1] if done.returncode == 0 else done.stderr)
    median = statistics.median(times)
    print(f"median {median:.2f} s (bar {options.bar:g} s), {statistics.median(speeds):,.0f} effective draws a second")
    return 0 if median <= options.bar and agreed else 1


if __name__ == "__main__":
    sys.exit(main())
