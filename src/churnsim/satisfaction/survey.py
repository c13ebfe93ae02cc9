"""A survey: who answered which item, of what kind, on which scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from churnsim.checks import check_number
from churnsim.data.tabular.columns import dates
from churnsim.data.tabular.row_errors import Flaws, show
from churnsim.errors import ConfigError, DataError

Kind = Literal[
    "expectation", "perception", "importance", "competitor", "standard", "delivery", "promise", "functional",
    "dysfunctional",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(Kind)
"""What an answer is about: what is expected of an excellent firm, how this firm is seen, how much the item matters, how
a competitor is seen; what level managers set, employees deliver, and is promised (five gaps); how one would feel with
and without an attribute (Kano)."""
Role = Literal["customer", "employee", "manager"]
ROLES: tuple[str, ...] = get_args(Role)
Scale = tuple[float, float]


def checked_scale(kind: str, scale: object) -> Scale:
    """The lowest and highest answer of a kind; ConfigError unless they are two numbers that ascend."""
    if not isinstance(scale, Sequence) or isinstance(scale, str) or len(scale) != 2:
        raise ConfigError(
            f"the scale of {kind} must be its lowest and highest answer, such as (1, 7); got {show(scale)}."
        )
    low, high = (check_number(value, f"the scale of {kind}") for value in scale)
    if not low < high:
        raise ConfigError(f"the scale of {kind} must run from low to high; got {show(scale)}.")
    return low, high


def answer_dates(values: pd.Series[Any], *, source: str, date_format: str | None = None) -> pd.Series[Any]:
    """The days on which respondents answered, read as every date is; missing ones stay so.

    Raises DataError, naming the respondent, for what is no date or lies in the future.
    """
    flaws = Flaws(len(values))
    found = dates(
        values, "date", flaws, date_format=date_format, latest=pd.Timestamp.now().normalize(), what="respondent",
        optional=True, ask="set the clock",
    )  # fmt: skip
    if flaws.count:
        raise flaws.error(source, row=lambda place: show(values.index[place]), row_word="respondent", last_resort="")
    return found


def _on_scale(kind: str, frame: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """The answers as numbers; DataError for the first that is none or is off the scale."""
    if not frame.columns.size:
        raise DataError(f"{kind} has no items. Give each a column of answers.")
    try:
        numbers = frame.astype(float)
    except (TypeError, ValueError):
        numbers = frame.apply(pd.to_numeric, errors="coerce").astype(float)
    values = numbers.to_numpy()
    bad = (np.isnan(values) & frame.notna().to_numpy()) | (values < scale[0]) | (values > scale[1])
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise DataError(
            f"{kind} of {show(frame.columns[column])} by respondent {show(frame.index[row])} is "
            f"{show(frame.iloc[row, column])}, which is no number from {scale[0]:g} to {scale[1]:g} ({int(bad.sum())} "
            "such answers). Correct it, or pass the scale that was used."
        )
    return numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """Answers by kind, one frame each: respondents in rows, items in columns, NaN where nothing was answered.

    Every frame has the index of `respondents`, whose columns are `role` and, where known, `customer_id` and `date`.
    `scales` gives the lowest and highest answer of each kind. `set_aside` lists the answers that a reader left out.

    Examples
    --------
    >>> answers = pd.DataFrame({"q1": [7, 4], "q2": [6, None]}, index=["r1", "r2"])
    >>> survey = Survey.from_frames({"perception": answers}, scale=(1, 7))
    >>> len(survey.respondents), sorted(survey.answers)
    (2, ['perception'])
    """

    answers: Mapping[str, pd.DataFrame]
    respondents: pd.DataFrame
    scales: Mapping[str, Scale]
    set_aside: Sequence[Mapping[str, Any]] = field(default=())

    def __post_init__(self) -> None:
        if "role" not in self.respondents or not self.respondents["role"].isin(ROLES).all():
            raise DataError(f"the respondents need a column role of {', '.join(ROLES)}. Survey.from_frames adds one.")
        for kind, frame in self.answers.items():
            if kind not in KINDS:
                raise DataError(f"unknown kind of answer {kind!r}. Use one of {', '.join(KINDS)}.")
            if kind not in self.scales:
                raise DataError(f"the scale of {kind} is not given. Say scales={{{kind!r}: (1, 7)}}.")
            if not frame.index.equals(self.respondents.index):
                raise DataError(f"the rows of {kind} are not the respondents. Give every frame the same index.")
        scales = {kind: checked_scale(kind, scale) for kind, scale in self.scales.items()}
        answers = {kind: _on_scale(kind, frame, scales[kind]) for kind, frame in self.answers.items()}
        respondents = self.respondents
        if "date" in respondents:
            respondents = respondents.assign(date=answer_dates(respondents["date"], source="the survey"))
        for name, value in (("scales", scales), ("answers", answers), ("respondents", respondents)):
            object.__setattr__(self, name, value)

    @classmethod
    def from_frames(
        cls,
        answers: Mapping[str, pd.DataFrame],
        *,
        scale: Scale = (1, 7),
        scales: Mapping[str, Scale] | None = None,
        respondents: pd.DataFrame | None = None,
    ) -> Survey:
        """A survey from frames of respondents by items; all respondents are customers unless `respondents` says
        otherwise.

        Raises DataError, naming kind, item and respondent, for answers that are not numbers or off the scale, and for
        dates that `read_survey` would not take; ConfigError for a scale that is no pair of numbers.
        """
        if not answers or not all(isinstance(frame, pd.DataFrame) for frame in answers.values()):
            raise DataError("answers must hold a DataFrame of respondents by items for at least one kind of answer.")
        index = next(iter(answers.values())).index
        who = pd.DataFrame(index=index) if respondents is None else respondents.copy()
        if "role" not in who:
            who["role"] = "customer"
        given = dict(scales or {})
        return cls(
            answers=answers,
            respondents=who,
            scales={kind: given.get(kind, scale) for kind in answers},
        )

    def __len__(self) -> int:
        return len(self.respondents)

    @property
    def items(self) -> tuple[str, ...]:
        """Every item asked, in the order of the file."""
        return tuple(dict.fromkeys(str(item) for frame in self.answers.values() for item in frame.columns))

    def has(self, kind: str, items: Sequence[str] = ()) -> bool:
        """Whether answers of that kind are there, for all of `items`."""
        return kind in self.answers and set(items) <= set(self.answers[kind].columns)

    def of(self, kind: str, items: Sequence[str] | None = None, *, role: Role = "customer") -> pd.DataFrame:
        """Answers of one kind by respondents of one role who gave any of them. DataError where there are none."""
        if kind not in self.answers:
            raise DataError(
                f"the survey holds no {kind} answers; it has {', '.join(self.answers) or 'none'}. "
                f"Add columns {kind} (long) or {kind}.ITEM (wide)."
            )
        frame = self.answers[kind]
        missing = [item for item in items or () if item not in frame]
        if missing:
            raise DataError(
                f"the survey has no {kind} answers to {', '.join(missing[:6])}{' ...' if len(missing) > 6 else ''}; it "
                f"has {', '.join(map(str, frame.columns[:8]))}{' ...' if len(frame.columns) > 8 else ''}. Name the "
                "items as docs/satisfaction.md lists them."
            )
        chosen = frame.loc[self.respondents["role"] == role, list(items) if items is not None else slice(None)]
        answered = chosen.dropna(how="all")
        if answered.empty:
            raise DataError(f"no {role} gave {kind} answers. Check the column role and the items asked.")
        silent = [str(item) for item in answered.columns[answered.isna().all()]]
        if silent and items is not None:
            raise DataError(
                f"no {role} answered {', '.join(silent[:6])}{' ...' if len(silent) > 6 else ''} ({kind}). "
                "Leave the item out of the instrument, or ask it."
            )
        return answered.drop(columns=silent)

    def select(self, respondents: pd.Index) -> Survey:
        """The survey of some of its respondents."""
        return replace(
            self,
            answers={kind: frame.loc[respondents] for kind, frame in self.answers.items()},
            respondents=self.respondents.loc[respondents],
        )

    def to_wide(self) -> pd.DataFrame:
        """One row a respondent, columns KIND.ITEM: what `read_survey` reads back."""
        wide = {f"{kind}.{item}": frame[item] for kind, frame in self.answers.items() for item in frame.columns}
        return pd.concat([self.respondents, pd.DataFrame(wide, index=self.respondents.index)], axis=1)

    def to_long(self) -> pd.DataFrame:
        """One row a respondent and item, one column a kind: what `read_survey` reads back."""
        stacked = {kind: frame.rename_axis(columns="item").stack() for kind, frame in self.answers.items()}
        table = pd.DataFrame(stacked)
        table.index = table.index.set_names(["respondent", "item"])
        who = self.respondents.rename_axis("respondent")
        return table.reset_index().join(who, on="respondent")
