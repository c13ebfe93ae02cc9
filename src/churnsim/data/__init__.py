"""Transaction logs: reading and checking them, summarising them, and the data sets that come along."""

from __future__ import annotations

from churnsim.data import datasets
from churnsim.data.logs.transactions import read_transactions
from churnsim.data.summaries.summary import split_holdout, summarise

__all__ = ["datasets", "read_transactions", "split_holdout", "summarise"]
