"""Churn classifiers and uplift models on features of customers."""

from __future__ import annotations
