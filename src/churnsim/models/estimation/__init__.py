"""Estimation shared by every model: likelihoods, optimisers, posteriors, intervals and what a fit reports."""

from __future__ import annotations
