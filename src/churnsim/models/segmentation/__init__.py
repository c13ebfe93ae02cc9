"""Groups of customers: clusters, factors and the gold customers."""

from __future__ import annotations
