"""How long customers stay, in closed form, against the same chances got in another way."""

import mpmath
import numpy as np
import pytest
from scipy.linalg import expm

import churnsim as cs
from churnsim.kernels.engine.records import CLOCK, CONTRACT, DROPOUT, DROPOUT_AT_ONCE
from churnsim.simulation import ContractualLifetime, FixedSpend, RemainingLifetimes, contract_of

TIMES = np.array([0.0, 0.3, 2.0, 9.0])


def lives(kind, *, rate=0.7, dropout=0.2, silence=0.0, tenure=0, stages=1, contract=None):
    one = (np.array([float(value)]) for value in (rate, dropout, silence, tenure))
    return RemainingLifetimes(kind, *one, stages=stages, contract=contract)


def chain(rate, dropout, stages, silence):
    """The stages of a gap as a Markov chain: its generator among k stages, and where it is after the silence."""
    v = stages * rate
    steps = np.diag(np.full(stages, -v)) + np.diag(np.full(stages - 1, v), 1)
    start = np.zeros(stages)
    start[0] = 1.0
    now = start @ expm(steps * silence)  # nothing bought: the last stage has not been left
    steps[-1, 0] += v * (1.0 - dropout)
    return steps, now / now.sum()


@pytest.mark.parametrize("kind", [DROPOUT, DROPOUT_AT_ONCE])
@pytest.mark.parametrize(("stages", "silence", "factor"), [(1, 0.0, 1.0), (2, 0.0, 0.5), (3, 2.5, 1.0)])
def test_leaving_at_purchases_is_a_markov_chain(kind, stages, silence, factor):
    mine = lives(kind, silence=silence, stages=stages)
    steps, now = chain(0.7, 0.2 * factor, stages, silence)
    expected = [float((now @ expm(steps * t)).sum()) for t in TIMES]
    np.testing.assert_allclose(mine.survival(TIMES, factor=factor)[0], expected, rtol=1e-12)
    # The time with the firm is the integral of survival; a purchase ends a gap at the last stage's rate.
    force, horizon = 0.05, 9.0
    spent = now @ (expm(steps * horizon) - np.eye(stages)) @ np.linalg.inv(steps)
    assert mine.expected_time(horizon, factor=factor)[0] == pytest.approx(float(spent.sum()), rel=1e-12)
    pulled = steps - force * np.eye(stages)
    spent = now @ (expm(pulled * horizon) - np.eye(stages)) @ np.linalg.inv(pulled)
    bought = mine.purchases(horizon, force=force, factor=factor)[0]
    assert bought == pytest.approx(float(spent[-1]) * stages * 0.7, rel=1e-12)
    for_ever = float((now @ np.linalg.inv(-pulled))[-1]) * stages * 0.7
    assert mine.purchases(force=force, factor=factor)[0] == pytest.approx(for_ever, rel=1e-12)


@pytest.mark.parametrize("stages", [1, 3])
def test_a_death_rate_is_no_chance_per_purchase(stages):
    mine = lives(CLOCK, rate=0.7, dropout=0.02, stages=stages)
    assert mine.survival(52.0)[0] == pytest.approx(float(mpmath.exp("-1.04")), rel=1e-15)  # 35%, not e^-.728 = 48%
    assert mine.lost_between(26.0, 52.0)[0] == pytest.approx(float(mpmath.exp("-.52") - mpmath.exp("-1.04")), rel=1e-13)
    assert mine.expected_time(52.0)[0] == pytest.approx(float((1 - mpmath.exp("-1.04")) / mpmath.mpf(".02")), rel=1e-13)
    if stages == 1:
        expected = mpmath.mpf(".7") * (1 - mpmath.exp("-.3")) / mpmath.mpf(".03")
    else:  # each purchase i comes at a Gamma(3 i, 2.1) time and is made by who is still there
        density = lambda s, i: (  # noqa: E731
            mpmath.mpf("2.1") ** (3 * i) * s ** (3 * i - 1) / mpmath.gamma(3 * i) * mpmath.exp(-(2.1 + 0.03) * s)
        )
        expected = mpmath.nsum(lambda i: mpmath.quad(lambda s: density(s, i), [0, 10]), [1, 25], method="direct")
    assert mine.purchases(10.0, force=0.01)[0] == pytest.approx(float(expected), rel=1e-10)
    # For ever: the sum over i of (v/(v + .03))^(k i), v = .7 k.
    stage = (0.7 * stages / (0.7 * stages + 0.03)) ** stages
    assert mine.purchases(force=0.01)[0] == pytest.approx(stage / (1.0 - stage), rel=1e-13)


@pytest.mark.parametrize(
    ("contract", "dropout", "stays"),
    [
        (ContractualLifetime(term=2.0, a=1.0, b=3.0), 0.25, lambda k: 0.75),
        (
            ContractualLifetime(term=2.0, hazards=(0.5, 0.1, 0.2)),
            1.5,
            lambda k: (1 - (0.5, 0.1, 0.2)[min(k, 3) - 1]) ** 1.5,
        ),
        (ContractualLifetime(term=2.0, hazards=(0.1, 1.0)), 0.01, lambda k: 0.9**0.01 if k == 1 else 0.0),
    ],
)
def test_a_contract_is_left_at_its_renewals(contract, dropout, stays):
    mine = lives(CONTRACT, dropout=dropout, silence=0.5, tenure=1, contract=contract)
    renewals = [1.5, 3.5, 5.5, 7.5]  # the second to the fifth
    left = np.cumprod([stays(k) for k in range(2, 6)])
    expected = [1.0, 1.0, left[0], left[0], left[3]]
    np.testing.assert_allclose(mine.survival([0.0, 1.49, 1.5, 3.4, 9.0])[0], expected, rtol=1e-13)
    paid = sum(share * np.exp(-0.1 * at) for share, at in zip(left, renewals, strict=True))
    assert mine.purchases(9.5, force=0.1)[0] == pytest.approx(paid, rel=1e-13, abs=1e-300)
    assert mine.purchases(7.5)[0] == pytest.approx(left[:3].sum(), rel=1e-13, abs=1e-300)  # not the one at the end
    assert mine.expected_time(4.0)[0] == pytest.approx(1.5 + 2.0 * left[0] + 0.5 * left[1], rel=1e-13)


@pytest.mark.parametrize("c", [1.5, 2.0])
def test_a_large_cumulative_hazard_is_no_certain_loss(c):
    """H(t) = t^c is 1,000 and 400 in the end, where a customer with a multiplier of .001 has not left yet: e^(-.001 H).
    At c = 2 the chance to leave at a renewal with multiplier 1 is 1 - e^-39 by then, which is 1 to the last digit."""
    end = 100 if c == 1.5 else 20
    contract = contract_of(cs.models.BetaDiscreteWeibull(gamma=1.0, delta=500.0, c=c, unit="Y"))
    mine = lives(CONTRACT, dropout=0.001, contract=contract)
    assert mine.survival(float(end))[0] == pytest.approx(np.exp(-0.001 * end**c), rel=0.005)


def test_a_market_says_what_its_model_means():
    model = cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    market = cs.Market(customers=cs.Cohort(size=3), purchases=model, spend=FixedSpend(amount=1.0))
    base = market.customers.draw(purchases=model, spend=market.spend, seed=1, replication=0)
    np.testing.assert_allclose(market.remaining_lifetimes(base).survival(52.0), np.exp(-52.0 * base.traits[:, 1]))


def test_after_a_very_long_silence_the_last_stage_is_under_way():
    """Of an Erlang-2 gap that has lasted 1,000 mean gaps: P(one stage passed) = 2000/2001, so the rest is about one."""
    mine = lives(DROPOUT, rate=1.0, dropout=1.0, silence=1000.0, stages=2)
    expected = 1 - (np.exp(-1.0) + (1 + 1.0) * np.exp(-1.0) / 2000) * 2000 / 2001  # rate 2 for a time of 1/2
    assert mine.left_by(0.5)[0] == pytest.approx(expected, rel=1e-13)


def test_what_cannot_be_asked():
    with pytest.raises(cs.errors.ConfigError, match="end must not be before start"):
        lives(CLOCK).lost_between(2.0, 1.0)
    with pytest.raises(cs.errors.ConfigError, match="force"):
        lives(CLOCK).purchases()
    with pytest.raises(cs.errors.ConfigError, match="t must be finite"):
        lives(CLOCK).survival([1.0, np.nan])
