"""The subscribers of a study, in whole renewals."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data import datasets
from churnsim.data.subscriptions.renewals import count_renewals
from churnsim.data.subscriptions.subscriptions import read_subscriptions
from churnsim.errors import ConfigError
from churnsim.records.run import DataFacts
from churnsim.study.config.contract import SubscribersSection

__all__ = ["ContractData", "load_subscribers"]

SETS = {"telco": datasets.telco, "telco-calls": datasets.telco_calls}


@dataclass(frozen=True, kw_only=True)
class ContractData:
    """Subscribers with whole tenures in `unit`; `charges` is what each pays per unit."""

    subscribers: pd.DataFrame
    charges: pd.Series[float]
    covariates: tuple[str, ...]
    unit: str
    facts: DataFacts

    @property
    def there(self) -> pd.DataFrame:
        """Those who had not left."""
        there = self.subscribers[~self.subscribers["churned"]]
        there.attrs.update(self.subscribers.attrs)
        return there


def load_subscribers(section: SubscribersSection, folder: Path) -> ContractData:
    """Read what [data] names. Raises DataError for data that cannot be used, ConfigError for a column that is not there
    or charges that are not amounts."""
    wanted = list(dict.fromkeys([*section.covariates, section.charge]))
    if section.dataset is not None:
        origin = datasets.source(section.dataset)
        source, checksum = f"{origin.title}. {origin.citation}", origin.checksum_sha256
        frame = SETS[section.dataset]()
        missing = [name for name in wanted if name not in frame.columns]
        if missing:
            raise ConfigError(f"{section.dataset} has no column {missing[0]!r}; it has {', '.join(frame.columns)}.")
    else:
        assert section.path is not None  # the configuration has one of the two
        path = folder / section.path
        frame = read_subscriptions(
            path, customer_id=section.customer_id, start=section.start, end=section.end, tenure=section.tenure,
            churned=section.churned, entry=section.entry, covariates=wanted, observed_until=section.observed_until,
            observed_from=section.observed_from, unit=section.unit, **section.form,
        )  # fmt: skip
        source, checksum = path.name, hashlib.sha256(path.read_bytes()).hexdigest()
    set_aside = list(frame.attrs.get("set_aside", []))
    counted = count_renewals(frame, term=f"1 {section.unit}")
    charges = pd.to_numeric(counted[section.charge], errors="coerce")
    if not np.isfinite(charges).all() or (charges <= 0).any():
        raise ConfigError(
            f"{section.charge!r} must hold amounts above 0 to be what subscribers pay. Name another column."
        )
    facts = DataFacts(
        source=source,
        checksum_sha256=checksum,
        rows=len(counted),
        customers=len(counted),
        first="tenure 0",
        last=f"tenure {counted['tenure'].max():g}",
        set_aside=set_aside,
        currency=section.currency,
        leavers=int(counted["churned"].sum()),
    )
    return ContractData(
        subscribers=counted, charges=charges, covariates=section.covariates, unit=section.unit, facts=facts
    )
