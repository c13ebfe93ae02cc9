"""One way to draw every picture: its arguments checked, its data made once, and one of two renderers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from churnsim.checks import check_choice, shown, typed
from churnsim.data.summaries.frame_kinds import in_kind
from churnsim.errors import ConfigError
from churnsim.plots.altair_chart import draw_chart
from churnsim.plots.matplotlib_axes import draw_axes
from churnsim.plots.picture import PictureSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Backend = Literal["matplotlib", "altair"]
C = TypeVar("C", bound=Callable[..., Any])

_ARGUMENTS = """
ax : matplotlib.axes.Axes, optional
    Drawn into; those of a new figure unless given.
backend : {"matplotlib", "altair"}
    What draws.

Returns
-------
matplotlib.axes.Axes or altair chart
    The same numbers on either; they are `churnsim.plots.data.NAME` of the same arguments.
"""


def draw(picture: PictureSpec, *, ax: Axes | None, backend: str) -> Any:
    """The picture on Axes or as a chart; ConfigError for another backend, or Axes for a chart."""
    check_choice(backend, "backend", ("matplotlib", "altair"))
    if backend == "matplotlib":
        return draw_axes(picture, ax)
    if ax is not None:
        raise ConfigError(f"ax belongs to backend='matplotlib', and backend='altair' was asked for; got {shown(ax)}.")
    return draw_chart(picture)


def draws(data: Callable[..., Any]) -> Callable[[C], C]:
    """A public picture of what `data` returns: its arguments are checked, frames of any kind are taken, and they are
    described where `data` describes them."""

    def decorate(call: C) -> C:
        own, told = inspect.getdoc(call) or "", inspect.getdoc(data) or ""
        parameters = told.partition("Parameters\n----------\n")[2].partition("\n\nReturns")[0]
        arguments = _ARGUMENTS.replace("NAME", data.__name__)
        call.__doc__ = f"{own}\n\nParameters\n----------\n{parameters}{arguments}"
        return in_kind(typed(call))

    return decorate
