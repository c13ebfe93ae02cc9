"""Published figures and the computations that reproduce them."""

from __future__ import annotations
