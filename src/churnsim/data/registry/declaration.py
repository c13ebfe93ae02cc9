"""What is declared of a public data set, and the declarations by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from churnsim.data.registry.files import fetched_file, file_at_hand, installed_file, package_file
from churnsim.errors import ConfigError

Kind = Literal["log", "histories", "contract", "panel", "trial", "customers", "counts", "survey"]
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "log": "purchases with customer, date and amount",
        "histories": "how often and how recently each customer bought",
        "contract": "who was subscribed for how long, and who has left",
        "panel": "which brand a household bought, purchase by purchase",
        "trial": "customers who were treated at random, or sums of them",
        "customers": "one row a customer at one time",
        "counts": "events by interval",
        "survey": "what people answered",
    }
)
assert set(KINDS) == set(get_args(Kind))


class PanelColumns(BaseModel):
    """Names of a scanner panel's columns; `price` is what the columns of the brands' prices begin with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    household: str
    brand: str
    price: str


class DataSet(BaseModel):
    """What is declared of one data set.

    Attributes
    ----------
    name, title : str
        As it is asked for, and in words.
    kind : str
        log, histories, contract, panel, trial, customers, counts or survey.
    artificial : bool
        Whether no firm's customers are in it: nothing that is found in it is a finding about customers.
    unit : str
        Of its times: H, D, W, M or Y, or empty where it has none.
    customers, rows : int or None
        How many customers, and rows of the file.
    package, file : str or None
        Of a file that comes with an installed package: the package, and where the file is in it.
    files : tuple of str
        Of a file that is fetched: the names under which the folder CHURNSIM_DATA may hold it.
    fetch, fetch_sha256, member : str or None
        What is downloaded, its checksum, and which part of the archive is the data.
    sha256 : str or None
        Of the file itself, where its publisher does not change it.
    written_out : bool
        Whether churnsim has it as figures of its own.
    address, licence, citation, note : str
        Where it is published, on what terms, what to cite, and what to know before using it.

    Examples
    --------
    >>> import churnsim
    >>> found = churnsim.datasets.describe("donations")
    >>> found.kind, found.customers, found.artificial
    ('histories', 11104, False)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    kind: Kind
    artificial: bool = False
    unit: Literal["", "H", "D", "W", "M", "Y"]
    customers: int | None = None
    rows: int | None = None
    package: str | None = None
    file: str | None = None
    files: tuple[str, ...] = ()
    fetch: str | None = None
    fetch_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    member: str | None = None
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    written_out: bool = False
    panel: PanelColumns | None = None
    address: str = ""
    licence: str
    citation: str
    note: str

    @model_validator(mode="after")
    def _one_way_to_it(self) -> DataSet:
        ways = (self.package is not None and self.file is not None, bool(self.files and self.fetch), self.written_out)
        if sum(ways) != 1:
            raise ValueError(f"{self.name} must have one of package and file, files and fetch, or written_out")
        if (self.kind == "panel") != (self.panel is not None):
            raise ValueError(f"{self.name} must name its panel's columns if, and only if, it is a panel")
        return self

    @property
    def how(self) -> str:
        """How one comes by it, in a few words."""
        if self.written_out:
            return "with churnsim"
        if self.package:
            return f"in the package {self.package}"
        return "by download"

    @property
    def at_hand(self) -> bool:
        """Whether it can be loaded now, without a download.

        Examples
        --------
        >>> import churnsim
        >>> churnsim.datasets.describe("hillstrom-sums").at_hand
        True
        """
        if self.written_out:
            return True
        if self.package and self.file:
            return installed_file(self.package, self.file) is not None
        return file_at_hand(self.files) is not None

    def path(self) -> Path:
        """Its file, downloaded first where it has to be.

        Raises DataError where it cannot be had, saying from where it can, and MissingExtraError without the library
        that downloads or the package that holds it.
        """
        if self.package and self.file:
            return package_file(self.package, self.file, of=self.name)
        if self.fetch is None:
            raise ConfigError(f"the data set {self.name} has no file: churnsim has it as figures of its own.")
        return fetched_file(
            self.name, names=self.files, address=self.fetch, sha256=self.fetch_sha256, member=self.member,
        )  # fmt: skip

    def __str__(self) -> str:
        made = "ARTIFICIAL: nobody's customers" if self.artificial else "real"
        size = f"{self.customers:,} customers" if self.customers else f"{self.rows:,} rows"
        there = "" if self.written_out else ", there now" if self.at_hand else ", not there now"
        lines = [
            f"{self.name}: {self.title}", f"{self.kind}: {KINDS[self.kind]}; {size}; {made}", self.note,
            f"Comes {self.how}{there}.", f"Terms: {self.licence}.", f"From {self.address}" if self.address else "",
            f"Cite: {self.citation}",
        ]  # fmt: skip
        return "\n".join(line for line in lines if line)


@cache
def declarations() -> Mapping[str, DataSet]:
    """Every declaration by its name, in the order of the file."""
    content = tomllib.loads(Path(__file__).with_name("data_sets.toml").read_text(encoding="utf-8"))
    found = [DataSet(**row) for row in content["data_set"]]
    by_name = {data_set.name: data_set for data_set in found}
    assert len(by_name) == len(found), "a data set is declared twice"
    return MappingProxyType(by_name)


def declared(name: str) -> DataSet:
    """The declaration of one data set. Raises ConfigError for another name, listing those that there are."""
    known = declarations()
    if name not in known:
        raise ConfigError(f"there is no data set {name!r}. Use one of: {', '.join(known)}.")
    return known[name]
