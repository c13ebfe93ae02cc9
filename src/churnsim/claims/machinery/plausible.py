"""How much of what is plausible a map's region is: its probability under what is believed of the axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from churnsim.checks import shown
from churnsim.claims.machinery.verdicts import Answer
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    from churnsim.decisions.assumptions.region import Region
    from churnsim.simulation.core.belief import Belief

NEARLY = 0.95
"""Probability from which on a region is all that is plausible."""
POINTS = 4000
"""Quantiles of a belief that are counted by cell."""


@dataclass(frozen=True, kw_only=True)
class Plausible:
    """Probability that a statement holds and that it fails, under what is believed of the numbers it depends on.

    What is missing to one is undecided, or outside of what was looked at. Of the statement's negation the two change
    places, so that no statement and its negation both hold in more than half of what is plausible.

    Examples
    --------
    >>> found = Plausible(holds=0.31, fails=0.6, beliefs="margin .3 [.1, .5]")
    >>> str(found), found.answer.value, found.negation.holds
    ('Holds in 31% of what is plausible and fails in 60% (margin .3 [.1, .5]).', 'HOLDS_IF', 0.6)
    """

    holds: float
    fails: float
    beliefs: str

    def __str__(self) -> str:
        return f"Holds in {self.holds:.0%} of what is plausible and fails in {self.fails:.0%} ({self.beliefs})."

    @property
    def answer(self) -> Answer:
        """HOLDS or FAILS in nearly all that is plausible; HOLDS_IF where both are possible; UNDECIDED where more than
        half is open."""
        if self.holds >= NEARLY:
            return Answer.HOLDS
        if self.fails >= NEARLY:
            return Answer.FAILS
        return Answer.HOLDS_IF if self.holds > 0.0 and self.holds + self.fails > 0.5 else Answer.UNDECIDED

    @property
    def negation(self) -> Plausible:
        """The same of the statement that this one is false."""
        return Plausible(holds=self.fails, fails=self.holds, beliefs=self.beliefs)

    @classmethod
    def of_draws(cls, inside: Iterable[bool], beliefs: Mapping[str, Belief | float]) -> Plausible:
        """From whether the statement is true at independent draws of the beliefs, of which there is at least one."""
        found = list(inside) if isinstance(inside, Iterable) else []
        if not found or not all(type(each).__name__ in ("bool", "bool_") for each in found):
            raise ConfigError(f"inside must be True or False for each draw; got {shown(inside)}.")
        share = sum(found) / len(found)
        return cls(holds=share, fails=1.0 - share, beliefs=believed(beliefs))


def plausible(region: Region, beliefs: Mapping[str, Belief | float]) -> Plausible:
    """The mass of a map's cells by state, the axes independent.

    Parameters
    ----------
    region : Region
        A judged map.
    beliefs : mapping of str to Belief or float
        For each axis, by its name, what is believed of it, or the value that the firm has chosen.

    Returns
    -------
    Plausible
        What lies outside of the map is in neither.

    Examples
    --------
    >>> from churnsim.decisions import Axis, Statement, map_region
    >>> from churnsim.evidence import Belief
    >>> axes = (Axis(name="margin", low=0.0, high=1.0, cells=10), Axis(name="lift", low=0.0, high=1.0, cells=2))
    >>> region = map_region(lambda margin, lift: margin, Statement(quantity="the margin", above=0.3), axes)
    >>> margin = Belief(value=0.3, low=0.1, high=0.5, law="beta", status="assumed", source="a guess")
    >>> found = plausible(region, {"margin": margin, "lift": 0.2})
    >>> round(found.holds, 2), round(found.fails, 2), found.answer.value
    (0.5, 0.5, 'HOLDS_IF')
    """
    import numpy as np  # here, so that the catalogue is listed without it

    weights = np.ones(())
    for axis in region.axes:
        belief = beliefs[axis.name]
        if isinstance(belief, float | int):
            values = np.array([belief], dtype=np.float64)
        else:
            values = np.asarray(belief.quantile((np.arange(POINTS) + 0.5) / POINTS))
        own = np.histogram(values, axis.edges)[0] / values.size
        weights = np.multiply.outer(weights, own)
    states = region.states
    holds, fails = (float(weights[states == state].sum()) for state in ("holds", "fails"))
    return Plausible(
        holds=holds, fails=fails, beliefs=believed({axis.name: beliefs[axis.name] for axis in region.axes})
    )


def believed(beliefs: Mapping[str, Belief | float]) -> str:
    """What is believed, in words: median, central interval and how it is known. ConfigError for what is no belief."""
    told = []
    if not isinstance(beliefs, Mapping):
        raise ConfigError(f"beliefs must be beliefs or numbers by name; got {shown(beliefs)}.")
    for name, belief in beliefs.items():
        if isinstance(belief, float | int):
            told.append(f"{name} {belief:.3g} chosen")
        elif not hasattr(belief, "status"):
            raise ConfigError(f"the belief of {name} must be a Belief or a number; got {shown(belief)}.")
        else:
            told.append(f"{name} {belief.value:.3g} [{belief.low:.3g}, {belief.high:.3g}] {belief.status}")
    return "; ".join(told)
