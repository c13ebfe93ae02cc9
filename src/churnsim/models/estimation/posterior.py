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

import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from churnsim.checks import check_options, check_seed, shown
from churnsim.data.summaries.frame_kinds import ID, LOGS, CustomerFrame, in_kind
from churnsim.errors import ConfigError, interruptible
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.optimise import differences, second_differences
from churnsim.models.estimation.priors import Prior, check_priors
from churnsim.optional import optional_modules
from churnsim.typing import Floats, Ints

if TYPE_CHECKING:
    import arviz


STEP = 1e-4  # of central differences; see `optimise.second_differences`
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

    @interruptible()
    def density(self, points: Floats) -> Floats:
        """Log-posterior of each row of `points`; minus infinity where it cannot be evaluated."""
        out = np.empty(len(points))
        for i, (z, parameters) in enumerate(zip(points, self.parameters(points), strict=True)):
            value = self.log_prior(z) if np.isfinite(parameters).all() else -np.inf
            if np.isfinite(value):
                value += self.likelihood.objective(parameters)[0]
            out[i] = value if np.isfinite(value) else -np.inf
        return out

    @interruptible()
    def slope(self, z: Floats) -> tuple[float, Floats]:
        """Value and gradient at one point: the likelihood's own gradient, the prior's by differences."""
        parameters = self.parameters(z)
        value, gradient = self.likelihood.objective(parameters)
        prior = differences(self.log_prior, z, STEP)
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
    values, vectors = np.linalg.eigh(second_differences(lambda z: -target.slope(z)[1], mode, STEP))
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


@in_kind
def sample_posterior(
    family: Any,
    summary: CustomerFrame,
    *,
    seed: int,
    priors: Mapping[str, Prior] | None = None,
    draws: int = 500,
    chains: int = CHAINS,
    unit: str | None = None,
    weights: ArrayLike | None = None,
    predictive: bool = True,
    **options: Any,
) -> arviz.InferenceData:
    """Draw from the posterior of a family's parameters (such as `BGNBD`), as InferenceData (with ArviZ 1 a DataTree).

    `priors` maps parameters to densities over the **scaled** parameter: alpha and beta over the summary's mean `T`,
    gamma of Gamma-Gamma over the mean spend, all others as they are (the attribute `scales` of the result has the
    factors). A median of 10 weeks for alpha is ``LogNormal(median=10 / summary["T"].mean(), spread=0.3)``. Those not
    given are log-normal with median 1 and spread 1.5, which is weak. The
    chains are prolonged until R-hat is below 1.01 and the effective sample size above 1,000 for every parameter; if
    16,000 draws a chain do not suffice, a PosteriorWarning says so, and so does the attribute `status` of what is
    returned. Group `posterior` holds the parameters in the model's own unit, `sample_stats` the log-posterior `lp`;
    attributes name family, unit, priors and scales. With `predictive` there are `log_likelihood` (of each customer, at
    1,000 draws), `observed_data`, `prior`, and `prior_predictive` and `posterior_predictive` (100 times as many new
    customers, each observed as long), so that ``az.loo`` and ``az.compare`` work. ``az.plot_loo_pit`` wants both at
    the same draws: ``data.sel(groups="log_likelihood", draw=data.posterior_predictive.draw)``. What a family
    cannot simulate, or takes more than 200 MB, is left out, and the attribute `left_out` says why. `options` go to the
    family's likelihood; a `calendar`, with which the summary was made, is one.
    Raises MissingExtraError without emcee and ArviZ, ConfigError for an impossible prior or number of draws or chains.

    Parameters
    ----------
    family : class
        A model with a likelihood, such as `BGNBD`.
    summary : DataFrame
        What the family's `fit` takes: a log for `GammaGammaCalendar`, subscriptions for models of staying.
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
        Customers that each row stands for; with them there is no pointwise log-likelihood.
    predictive : bool
        Whether to add the groups beside `posterior` and `sample_stats`.
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
    if not hasattr(family, "likelihood"):
        raise ConfigError(f"family must be a class such as churnsim.BGNBD; got {shown(family)}.")
    likelihood_of = likelihood_on(family, options.get("calendar"))
    known = inspect.signature(likelihood_of).parameters
    if weights is not None:
        options = {"weights": weights, **options}
    if not any(one.kind is one.VAR_KEYWORD for one in known.values()):
        own = ("priors", "draws", "chains", "predictive")
        check_options("sample_posterior", options, [*own, *list(known)[1:]])
    if not LOGS.isdisjoint(known) and isinstance(summary, pd.DataFrame) and summary.index.name == ID:
        summary = summary.reset_index()  # a log in another kind of frame, taken for a frame by customer
    if hasattr(family, "unit"):
        options = {"unit": unit, **options}
    likelihood = likelihood_of(summary, **options)
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
    attributes: dict[str, Any] = {
        "status": words,
        "family": model.family,
        "model": json.dumps(model.to_dict()),
        "priors": json.dumps({name: str(_words(prior)) for name, prior in target.priors.items()}),
        "scales": likelihood.scales.tolist(),
        "customers": likelihood.customers,
        "acceptance": float(np.mean(sampler.acceptance_fraction)),
        "seed": seed,
    }
    if predictive:
        read = inspect.signature(model.log_likelihood).parameters.keys() & options.keys()
        told = {name: options[name] for name in read}
        index = model.log_likelihood(summary, **told).index  # customers, who may have several rows
        groups, dims, of_draws, left_out = predictive_groups(
            target, summary, target.parameters(points), seed=seed, weighted=weights is not None, rows=len(index), **told
        )
        coords = {"customer_id": index.to_numpy()} if index.is_unique and index.nlevels == 1 else {}
        data = _in_groups(az, {"dims": dims, "coords": coords}, posterior=posterior, sample_stats=stats, **groups)
        attributes["left_out"] = left_out
        for group in of_draws.keys() & groups.keys():
            data[group].coords["draw"] = of_draws[group]
    data["posterior"].attrs.update(attributes)
    return cast("arviz.InferenceData", data)


POINTWISE = 1_000  # draws at which the log-likelihood of each customer is kept
SIMULATED = 100  # draws of which customers are simulated
LARGEST = 25_000_000  # numbers in a group: 200 MB


def predictive_groups(
    target: LogPosterior, summary: pd.DataFrame, parameters: Floats, *, seed: int, weighted: bool, rows: int,
    **told: Any,
) -> tuple[dict[str, dict[str, Floats]], dict[str, list[str]], dict[str, Ints], str]:  # fmt: skip
    """Groups for ArviZ beside the posterior, the dimensions of their variables, the draws of each chain that a group
    is of (those simulated among those of the log-likelihood), and what was left out and why.

    `parameters` are the scaled draws, shape (chains, draws, parameters); `rows` the customers of the log-likelihood,
    which is `told` the rest.
    """
    likelihood = target.likelihood
    chains, draws = parameters.shape[:2]
    left_out: list[str] = []
    groups: dict[str, dict[str, Floats]] = {}
    pointwise = _spread_out(np.arange(draws), -(-POINTWISE // chains))
    kept = {"log_likelihood": pointwise, "posterior_predictive": _spread_out(pointwise, -(-SIMULATED // chains))}

    if weighted:
        left_out.append("log_likelihood: rows stand for several customers")
    elif rows * POINTWISE > LARGEST:
        left_out.append(f"log_likelihood: {rows:,} customers at {POINTWISE:,} draws take more than 200 MB")
    else:
        values = np.array(
            [
                [likelihood.model(at).log_likelihood(summary, **told).to_numpy() for at in chain]
                for chain in parameters[:, pointwise]
            ]
        )
        groups["log_likelihood"] = {"history": values}
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    names = likelihood.names
    drawable = all(hasattr(target.priors[name], "rvs") for name in names)
    if drawable:
        prior = np.array([[target.priors[name].rvs(random_state=random) for name in names] for _ in range(POINTWISE)])  # type: ignore[attr-defined]
        groups["prior"] = {name: prior[None, :, i] * likelihood.scales[i] for i, name in enumerate(names)}
    else:
        left_out.append("prior, prior_predictive: a prior has no rvs")
    dims = {"history": ["customer_id"]}
    simulate = _simulator(likelihood.model(parameters[0, 0]), summary)
    if simulate is None:
        left_out.append("prior_predictive, posterior_predictive: the family simulates no such data")
    elif rows * SIMULATED * 2 > LARGEST:
        left_out.append(f"prior_predictive, posterior_predictive: {rows:,} customers take more than 200 MB")
    else:
        verb, columns = simulate
        groups["observed_data"] = {name: summary[name].to_numpy(dtype=np.float64) for name in columns}
        dims |= {name: ["customer_id"] for name in columns}
        sources = {"posterior_predictive": parameters[:, kept["posterior_predictive"]]}
        if drawable:
            sources["prior_predictive"] = prior[None, :SIMULATED]
        for name, source in sources.items():
            simulated = [
                [verb(likelihood.model(at), seed, place + len(chain) * number) for place, at in enumerate(chain)]
                for number, chain in enumerate(source)
            ]
            groups[name] = {
                column: np.array([[frame[column].to_numpy(dtype=np.float64) for frame in chain] for chain in simulated])
                for column in columns
            }
    return groups, dims, kept, "; ".join(left_out)


def likelihood_on(family: Any, calendar: Any) -> Callable[..., Likelihood[Any]]:
    """A family's likelihood, with a calendar if there is one."""
    clocked = calendar is not None and hasattr(family, "calendar_likelihood")
    found: Callable[..., Likelihood[Any]] = family.calendar_likelihood if clocked else family.likelihood
    return found


def _simulator(model: Any, summary: pd.DataFrame) -> tuple[Callable[[Any, int, int], pd.DataFrame], list[str]] | None:
    """How a model simulates customers like those of a summary, and the columns that it simulates; None if it does not.

    Customers with covariates or on a calendar, and amounts, are like each row; others are new ones observed as long.
    """
    if hasattr(model, "draw_summary_like"):
        columns = ["frequency", "recency"] if hasattr(model, "draw_summary") else ["monetary_value"]
        return lambda drawn, seed, number: drawn.draw_summary_like(summary, seed=seed, replication=number), columns
    if hasattr(model, "draw_summary") and "T" in summary:
        ages = summary["T"].to_numpy(dtype=np.float64)
        return lambda drawn, seed, number: drawn.draw_summary(ages, seed=seed, replication=number), [
            "frequency", "recency",
        ]  # fmt: skip
    return None


def _spread_out(draws: Ints, number: int) -> Ints:
    """At most `number` of the draws, evenly spaced."""
    return np.asarray(draws[np.linspace(0, draws.size - 1, min(draws.size, number)).round().astype(int)])


def _in_groups(az: Any, named: Mapping[str, Any] | None = None, **groups: dict[str, Any]) -> Any:
    """InferenceData of ArviZ 0.x, a DataTree of ArviZ 1: groups of the same names either way."""
    if "InferenceData" in vars(az):
        return az.from_dict(**groups, **(named or {}))
    return az.from_dict(groups, **(named or {}))


def posterior_models(family: type[Any], posterior: arviz.InferenceData, n: int, *, seed: int) -> list[Any]:
    """`n` models of `family`, drawn with replacement from a posterior: ready for `drawn_interval` and `forecast`.

    Raises ConfigError when the posterior is of another family.
    """
    drawn: Any = posterior["posterior"]
    found, suffix = str(drawn.attrs.get("family")), getattr(family, "suffix", None)
    if found != family.family and not (suffix and found.endswith(suffix)):  # a calendar's model is of any family
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
