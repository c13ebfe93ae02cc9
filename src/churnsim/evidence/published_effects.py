"""Published effects on the numbers of a market: what was measured, where, how, and what belief follows from it.

The works are in published.toml beside this module. An effect that says something of the size of a market's number has a
`transform`, which takes it to a scale where estimates are about normal, the scale on which studies are pooled:

- "share": logit of the share;
- "yearly rate": ln(-ln(1 - p)), the logarithm of the rate of a Poisson process of which a share p saw an event in a
  year;
- "rate ratio": ln(ln(1 - p1) / ln(1 - p0)), the same of the ratio of two rates, of those treated and of the others;
- "elasticity": the logarithm. Where a share 1 - e^(-x) of a ceiling is won by spending x times the scale, the
  elasticity is e = x / (e^x - 1), so that the scale is 1/x times what is spent.

Their standard errors follow from the binomial law or, where the work gives one, by the delta method.
"""

from __future__ import annotations

import functools
import importlib.resources
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtr, ndtri

from churnsim.checks import check_kind, check_level, check_number, typed
from churnsim.errors import ConfigError
from churnsim.evidence.pooling import pool
from churnsim.simulation.core.belief import Belief, Law, Status
from churnsim.toml_text import parse_toml

Citation = Literal["confirmed", "excerpt", "memory"]
Design = Literal[
    "randomised", "panel", "simulated from a panel", "meta-analysis", "filing", "survey (intention)", "told"
]
Transform = Literal["share", "yearly rate", "rate ratio", "elasticity"]
SAID: tuple[Design, ...] = ("survey (intention)", "told")
# Half-normal laws of the standard deviation between settings where fewer than three studies are too few to show it.
BETWEEN, BETWEEN_SAID = 0.5, 1.0


class PublishedEffect(BaseModel):
    """One published effect.

    Attributes
    ----------
    key : str
        Its name here.
    what : str
        What was measured.
    estimate, standard_error : float, optional
        As published. A share that is counted has `events` of `trials` instead, and a ratio of two rates
        `control_events` of `control_trials` too.
    sign : {"+", "-", "0"}, optional
        Of an effect whose size is not known here.
    n : int, optional
        Units that were measured: customers, firms, estimates.
    informs : tuple of str
        Addresses of the numbers of a market that it bears on; none for what a market's results can be held against.
    transform : str, optional
        Of an effect that gives the size of the number it informs: "share", "yearly rate", "rate ratio", "elasticity".
    design : str
        "randomised", "panel", "simulated from a panel", "meta-analysis", "filing", "survey (intention)" or "told".
    setting : str
        Whom it was measured on.
    study : str
        Effects of one study share a setting and count once where they are pooled.
    authors, title, year, journal, pages
        The work.
    citation : {"confirmed", "excerpt", "memory"}
        "confirmed" where reference and figure were seen in the work or its abstract, "excerpt" where the figure was
        seen quoted by others, "memory" where it was not seen.
    note : str
        What else one should know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    what: str
    estimate: float | None = Field(default=None, allow_inf_nan=False)
    standard_error: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    events: int | None = Field(default=None, gt=0)
    trials: int | None = Field(default=None, gt=0)
    control_events: int | None = Field(default=None, gt=0)
    control_trials: int | None = Field(default=None, gt=0)
    sign: Literal["+", "-", "0"] | None = None
    n: int | None = Field(default=None, gt=0)
    informs: tuple[str, ...] = ()
    transform: Transform | None = None
    design: Design
    setting: str
    study: str = ""
    authors: str
    title: str
    year: int = Field(ge=1900, le=2100)
    journal: str
    pages: str = ""
    citation: Citation
    note: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        told = sum(value is not None for value in (self.estimate, self.events, self.sign))
        if told != 1:
            raise ValueError("says one of estimate, events and sign")
        if (self.events is None) != (self.trials is None) or (self.control_events is None) != (
            self.control_trials is None
        ):
            raise ValueError("events need trials, of the control group too")
        for events, trials in ((self.events, self.trials), (self.control_events, self.control_trials)):
            if events is not None and trials is not None and events >= trials:
                raise ValueError(f"{events} events of {trials} trials: not all may be events")
        if self.transform and (self.sign is not None or not self.informs):
            raise ValueError("a transform is of a size that informs a number")
        if self.transform == "rate ratio" and self.control_events is None:
            raise ValueError("a rate ratio is counted in two groups")
        if self.transform in ("share", "yearly rate") and not 0 < self.share < 1:
            raise ValueError("a share lies between 0 and 1")
        if self.transform == "elasticity" and (self.estimate is None or not 0 < self.estimate < 1):
            raise ValueError("an elasticity of a saturating response lies between 0 and 1")
        return self

    @property
    def use(self) -> Literal["estimate", "check", "direction"]:
        """What it is good for: an estimate of a number, a figure to hold results against, or a sign."""
        return "estimate" if self.transform else "direction" if self.sign is not None else "check"

    @property
    def share(self) -> float:
        """The share that was counted, or the estimate."""
        return self.events / self.trials if self.events and self.trials else float(self.estimate or 0.0)

    @property
    def reference(self) -> str:
        """The work, as it is cited."""
        pages = f", {self.pages}" if self.pages else ""
        return f"{self.authors} ({self.year}). {self.title}. {self.journal}{pages}."

    @property
    def shown(self) -> str:
        """The effect in a few characters: its estimate with its error, the counts, or its sign."""
        if self.estimate is not None:
            error = f" (s.e. {self.standard_error:g})" if self.standard_error else ""
            return f"{self.estimate:g}{error}"
        if self.events is None:
            return {"+": "positive", "-": "negative", "0": "none found"}[str(self.sign)]
        against = f" against {self.control_events:,} of {self.control_trials:,}" if self.control_events else ""
        return f"{self.events:,} of {self.trials:,}{against}"

    @property
    def pooled_on(self) -> tuple[float, float]:
        """The estimate on the scale of its transform, and its standard error: 0 where the work gives neither an error
        nor a number of units. Raises ConfigError for an effect without a transform."""
        if self.transform is None:
            raise ConfigError(f"{self.key} says nothing of the size of a number; it is of use as a {self.use}.")
        p, trials = self.share, self.trials or self.n
        # The standard error of the share, or of the elasticity.
        error = self.standard_error or 0.0
        if not error and trials and self.transform != "elasticity":
            error = math.sqrt(p * (1 - p) / trials)
        if self.transform == "share":
            return float(logit(p)), error / (p * (1 - p))
        if self.transform == "elasticity":
            return math.log(p), error / p
        rate = -math.log1p(-p)
        y, s = math.log(rate), error / ((1 - p) * rate)
        if self.transform == "yearly rate":
            return y, s
        p0 = self.control_events / self.control_trials  # type: ignore[operator]
        rate0 = -math.log1p(-p0)
        s0 = math.sqrt(p0 / ((1 - p0) * self.control_trials)) / rate0  # type: ignore[operator]
        return y - math.log(rate0), math.hypot(s, s0)


@functools.cache
def published() -> tuple[PublishedEffect, ...]:
    """The published effects that are known here, in the order of their subjects.

    Examples
    --------
    >>> effects = {effect.key: effect for effect in published()}
    >>> effects["hillstrom-mens-buyers"].shown, effects["hillstrom-mens-buyers"].use
    ('267 of 21,307 against 122 of 21,306', 'estimate')
    >>> effects["schweidel-2013-mail"].reference[:30]
    'Schweidel, D. A. & Knox, G. (2'
    """
    text = importlib.resources.files(__package__).joinpath("published.toml").read_text(encoding="utf-8")
    return read_effects(text)


def read_effects(text: str) -> tuple[PublishedEffect, ...]:
    """The effects in TOML: works with their effects, which take over what the work says. Raises ConfigError for a work
    or an effect that is incomplete or given twice."""
    found: dict[str, PublishedEffect] = {}
    for work in parse_toml(text, name="published effects").get("work", []):
        common = {key: value for key, value in work.items() if key != "effect"}
        for effect in work.get("effect", []):
            merged: dict[str, Any] = {**common, **effect}
            if "note" in common and "note" in effect:
                merged["note"] = f"{effect['note']} {common['note']}"
            merged.setdefault("study", f"{merged.get('authors')} {merged.get('year')}, {merged.get('setting')}")
            try:
                made = PublishedEffect.model_validate(merged)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "effect"
                raise ConfigError(f"published effect {effect.get('key')!r}, {where}: {first['msg']}.") from None
            if made.key in found:
                raise ConfigError(f"there are two published effects {made.key!r}. Rename one.")
            found[made.key] = made
    return tuple(found.values())


@typed
def published_belief(
    address: str, *, level: float = 0.9, present: float = 1.0, effects: Iterable[PublishedEffect] | None = None
) -> Belief:
    """What publications say of one number of a market in a firm of which nothing is known.

    Effects of one study count once: the mean of their transformed estimates, with the mean of their squared errors (as
    if they all erred together) and the variance between them. Three studies or more are pooled with random effects
    (`pool`), and the belief is the interval for a new setting. Fewer do not show how much settings differ: a standard
    deviation between settings with a half-normal law of scale 0.5 is taken, on the logarithm or the logit, or of scale
    1 where all that is known is what people said (Roever et al. 2021).

    Parameters
    ----------
    address : str
        The number, such as "referral.rate_per_year".
    level : float
        Of the interval.
    present : float
        What the firm spends now per prospect and period, for "prospects.spend_scale", which elasticities tell only
        relative to it. By default the scale is given as a multiple of present spending.
    effects : iterable of PublishedEffect, optional
        In place of `published()`.

    Returns
    -------
    Belief
        With the status "meta-analysis" where it rests on one or on three or more studies, else "published (behaviour)",
        or "published (intention)" where it rests on what people said.

    Raises
    ------
    ConfigError
        If nothing published gives the size of the number, and for an impossible level or spending.

    Examples
    --------
    >>> belief = published_belief("referral.rate_per_year")
    >>> round(belief.value, 3), round(belief.low, 2), round(belief.high, 2), belief.status
    (0.138, 0.05, 0.37, 'published (behaviour)')

    References
    ----------
    Roever, C., Bender, R., Dias, S., Schmid, C. H., Schmidli, H., Sturtz, S., Weber, S. & Friede, T. (2021). On weakly
    informative prior distributions for the heterogeneity parameter in Bayesian random-effects meta-analysis. Research
    Synthesis Methods 12(4), 448-474.
    """
    check_level(level)
    check_number(present, "present", above=0)
    address = address.removeprefix("market.")
    known = published() if effects is None else tuple(effects)
    for effect in known:
        check_kind(effect, "each of effects", PublishedEffect, "a PublishedEffect")
    of_size = [effect for effect in known if effect.transform]
    used = [effect for effect in of_size if address in effect.informs]
    if not used:
        others = sorted({name for effect in of_size for name in effect.informs})
        raise ConfigError(f"nothing published gives the size of {address!r}. There are {', '.join(others)}.")
    transforms = {effect.transform for effect in used}
    if len(transforms) > 1:
        raise ConfigError(f"the effects on {address!r} have several transforms: {', '.join(map(str, transforms))}.")
    studies = _by_study(used)
    said = all(effect.design in SAID for effect in used)
    if len(studies) > 2:
        y, s = zip(*studies, strict=True)
        pooled = pool(y, s, level=level)
        middle, low, high = pooled.estimate, pooled.prediction_lower, pooled.prediction_upper
    else:
        middle, low, high = _few(studies, BETWEEN_SAID if said else BETWEEN, level)
    back, law = BACK[transforms.pop() or "share"]
    value, low, high = (back(x) * (present if address.endswith("spend_scale") else 1.0) for x in (middle, low, high))
    return Belief(
        value=value, low=min(low, high), high=max(low, high), level=level, law=law, status=_status(used, len(studies)),
        source="; ".join(dict.fromkeys(f"{effect.authors} ({effect.year})" for effect in used)),
    )  # fmt: skip


def _by_study(effects: list[PublishedEffect]) -> list[tuple[float, float]]:
    """Estimate and standard error of each study."""
    arms: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for effect in effects:
        arms[effect.study].append(effect.pooled_on)
    found = []
    for each in arms.values():
        y, s = np.array(each).T
        found.append((float(y.mean()), math.sqrt(float((s**2).mean() + (y.var(ddof=1) if len(y) > 1 else 0.0)))))
    return found


def _few(studies: list[tuple[float, float]], scale: float, level: float) -> tuple[float, float, float]:
    """Median and interval of the number of a new setting after one or two studies: theta ~ Normal(mu, tau^2), mu given
    tau from the studies, tau half-normal with this scale."""
    y, s = np.array(studies).T
    tau = scale * ndtri(0.5 + (np.arange(400) + 0.5) / 800)
    weights = 1 / (s[:, None] ** 2 + tau**2)
    mean = (weights * y[:, None]).sum(axis=0) / weights.sum(axis=0)
    spread = np.sqrt(tau**2 + 1 / weights.sum(axis=0))
    ends = (mean - 40 * spread).min(), (mean + 40 * spread).max()

    def quantile(probability: float) -> float:
        return float(brentq(lambda x: ndtr((x - mean) / spread).mean() - probability, *ends, xtol=1e-12))

    return quantile(0.5), quantile((1 - level) / 2), quantile((1 + level) / 2)


def elasticity_prior() -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of the elasticity of sales with respect to advertising in a firm of
    which nothing is known."""
    (y, s), *_ = _by_study([effect for effect in published() if effect.transform == "elasticity"])
    return y, math.hypot(s, BETWEEN)


def _status(effects: list[PublishedEffect], studies: int) -> Status:
    if all(effect.design in SAID for effect in effects):
        return "published (intention)"
    if studies > 2 or all(effect.design == "meta-analysis" for effect in effects):
        return "meta-analysis"
    return "published (behaviour)"


def scale_of_elasticity(elasticity: float) -> float:
    """The scale of a saturating response, in multiples of what is spent, at which the elasticity is this one.

    Examples
    --------
    >>> round(scale_of_elasticity(0.5), 4)
    0.7959
    """
    x = brentq(lambda x: math.log(x) - math.log(math.expm1(x)) - math.log(elasticity), 1e-9, 700.0)
    return 1.0 / float(x)


def _elasticity_back(y: float) -> float:
    return scale_of_elasticity(min(math.exp(y), 1 - 1e-6))


BACK: dict[str, tuple[Callable[[float], float], Law]] = {
    "share": (lambda y: float(expit(y)), "beta"),
    "yearly rate": (math.exp, "log-normal"),
    "rate ratio": (math.exp, "log-normal"),
    "elasticity": (_elasticity_back, "log-normal"),
}
"""From the scale of pooling to that of the number, and the law of the number."""
