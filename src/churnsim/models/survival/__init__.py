"""Survival models of staying: curves and regressions, estimated by lifelines, kept as plain numbers.

Only this package imports lifelines. What it estimates becomes a model of churnsim's own: frozen, JSON-safe, with the
verbs of every model of staying.
"""

from __future__ import annotations
