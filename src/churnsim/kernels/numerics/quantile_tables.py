"""Quantile functions of one fixed distribution, tabulated: a draw is a few nanoseconds instead of hundreds.

Every customer's spend is drawn from one gamma shape, every new customer's traits from one population, so a scenario
tabulates them once. With t the smaller of u and 1 - u, each octave [2^-(j+1), 2^-j) of t is cut into equal cells, on
each of which the quantile is the quintic that has its exact values, slopes and curvatures at both ends (Hermite). A
table is kept only where its relative error, measured between the nodes of every octave, stays below `TOLERANCE`;
otherwise, and in the farthest tails, a draw is the exact quantile. The other cells are made when a draw first falls in
one: a small world draws a few hundred times from parameters of its own. Both engines draw from the same tables.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import inlined, njit, rule
from churnsim.kernels.numerics.quantiles import beta_quantile, erlang_quantile, gamma_quantile
from churnsim.kernels.numerics.special import log_beta
from churnsim.typing import Floats

Table = Floats

TOLERANCE = 1e-9
# Octaves of t down to 2^-17, 64 cells each; a double's exponent and first mantissa bits are the cell's number.
_OCTAVES = 16
_CELL_BITS = 6
_CELLS = 1 << _CELL_BITS
_SIDE = _OCTAVES * _CELLS
_DROPPED = 52 - _CELL_BITS
_HALF_KEY = 0x3FE0000000000000 >> _DROPPED  # of the float 0.5
_BELOW_CELL = (1 << _DROPPED) - 1
_WITHIN = 1.0 / (1 << _DROPPED)
_SMALLEST = 0.5 ** (_OCTAVES + 1)


def no_table() -> Table:
    """A table that refers every draw to the exact quantile."""
    return np.empty((0, 6))


@rule
def _exact(u: float, a: float, b: float) -> float:
    """Gamma(a) quantile, or where b > 0 the beta(a, b) quantile."""
    return beta_quantile(u, a, b) if b > 0.0 else gamma_quantile(u, a)


@rule
def _density(x: float, a: float, b: float) -> float:
    if b > 0.0:
        return math.exp((a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x) - log_beta(a, b))
    return math.exp((a - 1.0) * math.log(x) - x - math.lgamma(a))


@inlined
def _reaches(table: Table, t: float) -> bool:
    return table.shape[0] > 0 and _SMALLEST <= t < 0.5


@inlined
def _cell(u: float, t: float) -> int:
    # The bits of t shifted right are exponent and cell in one: a subtraction finds the row, without a logarithm.
    cell = int(_HALF_KEY - 1 - (np.float64(t).view(np.int64) >> _DROPPED))
    return cell + _SIDE if u >= 0.5 else cell


@inlined
def _interpolated(table: Table, u: float, t: float) -> float:
    cell = _cell(u, t)
    # What the shift drops is the place within the cell, from 0 to 1.
    w = (np.float64(t).view(np.int64) & _BELOW_CELL) * _WITHIN
    w2 = w * w
    low = table[cell, 0] + table[cell, 1] * w
    middle = table[cell, 2] + table[cell, 3] * w
    high = table[cell, 4] + table[cell, 5] * w
    return low + w2 * (middle + w2 * high)  # three short sums side by side: Horner's would wait for each other


@rule
def _node(t: float, side: int, a: float, b: float) -> tuple[float, float, float]:
    """Quantile at t (or 1 - t), its slope 1/f and its curvature -(ln f)'/f^2 in t."""
    x = _exact(t if side == 0 else 1.0 - t, a, b)
    # A quantile that underflows has no slope; the NaN makes `_tabulate` refuse the table.
    if x <= 0.0 or (b > 0.0 and x >= 1.0):
        return x, math.nan, math.nan
    slope = 1.0 / _density(x, a, b)
    curvature = (a - 1.0) / x - ((b - 1.0) / (1.0 - x) if b > 0.0 else 1.0)
    return x, slope if side == 0 else -slope, -curvature * slope * slope


@rule
def _make_cell(table: Table, cell: int, a: float, b: float) -> None:
    """Write a cell's row: the quintic through what the quantile does at both ends."""
    # Cells are numbered downwards from t = 1/2, as `_cell` finds them; within one w grows with t.
    side, place = cell // _SIDE, cell % _SIDE
    j = place % _CELLS
    top = 0.5 ** (place // _CELLS + 1)
    width = 0.5 * top / _CELLS
    right, slope_right, curve_right = _node(top - j * width, side, a, b)
    left, slope_left, curve_left = _node(top - (j + 1) * width, side, a, b)
    # p(w) with p, p', p'' given at w = 0 and w = 1, slopes and curvatures in units of the cell.
    rise, s0, s1 = right - left, slope_left * width, slope_right * width
    b0, b1 = curve_left * width * width, curve_right * width * width
    table[cell, 0] = left
    table[cell, 1] = s0
    table[cell, 2] = 0.5 * b0
    table[cell, 3] = 10.0 * rise - 6.0 * s0 - 4.0 * s1 - 1.5 * b0 + 0.5 * b1
    table[cell, 4] = -15.0 * rise + 8.0 * s0 + 7.0 * s1 + 1.5 * b0 - b1
    table[cell, 5] = 6.0 * rise - 3.0 * (s0 + s1) - 0.5 * (b0 - b1)


@rule
def _made(table: Table, u: float, t: float, a: float, b: float) -> float:
    """A draw from a cell that is not there yet. Threads may make one at the same time: they write the same bits, and
    whoever reads a row half written finds a NaN and makes it too."""
    _make_cell(table, _cell(u, t), a, b)
    return _interpolated(table, u, t)


@njit
def _tabulate(a: float, b: float) -> Table:
    table = np.full((2 * _SIDE, 6), math.nan)
    for side in range(2):
        for octave in range(_OCTAVES):
            top = 0.5 ** (octave + 1)
            width = 0.5 * top / _CELLS
            for j in (0, _CELLS // 2, _CELLS - 1):
                _make_cell(table, side * _SIDE + octave * _CELLS + j, a, b)
                t = top - (j + 0.5) * width
                u = t if side == 0 else 1.0 - t
                exact = _exact(u, a, b)
                # Written so that a NaN fails too.
                if not abs(_interpolated(table, u, t) - exact) <= TOLERANCE * min(
                    exact, 1.0 - exact if b > 0.0 else exact
                ):
                    return np.empty((0, 6))
    return table


def gamma_table(shape: float) -> Table:
    """Table of the Gamma(shape, rate 1) quantile; without rows where it would not be accurate enough."""
    table: Table = _tabulate(shape, 0.0)
    return table


def beta_table(a: float, b: float) -> Table:
    """Table of the Beta(a, b) quantile; without rows where it would not be accurate enough."""
    table: Table = _tabulate(a, b)
    return table


@inlined
def gamma_draw(table: Table, u: float, shape: float) -> float:
    """Draw from Gamma(shape, rate 1) at probability u, from its table where that reaches."""
    t = min(u, 1.0 - u)
    if not _reaches(table, t):
        return gamma_quantile(u, shape)
    drawn = _interpolated(table, u, t)
    return drawn if drawn == drawn else _made(table, u, t, shape, 0.0)


@inlined
def erlang_draw(table: Table, u: float, stages: float) -> float:
    """`gamma_draw` for a whole number of stages."""
    t = min(u, 1.0 - u)
    if not _reaches(table, t):
        return erlang_quantile(u, stages)
    drawn = _interpolated(table, u, t)
    return drawn if drawn == drawn else _made(table, u, t, stages, 0.0)


@rule
def beta_draw(table: Table, u: float, a: float, b: float) -> float:
    """Draw from Beta(a, b) at probability u, from its table where that reaches."""
    t = min(u, 1.0 - u)
    if not _reaches(table, t):
        return beta_quantile(u, a, b)
    drawn = _interpolated(table, u, t)
    return drawn if drawn == drawn else _made(table, u, t, a, b)
