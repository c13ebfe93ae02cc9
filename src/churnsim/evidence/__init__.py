"""Evidence for the numbers of a market: where each comes from and how far it can be trusted."""

from __future__ import annotations
