"""Special functions, quantiles, quadrature, random numbers and the compiler settings."""

from __future__ import annotations
