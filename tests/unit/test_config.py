"""Reading configurations: what comes out, and what a message says when nothing can."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.errors import ConfigError
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import parse_config, read_config, schema_of
from churnsim.study.config.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.stages.claim_stage import chosen_claims
from churnsim.study.stages.market_stage import build_strategies, strategy_records
from churnsim.toml_text import KeyLines
from churnsim.units import Duration

CONFIGS = Path(__file__).parents[2] / "configs"
TEXT = (CONFIGS / "cdnow.toml").read_text(encoding="utf-8")


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) >= 1, f"the test expects {old!r} in configs/cdnow.toml"
    return TEXT.replace(old, new, 1)


def message(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="study.toml", folder=CONFIGS)
    return str(caught.value)


STUDIES = sorted([*CONFIGS.glob("*.toml"), *CONFIGS.glob("smoke/*.toml")])


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_every_shipped_configuration_is_valid_and_reads_as_it_is_stored(path: Path) -> None:
    """Were its hash another then, no page could be served of its run."""
    config = read_config(path)
    assert isinstance(config, StudyConfig)
    stored = config.canonical()
    assert schema_of(stored).model_validate_json(json.dumps(stored)).canonical() == stored


def test_each_study_has_a_smoke_configuration_of_the_same_keys() -> None:
    def keys(section: object, path: str = "") -> set[str]:
        if not isinstance(section, dict):
            return {path}
        return {key for name, value in section.items() for key in keys(value, f"{path}.{name}")}

    for path in CONFIGS.glob("*.toml"):
        full, smoke = read_config(path).canonical(), read_config(CONFIGS / "smoke" / path.name).canonical()
        assert keys(full) == keys(smoke)
        assert [s["name"] for s in full["strategy"]] == [s["name"] for s in smoke["strategy"]]


def test_values_arrive_typed() -> None:
    config = parse_config(TEXT, folder=CONFIGS)
    assert config.data.calibration_end == date(1997, 9, 30)
    assert config.simulation.horizon.to("W") == 104
    assert config.claims.test is not None
    assert "card-npv" in config.claims.test


def test_claims_are_tested_where_they_are_asked_for() -> None:
    """The whole catalogue simulates for many minutes: a study has to name the table for it."""
    rest = TEXT.partition("[claims]")[0]
    for table, claims in (("", 0), ("[claims]\nquick = true\n", len(CATALOGUE)), ("[claims]\ntest = []\n", 0)):
        assert len(chosen_claims(parse_config(rest + table, folder=CONFIGS))) == claims


def test_durations_are_converted_to_the_unit_of_the_data() -> None:
    text = changed('horizon = "104 W"\nperiod = "4 W"', 'horizon = "728 D"\nperiod = "28 days"')
    assert parse_config(text, folder=CONFIGS).simulation.horizon.to("W") == 104


def test_workers_and_nothing_else_of_the_clock_stay_out_of_the_canonical_form() -> None:
    one = parse_config(changed('workers = "all"', "workers = 1"), folder=CONFIGS)
    assert one.canonical() == parse_config(TEXT, folder=CONFIGS).canonical()
    other = parse_config(changed("replications = 400", "replications = 401"), folder=CONFIGS)
    assert other.canonical() != one.canonical()


def test_a_dated_string_means_the_same_as_a_date() -> None:
    quoted = parse_config(changed("1997-09-30", '"1997-09-30"'), folder=CONFIGS)
    assert quoted.canonical() == parse_config(TEXT, folder=CONFIGS).canonical()


def test_a_configuration_with_windows_line_ends_and_byte_order_mark_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert read_config(path).canonical() == parse_config(TEXT).canonical()


def test_strategies_share_the_budget() -> None:
    config = parse_config(TEXT, folder=CONFIGS)
    assert config.budget is not None
    planned = {row.name: row.budget_per_period for row in strategy_records(config)}
    for name in ("baseline", "acquisition-heavy", "retention-heavy"):
        assert planned[name] == pytest.approx(config.budget.per_period)
    # Asking buyers costs by the purchase, so this one leaves a twentieth of its budget unplanned.
    assert planned["complaint-recovery"] == pytest.approx(0.95 * config.budget.per_period)
    assert planned["no-spending"] == 0


def test_settings_hold_only_what_a_strategy_uses() -> None:
    rows = {row.name: row.settings for row in strategy_records(parse_config(TEXT, folder=CONFIGS))}
    assert rows["no-spending"] == {}
    assert set(rows["baseline"]) == {"acquisition", "retention"}
    assert "within" not in rows["baseline"]["retention"]
    assert rows["retention-heavy"]["retention"]["within"] == 26


def test_market_numbers_carry_their_origin() -> None:
    market = {
        "terms": {"margin": {"value": 0.25, "source": "books of 2025", "status": "claimed"}},
        "complaints": {"failure_share": 0.3, "quick_within": "3 D"},
    }
    parts = overridden_mechanisms(market)
    assert parts["terms"].margin == 0.25
    assert parts["complaints"].quick_within == Duration(3, "D")
    origins = overridden_origins(market)
    assert (origins["terms.margin"].source, origins["terms.margin"].status) == (
        "books of 2025",
        "claimed",
    )
    assert origins["complaints.failure_share"].status == "assumed"


def test_several_problems_come_in_one_error_in_the_order_of_the_file() -> None:
    text = changed("seed = 19970101", 'seed = "x"').replace('unit = "W"', 'unit = "X"')
    said = message(text)
    assert said.startswith("study.toml has 2 problems:")
    assert said.index("seed") < said.index("data.unit")


def test_a_key_of_an_array_of_tables_is_found_on_its_own_line() -> None:
    lines = TEXT.splitlines()
    line = KeyLines(TEXT).of(("strategy", 2, "retention", "rule"))
    assert line is not None
    assert "recent_buyers" in lines[line - 1]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file '.*absent\.toml'"):
        read_config(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="is a directory"):
        read_config(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes('title = "Zürich"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"not UTF-8 text .* Save it as UTF-8"):
        read_config(latin)


def test_a_relative_data_path_starts_at_the_configuration(tmp_path: Path) -> None:
    text = changed('dataset = "cdnow" ', 'path = "log.csv"')
    assert "there is no file" in message(text)
    (tmp_path / "log.csv").write_text("customer_id,date,amount\n")
    config = parse_config(text, folder=tmp_path)
    assert config.folder == tmp_path


def test_the_experiment_and_its_configuration_mean_the_same_strategies() -> None:
    path = CONFIGS.parent / "experiments" / "cdnow.py"
    spec = importlib.util.spec_from_file_location("cdnow_experiment", path)
    assert spec is not None
    assert spec.loader is not None
    experiment = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(experiment)
    config = parse_config(TEXT, folder=CONFIGS)
    assert config.budget is not None
    named = [replace(strategy, title="", description="") for strategy in build_strategies(config)]
    assert named == list(experiment.strategies(config.budget.per_period))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('dataset = "cdnow" ', "amount = 5 ", r"data\.amount = 5: must be text in quotes, or false\."),
        (
            "[comparison]",
            '[sensitivity]\nstrategy = "baseline"\nover = { "terms.margin" = "record", "x" = "recorded" }'
            "\n[comparison]",
            r"sensitivity\.over\.terms\.margin = 'record': must be a list, or 'recorded'\.",
        ),
    ],
)
def test_a_value_of_several_kinds_is_wrong_in_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (CONFIGS / "smoke" / "cdnow.toml").read_text(encoding="utf-8")
    (tmp_path / "a.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        read_config(tmp_path / "a.toml")
    assert "literal" not in str(caught.value)
