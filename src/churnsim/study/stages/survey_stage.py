"""The survey of a study: measured by its instruments, joined to what the same customers bought, set beside the state of
the simulated ones."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.tabular.files import regular_file
from churnsim.records.base import rows
from churnsim.records.survey import (
    Amount,
    InstrumentRecord,
    MeasuredRow,
    Ratio,
    SatisfactionMoney,
    SatisfactionState,
    SurveyRecord,
)
from churnsim.satisfaction.instruments import SCALES, measure
from churnsim.satisfaction.money import CONFOUNDING, Effect, buying_rate, class_values, join_customers, worth_of_a_point
from churnsim.satisfaction.quality import quality_report
from churnsim.satisfaction.read_survey import read_survey
from churnsim.satisfaction.survey import Survey
from churnsim.simulation.engine.engines import simulate
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.scenario import Scenario
from churnsim.simulation.survey_sample import sample_survey, satisfied_at
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.file_section import SurveySection
from churnsim.study.stages.data_stage import StudyData

OWN_ITEMS = ("satisfaction_1", "satisfaction_2", "satisfaction_3")


def survey_checksum(section: SurveySection | None, folder: Path) -> str:
    """SHA-256 of the survey's file, "" where there is none: a study on other answers is another study."""
    if section is None or section.path is None:
        return ""
    return hashlib.sha256(regular_file(folder / section.path).read_bytes()).hexdigest()


def survey_results(
    section: SurveySection, folder: Path, *, data: StudyData, market: Market, scenario: Scenario, seed: int
) -> SurveyRecord:
    """What the survey says. `scenario` is the baseline's, whose customers are asked where no file is given."""
    if section.path is not None:
        survey, table = _from_file(section, folder), _purchases_since(data)
        source, state = Path(section.path).name, None
    else:
        ledger = simulate(scenario, seed=seed, engine="compiled", log=True)
        assert ledger.customers is not None  # a log was asked for
        assert section.sampled is not None  # the configuration has one of the two
        survey = _by_uid(sample_survey(ledger.customers, section.sampled, seed=seed, ids=data.summary.index))
        table, state = _simulated(ledger.customers, scenario, amounts=data.has_amounts), ledger.customers
        source = f"{section.sampled} customers sampled from the simulated base at the horizon"
    options = {"level": section.level, "resamples": section.resamples, "seed": seed}
    measured = [measure(survey, name, **options) for name in section.instruments]  # type: ignore[arg-type]
    answered = "customer_id" in survey.respondents
    return SurveyRecord(
        source=source,
        sampled=section.path is None,
        respondents=len(survey),
        level=section.level,
        quality=rows(quality_report(survey).rename_axis("kind").reset_index()),
        instruments=[_instrument(m.to_dict()) for m in measured],
        money=_money(survey, table, section, market, scenario, seed=seed) if answered else None,
        state=None if state is None else _state(state, survey, section, seed),
    )


def _instrument(measured: dict[str, Any]) -> InstrumentRecord:
    """Without the quantities that these answers do not give."""
    return InstrumentRecord(**{**measured, "table": [row for row in measured["table"] if row["estimate"] is not None]})


def _from_file(section: SurveySection, folder: Path) -> Survey:
    assert section.path is not None
    _, own = SCALES.get(section.instruments[0], ((1, 7), {}))
    with told_in_keys("survey", SurveySection.model_fields):
        return read_survey(folder / section.path, scale=(section.low, section.high), scales=own, on_bad=section.on_bad)


def _purchases_since(data: StudyData) -> pd.DataFrame:
    """What each customer bought after calibration, when the survey is taken to have been asked, and how often
    before."""
    later = data.transactions[data.transactions["date"] >= pd.Timestamp(data.calibration_end) + pd.Timedelta(days=1)]
    table = data.split[["frequency"]].rename(columns={"frequency": "frequency before"})
    table["purchases"] = data.split["frequency_holdout"]
    table["exposure"] = data.holdout_length
    amount = later.groupby("customer_id")["amount"].sum() if "amount" in later else None
    if amount is not None:
        table["revenue"] = amount.reindex(table.index).fillna(0.0)
    return table


def _simulated(customers: pd.DataFrame, scenario: Scenario, *, amounts: bool) -> pd.DataFrame:
    """What each simulated customer bought until the horizon, and what for where the log has `amounts`."""
    table = pd.DataFrame({"purchases": customers["k"].astype(float)})
    table["exposure"] = float(scenario.horizon)
    if amounts:
        table["revenue"], table["profit"] = customers["revenue"] / 100, customers["margin"] / 100
    return table


def _money(
    survey: Survey, table: pd.DataFrame, section: SurveySection, market: Market, scenario: Scenario, *, seed: int
) -> SatisfactionMoney:
    """Classes of satisfaction against revenue and profit, the rate of buying, and what a point goes with."""
    if "revenue" in table and "profit" not in table:
        table = table.assign(profit=market.terms.margin * table["revenue"])
    joined = join_customers(survey, table, items=section.items)
    outcomes = [name for name in ("purchases", "revenue", "profit") if name in joined]
    classes = class_values(joined, outcomes, level=section.level, resamples=section.resamples, seed=seed)
    also = [name for name in ("frequency before",) if name in joined]
    buying, worth = None, None
    if joined["purchases"].sum() > 0 and joined["satisfaction"].nunique() > 1:
        buying = buying_rate(joined, purchases="purchases", exposure="exposure", also=also)
        worth = _worth(buying, joined, market, scenario) if "profit" in joined else None
    return SatisfactionMoney(
        answered=joined.attrs["answered"],
        joined=len(joined),
        not_found=joined.attrs["not_found"],
        classes=MeasuredRow.of_frame(classes.rename_axis("name").reset_index()),
        confounding=CONFOUNDING,
        buying=None if buying is None else Ratio(**asdict(buying)),
        worth=worth,
        held_fixed=also,
    )


def _worth(buying: Effect, joined: pd.DataFrame, market: Market, scenario: Scenario) -> Amount:
    """Margin until the horizon that goes with one point, at the joined customers' mean rate, leaving unchanged."""
    estimate, lower, upper = worth_of_a_point(
        buying=buying,
        leaving=None,
        rate=float(joined["purchases"].sum() / joined["exposure"].sum()),
        hazard=0.0,
        margin_per_purchase=float(joined["profit"].sum() / joined["purchases"].sum()),
        horizon=float(scenario.horizon),
        discount_force=market.discount_force,
    )
    return Amount(estimate=estimate, lower=lower, upper=upper)


def _by_uid(survey: Survey) -> Survey:
    """Sampled respondents' own names hold their uids, which is how simulated customers are known."""
    who = survey.respondents.assign(customer_id=[str(name).removeprefix("r") for name in survey.respondents.index])
    return Survey(answers=survey.answers, respondents=who, scales=survey.scales)


def _state(customers: pd.DataFrame, survey: Survey, section: SurveySection, seed: int) -> SatisfactionState:
    """Mean satisfaction of the simulated customers, and what the survey's index says of it: both from -1 to 1."""
    items = Survey(
        answers={"perception": survey.answers["perception"][list(OWN_ITEMS)]},
        respondents=survey.respondents,
        scales={"perception": survey.scales["perception"]},
    )
    table = measure(items, "acsi", level=section.level, resamples=section.resamples, seed=seed).table
    alive = customers[customers["alive"]]
    says = {name: satisfied_at(float(table[name].loc["index"])) for name in ("estimate", "lower", "upper")}
    return SatisfactionState(customers=float(len(alive)), true=float(alive["satisfied"].mean()), **says)
