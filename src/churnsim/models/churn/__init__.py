"""Churn classifiers and uplift models on features of customers."""
