"""Closed forms that a pocket calculator could check."""
