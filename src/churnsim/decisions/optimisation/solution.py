"""From a search to an answer: finalists certified, the gap to the optimum, the marginal returns and the frontier.

Three sets of replications, none used twice: the search's, those of the choice among finalists, and those that say how
good the choice is, which are as many as the gap asked for needs by the search's spread and, where that was too small,
once more by their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from churnsim.decisions.comparison.kim_nelson import KimNelson
from churnsim.decisions.comparison.paired import Interval, interval
from churnsim.decisions.optimisation.objective import Objective
from churnsim.decisions.optimisation.search import Evaluate, Sample, best_of, first_points
from churnsim.decisions.optimisation.space import Space, different
from churnsim.decisions.optimisation.surrogate import Surrogate
from churnsim.errors import ConfigError
from churnsim.statistics import student_quantile
from churnsim.typing import Floats

FIRST_STAGE = 20
MOST_FINALISTS = 3
FINER = 4.0
"""How many times finer than the tolerance finalists are told apart."""
FRONTIER = 8
"""Totals at which the best spending is looked for."""
FAR = 0.15
"""Of the width of each lever: how far another finalist lies from the first, at least in one of them."""
ROOM = 1.5
"""Where the gap is wider than asked, how many times the replications that would just do are taken."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How many replications a search, and each later step at most, may take, and what is asked for: a gap below
    `tolerance` of the objective (of a chance below so much), at `level`."""

    search: int
    most: int
    tolerance: float
    level: float


@dataclass(frozen=True, kw_only=True)
class PlannedSpending:
    """Planned spending per period at a point: `base + weights @ point`."""

    base: float
    weights: Floats


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What was found. `point` is None where it is spending nothing; `best` is the best point of the search.

    `value` is the objective of what is chosen, `gain` its lead over spending nothing, `lead` that of `best`.
    """

    point: Floats | None
    best: Floats
    value: Interval
    gain: Interval
    lead: Interval
    gap: Gap
    scale: float
    certified: bool
    marginals: list[Marginal | None]
    frontier: list[tuple[Floats, Interval]]
    used: tuple[int, int, int]


def solve(
    evaluate: Evaluate, space: Space, objective: Objective, effort: Effort, *, starts: Floats | None = None,
    spending: PlannedSpending | None = None,
) -> Solution:  # fmt: skip
    """Search, choose and say how good the choice is."""
    own = np.empty((0, space.size)) if starts is None else starts[space.allows(starts)]
    sample = Sample(evaluate, objective, range(effort.search), first_points(space, own))
    # The scale is that of the best of the first points: what a search improves on it changes it little.
    best = best_of(sample, space, tolerance=effort.tolerance * _scale(sample, objective))
    scale = _scale(sample, objective)
    margin = effort.tolerance * scale
    chosen = _Choice.of(evaluate, sample, _finalists(sample, best, own, margin), margin / FINER, effort)
    best = best if chosen.point is None else chosen.point
    design = _FinalPoints.of(sample, space, best, margin, spending, nothing=chosen.point is None)
    size = _size(sample, design.plausible, chosen.point, margin, effort)
    start = effort.search + chosen.replications
    points = different(np.vstack([best[None, :], design.points]))

    def answer(size: int) -> Solution:
        final = Sample(evaluate, objective, range(start, start + size), points)
        return _answer(final, space, effort, design, best, chosen, scale)

    found = answer(size)
    if found.gap.upper <= margin:
        return found
    # The lead of the best of a sample and its error both shrink with the root of the number.
    more = min(ROOM * size * (found.gap.upper / margin) ** 2, effort.most) if margin > 0 else size
    return answer(math.ceil(more)) if more > size else found


def _scale(sample: Sample, objective: Objective) -> float:
    """What a tolerance is a share of: the objective at the best point, of a chance 1."""
    found = abs(float(sample.means.max()))
    return 1.0 if objective.kind == "chance" or found == 0 else found


def _finalists(sample: Sample, best: Floats, own: Floats, margin: float) -> list[Floats | None]:
    """The best point, the best ones far from it and from each other that may be as good, those to start from, and
    nothing; not what comes to the same as nothing."""
    found: list[Floats] = [best]
    width = np.ptp(sample.points, axis=0)
    width = np.where(width > 0, width, 1.0)
    means = sample.means
    for place in np.argsort(-means, kind="stable"):
        point = sample.points[place]
        if means[place] < means.max() - margin or len(found) == MOST_FINALISTS:
            break
        if all((np.abs(point - other) / width).max() > FAR for other in found):
            found.append(point)
    known = {point.tobytes(): row for point, row in zip(sample.points, sample.values, strict=True)}
    several = different(np.vstack([*(point[None, :] for point in found), own]))
    return [*(point for point in several if (known[point.tobytes()] != sample.nothing).any()), None]


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """Which of the finalists is chosen (None is spending nothing), after how many replications, and whether they were
    enough for the guarantee of the procedure."""

    point: Floats | None
    replications: int
    finished: bool

    @classmethod
    def of(
        cls, evaluate: Evaluate, sample: Sample, finalists: list[Floats | None], indifference: float, effort: Effort
    ) -> _Choice:
        """Kim and Nelson's procedure on fresh replications; where they are used up the best mean of those still in."""
        if len(finalists) == 1:
            return cls(point=None, replications=0, finished=True)
        objective, start = sample.objective, effort.search
        thresholds = _thresholds(sample, finalists)
        procedure = KimNelson(
            len(finalists), indifference=indifference, level=effort.level, first_stage=min(FIRST_STAGE, effort.most)
        )
        while not procedure.finished and procedure.replications < effort.most:
            first = start + procedure.replications
            block = range(first, min(first + FIRST_STAGE, start + effort.most))
            nothing = evaluate(sample.points[:0], block)[0]
            values = np.full((len(finalists), len(block)), np.nan)
            values[-1] = nothing  # the last finalist
            places = [place for place in procedure.survivors if finalists[place] is not None]
            if places:
                values[places] = evaluate(np.array([finalists[place] for place in places]), block)
            scores = objective.scores(values, nothing, thresholds)
            for row in scores.T:
                if procedure.add(row):
                    break
        still = procedure.survivors
        place = int(still[np.argmax(procedure.sums[still])])
        return cls(point=finalists[place], replications=procedure.replications, finished=procedure.finished)


def _thresholds(sample: Sample, finalists: list[Floats | None]) -> Floats:
    """Of the search's outcomes of each finalist."""
    known = {point.tobytes(): row for point, row in zip(sample.points, sample.values, strict=True)}
    rows = [sample.nothing if point is None else known[point.tobytes()] for point in finalists]
    return sample.objective.thresholds(np.array(rows))


@dataclass(frozen=True, kw_only=True)
class _FinalPoints:
    """The points of the last set of replications: `points`, among them the ends of `steps` and the `frontier`; the box
    from `low` to `high` holds all that may be best, and `plausible` says where in the search's sample they are."""

    points: Floats
    plausible: Floats
    low: Floats
    high: Floats
    centre: Floats
    steps: list[list[tuple[Floats, Floats]]]
    frontier: Floats

    @classmethod
    def of(
        cls,
        sample: Sample,
        space: Space,
        best: Floats,
        margin: float,
        spending: PlannedSpending | None,
        *,
        nothing: bool,
    ) -> _FinalPoints:
        size = space.size
        plausible = _plausible(sample, best, margin)
        spanned = np.vstack([plausible, best[None, :]])
        room = 0.1 * np.ptp(spanned, axis=0) + 0.01 * (space.high - space.low)
        low = np.maximum(space.low, spanned.min(axis=0) - room)
        high = np.minimum(space.high, spanned.max(axis=0) + room)
        inside = _apart(plausible, best, 4 * size + 8, high - low)
        # Where nothing is spent the return of the first step up, else around the value.
        centre = space.corner() if nothing else best
        steps = steps_around(space, centre)
        frontier = _frontier(sample, space, best, spending, nothing=nothing)
        fill = space.spread(2 * size + 4, low=low, high=high, around=best)
        points = np.vstack([centre[None, :], inside, fill, ends_of(steps), frontier])
        return cls(
            points=points, plausible=plausible, low=low, high=high, centre=centre, steps=steps, frontier=frontier
        )


def _plausible(sample: Sample, best: Floats, margin: float) -> Floats:
    """The points that the search cannot tell from the best one by more than the margin or three standard errors."""
    scores = sample.scores
    at = int(np.flatnonzero((sample.points == best).all(axis=1))[0])
    behind = scores[at] - scores
    error = behind.std(axis=1, ddof=1) / math.sqrt(scores.shape[1])
    found: Floats = sample.points[behind.mean(axis=1) <= np.maximum(margin, 3 * error)]
    return found


def _apart(points: Floats, first: Floats, number: int, width: Floats) -> Floats:
    """Up to so many of the points, each as far as can be from the `first` and those taken before."""
    scaled = points / np.where(width > 0, width, 1.0)
    away = np.abs(scaled - first / np.where(width > 0, width, 1.0)).max(axis=1)
    taken = []
    for _ in range(min(number, len(points))):
        place = int(np.argmax(away))
        if away[place] <= 0:
            break
        taken.append(place)
        away = np.minimum(away, np.abs(scaled - scaled[place]).max(axis=1))
    return points[taken]


def _frontier(sample: Sample, space: Space, best: Floats, spending: PlannedSpending | None, *, nothing: bool) -> Floats:
    """The best points by the search at totals from the least to beyond that of the best point."""
    if spending is None or space.equal is not None or not spending.weights.any():
        return np.empty((0, space.size))
    weights = spending.weights
    least, most = space.range_of(weights)
    here = float(best @ weights)
    if not nothing and here > least:
        most = min(most, least + 2.5 * (here - least))
    means = sample.means - sample.means.max()
    smooth = Surrogate.of(sample.points, means, low=space.low, high=space.high)
    found = []
    for total in np.linspace(least, most, FRONTIER):
        try:
            there = space.with_total(weights, float(total))
            found.append(smooth.best(means, there, low=space.low, high=space.high))
        except ConfigError:  # no levers within the limits spend so much
            continue
    return np.array(found).reshape(-1, space.size)


def _size(sample: Sample, plausible: Floats, chosen: Floats | None, margin: float, effort: Effort) -> int:
    """Replications such that the interval of a lead takes a quarter of the margin: what is left is for the lead itself,
    and for the best of a sample looking better than it is."""
    known = {point.tobytes(): row for point, row in zip(sample.points, sample.scores, strict=True)}
    own = sample.scores_of_nothing if chosen is None else known[chosen.tobytes()]
    spreads = [(known[point.tobytes()] - own).std(ddof=1) for point in plausible]
    reach = float(ndtri(effort.level)) * float(np.quantile(spreads, 0.8))
    needed = min((4 * reach / margin) ** 2, effort.most) if margin > 0 else 0.0
    return int(np.clip(math.ceil(needed), min(max(effort.search, 2 * FIRST_STAGE), effort.most), effort.most))


def _answer(
    final: Sample, space: Space, effort: Effort, design: _FinalPoints, best: Floats, chosen: _Choice, scale: float
) -> Solution:
    level, scores = effort.level, final.scores
    by_point = {point.tobytes(): row for point, row in zip(final.points, scores, strict=True)}
    nothing = final.scores_of_nothing
    lead = interval(by_point[best.tobytes()] - nothing, level=level)
    # What does not surely earn more than nothing is not worth doing.
    point = chosen.point if lead.lower > 0 else None
    own = nothing if point is None else by_point[best.tobytes()]
    inside = ((final.points >= design.low) & (final.points <= design.high)).all(axis=1)
    gap = gap_of(final.points[inside], scores[inside], own, space, low=design.low, high=design.high, level=level)
    return Solution(
        point=point,
        best=best,
        value=interval(own, level=level),
        gain=interval(own - nothing, level=level),
        lead=lead,
        gap=gap,
        scale=scale,
        certified=chosen.finished,
        marginals=[
            marginal_of(pairs, lever, by_point, level=level) if pairs else None
            for lever, pairs in enumerate(design.steps)
        ],
        frontier=[(at, interval(by_point[at.tobytes()] - nothing, level=level)) for at in design.frontier],
        used=(effort.search, chosen.replications, len(final.replications)),
    )


STEPS = (1 / 20, 1 / 10, 1 / 5)
"""Of the width of a lever."""


@dataclass(frozen=True)
class Marginal:
    """The change in the objective per unit of a lever, with its interval, from the values `low` to `high`."""

    change: Interval
    low: float
    high: float


def steps_around(space: Space, centre: Floats) -> list[list[tuple[Floats, Floats]]]:
    """By lever the two ends of each step, within the bounds; constraints do not hold them, since it is asked what a
    lever earns, not what it would take it from."""
    found = []
    for lever in range(space.size):
        width = space.high[lever] - space.low[lever]
        sizes = sorted({max(1.0, round(share * width)) if space.whole[lever] else share * width for share in STEPS})
        pairs = []
        for size in sizes:
            below, above = centre.copy(), centre.copy()
            below[lever] = max(centre[lever] - size, space.low[lever])
            above[lever] = min(centre[lever] + size, space.high[lever])
            if above[lever] > below[lever]:
                pairs.append((below, above))
        found.append(pairs)
    return found


def ends_of(steps: list[list[tuple[Floats, Floats]]]) -> Floats:
    """Every point that the steps need."""
    return different(np.array([end for pairs in steps for pair in pairs for end in pair]))


def marginal_of(
    pairs: list[tuple[Floats, Floats]], lever: int, scores: dict[bytes, Floats], *, level: float
) -> Marginal:
    """What a little more of a lever would change, by central differences: the quotient of the step with the least mean
    squared error; `scores` by point, one a replication.

    The same replications run at both ends of a step, so that what chance does to both falls out. A short step has
    little bias and much noise: the difference of two runs in which few customers differ varies in proportion to the
    step, its quotient inversely. So each step is twice as long as the one before; the bias of each follows from the
    next (Richardson 1911, Philosophical Transactions A 210, 307-357), its noise from the replications.
    """
    quotients = [
        (scores[above.tobytes()] - scores[below.tobytes()]) / (above[lever] - below[lever]) for below, above in pairs
    ]
    means = [float(quotient.mean()) for quotient in quotients]
    errors = []
    for step, quotient in enumerate(quotients):
        # Of a central difference the bias grows with the square of the step, so that the next one's is four times it.
        other = step + 1 if step + 1 < len(means) else step - 1
        bias = (means[other] - means[step]) / (3 if other > step else 0.75) if other >= 0 else 0.0
        errors.append(bias**2 + float(quotient.var(ddof=1)) / quotient.size)
    best = int(np.argmin(errors))
    below, above = pairs[best]
    return Marginal(interval(quotients[best], level=level), float(below[lever]), float(above[lever]))


@dataclass(frozen=True)
class Gap:
    """What the point chosen may lack of the optimum: an estimate, which is too large on average, and an upper limit."""

    estimate: float
    upper: float


def gap_of(
    points: Floats, scores: Floats, chosen: Floats, space: Space, *, low: Floats, high: Floats, level: float
) -> Gap:
    """The gap of a point whose scores over the replications are `chosen`, from the scores of other `points` over the
    same ones; the optimum is looked for between `low` and `high`, and is the point chosen where that is best.

    The best point of a sample looks better than it is, so that its lead over the point chosen is too large on average
    (Mak, Morton & Wood 1999, Operations Research Letters 24, 47-56): an upper limit of what is missed. One sample has
    too short an interval where its best point happens to be the one chosen; the average of two is mostly free of that
    (A2RP of Bayraksan & Morton 2006, Mathematical Programming 108, 495-514):

        gap <= (G1 + G2) / 2 + z_level sqrt((s1^2 + s2^2) / 2) / sqrt(n),

    with G_i the mean lead of half i's best point in that half, s_i^2 the variance of that lead over its n/2
    replications.
    """
    leads, variances = [], []
    smooth = Surrogate.of(points, scores.mean(axis=1), low=low, high=high)
    for half in (slice(0, None, 2), slice(1, None, 2)):
        means = scores[:, half].mean(axis=1) - chosen[half].mean()
        best = smooth.best(means, space, low=low, high=high)
        lead = (smooth.weights(best[None, :]) @ scores[:, half])[0] - chosen[half]
        leads.append(max(float(lead.mean()), 0.0))
        variances.append(float(lead.var(ddof=1)) if lead.mean() > 0 else 0.0)
    size = scores.shape[1]
    estimate = float(np.mean(leads))
    reach = float(student_quantile(level, size - 2)) * float(np.sqrt(np.mean(variances) / size))
    return Gap(estimate, estimate + reach)
