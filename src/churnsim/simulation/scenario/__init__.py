"""Market, strategy and clock: what a simulation is given."""

from __future__ import annotations
