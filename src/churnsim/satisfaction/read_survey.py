"""A survey from a CSV or Parquet file, long or wide: where outside answers are checked, once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from churnsim.checks import check_kind, typed
from churnsim.data.tabular.open_source import raw_rows
from churnsim.data.tabular.source import FileFormat
from churnsim.errors import ConfigError, DataError
from churnsim.satisfaction.answer_cells import Names, assemble, cells_of
from churnsim.satisfaction.survey import KINDS, Scale, Survey, checked_scale

OnBad = Literal["raise", "set_aside"]


def read_survey(
    path: str | os.PathLike[str],
    *,
    scale: Scale = (1, 7),
    scales: Mapping[str, Scale] | None = None,
    respondent: str = "respondent",
    item: str = "item",
    customer_id: str = "customer_id",
    date: str = "date",
    role: str = "role",
    date_format: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    on_bad: OnBad = "raise",
) -> Survey:
    r"""Read answers from a CSV (``.csv .txt .tsv``, also ``.gz``) or Parquet file.

    Two layouts are told apart by the column `item`:

    - *long*: one row a respondent and item; a column for each kind of answer (``expectation``, ``perception``,
      ``importance``, ...);
    - *wide*: one row a respondent; columns ``KIND.ITEM`` such as ``expectation.q1``; ``E.q1``, ``P.q1``, ``I.q1`` are
      taken for expectation, perception and importance.

    The columns `customer_id` (joins answers with purchases), `date` and `role` (customer, employee or manager; customer
    where absent) are optional and must be the same in all rows of a respondent.

    An empty cell is an answer not given.

    Raises DataError, naming file, line, column, value and remedy, for answers off the scale, not numbers or not whole
    where the scale has whole steps, for an item answered twice, for a respondent without an id, a bad date or role;
    ConfigError for impossible arguments.

    Parameters
    ----------
    path : str or path
        The file.
    scale : tuple of two numbers
        Lowest and highest answer of every kind.
    scales : mapping of kind to scale, optional
        Where a kind was asked on another scale, such as ``{"importance": (0, 100)}``.
    respondent, item, customer_id, date, role : str
        What the file calls these columns.
    date_format : str, optional
        As of `strptime`; ISO dates are understood without.
    delimiter : str, optional
        Of a CSV; found unless given.
    encoding : str
        Of a CSV; found unless given, but for bytes that several could have written.
    on_bad : "raise" or "set_aside"
        Whether an answer that cannot be used is an error, or counts as not given and is listed in `Survey.set_aside`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "answers.csv")
    ...     _ = file.write_text("respondent,P.q1,P.q2\nr1,7,6\nr2,3,\n", encoding="utf-8")
    ...     survey = read_survey(file, scale=(1, 7))
    >>> survey.of("perception").to_dict("index")
    {'r1': {'q1': 7.0, 'q2': 6.0}, 'r2': {'q1': 3.0, 'q2': nan}}
    """
    if not isinstance(path, str | os.PathLike):
        raise DataError(
            f"a survey is read from a file; got a {type(path).__name__}. Take Survey.from_frames for frames."
        )
    file, known = Path(path), _scales(scale, scales)
    names = Names(respondent=respondent, item=item, customer_id=customer_id, date=date, role=role)
    form = FileFormat(delimiter=delimiter, encoding=encoding)
    rows = raw_rows(file, lambda found: names.wanted(found, source=str(file)), form, arguments=("respondent",))
    table, lines, word = rows.sound(str(file))
    cells = cells_of(table, lines, names=names, source=str(file))
    return assemble(cells, source=str(file), row_word=word, scales=known, date_format=date_format, on_bad=on_bad)


@typed
def survey_from_frame(
    frame: pd.DataFrame,
    *,
    scale: Scale = (1, 7),
    scales: Mapping[str, Scale] | None = None,
    respondent: str = "respondent",
    on_bad: OnBad = "raise",
) -> Survey:
    """The same from a frame in the long or wide layout; rows are named by their position, from 1.

    Examples
    --------
    >>> survey_from_frame(pd.DataFrame({"respondent": ["r1"], "P.q1": [7]})).of("perception").to_dict("index")
    {'r1': {'q1': 7.0}}
    """
    names = Names(respondent=respondent)
    table = frame.reset_index() if respondent not in frame.columns and frame.index.name == respondent else frame
    lines = pd.Series(range(1, len(table) + 1)).to_numpy()
    cells = cells_of(table.reset_index(drop=True), lines, names=names, source="the frame")
    return assemble(cells, source="the frame", row_word="row", scales=_scales(scale, scales), on_bad=on_bad)


def _scales(scale: Scale, scales: Mapping[str, Scale] | None) -> dict[str, Scale]:
    if scales is not None:
        check_kind(scales, "scales", Mapping, "a mapping of a kind of answer to its scale")
    given = dict(scales or {})
    unknown = set(given) - set(KINDS)
    if unknown:
        raise ConfigError(f"scales names {', '.join(sorted(unknown))}. Use one of {', '.join(KINDS)}.")
    return {kind: checked_scale(kind, given.get(kind, scale)) for kind in KINDS}
