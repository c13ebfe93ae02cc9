"""Pictures of customers, models and decisions, on matplotlib's Axes or as Altair charts, and the data behind each.

`plots.tracking(validation)` draws; `plots.data.tracking(validation)` is the DataFrame that it draws. Every function
takes `ax=` (Axes to draw into) and `backend="altair"`. Needs the extra [plots], or [report] for Altair.
"""

from __future__ import annotations

from churnsim.other_packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
