"""The forecasts of a run that is stored, held against a new export of the same firm's purchases.

What a run forecasts follows from its fitted models (fits.json, whose hash its manifest holds) and its log (whose
checksum the manifest holds too). Both are read again and held to these, so that nothing can have been chosen since.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_choice, check_level
from churnsim.data.database.database import CustomerDatabase
from churnsim.data.logs.days import calendar_day
from churnsim.data.logs.purchase_days import purchase_days
from churnsim.errors import ChurnSimError, ConfigError, DataError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.series_model import SeriesModel
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.records.run import FitRecord, Manifest
from churnsim.records.watch import NewcomersRecord, PastRecord, WatchRecord, WatchRow
from churnsim.study.config.config import DataSection, StudyConfig
from churnsim.study.config.config_file import read_config
from churnsim.study.stages.data_stage import StudyData, read_log
from churnsim.study.stages.kind import stages_of
from churnsim.study.storage.progress import Progress
from churnsim.study.storage.store import RunStore, read_json, stored_config
from churnsim.trials.reading import LEAST_MISSED
from churnsim.trials.watching import ALL, forecast_limits
from churnsim.units import DAYS_PER_UNIT

FITS = "fits.json"
PLACES = ("path", "database", "dataset")
PERIODS = {"M": "month", "Q": "quarter", "Y": "year"}
# Of the purchases by customers whom the run does not know, the share from which its forecasts are of the lesser part.
MOST_OF_NEWCOMERS = 0.5


def watch_study(
    study: Path, export: Path, *, progress: Progress, runs_dir: Path = Path("runs"), last: Path | None = None,
    written_as: Path | None = None, until: str | None = None, period: str = "M", cohorts: str = "Q",
    level: float = 0.95,
) -> WatchRecord:  # fmt: skip
    """Hold the forecasts of a run against what `export` has after the run's last day.

    `study` is a configuration, whose oldest complete run with the same data and models in `runs_dir` is taken, or a run
    directory; `last` is the log that the run was made from, where it is no longer at its place. `export` is read as the
    study's [data] says, or that of the study `written_as`, where columns have been renamed since. Counted is until the
    day `until`, the last one of the export if None, by calendar `period` ("M", "Q" or "Y") and by `cohorts` of the
    first purchase. Raises ConfigError and DataError for what does not fit.
    """
    check_level(level)
    check_choice(period, "period", PERIODS)
    check_choice(cohorts, "cohorts", PERIODS)
    progress.stage("last time's log")
    config, data, store, manifest = _last_time(study, runs_dir, last)
    progress.stage("last time's models")
    fit, spend, digest = _stored_models(config, store, manifest, data)
    progress.stage("new export")
    log = _export(config.data if written_as is None else read_config(written_as).data, export, data)
    came = purchase_days(log).frame()
    end = calendar_day(until, name="until").date() if until else log["date"].max().date()
    since = data.holdout_end
    if end <= since:
        raise DataError(
            f"{export} is read until {end}, and the run's forecasts begin after {since}: there is nothing to hold "
            "them against. Give an export that goes on after that day."
        )
    known = purchase_days(data.transactions).frame()
    first = known.groupby("customer_id")["date"].min()
    new = came[(came["date"] > pd.Timestamp(since)) & (came["date"] <= pd.Timestamp(end))]
    progress.stage("forecasts")
    forecast = partial(
        forecast_limits, fit, data.summary, cohort=first.dt.to_period(cohorts).astype(str), since=since,
        planned=data.holdout_length, seed=config.seed, level=level, spend=spend,
    )  # fmt: skip
    eve = log["date"].min().date() - timedelta(days=1)
    if eve > since:  # what it does not hold would be told as purchases that did not come
        missing = forecast(ends=[eve]).against(log).query("cohort == @ALL")["expected"].iloc[0]
        if missing >= LEAST_MISSED:
            raise DataError(
                f"{export} begins on {eve + timedelta(days=1)}, and the run's forecasts after {since}: for the days "
                f"between {missing:,.0f} purchases are forecast. Give an export that begins by {since}."
            )
    table = forecast(ends=_ends(since, end, period)).against(log)
    newcomers = new[~new["customer_id"].isin(data.summary.index)]
    found = WatchRecord(
        run=store.directory.name, stored=str(manifest.finished),
        forecast_first=date.fromisoformat(str(manifest.finished)[:10]) <= end, fits_sha256=digest,
        log_sha256=manifest.data.checksum_sha256, model=fit.model.title, export=export.name,
        language=config.report.language,
        since=since.isoformat(), until=end.isoformat(),
        level=level, currency=manifest.data.currency,
        checked_days=round(data.holdout_length * DAYS_PER_UNIT[data.unit]), rows=WatchRow.of_frame(table),
        newcomers=NewcomersRecord(
            customers=newcomers["customer_id"].nunique(), purchases=len(newcomers),
            share=len(newcomers) / len(new) if len(new) else 0.0,
        ),
        past=_past(data.transactions, log, since), refit=[],
    )  # fmt: skip
    return found.model_copy(update={"refit": _reasons(found)})


def _last_time(study: Path, runs_dir: Path, last: Path | None) -> tuple[StudyConfig, StudyData, RunStore, Manifest]:
    """The configuration, the log that the run was made from, and the run, which is complete."""
    if not study.is_dir():
        config = read_config(study)
        data = _log_of(config, last)
        runs = _runs_of(config, runs_dir)
        if last is None:
            data = log_before(config, data, {manifest.data.checksum_sha256 for _, _, manifest in runs})
        return config, data, *_run_of(runs, data, runs_dir)
    store = RunStore.existing(study)
    manifest = store.manifest()
    if manifest is None or manifest.status != "complete":
        raise ConfigError(f"the run in {study} is not complete: there are no forecasts. Run its configuration again.")
    config = stored_config(manifest, store.directory)
    data = _log_of(config, last)
    if last is None:
        data = log_before(config, data, {manifest.data.checksum_sha256})
    if data.facts.checksum_sha256 != manifest.data.checksum_sha256:
        raise DataError(
            f"{data.facts.source} is not the log that {store.directory} was made from: its checksum is another. Name "
            "last time's export with --last FILE."
        )
    return config, data, store, manifest


def _log_of(config: StudyConfig, last: Path | None) -> StudyData:
    """The log of a study, or what `last` names in its place."""
    if not isinstance(config.data, DataSection):
        raise ConfigError("a watch is of purchases: the study must be one of purchases, with calibration_end.")
    if config.data.covariates is not None:
        raise ConfigError("the purchase model of this study has covariates, and a watch knows models without any.")
    if last is not None:
        config = _reading(config, last)
    try:
        data: StudyData = stages_of(config).load(config)
    except DataError as error:
        raise DataError(f"last time's log: {error} Where it is elsewhere now, name it with --last FILE.") from error
    return data


def log_before(config: StudyConfig, data: StudyData, wanted: set[str]) -> StudyData:
    """The log of a database as it was before its latest imports, as far back as a run of it is among those `wanted`;
    as it is where there is none."""
    section = config.data
    if not isinstance(section, DataSection) or section.database is None or data.facts.checksum_sha256 in wanted:
        return data
    path = config.folder / section.database
    with CustomerDatabase(path, read_only=True) as database:
        states = database.log_checksums()
    known = [count for count, checksum in enumerate(states) if checksum in wanted]
    if not known:
        return data
    with TemporaryDirectory() as folder:
        before = Path(shutil.copy(path, folder))
        with CustomerDatabase(before) as database:
            loads = database.table("loads").query("table_name == 'transactions'").sort_values("load_id")
            for checksum in reversed(loads["checksum"].tolist()[known[-1] :]):
                database.undo(checksum)
        return _log_of(config, before)


def _reading(config: StudyConfig, path: Path) -> StudyConfig:
    """The study with another file as its log."""
    section = config.data.model_copy(update=_of_file(path))
    changed = config.model_copy(update={"data": section})
    changed._folder = Path()
    return changed


def _of_file(path: Path) -> dict[str, Any]:
    database = path.suffix.lower() in (".db", ".duckdb")
    return {"dataset": None, "path": None if database else str(path), "database": str(path) if database else None}


def _runs_of(config: StudyConfig, runs_dir: Path) -> list[tuple[str, Path, Manifest]]:
    """The complete runs with the same data and models, and when each was finished: settings of strategies do not move a
    forecast."""
    content = config.canonical()
    found = []
    for path in sorted(runs_dir.glob(f"{config.name}-*")):
        manifest = RunStore(path).manifest()
        if (
            manifest is not None and manifest.status == "complete" and manifest.finished is not None
            and _forecasting(manifest.config) == _forecasting(content)
        ):  # fmt: skip
            found.append((manifest.finished, path, manifest))
    return found


def _run_of(runs: list[tuple[str, Path, Manifest]], data: StudyData, runs_dir: Path) -> tuple[RunStore, Manifest]:
    """The oldest of the runs of the same log."""
    found = [run for run in runs if run[2].data.checksum_sha256 == data.facts.checksum_sha256]
    if not found:
        raise ConfigError(
            f"{runs_dir} holds no complete run of this study on this log ({data.facts.source}). Forecasts are stored "
            "by churnsim run; where the file has been overwritten since, give last time's with --last FILE; where runs "
            "are elsewhere, --runs-dir DIR."
        )
    _, path, manifest = min(found, key=lambda run: run[:2])
    return RunStore(path), manifest


def _forecasting(content: dict[str, Any]) -> dict[str, Any]:
    """What of a configuration moves its forecasts; where the log lies does not, its checksum is compared. A run of an
    earlier version lacks the keys that came since, which is as if they were left empty."""
    return {
        part: {key: value for key, value in content[part].items() if value not in (None, {}, []) and key not in PLACES}
        for part in ("data", "models")
    }


def _stored_models(
    config: StudyConfig, store: RunStore, manifest: Manifest, data: StudyData
) -> tuple[ModelFit[PurchaseModel], GammaGamma | None, str]:
    """The run's models as stored, with the error of the estimates, and the hash of their file."""
    digest = manifest.products.get(FITS)
    if digest is None or store.damaged({FITS: digest}):
        raise DataError(f"{store.directory / FITS} is missing or no longer what the run stored. Run the study again.")
    stored = {name: FitRecord.model_validate(row) for name, row in read_json(store.directory / FITS).items()}
    clocks = data.clocks.options
    kind = PURCHASE_FAMILIES[
        stored["purchases"].family.removesuffix(ClockModel.suffix).removesuffix(SeriesModel.suffix)
    ]
    # The covariance is not stored: it is that of the same fit to the same log, which must end where it did.
    fit: ModelFit[PurchaseModel] = kind.fit(data.summary, unit=data.unit, **clocks)
    # Calendars stand in the configuration, customers' own series in its file.
    content = stored["purchases"].model | {
        name: given if data.clocks.own else given.to_dict() for name, given in clocks.items()
    }
    model = type(fit.model).from_dict(content)
    if not np.isclose(fit.loglik, stored["purchases"].loglik, rtol=1e-6, atol=1e-6):
        raise DataError(
            f"the models stored in {store.directory} are not those of its log by this version of churnsim. Run the "
            "study again."
        )
    spend = GammaGamma.from_dict(stored["spend"].model) if "spend" in stored else None
    if isinstance(model, ClockModel):
        model = model.with_future(data.clocks.future)
    return replace(fit, model=model), spend, digest


def log_as_studied(section: DataSection, path: Path) -> pd.DataFrame:
    """Another file of purchases, read as a study reads its log. Raises DataError for one that is written otherwise."""
    try:
        return read_log(section.model_copy(update=_of_file(path)), Path())[0]
    except ChurnSimError as error:
        raise DataError(f"{path}, read as [data] of the study says: {error}") from error


def _export(section: DataSection, path: Path, data: StudyData) -> pd.DataFrame:
    """The new export, read as the study reads its log, its ids of the same kind as those of the run."""
    log = log_as_studied(section, path)
    if pd.api.types.is_numeric_dtype(data.summary.index) != pd.api.types.is_numeric_dtype(log["customer_id"]):
        try:
            log = log.assign(customer_id=log["customer_id"].astype(data.summary.index.dtype))
        except ValueError:
            raise DataError(
                f"{path} has other ids than the run's log: {log['customer_id'].iloc[0]!r}, and "
                f"{data.summary.index[0]!r} there."
            ) from None
    if not log["customer_id"].isin(data.summary.index).any():
        raise DataError(
            f"{path} has none of the {len(data.summary):,} customers of the run: it is another firm's file."
        )
    return log


def _ends(since: date, end: date, period: str) -> list[date]:
    """The last days of the calendar periods after `since`; the last may be cut short by `end`."""
    spans = pd.period_range(since + timedelta(days=1), end, freq=period)
    return [min(span.end_time.date(), end) for span in spans]


def _past(before: pd.DataFrame, now: pd.DataFrame, since: date) -> PastRecord | None:
    """How many rows until `since` differ, from the first day that both have; None where the export has no such day."""
    begin = now["date"].min().normalize()
    if begin.date() > since:
        return None
    old, new = _tally(before, begin, since), _tally(now, begin, since)
    difference = new.sub(old, fill_value=0)
    differing = difference[difference != 0].reset_index()
    days = differing["day"]
    start = max(begin, before["date"].min().normalize())
    missing, added = int(-difference[difference < 0].sum()), int(difference[difference > 0].sum())
    customers = differing["customer_id"].nunique()
    first, last = (days.min().date(), days.max().date()) if len(days) else (None, None)
    told = f"the {int(old.sum()):,} rows from {start.date()} to {since} are unchanged."
    if missing + added:
        told = (
            f"of {int(old.sum()):,} rows from {start.date()} to {since}, {missing:,} are missing and {added:,} are "
            f"new, of {customers:,} customers, on days from {first} to {last}."
        )
    return PastRecord(
        since=str(start.date()), rows=int(old.sum()), missing=missing, added=added, customers=customers,
        first=None if first is None else str(first), last=None if last is None else str(last), told=told,
    )  # fmt: skip


def _tally(log: pd.DataFrame, begin: pd.Timestamp, since: date) -> pd.Series[Any]:
    """Rows alike in customer, day and amount (to the cent), counted."""
    inside = log[(log["date"] >= begin) & (log["date"] < pd.Timestamp(since) + pd.Timedelta(days=1))]
    amount = inside["amount"].round(2) if "amount" in inside else 0.0
    frame = inside[["customer_id"]].assign(day=inside["date"].dt.normalize(), amount=amount)
    return frame.groupby(["customer_id", "day", "amount"]).size()


def _reasons(found: WatchRecord) -> list[str]:
    """Why the study should be run again on the new export; none where its forecasts may go on being used."""
    told = []
    for row in found.alarms:
        who = "all customers together" if row.cohort == ALL else f"the cohort {row.cohort}"
        told.append(
            f"{who} had made {row.purchases:,} purchases by {row.until}, {row.alarm} than the "
            f"{row.lower:,.0f} to {row.upper:,.0f} that chance allows about the {row.expected:,.0f} forecast"
        )
    past, ahead = found.past, (date.fromisoformat(found.until) - date.fromisoformat(found.since)).days
    if past is not None and past.missing + past.added:
        told.append(f"the past has changed: {past.told.removesuffix('.')}")
    if found.newcomers.share > MOST_OF_NEWCOMERS:
        told.append(f"{found.newcomers.share:.0%} of the purchases are by customers whom the run does not know")
    if ahead > found.checked_days:
        told.append(f"the forecasts were tested {found.checked_days:,} days ahead, and {ahead:,} have passed")
    return told
