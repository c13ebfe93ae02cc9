"""Comparing strategies: paired differences with intervals, precision, selection of the best, tail risk."""
