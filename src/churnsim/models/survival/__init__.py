"""Survival models of staying: curves and regressions with the verbs of every retention model, kept as plain numbers."""
