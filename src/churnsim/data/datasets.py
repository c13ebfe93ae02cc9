"""Public data sets: what there is (`list`, `describe`), and each as a table (`load`, or a function of its own).

Some come with an installed package, whose files are read without importing it; two are downloaded once (`pooch`, extra
"datasets"), and taken from the folder that the environment variable CHURNSIM_DATA names where they lie there already.
The telecom tables and the shop are artificial, and say so.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from churnsim.checks import check_choice, typed
from churnsim.data.made_up_shop import Shop, shop
from churnsim.data.registry.declaration import KINDS, DataSet, declarations, declared
from churnsim.data.registry.tables import (
    call_counts,
    invoices,
    packaged_table,
    panel_table,
    published_content,
    survey_table,
)
from churnsim.data.subscriptions.subscribers import retention_cohorts, telco, telco_calls
from churnsim.data.tabular.row_errors import SetAside
from churnsim.errors import DataError
from churnsim.other_packages import no_such_name

__all__ = [
    "DataSet", "Shop", "Source", "cdnow", "cdnow_file", "describe", "donations", "hillstrom", "hillstrom_sums", "list",
    "load", "retention_cohorts", "shop", "source", "telco", "telco_calls",
]  # fmt: skip

if not TYPE_CHECKING:  # for which every name would be there

    def __getattr__(name):
        raise no_such_name("churnsim.datasets", name, __all__)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a data set is from: its name, a title, what to cite, the file and its SHA-256."""

    name: str
    title: str
    citation: str
    file: Path
    checksum_sha256: str


@typed
def list(kind: str | None = None, *, artificial: bool | None = None) -> pd.DataFrame:
    """Every public data set that can be loaded, or those of one kind.

    Parameters
    ----------
    kind : str, optional
        log, histories, contract, panel, trial, customers, counts or survey.
    artificial : bool, optional
        Only those that are artificial, or only those of real customers.

    Returns
    -------
    DataFrame
        A row a data set, by its name: ``kind``, ``artificial``, ``customers``, ``title``, ``how`` one comes by it, and
        whether it is ``at_hand`` without a download.

    Examples
    --------
    >>> list("panel").index.tolist()
    ['catsup', 'ketchup', 'tuna', 'yogurt', 'cracker']
    >>> list(artificial=True).index.tolist()
    ['telco', 'telco-calls', 'made-up-shop']
    """
    if kind is not None:
        check_choice(kind, "kind", tuple(KINDS))
    chosen = [
        one for one in declarations().values() if kind in (None, one.kind) and artificial in (None, one.artificial)
    ]
    columns = ("kind", "artificial", "customers", "title", "how", "at_hand")
    rows = {column: [getattr(one, column) for one in chosen] for column in columns}
    index = pd.Index([one.name for one in chosen], name="name", dtype=object)
    return pd.DataFrame(rows, index=index).astype({"customers": "Int64"})


@typed
def describe(name: str) -> DataSet:
    """What is declared of a data set: what it is, where it is from, its terms, what to cite. Printed, it is a text.

    Raises ConfigError for a name that there is not.

    Examples
    --------
    >>> print(describe("telco"))  # doctest: +ELLIPSIS
    telco: IBM Telco, artificial: 7,043 subscribers of a fictional firm, tenure in months
    contract: who was subscribed for how long, and who has left; 7,043 customers; ARTIFICIAL: nobody's customers
    ...
    """
    return declared(name)


@typed
def load(name: str) -> pd.DataFrame:
    """A data set as a table, whose columns depend on its kind; `describe` says what it holds.

    A log has ``customer_id``, ``date`` and ``amount``; histories ``frequency``, ``recency``, ``T`` and ``customers``; a
    panel ``household``, ``order``, ``brand`` and ``price``; a contract ``tenure`` and ``churned`` (or customers left by
    renewal); counts ``date`` and ``calls``; the others the columns of their source.

    Raises ConfigError for a name that there is not, DataError where the file cannot be had (saying from where it can),
    MissingExtraError without a package that it takes.

    Examples
    --------
    >>> load("yogurt").head(2)
       household  order   brand  price
    0          1      1  weight    7.9
    1          1      2  dannon    9.8
    """
    found = declared(name)
    loader = _LOADERS.get(name) or _BY_KIND[found.kind]
    frame = loader(found)
    frame.attrs["unit"] = frame.attrs.get("unit", found.unit)
    return frame


@typed
def cdnow(full: bool = False) -> pd.DataFrame:
    """Purchases to the end of June 1998 of the customers who first bought at CDNOW in early 1997.

    The 1/10 systematic sample (2,357 customers, ids 1 to 2357) unless `full` (23,570 customers, ids 1 to
    23570). A frame of transactions with ``customer_id`` (int), ``date``, ``amount`` (US dollars) and
    ``quantity`` (CDs bought), one row a purchase; some purchases cost nothing. Raises MissingExtraError without
    `lifetimes`.

    Examples
    --------
    >>> log = cdnow()
    >>> log["customer_id"].nunique(), len(log)
    (2357, 6919)
    """
    path = cdnow_file(full)
    facts = path.stat()
    frame = _cdnow(path, full, facts.st_size, facts.st_mtime_ns).copy()
    frame.attrs["set_aside"] = SetAside()
    return frame


@cache
def _cdnow(path: Path, full: bool, _size: int, _changed: int) -> pd.DataFrame:
    columns = ["customer_id", "date", "quantity", "amount"]
    if not full:
        columns.insert(0, "id_in_full_log")  # the sample has both numbers; its papers use its own
    try:
        kinds = {name: "float64" if name == "amount" else "int64" for name in columns}
        raw = pd.read_csv(path, sep=r"\s+", header=None, names=columns, skiprows=int(full), dtype=kinds)
        dates = pd.to_datetime(raw["date"].astype(str), format="%Y%m%d")
    except ValueError as error:
        raise DataError(f"{path} is not the CDNOW file ({error}). Install lifetimes again.") from None
    return raw.assign(date=dates)[["customer_id", "date", "amount", "quantity"]]


def donations() -> pd.DataFrame:
    """Who gave in which of six years: 11,104 donors who first gave in 1995 to a public radio station, 1996 to 2001.

    Fader, Hardie & Shang (2010), Marketing Science 29(6), 1086-1108. A summary in opportunities of one a
    year, for `BGBB`: 22 distinct histories with ``frequency, recency, T`` and in ``customers`` how many donors have
    each (pass it as `weights`). Raises MissingExtraError without `lifetimes`.

    Examples
    --------
    >>> int(donations()["customers"].sum())
    11104
    """
    raw = pd.read_csv(declared("donations").path())
    kinds = {"frequency": "int64", "recency": "float64", "T": "float64", "customers": "int64"}
    frame = raw.rename(columns={"periods": "T", "weights": "customers"})[[*kinds]].astype(kinds)
    frame.attrs["unit"] = "Y"
    return frame


@typed
def cdnow_file(full: bool = False) -> Path:
    """The file behind `cdnow`, inside the installed `lifetimes` package, which is not imported.

    Raises MissingExtraError when the package is not there, DataError when it lacks the file.

    Examples
    --------
    >>> cdnow_file().name
    'CDNOW_sample.txt'
    """
    return declared("cdnow-full" if full else "cdnow").path()


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
    frame = pd.read_csv(io.BytesIO(published_content(declared("hillstrom"))))
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


@typed
def source(name: str) -> Source:
    """Where a data set's file is from, for manifests and reports.

    Raises ConfigError for an unknown name or a data set without a file, DataError when the file is not there,
    MissingExtraError when its package is not.

    Examples
    --------
    >>> source("cdnow").title
    'CDNOW, 1/10 sample: 2,357 customers of 1997, 18 months'
    """
    found = declared(name)
    file = found.path()
    return Source(
        name=name,
        title=found.title,
        citation=found.citation,
        file=file,
        checksum_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )


_Loader = Callable[[DataSet], pd.DataFrame]
_LOADERS: Mapping[str, _Loader] = MappingProxyType(
    {
        "cdnow": lambda _: cdnow(),
        "cdnow-full": lambda _: cdnow(full=True),
        "online-retail": invoices,
        "donations": lambda _: donations(),
        "cohorts": lambda _: retention_cohorts(),
        "telco": lambda _: telco(),
        "telco-calls": lambda _: telco_calls(),
        "made-up-shop": lambda _: shop().purchases,
        "hillstrom": lambda _: hillstrom(),
        "hillstrom-sums": lambda _: hillstrom_sums(),
    }
)
_BY_KIND: Mapping[str, _Loader] = MappingProxyType(
    {"panel": panel_table, "survey": survey_table, "customers": packaged_table, "counts": call_counts}
)
