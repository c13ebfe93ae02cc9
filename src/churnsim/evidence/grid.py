"""Posteriors of few numbers by a grid that closes in on where they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from churnsim.typing import Floats

CELLS, ROUNDS = 32, 4
FAR = 18.0  # below the largest log-density: e^-18 of it is next to nothing


def grid_draws(
    log_density: Callable[..., Floats], dimensions: int, *, draws: int, seed: int, cells: int = CELLS
) -> Floats:
    """Draws, a column each, from a density on the unit cube, of which a prior's quantiles are the usual coordinates.

    `log_density` takes as many arrays as there are `dimensions`, broadcast against each other, of values between 0 and
    1, and is known up to a constant. Of `cells` along each dimension one is drawn by its density, and a point evenly
    within; the grid covers where the density is not e^-18 of its largest.

    Examples
    --------
    >>> beta = grid_draws(lambda p: 3 * np.log(p) + 7 * np.log(1 - p), 1, draws=4000, seed=1)
    >>> beta.shape, bool(abs(beta.mean() - 4 / 12) < 0.01)
    ((1, 4000), True)
    """
    low, high = np.zeros(dimensions), np.ones(dimensions)
    for last in (*[False] * ROUNDS, True):
        axes = [a + (np.arange(cells) + 0.5) / cells * (b - a) for a, b in zip(low, high, strict=True)]
        density = log_density(*np.meshgrid(*axes, indexing="ij", sparse=True))
        density = np.broadcast_to(density, (cells,) * dimensions)
        if last:
            break
        near = density > density.max() - FAR
        for axis in range(dimensions):
            inside = np.flatnonzero(near.any(axis=tuple(other for other in range(dimensions) if other != axis)))
            width = (high[axis] - low[axis]) / cells
            # A cell more on each side, for the density between the middles of two cells.
            ends = low[axis] + width * max(inside[0] - 1, 0), low[axis] + width * min(inside[-1] + 2, cells)
            low[axis], high[axis] = ends
    weight = np.exp(density - density.max()).ravel()
    generator = np.random.default_rng(seed)
    cell = np.array(np.unravel_index(generator.choice(weight.size, draws, p=weight / weight.sum()), density.shape))
    where = (cell + generator.random(cell.shape)) / cells
    return np.asarray(low[:, None] + where * (high - low)[:, None])
