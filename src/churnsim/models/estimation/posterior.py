"""Posterior of a model's parameters, given customers and stated priors: Markov chains by emcee, returned for ArviZ.

Independent chains of Metropolis steps (emcee's `MHMove`), each step one of two kinds: a proposal from a Student t about
the mode with the curvature there, which is nearly the posterior itself where customers are many (Tierney 1994, Annals
of Statistics 22(4), independence chains), and a random walk with the same shape, which finds its way where that is a
poor guess. Measured here on CDNOW, in effective draws a second: 4.5 times as many as emcee's differential evolution and
9 times as many as its stretch move (benchmarks/posterior.py). Foreman-Mackey et al. (2013), PASP 125, 306.

Samplers work on a scale where positive parameters enter by their logarithm, those of either sign as they are; all in
scaled data. `laplace` is the normal approximation on it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from churnsim.checks import shown
from churnsim.errors import ConfigError
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.priors import Prior, check_priors
from churnsim.optional import optional_modules
from churnsim.typing import Floats

if TYPE_CHECKING:
    import arviz


STEP = 1e-4  # of central differences; see `optimise._hessian`
# A search that runs off this far has met a likelihood that cannot tell; the prior then decides.
FARTHEST = 15.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LogPosterior:
    """Log-likelihood plus log-prior at points `z`, without the constant that nobody needs.

    Examples
    --------
    >>> from churnsim import BGNBD
    >>> likelihood = BGNBD.likelihood(BGNBD(r=0.5, alpha=8.0, a=0.8, b=2.5).draw_summary(np.full(500, 40.0), seed=1))
    >>> target = LogPosterior(likelihood=likelihood, priors=check_priors(None, likelihood.names, (False,) * 4))
    >>> laplace(target).mode.round(1).tolist()
    [-0.7, -1.6, -0.7, 0.1]
    """

    likelihood: Likelihood[Any]
    priors: Mapping[str, Prior]

    @property
    def real(self) -> NDArray[np.bool_]:
        """Which parameters stand as they are, not by their logarithm."""
        names = self.likelihood.names
        return np.array(self.likelihood.real or [False] * len(names), dtype=np.bool_)

    def parameters(self, z: Floats) -> Floats:
        """Scaled parameters at `z` (any leading shape)."""
        with np.errstate(over="ignore"):
            return np.where(self.real, z, np.exp(z))

    def log_prior(self, z: Floats) -> float:
        """Log-prior of one point, with the Jacobian of the logarithm."""
        total = 0.0
        for value, at, is_real, name in zip(self.parameters(z), z, self.real, self.likelihood.names, strict=True):
            total += float(self.priors[name].logpdf(float(value))) + (0.0 if is_real else float(at))
        return total

    def density(self, points: Floats) -> Floats:
        """Log-posterior of each row of `points`; minus infinity where it cannot be evaluated."""
        out = np.empty(len(points))
        for i, (z, parameters) in enumerate(zip(points, self.parameters(points), strict=True)):
            value = self.log_prior(z) if np.isfinite(parameters).all() else -np.inf
            if np.isfinite(value):
                value += self.likelihood.objective(parameters)[0]
            out[i] = value if np.isfinite(value) else -np.inf
        return out

    def slope(self, z: Floats) -> tuple[float, Floats]:
        """Value and gradient at one point: the likelihood's own gradient, the prior's by differences."""
        parameters = self.parameters(z)
        value, gradient = self.likelihood.objective(parameters)
        prior = np.empty(z.size)
        for i in range(z.size):
            shift = np.zeros(z.size)
            shift[i] = STEP
            prior[i] = (self.log_prior(z + shift) - self.log_prior(z - shift)) / (2 * STEP)
        return value + self.log_prior(z), gradient * np.where(self.real, 1.0, parameters) + prior


@dataclass(frozen=True, kw_only=True, eq=False)
class Laplace:
    """The mode, and a square root of the inverse curvature there."""

    mode: Floats
    root: Floats


def laplace(target: LogPosterior) -> Laplace:
    """Climb to the mode and measure the curvature; directions that curve the wrong way get the prior's own width."""
    customers = target.likelihood.customers

    def downhill(z: Floats) -> tuple[float, Floats]:
        with np.errstate(all="ignore"):
            value, slope = target.slope(z)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return 1e300, np.zeros_like(z)
        return -10 * value / customers, -10 * slope / customers  # 10 as in optimise.STRETCH

    start = np.asarray(target.likelihood.starts[0])
    found = minimize(
        downhill,
        np.where(target.real, start, np.log(np.where(target.real, 1.0, start))),
        jac=True,
        method="SLSQP",
        bounds=[(-FARTHEST, FARTHEST)] * start.size,
        options={"maxiter": 500, "ftol": 1e-10},
    )
    mode = np.asarray(found.x, dtype=np.float64)
    rows = []
    for i in range(mode.size):
        shift = np.zeros(mode.size)
        shift[i] = STEP
        rows.append((target.slope(mode - shift)[1] - target.slope(mode + shift)[1]) / (2 * STEP))
    values, vectors = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
    # 1.5 is the spread of the default prior: what no customer has curved, the prior still does.
    return Laplace(mode=mode, root=vectors / np.sqrt(np.maximum(values, 1.5**-2)))


# Vehtari et al. (2021), Bayesian Analysis 16(2): R-hat below 1.01; an effective sample size of 1,000 leaves a Monte
# Carlo error of 3% of the posterior's standard deviation.
RHAT = 1.01
ESS = 1_000.0
CHAINS = 8
WARM_UP = 50
MOST_DRAWS = 16_000
# Tails of the proposal: heavier than the posterior's, so that no region is visited once and never left.
DEGREES = 5.0
SHARE_OF_WALKS = 0.25
# Roberts, Gelman & Gilks (1997): 2.38/sqrt(dimension) is best for a normal target.
WALK = 2.38


class PosteriorWarning(UserWarning):
    """The chains did not come to agree within the draws allowed."""


def sample_posterior(
    family: Any,
    summary: pd.DataFrame,
    *,
    seed: int,
    priors: Mapping[str, Prior] | None = None,
    draws: int = 500,
    chains: int = CHAINS,
    unit: str | None = None,
    weights: ArrayLike | None = None,
    **options: Any,
) -> arviz.InferenceData:
    """Draw from the posterior of a family's parameters (such as `BGNBD`), as InferenceData (with ArviZ 1 a DataTree).

    `priors` maps parameters to densities over the **scaled** parameter (see `priors.py`); those not given are weak. The
    chains are prolonged until R-hat is below 1.01 and the effective sample size above 1,000 for every parameter; if
    16,000 draws a chain do not suffice, a PosteriorWarning says so, and so does the attribute `status` of what is
    returned. Group `posterior` holds the parameters in the model's own unit, `sample_stats` the log-posterior `lp`;
    attributes name family, unit, priors and scales. `options` go to the family's likelihood. Raises MissingExtraError
    without emcee and ArviZ, ConfigError for an impossible prior or number of draws or chains.

    Parameters
    ----------
    family : class
        A model with a likelihood, such as `BGNBD`.
    summary : DataFrame
        What the family's `fit` takes.
    seed : int
        Of the chains.
    priors : mapping of parameter to prior, optional
        Over the scaled parameter; weak ones for the others.
    draws : int
        Per chain, at the start.
    chains : int
        Number of chains.
    unit : str, optional
        Of the summary's durations.
    weights : array of shape (rows,), optional
        Customers that each row stands for.
    **options
        Of the family's likelihood, such as ``covariates_rate``.

    Examples
    --------
    >>> from churnsim import BGNBD
    >>> summary = BGNBD(r=0.5, alpha=8.0, a=0.8, b=2.5).draw_summary(np.full(500, 40.0), seed=1)
    >>> posterior = sample_posterior(BGNBD, summary, seed=1, draws=300)
    >>> str(posterior.posterior.attrs["status"])[:9], len(posterior_models(BGNBD, posterior, 3, seed=2))
    ('converged', 3)
    """
    emcee, az = optional_modules("emcee", "arviz", extra="posterior", purpose="a posterior")
    if draws < 100 or chains < 4:
        raise ConfigError(f"draws must be 100 or more and chains 4 or more; got {shown(draws)} and {shown(chains)}.")
    if hasattr(family, "unit"):
        options = {"unit": unit, **options}
    likelihood = family.likelihood(summary, weights=weights, **options)
    real = likelihood.real or (False,) * len(likelihood.names)
    target = LogPosterior(likelihood=likelihood, priors=check_priors(priors, likelihood.names, real))
    sampler, state = _sampler(emcee, target, laplace(target), chains, seed)
    kept = draws
    sampler.run_mcmc(state, WARM_UP + kept, skip_initial_state_check=True)
    while True:
        # emcee: (draws, chains, parameters); ArviZ: chains first.
        points = np.swapaxes(sampler.get_chain(discard=WARM_UP), 0, 1)
        values = target.parameters(points) * likelihood.scales
        posterior = {name: values[:, :, i] for i, name in enumerate(likelihood.names)}
        stats = {"lp": sampler.get_log_prob(discard=WARM_UP).T + likelihood.log_scale}
        data = _in_groups(az, posterior=posterior, sample_stats=stats)
        kept_draws = getattr(data["posterior"], "dataset", data["posterior"])
        rhat = max(float(az.rhat(kept_draws)[name]) for name in likelihood.names)
        ess = min(float(az.ess(kept_draws)[name]) for name in likelihood.names)
        done = rhat < RHAT and ess > ESS
        if done or kept >= MOST_DRAWS:
            break
        sampler.run_mcmc(None, kept, skip_initial_state_check=True)
        kept *= 2
    status = "converged" if done else "not converged"
    words = f"{status}: largest R-hat {rhat:.4f}, smallest effective sample size {ess:,.0f} of {kept * chains:,} draws"
    if not done:
        warnings.warn(
            f"{words}. Give narrower priors, or a simpler model; the data do not tell these parameters apart.",
            PosteriorWarning,
            stacklevel=2,
        )
    model = likelihood.model(target.parameters(points[0, -1]))
    attributes = {
        "status": words,
        "family": model.family,
        "model": json.dumps(model.to_dict()),
        "priors": json.dumps({name: str(_words(prior)) for name, prior in target.priors.items()}),
        "scales": likelihood.scales.tolist(),
        "customers": likelihood.customers,
        "acceptance": float(np.mean(sampler.acceptance_fraction)),
        "seed": seed,
    }
    data["posterior"].attrs.update(attributes)
    return cast("arviz.InferenceData", data)


def _in_groups(az: Any, **groups: dict[str, Any]) -> Any:
    """InferenceData of ArviZ 0.x, a DataTree of ArviZ 1: groups of the same names either way."""
    return az.from_dict(**groups) if "InferenceData" in vars(az) else az.from_dict(groups)


def posterior_models(family: type[Any], posterior: arviz.InferenceData, n: int, *, seed: int) -> list[Any]:
    """`n` models of `family`, drawn with replacement from a posterior: ready for `drawn_interval` and `forecast`.

    Raises ConfigError when the posterior is of another family.
    """
    drawn: Any = posterior["posterior"]
    if drawn.attrs.get("family") != family.family:
        raise ConfigError(
            f"this posterior is of family {drawn.attrs.get('family')!r}, not {family.family!r}. Draw it with "
            "churnsim.models.sample_posterior."
        )
    base = json.loads(drawn.attrs["model"])
    columns = {str(name): np.asarray(drawn[name]).ravel() for name in drawn.data_vars}
    size = next(iter(columns.values())).size
    rows = np.random.Generator(np.random.Philox(seed)).integers(size, size=n)
    return [family.from_dict({**base, **{name: float(values[i]) for name, values in columns.items()}}) for i in rows]


def _sampler(
    emcee: ModuleType, target: LogPosterior, about: Laplace, chains: int, seed: int
) -> tuple[Any, NDArray[np.float64]]:
    size = about.mode.size
    inverse = np.linalg.inv(about.root)

    def proposal_density(points: Floats) -> Floats:
        distance = np.square((points - about.mode) @ inverse.T).sum(axis=1)
        return np.asarray(-(DEGREES + size) / 2 * np.log1p(distance / DEGREES))

    def student(n: int, random: Any) -> Floats:
        normals = random.standard_normal((n, size))
        stretch = np.sqrt(random.chisquare(DEGREES, n) / DEGREES)
        return np.asarray(about.mode + (normals / stretch[:, None]) @ about.root.T)

    def independent(points: Floats, random: Any) -> tuple[Floats, Floats]:
        proposed = student(len(points), random)
        return proposed, proposal_density(points) - proposal_density(proposed)

    def walk(points: Floats, random: Any) -> tuple[Floats, Floats]:
        step = random.standard_normal(points.shape) @ about.root.T * (WALK / size**0.5)
        return points + step, np.zeros(len(points))

    random = np.random.RandomState(np.random.MT19937(seed))
    moves = [(emcee.moves.MHMove(independent), 1 - SHARE_OF_WALKS), (emcee.moves.MHMove(walk), SHARE_OF_WALKS)]
    sampler = emcee.EnsembleSampler(chains, size, target.density, moves=moves, vectorize=True)
    # Chains start wider than the posterior, so that their agreement says something.
    start = about.mode + 1.5 * (student(chains, random) - about.mode)
    for _ in range(100):
        lost = ~np.isfinite(target.density(start))
        if not lost.any():
            break
        start[lost] = (start[lost] + about.mode) / 2
    sampler.random_state = random.get_state()
    return sampler, start


def _words(prior: Prior) -> Any:
    frozen: Any = prior
    if hasattr(frozen, "dist"):  # scipy.stats
        return f"scipy.stats.{frozen.dist.name}{frozen.args}{frozen.kwds or ''}"
    return prior
