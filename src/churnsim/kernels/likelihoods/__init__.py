"""Likelihoods, forecasts and draws of each model family, per customer."""

from __future__ import annotations
