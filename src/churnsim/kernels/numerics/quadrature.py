"""Gauss-Legendre nodes and weights on (0, 1), eight and twelve of them (computed with mpmath to 20 digits); and rules
from the recurrence of their polynomials: Golub & Welsch (1969), Math. Comp. 23, 221-230.

The nodes of these are the eigenvalues of a tridiagonal matrix, the weights the squares of its eigenvectors' first
entries: by the implicit QL algorithm (Wilkinson & Reinsch 1971, Handbook for Automatic Computation II, imtql2), which
keeps the first entries alone. A call of LAPACK for whole eigenvectors took ten times as long, and woke BLAS's threads.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats

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


_SWEEPS = 60


@njit
def _solve(d: Floats, e: Floats, first: Floats) -> None:
    """Eigenvalues of the matrix of diagonal d and side e (its last entry idle) into d, first entries into `first`."""
    n = d.size
    for l in range(n):  # noqa: E741  as in the handbook
        for _ in range(_SWEEPS):
            m = l
            # The first negligible side entry splits the matrix: only the part before it is iterated.
            while m < n - 1 and abs(e[m]) > 1e-16 * (abs(d[m]) + abs(d[m + 1])):
                m += 1
            if m == l:
                break
            # Wilkinson's shift: the eigenvalue of the leading 2 x 2 block that is nearer to d[l].
            g = (d[l + 1] - d[l]) / (2.0 * e[l])
            r = math.hypot(g, 1.0)
            g = d[m] - d[l] + e[l] / (g + math.copysign(r, g))
            s, c, p = 1.0, 1.0, 0.0
            ended = True
            for i in range(m - 1, l - 1, -1):
                f, b = s * e[i], c * e[i]
                r = math.hypot(f, g)
                e[i + 1] = r
                # A rotation that underflows splits the matrix early: the sweep is begun again.
                if r == 0.0:
                    d[i + 1] -= p
                    e[m] = 0.0
                    ended = False
                    break
                s, c = f / r, g / r
                g = d[i + 1] - p
                r = (d[i] - g) * s + 2.0 * c * b
                p = s * r
                d[i + 1] = g + p
                g = c * r - b
                # The same rotation moves the eigenvectors' first entries, whose squares are the weights.
                f = first[i + 1]
                first[i + 1] = s * first[i] + c * f
                first[i] = c * first[i] - s * f
            if ended:
                d[l] -= p
                e[l] = g
                e[m] = 0.0


@njit
def gauss(diagonal: Floats, side: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights (sum 1) of rules of one size, a row each; `side` is one shorter than `diagonal`."""
    nodes, weights = diagonal.copy(), np.zeros(diagonal.shape)
    size = diagonal.shape[1]
    e = np.empty(size)
    for i in range(nodes.shape[0]):
        for j in range(size - 1):
            e[j] = side[i, j]
        e[size - 1] = 0.0
        weights[i, 0] = 1.0
        _solve(nodes[i], e, weights[i])
        for j in range(size):  # a product of rows as such takes two seconds to compile
            weights[i, j] *= weights[i, j]
    return nodes, weights
