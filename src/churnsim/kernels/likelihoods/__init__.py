"""Likelihoods, forecasts and draws of each model family, per customer."""
