"""Truth: mechanics. Every mechanism can be asked for in a configuration, and one that would do nothing is refused."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.evidence.assumptions import assumptions
from churnsim.records.run import AssumptionRecord
from churnsim.simulation.core.scores import CustomerScores
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.mechanisms.targeting import RULE_SETTINGS, needed_settings
from churnsim.simulation.scenario.beliefs import market_beliefs
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Acquisition, Strategy
from churnsim.study.config.config_file import parse_config
from churnsim.study.config.market_overrides import (
    mechanism_types,
    overridden_beliefs,
    overridden_mechanisms,
    overridden_origins,
)
from churnsim.study.config.strategy_sections import StrategySection
from churnsim.study.stages.comparison_stage import with_shares
from churnsim.study.stages.earlier_runs import outcome_keys
from churnsim.study.stages.kind import stages_of
from churnsim.study.stages.market_stage import (
    build_strategies,
    strategy_records,
    unjudged_strategies,
    with_beliefs,
)
from churnsim.units import Duration

CONFIGS = Path(__file__).parents[2] / "configs"
# Without [models] and beliefs: the tests name their own, or none.
BASE = re.sub(r"\[models\]\n(?:.+\n)+|beliefs = \"all\".*\n", "", (CONFIGS / "cdnow.toml").read_text(encoding="utf-8"))
UNDER_CONTRACT = (CONFIGS / "smoke" / "telco.toml").read_text(encoding="utf-8")
RIVALS = """[market.competitors]
customers = { value = 5000, source = "trade press", status = "published (behaviour)" }
"""
EVERYTHING = """
[market.referral]
[market.word_of_mouth]
half_life = "26 W"
[market.competitors]
customers = { value = 5000, source = "trade press", status = "published (behaviour)" }
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
    # Subscribers alone renew a contract: those of a study of purchases have none.
    assert off == ["renewal_offers"], "a mechanism that a configuration cannot ask for"
    assert strategy.win_back == cs.simulation.WinBack(
        silent_for=26.0, cost_per_contact=1.0, most_per_period=50, choose="random", attempts=2
    )
    assert strategy.cross_selling == cs.simulation.CrossSelling(budget_per_period=20.0, rule="abc_class", abc="A")
    assert strategy.desk is not None
    assert strategy.desk.wage_per_period == pytest.approx(20.0)
    assert strategy.desk.mean_service_time == pytest.approx(1 / 7)


def test_every_part_of_a_market_can_be_set():
    parts = overridden_mechanisms(parse_config(TEXT, folder=CONFIGS).market)
    assert parts["referral"] == cs.simulation.Referral()
    assert parts["word_of_mouth"].half_life == Duration(26, "W")
    assert parts["competitors"].customers == 5000
    assert parts["win_back"].success == 0.2


def test_the_report_lists_what_a_rule_uses_and_nothing_else():
    settings = strategy_records(parse_config(TEXT, folder=CONFIGS))[-1].settings
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
        ("quality = {", "qality = {", "Did you mean 'quality'?"),
        ("gaps = 2.0", "gaps = 2.0, max_effect = 0.2", "It belongs in [market.retention]."),
        ("[market.referral]\n", "[market.referral]\n[market.desk]\nstaff = 1\n", "write it below a [[strategy]]"),
        ("success = 0.2", "success = 0.2\nhalf_life = 26", "26 is not a duration"),
        ("success = 0.2", "success = 20", "success must be from 0 to 1"),
        ('[[strategy]]\nname = "everything"', '[strategy]\nname = "everything"', "write [[strategy]] with two"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said(old, new, words):
    assert TEXT.count(old) >= 1
    at = TEXT.rindex(old)
    assert words in message(TEXT[:at] + new + TEXT[at + len(old) :])


# What a market is made of rather than set to: the data and the fits give it.
MADE = {"customers", "purchases", "spend", "draws", "beliefs", "origins"}
COHORT = {"customers": cs.Cohort(size=1), "spend": cs.simulation.FixedSpend(amount=1.0)}
SCORES = "customer_id,score\n7,0.5\n12,2.0\n"


def keys_of(section, name):
    """The keys of the table that a section has for a mechanism."""
    if name not in section.model_fields:
        return set()
    kinds = [kind for kind in get_args(section.model_fields[name].annotation) if hasattr(kind, "model_fields")]
    return set(kinds[0].model_fields)


def without_key(strategy, section):
    """Fields of a strategy's mechanisms that no table of a configuration has a key for."""
    return [
        f"{name}.{field.name}"
        for name, kind in parts_of(strategy).items()
        for field in fields(kind)
        if field.name not in keys_of(section, name)
    ]


def test_each_field_of_each_mechanism_has_a_key():
    assert without_key(Strategy, StrategySection) == []
    tables = set(mechanism_types()) | {f.name for f in fields(Market) if "origin" in f.metadata}
    assert {f.name for f in fields(Market)} - MADE == tables
    undocumented = [
        f"{name}.{f.name}"
        for name, kind in mechanism_types().items()
        for f in fields(kind)
        if not {"origin", "named"} & set(f.metadata)
    ]
    assert undocumented == [], "a number of the market without unit and source cannot be set"


@dataclass(frozen=True, kw_only=True)
class Louder(Acquisition):
    volume: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Longer(Strategy):
    acquisition: Louder | None = None
    gifts: Acquisition | None = None


def test_control_a_field_without_a_key_is_noticed():
    assert without_key(Longer, StrategySection) == ["acquisition.volume", "gifts.budget_per_period", "gifts.channels"]


def written(name, field):
    """The table that sets one field of a mechanism to something other than its default, and what must arrive."""
    kind = parts_of(Strategy)[name]
    hints = get_type_hints(kind)
    rule = {"rule": RULE_SETTINGS[field][0]} if field in RULE_SETTINGS else {}
    needed = {f.name for f in fields(kind) if f.default is f.default_factory} | {field}  # neither: MISSING
    if rule:
        needed |= set(needed_settings(rule["rule"]))
    values = {key: example(key, hints[key]) for key in sorted(needed)} | rule
    table = ", ".join(f"{key} = {value!r}" for key, value in values.items()).replace("'", '"')
    return f"{name} = {{ {table} }}", values[field]


def example(key, hint):
    if key in ("silent_for", "within", "mean_service_time"):
        return "3 W"
    if key == "notice":
        return "3 M"
    if key == "scores":
        return "scores.csv"
    if key == "choose":
        return "random"
    if key == "rule":
        return "all"
    if key == "abc":
        return "B"
    if key == "p_alive_above":
        return 0.1
    return 3 if int in (hint, *get_args(hint)) else 0.25


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("configs")
    (folder / "scores.csv").write_text(SCORES, encoding="utf-8")
    return folder


FIELDS = [(name, f.name) for name, kind in parts_of(Strategy).items() for f in fields(kind) if f.name != "channels"]
NUMBERS = [(name, f) for name, kind in mechanism_types().items() for f in fields(kind) if "origin" in f.metadata]


def with_tables(text, tables):
    """A study with more tables in it."""
    return text.replace("[comparison]", f"{tables}\n[comparison]", 1)


@pytest.mark.parametrize(("name", "field"), FIELDS, ids=".".join)
def test_each_field_of_a_strategy_arrives(name, field, folder):
    table, value = written(name, field)
    base = UNDER_CONTRACT if name == "renewal_offers" else BASE
    text = with_tables(base, f'[market.referral]\n{RIVALS}[[strategy]]\nname = "tried"\n{table}')
    strategy = build_strategies(parse_config(text, folder=folder))[-1]
    found = getattr(getattr(strategy, name), field)
    if field == "within" and name == "renewal_offers":
        assert found == pytest.approx(21 * 12 / 365.25)  # three weeks in months
    elif field == "scores":
        assert found == CustomerScores.of({"7": 0.5, "12": 2.0})
    else:
        assert found == (3.0 if value in ("3 W", "3 M") else value)


@pytest.mark.parametrize(("name", "field"), NUMBERS, ids=lambda part: getattr(part, "name", part))
def test_each_number_of_a_market_arrives(name, field, tmp_path):
    if isinstance(field.default, Duration):
        wanted = Duration(field.default.value * 1.5, field.default.unit)
        value = f'"{wanted.value} {wanted.unit}"'
    else:
        usual = getattr(field.default, "times", field.default)
        value = wanted = usual * 2 if usual >= 1 else usual / 2 or 0.5
    own = (
        "[market.",
        "margin",
        "annual_discount_rate",
        "size",
        "ceiling",
        "spend_scale",
    )  # the tables that the study has already
    text = "\n".join(line for line in BASE.splitlines() if not line.startswith(own))
    given = f'[market.{name}]\n{field.name} = {{ value = {value}, source = "a trial" }}'
    if name == "own_series":
        (tmp_path / "mails.csv").write_text("customer_id,date,mails\n1,1997-01-01,1\n", encoding="utf-8")
        given += f"\n[data.series]\npath = '{tmp_path / 'mails.csv'}'"
    config = parse_config(with_tables(text, given), folder=CONFIGS)
    assert getattr(overridden_mechanisms(config.market)[name], field.name) == wanted
    assert overridden_origins(config.market)[f"{name}.{field.name}"].source == "a trial"


CHANNELS = """[market.prospects.channels.search]
ceiling = { value = 0.01, low = 0.005, high = 0.02, source = "our tests" }
[market.prospects.channels."direct mail"]
[[strategy]]
name = "tried"
acquisition = { budget_per_period = 100.0, channels = { search = 0.6, "direct mail" = 0.3 } }
"""


def test_channels_of_acquisition_arrive():
    config = parse_config(with_tables(BASE, CHANNELS), folder=CONFIGS)
    strategy = build_strategies(config)[-1]
    assert strategy.acquisition.by_channel() == pytest.approx({"": 10.0, "direct mail": 30.0, "search": 60.0})
    prospects = overridden_mechanisms(config.market)["prospects"]
    assert prospects.channels == {
        "direct mail": cs.simulation.AcquisitionChannel(),
        "search": cs.simulation.AcquisitionChannel(ceiling=0.01),
    }
    name = "prospects.channels.search.ceiling"
    assert overridden_origins(config.market)[name].source == "our tests"
    assert overridden_beliefs(config.market, "W")[name].high == 0.02


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{ search =", "{ serch =", "strategy[6].acquisition.channels.serch: is none of the market's. Add [market.pro"),
        ("ceiling = { value = 0.01", "celing = { value = 0.01", "search.celing: unknown key. Did you mean 'ceiling'?"),
        ("high = 0.02", "high = 1.5", "market.prospects.channels.search.ceiling: the interval of a beta law"),
        ("search = 0.6", "search = 1.6", "must be at most 1"),
        ('.channels."direct mail"]', '.chanels."direct mail"]', "Did you mean 'channels'?"),
        ('channels."direct mail"]', "channels]\nmail = 0.2", "must be tables by name"),
    ],
)  # fmt: skip
def test_channels_that_cannot_work_are_said(old, new, words):
    text = with_tables(BASE, CHANNELS)
    assert text.count(old) == 1
    assert words in message(text.replace(old, new))


def test_the_regularity_of_a_market_arrives():
    given = '[market]\nregularity = { value = 3, source = "gaps in our log", status = "assumed" }\n'
    said = parse_config(with_tables(BASE, given), folder=CONFIGS).market
    purchases = cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0)
    market = Market(**COHORT, purchases=purchases, origins=overridden_origins(said), **overridden_mechanisms(said))
    assert market.regularity == 3
    row = assumptions(market).set_index("parameter").loc["regularity"]
    assert (row["value"], row["source"], row["status"]) == (3.0, "gaps in our log", "assumed")


def test_the_beliefs_of_a_configuration_are_drawn():
    own = """[market.win_back]
half_life = { value = "26 W", low = "3 M", high = "2 Y", source = "our log", status = "published (intention)" }
dropout_factor = 1.7
success = { value = 0.3, low = 0.2, high = 0.4, level = 0.5, law = "normal" }
"""
    config = parse_config(with_tables(BASE, own), folder=CONFIGS)
    purchases = cs.BGNBD(r=1.0, alpha=1.0, a=1.0, b=1.0)
    plain = Market(
        **COHORT, purchases=purchases, origins=overridden_origins(config.market), **overridden_mechanisms(config.market)
    )
    stated = with_beliefs(config, plain).beliefs
    also = set(with_beliefs(parse_config(BASE, folder=CONFIGS), plain).beliefs)
    assert set(stated) - also == {"win_back.half_life", "win_back.success"}
    assert also == {"terms.margin", "terms.annual_discount_rate"} | {
        "prospects.size", "prospects.ceiling", "prospects.spend_scale", "retention.spend_scale",
    }  # fmt: skip
    half_life, success = stated["win_back.half_life"], stated["win_back.success"]
    assert (half_life.value, round(half_life.low), round(half_life.high), half_life.law) == (
        26.0,
        13,
        104,
        "log-normal",
    )
    assert (half_life.source, half_life.status, half_life.level) == ("our log", "published (intention)", 0.9)
    assert (success.law, success.level, success.status, success.source) == (
        "normal", 0.5, "assumed", "this configuration",
    )  # fmt: skip
    for asked, count in (("none", 0), ("all", len(market_beliefs(plain)))):
        section = config.simulation.model_copy(update={"beliefs": asked})
        drawn = with_beliefs(config.model_copy(update={"simulation": section}), plain)
        assert len(drawn.beliefs) == count
    assert drawn.beliefs["win_back.success"] == success
    assert drawn.beliefs["win_back.dropout_factor"].high == pytest.approx(1.7 * 2)


@pytest.mark.parametrize("value", ["2.5", "0", "-1", '"3"', "true", "{ source = 'x' }"])
def test_a_regularity_that_cannot_be_is_refused(value):
    assert "market.regularity" in message(with_tables(BASE, f"[market]\nregularity = {value}"))


def test_a_model_of_regular_buyers_brings_its_own_k():
    regular = cs.models.MBGCNBD(r=1.0, alpha=1.0, a=1.0, b=1.0, k=3)
    market = Market(**COHORT, purchases=regular)
    assert market.gap_stages == 3
    shown = assumptions(market).set_index("parameter")
    assert shown.loc["purchases.k", "value"] == 3.0
    assert "regularity" not in shown.index
    with pytest.raises(ConfigError, match="its own 3 stages"):
        Market(**COHORT, purchases=regular, regularity=2)


SCORED = 'retention = { budget_share = 0.5, rule = "score", share = 0.2, scores = "scores.csv", unscored = 1.0 }'


def scored():
    return with_tables(BASE, f'[[strategy]]\nname = "scored"\n{SCORED}')


def test_scores_of_a_file_find_their_customers(folder):
    config = parse_config(scored(), folder=folder)
    strategy = build_strategies(config, pd.Index([7, 9, 12]))[-1]
    assert strategy.retention.scores == CustomerScores.of({7: 0.5, 12: 2.0})
    assert strategy.retention.unscored == 1.0
    settings = strategy_records(config)[-1].settings["retention"]
    assert settings == {
        "budget_per_period": 100.0, "rule": "score", "share": 0.2, "scores": "scores.csv", "unscored": 1.0
    }  # fmt: skip


def test_other_scores_make_another_study(folder, tmp_path):
    (tmp_path / "scores.csv").write_text(SCORES.replace("2.0", "3.0"), encoding="utf-8")
    here, there = (outcome_keys(parse_config(scored(), folder=place), "data") for place in (folder, tmp_path))
    assert {name for name in here if here[name] != there[name]} == {"scored"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SCORES.replace("2.0", "high"), "line 3: the score 'high' is not a finite number"),
        (SCORES.replace("2.0", "nan"), "line 3: the score 'nan'"),
        (SCORES.replace("12", "7"), "line 3: customer '7' is scored twice"),
        (SCORES.replace("12", "13").replace("7", "8"), "none of the study's 3 customers, who have ids such as '7'"),
        ("customer,score\n7,1\n", "no column 'customer_id'"),
    ],
)
def test_scores_that_cannot_be_used_are_said(content, words, tmp_path):
    (tmp_path / "scores.csv").write_text(content, encoding="utf-8")
    with pytest.raises(cs.errors.DataError, match=words):
        build_strategies(parse_config(scored(), folder=tmp_path), pd.Index([7, 9, 12]))


def test_a_file_of_scores_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match=r"scores = 'scores.csv': there is no file"):
        parse_config(scored(), folder=tmp_path)


OFFERS = '[[strategy]]\nname = "tried"\nrenewal_offers = { notice = "2 M", discount = 0.1, RULE }'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (with_tables(BASE, OFFERS.replace(", RULE", "")), "only subscribers under contract renew it"),
        (
            with_tables(UNDER_CONTRACT, OFFERS.replace('"2 M", discount = 0.1, RULE', '"2 W", discount = 0.1')),
            "renewal_offers.notice = '2 W': is shorter than simulation.period",
        ),
        (
            with_tables(UNDER_CONTRACT, OFFERS.replace("RULE", 'rule = "score", share = 0.5')),
            "renewal_offers.scores: rule = 'score' needs it",
        ),
        (
            with_tables(BASE, SCORED.join(['[[strategy]]\nname = "tried"\n', ""]).replace("scores.csv", "churn_model")),
            "there is a churn model in a study of subscribers alone",
        ),
    ],
)
def test_what_belongs_to_contracts_is_said(text, words):
    assert words in message(text)


def test_the_churn_model_of_the_study_can_say_whom_to_offer():
    asked = OFFERS.replace("RULE", 'rule = "score", share = 0.5, scores = "churn_model"')
    config = parse_config(with_tables(UNDER_CONTRACT, asked), folder=CONFIGS)
    scores = CustomerScores.of({7: 0.5})
    strategy = build_strategies(config, pd.Index([7]), {"churn_model": scores})[-1]
    assert strategy.renewal_offers == cs.simulation.RenewalOffers(
        notice=2.0, discount=0.1, cost_per_offer=0.0, rule="score", share=0.5, scores=scores
    )
    assert strategy_records(config)[-1].settings["renewal_offers"]["scores"] == "churn_model"


def test_what_subscribers_stay_by_makes_other_ledgers():
    keys = [
        outcome_keys(parse_config(UNDER_CONTRACT.replace('"regression"', kind), folder=CONFIGS), "data")
        for kind in ('"regression"', '"curve"')
    ]
    assert all(keys[0][name] != keys[1][name] for name in keys[0])


def test_what_no_strategy_can_hold_names_the_strategy():
    config = parse_config(TEXT.replace("cost_per_purchase = 0.05", "cost_per_purchase = 0.051"), folder=CONFIGS)
    with pytest.raises(ConfigError, match=r"strategy '.*': cost_per_purchase must be a whole number of cents"):
        build_strategies(config)


def test_a_customer_may_tell_nobody_but_no_half_ones():
    told = "[market.word_of_mouth]\ndissatisfied_tell = "
    parts = overridden_mechanisms(parse_config(with_tables(BASE, told + "0"), folder=CONFIGS).market)
    assert parts["word_of_mouth"].dissatisfied_tell == 0
    assert "must be a whole number, such as 11" in message(with_tables(BASE, told + "2.5"))


REGULAR = '[models]\npurchases = "{}"\n'


@pytest.fixture(scope="module")
def regular(tmp_path_factory):
    """200 customers with Erlang-4 gaps of 20 days on average, who leave after a fifth of their purchases."""
    folder, generator = tmp_path_factory.mktemp("regular"), np.random.default_rng(4)
    rows = ["customer_id,date,amount"]
    for customer in range(200):
        day = float(generator.integers(0, 90))
        while day < 365:
            rows.append(f"{customer},{date(2024, 1, 1) + timedelta(days=int(day))},{generator.uniform(5, 30):.2f}")
            if generator.random() < 0.2:
                break
            day += generator.gamma(4, 5.0)
    (folder / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def fitted(folder, tables):
    """A study of the regular customers, and its stages, data and fits."""
    text = BASE.replace('dataset = "cdnow"', 'path = "log.csv"').replace("1997-09-30", "2024-09-30")
    text = text.replace("1998-06-30", "2024-12-30").replace("replications = 400", "replications = 3")
    config = parse_config(with_tables(text, tables), folder=folder)
    stages = stages_of(config)
    data = stages.load(config)
    return config, stages, data, stages.fit(config, data)


def test_a_study_that_names_no_model_chooses_it_by_the_holdout_and_says_why(regular):
    """Gaps are Erlang-4: the one family that reads how regular they are foresees the counts best. NBD's score is that
    of its negative binomial law given a history."""
    _, _, data, fits = fitted(regular, "")
    assert fits.choice.chosen == fits.purchases.model.family == "mbg_cnbd"
    assert "Use mbg_cnbd" in fits.choice.why
    scores = {row["model"]: row["log_score"] for row in fits.choice.table}
    assert set(scores) == {"nbd", "bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd"}
    own, split = cs.NBD.fit(data.split, unit=data.unit).model, data.split
    known = own.alpha + split["T"]
    law = nbinom(own.r + split["frequency"], known / (known + split["T_holdout"]))
    assert scores["nbd"] == pytest.approx(law.logpmf(split["frequency_holdout"]).mean(), rel=1e-9)


def test_under_nbd_strategies_that_keep_customers_are_not_ranked(regular):
    """Nobody leaves by NBD: simulated purchases have its closed-form mean, and a strategy that keeps customers, or is
    compared with one, cannot be judged."""
    config, stages, data, fits = fitted(regular, REGULAR.format("nbd"))
    assert fits.nobody_leaves
    assert "nobody leaves" in [warning.code for warning in fits.warnings()]
    strategies = build_strategies(config)
    assumed = stages.market(config, data, fits)
    rows = unjudged_strategies(strategies, assumed, against="no-spending", nobody_leaves=True)
    assert [row.strategy for row in rows] == [s.name for s in strategies if s.name != "no-spending"]
    lifting = dataclasses.replace(assumed, retention=dataclasses.replace(assumed.retention, purchase_lift=1.2))
    assert not unjudged_strategies(strategies[:1], lifting, against="no-spending", nobody_leaves=True)
    assert unjudged_strategies(
        [cs.Strategy(name="club", social_bond=cs.simulation.SocialBond(joins=0.1, cost_per_member=1.0))],
        lifting,
        against="s",
        nobody_leaves=True,
    )
    assert "so that keeping customers could earn nothing" in rows[0].reason
    rows = unjudged_strategies(strategies, assumed, against="baseline", nobody_leaves=True)
    assert "compared with 'baseline'" in rows[-1].reason
    assert not unjudged_strategies(strategies, assumed, against="baseline", nobody_leaves=False)
    market = dataclasses.replace(assumed, draws=())
    found = cs.compare(market, [cs.Strategy(name="s")], replications=20, seed=1, horizon=24).levels("purchases")
    expected = float(fits.purchases.model.expected_purchases(data.summary, 24.0).sum())
    assert abs(found["mean"][0] - expected) < 4 * found["sd"][0] / 20**0.5


@pytest.mark.parametrize("family", ["bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd", "nbd"])
def test_a_study_goes_on_with_the_model_it_asks_for(family, regular):
    """The fit's own k reaches the simulation with it, in each of the parameter draws."""
    config, stages, data, fits = fitted(regular, REGULAR.format(family) + 'why = "in the paper"\n')
    assert fits.choice.why == f"{family} is named by the configuration: in the paper"
    market = stages.market(config, data, fits)
    assert {fits.purchases.model.family, fits.purchases_calibration.model.family} == {family}
    assert fits.records()["purchases"].family == family
    assert market.in_replication(2, seed=1).purchases.family == family
    if family == "mbg_cnbd":
        assert 2 <= fits.purchases.model.k <= 6
    assert market.in_replication(2, seed=1).gap_stages == getattr(fits.purchases.model, "k", 1)
    scenario = cs.Scenario(market=market, strategy=cs.Strategy(name="s"), horizon=8.0, period=4.0, epoch=1.0)
    assert cs.simulate(scenario, seed=1, replication=2).count("purchases").sum() > 0


def test_models_that_do_not_fit_the_study_are_refused():
    assert "Did you mean 'mbg_nbd'?" in message(with_tables(BASE, REGULAR.format("mbg_nb")))
    twice = REGULAR.format("mbg_cnbd") + "[market]\nregularity = 2\n"
    assert "market.regularity: 'mbg_cnbd' is fitted with its own" in message(with_tables(BASE, twice))
    told = '[data.covariates]\npath = "people.csv"\nrate = ["age"]\n' + REGULAR.format("mbg_cnbd")
    assert "models.purchases = 'mbg_cnbd': has no covariates. Use one of 'bg_nbd'" in message(with_tables(BASE, told))
    why = REGULAR.format("choose") + 'why = "in the paper"\n'
    assert "models.why: is of a family that is named" in message(with_tables(BASE, why))
    telco = (CONFIGS / "smoke" / "telco.toml").read_text(encoding="utf-8")
    assert "models: has no part in a study of subscribers" in message(with_tables(telco, REGULAR.format("bg_nbd")))
    keys = [
        outcome_keys(parse_config(with_tables(BASE, REGULAR.format(f)), folder=CONFIGS), "d")
        for f in ("bg_nbd", "mbg_nbd")
    ]
    assert not set(keys[0].values()) & set(keys[1].values())


def test_the_share_of_each_drawn_number_is_told_beside_it(cohort_market):
    """Only the margin is drawn: nearly all of the variance of the difference between spending and not goes with it."""
    config = parse_config(BASE, folder=CONFIGS)
    margin = cs.evidence.Belief(value=0.3, low=0.01, high=0.9, status="assumed", source="a guess")
    market = dataclasses.replace(cohort_market(300, failure_share=0.0), beliefs={"terms.margin": margin})
    contacts = cs.simulation.RetentionContacts(budget_per_period=1.0)
    strategies = [
        cs.Strategy(name="no-spending"),
        cs.Strategy(name="baseline", retention=contacts),
        cs.Strategy(name="acquisition-heavy", churn=cs.simulation.ChurnChange(factor=0.2)),
    ]
    comparison = cs.compare(market, strategies, replications=25, seed=config.seed, horizon=24.0)
    rows = with_shares(AssumptionRecord.of_frame(assumptions(market, strategies)), comparison, config, market)
    shares = {row.parameter: row.share for row in rows if row.share is not None}
    assert list(shares) == ["terms.margin"]
    assert shares["terms.margin"] > 0.7
    assert {row.answer for row in rows} == {"", "npv of acquisition-heavy less that of no-spending"}
    few = cs.compare(market, strategies, replications=5, seed=config.seed, horizon=4.0)
    assert not [row for row in with_shares(rows[:0], few, config, market) if row.share]


def test_a_fit_that_is_no_better_than_one_without_leaving_shows_nobody_leaving(tmp_path):
    """Poisson buyers who never leave, under a family with dropout: its likelihood is that of NBD within the noise, so
    that keeping customers is not judged. Where they do leave it is."""
    generator = np.random.default_rng(8)
    for stays, ranked in ((1.0, False), (0.7, True)):
        rows = ["customer_id,date,amount"]
        for customer in range(150):
            day, gap = float(generator.integers(0, 90)), 20.0 / generator.gamma(3.0, 1 / 3)
            while day < 365:
                rows.append(f"{customer},{date(2024, 1, 1) + timedelta(days=int(day))},{generator.uniform(5, 30):.2f}")
                if generator.random() > stays:
                    break
                day += generator.exponential(gap)
        (tmp_path / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        fits = fitted(tmp_path, REGULAR.format("bg_nbd"))[-1]
        assert fits.nobody_leaves != ranked, fits.purchases.status
