"""Gauss-Legendre nodes and weights on (0, 1), twelve of them (computed with mpmath to 20 digits)."""

from __future__ import annotations

__all__ = ["NODES", "WEIGHTS"]

_HALF = (
    (0.98156063424671925069, 0.047175336386511827195),
    (0.90411725637047485668, 0.10693932599531843096),
    (0.76990267419430468704, 0.16007832854334622633),
    (0.5873179542866174473, 0.20316742672306592175),
    (0.36783149899818019375, 0.23349253653835480876),
    (0.12523340851146891547, 0.249147045813402785),
)
# Tuples, which a kernel holds as constants.
NODES = tuple([0.5 - 0.5 * x for x, _ in _HALF] + [0.5 + 0.5 * x for x, _ in reversed(_HALF)])
WEIGHTS = tuple([0.5 * w for _, w in _HALF] + [0.5 * w for _, w in reversed(_HALF)])
