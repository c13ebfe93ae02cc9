"""Mechanics of claims of one's own: TOML is data, Python is a program, and both are judged like any other claim."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.claims.machinery import evidence
from churnsim.claims.machinery.evidence import market_evidence
from churnsim.claims.machinery.verdicts import Answer
from churnsim.cli.app import app
from churnsim.errors import ConfigError
from churnsim.records.load import load_run
from churnsim.report.messages import Words
from churnsim.study.config.config_file import read_config
from churnsim.study.custom_claims.file import read_claims
from churnsim.study.runner import run_study

ROOT = Path(__file__).parents[2]
COMPARE = (ROOT / "configs" / "claims" / "contacts-pay.toml").read_text(encoding="utf-8")
FIGURE = (ROOT / "configs" / "claims" / "payback.toml").read_text(encoding="utf-8")
PYTHON = """
from churnsim.claims import Claim, ClaimSource, Control, Finding, Kind, Answer

def judge(evidence, quick, share=0.5):
    return Finding(answer=Answer.HOLDS if share == 0.5 else Answer.FAILS, reason="counted")

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
    assert result.control.answer is Answer.FAILS
    assert "paired replications" in result.finding.reason
    (payback,) = read_claims(ROOT / "configs" / "claims" / "payback.toml")
    assert payback.test().answer is Answer.HOLDS
    assert payback.test().control.answer is Answer.FAILS
    # What a report shows of them has no English sentence in it.
    told = Words("zh").told
    names = {"npv", "margin_multiple", "rate", "timing", "after_renewal"}
    for text in (
        result.finding.reason,
        contacts.quantity,
        contacts.because,
        payback.test().finding.reason,
        payback.quantity,
    ):
        assert set(re.findall(r"[a-z_]{3,}", told(text))) <= names, told(text)


def test_a_control_that_does_not_fail_withdraws_ones_own_claim_too(tmp_path):
    blunt = FIGURE.replace("retention = 0.73", "retention = 0.78")
    (claim,) = read_claims(write(tmp_path, blunt))
    assert not claim.test().ran


def test_a_market_is_enough_in_python(small):
    found = cs.claims["recovery-retains"].test(market=small.market, quick=True)
    assert found.ran


@pytest.mark.parametrize("words", [("claims", "test"), ("reproduce", "--figures")])
def test_a_file_of_data_is_refused_as_such(words, tmp_path):
    data = write(tmp_path, "customer_id;date\n7;2024-01-01\n", "sales.csv")
    done = CliRunner().invoke(app, [*words, str(data)])
    assert done.exit_code == 2
    assert "sales.csv" in done.stderr
    assert "TOML" in done.stderr or ".toml" in done.stderr
    assert "no claim" not in done.stderr
    assert "Text needs quotes" not in done.stderr


def test_python_file_and_command(tmp_path):
    path = write(tmp_path, PYTHON, "mine.py")
    done = CliRunner().invoke(app, ["claims", "test", str(path), str(write(tmp_path, FIGURE))])
    assert done.exit_code == 0, done.output
    assert "HOLDS (measured here)  mine: Half is half." in done.output
    assert "HOLDS (arithmetic)  our-multiple" in done.output


def test_ones_own_claim_is_judged_on_ones_own_customers(tmp_path, monkeypatch):
    """By the command on a file of purchases and on a study, and in a study whose configuration names the file: the
    customers are counted in the reason."""
    log = cs.datasets.cdnow()
    log = log[log["customer_id"] % 30 == 0][["customer_id", "date", "amount"]]
    log.to_csv(tmp_path / "log.csv", index=False)
    count = f"{log['customer_id'].nunique()} customers of"
    claim = write(tmp_path, COMPARE.replace('within = "26 W"', 'within = "13 W"'))
    monkeypatch.setattr(evidence, "QUICK_REPLICATIONS", 3)
    words = ["claims", "test", str(claim), "--quick"]
    done = CliRunner().invoke(app, [*words, "--purchases", str(tmp_path / "log.csv")])
    assert f"On the {count} log.csv, contacts less nothing" in " ".join(done.stdout.split()), done.output
    smoke = (ROOT / "configs" / "smoke" / "cdnow.toml").read_text(encoding="utf-8")
    text = smoke.replace('dataset = "cdnow" ', 'path = "log.csv"')
    text = text[: text.index("[claims]")] + '[claims]\ntest = ["claim.toml", "card-npv"]\nreplications = 3\n'
    study = write(tmp_path, text, "study.toml")
    done = CliRunner().invoke(app, [*words, "--config", str(study)])
    assert f"On the {count} cdnow-smoke, contacts less nothing" in " ".join(done.stdout.split()), done.output
    assert CliRunner().invoke(app, [*words, "--config", "a", "--purchases", "b"]).exit_code == 2
    run = load_run(run_study(read_config(study), runs_dir=tmp_path / "runs", workers=1))
    assert [row.id for row in run.claims] == ["contacts-pay", "card-npv"]
    assert f"On the {count} cdnow-smoke" in run.claims[0].reason
    write(tmp_path, text.replace('"card-npv"', '"claim.toml"'), "study.toml")
    with pytest.raises(ConfigError, match="two claims of the id 'contacts-pay'"):
        run_study(read_config(study), runs_dir=tmp_path / "runs", workers=1)


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
        (FIGURE, "[control]", "[other]", r"other: unknown key"),
        (FIGURE, 'what = "five points less retention"', "", r"control.what: missing"),
        (FIGURE, "inputs = { retention = 0.73 }", "", "needs inputs that are wrong"),
        (FIGURE, "stated = 2.4", 'stated = "2.4"', r"line 8, figure.stated = '2.4': must be a number"),
        (FIGURE, "[figure]", "[figures]", "figures: unknown key. Did you mean 'figure'"),
        (FIGURE, 'id = "our-multiple"', "", "id: missing"),
        (FIGURE, 'id = "our-multiple"', "id = 5", "id = 5: must be text"),
        (FIGURE, "within = 0.05", "width = 0.05", "figure.width: unknown key. Did you mean 'within'"),
        (FIGURE, "within = 0.05", "within = -1.0", "must be at least 0"),
        (FIGURE, "[figure]", "[figure", "not valid TOML"),
        (FIGURE, "[figure]", "critique = 1\n[figure]", "critique = 1: must be a list"),
        (FIGURE, "[figure]", "compare = 1\n[figure]", r"compare = 1: must be a table"),
        (FIGURE, "stated = 2.4", "stated = 1" + "0" * 400, "401 digits in one number"),
        (FIGURE, "inputs = { retention = 0.78", "inputs = " + "[" * 4000 + "]" * 4000 + "# {", "more than 50 brackets"),
        (COMPARE, 'of = "contacts"', 'of = "contact"', "no .*named 'contact'; it has contacts, nothing"),
        (COMPARE, 'of = "contacts"', 'of = "nothing"', "is the strategy itself"),
        (COMPARE, "above = 0.0", "", "needs above, below or both"),
        (COMPARE, 'metric = "npv"', 'metric = "nvp"', "no such metric. Did you mean 'npv'"),
        (COMPARE, "max_effect", "max_efect", "control.market.retention.max_efect: .*Did you mean 'max_effect'"),
        (COMPARE, "max_effect = 0.0", "max_effect = 20", "control.market.retention.max_effect"),
        (COMPARE, "[control.market.retention]\nmax_effect = 0.0", "market = 3", "control.market = 3: must be a table"),
        (COMPARE, "[control]", "[market]\nretention = 1\n[control]", "market.retention = 1: must be a table"),
        (COMPARE, "[compare]", "[comparison]", "comparison: unknown key"),
        (COMPARE, "[strategy.retention]", "[strategy.retention_contacts]", "retention_contacts: .*'retention'"),
        (COMPARE, "budget_per_period = 200.0", "", "strategy 'contacts': retention needs budget_per_period"),
        (COMPARE, "budget_per_period = 200.0", "budget_share = 0.5", "no budget to share"),
        (COMPARE, 'within = "26 W"', "within = 26", "26 is not a duration"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, text, old, new, message):
    assert old in text
    with pytest.raises(ConfigError, match=message):
        read_claims(write(tmp_path, text.replace(old, new)))


@pytest.mark.parametrize("strategies", ["strategy = 1", "strategy = [1]", "strategy = []", 'strategy = ["a"]'])
def test_strategies_that_are_no_tables_are_one_error(tmp_path, strategies):
    start = COMPARE.index("[[strategy]]")
    text = COMPARE[: COMPARE.index("[compare]")] + strategies + "\n" + COMPARE[COMPARE.index("[compare]") : start]
    with pytest.raises(ConfigError, match="strategy"):
        read_claims(write(tmp_path, text + COMPARE[COMPARE.index("[control]") :]))


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(ConfigError, match="there is no"):
        read_claims(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="must define CLAIMS"):
        read_claims(write(tmp_path, "CLAIMS = ()", "empty.py"))
    with pytest.raises(ConfigError, match="does not run: ZeroDivisionError"):
        read_claims(write(tmp_path, "1 / 0", "broken.py"))
