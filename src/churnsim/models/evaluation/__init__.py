"""Judging models: holdout validation, baselines, bootstrap, model choice and simulation-based calibration."""

from __future__ import annotations
