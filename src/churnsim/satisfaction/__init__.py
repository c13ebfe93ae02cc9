"""Satisfaction and service quality: survey data, the field's instruments, and what a point of satisfaction is worth.

A survey is read once (`read_survey`), and every instrument takes it and gives a `Measurement`: estimates with bootstrap
intervals, reliability, warnings in words.
"""
