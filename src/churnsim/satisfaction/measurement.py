"""What every instrument gives back: estimates with intervals, reliability, warnings, and in words what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

SMALL_SAMPLE = 100
"""Below it percentile intervals tend to be too narrow and factor solutions unstable (assumed, a rule of thumb)."""
RESPONDENTS_PER_PARAMETER = 5
"""Respondents an estimated parameter of a factor or structural model should have (assumed: Bentler & Chou's (1987) rule
of thumb, from memory)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """The result of one instrument.

    Attributes
    ----------
    instrument : str
        Its name.
    table : DataFrame
        One row a quantity: `estimate, standard_error, lower, upper, n`, and `group` (what kind of quantity it is).
    reliability : DataFrame
        One row a scale: Cronbach's `alpha` and McDonald's `omega` with intervals.
    n : int
        Respondents used.
    level : float
        Of the percentile intervals. They come from `resamples` bootstrap resamples of the respondents (at least 20),
        drawn with `seed`: with `level` arguments of every instrument.
    says : str
        One sentence: what is measured, in which unit.
    warnings : tuple of str
        What weakens the result, one sentence each.
    details : mapping of str to DataFrame
        Further tables of the instrument.

    Examples
    --------
    >>> from churnsim.satisfaction import servqual, synthetic_servqual
    >>> measured = servqual(synthetic_servqual(100, seed=1).survey, resamples=100)
    >>> measured.n, round(measured.estimate("overall"), 2)
    (100, -0.57)
    """

    instrument: str
    table: pd.DataFrame
    reliability: pd.DataFrame
    n: int
    level: float
    says: str
    warnings: tuple[str, ...] = ()
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def estimate(self, name: str) -> float:
        """One estimate by its row's name."""
        return float(self.table["estimate"].loc[name])

    def summary(self) -> str:
        """A printable account."""
        parts = [f"{self.instrument}: {self.says} {self.n:,} respondents, {self.level:.0%} bootstrap intervals.", ""]
        parts.append(self.table.round(3).to_string())
        if not self.reliability.empty:
            parts += ["", "reliability", self.reliability.round(3).to_string()]
        parts += [f"warning: {text}" for text in self.warnings]
        return "\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values (NaN as None)."""
        return {
            "instrument": self.instrument, "says": self.says, "n": self.n, "level": self.level,
            "warnings": list(self.warnings), "table": _rows(self.table), "reliability": _rows(self.reliability),
            "details": {name: _rows(frame) for name, frame in self.details.items()},
        }  # fmt: skip


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    named = frame.rename_axis(index=str(frame.index.name or "name")).reset_index()
    plain = named.astype(object).where(named.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def size_warnings(n: int, *, parameters: int = 0) -> tuple[str, ...]:
    """Sentences about a sample that is small for intervals, or for a model of so many parameters."""
    found = []
    if n < SMALL_SAMPLE:
        found.append(
            f"{n} respondents are few: intervals from fewer than {SMALL_SAMPLE} tend to be too narrow. Ask more."
        )
    if parameters and n < RESPONDENTS_PER_PARAMETER * parameters:
        found.append(
            f"{n} respondents for {parameters} parameters: fewer than {RESPONDENTS_PER_PARAMETER} each. Treat the "
            "model as exploratory."
        )
    return tuple(found)
