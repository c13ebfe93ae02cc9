"""The run directory: atomic writes, locks, provenance, progress and the pool of workers."""

from __future__ import annotations
