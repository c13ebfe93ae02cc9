"""Reproduce published figures: compute each, compare it at its tolerance, and say which do not come out."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from xml.etree import ElementTree

from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.reproduction.computations import COMPUTATIONS
from churnsim.claims.reproduction.published import PublishedFigure, load_controls, load_figures
from churnsim.errors import ConfigError

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold in any spelling."""


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """A published figure beside the computed one; `difference` is computed less published."""

    id: str
    group: str
    figure: str
    published: float
    computed: float
    difference: float
    tolerance: float
    reproduced: bool
    citation: str
    because: str


def reproduce(figures: Path | None = None, *, bench: Workbench | None = None) -> list[Reproduction]:
    """Every figure of the file (the package's own by default), in its order.

    `bench` carries inputs already made, so that a second call need not read and fit again. Raises ConfigError for a
    bad file.

    Examples
    --------
    >>> import churnsim as cs
    >>> found = cs.reproduce()
    >>> all(figure.reproduced for figure in found)
    True
    """
    loaded = load_figures(figures)
    for figure in loaded:
        check_inputs(figure)
    bench = Workbench() if bench is None else bench
    return [judge(figure, compute(figure, bench)) for figure in loaded]


def blunt_controls(figures: Path | None = None, *, bench: Workbench | None = None) -> list[str]:
    """Controls of the file that reproduce although their inputs are wrong, in words; none is as it should be."""
    bench = Workbench() if bench is None else bench
    return [
        f"{control.figure.id} ({control.what})"
        for control in load_controls(figures)
        if judge(control.figure, compute(control.figure, bench)).reproduced
    ]


def compute(figure: PublishedFigure, bench: Workbench) -> float:
    """The computed value of a figure. Raises ConfigError when its inputs are not what the computation takes."""
    function = check_inputs(figure)
    try:
        return float(function(bench, **figure.inputs))
    except (KeyError, AttributeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ConfigError(
            f"figure {figure.id!r} cannot be computed by {figure.compute!r} from {dict(figure.inputs)!r}: "
            f"{error}. Correct its inputs."
        ) from error


def check_inputs(figure: PublishedFigure) -> Callable[..., float]:
    """The figure's computation, once its inputs are known to fit it by name."""
    function = COMPUTATIONS.get(figure.compute)
    if function is None:
        raise ConfigError(
            f"figure {figure.id!r} names an unknown computation {figure.compute!r}. Use one of: "
            f"{', '.join(COMPUTATIONS)}."
        )
    try:
        inspect.signature(function).bind(None, **figure.inputs)
    except TypeError as error:
        raise ConfigError(
            f"the inputs of figure {figure.id!r} do not fit {figure.compute!r}: {error}. Correct their names."
        ) from None
    return function


def judge(figure: PublishedFigure, computed: float) -> Reproduction:
    """Compare: within the tolerance, and, where decimals are given, rounding to the very figure printed."""
    difference = computed - figure.published
    reproduced = math.isfinite(computed) and abs(difference) <= figure.tolerance * (1.0 + 1e-9) + 1e-12
    if reproduced and figure.digits is not None:
        reproduced = _rounded(computed, figure.digits) == Decimal(repr(figure.published))
    return Reproduction(
        id=figure.id,
        group=figure.group,
        figure=figure.what,
        published=figure.published,
        computed=computed,
        difference=difference,
        tolerance=figure.tolerance,
        reproduced=reproduced,
        citation=figure.citation,
        because=figure.because,
    )


def _rounded(value: float, digits: int) -> Decimal:
    """`value` to that many decimals, halves up as in print; twelve figures first, so that 2.4999999999999996 is 2.5."""
    return Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def junit_xml(results: Sequence[Reproduction]) -> str:
    """The results as a JUnit report: one test case a figure, the group as its class."""
    failures = sum(not result.reproduced for result in results)
    suite = ElementTree.Element(
        "testsuite", name="churnsim reproduce", tests=str(len(results)), failures=str(failures), errors="0", skipped="0"
    )
    for result in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"reproduce.{result.group}", name=f"{result.id}: {result.figure}", time="0"
        )
        if not result.reproduced:
            message = (
                f"published {result.published:.10g}, computed {result.computed:.10g}, tolerance {result.tolerance:.3g}"
            )
            failure = ElementTree.SubElement(case, "failure", message=message, type="NotReproduced")
            failure.text = f"{result.citation}. Tolerance: {result.because}"
    root = ElementTree.Element("testsuites", tests=str(len(results)), failures=str(failures), errors="0")
    root.append(suite)
    ElementTree.indent(root)
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(key, _FORBIDDEN.sub("?", value))
        element.text = _FORBIDDEN.sub("?", element.text) if element.text else element.text
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
