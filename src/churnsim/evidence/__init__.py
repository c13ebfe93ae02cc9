"""Evidence for the numbers of a market: where each comes from and how far it can be trusted."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
