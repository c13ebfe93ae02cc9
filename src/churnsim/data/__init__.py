"""Transaction logs, subscriptions and the customer database: reading, checking and summarising; data sets."""

from __future__ import annotations

from churnsim.other_packages import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
