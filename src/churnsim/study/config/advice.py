"""What errors advise about arguments of Python's readers, in the words of who writes no Python: options of a command or
keys of a configuration. Advice that cannot be followed there is left out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache

from churnsim.errors import ConfigError, DataError

ANY_ARGUMENT = re.compile(r"(?<![\w.-])[a-z_]+=")
RATES = re.compile(r"exchange_rates=, such as \{.*?\}, where the log is read, or convert it with [\w.]*\w")
# A column of records, which has no option or key of its own.
COLUMN = re.compile(r"Pass (?:(\w+)=|columns=\{'(\w+)': \.\.\.\} with)(?= the name of the column)")
SENTENCE = re.compile(r"(?<=[.?!]) +(?=['\"A-Z])|(?<=[:;]) +")
CLAUSE = re.compile(r",? or (?=[\w ]*[a-z_]+=)")
# Arguments of calls other than the readers, which errors name on the way of a command or a study.
OTHER = frozenset({"key", "on_refund", "without", "items", "overall", "benefits", "costs", "law", "per", "model"})
KEYS = {"currency": "currency_column"}


@cache
def _reader_arguments() -> frozenset[str]:
    from churnsim.data.logs.transactions import read_transactions
    from churnsim.data.records.reading import read_records
    from churnsim.data.subscriptions.customer_rows import read_covariates
    from churnsim.data.subscriptions.subscriptions import read_subscriptions
    from churnsim.data.summaries.series_file import read_series
    from churnsim.data.summaries.summary import summarise
    from churnsim.satisfaction.read_survey import read_survey

    readers = (
        read_transactions,
        read_records,
        read_covariates,
        read_series,
        read_subscriptions,
        read_survey,
        summarise,
    )
    return OTHER.union(*(inspect.signature(reader).parameters for reader in readers))


def in_options(message: str, names: Collection[str]) -> str:
    """A message in the words of a command that has the options `names`, as its function's parameters are called.

    Examples
    --------
    >>> in_options("Pass delimiter=';', or amount=None.", ["delimiter", "amount"])
    "Pass --delimiter ';', or --amount none."
    >>> in_options("Pass at= the name of the column that holds it.", ["column"])
    'Pass --column at=NAME, the name of the column that holds it.'
    >>> in_options("No column 'at'. Pass at= the name of the column that holds it.", ["sheet"])
    "No column 'at'. Rename the column that holds it."
    >>> in_options("'-5' is negative. Correct it, or pass refunds='apart' to leave refunds out.", ["sheet"])
    "'-5' is negative. Correct it."
    """
    if not ANY_ARGUMENT.search(message):
        return message

    def option(word: str, value: str | None) -> str | None:
        if value is not None and (flag := value.strip("'")) in names and word not in names:
            return f"--{flag.replace('_', '-')}"
        word = "key_file" if word == "key" else word
        if word not in names:
            return None
        return f"--{word.replace('_', '-')}" + ("" if value is None else " none" if value == "None" else f" {value}")

    if "rate" in names:
        message = RATES.sub("--rate for each, such as --rate USD=1 --rate EUR=1.08", message)
        message = message.replace("exchange_rates says", "--rate says")
    message = _replaced(message, option, {*names, *_reader_arguments()})
    if "column" in names:
        message = COLUMN.sub(r"Pass --column \1\2=NAME,", message)
    return _without_arguments(message)


@contextmanager
def told_in_keys(table: str, keys: Collection[str]) -> Iterator[None]:
    """DataError and ConfigError of reading a file that a `table` of a configuration names, told in its `keys`."""
    try:
        yield
    except (DataError, ConfigError) as error:
        told = in_keys(str(error), table, keys)
        if told == str(error) or type(error) not in (DataError, ConfigError):
            raise
        raise type(error)(told) from error


def in_keys(message: str, table: str, keys: Collection[str]) -> str:
    """A message in the words of the `table` of a configuration with `keys`.

    Examples
    --------
    >>> in_keys("Pass delimiter=';'.", "data", ["delimiter"])
    "Pass delimiter = ';' in [data]."
    >>> in_keys("Pass at= the name of the column that holds it.", "evidence.contacts", ["columns"])
    'Pass columns = { at = NAME } in [evidence.contacts], the name of the column that holds it.'
    """
    if not ANY_ARGUMENT.search(message):
        return message
    told: list[str] = []

    def key(word: str, value: str | None) -> str | None:
        word = KEYS.get(word, word) if KEYS.get(word, word) in keys else word
        if word not in keys:
            return None
        place = "" if told else f" in [{table}]" if value else f" (in [{table}])"
        told.append(word)
        return word + ("" if value is None else " = false" if value == "None" else f" = {value}") + place

    if "columns" in keys:

        def named(found: re.Match[str]) -> str:
            word = found[1] or found[2]
            return (
                f"Pass {word} = NAME in [{table}],"
                if word in keys
                else f"Pass columns = {{ {word} = NAME }} in [{table}],"
            )

        message = COLUMN.sub(named, message)
    if "exchange_rates" in keys:
        message = RATES.sub(f"exchange_rates = {{ USD = 1, EUR = 1.08 }} or the like in [{table}]", message)
    return _without_arguments(_replaced(message, key, _reader_arguments()))


def _replaced(message: str, say: Callable[[str, str | None], str | None], words: Collection[str]) -> str:
    """`word=value` as `say` has it; left as it is where that is None."""
    known = "|".join(sorted(words, key=len, reverse=True))
    return re.sub(rf"(?<![\w.-])({known})=('[^']*'|\w+)?", lambda found: say(found[1], found[2]) or found[0], message)


def _without_arguments(message: str) -> str:
    """Without the advice that names an argument still: there is no such option or key here."""
    left = re.compile(rf"(?<![\w.-])({'|'.join(_reader_arguments())})=")
    message = COLUMN.sub("Rename", message).replace("Rename the name of the column", "Rename the column")
    if not left.search(message):
        return message
    kept = []
    for sentence in SENTENCE.split(message):
        clauses = CLAUSE.split(sentence)
        rest = [clause for clause in clauses if not left.search(clause)]
        if rest == clauses:
            kept.append(sentence)
        elif rest:
            text = ", or ".join(rest).rstrip(" .,:")
            kept.append((text if rest[0] == clauses[0] else text[0].upper() + text[1:]) + ".")
        elif kept:
            kept[-1] = re.sub("[:;]$", ".", kept[-1])
    return " ".join(kept) or message
