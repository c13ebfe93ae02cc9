"""An Altair chart as a piece of SVG that may stand inside a page: no script, no link, no identifier used twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from churnsim.plots.altair_chart import layered
from churnsim.plots.picture import PictureSpec
from churnsim.plots.theme import NARROW, WIDE, Size, config
from churnsim.report.page.numbers import marks

_DRAWN = frozenset(
    {"svg", "g", "path", "rect", "line", "text", "tspan", "circle", "clipPath", "defs", "linearGradient", "stop"}
)
_LINKS = frozenset({"href", "src", "style"})

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart
ChartMaker = Callable[[Size], tuple[AnyChart, int]]

CHECKED = False
"""Whether charts are checked against the schema of Vega-Lite, which takes longer than to draw them: the tests do it."""


def maker(picture: PictureSpec) -> ChartMaker:
    """Draws a picture of `churnsim.plots` at any width."""
    return partial(layered, picture)


def svg_of(chart: Any) -> str:
    """A chart that has its size and look, as the text of a file. An address in its data is not followed."""
    return str(vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[]))


def svg_alone(chart: Any) -> str:
    """A chart with a title as the text of a file, on white, with the look of the report's wide drawings."""
    return svg_of(chart.properties(padding=12).configure(**{**config(WIDE), "background": "#ffffff"}))


def draw(make: ChartMaker, *, name: str, title: str, description: str) -> tuple[Markup, Markup]:
    """The chart that `make` builds, as (desktop, phone) markup; `make` returns it with its height in pixels."""
    drawings = []
    for size, suffix in ((WIDE, "wide"), (NARROW, "narrow")):
        with debug_mode(CHECKED):
            chart, height = make(size)
            svg = to_svg(chart, size=size, height=height)
        drawings.append(inline(svg, name=f"{name}-{suffix}", title=title, description=description))
    return drawings[0], drawings[1]


def to_svg(chart: AnyChart, *, size: Size, height: int) -> str:
    """Draw by vl-convert, with axes and legend inside the given width."""
    spec: dict[str, Any] = chart.to_dict(validate=CHECKED)
    spec["config"] = config(size)
    if not isinstance(chart, alt.ConcatChart):  # panels have sizes of their own
        spec["width"], spec["height"] = size.width, height
        spec["autosize"] = {"type": "fit", "contains": "padding"}
    spec["padding"] = {"left": 8, "right": 16, "top": 6, "bottom": 4}
    _write_dates(spec, marks().dates)
    # An empty list of addresses: a chart cannot fetch anything, whatever a data value looks like.
    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[], format_locale=marks().of_charts))


def _write_dates(spec: Any, forms: Mapping[str, str]) -> None:
    """Put the client's forms of dates in place of the English ones, at any depth."""
    if not forms:
        return
    if isinstance(spec, list):
        for item in spec:
            _write_dates(item, forms)
    elif isinstance(spec, dict):
        if isinstance(form := spec.get("format"), str):
            spec["format"] = forms.get(form, form)
        for item in spec.values():
            _write_dates(item, forms)


def inline(svg: str, *, name: str, title: str, description: str) -> Markup:
    """The drawing with its title and description, identifiers made unique by `name`.

    Raises ValueError for an element or attribute that no chart needs: text from data can then never become markup.
    """
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = _local(str(element.tag))
        if element.tag not in _DRAWN:
            raise ValueError(f"a chart may not hold <{element.tag}>; it was refused.")
        _clean(element, name)
    width, height = root.get("width", ""), root.get("height", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "chart",
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-description",
            "width": width,
            "height": height,
            "viewBox": f"0 0 {width} {height}",
        }
    )
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        suffix = "title" if tag == "title" else "description"
        label = ElementTree.Element(tag, {"id": f"{name}-{suffix}"})
        label.text = text
        root.insert(position, label)
    # ElementTree escapes every text and attribute.
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _clean(element: ElementTree.Element, name: str) -> None:
    for key in list(element.attrib):
        local = _local(key)
        if local in _LINKS or local.startswith("on"):
            raise ValueError(f"a chart may not hold the attribute {local!r}; it was refused.")
        if local.startswith("aria-") or local in {"role", "class", "pointer-events"}:
            del element.attrib[key]
        elif local == "id":
            element.attrib[key] = f"{name}-{element.attrib[key]}"
        else:
            element.attrib[key] = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", element.attrib[key])


def _local(name: str) -> str:
    """A name without its namespace: inside HTML, SVG needs none."""
    return name.rsplit("}", 1)[-1]
