"""Gauss rules from the recurrence of their polynomials: Golub & Welsch (1969), Math. Comp. 23, 221-230.

The nodes are the eigenvalues of a tridiagonal matrix, the weights the squares of its eigenvectors' first entries: by
the implicit QL algorithm (Wilkinson & Reinsch 1971, Handbook for Automatic Computation II, imtql2), which keeps the
first entries alone. A call of LAPACK for whole eigenvectors took ten times as long, and woke BLAS's threads.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats

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
