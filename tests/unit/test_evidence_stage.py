"""Mechanics: a study measures its market by the firm's own records, of which the made-up shop knows the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.statistical.simulated_records import offering, spending
from typer.testing import CliRunner

from churnsim.cli.app import app
from churnsim.data.database.database import CustomerDatabase
from churnsim.data.datasets import shop
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.evidence import assumptions, spend_evidence
from churnsim.records.base import STORED
from churnsim.records.evidence import EvidenceRecord
from churnsim.records.evidence_findings import EvidenceFindings
from churnsim.simulation.core.belief import STATUSES
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import parse_config
from churnsim.study.runner import RunSession, study_checksum
from churnsim.study.stages.contract_stages import ContractStages
from churnsim.study.stages.evidence_findings import _change, _verdict
from churnsim.study.stages.evidence_stage import check_records, evidence_checksum, measured_market
from churnsim.study.stages.market_stage import build_strategies, with_amounts
from churnsim.study.stages.stages import Stages
from churnsim.study.storage.executor import Executor
from churnsim.study.storage.progress import Silent
from churnsim.study.storage.store import RunStore, read_json

TEXT = (Path(__file__).parents[2] / "configs" / "smoke" / "evidence.toml").read_text(encoding="utf-8")
QUICK = """[evidence.complaints]
[evidence.referrals]
[evidence.win_backs]
control = "none"
chance = { none = 0.5, call = 0.5 }
"""
END_OF_SHOP = pd.Timestamp("2024-12-29")
START, END = TEXT.index("[evidence.contacts]"), TEXT.index("[market.terms]")


def study(evidence: str = QUICK, folder: Path = Path("."), **changes: tuple[str, str]) -> StudyConfig:
    """The smoke study with other tables of records; words in `changes` replace those of the text."""
    text = TEXT[:START] + evidence + TEXT[END:]
    for there, planted in changes.values():
        assert there in text
        text = text.replace(there, planted, 1)
    return parse_config(text, folder=folder)


@pytest.fixture(scope="module")
def known() -> Any:
    """The shop's data and fits, and the market as it is assumed."""
    stages, config = Stages(), study()
    data = stages.load(config)
    fits = stages.fit(config, data)
    return data, fits, stages.market(config, data, fits)


def measured(config: StudyConfig, known: Any, store: RunStore | None = None) -> Any:
    """The market as measured, the record and the failures."""
    failed: dict[str, Exception] = {}

    @contextmanager
    def edge(kind: str) -> Iterator[None]:
        try:
            yield
        except (ConfigError, DataError, FitError) as error:
            failed[kind] = error

    data, fits, market = known
    return *measured_market(
        config, data, fits, market, strategies=build_strategies(config), executor=Executor(workers=1), edge=edge,
        watch=Silent(), store=store,
    ), failed  # fmt: skip


TARGETS = """[evidence.targets]
strategy = "baseline"
draws = 50
[[evidence.targets.figure]]
quantity = "{0}"
low = {1}
high = {2}
source = "who said by whom they were referred"
"""
GUESSED = (
    "[market.terms]",
    '[market.referral]\nrate_per_year = { value = 0.05, low = 0.01, high = 0.4, source = "a guess" }\n[market.terms]',
)


def calibrated(known: Any, quantity: str, low: float, high: float, every: int, store: RunStore | None = None) -> Any:
    """The market of every so manieth customer, calibrated to a figure of half a year; nothing else is uncertain."""
    config = study(
        TARGETS.format(quantity, low, high), guess=GUESSED, horizon=('horizon = "8 W"', 'horizon = "24 W"'),
        beliefs=('beliefs = "all"', 'beliefs = "stated"\nparameter_uncertainty = false'),
        epoch=('epoch = "1 W"', 'epoch = "4 W"'),
    )  # fmt: skip
    data, fits, _ = known
    market = Stages().market(config, data, fits)
    market = replace(market, customers=PosteriorBase(with_amounts(data.summary).iloc[::every]))
    return *measured(config, (data, fits, market), store), market


def test_records_of_people_who_had_bought_nothing_are_set_aside_where_asked(known: Any, tmp_path: Path) -> None:
    """As complaints about orders that were cancelled, which are no purchases."""
    complaints = shop().complaints
    early = complaints.iloc[:3].assign(at=pd.Timestamp("2000-01-01"), answered_at=pd.NaT)
    pd.concat([complaints, early]).to_csv(tmp_path / "complaints.csv", index=False)
    table = '[evidence.complaints]\npath = "complaints.csv"\n'
    _, _, failed = measured(study(table, tmp_path), known)
    assert "3 of" in str(failed["complaints"])
    assert "on_bad = 'set_aside' in [evidence.complaints]" in str(failed["complaints"])
    _, record, failed = measured(study(table + 'on_bad = "set_aside"\n', tmp_path), known)
    assert not failed
    assert "3 had bought nothing by then" in " ".join(check.message for check in record.measured[0].checks)
    plain, _, _ = measured(study("[evidence.complaints]\n"), known)
    aside, _, _ = measured(study(table + 'on_bad = "set_aside"\n', tmp_path), known)
    assert aside.beliefs == plain.beliefs, "the rest is measured as if they were not there"


def test_a_figure_of_the_shop_moves_a_guess_to_the_truth(
    known: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the shop's own purchases: who came by referral in its last half year, a sixth of them for a sixth of the
    customers. The truth is three times the guess."""
    made = shop()
    came = made.purchases.groupby("customer_id")["date"].min()
    referred = came[came.index.isin(made.referrals["referred_id"])]
    count = (referred > END_OF_SHOP - pd.Timedelta(weeks=24)).sum() / 6
    store = RunStore(tmp_path)
    market, found, failed, before = calibrated(known, "births_referred", count - 3, count + 3, 6, store)
    assert not failed
    (number,), truth = found.calibration.numbers, made.truth["referral.rate_per_year"]
    assert number.parameter == "referral.rate_per_year"
    assert before.referral.rate_per_year == number.before == 0.05
    assert number.low < truth < number.high
    assert abs(np.log(number.value / truth)) < abs(np.log(number.before / truth)) / 2
    assert number.most == "births_referred"
    assert number.status == "measured here (observational)"
    assert number.source == "a guess; by calibration to births_referred"
    (figure,), (table,) = found.calibration.targets, found.measured
    assert abs(figure.after - count) < abs(figure.before - count)
    assert (table.kind, table.rows, [check.passed for check in table.checks[:1]]) == ("targets", 1, [True])
    # Each replication draws it, as many as there are draws, and the assumptions say it.
    assert market.referral.rate_per_year == number.value
    drawn = [market.in_replication(k, seed=1).referral.rate_per_year for k in range(50)]
    assert np.median(drawn) == pytest.approx(number.value)
    assert len(set(drawn)) > 30
    assert assumptions(market).set_index("parameter").loc["referral.rate_per_year", "status"] == number.status
    assert EvidenceRecord.model_validate(found.content(), context=STORED) == found
    # A run that is continued after an interruption finds it done; other figures are calibrated anew.
    with monkeypatch.context() as again:
        again.setattr("churnsim.study.stages.evidence_stage.calibrate", lambda *args, **options: 1 / 0)
        kept, same, failed, _ = calibrated(known, "births_referred", count - 3, count + 3, 6, store)
        assert not failed
        assert (kept.beliefs, kept.draws, kept.referral, same) == (market.beliefs, market.draws, market.referral, found)
        with pytest.raises(ZeroDivisionError):
            calibrated(known, "births_referred", count - 2, count + 3, 6, store)


def test_a_figure_that_is_not_reached_is_told_and_changes_nothing(known: Any) -> None:
    """Nobody works at a desk under this strategy."""
    market, found, failed, before = calibrated(known, "wages", 5.0, 6.0, every=40)
    assert market == before
    assert not found.calibration.reached
    assert "Look for a mechanism that is off" in str(failed["targets"])
    assert str(failed["targets"]).startswith("not reached: wages. The numbers stay as they were. ")
    assert found.calibration.numbers[0].status == "assumed"
    assert [check.passed for check in found.measured[0].checks[:1]] == [False]


def test_where_no_number_is_uncertain_nothing_is_learned(known: Any) -> None:
    config = study(TARGETS.format("births", 1, 2), beliefs=('beliefs = "all"', 'beliefs = "stated"'))
    data, fits, _ = known
    market = Stages().market(config, data, fits)
    after, found, failed = measured(config, (data, fits, replace(market, beliefs={})))
    assert after.beliefs == {}
    assert found.calibration is None
    assert "Give one of [market] an interval" in str(failed["targets"])


def test_draws_go_with_the_targets_and_a_study_without_any_stays_what_it_was() -> None:
    config = study(TARGETS.format("births", 1, 2))
    assert config.parameter_draws == 50 > config.simulation.replications
    assert config.canonical()["evidence"]["targets"]["figure"][0]["low"] == 1.0
    assert "targets" not in study().canonical()["evidence"]


def test_what_is_measured_takes_the_place_of_what_is_assumed(known: Any) -> None:
    market, found, failed = measured(study(), known)
    truth, numbers = shop().truth, {row.parameter: row for row in found.numbers}
    assert not failed
    assert [table.kind for table in found.measured] == ["complaints", "referrals", "win_backs"]
    assert found.measured[2].status == "measured here (randomised)"
    assert {check.name for check in found.measured[2].checks if check.passed} == {"sample ratio", "balance"}
    for name in ("referral.rate_per_year", "complaints.quick_share", "complaints.slow_share", "win_back.success"):
        assert numbers[name].low < truth[name] < numbers[name].high, name
        assert market.beliefs[name].value == pytest.approx(numbers[name].value)
    # What stood there before, and where nothing did before: the shop's market had no referrals.
    assert numbers["referral.rate_per_year"].before_status == "claimed"
    assert known[2].referral is None
    assert market.referral.rate_per_year == numbers["referral.rate_per_year"].value
    table = assumptions(market).set_index("parameter")
    assert table.loc["referral.rate_per_year", "status"] == "measured here (observational)"
    # Each replication draws it.
    drawn = [market.in_replication(k, seed=1).referral.rate_per_year for k in range(2)]
    assert drawn[0] != drawn[1]
    assert EvidenceRecord.model_validate(found.content(), context=STORED) == found


def test_draws_of_different_records_are_independent(known: Any) -> None:
    """Each kind has its own seed: with one for all, the same uniform numbers would stand behind every posterior."""
    market, _, _ = measured(study(), known)
    again, _, _ = measured(study(seed=("seed = 20230102", "seed = 20230103")), known)
    one, other = (np.array(each.beliefs["win_back.success"].draws) for each in (market, again))
    assert len(one) == 1000
    assert not np.array_equal(one, other)
    half = np.array(market.beliefs["win_back.half_life"].draws)
    assert abs(np.corrcoef(one, half)[0, 1]) > 0.1  # within a kind they are joint


@pytest.mark.parametrize(("status", "stands"), [("measured here (randomised)", True), ("assumed", False)])
def test_a_stated_number_stands_if_it_is_known_as_surely(known: Any, status: str, stands: bool) -> None:
    said = f'[market.win_back]\nsuccess = {{ value = 0.2, source = "a trial of 2021", status = "{status}" }}\n'
    config = study(market=("[market.terms]", f"{said}[market.terms]"))
    data, fits, _ = known
    market, found, _ = measured(config, (data, fits, Stages().market(config, data, fits)))
    numbers = {row.parameter: row for row in found.numbers}
    assert numbers["win_back.success"].used is not stands
    assert numbers["win_back.success"].before == 0.2
    assert numbers["win_back.half_life"].used  # nothing was stated of it
    assert (market.win_back.success == 0.2) is stands


@pytest.mark.parametrize(("asked", "drawn"), [("none", 0), ("stated", 9)])
def test_what_is_drawn_is_what_the_study_asks_for(known: Any, asked: str, drawn: int) -> None:
    config = study(beliefs=('beliefs = "all"', f'beliefs = "{asked}"'))
    data, fits, _ = known
    market, found, _ = measured(config, (data, fits, Stages().market(config, data, fits)))
    assert len(market.beliefs) == drawn
    rate = next(row.value for row in found.numbers if row.parameter == "referral.rate_per_year")
    assert market.referral.rate_per_year == rate  # by either


def test_a_table_that_cannot_be_measured_leaves_the_others_as_they_are(known: Any, tmp_path: Path) -> None:
    rows = shop().referrals.assign(referred_id=1)
    rows.to_csv(tmp_path / "referrals.csv", index=False)
    shop().complaints.rename(columns={"at": "came"}).to_csv(tmp_path / "complaints.csv", index=False)
    text = '[evidence.complaints]\npath = "complaints.csv"\ncolumns = { at = "came" }\n'
    config = study(f'{text}[evidence.referrals]\npath = "referrals.csv"\n', tmp_path)
    data, fits, market = known
    store = RunStore.open(tmp_path, config.name, "0" * 64)
    session = RunSession(config, Stages(), data, store, Silent())
    after = session._evidence(fits, market, Executor(workers=1))
    assert [table["kind"] for table in read_json(store.directory / "evidence.json")["measured"]] == ["complaints"]
    (failure,) = session._failures
    assert (failure.stage, failure.subject, failure.lasting) == ("evidence", "referrals", True)
    assert "was referred before" in failure.reason
    assert "complaints.quick_share" in after.beliefs
    assert after.referral is None  # as before
    # Other records make another study.
    before = study_checksum(config, data)
    rows.iloc[1:].to_csv(tmp_path / "referrals.csv", index=False)
    assert study_checksum(config, data) != before


def test_an_arm_that_no_row_has_is_found_before_the_work(tmp_path: Path) -> None:
    """With the arms that there are; of a database's records, the made-up shop's here, as of a file's."""
    check_records(study())
    shop().contacts.assign(arm="Type A").to_csv(tmp_path / "contacts.csv", index=False)
    with pytest.raises(
        ConfigError, match=r"evidence.contacts: no row is of the arm 'control'.* has 'Type A'. Set cont"
    ):
        check_records(study('[evidence.contacts]\npath = "contacts.csv"\n', folder=tmp_path))
    with pytest.raises(ConfigError, match=r"evidence.win_backs: no row is of the arm 'nobody'"):
        check_records(study('[evidence.win_backs]\ncontrol = "nobody"\n'))


def test_channels_of_spending_become_channels_of_the_market(known: Any, tmp_path: Path) -> None:
    """Two channels, of which a strategy splits its money: each has the numbers that the estimator gives it."""
    firm = spending(11, weeks=54)
    rows = firm.spend.assign(channel=firm.spend["channel"].str.replace(" ", "-"))
    rows.to_csv(tmp_path / "spend.csv", index=False)
    evidence = '[evidence.spend]\npath = "spend.csv"\n'
    named = evidence + "[market.prospects.channels.channel-0]\n[market.prospects.channels.channel-1]\n"
    split = "acquisition = { budget_share = 1.0, channels = { channel-0 = 0.5, channel-1 = 0.5 } }"
    config = study(named, tmp_path, split=("acquisition = { budget_share = 1.0 }", split))
    market, found, failed = measured(config, known)
    assert not failed
    assert set(market.prospects.channels) == {"channel-0", "channel-1"}
    alone = spend_evidence(rows, draws=1000, seed=1).beliefs(prospects=20_000, period=config.simulation.period)
    assert set(alone) == {row.parameter for row in found.numbers} <= set(market.beliefs)
    for name, belief in alone.items():  # the same posterior by other draws: 1,000 of each, which go together
        assert abs(market.beliefs[name].value - belief.value) < 0.2 * (belief.high - belief.low), name
        channel, number = name.split(".")[2:]
        assert getattr(market.prospects.channels[channel], number) == market.beliefs[name].value
    # Where no strategy says to which its money goes, it is asked for.
    _, _, failed = measured(study(evidence, tmp_path), known)
    assert "no strategy says to which of them its money goes" in str(failed["spend"])


def test_offers_are_measured_where_customers_renew(tmp_path: Path) -> None:
    """Drawn offers to 4,000 customers: what they prevent at most becomes the number of a market under contract."""
    firm = offering(3, customers=4000)
    firm.offers.to_csv(tmp_path / "offers.csv", index=False)
    chances = ", ".join(f'"{arm}" = 0.25' for arm in sorted(firm.offers["arm"].unique()))
    text = (Path(__file__).parents[2] / "configs" / "smoke" / "telco.toml").read_text(encoding="utf-8")
    table = f'[evidence.offers]\npath = "offers.csv"\ncontrol = "0.0"\nchance = {{ {chances} }}\n'
    config = parse_config(text.replace("[market.terms]", f"{table}[market.terms]"), folder=tmp_path)
    stages = ContractStages()
    data = stages.load(config)
    fits = stages.fit(config, data)
    market, found, failed = measured(config, (data, fits, stages.market(config, data, fits)))
    assert not failed
    (told,) = found.measured
    # Nothing is known of the customers before the draw, so that its balance cannot be looked at.
    assert told.status == "measured here (observational)"
    assert {check.name for check in told.checks if check.passed} == {"sample ratio"}
    assert market.renewal_offers.max_effect == market.beliefs["renewal_offers.max_effect"].value
    (number,) = (row for row in found.numbers if row.parameter == "renewal_offers.max_effect")
    assert number.low < firm.prevented < number.high

    # With what was known, a draw is believed; where that tells who was offered what, it is not.
    customers, arm = firm.offers["customer_id"], firm.offers["arm"].astype(float)
    tenure = np.random.default_rng(1).exponential(20.0, len(customers))
    before = pd.DataFrame({"customer_id": customers, "tenure": tenure, "chosen by": tenure + 30 * arm})
    before.to_csv(tmp_path / "before.csv", index=False)
    for known, status in (("tenure", "measured here (randomised)"), ("chosen by", "measured here (observational)")):
        with_history = f'{table}history = "before.csv"\nknown = ["{known}"]\n'
        config = parse_config(text.replace("[market.terms]", f"{with_history}[market.terms]"), folder=tmp_path)
        _, found, failed = measured(config, (data, fits, stages.market(config, data, fits)))
        assert not failed
        assert found.measured[0].status == status
    checksum = evidence_checksum(config)
    before.assign(tenure=1.0).to_csv(tmp_path / "before.csv", index=False)
    assert evidence_checksum(config) != checksum
    with pytest.raises(ConfigError, match="history and known belong together"):
        parse_config(text.replace("[market.terms]", f'{table}known = ["tenure"]\n[market.terms]'), folder=tmp_path)


def test_records_after_the_end_of_the_study_are_left_out() -> None:
    stages, config = Stages(), study(end=("holdout_end = 2024-12-29", "holdout_end = 2024-09-29"))
    data = stages.load(config)
    fits = stages.fit(config, data)
    _, found, failed = measured(config, (data, fits, stages.market(config, data, fits)))
    made, tables = shop(), {table.kind: table for table in found.measured}
    assert not failed
    assert tables["referrals"].left_out == (made.referrals["at"] > "2024-09-29").sum() > 0
    assert tables["complaints"].rows + tables["complaints"].left_out == len(made.complaints)


def test_a_customer_database_has_its_records_with_it(tmp_path: Path) -> None:
    """The same estimate as of the shop's own tables, and a remark where the database has none."""
    made = shop()
    made.purchases.to_csv(tmp_path / "log.csv", index=False)
    made.referrals.to_csv(tmp_path / "referrals.csv", index=False)
    with CustomerDatabase(tmp_path / "shop.db") as database:
        database.add(tmp_path / "log.csv")
        database.add(tmp_path / "referrals.csv", table="referrals")
    tables = "[evidence.referrals]\n[evidence.complaints]\n"
    config = study(tables, tmp_path, data=('dataset = "made-up-shop"', 'database = "shop.db"'))
    stages = Stages()
    data = stages.load(config)
    fits = stages.fit(config, data)
    market, found, failed = measured(config, (data, fits, stages.market(config, data, fits)))
    assert [table.kind for table in found.measured] == ["referrals"]
    assert set(failed) == {"complaints"}
    assert "holds no complaints. Add some first" in str(failed["complaints"])
    assert 0.13 < market.referral.rate_per_year < 0.2
    assert found.measured[0].source == "shop.db"


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("[evidence]\n", r"evidence: names no records"),
        ('[evidence.offers]\ncontrol = "none"\n', "evidence.offers: needs path"),
        ('[evidence.referrals]\npath = "none.csv"\n', r"evidence.referrals.path.*there is no file"),
        ('[evidence.referrals]\ncolumns = { at = "day" }\n', "evidence.referrals.columns.*Remove it"),
        ("[evidence.refferals]\n", "Did you mean 'referrals'"),
        ("[evidence.win_backs]\nchance = { call = 1.5 }\n", "evidence.win_backs.chance"),
        ('[evidence.contacts]\nwindow = "0 W"\n', "longer than zero"),
        (
            TARGETS.format("complaint", 1, 2),
            r"targets.figure\[1\]: no quantity 'complaint'.* Did you mean 'complaints'",
        ),
        (TARGETS.format("births", 2, 2), "a target needs low < high; got 2 to 2"),
        (
            TARGETS.format("births", 1, 2) + 'per = "4 W"\nuntil = "12 W"\n',
            "from period 0 to 3 is none of the 2 periods",
        ),
        (TARGETS.format("births", 1, 2) + 'since = "1 W"\n', "since must be whole periods of 4 W; got 1"),
        (TARGETS.format("births", 1, 2) + 'per = "4 X"\n', "'4 X' is not a duration"),
        (TARGETS.format("births", 1, 2) + 'law = "beta"\n', r"figure\[1\].law"),
        (
            TARGETS.format("births", 1, 2) + TARGETS.format("births", 2, 3)[TARGETS.index("[[") :],
            "as an earlier figure",
        ),
        (TARGETS.format("births", 1, 2).replace("baseline", "base-line"), "Did you mean 'baseline'"),
        (TARGETS[: TARGETS.index("[[")], "evidence.targets.figure"),
    ],
)
def test_what_a_configuration_cannot_ask_for_is_refused(evidence: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        study(evidence)


def test_the_command_tells_what_is_measured_and_which_verdicts_change(tmp_path: Path) -> None:
    """One table of the three cannot be measured: the others are, and the exit code says so."""
    shop().referrals.assign(referred_id=1).to_csv(tmp_path / "referrals.csv", index=False)
    text = TEXT[:START] + QUICK.replace("referrals]", 'referrals]\npath = "referrals.csv"') + TEXT[END:]
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["evidence", str(tmp_path / "study.toml"), "--replications", "2", "--json",
                                    str(tmp_path / "found.json")])  # fmt: skip
    assert done.exit_code == 1, done.output
    assert "win_backs: 231 rows of made-up-shop; measured here (randomised); 2 checks passed, 0 failed" in done.stdout
    assert "not measured: referrals:" in done.stdout
    told = EvidenceFindings.model_validate(read_json(tmp_path / "found.json"), context=STORED)
    assert [failure.subject for failure in told.failures] == ["referrals"]
    # From strong to weak, each number of the market once.
    ranks = [STATUSES.index(row.status) for row in told.known]
    assert ranks == sorted(ranks)
    assert len({row.parameter for row in told.known}) == len(told.known) > 30
    verdicts = {row.strategy: row for row in told.verdicts.strategies}
    assert told.verdicts.against == "no-spending"
    assert set(verdicts) == {"baseline", "new-customers", "contacts", "desk", "win-back"}
    assert sorted(row.after.rank for row in verdicts.values()) == [1, 2, 3, 4, 5]
    assert verdicts["win-back"].before.mean != verdicts["win-back"].after.mean
    plain = TEXT[:START] + TEXT[END:]
    (tmp_path / "study.toml").write_text(plain, encoding="utf-8")
    done = CliRunner().invoke(app, ["evidence", str(tmp_path / "study.toml")])
    assert done.exit_code == 2
    assert "names no records. Add a table such as [evidence.contacts]" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            (5.0, 1.0, 9.0, 1),
            (-5.0, -9.0, -1.0, 1),
            "earns more than idle as assumed, earns less than idle as measured",
        ),
        ((5.0, 1.0, 9.0, 1), (5.0, -1.0, 9.0, 2), "is not told from idle as measured; number 2 in place of 1"),
        ((5.0, -1.0, 9.0, 1), (-1.0, -3.0, 1.0, 1), "the mean difference has another sign"),
        ((5.0, 1.0, 9.0, 1), (4.0, 2.0, 6.0, 1), ""),
    ],
)
def test_a_change_is_one_of_sign_or_order(before: Any, after: Any, words: str) -> None:
    was, now = (_verdict(dict(zip(("mean", "lower", "upper", "rank"), row, strict=True))) for row in (before, after))
    found = _change(was, now, "idle")
    assert found.endswith(words)
    assert bool(found) == bool(words)


TRIAL = """[market.retention]
purchase_lift = { value = 1.8, low = 1.2, high = 2.6, level = 0.95, law = "log-normal", \
status = "measured here (randomised)", source = "a trial" }
"""


def test_what_a_trial_measured_takes_the_place_of_what_is_assumed(known: Any, tmp_path: Path) -> None:
    """With its interval and status, in the record and in the study's checksum; a file that is none ends at its edge."""
    (tmp_path / "good.toml").write_text(TRIAL)
    config = study('[evidence]\ntrials = ["good.toml"]\n', folder=tmp_path)
    market, found, failed, before = *measured(config, known), known[2]
    assert not failed
    assert before.retention.purchase_lift == 1.0
    belief = market.beliefs["retention.purchase_lift"]
    assert (belief.value, belief.low, belief.high, belief.source) == (1.8, 1.2, 2.6, "a trial")
    (number,), (table,) = found.numbers, found.measured
    assert (number.value, number.status, number.used) == (1.8, "measured here (randomised)", True)
    assert (table.kind, table.source, table.rows) == ("trial", "good.toml", 1)
    first = evidence_checksum(config)
    (tmp_path / "good.toml").write_text(TRIAL.replace("1.8", "1.9"))
    assert evidence_checksum(config) != first
    (tmp_path / "good.toml").write_text("[strategy]\n")
    same, _, failed = measured(config, known)
    assert "must hold a table [market] and no other" in str(failed["trial good.toml"])
    assert same.retention.purchase_lift == 1.0
    with pytest.raises(ConfigError, match=r"evidence.trials"):
        study('[evidence]\ntrials = ["absent.toml"]\n', folder=tmp_path)
