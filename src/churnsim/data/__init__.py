"""Transaction logs, subscriptions and the customer database: reading, checking and summarising; data sets."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
