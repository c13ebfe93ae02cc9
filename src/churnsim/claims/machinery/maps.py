"""Maps of assumptions: found by simulation, judged, and kept with a finding as plain rows that can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.plausible import plausible
from churnsim.claims.machinery.verdicts import Answer
from churnsim.decisions.assumptions.assumption_regions import assumption_region
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Axis, Region, Statement
from churnsim.simulation.core.belief import Belief
from churnsim.simulation.scenario.beliefs import market_beliefs
from churnsim.simulation.scenario.strategy import Strategy

CELLS, QUICK_CELLS, LEAST_CELLS = 8, 4, 3
REPLICATIONS, QUICK_REPLICATIONS = 20, 8
MOST = 40
"""Replications of a cell near the border, quick or not."""
FEW = 20
"""With fewer replications than this a map has the least cells."""


def map_of(
    evidence: MarketEvidence,
    strategies: Sequence[Strategy],
    over: Mapping[str, tuple[float, float]],
    *,
    of: str,
    against: str,
    quick: bool,
) -> Region:
    """Where a strategy's equity is above another's over two assumptions, each cell judged by its paired interval."""
    few = evidence.replications < FEW
    most = min(evidence.replications, len(evidence.market.draws) or evidence.replications)
    replications = max(2, min(QUICK_REPLICATIONS if quick else REPLICATIONS, most))
    sketch = LEAST_CELLS if few else QUICK_CELLS
    return assumption_region(
        evidence.experiment,
        strategies,
        Quantity(of=of, against=against, metric="equity"),
        over,
        cells=sketch if quick else CELLS,
        replications=replications,
        # Cells near the border take more: which of them are decided must not be chance.
        max_replications=replications if few else max(replications, min(MOST, len(evidence.market.draws) or MOST)),
    )


def map_part(
    region: Region,
    *,
    name: str,
    estimand: str,
    reason: str,
    beliefs: Mapping[str, Belief | float] | None = None,
    **figures: Any,
) -> Part:
    """The part of a claim that a map judges: by how plausible its region is where `beliefs` say so of each axis."""
    mass = plausible(region, beliefs) if beliefs is not None else None
    return Part(
        name=name,
        estimand=estimand,
        answer=mass.answer if mass and region_answer(region) is Answer.UNDECIDED else region_answer(region),
        reason=f"{reason} {mass}" if mass else reason,
        region=where(region),
        plausible=mass,
        **figures,
    )


def believed_of(evidence: MarketEvidence, axes: Iterable[str]) -> dict[str, Belief | float]:
    """What is believed of the numbers of the market that a map varies."""
    known = market_beliefs(evidence.market)
    return {name: known[name] for name in axes}


def region_answer(region: Region) -> Answer:
    """HOLDS or FAILS where every cell that is possible does, else UNDECIDED: a count of cells is no probability."""
    counts = region.counts
    if counts["undecided"] or (counts["holds"] and counts["fails"]):
        return Answer.UNDECIDED
    if counts["holds"]:
        return Answer.HOLDS
    return Answer.FAILS if counts["fails"] else Answer.UNDECIDED


def where(region: Region) -> str:
    """The region in words: what holds, its boxes and its border."""
    return region.words()[0]


def map_tables(name: str, region: Region, beliefs: Mapping[str, Belief | float] | None = None) -> dict[str, Rows]:
    """The region as three tables: its cells, its axes, and what it is about, with where `beliefs` have its axes."""
    likely = {
        axis: [b.low, b.high] if isinstance(b, Belief) else [float(b), float(b)] for axis, b in (beliefs or {}).items()
    }
    about = {
        **asdict(region.statement), "judged": region.judged, "here": dict(region.here) if region.here else None,
        "likely": likely or None,
    }  # fmt: skip
    return {
        f"map {name}": records(region.frame),
        f"map {name}: axes": [asdict(axis) for axis in region.axes],
        f"map {name}: statement": [about],
    }


def map_names(tables: Mapping[str, Any]) -> list[str]:
    """Names of the maps among the tables of a finding."""
    return [
        key.removeprefix("map ").removesuffix(": axes") for key in tables if key.startswith("map ") and ": axes" in key
    ]


def region_from(tables: Mapping[str, Rows], name: str) -> Region:
    """The region that `map_tables` took apart."""
    (about,) = tables[f"map {name}: statement"]
    statement = Statement(quantity=about["quantity"], above=about["above"], below=about["below"])
    axes = tuple(Axis(**axis) for axis in tables[f"map {name}: axes"])
    frame = pd.DataFrame(tables[f"map {name}"])
    return Region(statement=statement, axes=axes, frame=frame, judged=about["judged"], here=about["here"])


def likely_in(tables: Mapping[str, Rows], name: str) -> Mapping[str, tuple[float, float]]:
    """Where the axes of a stored map are believed to be, nine tenths of what is plausible, or have been chosen; empty
    where nobody says."""
    (about,) = tables[f"map {name}: statement"]
    return about.get("likely") or {}


def records(frame: pd.DataFrame) -> Rows:
    """A data frame as plain rows, with names as text and dates as year-month-day."""
    dates = frame.select_dtypes("datetime").columns
    plain = frame.assign(**{str(name): frame[name].dt.strftime("%Y-%m-%d") for name in dates})
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
