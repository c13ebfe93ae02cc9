"""Closed forms that a pocket calculator could check: values of retention, contracts, complaints and switching."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
