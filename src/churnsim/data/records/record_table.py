"""Records of one kind, read from any source: typed, with every row that cannot be used marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from churnsim.data.records.kinds import RecordColumn, RecordKind
from churnsim.data.tabular.columns import MISSING, numpy_ids
from churnsim.data.tabular.open_source import gathered
from churnsim.data.tabular.row_coercion import column_names, required_columns, typed_rows
from churnsim.data.tabular.source import Piece, RecordSource
from churnsim.data.tabular.table_columns import RENAME, check_columns
from churnsim.errors import DataError
from churnsim.typing import Flags


class RecordTable:
    """Typed rows (`frame`, with every column of the kind) of which some may be marked as bad; `given` are the columns
    that the source has, by our names, and `names` what it calls them.

    Days after `latest` are bad. `text_ids` makes text of ids that are numbers, and with `guests` the caller can leave
    out rows without an id.
    """

    def __init__(
        self, kind: RecordKind, source: RecordSource, where: str, names: Mapping[str, str], *, latest: pd.Timestamp,
        text_ids: bool = False, guests: bool = False,
    ) -> None:  # fmt: skip
        self.kind, self.where, self.names, self.given = kind, where, dict(names), frozenset(names)
        self.read_before: dict[str, int] = {}  # rows left out when the source was read, by reason
        kinds = {theirs: str(kind.column(ours).kind) for ours, theirs in names.items()}
        spelling, self.detected = source.detected(kinds)
        self.raw = gathered(source, list(names.values()), spelling)
        self.flaws = self.raw.flaws
        if self.raw.frame.empty:
            raise DataError(f"{where}: there is no row. Give at least one {kind.what}.")
        for column in kind.columns:
            # Readers of days and answers say themselves what is missing, and that of ids if the caller can do without.
            told = column.optional or column.kind in ("date", "flag") or (guests and column.kind == "id")
            if column.name in names and not told:
                self._refuse_missing(column)
        self.frame = typed_rows(
            self.raw.frame, columns=kind.columns, names=names, flaws=self.flaws, spelling=spelling,
            latest=latest, text_ids=text_ids, what=kind.what,
        )  # fmt: skip
        for column in kind.columns:
            self.frame[column.name] = self._finished(column)
        self.frame = self.frame[[column.name for column in kind.columns]]

    @classmethod
    def read(
        cls, kind: RecordKind, source: RecordSource, *, where: str, columns: Mapping[str, str | None],
        latest: pd.Timestamp, by_name: bool = True,
    ) -> RecordTable:  # fmt: skip
        """The rows of an open source, checked one by one but for what `check` adds.

        `where` is what messages call the source; `columns` are its names for ours where they are given, and `by_name`
        says whether the caller takes them. Days after `latest` are bad. Raises DataError for columns that are not
        there.
        """
        names = cls.names_of(kind, source.columns(), where, columns)
        check_columns(
            source.columns(), list(names.values()), source=where, delimiter=source.delimiter,
            arguments=list(names) if by_name else (), rename="" if by_name else RENAME,
        )  # fmt: skip
        return cls(kind, source, where, names, latest=latest)

    @staticmethod
    def names_of(
        kind: RecordKind, found: list[str], where: str, columns: Mapping[str, str | None], may_lack: Sequence[str] = ()
    ) -> dict[str, str]:
        """Our columns to theirs: as given, by our own name, or by the one other name under which it is known. The
        columns `may_lack` need not be there, although they are required."""
        held = {column.held: column.name for column in kind.columns}
        given = {held.get(ours, ours): theirs for ours, theirs in columns.items()}
        required_columns(kind.columns, given)  # refuses what is no name
        plain = {_plain(name): name for name in reversed(found) if isinstance(name, str)}
        named = {*given.values(), *(column.name for column in kind.columns if column.name in found)}
        wanted = [column for column in kind.columns if column.name not in given and column.name not in found]
        for column in wanted:
            others = list(dict.fromkeys(plain[a] for a in map(_plain, (column.name, *column.aliases)) if a in plain))
            others = [name for name in others if name not in named]
            if len(others) > 1:
                raise DataError(
                    f"{where} has no column {column.name!r}, but {' and '.join(map(repr, others))}, either of which "
                    f"may be meant. Name the one that is."
                )
            if others:
                given[column.name] = others[0]
                named.add(others[0])
        lacking = {column.name for column in wanted if column.name in may_lack and column.name not in given}
        return column_names(
            f"a table of {kind.name}", [c for c in kind.columns if c.name not in lacking], given, found
        )  # fmt: skip

    def _refuse_missing(self, column: RecordColumn) -> None:
        values = self.raw.frame[self.names[column.name]]
        missing = values.isna().to_numpy(dtype=bool)
        if values.dtype == object or pd.api.types.is_string_dtype(values.dtype):
            words = MISSING if column.kind == "id" else ("",)
            missing = missing | values.astype(str).str.strip().isin(words).to_numpy(dtype=bool)
        self.refuse(missing, column.name, "is missing", f"Give every {self.kind.what} its {column.name}.")

    def _finished(self, column: RecordColumn) -> Any:
        """The column as it is used: days, text without white space around it, numbers within their limits."""
        if column.name not in self.frame:
            empty = {"date": np.datetime64("NaT", "ns"), "text": column.default, "id": None}.get(column.kind, np.nan)
            dtype = object if column.kind in ("text", "id") else None
            return pd.Series([empty] * len(self.frame), index=self.frame.index, dtype=dtype)
        values = self.frame[column.name]
        if column.kind == "date":
            return values.dt.normalize()
        if column.kind == "text":
            text = values.astype(object).str.strip()
            return text.where(text.notna() & (text != ""), column.default)
        if column.kind == "number":
            self.refuse(column.beyond(values.to_numpy()), column.name, column.outside, column.remedy)
        return values

    def refuse(self, bad: Any, column: str, reason: str, remedy: str) -> None:
        """Mark the rows of the mask `bad`; `reason` completes "<value> ...", `remedy` is a sentence."""
        theirs = self.names.get(column)
        if theirs is not None:
            self.flaws.mark(bad, self.raw.frame[theirs], theirs, reason, remedy)

    def told(self) -> list[str]:
        """In words how many rows were left out when the source was read."""
        why = "; ".join(f"{number:,} {reason}" for reason, number in self.read_before.items())
        return [f"left out when read: {sum(self.read_before.values()):,} rows ({why})"] if why else []

    def refuse_strangers(self, buyers: pd.Index[Any]) -> None:
        """Mark the rows about customers who are not among the `buyers`."""
        for column in self.kind.columns:
            if column.buyer:
                self.refuse(
                    ~self.frame[column.name].isin(buyers), column.name, "has no purchase",
                    "Write ids as in the purchases, and leave out people who never bought.",
                )  # fmt: skip

    def piece(self, *, held: bool = False) -> Piece:
        """The rows with the columns that the source has, by our names or by those they are `held` under."""
        given = [column for column in self.kind.columns if column.name in self.given]
        frame = self.frame[[column.name for column in given]]
        if held:
            frame = frame.set_axis([column.held for column in given], axis=1)
        frame.attrs = self.frame.attrs
        return Piece(frame=frame, flaws=self.flaws, labels=self.raw.labels)

    def check(
        self,
        *,
        earlier: pd.DataFrame | None = None,
        repeats: bool | None = None,
        ids: Callable[[Any], Any] | None = None,
    ) -> RecordTable:
        """Mark the rows that contradict themselves or others, those of a frame of `earlier` rows included, of whose ids
        those here are made by `ids`. Rows that repeat an earlier one in every column are let pass with `repeats`, and
        None says that the caller has no such choice. Returns the same table."""
        kind, rows = self.kind, self.frame
        if kind.ordered is not None:
            first, then, reason, remedy = kind.ordered
            self.refuse(rows[then] < rows[first], then, reason, remedy)
        before = 0
        if earlier is not None and len(earlier):
            before, rows = len(earlier), pd.concat([self._alike(earlier), self._alike(rows, ids)], ignore_index=True)
        good = np.append(np.ones(before, dtype=bool), self.flaws.good)
        if kind.key:
            repeated = self._repeated(rows, good, kind.key)
            alike = self._repeated(rows, good, [column.name for column in kind.columns])
            if repeats:
                repeated &= ~alike
            way_out = " Or pass duplicates='set_aside' to leave out what repeats an earlier row in every column."
            remedy = kind.once + (way_out if repeats is False and alike.any() else "")
            self.refuse(repeated[before:], kind.keyed_by, kind.repeated, remedy)
        if kind.rules is not None:
            kind.rules(
                rows, lambda bad, *words: self.refuse(np.asarray(bad, dtype=bool)[before:] & self.flaws.good, *words)
            )
        return self

    def _alike(self, rows: pd.DataFrame, ids: Callable[[Any], Any] | None = None) -> pd.DataFrame:
        """Rows as plain objects that are equal where the values are."""
        found = rows.astype(object)
        for column in self.kind.columns:
            if column.kind == "id" and ids is not None:
                found[column.name] = ids(pa.array(rows[column.name], from_pandas=True)).to_pylist()
            elif column.kind == "date":
                found[column.name] = rows[column.name].astype("datetime64[ns]").dt.normalize().astype(object)
            elif column.kind == "text":
                found[column.name] = found[column.name].where(found[column.name].notna(), column.default)
        return found

    @staticmethod
    def _repeated(rows: pd.DataFrame, good: Flags, columns: Sequence[str]) -> Flags:
        found = np.zeros(len(rows), dtype=bool)
        found[good] = rows.loc[good, list(columns)].duplicated().to_numpy()
        return found

    def checked(self) -> pd.DataFrame:
        """The rows, ids as pandas users expect them. Raises one DataError for all bad ones, with row, column, value and
        remedy."""
        if self.flaws.count:
            raise self.flaws.error(
                self.where, row=lambda position: int(self.raw.labels[position]), row_word=self.raw.row_word,
                last_resort="", things=f"{self.kind.what}s",
            )  # fmt: skip
        return self.plain_ids(self.frame)

    def plain_ids(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of which no id is missing, with ids of the types pandas users expect."""
        return frame.assign(**{c.name: numpy_ids(frame[c.name]) for c in self.kind.columns if c.kind == "id"})


def _plain(name: str) -> str:
    """A column's name without what exporters make different: case, spaces, hyphens."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())
