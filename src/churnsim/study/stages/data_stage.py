"""The first stage of a study: the transactions and their summaries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data import datasets
from churnsim.data.database.database import CustomerDatabase
from churnsim.data.logs.days import past_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.data.logs.transactions import read_transactions
from churnsim.data.made_up_shop import shop
from churnsim.data.summaries.customer_series import add_calendar
from churnsim.data.summaries.intervals import summarise_with_intervals
from churnsim.data.summaries.summary import split_holdout, summarise
from churnsim.data.tabular.row_errors import SetAside
from churnsim.errors import DataError, FitError
from churnsim.models.purchase.calendar.fit import clock_doubt
from churnsim.models.purchase.registry import PURCHASE_FAMILIES, simulated_families
from churnsim.records.run import DataFacts
from churnsim.study.config.advice import told_in_keys
from churnsim.study.config.config import CHOOSE, MADE_UP_SHOP, DataSection, ModelsSection
from churnsim.study.config.file_section import StudyCovariates
from churnsim.study.stages.clock_stage import StudyClocks, load_clocks

MADE_UP = "a shop that is made up (churnsim.datasets.shop), with records of what it did"


@dataclass(frozen=True, kw_only=True)
class StudyData:
    """What the models are fitted to. `split` ends at calibration and holds the holdout; `summary` is the whole log."""

    transactions: pd.DataFrame
    split: pd.DataFrame
    summary: pd.DataFrame
    unit: str
    calibration_end: date
    holdout_end: date
    facts: DataFacts
    covariates: StudyCovariates | None = None
    clocks: StudyClocks = field(default_factory=StudyClocks)

    @property
    def has_amounts(self) -> bool:
        """Whether it is known what purchases were worth."""
        return "monetary_value" in self.summary.columns

    @property
    def holdout_length(self) -> float:
        """Length of the holdout in the model's unit, the same for every customer."""
        return float(self.split["T_holdout"].iloc[0])


def load_data(
    section: DataSection, folder: Path, *, regularity: bool = False, models: ModelsSection | None = None,
    ahead: float = 0.0,
) -> StudyData:  # fmt: skip
    """Read and summarise what [data] names; a relative path starts at `folder`.

    Purchases after `holdout_end` are left out. With `regularity` the summaries say how regular the gaps between
    purchases were, which models of regular buyers read; where the `models` or a file say what happens in calendar time,
    what their fits read, as far as the study looks `ahead`, in days. Raises DataError for data that cannot be used.
    """
    transactions, source, checksum = read_log(section, folder)
    set_aside = list(transactions.attrs["set_aside"])
    holdout_end = section.holdout_end or transactions["date"].max().date()
    if holdout_end <= section.calibration_end:
        raise DataError(
            f"the data end on {holdout_end}, so calibration_end {section.calibration_end} leaves no holdout. "
            "Choose an earlier calibration_end."
        )
    last = transactions["date"].max().date()
    if section.calibration_end >= last:
        raise DataError(
            f"the last purchase is of {last}, so nothing after calibration_end {section.calibration_end} is known. "
            "Choose an earlier calibration_end."
        )
    used = transactions[transactions["date"] < pd.Timestamp(holdout_end) + pd.Timedelta(days=1)]
    split = split_holdout(used, until=section.calibration_end, holdout_until=holdout_end, unit=section.unit)
    summary = summarise(used, unit=section.unit, until=holdout_end)
    if regularity:
        for frame, until in ((split, section.calibration_end), (summary, holdout_end)):
            frame["log_intervals"] = summarise_with_intervals(used, unit=section.unit, until=until)["log_intervals"]
    days = purchase_days(used)
    clocks = load_clocks(models or ModelsSection(), section, folder, days, end=holdout_end, ahead=ahead)
    if clocks.calendar is not None:
        for frame, until in ((split, section.calibration_end), (summary, holdout_end)):
            add_calendar(frame, days, past_day(until, name="until"), clocks.calendar, gaps=regularity)
        _check_columns(clocks, section, {"calibration period": split, "whole log": summary}, models)
    if clocks.checksum:
        checksum = hashlib.sha256(f"{checksum} {clocks.checksum}".encode()).hexdigest()
        source += f", with the series of {clocks.source}"
    covariates = None
    if section.covariates is not None:
        covariates = StudyCovariates.load(section.covariates, folder, summary)
        split, summary = covariates.join(split), covariates.join(summary)
        # A study with other covariates is another study.
        checksum = hashlib.sha256(f"{checksum} {covariates.checksum}".encode()).hexdigest()
        source += f", with what {Path(section.covariates.path).name} says of the customers"
    reading = transactions.attrs.get("reading", {})
    left_out = dict(reading.get("left_out", {}))
    if len(used) < len(transactions):
        left_out["after the end of the holdout"] = len(transactions) - len(used)
    facts = DataFacts(
        source=source,
        checksum_sha256=checksum,
        rows=len(used),
        customers=len(summary),
        first=used["date"].min(),
        last=used["date"].max(),
        purchases=int(summary["frequency"].sum()) + len(summary),
        rows_read=reading.get("rows"),
        left_out=left_out,
        set_aside=set_aside,
        detected=reading.get("detected", {}),
        currency=section.currency.strip() or reading.get("currency") or "",
        silent_days=max(0, (holdout_end - last).days),
    )
    return StudyData(
        transactions=used, split=split, summary=summary, unit=section.unit,
        calibration_end=section.calibration_end, holdout_end=holdout_end, facts=facts, covariates=covariates,
        clocks=clocks,
    )  # fmt: skip


def _check_columns(
    clocks: StudyClocks, section: DataSection, frames: Mapping[str, pd.DataFrame], models: ModelsSection | None
) -> None:
    """DataError for a column that does not vary in the data, is determined by others or has a parameter's name, and
    FitError for a season that they do not tell: what a fit would refuse, before any."""
    assert clocks.calendar is not None  # asked where there is one
    asked = models.purchases if models is not None else CHOOSE
    families = [PURCHASE_FAMILIES[name] for name in (simulated_families() if asked == CHOOSE else [asked])]
    families = [family for family in families if family.takes_calendar]
    for period, frame in frames.items():
        try:
            doubt = clock_doubt(frame, clocks.calendar, clocks.leaving, unit=section.unit, families=families)
        except DataError as error:
            given = [key for key in ("series", "calendar_series") if getattr(section, key) is not None]
            where = f" Which columns are meant is said by columns in [data.{given[0]}]." if given else ""
            raise DataError(f"in the {period} {error}{where}") from error
        if doubt is not None:
            raise FitError(f"in the {period}: {doubt}")


def read_log(section: DataSection, folder: Path) -> tuple[pd.DataFrame, str, str]:
    """The transactions, where they come from, and their checksum."""
    if section.dataset == MADE_UP_SHOP:
        log = shop().purchases if section.has_amounts else shop().purchases.drop(columns="amount")
        log.attrs["set_aside"] = SetAside()
        return log, MADE_UP, hashlib.sha256(log.to_csv().encode()).hexdigest()
    if section.dataset is not None:
        origin = datasets.source(section.dataset)
        log = datasets.cdnow(full=section.dataset == "cdnow-full")
        if not section.has_amounts:
            attrs, log = log.attrs, log.drop(columns="amount")
            log.attrs.update(attrs)
        return log, f"{origin.title}. {origin.citation}", origin.checksum_sha256
    rules: Any = {"exchange_rates": section.exchange_rates or None, "first_from": section.first_from}
    if section.database is not None:
        told = told_in_keys("data", DataSection.model_fields)
        with told, CustomerDatabase(folder / section.database, read_only=True) as database:
            log = database.transactions(
                refunds="net" if section.refunds == "net" else "apart", amounts=section.has_amounts, **rules
            )
        return log, Path(section.database).name, log.attrs["reading"]["checksum"]
    assert section.path is not None  # the configuration has one of the three
    path = folder / section.path
    if section.most_bad is not None:
        rules["most_bad"] = section.most_bad
    with told_in_keys("data", DataSection.model_fields):
        log = read_transactions(
            path, customer_id=section.customer_id, date=section.date, amount=section.amount or None,
            price=section.price, quantity=section.quantity, refunded=section.refunded,
            currency=section.currency_column, guests=section.guests, refunds=section.refunds,
            duplicates=section.duplicates, leave_out=section.leave_out, **section.form, **rules,
        )  # fmt: skip
    return log, path.name, hashlib.sha256(path.read_bytes()).hexdigest()
