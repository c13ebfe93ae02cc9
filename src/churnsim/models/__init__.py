"""Models of buying, spending and staying: fits, values, validation, churn and uplift, segments."""

from __future__ import annotations

from churnsim.other_packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
