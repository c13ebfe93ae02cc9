"""Covariates as numbers, for every model that takes them: the coding and the checks.

A `Design` makes one column of a number, and one of 0 and 1 for each level of a word but the commonest.
`number_columns` is for models that take numbers alone. Effects and penalties are checked here as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_frame, check_number
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.arguments import refuse
from churnsim.typing import Floats

FAR_FROM_DEPENDENT = 1e-6
DEPENDENT = 1e-8  # a column whose part not explained by those before it is this share of its length says nothing new


@dataclass(frozen=True)
class Design:
    """How the columns of a frame become those of a matrix; `levels` is empty for a number.

    `names` are the matrix's columns ("monthly_charges", "contract=One year"), `means` theirs in the data it was made
    from, and `dropped` those left out because the ones before determine them.
    """

    covariates: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    means: tuple[float, ...]
    dropped: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: pd.DataFrame, covariates: Sequence[str]) -> Design:
        """Learn the levels and means of `covariates` from `frame`; see `with_rows`."""
        return cls.with_rows(frame, covariates)[0]

    @classmethod
    def with_rows(cls, frame: pd.DataFrame, covariates: Sequence[str]) -> tuple[Design, Floats]:
        """Learn the levels and means of `covariates` from `frame`, and give its rows as `centred` does.

        Raises ConfigError for a covariate that is not there or asked for twice, DataError for one that does not vary
        or has missing values.
        """
        if len(set(covariates)) < len(covariates):
            raise ConfigError(f"each covariate is named once; got {list(covariates)}.")
        levels = tuple(_levels(frame, name) for name in covariates)
        every = cls(tuple(covariates), levels, _names(covariates, levels), ())
        matrix = every.matrix(frame)
        means: Floats = matrix.mean(axis=0)
        flat = [name for name, words in zip(covariates, levels, strict=True) if len(words) == 1]
        flat += [name for name, column in zip(every.names, matrix.T, strict=True) if np.ptp(column) == 0]
        if flat:
            raise DataError(f"covariate {flat[0]!r} has one value only, so nothing can be said of it. Leave it out.")
        matrix -= means
        keep = independent_columns(matrix)
        design = cls(
            every.covariates,
            levels,
            tuple(name for name, kept in zip(every.names, keep, strict=True) if kept),
            tuple(float(mean) for mean in means[keep]),
            tuple(name for name, kept in zip(every.names, keep, strict=True) if not kept),
        )
        return design, matrix if keep.all() else matrix[:, keep]

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """The rows of `frame` as numbers, shape (rows, names). Raises DataError for a level never seen."""
        columns: dict[str, Any] = {}
        for name, levels in zip(self.covariates, self.levels, strict=True):
            values = _column(frame, name)
            if not levels:
                columns[name] = _numbers(values, name)
                continue
            if isinstance(values.dtype, pd.CategoricalDtype):
                places = pd.Index(levels).get_indexer(pd.Index(values.cat.categories.astype(str)))[values.cat.codes]
            else:
                places = pd.Index(levels).get_indexer(pd.Index(values.astype(str)))
            if (unknown := places < 0).any():
                raise DataError(
                    f"covariate {name!r} of customer {str(frame.index[unknown][0])[:80]!r} is "
                    f"{str(values[unknown].iloc[0])[:60]!r}, which the model has not seen. "
                    f"It knows {', '.join(levels)}."
                )
            for place, level in enumerate(levels[1:], 1):
                columns[f"{name}={level}"] = (places == place).astype(np.float64)
        wanted = self.names or tuple(columns)
        return np.column_stack([columns[name] for name in wanted]) if wanted else np.empty((len(frame), 0))

    def centred(self, frame: pd.DataFrame) -> Floats:
        """The matrix less the means of the data it was made from."""
        check_frame(frame, "the customers")
        return np.asarray(self.matrix(frame) - np.array(self.means))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: list(values) for name, values in vars(self).items()} | {"levels": list(map(list, self.levels))}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Design:
        """The design of a dict made by `to_dict`."""
        made = {field.name: tuple(values[field.name]) for field in fields(cls)}
        return cls(**made | {"levels": tuple(map(tuple, values["levels"]))})


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    if name not in frame.columns:
        raise ConfigError(f"there is no covariate {name!r}; the data have {', '.join(map(repr, frame.columns))}.")
    values: pd.Series[Any] = frame[name]
    missing = values.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"covariate {name!r} is missing for customer {str(frame.index[missing][0])[:80]!r} "
            f"({int(missing.sum())} such rows). Fill it in, give the missing a word, or leave the covariate out."
        )
    return values


def _numbers(values: pd.Series[Any], name: str) -> Floats:
    try:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the covariate {name!r} must hold numbers ({error}). Turn categories into columns of 0 and 1 "
            "(pandas.get_dummies)."
        ) from None
    bad, remedy = ~np.isfinite(numbers), "Fill it in, or leave the customer out."
    if np.isnan(numbers).all():
        remedy = "No customer has one: were tables joined whose ids are of two kinds, such as '7' and 7?"
    refuse(values.index, numbers, bad, f"the covariate {name!r} must be a finite number", remedy)
    return numbers


def _levels(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    """The words of a column, the commonest first: it is what the others are compared with."""
    values = _column(frame, name)
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return ()
    counts = values.astype(str).value_counts()
    return tuple(sorted(counts.index, key=lambda level: (-counts[level], level)))


def checked_features(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The named columns for models that code them themselves: numbers as they are, words as text.

    ConfigError for a column that is not there; DataError, naming column and customer, for a missing value or a number
    that is not finite.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"customers are a DataFrame with a row each; got a {type(frame).__name__}.")
    columns = {}
    for name in names:
        values = _column(frame, name)
        number = pd.api.types.is_numeric_dtype(values.dtype)
        if number:
            _numbers(values, name)
        columns[name] = values if number else values.astype(str).astype(object)
    return pd.DataFrame(columns, frame.index)


def _names(covariates: Sequence[str], levels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    pairs = zip(covariates, levels, strict=True)
    return tuple(part for name, words in pairs for part in ([f"{name}={w}" for w in words[1:]] if words else [name]))


def independent_columns(centred: Floats) -> NDArray[np.bool_]:
    """Which columns the ones before them do not determine."""
    if centred.shape[1] == 0:
        return np.zeros(0, dtype=bool)
    products = centred.T @ centred
    lengths = np.sqrt(np.diag(products))
    # The correlations tell at once where all columns are far from dependent; their rounding is the root of that below.
    if lengths.all() and np.linalg.eigvalsh(products / np.outer(lengths, lengths))[0] > FAR_FROM_DEPENDENT:
        return np.ones(centred.shape[1], dtype=bool)
    keep: list[int] = []
    basis: list[Floats] = []
    for i, column in enumerate(np.ascontiguousarray(centred.T)):
        rest = column / np.linalg.norm(column)
        for before in basis:
            rest = rest - before * float(before @ rest)
        length = float(np.linalg.norm(rest))
        if length > DEPENDENT:
            keep.append(i)
            basis.append(rest / length)
    return np.isin(np.arange(centred.shape[1]), keep)


def number_columns(summary: pd.DataFrame, names: Sequence[str]) -> dict[str, Floats]:
    """The named columns as finite numbers. DataError that names what is missing, or the customer whose value is not
    finite."""
    check_frame(summary, "the table")
    missing = [name for name in names if name not in summary.columns]
    if missing:
        raise DataError(
            f"the summary lacks the covariate {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, summary.columns))}. Join it to the summary by customer."
        )
    if twice := [name for name in names if (summary.columns == name).sum() > 1]:
        raise DataError(f"the table has {twice[0]!r} more than once. Leave one of these columns.")
    return {name: _numbers(summary[name], name) for name in names}


def word_column(frame: pd.DataFrame, name: str) -> NDArray[np.str_]:
    """The column as words. ConfigError where it is not there, DataError for the first customer without one."""
    if name not in frame.columns:
        raise ConfigError(f"there is no column {name!r}; the data have {', '.join(map(repr, frame.columns))}.")
    if (frame.columns == name).sum() > 1:
        raise DataError(f"the table has {name!r} more than once. Leave one of these columns.")
    missing = frame[name].isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{name!r} is missing for customer {str(frame.index[missing][0])[:80]!r} ({int(missing.sum())} such rows). "
            "Give the missing a word of their own."
        )
    return frame[name].astype(str).to_numpy().astype(np.str_)


def check_spread(spread: Mapping[str, float], columns: Mapping[str, Floats]) -> None:
    """DataError for a covariate whose standard deviation is 0."""
    for name, value in spread.items():
        if value <= 1e-12 * max(1.0, float(np.abs(columns[name]).max())):
            raise DataError(
                f"the covariate {name!r} is the same for every customer, so it explains nothing. Leave it out."
            )


def standardised(
    columns: Mapping[str, Floats], weight: Floats
) -> tuple[dict[str, float], dict[str, float], dict[str, Floats]]:
    """Weighted means and standard deviations, and the columns less the ones by the others. DataError for a covariate
    that does not vary."""
    total = float(weight.sum())
    means = {name: float((weight * column).sum()) / total for name, column in columns.items()}
    spread = {
        name: math.sqrt(float((weight * (column - means[name]) ** 2).sum()) / total) for name, column in columns.items()
    }
    check_spread(spread, columns)
    return means, spread, {name: (column - means[name]) / spread[name] for name, column in columns.items()}


def multiplier(effects: Mapping[str, float], means: Mapping[str, float], rows: pd.DataFrame) -> Floats:
    """Of each row e^(effect . (covariate - mean))."""
    columns, total = number_columns(rows, tuple(means)), np.zeros(len(rows))
    for name, effect in effects.items():
        total += effect * (columns[name] - means[name])
    return np.exp(total)


def check_effects(model: str, effects: Mapping[str, float]) -> None:
    """ConfigError for an effect (named as in the model's dict, `rate:age`) that is no finite number."""
    for name, value in effects.items():
        check_number(value, f"{model}: {name}")


def check_penalty(penalty: float) -> None:
    """ConfigError unless the penalty is finite and 0 or more."""
    check_number(penalty, "penalty", least=0)
