"""The sums and continued fractions of incomplete gamma and beta functions, eight at a time.

Each step of a fraction waits for two divisions; the processor does eight divisions of a vector in the time of one. A
lane does what the functions of `special.py` do in the same order, and stays as it is once it has converged: its bits
are theirs. Written in LLVM's language, since numba has no vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from churnsim.kernels.numerics.jit import PLAIN, inlined
from churnsim.kernels.numerics.special import EPS, TERMS, TINY, beta_fraction, gamma_fraction, gamma_series
from churnsim.typing import Floats

LANES = 8


@inlined
def plain_gamma_series(arrays: tuple[Floats, ...], at: int) -> None:
    """`gamma_series` of entries `at`, ..., `at` + 7 of (shape, x, out), one after the other."""
    shape, x, out = arrays
    for i in range(at, at + LANES):
        out[i] = gamma_series(shape[i], x[i])


@inlined
def plain_gamma_fraction(arrays: tuple[Floats, ...], at: int) -> None:
    """`gamma_fraction` likewise."""
    shape, x, out = arrays
    for i in range(at, at + LANES):
        out[i] = gamma_fraction(shape[i], x[i])


@inlined
def plain_beta_fraction(arrays: tuple[Floats, ...], at: int) -> None:
    """`beta_fraction` likewise, of (a, b, x, out)."""
    a, b, x, out = arrays
    for i in range(at, at + LANES):
        out[i] = beta_fraction(a[i], b[i], x[i])


class _Vectors:
    """What the code of one function needs to write itself down."""

    def __init__(self, builder: Any) -> None:
        from llvmlite import ir

        self.ir, self.builder = ir, builder
        self.kind = ir.VectorType(ir.DoubleType(), LANES)

    def number(self, value: float) -> Any:
        """A vector of one number."""
        return self.ir.Constant(self.kind, [value] * LANES)

    def add(self, a: Any, b: Any) -> Any:
        """a + b."""
        return self.builder.fadd(a, b)

    def less(self, a: Any, b: Any) -> Any:
        """a - b."""
        return self.builder.fsub(a, b)

    def times(self, a: Any, b: Any) -> Any:
        """a b."""
        return self.builder.fmul(a, b)

    def over(self, a: Any, b: Any) -> Any:
        """a/b."""
        return self.builder.fdiv(a, b)

    def size(self, a: Any) -> Any:
        """|a|."""
        return self.builder.select(self.builder.fcmp_ordered("<", a, self.number(0.0)), self.builder.fneg(a), a)

    def not_tiny(self, a: Any) -> Any:
        """a, or the least number where it is smaller."""
        tiny = self.number(TINY)
        return self.builder.select(self.builder.fcmp_ordered("<", self.size(a), tiny), tiny, a)

    def near_one(self, step: Any) -> Any:
        """Whether a factor changes nothing more."""
        return self.builder.fcmp_ordered("<", self.size(self.less(step, self.number(1.0))), self.number(EPS))

    def repeat(
        self, first: float, start: list[Any], step: Callable[[Any, list[Any]], tuple[list[Any], Any]]
    ) -> list[Any]:
        """Apply `step` (the number of the step, vectors) to vectors until each lane has converged, the last of which
        then stays as it is."""
        ir, builder = self.ir, self.builder
        live_kind, whole = ir.VectorType(ir.IntType(1), LANES), ir.IntType(64)
        before, loop, end = builder.block, builder.append_basic_block("steps"), None
        builder.branch(loop)
        builder.position_at_end(loop)
        number = builder.phi(whole)
        count, live = builder.phi(self.kind), builder.phi(live_kind)
        vectors = [builder.phi(self.kind) for _ in start]
        found, done = step(count, vectors)
        # The result stays; what a lane that is done makes of the others, be it NaN, is read by nobody.
        found[-1] = builder.select(live, found[-1], vectors[-1])
        still = builder.and_(live, builder.not_(done))
        following, counted = builder.add(number, whole(1)), self.add(count, self.number(1.0))
        pairs = [(number, whole(0), following), (count, self.number(first), counted)]
        pairs.append((live, ir.Constant(live_kind, [True] * LANES), still))
        for phi, at_first, after in (*pairs, *zip(vectors, start, found, strict=True)):
            phi.add_incoming(at_first, before)
            phi.add_incoming(after, loop)
        # One comparison for all lanes: their flags as the bits of a number.
        bits = builder.bitcast(still, ir.IntType(LANES))
        again = builder.and_(
            builder.icmp_unsigned("!=", bits, ir.IntType(LANES)(0)), builder.icmp_signed("<", following, whole(TERMS))
        )
        end = builder.append_basic_block("converged")
        builder.cbranch(again, loop, end)
        builder.position_at_end(end)
        return found


def _series(v: _Vectors, shape: Any, x: Any) -> Any:
    def step(_: Any, old: list[Any]) -> tuple[list[Any], Any]:
        n, term, total = old
        n = v.add(n, v.number(1.0))
        term = v.times(term, v.over(x, n))
        total = v.add(total, term)
        return [n, term, total], v.builder.fcmp_ordered("<", term, v.times(total, v.number(EPS)))

    term = v.over(v.number(1.0), shape)
    return v.repeat(0.0, [shape, term, term], step)[-1]


def _fraction_step(v: _Vectors, an: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any]:
    """Lentz's step: c, d and the factor."""
    d = v.not_tiny(v.add(v.times(an, d), b))
    c = v.not_tiny(v.add(b, v.over(an, c)))
    d = v.over(v.number(1.0), d)
    return c, d, v.times(d, c)


def _gamma_fraction(v: _Vectors, shape: Any, x: Any) -> Any:
    def step(i: Any, old: list[Any]) -> tuple[list[Any], Any]:
        b, c, d, h = old
        an = v.times(v.builder.fneg(i), v.less(i, shape))
        b = v.add(b, v.number(2.0))
        c, d, factor = _fraction_step(v, an, b, c, d)
        return [b, c, d, v.times(h, factor)], v.near_one(factor)

    b = v.less(v.add(x, v.number(1.0)), shape)
    d = v.over(v.number(1.0), b)
    return v.repeat(1.0, [b, v.number(1.0 / TINY), d, d], step)[-1]


def _beta_fraction(v: _Vectors, a: Any, b: Any, x: Any) -> Any:
    one, two = v.number(1.0), v.number(2.0)

    def step(m: Any, old: list[Any]) -> tuple[list[Any], Any]:
        c, d, h = old
        # d_2m, then d_2m+1 of DLMF 8.17.23; convergence is asked after both, as in `beta_fraction`.
        even, factor = v.add(a, v.times(two, m)), one
        above = v.times(v.times(m, v.less(b, m)), x)
        an = v.over(above, v.times(v.less(even, one), even))
        c, d, factor = _fraction_step(v, an, one, c, d)
        h = v.times(h, factor)
        above = v.times(v.times(v.builder.fneg(v.add(a, m)), v.add(v.add(a, b), m)), x)
        an = v.over(above, v.times(even, v.add(even, one)))
        c, d, factor = _fraction_step(v, an, one, c, d)
        return [c, d, v.times(h, factor)], v.near_one(factor)

    d = v.less(one, v.over(v.times(v.add(a, b), x), v.add(a, one)))
    d = v.over(one, v.not_tiny(d))
    return v.repeat(1.0, [one, d, d], step)[-1]


def _vectorised(write: Callable[..., Any]) -> Any:
    """The function of a tuple of arrays, the last of which is written to, and a place: `write` computes the lanes from
    there on."""
    import numba
    from numba.core import cgutils
    from numba.extending import intrinsic

    def lanes(typing_context: Any, arrays: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            tools: Any = cgutils
            v, kind = _Vectors(builder), signature.args[0].dtype
            places = []
            for i in range(signature.args[0].count):
                array = context.make_array(kind)(context, builder, builder.extract_value(arguments[0], i))
                place = tools.get_item_pointer(context, builder, kind, array, [arguments[1]])
                places.append(builder.bitcast(place, v.kind.as_pointer()))
            # Aligned to a double, which is all that an array promises.
            inputs = [builder.load(place, align=8) for place in places[:-1]]
            builder.store(write(v, *inputs), places[-1], align=8)
            return context.get_dummy_value()

        return numba.types.void(arrays, numba.types.intp), generate

    return intrinsic(lanes)


Lanes = Callable[[tuple[Floats, ...], int], None]

series_lanes = cast(Lanes, plain_gamma_series if PLAIN else _vectorised(_series))
"""`gamma_series` of entries `at`, ..., `at` + 7 of (shape, x, out)."""

fraction_lanes = cast(Lanes, plain_gamma_fraction if PLAIN else _vectorised(_gamma_fraction))
"""`gamma_fraction` of the same."""

beta_lanes = cast(Lanes, plain_beta_fraction if PLAIN else _vectorised(_beta_fraction))
"""`beta_fraction` of entries of (a, b, x, out)."""
