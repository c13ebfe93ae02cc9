"""Customers as agents: markets, strategies, engines, ledgers and paired comparisons."""
