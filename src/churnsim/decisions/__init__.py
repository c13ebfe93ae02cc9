"""Decisions: running experiments, comparing strategies, choosing the best, and what the choice depends on."""

from __future__ import annotations
