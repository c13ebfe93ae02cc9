"""Control: a claim that depends on a part of the market that it does not name among what it reads is caught."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

import churnsim as cs
from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.claim import Claim, Control, Finding, Kind
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.results import to_record
from churnsim.claims.machinery.verdicts import Answer
from churnsim.errors import ConfigError
from churnsim.evidence import market_beliefs
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.scenario.beliefs import with_values
from churnsim.study.config.config_file import parse_config
from churnsim.study.stages.earlier_runs import claim_keys

SMOKE = Path(__file__).parents[2] / "configs" / "smoke" / "cdnow.toml"


def elsewhere(evidence: MarketEvidence, reads: tuple[str, ...]) -> MarketEvidence:
    """The same, where every number of the parts that are not read is at an end of its default's interval, and what is
    off is on."""
    market = evidence.market
    on = {f.name: parts_of(cs.Market)[f.name]() for f in fields(market) if f.default is None and f.name not in reads}
    market = replace(market, **on)
    values = {
        name: number.low
        for name, number in market_beliefs(market).items()
        if name.split(".")[0] in parts_of(cs.Market) and name.split(".")[0] not in reads
    }
    return replace(evidence, market=replace(market, **with_values(market, values)))


def depends_on_the_unread(claim: Claim, evidence: MarketEvidence) -> bool:
    whole = replace(claim, reads=None)
    here, there = (
        to_record(whole.test(each, quick=True)) for each in (evidence, elsewhere(evidence, claim.reads or ()))
    )
    assert here.ran, here.reason
    return here != there


@pytest.fixture(scope="module")
def evidence(cdnow_market):
    return MarketEvidence(
        market=replace(cdnow_market, customers=cs.Cohort(size=200)), label="a cohort", horizon=52.0, period=4.0,
        epoch=1.0, replications=4,
    )  # fmt: skip


def reading(name: str) -> Claim:
    """A claim about a contact's effect that says it reads the part of this name."""

    def judge(evidence=None, quick=False, *, least=0.0):
        effect = evidence.market.retention.max_effect
        return Finding(answer=Answer.HOLDS if effect > least else Answer.FAILS, reason=f"{effect:g}", estimate=effect)

    return replace(
        CATALOGUE["card-npv"], id="toy", kind=Kind.SIMULATION, judge=judge, planted=None, reads=(name,), expect="more",
        within=None, control=Control(what="more than is possible", inputs={"least": 2.0}),
    )  # fmt: skip


def test_a_claim_that_reads_what_it_does_not_name_is_caught(evidence):
    assert depends_on_the_unread(reading("terms"), evidence)
    assert not depends_on_the_unread(reading("retention"), evidence)
    # In a study it is judged at the default: a stored answer cannot be of another market.
    assert reading("terms").test(elsewhere(evidence, ())).finding.reason == "0.3"
    with pytest.raises(ConfigError, match="no part 'contacts'"):
        evidence.reading(("contacts",))


@pytest.mark.parametrize(
    "claim", [claim for claim in CATALOGUE.values() if claim.reads is not None], ids=lambda c: c.id
)
def test_claims_depend_on_what_they_name_alone(claim, evidence):
    assert not depends_on_the_unread(claim, evidence)


def test_a_claim_is_taken_over_unless_something_that_it_reads_changed():
    chosen = [CATALOGUE[name] for name in ("five-percent-churn", "recovery-retains", "loyal-bank")]
    text = SMOKE.read_text(encoding="utf-8")
    here = claim_keys(parse_config(text, folder=SMOKE.parent), chosen, "data")
    for old, new, kept in (
        ("low = 0.10, high = 2.00", "low = 0.20, high = 2.00", {"five-percent-churn", "recovery-retains"}),
        ("low = 10_000, high", "low = 9_000, high", {"five-percent-churn"}),
        ("value = 0.30, low = 0.18", "value = 0.30, low = 0.19", set()),
        ("calibration_end = 1997-09-30", "calibration_end = 1997-08-31", set()),
    ):
        assert old in text
        there = claim_keys(parse_config(text.replace(old, new), folder=SMOKE.parent), chosen, "data")
        assert {name.removeprefix("claim ") for name in here if here[name] == there[name]} == kept
