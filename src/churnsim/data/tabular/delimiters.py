"""What separates the columns of a text file: the one character under which the wanted columns are there."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from churnsim.errors import DataError

__all__ = ["detect_delimiter"]

CANDIDATES = (",", ";", "\t", "|")
SAMPLED_LINES = 100


def detect_delimiter(text: str, wanted: Sequence[str], *, source: str) -> str:
    """The delimiter of the file that begins with `text` and has the columns `wanted`.

    Among comma, semicolon, tab and bar those qualify under which the header holds every wanted name. When several do
    (only a header with one wanted name can), the one under which the lines have as many fields as the header. When none
    does, the one that splits the header most, for the error about the missing column to speak of. Raises DataError when
    two are left.
    """
    found = {candidate: _records(text, candidate) for candidate in CANDIDATES}
    headers = {
        candidate: [name.strip() for name in records[0]] if records else [] for candidate, records in found.items()
    }
    fits = [candidate for candidate in CANDIDATES if set(wanted) <= set(headers[candidate])]
    if not fits:
        return max(CANDIDATES, key=lambda candidate: len(headers[candidate]))
    if len(fits) > 1:
        fits = [c for c in fits if all(len(record) == len(headers[c]) for record in found[c])] or fits
    most = max(len(headers[candidate]) for candidate in fits)
    fits = [candidate for candidate in fits if len(headers[candidate]) == most]
    if most <= 1:
        return ","  # one column is separated by nothing
    if len(fits) > 1:
        raise DataError(
            f"{source}: the columns may be separated by {' or '.join(map(repr, fits))}. Say which with delimiter=."
        )
    return fits[0]


def _records(text: str, delimiter: str) -> list[list[str]]:
    records = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in record):
                records.append(record)
            if len(records) > SAMPLED_LINES:
                break
    except csv.Error:
        pass  # what is wrong with the record is said, with its line, when the file is read
    return records
