"""Decisions: running experiments, comparing strategies, choosing the best, and what the choice depends on."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
