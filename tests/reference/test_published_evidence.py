"""Truth: hand calculation, differences, simulation and `pool` for what follows from published effects; the records."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import churnsim as cs
from churnsim.economics.response import SaturatingResponse
from churnsim.errors import ConfigError
from churnsim.evidence import PublishedEffect, pool, published, published_belief
from churnsim.evidence.published_effects import _few, read_effects, scale_of_elasticity
from churnsim.simulation.scenario.beliefs import market_beliefs
from churnsim.simulation.scenario.parameter_paths import addresses

EFFECTS = {effect.key: effect for effect in published()}
WORK = {"design": "panel", "setting": "a shop", "authors": "A.", "title": "T", "year": 2001, "journal": "J"}


def effect(**given) -> PublishedEffect:
    return PublishedEffect(**{"key": "x", "what": "w", "citation": "memory", "study": "s", **WORK, **given})


def test_every_effect_is_complete():
    """Texts are there, years and pages are those of a work, and each informs numbers that a market has."""
    model = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0)
    market = cs.Market(
        customers=cs.Cohort(size=20), purchases=model, spend=cs.simulation.FixedSpend(amount=10.0),
        referral=cs.simulation.Referral(),
    )  # fmt: skip
    known = set(addresses(market))
    assert len(EFFECTS) > 35
    for each in EFFECTS.values():
        assert all(len(text) > 2 for text in (each.what, each.setting, each.authors, each.title, each.journal))
        assert 1980 <= each.year <= 2026
        assert set(each.informs) <= known, each.key
        if each.pages:
            first, last = map(int, each.pages.split("-"))
            assert first < last
        if each.use == "estimate":
            assert np.isfinite(each.pooled_on).all()


def test_rates_and_shares_are_transformed_as_by_hand():
    """267 of 21,307 against 122 of 21,306: rates .0126101 and .0057425 in two weeks, ratio 2.195937."""
    y, s = EFFECTS["hillstrom-mens-buyers"].pooled_on
    assert_allclose(math.exp(y), 2.195937, rtol=1e-6)
    # d ln(-ln(1 - p)) / dp by differences, times the binomial standard error, of both groups.
    parts = []
    for events, trials in ((267, 21307), (122, 21306)):
        p, h = events / trials, 1e-7
        slope = (math.log(-math.log(1 - p - h)) - math.log(-math.log(1 - p + h))) / (2 * h)
        parts.append(slope * math.sqrt(p * (1 - p) / trials))
    assert_allclose(s, math.hypot(*parts), rtol=1e-5)
    y, s = EFFECTS["kumar-2007-bank"].pooled_on
    assert_allclose(math.exp(y), 0.150823, rtol=1e-5)  # -ln(.86)
    assert_allclose(s, math.sqrt(0.14 * 0.86 / 6700) / (0.86 * 0.150823), rtol=1e-5)
    y, s = EFFECTS["keaveney-1995-failures"].pooled_on
    assert_allclose(y, math.log(0.44 / 0.56))
    assert_allclose(s, 1 / math.sqrt(838 * 0.44 * 0.56))


@pytest.mark.parametrize("elasticity", [0.05, 0.12, 0.24, 0.9])
def test_the_scale_of_an_elasticity(elasticity):
    """d ln share / d ln spend of the response with that scale, by differences."""
    response, h = SaturatingResponse(ceiling=0.3, k=1 / (2.5 * scale_of_elasticity(elasticity))), 1e-6
    found = (math.log(response.share(2.5 * (1 + h))) - math.log(response.share(2.5 * (1 - h)))) / (2 * h)
    assert_allclose(found, elasticity, rtol=1e-5)


def test_the_scale_of_spending_on_prospects():
    """The median elasticity is the geometric mean of .12, .24 and .09; money scales with what is spent."""
    belief = published_belief("prospects.spend_scale")
    assert_allclose(belief.value, scale_of_elasticity((0.12 * 0.24 * 0.09) ** (1 / 3)), rtol=1e-6)
    assert belief.status == "meta-analysis"
    assert belief.low < belief.value < belief.high < 1
    in_money = published_belief("market.prospects.spend_scale", present=0.5)
    assert_allclose([in_money.low, in_money.high], [0.5 * belief.low, 0.5 * belief.high])


def test_few_studies_by_simulation():
    """Medians and ends against draws: tau half-normal, mu given tau from two studies."""
    studies, scale, n = [(0.2, 0.1), (0.7, 0.3)], 0.5, 400_000
    random = np.random.default_rng(3)
    tau = np.abs(random.normal(0.0, scale, n))
    w = 1 / (np.array([[0.1], [0.3]]) ** 2 + tau**2)
    mean = (w * [[0.2], [0.7]]).sum(axis=0) / w.sum(axis=0)
    theta = random.normal(mean, np.sqrt(1 / w.sum(axis=0) + tau**2))
    assert_allclose(_few(studies, scale, 0.9), np.quantile(theta, [0.5, 0.05, 0.95]), atol=0.01)


def test_three_studies_are_pooled():
    """The belief is the prediction interval of `pool`, back on the scale of a share."""
    shares, trials = [0.10, 0.20, 0.15, 0.40], 500
    effects = [
        effect(
            key=str(k), study=str(k), events=round(p * trials), trials=trials, informs=["win_back.success"],
            transform="share",
        )
        for k, p in enumerate(shares)
    ]  # fmt: skip
    belief = published_belief("win_back.success", effects=effects, level=0.8)
    p = np.array(shares)
    expected = pool(np.log(p / (1 - p)), 1 / np.sqrt(trials * p * (1 - p)), level=0.8)
    ends = np.array([expected.estimate, expected.prediction_lower, expected.prediction_upper])
    assert_allclose([belief.value, belief.low, belief.high], 1 / (1 + np.exp(-ends)), rtol=1e-9)
    assert belief.status == "meta-analysis"


def test_arms_of_one_study_count_once():
    """Three offers to the same lost customers: the mean logit, and no narrower for being three."""
    belief = published_belief("win_back.success")
    logits = [math.log(p / (1 - p)) for p in (0.45, 0.41, 0.47)]
    assert_allclose(math.log(belief.value / (1 - belief.value)), np.mean(logits), atol=1e-6)
    one = [each for each in published() if each.key == "kumar-2015-discount"]
    alone = published_belief("win_back.success", effects=one)
    assert belief.high - belief.low > alone.high - alone.low
    assert belief.status == "published (behaviour)"


def test_what_people_say_is_believed_less():
    said = published_belief("complaints.silent_stay")
    assert said.status == "published (intention)"
    done = published_belief(
        "complaints.silent_stay",
        effects=[effect(estimate=0.37, informs=["complaints.silent_stay"], transform="share")],
    )
    assert said.value == pytest.approx(done.value)
    assert said.low < done.low < done.high < said.high


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"estimate": 1.0, "sign": "+"}, "one of estimate, events and sign"),
        ({}, "one of estimate, events and sign"),
        ({"events": 3}, "need trials"),
        ({"events": 3, "trials": 3}, "not all may be events"),
        ({"estimate": 0.2, "transform": "share"}, "informs a number"),
        ({"events": 3, "trials": 9, "transform": "rate ratio", "informs": ["a"]}, "two groups"),
        ({"estimate": 1.2, "transform": "share", "informs": ["a"]}, "share lies"),
        ({"estimate": 1.2, "transform": "elasticity", "informs": ["a"]}, "elasticity"),
        ({"estimate": 0.2, "year": 99}, "greater than or equal to 1900"),
    ],
)
def test_incomplete_effects_are_refused(given, message):
    text = "[[work]]\n" + "".join(
        f"{key} = {value!r}\n" for key, value in (WORK | {"citation": "memory"} | given).items()
    )
    with pytest.raises(ConfigError, match=message):
        read_effects(f"{text}\n[[work.effect]]\nkey = 'x'\nwhat = 'w'\n".replace("None", ""))


def test_what_cannot_be_asked():
    with pytest.raises(
        ConfigError, match=r"nothing published gives the size of 'terms\.margin'\. There are complaints"
    ):
        published_belief("terms.margin")
    with pytest.raises(ConfigError, match="present must be a finite number above 0"):
        published_belief("prospects.spend_scale", present=0.0)
    with pytest.raises(ConfigError, match="several transforms"):
        published_belief(
            "a", effects=[effect(estimate=0.2, informs=["a"], transform=how) for how in ("share", "elasticity")]
        )
    with pytest.raises(ConfigError, match="of use as a direction"):
        _ = EFFECTS["schweidel-2013-mail"].pooled_on
    twice = "[[work]]\n" + "".join(f"{k} = {v!r}\n" for k, v in WORK.items()) + "citation = 'memory'\n"
    with pytest.raises(ConfigError, match="two published effects 'x'"):
        read_effects(twice + "[[work.effect]]\nkey = 'x'\nwhat = 'w'\nestimate = 1.0\n" * 2)


# Of these the default is another number, for the reason that docs/decisions.md gives.
ANOTHER = {"prospects.spend_scale", "referral.rate_per_year", "retention.purchase_lift", "win_back.success"}


def test_defaults_are_what_is_published_of_the_same_quantity():
    """The value is that of the pool, and the interval lies inside the one that the pool gives a new firm."""
    model = cs.BGNBD(r=1.0, alpha=10.0, a=1.0, b=9.0)
    market = cs.Market(
        customers=cs.Cohort(size=20), purchases=model, spend=cs.simulation.FixedSpend(amount=10.0),
        referral=cs.simulation.Referral(),
    )  # fmt: skip
    defaults = market_beliefs(market)
    informed = {name for effect in published() if effect.transform for name in effect.informs}
    assert informed >= ANOTHER
    for name in informed:
        default, pooled = defaults[name], published_belief(name)
        assert (default.value == pytest.approx(pooled.value)) == (name not in ANOTHER), name
        if name not in ANOTHER:
            assert pooled.low <= default.low < default.high <= pooled.high, name
