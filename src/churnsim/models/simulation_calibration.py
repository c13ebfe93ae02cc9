"""Simulation-based calibration: does the posterior mean what it says?

Parameters are drawn from the prior, customers made up from them, and the posterior drawn given these customers. If
model, sampler and code are right, the true parameter's rank among posterior draws is uniform; a bias tilts the ranks,
too narrow a posterior piles them up at both ends. Talts, Betancourt, Simpson, Vehtari & Gelman (2018),
arXiv:1804.06788.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from churnsim.errors import ConfigError
from churnsim.models.posterior import sample_posterior
from churnsim.models.priors import Prior, check_priors

__all__ = ["SimulationCalibration", "simulation_based_calibration"]

# 99 thinned draws give ranks 0 to 99, which 10 bins cut evenly.
DRAWS = 99
BINS = 10
LEAST = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulationCalibration:
    """`ranks` (0 to 99), a row a replication and a column a parameter; `truths`, the parameters drawn, in scaled
    units."""

    ranks: pd.DataFrame
    truths: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """One row a parameter: `mean_rank` (49.5 if unbiased), `outer` (share of ranks in the two outermost of ten
        bins, .2 if neither too narrow nor too wide), and the `p` of the chi-square test of ten equal bins."""
        rows = {}
        for name, ranks in self.ranks.items():
            counts = np.bincount(ranks.to_numpy() * BINS // (DRAWS + 1), minlength=BINS)
            expected = len(ranks) / BINS
            statistic = float(np.square(counts - expected).sum() / expected)
            rows[name] = {
                "mean_rank": float(ranks.mean()),
                "outer": float((counts[0] + counts[-1]) / len(ranks)),
                "p": float(chi2.sf(statistic, BINS - 1)),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")

    def calibrated(self, level: float = 0.01) -> bool:
        """Whether no parameter's p lies below `level`, shared out between them (Bonferroni)."""
        return bool((self.summary()["p"] >= level / self.ranks.shape[1]).all())


def simulation_based_calibration(
    family: Any,
    *,
    ages: ArrayLike,
    seed: int,
    replications: int = 200,
    priors: Mapping[str, Prior] | None = None,
    unit: str = "W",
    progress: Callable[[int, int], None] | None = None,
    sampler: Callable[..., Any] = sample_posterior,
) -> SimulationCalibration:
    """Calibrate the posterior of a family of purchase models for customers observed for `ages` (in `unit`).

    `priors` as in `sample_posterior`, which draws each replication's posterior (some 0.2 s each with 200 customers).
    `progress(done, replications)` is called after each. `sampler` may be one of your own, with the same arguments.
    Raises ConfigError for a family without simulated summaries, or fewer than 20 replications.
    """
    if not hasattr(family, "draw_summary"):
        raise ConfigError(
            f"customers of {getattr(family, '__name__', family)} cannot be made up. Give a purchase model."
        )
    if replications < LEAST:
        raise ConfigError(f"replications must be {LEAST} or more, or ten bins say nothing; got {replications!r}.")
    T = np.asarray(ages, dtype=np.float64).ravel()
    names: tuple[str, ...] = family.parameter_names
    checked = check_priors(priors, names, (False,) * len(names))
    scales = _scales(family, T, unit)
    generator = np.random.Generator(np.random.Philox(seed))
    ranks, truths = [], []
    for k in range(replications):
        scaled = np.array([float(checked[name].rvs(random_state=generator)) for name in names])  # type: ignore[attr-defined]
        values = dict(zip(names, map(float, scaled * scales), strict=True))
        summary = family(**values, unit=unit).draw_summary(T, seed=seed, replication=k)
        posterior = sampler(family, summary, seed=seed + k, priors=checked, unit=unit)["posterior"]
        columns = [np.asarray(posterior[name]).ravel() for name in names]
        kept = np.linspace(0, columns[0].size - 1, DRAWS).astype(np.int64)
        ranks.append([int((column[kept] < values[name]).sum()) for name, column in zip(names, columns, strict=True)])
        truths.append(scaled)
        if progress is not None:
            progress(k + 1, replications)
    index = pd.RangeIndex(replications, name="replication")
    return SimulationCalibration(
        ranks=pd.DataFrame(ranks, columns=list(names), index=index),
        truths=pd.DataFrame(truths, columns=list(names), index=index),
    )


def _scales(family: Any, T: np.ndarray, unit: str) -> Any:
    """The scales of the likelihood, which for purchase models hang on the ages alone."""
    nobody = pd.DataFrame({"frequency": np.zeros(T.size, np.int64), "recency": 0.0, "T": T, "log_intervals": 0.0})
    return family.likelihood(nobody, unit=unit).scales
