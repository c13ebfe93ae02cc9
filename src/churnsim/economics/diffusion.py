"""Growth of a customer base by word of mouth, when customers are also lost.

Bass (1969, "A new product growth model for consumer durables", Management Science 15(5), 215-227): of m who could
adopt, N have, and the rest do at hazard p + q N / m. With attrition delta, the lost returning to those who could
adopt (Libai, Muller & Peres 2009, "The diffusion of services", Journal of Marketing Research 46(2), 163-175, have a
variant in which the lost also stop telling),

    dN/dt = (p + q N/m)(m - N) - delta N,

a Riccati equation with constant coefficients: with x = N/m, roots x+ > x- of q x^2 - (q - p - delta) x - p = 0,
x(t) = (x+ - x- c e^(-s t)) / (1 - c e^(-s t)), s = q (x+ - x-), c = (x0 - x+)/(x0 - x-). delta = 0 is Bass's curve.

The value of a lost customer (Hogan, Lemon & Libai 2003, "What is the true value of a lost customer?", Journal of
Service Research 5(3), 196-208) is its own margin and the margin of those it would have brought.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.integrate import simpson

from churnsim.checks import check_count, check_number, typed
from churnsim.errors import ConfigError


@typed
@dataclass(frozen=True, kw_only=True)
class Diffusion:
    """p, q and attrition per time unit (0 or more, p + q above 0), `market` the number m who could be customers.

    Examples
    --------
    >>> durable = Diffusion(p=0.03, q=0.38, market=1000)
    >>> round(durable.customers(5.0), 1), round(durable.peak_time, 2)
    (331.2, 6.19)
    >>> round(Diffusion(p=0.03, q=0.38, market=1000, attrition=0.1).ceiling, 1)
    761.6
    """

    p: float
    q: float
    market: float
    attrition: float = 0.0

    def __post_init__(self) -> None:
        for name in ("p", "q", "attrition"):
            check_number(getattr(self, name), name, least=0)
        check_number(self.market, "market", above=0)
        check_number(self.p + self.q, "p + q", above=0)

    @property
    def _roots(self) -> tuple[float, float]:
        """x+ and x-, with q > 0."""
        b = self.q - self.p - self.attrition
        root = math.sqrt(b * b + 4.0 * self.q * self.p)
        # The root nearer to zero by the product -p/q, so that it does not cancel.
        if b >= 0.0:
            high = (b + root) / (2.0 * self.q)
            return high, (-self.p / (self.q * high) if high else 0.0)
        low = (b - root) / (2.0 * self.q)
        return -self.p / (self.q * low), low

    def customers(self, t: float, *, start: float = 0.0) -> float:
        """N(t) from N(0) = start."""
        if not t >= 0.0:
            raise ConfigError(f"t must be 0 or more; got {t}.")
        x0 = check_number(start, "start", least=0, most=2 * self.market) / self.market
        if self.q == 0.0:
            rate = self.p + self.attrition
            level = self.p / rate
            return self.market * (level + (x0 - level) * math.exp(-rate * t))
        high, low = self._roots
        if high == low:
            return self.market * x0 / (1.0 + self.q * x0 * t)  # p = 0 and q = attrition
        if x0 == low:
            return start
        c = (x0 - high) / (x0 - low)
        decay = c * math.exp(-self.q * (high - low) * t)
        return self.market * (high - low * decay) / (1.0 - decay)

    @property
    def ceiling(self) -> float:
        """Where N settles: below the market when customers are lost."""
        if self.q == 0.0:
            return self.market * self.p / (self.p + self.attrition)
        return self.market * max(self._roots[0], 0.0)

    @property
    def peak_time(self) -> float:
        """Time of the fastest adoption, Bass's ln(q/p)/(p + q); only without attrition (else ConfigError)."""
        if self.attrition:
            raise ConfigError("the peak in closed form is Bass's, without attrition.")
        return math.log(self.q / self.p) / (self.p + self.q) if self.q > self.p > 0.0 else 0.0

    def discounted_customers(self, *, force: float, horizon: float, start: float = 0.0, steps: int = 2000) -> float:
        """Integral of N(t) e^(-force t) from 0 to the horizon, by Simpson's rule: customer-time in present value."""
        check_count(steps, "steps", most=1_000_000)
        check_number(horizon, "horizon", least=0)
        check_number(force, "force")
        h = horizon / (2 * steps)
        times = [i * h for i in range(2 * steps + 1)]
        return float(simpson([self.customers(t, start=start) * math.exp(-force * t) for t in times], dx=h))

    def value_of_lost(self, *, start: float, force: float, horizon: float) -> float:
        """Customer-time in present value that is missing when one of `start` customers is lost now and does not return
        by itself: the marginal effect, its own and that of those it would have brought."""
        check_number(start, "start", least=0, most=2 * self.market)
        h = min(1e-4 * self.market, 0.5 * start) or 1e-6 * self.market
        ends = max(start - h, 0.0), min(start + h, 2 * self.market)
        less, more = (self.discounted_customers(force=force, horizon=horizon, start=end) for end in ends)
        return (more - less) / (ends[1] - ends[0])
