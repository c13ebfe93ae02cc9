"""Published figures as data: read and checked once, here.

A figures file is TOML. Each `[[figure]]` has `id`, `group`, `what`, `compute` (the name of a computation), `inputs`
(its arguments; optional), `published` (the number) and either `digits` (decimals printed: the computed value must
*round* to the published one) or `tolerance` (largest difference allowed). `citation` and `because` (the reason for the
tolerance) are given with the figure or once for its group, under `[groups.NAME]`.

Each `[[control]]` is a figure computed wrongly on purpose: `figure` (its id), `what` (the error) and `inputs` (those
of the figure that it replaces). A control that reproduces shows that the comparison is insensitive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from churnsim.errors import ConfigError
from churnsim.toml_text import read_toml

PUBLISHED = Path(__file__).with_name("published.toml")
REQUIRED = ("id", "group", "what", "compute", "published")
OPTIONAL = ("inputs", "digits", "tolerance", "citation", "because")


@dataclass(frozen=True, kw_only=True)
class PublishedFigure:
    """One published figure and how to compute it."""

    id: str
    group: str
    what: str
    compute: str
    published: float
    tolerance: float
    digits: int | None
    """Decimals the figure is printed with; the computed value must round to it. None: the tolerance alone decides."""
    because: str
    citation: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FigureControl:
    """A published figure with inputs that are wrong on purpose; computed so, it must not reproduce."""

    figure: PublishedFigure
    what: str


def load_controls(path: Path | None = None) -> list[FigureControl]:
    """The controls of a figures file, in its order. Raises ConfigError as `load_figures` does, and for a control of a
    figure that is not there or without inputs to replace."""
    file = PUBLISHED if path is None else Path(path)
    figures = {figure.id: figure for figure in load_figures(path)}
    controls = []
    for number, row in enumerate(read_toml(file, what="figures")[1].get("control", []), start=1):
        where = f"control {number} of {file}"
        if not isinstance(row, dict) or set(row) != {"figure", "what", "inputs"} or not isinstance(row["inputs"], dict):
            raise ConfigError(f"{where} must have the keys figure, what and inputs (a table); got {row!r}.")
        figure = figures.get(row["figure"])
        if figure is None or not row["inputs"]:
            raise ConfigError(f"{where} names no figure of the file, or replaces no input: {row['figure']!r}.")
        wrong = replace(figure, inputs={**figure.inputs, **row["inputs"]})
        controls.append(FigureControl(figure=wrong, what=str(row["what"])))
    return controls


def load_figures(path: Path | None = None) -> list[PublishedFigure]:
    """Read a figures file (the package's own by default).

    Raises ConfigError, naming file, figure and remedy, when the file is missing or not TOML, a key is missing, unknown
    or of the wrong type, an id stands twice, or a tolerance is missing, negative or as wide as the figure it guards.
    """
    file = PUBLISHED if path is None else Path(path)
    content = read_toml(file, what="figures")[1]
    unknown = sorted(set(content) - {"groups", "figure", "control"})
    if unknown:
        raise ConfigError(
            f"{file} has unknown keys: {', '.join(unknown)}. Use [groups.NAME], [[figure]] and [[control]]."
        )
    rows, groups = content.get("figure", []), content.get("groups", {})
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"{file} holds no figure. Add at least one [[figure]].")
    if not isinstance(groups, dict):
        raise ConfigError(f"groups in {file} must be tables, [groups.NAME]; got {groups!r}.")
    figures = [_figure(row, groups, where=f"figure {number} of {file}") for number, row in enumerate(rows, start=1)]
    seen: set[str] = set()
    for figure in figures:
        if figure.id in seen:
            raise ConfigError(f"figure id {figure.id!r} stands twice in {file}. Give each an id of its own.")
        seen.add(figure.id)
    return figures


def _figure(row: Any, groups: Mapping[str, Any], *, where: str) -> PublishedFigure:
    if not isinstance(row, dict):
        raise ConfigError(f"{where} is not a table but {row!r}. Write it under [[figure]].")
    where = f"{row['id']!r} ({where})" if isinstance(row.get("id"), str) else where
    missing = [key for key in REQUIRED if key not in row]
    unknown = sorted(set(row) - set(REQUIRED) - set(OPTIONAL))
    wrong = [f"lacks: {', '.join(missing)}"] if missing else []
    wrong += [f"has unknown keys: {', '.join(unknown)}"] if unknown else []
    if wrong:
        raise ConfigError(f"{where} {'; '.join(wrong)}. Keys are {', '.join((*REQUIRED, *OPTIONAL))}.")
    shared = groups.get(row["group"], {}) if isinstance(row["group"], str) else {}
    if not isinstance(shared, dict):
        raise ConfigError(f"the group of {where} must be a table with citation and because; got {shared!r}.")
    texts: dict[str, str] = {}
    for key in ("id", "group", "what", "compute", "citation", "because"):
        text = row.get(key, shared.get(key))
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{key} of {where} must be a text; got {text!r}. Give it with the figure or its group.")
        texts[key] = text
    inputs = row.get("inputs", {})
    if not isinstance(inputs, dict):
        raise ConfigError(f"inputs of {where} must be a table; got {inputs!r}.")
    published = _number(row["published"], "published", where)
    digits, tolerance = _tolerance(row, published, where)
    return PublishedFigure(
        id=texts["id"], group=texts["group"], what=texts["what"], compute=texts["compute"], published=published,
        tolerance=tolerance, digits=digits, because=texts["because"], citation=texts["citation"], inputs=inputs,
    )  # fmt: skip


def _tolerance(row: Mapping[str, Any], published: float, where: str) -> tuple[int | None, float]:
    if ("digits" in row) == ("tolerance" in row):
        raise ConfigError(f"{where} needs one of digits (decimals printed) and tolerance, not both and not neither.")
    digits = row.get("digits")
    if digits is None:
        tolerance = _number(row["tolerance"], "tolerance", where)
    elif isinstance(digits, int) and not isinstance(digits, bool) and 0 <= digits <= 12:
        tolerance = 0.5 * 10.0**-digits
    else:
        raise ConfigError(f"digits of {where} must be a whole number from 0 to 12; got {digits!r}.")
    if tolerance < 0.0 or (published != 0.0 and tolerance >= abs(published)):
        raise ConfigError(
            f"the tolerance of {where} must be 0 or more and narrower than the figure it guards; got {tolerance:g} "
            f"for {published:g}."
        )
    return digits, tolerance


def _number(value: Any, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigError(f"{key} of {where} must be a finite number; got {value!r}.")
    return float(value)
