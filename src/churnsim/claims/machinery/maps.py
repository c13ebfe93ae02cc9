"""Maps of assumptions kept with a finding: as plain rows that a report, or this module, can make a region of again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from churnsim.claims.machinery.claim import Table, Verdict
from churnsim.claims.machinery.records import records
from churnsim.decisions.assumptions.region import Axis, Region, Statement

__all__ = ["map_names", "map_tables", "region_from", "region_verdict", "where"]


def map_tables(name: str, region: Region) -> dict[str, Table]:
    """The region as three tables: its cells, its axes, and what it is about."""
    about = {**asdict(region.statement), "judged": region.judged, "here": dict(region.here) if region.here else None}
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


def region_from(tables: Mapping[str, Table], name: str) -> Region:
    """The region that `map_tables` took apart."""
    (about,) = tables[f"map {name}: statement"]
    statement = Statement(quantity=about["quantity"], above=about["above"], below=about["below"])
    axes = tuple(Axis(**axis) for axis in tables[f"map {name}: axes"])
    frame = pd.DataFrame(tables[f"map {name}"])
    return Region(statement=statement, axes=axes, frame=frame, judged=about["judged"], here=about["here"])


def region_verdict(region: Region) -> Verdict:
    """HOLDS or FAILS where every cell that is possible and decided does; HOLDS_IF where some hold and some do not."""
    counts = region.counts
    if counts["holds"] and counts["fails"] + counts["undecided"]:
        return Verdict.HOLDS_IF
    if counts["holds"]:
        return Verdict.HOLDS
    return Verdict.FAILS if counts["fails"] and not counts["undecided"] else Verdict.UNTESTABLE


def where(region: Region) -> str:
    """The region in words: what holds, its boxes and its border."""
    return region.words()[0]
