"""Knowing the customers from their purchases alone: who is worth what, who comes back, and when.

Every figure rests on purchase days (``churnsim.data.logs.purchase_days``) and carries an interval that speaks of the
customers as a sample from all those the firm might have had.

Examples
--------
>>> import churnsim as cs
>>> log = cs.datasets.cdnow()
>>> spend = customer_spend(log)
>>> abc_classes(spend).value_counts().to_dict(), abc_table(spend)["value_share"].round(2).to_dict()
({'B': 804, 'A': 777, 'C': 776}, {'A': 0.8, 'B': 0.15, 'C': 0.05})
>>> print(top_share(spend, replications=100), whale_curve(spend, points=2, replications=100).shape)
0.6742 [0.6527, 0.7001] (3, 4)
>>> rfm_scores(log)["rfm"].head(2).tolist()
['454', '144']
>>> cohort_matrix(log).shape, existing_revenue(log).shape, replacement_ratio(spend, replications=100).shape
((48, 8), (6, 10), (4, 8))
>>> print(repeat_within(log, within_days=91)); print(repeat_premium(log, replications=100))
0.2919 [0.274, 0.3107]
4.192 [3.407, 4.905]
>>> profit_by_order_number(log, most=2).shape, ladder_occupancy(log).shape
((2, 9), (30, 6))
>>> ladder_stages(log).value_counts().to_dict()
{'dissolved': 1840, 'client': 360, 'repeat buyer': 157}
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
    "STAGES", "Estimate", "abc_classes", "abc_table", "cohort_matrix", "customer_spend", "existing_revenue",
    "ladder_occupancy", "ladder_stages", "profit_by_order_number", "repeat_premium", "repeat_within",
    "replacement_ratio", "rfm_scores", "top_share", "whale_curve",
]  # fmt: skip
