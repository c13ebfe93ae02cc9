"""Subscriptions: contracts with a start and an end, and the renewals counted from them."""
