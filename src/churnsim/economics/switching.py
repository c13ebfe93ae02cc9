"""Market share and customer equity from switching between brands.

Row i of the switching matrix M holds the chances that a customer of brand i buys each brand next. Shares follow x' =
x M and settle, where every brand can be reached from every other, at the row vector with x M = x. Rust, Lemon &
Zeithaml (2004, "Return on marketing: using customer equity to focus marketing strategy", Journal of Marketing 68(1),
109-127) value a customer of brand i to brand j as the discounted sum of its chances to buy j:

    CLV_ij = sum over t >= 0 of (1 + d)^(-t / f) V_j B_ijt,   B_t = row i of M^t

with f purchases a year and V_j the contribution of a purchase; in closed form V_j (I - w M)^-1, w = (1+d)^(-1/f).

'Keeping existing customers' (undated) draws the flows: customers evaporate, switch to competitors, come from
competitors, or are new. `FlowShare` is that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churnsim.checks import check_count, check_number, check_share, typed
from churnsim.economics.multiples import discount_factor
from churnsim.errors import ConfigError
from churnsim.typing import Floats

Matrix = NDArray[np.float64]


def checked_chances(buys: Sequence[float]) -> None:
    """ConfigError unless there is a chance to buy, by recency, and each lies between 0 and 1."""
    if len(buys) == 0:
        raise ConfigError("buys must be at least one probability, by recency; got none.")
    for chance in buys:
        check_share(chance, "each of buys", zero=True)


def checked_matrix(matrix: Matrix) -> Matrix:
    """The matrix of chances as floats; ConfigError unless it is square with rows that sum to 1."""
    M = np.asarray(matrix, dtype=np.float64)
    if M.ndim != 2 or M.shape[0] != M.shape[1]:
        raise ConfigError(f"a switching matrix is square; got the shape {M.shape}.")
    if not np.isfinite(M).all() or (M < 0).any() or not np.allclose(M.sum(axis=1), 1.0, atol=1e-9):
        row = int(np.argmax(np.abs(M.sum(axis=1) - 1.0)))
        raise ConfigError(f"rows of a switching matrix are chances that sum to 1; row {row} is {M[row].tolist()}.")
    return M


def _one_a_brand(values: Matrix, name: str, M: Matrix) -> Matrix:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(M),):
        raise ConfigError(f"{name} must hold one number for each of the {len(M)} brands; got the shape {found.shape}.")
    return found


@typed
def shares_over_time(matrix: Matrix, start: Matrix, *, periods: int) -> Matrix:
    """Shares at times 0 ... periods (rows), one column a brand, from the shares `start`.

    Examples
    --------
    >>> import numpy as np
    >>> shares_over_time(np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0.5, 0.5]), periods=1).tolist()
    [[0.5, 0.5], [0.625, 0.375]]
    """
    M = checked_matrix(matrix)
    x = _one_a_brand(start, "start", M)
    check_count(periods, "periods", least=0, most=1_000_000)
    rows = [x]
    for _ in range(periods):
        rows.append(rows[-1] @ M)
    return np.vstack(rows)


@typed
def stationary_shares(matrix: Matrix) -> Matrix:
    """The shares that switching leaves as they are; ConfigError where they are not unique.

    Examples
    --------
    >>> import numpy as np
    >>> stationary_shares(np.array([[0.75, 0.25], [0.5, 0.5]])).round(4).tolist()
    [0.6667, 0.3333]
    """
    M = checked_matrix(matrix)
    n = len(M)
    system = np.vstack([M.T - np.eye(n), np.ones(n)])
    if np.linalg.matrix_rank(system, tol=1e-10) < n:
        raise ConfigError("the shares do not settle at one place: some brands cannot be reached from others.")
    solution, *_ = np.linalg.lstsq(system, np.append(np.zeros(n), 1.0), rcond=None)
    return np.asarray(solution, dtype=np.float64)


@typed
def lifetime_values(
    matrix: Matrix, contribution: Matrix, *, annual_discount_rate: float, purchases_per_year: float
) -> Matrix:
    """CLV[i, j]: worth to brand j of a customer whose current purchase is of brand i, that purchase included.

    Parameters
    ----------
    matrix : array of shape (brands, brands)
        M, chances that a customer of the row's brand buys the column's brand next.
    contribution : array of shape (brands,)
        V, money that a purchase of each brand brings.
    annual_discount_rate : float
        d, above 0.
    purchases_per_year : float
        f, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> M = np.array([[0.75, 0.25], [0.5, 0.5]])
    >>> lifetime_values(M, np.array([10.0, 10.0]), annual_discount_rate=0.1, purchases_per_year=1).round(1).tolist()
    [[77.6, 32.4], [64.7, 45.3]]
    """
    M = checked_matrix(matrix)
    check_number(purchases_per_year, "purchases_per_year", above=0)
    check_number(annual_discount_rate, "annual_discount_rate", above=0)
    w = discount_factor(annual_discount_rate) ** (1.0 / purchases_per_year)
    worth = np.linalg.inv(np.eye(len(M)) - w * M) * _one_a_brand(contribution, "contribution", M)[np.newaxis, :]
    return np.asarray(worth, dtype=np.float64)


@typed
@dataclass(frozen=True, kw_only=True)
class FlowShare:
    """The flows of 'Keeping existing customers' (undated), as rates a period.

    Of the firm's customers some evaporate and some switch out; of the rivals' some switch in and some evaporate; new
    customers choose the firm with the chance `new_share`.

    `new` is the number of new customers a period per customer now in the market.

    Parameters
    ----------
    evaporate, switch_out : float
        Shares of the firm's customers a period who leave the market and who go to rivals.
    rivals_evaporate, switch_in : float
        Shares of the rivals' customers a period who leave the market and who come to the firm.
    new : float
        New customers a period per customer in the market.
    new_share : float
        Share of them who choose the firm.

    Examples
    --------
    >>> flows = FlowShare(evaporate=0.1, switch_out=0.1, rivals_evaporate=0.1, switch_in=0.05, new=0.1, new_share=0.3)
    >>> [round(share, 3) for share in flows.share(400, 600, periods=2)]
    [0.4, 0.38, 0.365]
    """

    evaporate: float
    switch_out: float
    rivals_evaporate: float
    switch_in: float
    new: float
    new_share: float

    def __post_init__(self) -> None:
        for name in ("evaporate", "switch_out", "rivals_evaporate", "switch_in", "new_share"):
            check_share(getattr(self, name), name, zero=True)
        check_number(self.new, "new", least=0)
        for flows in (self.evaporate + self.switch_out, self.rivals_evaporate + self.switch_in):
            check_number(flows, "the flows out of a base", most=1)

    def step(self, own: float, rivals: float) -> tuple[float, float]:
        """Customers of the firm and of its rivals one period later."""
        new = self.new * (own + rivals)
        return (
            own * (1.0 - self.evaporate - self.switch_out) + rivals * self.switch_in + new * self.new_share,
            rivals * (1.0 - self.rivals_evaporate - self.switch_in)
            + own * self.switch_out
            + new * (1.0 - self.new_share),
        )

    def share(self, own: float, rivals: float, *, periods: int) -> list[float]:
        """Market share at times 0 ... periods."""
        for name, value in (("own", own), ("rivals", rivals)):
            check_number(value, name, least=0)
        check_number(own + rivals, "own + rivals", above=0)
        check_count(periods, "periods", least=0, most=1_000_000)
        shares = [own / (own + rivals)]
        for _ in range(periods):
            own, rivals = self.step(own, rivals)
            shares.append(own / (own + rivals))
        return shares


@typed
def recency_chain(buys: Sequence[float]) -> Floats:
    """P of a customer who buys with chance buys[i] at recency i + 1 and is lost after the last of them.

    Examples
    --------
    >>> recency_chain([0.3, 0.2]).tolist()
    [[0.3, 0.7, 0.0], [0.2, 0.0, 0.8], [0.0, 0.0, 1.0]]
    """
    checked_chances(buys)
    n = len(buys)
    P = np.zeros((n + 1, n + 1))
    P[:n, 0] = buys
    P[range(n), range(1, n + 1)] = 1.0 - np.asarray(buys)
    P[n, n] = 1.0
    return P


@typed
def chain_values(
    transitions: Floats, rewards: Sequence[float], *, discount_rate: float, periods: int | None = None
) -> Floats:
    """Value in each state, the reward of the present period included; `periods` further ones, or without an end.

    A customer moves between states by P; being in state i earns R_i. With v = 1/(1 + d)

        V_T = sum over t = 0 ... T of (v P)^t R,      V = (I - v P)^-1 R   without an end

    (Pfeifer & Carraway 2000, "Modeling customer relationships as Markov chains", Journal of Interactive Marketing
    14(2), 43-55).

    Raises ConfigError when rows are not chances, or the discount rate is not above 0 and there is no end.

    Examples
    --------
    >>> chain_values(recency_chain([0.3, 0.2]), [36.0, -4.0, 0.0], discount_rate=0.2).round(2).tolist()
    [51.57, 4.6, 0.0]
    """
    P, R = checked_matrix(transitions), np.asarray(rewards, dtype=np.float64)
    v = discount_factor(discount_rate)
    if R.shape != (len(P),):
        raise ConfigError(f"there must be one reward for each of the {len(P)} states; got {R.shape}.")
    if periods is None:
        if v >= 1.0:
            raise ConfigError(f"without an end the discount rate must be above 0; got {discount_rate!r}.")
        return np.asarray(np.linalg.solve(np.eye(len(P)) - v * P, R), dtype=np.float64)
    check_count(periods, "periods", least=0, most=1_000_000)
    worth = R
    for _ in range(periods):
        worth = R + v * (P @ worth)
    return worth
