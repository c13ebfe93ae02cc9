"""Knowing the customers from their purchases alone: who is worth what, who comes back, and when.

Every figure rests on purchase days (see `churnsim.data.logs.purchase_days`) and carries an interval that speaks of the
customers as a sample from all those the firm might have had.
"""

from __future__ import annotations

from churnsim.data.customers.cohorts import cohort_matrix, repeat_within
from churnsim.data.customers.concentration import abc_classes, abc_table, customer_spend, top_share, whale_curve
from churnsim.data.customers.estimate import Estimate
from churnsim.data.customers.existing_revenue import existing_revenue
from churnsim.data.customers.ladder import STAGES, ladder_occupancy, ladder_stages
from churnsim.data.customers.order_number import profit_by_order_number, repeat_premium
from churnsim.data.customers.replacement import replacement_ratio
from churnsim.data.customers.rfm import rfm_scores

__all__ = [
    "STAGES",
    "Estimate",
    "abc_classes",
    "abc_table",
    "cohort_matrix",
    "customer_spend",
    "existing_revenue",
    "ladder_occupancy",
    "ladder_stages",
    "profit_by_order_number",
    "repeat_premium",
    "repeat_within",
    "replacement_ratio",
    "rfm_scores",
    "top_share",
    "whale_curve",
]
