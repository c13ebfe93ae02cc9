"""The five gaps behind poor service (Parasuraman, Zeithaml & Berry 1985), and benchmark gaps against a competitor.

On one scale, by dimension:

    1 knowledge      what managers think customers expect  -  what customers expect
    2 standards      the level that managers set           -  what they think customers expect
    3 delivery       the level that employees deliver      -  the level set
    4 communication  the level that is delivered           -  the level that employees say is promised
    5 service        what customers perceive               -  what customers expect

Gap 5 is the sum of the first three and of perception minus delivery, which is left as `perceived beyond delivery`: the
reading of the conceptual model as differences of means on one scale is ours, and so is that remainder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings, recoded
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, mean_estimates, resample_counts, resampled_means
from churnsim.satisfaction.servqual import DIMENSIONS, REVERSED
from churnsim.satisfaction.survey import Role, Survey
from churnsim.typing import Floats

Level = tuple[Role, str]

LEVELS: Mapping[str, Level] = {
    "expected": ("customer", "expectation"),
    "believed": ("manager", "expectation"),
    "set": ("manager", "standard"),
    "delivered": ("employee", "delivery"),
    "promised": ("employee", "promise"),
    "perceived": ("customer", "perception"),
}
GAPS: Mapping[str, tuple[str, str]] = {
    "gap 1 knowledge": ("believed", "expected"),
    "gap 2 standards": ("set", "believed"),
    "gap 3 delivery": ("delivered", "set"),
    "gap 4 communication": ("delivered", "promised"),
    "gap 5 service": ("perceived", "expected"),
    "perceived beyond delivery": ("perceived", "delivered"),
}


@typed
def five_gaps(
    survey: Survey,
    *,
    dimensions: Mapping[str, Sequence[str]] = DIMENSIONS,
    reversed_items: Sequence[str] = REVERSED,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measurement:
    """The gaps by dimension and overall (the mean of dimensions); the three groups are resampled independently.

    Customers need `expectation` and `perception`, managers `expectation` and `standard`, employees `delivery` and
    `promise`, on the same items and scale (DataError otherwise). Customers' negative items are turned; managers
    and employees state levels, which are not.

    Parameters
    ----------
    survey : Survey
        Customers' expectations and perceptions, managers' expectations and standards, employees' deliveries and
        promises.
    dimensions : mapping of dimension to items
        SERVQUAL's unless given.
    reversed_items : sequence of str
        Items on which full agreement is the worst answer.
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_gaps
    >>> gaps = five_gaps(synthetic_gaps(200, seed=1).survey, resamples=100)
    >>> gaps.table["estimate"].tail(1).round(2).to_dict()
    {'perceived beyond delivery: overall': -0.21}
    """
    items = [item for group in dimensions.values() for item in group]
    scales = {survey.scales[kind] for _, kind in LEVELS.values() if kind in survey.scales}
    if len(scales) > 1:
        raise DataError(f"the gaps need one scale; got {sorted(scales)}. Ask all three groups on the same one.")
    means, draws, sizes, raw = {}, {}, {}, {}
    counts: dict[Role, tuple[pd.Index, Floats]] = {}
    for position, role in enumerate(("customer", "manager", "employee")):
        who = survey.respondents.index[survey.respondents["role"] == role]
        if who.empty:
            raise DataError(f"no {role} answered. The five gaps need customers, managers and employees in column role.")
        counts[role] = who, resample_counts(len(who), resamples=resamples, seed=seed + position)  # type: ignore[index]
    for name, (role, kind) in LEVELS.items():
        frame = survey.of(kind, items, role=role)
        if role == "customer":
            frame = recoded(frame, reversed_items, survey.scales[kind])
        raw[name] = frame
        by_dimension = pd.DataFrame({d: frame[list(group)].mean(axis=1) for d, group in dimensions.items()})
        by_dimension["overall"] = by_dimension.mean(axis=1, skipna=False)
        who, weights = counts[role]
        means[name] = by_dimension.mean().to_numpy()
        draws[name] = resampled_means(by_dimension.reindex(who).to_numpy(dtype=float), weights)
        sizes[name] = len(frame)
    parts = []
    for gap, (upper, lower) in GAPS.items():
        part = estimates(
            [f"{gap}: {d}" for d in (*dimensions, "overall")], means[upper] - means[lower], draws[upper] - draws[lower],
            level=level, n=min(sizes[upper], sizes[lower]),
        )  # fmt: skip
        parts.append(part.assign(group=gap))
    customers = raw["perceived"]
    small = {role: len(who) for role, (who, _) in counts.items() if len(who) < 30}
    warnings = tuple(
        f"only {size} {role}s answered; their means carry the gaps they enter." for role, size in small.items()
    )
    return Measurement(
        instrument="five gaps",
        table=pd.concat(parts),
        reliability=reliability(customers, dimensions, level=level, resamples=resamples, seed=seed),
        n=len(survey),
        level=level,
        says="differences of mean levels in steps of the scale, below 0 where the first falls short of the second.",
        warnings=(*warnings, *size_warnings(len(customers)), *quality_warnings(survey)),
    )


@typed
def benchmark_gaps(
    survey: Survey,
    *,
    reversed_items: Sequence[str] = (),
    dimensions: Mapping[str, Sequence[str]] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Measurement:
    """This firm's perception minus the competitor's and, where asked, minus what customers expect: paired, by item.

    The same respondents rate both; whoever did not rate one of the two is left out of that gap. `dimensions` adds means
    over items. DataError without `competitor` answers.

    Parameters
    ----------
    survey : Survey
        Perceptions of this firm and of the competitor, and expectations where they were asked.
    reversed_items : sequence of str
        Items on which full agreement is the worst answer.
    dimensions : mapping of dimension to items, optional
        Adds a row a dimension.
    level, resamples, seed
        Of the bootstrap intervals, as `Measurement` says.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_benchmark
    >>> gaps = benchmark_gaps(synthetic_benchmark(200, seed=1).survey, resamples=100)
    >>> gaps.table["estimate"].head(2).round(2).to_dict()
    {'against competitor: delivery time': 0.7, 'against competitor: price': -0.42}
    """
    scale = survey.scales.get("perception", (1, 7))
    own = recoded(survey.of("perception"), reversed_items, scale)
    gaps: dict[str, pd.Series[float]] = {}
    groups: list[str] = []
    for kind, word in (("competitor", "against competitor"), ("expectation", "against expectation")):
        if kind == "expectation" and kind not in survey.answers:
            continue
        other = recoded(survey.of(kind), reversed_items, survey.scales[kind])
        if survey.scales[kind] != scale:
            raise DataError(f"perception is on the scale {scale}, {kind} on {survey.scales[kind]}. Use one for both.")
        items = [str(item) for item in own.columns if item in other]
        difference = own[items] - other[items].reindex(own.index)
        rows: dict[str, Sequence[str]] = {item: [item] for item in items}
        for name, group in (rows | dict(dimensions or {})).items():
            gaps[f"{word}: {name}"] = difference[list(group)].mean(axis=1)
            groups.append(word)
        gaps[f"{word}: all items"] = difference.mean(axis=1)
        groups.append(word)
    wide = pd.DataFrame(gaps)
    table = mean_estimates(wide, resample_counts(len(wide), resamples=resamples, seed=seed), level=level)
    return Measurement(
        instrument="benchmark",
        table=table.assign(group=groups),
        reliability=reliability(
            own, {"all items": [str(item) for item in own.columns]}, level=level, resamples=resamples, seed=seed
        ),
        n=len(own),
        level=level,
        says="this firm's mean minus the other's, paired by respondent, in steps of the scale.",
        warnings=(*size_warnings(len(own)), *quality_warnings(survey)),
    )
