"""Gauss-Legendre nodes and weights on (0, 1): eight and twelve of them (computed with mpmath to 20 digits)."""

from __future__ import annotations

_EIGHT = (
    (0.96028985649753623168, 0.10122853629037625915),
    (0.79666647741362673959, 0.22238103445337447054),
    (0.52553240991632898582, 0.31370664587788728734),
    (0.18343464249564980494, 0.36268378337836198297),
)
_TWELVE = (
    (0.98156063424671925069, 0.047175336386511827195),
    (0.90411725637047485668, 0.10693932599531843096),
    (0.76990267419430468704, 0.16007832854334622633),
    (0.5873179542866174473, 0.20316742672306592175),
    (0.36783149899818019375, 0.23349253653835480876),
    (0.12523340851146891547, 0.249147045813402785),
)


def _nodes(half: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    return tuple([0.5 - 0.5 * x for x, _ in half] + [0.5 + 0.5 * x for x, _ in reversed(half)])


def _weights(half: tuple[tuple[float, float], ...]) -> tuple[float, ...]:
    return tuple([0.5 * w for _, w in half] + [0.5 * w for _, w in reversed(half)])


# Tuples, which a kernel holds as constants.
NODES, WEIGHTS = _nodes(_TWELVE), _weights(_TWELVE)
NODES_8, WEIGHTS_8 = _nodes(_EIGHT), _weights(_EIGHT)
