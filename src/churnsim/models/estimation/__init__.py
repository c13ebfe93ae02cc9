"""Estimation shared by every model: likelihoods, optimisers, posteriors, intervals and what a fit reports."""
