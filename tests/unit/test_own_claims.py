"""Mechanics of claims of one's own: TOML is data, Python is a program, and both are judged like any other claim."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.claims.machinery.evidence import market_evidence
from churnsim.claims.machinery.verdicts import Verdict
from churnsim.cli.app import app
from churnsim.errors import ConfigError
from churnsim.study.custom_claims.file import read_claims

ROOT = Path(__file__).parents[2]
COMPARE = (ROOT / "configs" / "claims" / "contacts-pay.toml").read_text(encoding="utf-8")
FIGURE = (ROOT / "configs" / "claims" / "payback.toml").read_text(encoding="utf-8")
PYTHON = """
from churnsim.claims import Claim, ClaimSource, Control, Finding, Kind, Verdict

def judge(evidence, quick, share=0.5):
    return Finding(verdict=Verdict.HOLDS if share == 0.5 else Verdict.FAILS, reason="counted")

CLAIMS = (
    Claim(id="mine", says="Half is half.", quote="half", sources=(ClaimSource(text="own", title="mine"),),
          kind=Kind.DATA, quantity="A half.", expect=0.5, within=0.0, because="It is exact.", critique=(), judge=judge,
          control=Control(what="another share", judge=lambda evidence, quick: judge(evidence, quick, share=0.4))),
)
"""


def write(tmp_path, text, name="claim.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def small(published_models):
    """Two hundred new customers, few replications: enough to see a sign."""
    purchases, spend = published_models
    market = cs.Market(customers=cs.Cohort(size=200), purchases=purchases, spend=spend)
    return dataclasses.replace(market_evidence(market, replications=6), horizon=26.0, period=13.0)


def test_the_examples_are_claims_and_their_controls_fail(small):
    (contacts,) = read_claims(ROOT / "configs" / "claims" / "contacts-pay.toml")
    result = contacts.test(small, quick=True)
    assert result.control.verdict is Verdict.FAILS
    assert "paired replications" in result.finding.reason
    (payback,) = read_claims(ROOT / "configs" / "claims" / "payback.toml")
    assert payback.test().verdict is Verdict.REPRODUCED
    assert payback.test().control.verdict is Verdict.FAILS


def test_a_control_that_does_not_fail_withdraws_ones_own_claim_too(tmp_path):
    blunt = FIGURE.replace("retention = 0.73", "retention = 0.78")
    (claim,) = read_claims(write(tmp_path, blunt))
    assert claim.test().verdict is Verdict.UNTESTED


def test_a_market_is_enough_in_python(small):
    found = cs.claims["recovery-retains"].test(market=small.market, quick=True)
    assert found.verdict is not Verdict.UNTESTED


def test_python_file_and_command(tmp_path):
    path = write(tmp_path, PYTHON, "mine.py")
    done = CliRunner().invoke(app, ["claims", "test", str(path), str(write(tmp_path, FIGURE))])
    assert done.exit_code == 0, done.output
    assert "HOLDS  mine: Half is half." in done.output
    assert "REPRODUCED  our-multiple" in done.output


def test_toml_runs_nothing(tmp_path):
    """What looks like code in a TOML file is text, whatever its key."""
    trap = tmp_path / "trap"
    code = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    text = FIGURE.replace('compute = "margin_multiple"', f'compute = "{code}"')
    with pytest.raises(ConfigError, match="unknown computation"):
        read_claims(write(tmp_path, text))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (FIGURE, "[control]", "[other]", "unknown keys: other"),
        (FIGURE, 'what = "five points less retention"', "", "needs a .control. with"),
        (FIGURE, "inputs = { retention = 0.73 }", "", "needs inputs that are wrong"),
        (FIGURE, "stated = 2.4", 'stated = "2.4"', "stated .* finite number"),
        (FIGURE, "[figure]", "[figures]", "unknown keys: figures"),
        (FIGURE, 'id = "our-multiple"', "", "needs id"),
        (FIGURE, "within = 0.05", "width = 0.05", "unknown keys: width"),
        (FIGURE, "[figure]", "[figure", "not valid TOML"),
        (COMPARE, 'of = "contacts"', 'of = "contact"', "no .*named 'contact'; it has contacts, nothing"),
        (COMPARE, "above = 0.0", "", "needs above, below or both"),
        (COMPARE, "max_effect", "max_efect", "Did you mean 'max_effect'"),
        (COMPARE, "[compare]", "[comparison]", "unknown keys: comparison"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, text, old, new, message):
    assert old in text
    with pytest.raises(ConfigError, match=message):
        read_claims(write(tmp_path, text.replace(old, new)))


def test_a_mechanism_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"unknown key 'retention_contacts'.*retention"):
        read_claims(write(tmp_path, COMPARE.replace("[strategy.retention]", "[strategy.retention_contacts]")))


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        read_claims(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="must define CLAIMS"):
        read_claims(write(tmp_path, "CLAIMS = ()", "empty.py"))
    with pytest.raises(ConfigError, match="does not run: ZeroDivisionError"):
        read_claims(write(tmp_path, "1 / 0", "broken.py"))
