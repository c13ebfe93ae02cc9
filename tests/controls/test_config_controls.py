"""Planted errors that reading a configuration must catch, each with its key, its line and a remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from churnsim.errors import ConfigError
from churnsim.study.config.config_file import parse_config, read_config
from churnsim.toml_text import KeyLines

CONFIGS = Path(__file__).parents[2] / "configs"
# Without the intervals of its numbers: the planted errors bring their own.
TEXT = re.sub(
    r', low = [\d._]+, high = [\d._]+|beliefs = "all".*\n', "", (CONFIGS / "cdnow.toml").read_text(encoding="utf-8")
)

LEVERS = "levers = { 'retention.budget_per_period' = [0, 10] }\n"
OVER = "over = { 'terms.margin' = [0.2, 0.4], 'prospects.ceiling' = [0.01, 0.02] }\n"
BELIEF = f"[[belief]]\nname = 'a'\nstrategy = 'baseline'\nmetric = 'npv'\n{OVER}"
TARGETS = """[evidence.targets]
strategy = "baseline"
[[evidence.targets.figure]]
quantity = "purchases"
low = 1
high = 2
source = "the books"
"""
BUDGET = TEXT[TEXT.index("[budget]") : TEXT.index("[[strategy]]")]
# what stands in the file, what is planted, the key a message must name, the remedy it must give
PLANTED = [
    ("replications = 400", "replicatons = 400", "simulation.replicatons", "Did you mean 'replications'?"),
    ("[budget]", "[budgets]", "budgets", "Did you mean 'budget'?"),
    ("margin = {", "margn = {", "market.terms.margn", "Did you mean 'margin'?"),
    ("[market.terms]", "[market]", "market.margin", "It belongs in [market.terms]."),
    ("value = 0.30", 'value = "0.30"', "market.terms.margin.value", "must be a finite number"),
    ("value = 0.30", "value = 30.0", "market.terms.margin", "from 0 to 1"),
    ("value = 0.30", "value = nan", "market.terms.margin.value", "must be a finite number"),
    ("value = 0.10,", "value = 0.10, status = 'seen',", "market.terms.annual_discount_rate.status", "claimed"),
    ("value = 0.10,", "value = 0.10, low = 0.05,", "market.terms.annual_discount_rate", "both ends"),
    ("value = 0.10,", "value = 0.10, level = 0.5,", "market.terms.annual_discount_rate", "both ends"),
    ("value = 0.10,", "value = 0.10, low = 0.2, high = 0.3,", "market.terms.annual_discount_rate", "low <= value"),
    ("value = 0.30,", "value = 0.30, low = 0.2, high = 1.3,", "market.terms.margin", "strictly between 0 and 1"),
    ("value = 0.30,", "value = 0.30, low = 0.2, high = '40%',", "market.terms.margin.high", "finite number"),
    ("value = 0.30,", "value = 0.30, hihg = 0.2,", "market.terms.margin.hihg", "Did you mean 'high'?"),
    ("replications = 400", "replications = 400\nbeliefs = 'some'", "simulation.beliefs", "all, none, stated"),
    ('unit = "W"', 'unit = "week"', "data.unit", "D, H, M, W, Y"),
    ('horizon = "104 W"', 'horizon = "105 W"', "simulation.horizon", "'104 W' or '108 W' would be."),
    ('horizon = "104 W"', 'horizon = "2 years"', "simulation.horizon", "'104 W' or '108 W' would be."),
    ('horizon = "104 W"', "horizon = 104", "simulation.horizon", "Write a number and a unit"),
    ('horizon = "104 W"', 'horizon = "104 fortnights"', "simulation.horizon", "Write a number and a unit"),
    ('epoch = "1 W"', 'epoch = "0 W"', "simulation.epoch", "longer than zero"),
    ('epoch = "1 W"', 'epoch = "3 W"', "simulation.period", "'3 W' or '6 W' would be."),
    ("replications = 400", "replications = 1", "simulation.replications", "must be at least 2"),
    ("replications = 400", "replications = 400.5", "simulation.replications", "whole number"),
    ("replications = 400", "replications = true", "simulation.replications", "whole number"),
    ('workers = "all"', "workers = 0", "simulation.workers", "at least 1, or 'all'"),
    ("seed = 19970101", "seed = -1", "seed", "must be at least 0"),
    ("seed = 19970101", "", "seed", "missing. Add seed"),
    ("1997-09-30", '"30/9/1997"', "data.calibration_end", "year-month-day"),
    ("1997-09-30", "1997-09-30T10:00:00", "data.calibration_end", "the date alone"),
    ("1997-09-30", "1998-09-30", "data.holdout_end", "later than calibration_end, 1998-09-30"),
    ('dataset = "cdnow"', 'dataset = "cdnov"', "data.dataset", "Did you mean 'cdnow'?"),
    ("budget_share = 0.9 }", "budget_share = 0.95 }", "strategy[2]", "add up to 1.05"),
    ("budget_share = 0.9 }", "budget_share = 1.9 }", "strategy[2].acquisition.budget_share", "at most 1"),
    ("{ budget_share = 0.9 }", "{}", "strategy[2].acquisition", "Give exactly one of them."),
    ("per_period = 200.0", "per_period = -200.0", "budget.per_period", "must be above 0"),
    ('rule = "all"', 'rule = "everyone"', "strategy[1].retention.rule", "all, at_risk, p_alive, recent_buyers"),
    ('rule = "all"', 'rule = "all", share = 0.2', "strategy[1].retention.share", "only rule = 'top_value'"),
    ('name = "retention-heavy"', 'name = "baseline"', "strategy[3].name", "Give each its own."),
    ('name = "retention-heavy"', 'name = "Retention heavy"', "strategy[3].name", "lower-case letters"),
    ("staff = 1", "staff = 0", "strategy[4].desk.staff", "at least 1"),
    ('against = "baseline"', 'against = "base-line"', "comparison.against", "Did you mean 'baseline'?"),
    ("level = 0.95", "level = 95", "comparison.level", "below 1"),
    ('"complaint-tree"', '"complaints-tree"', "claims.test[3]", "Did you mean 'complaint-tree'?"),
    ('epoch = "1 W"', 'epoch = "0.00005 W"', "simulation.period", "at most 40,000 are run. Check the units."),
    (BUDGET, "", "strategy[1].acquisition.budget_share", "Add [budget] with per_period"),
    ("[comparison]", f"[optimise]\nstrategy = 'base'\n{LEVERS}[comparison]", "optimise.strategy", "mean 'baseline'?"),
    ("[comparison]", f"[optimise]\n{LEVERS.replace('10', '0')}[comparison]", "optimise.levers", "to a higher"),
    ("[comparison]", f"[sensitivity]\nstrategy = 'baseline'\nagainst = 'baseline'\n{OVER}[comparison]",
     "sensitivity.against", "is the strategy itself."),
    ("[comparison]", f"[sensitivity]\nstrategy = 'base'\n{OVER}[comparison]", "sensitivity.strategy", "'baseline'?"),
    ("[comparison]", f"[sensitivity]\nstrategy = 'baseline'\n{OVER.replace('[0.2', '[0.5')}[comparison]",
     "sensitivity.over.terms.margin", "lower number to a higher"),
    ("[comparison]", f"[sensitivity]\nstrategy = 'baseline'\nmethod = 'sobol'\nsize = 48\n{OVER}[comparison]",
     "sensitivity.size", "power of two"),
    ("[comparison]", f"{BELIEF}above = 2.0\nbelow = 1.0\n[comparison]", "belief[1].below", "higher than above, 2."),
    ("[comparison]", f"{BELIEF}above = 2.0\nrelative = true\n[comparison]", "belief[1].relative", "needs against"),
    ("[comparison]", f"{BELIEF}above = 2.0\n{BELIEF}below = 1.0\n[comparison]", "belief[2].name", "Give each its own."),
    ("[comparison]", "[survey]\nsampled = 100\ninstruments = ['acsi']\n[comparison]", "survey.sampled",
     "Add the table [market.satisfaction]."),
    ('purchases = "bg_nbd"', 'purchases = "choose"', "models.why", "says why it chose"),
    ('purchases = "bg_nbd"', 'leaving = { season = 1 }\npurchases = "bg_nbd"', "models.leaving", "goes with"),
    ("[claims]", "[selection]\nindifference = 1.0\nmax_replications = 100\n[claims]", "selection.max_replications",
     "begin with fewer"),
    ("[market.terms]", f"beliefs = 'none'\n{TARGETS}[market.terms]", "simulation.beliefs", "'stated' or 'all'"),
    ("[market.terms]", f"{TARGETS.replace('line', '')}[market.terms]", "evidence.targets.strategy", "'baseline'?"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "planted", "key", "remedy"), PLANTED, ids=lambda text: str(text)[:40])
def test_planted_error_is_caught(there: str, planted: str, key: str, remedy: str) -> None:
    assert there in TEXT, "the error must be planted in something that exists"
    text = TEXT.replace(there, planted, 1)
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="study.toml", folder=CONFIGS)
    said = str(caught.value)
    assert key in said
    assert remedy in said
    line = next((n for n, row in enumerate(text.splitlines(), 1) if planted and planted.split("=")[0] in row), None)
    assert said.startswith("study.toml")
    assert "line " in said or line is None


@pytest.mark.parametrize(
    "text", ["", "x =", "[a\n", "name = cdnow", "\x00", "[[strategy]]\n" * 3, "seed = 1\nseed = 2"]
)
def test_text_that_is_no_study_is_one_error(text: str) -> None:
    with pytest.raises(ConfigError, match="the configuration"):
        parse_config(text)


@pytest.mark.parametrize("section", ["data", "simulation", "market", "strategy", "claims", "value", "budget"])
@pytest.mark.parametrize("value", ["1", '"text"', "[]", "[1]", "[[1]]", "true"])
def test_a_section_of_the_wrong_kind_is_one_error(section: str, value: str) -> None:
    with pytest.raises(ConfigError, match=section):
        parse_config(f"{section} = {value}\n")


def test_the_unchanged_text_is_accepted() -> None:
    """Without this, a reader that refuses everything would pass every test above."""
    parse_config(TEXT, folder=CONFIGS)


HOSTILE = {
    "nested arrays": ("x = " + "[" * 3_000 + "]" * 3_000, "more than 50 brackets"),
    "nested inline tables": ("x = " + "{a=" * 3_000 + "1" + "}" * 3_000, "more than 50 brackets"),
    "a dotted key": (".".join(["a"] * 50_000) + " = 1", "more than 50 dots"),
    "a dotted header": ("[" + '."a"' * 50_000 + "]", "more than 50 dots"),
    "400 digits": (TEXT.replace("seed = 19970101", "seed = " + "9" * 400), "400 digits in one number"),
    "5,000 digits": (TEXT.replace("seed = 19970101", "seed = " + "9" * 5_000), "thousands of digits"),
    "a big number in the market": (TEXT.replace("value = 0.30", "value = 1" + "0" * 400), "digits in one number"),
    "too long": ("# " + "x" * 1_000_001, "more than 1,000,000 characters"),
    "a day to come": (TEXT.replace("1997-09-30", "9999-12-31"), "has not come yet"),
    "a day beyond nanoseconds": (TEXT.replace("1997-09-30", '"2262-12-31"'), "has not come yet"),
    "a day of long ago": (TEXT.replace("1997-09-30", "0001-01-01"), "too long ago"),
    "a path with a null byte": (TEXT.replace('dataset = "cdnow"', r'path = "a\u0000b"'), "cannot be the path"),
    "a path of 5,000 letters": (TEXT.replace('dataset = "cdnow"', f'path = "{"a" * 5000}"'), "cannot be the path"),
    "a device": (TEXT.replace('dataset = "cdnow"', 'path = "/dev/null"'), "not a regular file"),
    "many strategies": (TEXT + '[[strategy]]\nname = "s"\n' * 300, "at most 200 entries"),
    "many claims": (TEXT.replace('test = ["card-npv"', 'test = ["x"' + ', "x"' * 50_000), "at most 500 entries"),
    "a time of the universe": (TEXT.replace('epoch = "1 W"', 'epoch = "1e308 Y"'), "at most 1,000 years"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_at_once(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_config(text, folder=CONFIGS)


def test_the_time_of_a_refusal_does_not_grow_with_the_square_of_the_text() -> None:
    """10,000 unknown keys: 25 are listed. A search that parses the text once for each line and key takes minutes."""
    keys = "\n".join(f"key{n} = 1" for n in range(10_000))
    with pytest.raises(ConfigError, match=f"line {TEXT.count(chr(10)) + 2}, more: unknown key"):
        parse_config(f"{TEXT}\n[more]\n{keys}", name="study.toml", folder=CONFIGS)
    with pytest.raises(ConfigError, match="more than 25 problems") as caught:
        parse_config(f"{keys}\n{TEXT}", name="study.toml", folder=CONFIGS)
    assert len(str(caught.value).splitlines()) == 26


def test_strategies_are_not_called_too_few_where_one_of_them_is_wrong() -> None:
    start = TEXT.index("[[strategy]]")
    two = TEXT[:start] + '[[strategy]]\nname = "baseline"\n[[strategy]]\nname = "b"\ndesk = { staff = 0 }\n'
    with pytest.raises(ConfigError) as caught:
        parse_config(two, folder=CONFIGS)
    assert "strategy[2].desk.staff" in str(caught.value)
    assert "entries" not in str(caught.value)
    one = TEXT[:start] + '[[strategy]]\nname = "baseline"\n'
    with pytest.raises(ConfigError, match="must have at least 2 entries"):
        parse_config(one, folder=CONFIGS)


def test_a_period_in_another_unit_is_told_what_would_fit_in_that_unit() -> None:
    """104 weeks are 728 / 30.4375 = 23.918 months: 23 months would be, and that is accepted."""
    months = TEXT.replace('period = "4 W"', 'period = "1 M"').replace('epoch = "1 W"', 'epoch = "1 M"')
    with pytest.raises(ConfigError) as caught:
        parse_config(months, folder=CONFIGS)
    assert "is 23.91786448 M, not a whole number of periods of 1 M. '23 M' or '24 M' would be." in str(caught.value)
    assert parse_config(months.replace('horizon = "104 W"', 'horizon = "24 M"'), folder=CONFIGS)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.toml")
    with pytest.raises(ConfigError, match=r"study.toml' is no regular file. Name a TOML file.$"):
        read_config(tmp_path / "study.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "a\0b.toml")


def test_keys_are_found_on_their_lines_whatever_surrounds_them() -> None:
    """Against the lines as counted by eye."""
    text = (
        'a = """\n[x]\n"""\n'  # 1-3
        "b.c = [\n  1, # ]\n  { d = '}' },\n]\n"  # 4-7
        "\n[[t]]\ne = 1\n[t.u]\nf = 2\n"  # 8-12
        '[[t]]\n"g h" = { i = 3 }\n'  # 13-14
    )
    expected = {
        ("a",): 1, ("b",): 4, ("b", "c"): 4, ("b", "c", 1, "d"): 6, ("t",): 9, ("t", 0, "e"): 10,
        ("t", 0, "u", "f"): 12, ("t", 1): 13, ("t", 1, "g h", "i"): 14, ("t", 1, "absent"): 13, ("absent",): None,
    }  # fmt: skip
    lines = KeyLines(text)
    assert {path: lines.of(path) for path in expected} == expected
