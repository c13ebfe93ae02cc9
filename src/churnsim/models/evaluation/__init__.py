"""Judging models: holdout validation, baselines, bootstrap, model choice and simulation-based calibration."""
