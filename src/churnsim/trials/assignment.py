"""Who is in which arm of a trial: drawn by a seed in blocks of customers with like forecasts, and kept as a CSV beside
a manifest with its hash."""

from __future__ import annotations

import hashlib
import io
import json
import math
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

import churnsim
from churnsim.data.database.export import neutral
from churnsim.data.tabular.files import read_json_file, regular_file
from churnsim.errors import DataError
from churnsim.typing import Flags, Floats

CONTROL, TREATED = "control", "treated"
COLUMNS = ("customer_id", "at", "campaign", "arm", "chance", "block", "forecast")
LIST, MANIFEST = "assignment.csv", "manifest.json"
PER_BLOCK = 20  # customers, or twice as many as one held out needs


def held_out(forecast: Floats, share: float, random: np.random.Generator) -> tuple[Flags, Any]:
    """Whom to hold out, and each customer's block: those with like forecasts, within which who is held out is drawn.

    Every customer has the chance `share` exactly, and of each block, and of all, as many are held out as the share says
    or one more or less.
    """
    n = len(forecast)
    ranked = np.lexsort((random.random(n), -forecast))
    block = np.arange(n) // max(PER_BLOCK, math.ceil(2 / min(share, 1 - share)))
    order = ranked[np.lexsort((random.random(n), block))]
    steps = np.floor(share * np.arange(n + 1) + random.random())
    out = np.zeros(n, dtype=bool)
    out[order] = np.diff(steps) > 0
    of = np.empty(n, dtype=np.int64)
    of[ranked] = block
    return out, of


class TrialManifest(BaseModel):
    """What was planned of a trial, beside its list: what its reading needs, and what it promised.

    Days are counted from `start` to `end`, both included. `values` and `differences` are by how much more an arm that
    is treated buys (spends) a customer until the end, by the replays, as the number `about` varies. `among` says who
    takes part where not everybody does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: Literal["trial"] = "trial"
    version: str
    about: str
    unit: str
    law: Literal["beta", "log-normal", "normal"]
    is_time: bool
    strategy: str
    without: list[str]
    outcome: Literal["purchases", "spend"]
    start: str
    end: str
    weeks: float
    share: float
    customers: int
    held_out: int
    seed: int
    level: float
    effect: float
    against: float
    wanted_power: float
    power: float
    detectable: float | None
    standard_error: float
    cost: float
    cost_lower: float
    cost_upper: float
    planned_variance: float
    values: list[float]
    differences: list[float]
    sha256: str
    among: str = ""

    @property
    def days(self) -> tuple[int, int]:
        """First and last day, in days since 1970."""
        first, last = (
            date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal() for day in (self.start, self.end)
        )
        return first, last


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialAssignment:
    """The list of a trial and its manifest.

    Attributes
    ----------
    table : DataFrame
        One row a customer: `customer_id`, `at` (the first day), `campaign` (the number that the trial is about), `arm`
        ("control" for those held out, "treated"), `chance` (that of its arm), `block`, and the model's `forecast` of
        the outcome. It is a table of contacts as `churnsim.evidence.contact_effect` takes it.
    manifest : TrialManifest
        What was planned, and the hash of the list as CSV.

    Examples
    --------
    >>> TrialAssignment.read("absent.csv")
    Traceback (most recent call last):
    churnsim.errors.DataError: there is no file 'absent.csv'. Give the assignment.csv of a trial.
    """

    table: pd.DataFrame
    manifest: TrialManifest

    def write(self, folder: str | Path) -> Path:
        """Write `assignment.csv` and `manifest.json` into a folder, which is made if need be; returns the list's path.
        Text that a spreadsheet would run has an apostrophe before it. Raises DataError where a trial is there already:
        a list that is in use must not be replaced by another draw."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name in (LIST, MANIFEST):
            if (target / name).exists():
                raise DataError(f"{target / name} is there already. Write a new trial to another folder.")
        (target / LIST).write_bytes(csv_of(self.table))
        text = json.dumps(self.manifest.model_dump(), indent=2, ensure_ascii=False, allow_nan=False)
        (target / MANIFEST).write_text(text + "\n", encoding="utf-8")
        return target / LIST

    @classmethod
    def read(cls, path: str | Path) -> TrialAssignment:
        """The list at `path`, with the manifest beside it. Raises DataError for a file that is none, a customer who is
        in it twice, and a list that is not the one that was drawn."""
        file = Path(path)
        file = file / LIST if file.is_dir() else file
        if not file.exists():
            raise DataError(f"there is no file {str(file)!r}. Give the assignment.csv of a trial.")
        content = regular_file(file, what="list of a trial").read_bytes()
        manifest = _manifest(file.with_name(MANIFEST))
        try:
            table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
        except (ValueError, UnicodeDecodeError) as error:
            raise DataError(f"{file} is no CSV file of a trial: {str(error).splitlines()[0][:200]}") from None
        lacking = [name for name in COLUMNS if name not in table.columns]
        if lacking:
            raise DataError(
                f"{file} has no column {lacking[0]!r}, so it is no list of a trial. Give the assignment.csv that "
                "`churnsim trial design` wrote."
            )
        twice = table["customer_id"].duplicated()
        if twice.any():
            row = int(np.argmax(twice))
            raise DataError(
                f"{file}: row {row + 2}: customer {table['customer_id'][row][:80]!r} is in the list twice "
                f"({int(twice.sum()):,} such rows). Use the list as it was written."
            )
        if hashlib.sha256(content).hexdigest() != manifest.sha256:
            raise DataError(
                f"{file} has been changed since it was drawn: its SHA-256 is not the one in {MANIFEST}. Use the file "
                "as it was written (a spreadsheet that saves it changes it); name customers to leave out with without="
            )
        table["customer_id"] = [_as_it_was(value) for value in table["customer_id"]]
        table["campaign"] = manifest.about
        for name in ("chance", "forecast"):
            table[name] = table[name].astype(np.float64)
        table["block"] = table["block"].astype(np.int64)
        return cls(table=table, manifest=manifest)


def csv_of(table: pd.DataFrame) -> bytes:
    """The list as it is written: UTF-8, without a formula that a spreadsheet would run."""
    safe = table.assign(**{name: table[name].map(neutral) for name in ("customer_id", "campaign")})
    return str(safe.to_csv(index=False, lineterminator="\n")).encode()


def drawn(
    customers: pd.Index[Any], forecast: Floats, plan: dict[str, Any], *, start: date, seed: int, days: int
) -> TrialAssignment:
    """The list of a trial with a plan, and its manifest."""
    out, block = held_out(forecast, plan["share"], np.random.Generator(np.random.Philox(seed)))
    table = pd.DataFrame(
        {
            "customer_id": customers.astype(str), "at": start.isoformat(), "campaign": plan["about"],
            "arm": np.where(out, CONTROL, TREATED), "chance": np.where(out, plan["share"], 1 - plan["share"]).round(12),
            "block": block, "forecast": forecast.round(9),
        }
    )  # fmt: skip
    end = start + timedelta(days=days - 1)
    manifest = TrialManifest(
        **plan, version=churnsim.__version__, start=start.isoformat(), end=end.isoformat(), seed=seed,
        customers=len(table), held_out=int(out.sum()), sha256=hashlib.sha256(csv_of(table)).hexdigest(),
    )  # fmt: skip
    return TrialAssignment(table=table, manifest=manifest)


def _manifest(path: Path) -> TrialManifest:
    if not path.exists():
        raise DataError(f"there is no {path}, which says what was planned. Keep it beside the list.")
    remedy = "Use the one that was written with the list."
    try:
        return TrialManifest.model_validate(read_json_file(path, what="manifest", remedy=remedy, error=DataError))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise DataError(f"{path} is no manifest of a trial ({where}: {error.errors()[0]['msg']}).") from None


def _as_it_was(value: str) -> str:
    """A customer's id without the apostrophe that was put before it."""
    return value[1:] if value.startswith("'") and neutral(value[1:]) == value else value
