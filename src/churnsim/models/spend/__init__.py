"""Models of the amount of a purchase: Gamma-Gamma."""

from __future__ import annotations
