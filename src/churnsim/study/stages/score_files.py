"""Scores that a model outside the study has given its customers: a file with the columns customer_id and score."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import pandas as pd

from churnsim.data.tabular.columns import file_ids
from churnsim.data.tabular.open_source import raw_rows
from churnsim.data.tabular.row_errors import Flaws
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import DataError
from churnsim.simulation.core.scores import CustomerScores
from churnsim.study.config.strategy_sections import CHURN_MODEL, StrategySection

COLUMNS = ("customer_id", "score")


def read_scores(path: Path, customers: pd.Index | None) -> CustomerScores:
    """The scores in a CSV or Parquet file, by the ids that `customers` has: "7" in a file is 7 where ids are numbers.

    Scores of others are left out; without `customers` ids are taken as they are written. Raises DataError that names
    file, line and value for a score that is not a finite number and for a customer scored twice, and where none of
    `customers` has a score.
    """
    table, lines, word = raw_rows(path, COLUMNS, FileFormat()).sound(str(path))
    ids = file_ids(table["customer_id"], "customer_id", Flaws(len(table)), text=True)[0].tolist()
    own = dict(zip(ids, ids, strict=True)) if customers is None else {str(own): own for own in customers}
    found: dict[Any, float] = {}
    for place, (written, value) in enumerate(zip(ids, table["score"], strict=True)):
        row = f"{path}, {word} {lines[place]}"
        score = _number(value)
        if score is None:
            raise DataError(f"{row}: the score {str(value)[:40]!r} is not a finite number. Correct it or leave it out.")
        customer = own.get(written)
        if customer in found:
            raise DataError(f"{row}: customer {written[:80]!r} is scored twice. Give one score each.")
        if customer is not None:
            found[customer] = score
    if not found and customers is not None:
        raise DataError(
            f"{path} scores none of the study's {len(customers):,} customers, who have ids such as "
            f"{str(customers[0])[:80]!r}. The column customer_id must hold the ids of the data."
        )
    return CustomerScores.of(found)


def read_ids(path: Path, customers: pd.Index) -> list[Any]:
    """Those of `customers` whom the column customer_id of a CSV or Parquet file names, by the ids that they have.
    Raises DataError for a file without the column, and where it names none of them."""
    written = raw_rows(path, COLUMNS[:1], FileFormat()).frame["customer_id"]
    ids = set(file_ids(written, "customer_id", Flaws(len(written)), text=True)[0].tolist())
    found = [own for own in customers if str(own) in ids]
    if not found:
        raise DataError(
            f"{path} names none of the study's {len(customers):,} customers, who have ids such as "
            f"{str(customers[0])[:80]!r}. The column customer_id must hold the ids of the data."
        )
    return found


def scores_checksum(section: StrategySection, folder: Path) -> str:
    """SHA-256 of the files of scores and mechanisms that a strategy goes by, "" where there are none: other ones make
    another study."""
    digests = [
        hashlib.sha256((folder / scores).read_bytes()).hexdigest()
        for scores in (getattr(table, "scores", None) for table in section.tables.values())
        if scores and scores != CHURN_MODEL
    ]
    if section.mechanisms is not None:
        digests.append(hashlib.sha256((folder / section.mechanisms).read_bytes()).hexdigest())
    return "".join(digests)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
