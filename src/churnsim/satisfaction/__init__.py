"""Satisfaction and service quality: survey data, the field's instruments, and what a point of satisfaction is worth.

A survey is read once (`read_survey`), and every instrument takes it and gives a `Measurement`: estimates with bootstrap
intervals, reliability, warnings in words.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
