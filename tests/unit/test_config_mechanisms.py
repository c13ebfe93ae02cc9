"""Truth: mechanics. Every mechanism can be asked for in a configuration, and one that would do nothing is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.simulation.market import PARTS
from churnsim.study.config_file import parse_config
from churnsim.study.market_overrides import mechanism_types, overridden_mechanisms
from churnsim.study.market_stage import build_strategies, strategy_rows
from churnsim.units import Duration

CONFIGS = Path(__file__).parents[2] / "configs"
BASE = (CONFIGS / "cdnow.toml").read_text(encoding="utf-8")
RIVALS = """[market.competitors]
customers = { value = 5000, source = "trade press", status = "published" }
"""
EVERYTHING = """
[market.referral]
[market.word_of_mouth]
half_life = "26 W"
[market.competitors]
customers = { value = 5000, source = "trade press", status = "published" }
[market.win_back]
success = 0.2

[[strategy]]
name = "everything"
acquisition = { budget_share = 0.1 }
referral = { reward = 5.0 }
retention = { budget_share = 0.1, rule = "at_risk", gaps = 2.0 }
cross_selling = { budget_share = 0.1, rule = "abc_class", abc = "A" }
quality = { budget_per_period = 10.0 }
staff = { budget_per_period = 10.0 }
desk = { budget_share = 0.2, staff = 2, mean_service_time = "1 D" }
asking = { cost_per_purchase = 0.05 }
compensation = { cost_per_complaint = 5.0 }
empowered = { share_at_once = 0.3, cost_per_period = 20.0 }
win_back = { silent_for = "26 W", cost_per_contact = 1.0, most_per_period = 50, choose = "random", attempts = 2 }
dismissal = { periods = 13 }
economic_bond = { price_off = 0.05 }
social_bond = { joins = 0.2, cost_per_member = 0.1 }
structural_bond = { cost_per_customer = 0.1 }
churn = { factor = 0.9 }
"""
TEXT = BASE.replace("[comparison]", EVERYTHING + "\n[comparison]", 1)


def message(text):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, folder=CONFIGS)
    return str(caught.value)


def test_every_mechanism_of_a_strategy_arrives():
    strategy = build_strategies(parse_config(TEXT, folder=CONFIGS))[-1]
    off = [f.name for f in fields(strategy) if getattr(strategy, f.name) is None]
    assert not off, "a mechanism that a configuration cannot ask for"
    assert strategy.win_back == cs.WinBack(
        silent_for=26.0, cost_per_contact=1.0, most_per_period=50, choose="random", attempts=2
    )
    assert strategy.cross_selling == cs.CrossSelling(budget_per_period=20.0, rule="abc_class", abc="A")
    assert strategy.desk is not None
    assert strategy.desk.wage_per_period == pytest.approx(20.0)
    assert strategy.desk.mean_service_time == pytest.approx(1 / 7)


def test_every_part_of_a_market_can_be_set():
    assert set(mechanism_types()) == set(PARTS)
    parts = overridden_mechanisms(parse_config(TEXT, folder=CONFIGS).market)
    assert parts["referral"] == cs.Referral()
    assert parts["word_of_mouth"].half_life == Duration(26, "W")
    assert parts["competitors"].customers == 5000
    assert parts["win_back"].success == 0.2


def test_the_report_lists_what_a_rule_uses_and_nothing_else():
    settings = strategy_rows(parse_config(TEXT, folder=CONFIGS))[-1]["settings"]
    assert set(settings["retention"]) == {"budget_per_period", "rule", "gaps"}
    assert set(settings["cross_selling"]) == {"budget_per_period", "rule", "abc"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[market.referral]\n", "", "Add the table [market.referral]"),
        (RIVALS, "", "Add the table [market.competitors]"),
        (', gaps = 2.0', "", "needs it. Add gaps"),
        (', abc = "A"', "", "needs it. Add abc"),
        ('abc = "A"', 'abc = "A", gaps = 1.0', "only rule = 'at_risk'"),
        ("price_off = 0.05", "price_off = 1.0", "must be below 1"),
        ("quality = { budget_per_period = 10.0 }", "quality = { }", "neither of budget_share"),
        ("acquisition = { budget_share = 0.1 }", "acquisition = { budget_share = 0.7 }", "add up to 1.1"),
        ('choose = "random"', 'choose = "love"', "all, random, value"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said(old, new, words):
    assert TEXT.count(old) >= 1
    at = TEXT.rindex(old)
    assert words in message(TEXT[:at] + new + TEXT[at + len(old) :])
