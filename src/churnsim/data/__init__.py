"""Transaction logs: reading and checking them, summarising them, and the data sets that come along."""

from __future__ import annotations

from churnsim.data import datasets
from churnsim.data.summary import split_holdout, summarise
from churnsim.data.transactions import read_transactions

__all__ = ["datasets", "read_transactions", "split_holdout", "summarise"]
