"""Trials on the firm's own customers: planned before they begin, drawn, and read at any time."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
