"""Checks of arguments that many calls take: numbers, counts, shares, levels and seeds.

Each returns the value in plain Python and raises ConfigError, with the argument's name, the value and what to pass,
for everything else: text, booleans, missing and infinite numbers included.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import math
import numbers
from collections.abc import Callable, Collection, Hashable
from fractions import Fraction
from types import MethodType
from typing import Any, Literal, TypeVar, get_args, get_origin, is_typeddict

from churnsim.errors import ConfigError, DataError
from churnsim.other_packages import argument_here

C = TypeVar("C", bound=Callable[..., Any])

LONGEST_SHOWN = 80


def shown(value: object) -> str:
    """`value` as a message shows it: plain Python instead of ``np.float64(3.0)``, and cut where it is long.

    Examples
    --------
    >>> import numpy as np
    >>> shown(np.float64(10000.0)), shown("nine"), shown(10**400)
    ('10000.0', "'nine'", 'a whole number of more than 80 digits')
    """
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        if abs(int(value)) >= 10**LONGEST_SHOWN:
            return f"a whole number of more than {LONGEST_SHOWN} digits"
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, bool | numbers.Rational):
        return repr(float(value))
    if is_foreign_frame(value):
        return f"a {type(value).__module__.partition('.')[0].lstrip('_')} {type(value).__name__}"
    if type(value).__name__ == "Series":
        return f"a Series of {len(value)} values"  # type: ignore[arg-type]
    text = " ".join(repr(value).split()) if hasattr(value, "to_numpy") else repr(value)  # an index has lines
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def is_foreign_frame(value: object) -> bool:
    """Whether it offers Arrow's stream interface, as frames of Polars, DuckDB, Arrow and others, and is not pandas'."""
    return hasattr(value, "__arrow_c_stream__") and type(value).__module__.partition(".")[0] != "pandas"


def _real(value: object) -> float | None:
    """`value` as a finite float, or None where it is no such number; booleans are not numbers here."""
    if type(value) is float:  # by far the most frequent, and the abstract classes below are slow to ask
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool") or not isinstance(value, numbers.Real):
        return None
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _bounds(least: float | None, above: float | None, most: float | None, below: float | None) -> str:
    """The stated limits in words, such as "above 0 and at most 1"."""
    words = [
        f"{word} {limit:g}"
        for word, limit in (("at least", least), ("above", above), ("at most", most), ("below", below))
        if limit is not None
    ]
    return " and ".join(words)


def check_number(
    value: object,
    name: str,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    remedy: str = "",
) -> float:
    """`value` as a float if it is a finite number within the limits.

    Parameters
    ----------
    value : object
        What the caller was given; Python's and numpy's real numbers are taken, booleans and text are not.
    name : str
        The argument's name for the message.
    least, above, most, below : float, optional
        Limits: value >= least, value > above, value <= most, value < below.
    remedy : str
        A sentence on what to pass instead.

    Raises
    ------
    ConfigError
        If `value` is no number, not finite or outside the limits.

    Examples
    --------
    >>> check_number(0.25, "interest", above=-1)
    0.25
    >>> check_number("much", "budget", least=0)
    Traceback (most recent call last):
    churnsim.errors.ConfigError: budget must be a finite number at least 0; got 'much'.
    """
    number = _real(value)
    inside = number is not None and (
        (least is None or number >= least)
        and (above is None or number > above)
        and (most is None or number <= most)
        and (below is None or number < below)
    )
    if number is None or not inside:
        bounds = _bounds(least, above, most, below)
        limits = f" {bounds}" if bounds else ""
        raise ConfigError(f"{name} must be a finite number{limits}; got {shown(value)}.{' ' * bool(remedy)}{remedy}")
    return number


def check_count(value: object, name: str, *, least: int = 1, most: int | None = None, remedy: str = "") -> int:
    """`value` as an int if it is a whole number from `least` to `most`; ConfigError otherwise.

    A float is refused also where it is whole: ``3.0`` customers are a sign that a number was computed.

    Examples
    --------
    >>> check_count(500, "replications")
    500
    >>> check_count(-3, "draws")
    Traceback (most recent call last):
    churnsim.errors.ConfigError: draws must be a whole number, 1 or more; got -3.
    """
    whole = not isinstance(value, bool) and isinstance(value, numbers.Integral)
    if not whole or int(value) < least or (most is not None and int(value) > most):  # type: ignore[call-overload]
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{name} must be a whole number, {limits}; got {shown(value)}.{' ' * bool(remedy)}{remedy}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def check_kind(value: object, name: str, kind: type | tuple[type, ...], what: str) -> None:
    """ConfigError unless `value` is of a class; `what` says in words what to pass.

    Examples
    --------
    >>> check_kind("mine", "strategy", dict, "a mapping")
    Traceback (most recent call last):
    churnsim.errors.ConfigError: strategy must be a mapping; got 'mine'.
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{name} must be {what}; got {shown(value)}.")


def check_choice(value: object, name: str, choices: Collection[str]) -> str:
    """`value` if it is one of the words `choices`; ConfigError otherwise.

    Examples
    --------
    >>> check_choice("daily", "ties", ("efron", "breslow"))
    Traceback (most recent call last):
    churnsim.errors.ConfigError: ties must be 'efron' or 'breslow'; got 'daily'.
    """
    if not isinstance(value, str) or value not in choices:
        raise ConfigError(f"{name} must be {' or '.join(map(repr, choices))}; got {shown(value)}.")
    return value


def check_frame(value: Any, name: str, remedy: str = "") -> None:
    """DataError unless `value` is a pandas DataFrame whose columns have different names.

    Examples
    --------
    >>> check_frame([1, 2], "summary")
    Traceback (most recent call last):
    churnsim.errors.DataError: summary must be a pandas DataFrame; got [1, 2].
    """
    if type(value).__module__.partition(".")[0] != "pandas" or not hasattr(value, "columns"):
        if is_foreign_frame(value):
            remedy = f"Turn it into one, with customer_id as its index where it has a row a customer. {remedy}".rstrip()
        raise DataError(f"{name} must be a pandas DataFrame; got {shown(value)}.{' ' * bool(remedy)}{remedy}")
    if not value.columns.is_unique:
        twice = value.columns[value.columns.duplicated()][0]
        many = int((value.columns == twice).sum())
        raise DataError(f"{name} has {many} columns {shown(twice)}. Rename or drop all but one of them.")


def labels_of(values: Any, name: str) -> tuple[Any, Any]:
    """Each row's place among the different values of a Series, -1 where it is missing, and these values; DataError for
    a value, such as a list, that stands for nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> labels_of(pd.Series(["mail", ["none"]]), "arm")
    Traceback (most recent call last):
    churnsim.errors.DataError: arm holds ['none'], where a text or a number is needed.
    """
    try:
        return values.factorize()  # type: ignore[no-any-return]
    except TypeError:
        other = next(value for value in values if not isinstance(value, Hashable) or isinstance(value, tuple))
        raise DataError(f"{name} holds {shown(other)}, where a text or a number is needed.") from None


def check_level(level: object, name: str = "level") -> float:
    """The level of an interval if it lies strictly between 0 and 1; ConfigError otherwise.

    Examples
    --------
    >>> check_level(0.95)
    0.95
    >>> check_level(95)
    Traceback (most recent call last):
    churnsim.errors.ConfigError: level must be between 0 and 1; got 95. Ninety-five percent is 0.95.
    """
    number = _real(level)
    if number is None or not 0 < number < 1:
        raise ConfigError(f"{name} must be between 0 and 1; got {shown(level)}. Ninety-five percent is 0.95.")
    return number


def check_share(share: object, name: str, *, zero: bool = False) -> float:
    """A share of a whole if it lies above 0 (from 0 with `zero`) and not above 1; ConfigError otherwise.

    Examples
    --------
    >>> check_share(0.2, "share")
    0.2
    """
    number = _real(share)
    if number is None or not 0 <= number <= 1 or (number == 0 and not zero):
        lower = "from 0 to 1" if zero else "above 0 and at most 1"
        raise ConfigError(f"{name} must be {lower}; got {shown(share)}. Twenty percent is 0.20.")
    return number


def check_seed(seed: object, name: str = "seed") -> int:
    """A seed of the random streams, a whole number from 0 to 2^63 - 1; ConfigError otherwise.

    Examples
    --------
    >>> check_seed(7)
    7
    """
    whole = not isinstance(seed, bool) and isinstance(seed, numbers.Integral)
    if not whole or not 0 <= int(seed) < 2**63:  # type: ignore[call-overload]
        raise ConfigError(f"{name} must be a whole number from 0 to 2^63 - 1; got {shown(seed)}.")
    return int(seed)  # type: ignore[call-overload, no-any-return]


def count_of_share(share: float, n: int) -> int:
    """How many of `n` units a share of them is, rounded up; the share counts as the decimal that is written.

    In binary ``.07 * 100`` is a little more than 7 and would be rounded up to 8.

    Examples
    --------
    >>> count_of_share(0.07, 100), count_of_share(0.2, 11), count_of_share(1.0, 3)
    (7, 3, 3)
    """
    return math.ceil(Fraction(repr(float(share))) * int(n))


WANTED = {
    "subscriptions": " Give one frame with the columns tenure and churned, a row a customer.",
    "risk": " That of a Cox model is model.hazard_multiplier(subscriptions).",
}
"""What was not given, by the name of the argument."""


def typed(call: C) -> C:
    """Check the kinds of the arguments of a function, or of a dataclass's constructor and public methods, by their
    annotations.

    A number must be a number, a whole number whole, a function callable; what is out of range is for the call itself.
    Annotations that say more than is known here are left alone.

    Examples
    --------
    >>> @typed
    ... def double(amount: float) -> float:
    ...     return 2 * amount
    >>> double("much")
    Traceback (most recent call last):
    churnsim.errors.ConfigError: double: amount must be a number; got 'much'.
    """
    if isinstance(call, type):
        for key, value in list(vars(call).items()):
            public = key == "__init__" or key[0] != "_"
            if public and inspect.isfunction(value):
                setattr(call, key, typed(value))
            elif public and isinstance(value, classmethod):
                setattr(call, key, classmethod(typed(value.__func__)))
        return call
    name = call.__qualname__.removesuffix(".__init__")
    kinds = {
        key: [] if parameter.annotation is parameter.empty else _alternatives(str(parameter.annotation))
        for key, parameter in inspect.signature(call).parameters.items()
    }
    arrays = {key: each[0] for key, each in kinds.items() if each and each[0] in ("Floats", "Flags")}
    told = explained(call)
    # Types all values of which fit: of the annotation, and those of our own of which one was found to fit.
    fitting = {key: {EXACT[kind] for kind in each if kind in EXACT} for key, each in kinds.items()}

    @functools.wraps(call)
    def checked(*args: Any, **options: Any) -> Any:
        # Too few, too many and unknown arguments are found by the call, and explained then.
        for key, value in itertools.chain(zip(kinds, args, strict=False), options.items()):
            fit = fitting.get(key)
            if fit is None or type(value) in fit:
                continue
            words = [_misfit(kind, value, call.__globals__) for kind in kinds[key]]
            if words and all(words):
                error = DataError if kinds[key][0] == "pd.DataFrame" else ConfigError
                raise error(f"{name}: {key} must be {' or '.join(words)}; got {shown(value)}.{WANTED.get(key, '')}")
            if type(value).__module__.startswith("churnsim."):
                fit.add(type(value))
        if arrays:
            listed = [_array(value, arrays.get(key)) for key, value in zip(kinds, args, strict=False)]
            args = (*listed, *args[len(kinds) :])
            options = {key: _array(value, arrays.get(key)) for key, value in options.items()}
        return told(*args, **options)

    return checked  # type: ignore[return-value]


def explained(call: C) -> C:
    """A call whose error for too few, too many or unknown arguments says how it is called, as one that is `typed`."""

    @functools.wraps(call)
    def told(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except TypeError as error:
            if wrong := _misuse(error, call, args, options):
                raise TypeError(wrong) from None
            raise

    return told  # type: ignore[return-value]


def _misuse(error: TypeError, call: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> str:
    """What is wrong with the arguments of a call, and how it is called; empty where the error came of its work."""
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return ""
    signature = inspect.signature(call)
    try:
        signature.bind(*args, **options)
    except TypeError as unbound:
        wrong = str(unbound)
    else:
        return ""
    name, every = call.__qualname__.removesuffix(".__init__"), list(signature.parameters.values())
    if every and every[0].name in ("self", "cls"):
        if args and call.__name__ != "__init__":  # whose method it is called as, not where that has it from
            owner = args[0] if isinstance(args[0], type) else type(args[0])
            name = f"{owner.__name__}.{call.__name__}"
        every = every[1:]
    every = [one for one in every if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    needed = [one for one in every if one.default is one.empty]
    shape = ", ".join(one.name if one.kind is not one.KEYWORD_ONLY else f"{one.name}=..." for one in needed)
    further = ", ".join(one.name for one in every if one not in needed)
    others = (argument_here(key, signature.parameters) for key in options if key not in signature.parameters)
    meant = "".join(dict.fromkeys(others))  # each sentence once
    return f"{name}: {wrong}.{meant} Call {name}({shape})" + (f"; by name, if wanted: {further}." if further else ".")


def check_options(name: str, options: Collection[str], known: Collection[str]) -> None:
    """TypeError where a call that passes its `options` on is given one that is not `known`.

    Examples
    --------
    >>> check_options("sample_posterior", {"depth": 100}, ["draws", "seed"])
    Traceback (most recent call last):
    TypeError: sample_posterior has no argument 'depth'. It takes draws, seed.
    """
    for key in options:
        if key not in known:
            raise TypeError(f"{name} has no argument {key!r}.{argument_here(key, known)} It takes {', '.join(known)}.")


def unchecked(call: C) -> C:
    """A function or a method of an object without the check of `typed`, for inner loops over values of our own."""
    plain: Any = getattr(call, "__wrapped__", None)
    if plain is not None and hasattr(call, "__self__"):
        plain = MethodType(plain, call.__self__)
    return call if plain is None else plain


def _array(value: Any, kind: str | None) -> Any:
    """A list of numbers, or of true and false, as the array that it stands for; anything else as it is."""
    if kind is None or not isinstance(value, list | tuple):
        return value
    import numpy as np  # not needed to import churnsim

    return np.asarray(value, dtype=np.float64 if kind == "Floats" else np.bool_)


def _alternatives(annotation: str) -> list[str]:
    """The members of a union that is written with bars."""
    found, depth = [""], 0
    # What a model is fitted to has become a frame of pandas before it comes to a call whose arguments are checked.
    for letter in annotation.replace("SummaryLike", "pd.DataFrame").replace("CustomerFrame", "pd.DataFrame"):
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [each.strip() for each in found]


def _misfit(kind: str, value: Any, names: dict[str, Any]) -> str:
    """What `value` should have been; empty where it is that, or where the annotation is not known here."""
    if kind in KINDS:
        fits, words = KINDS[kind]
        return "" if fits(value) else words
    head = kind.partition("[")[0]
    if head == "Callable":
        return "" if callable(value) else "a function"
    if head in ("Sequence", "Iterable", "Collection"):
        return "" if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else "a list"
    wanted: Any = dict if head == "dict" else names.get(head.partition(".")[0])
    for part in head.split(".")[1:]:
        wanted = getattr(wanted, part, None)
    if head == "Literal" or get_origin(wanted) is Literal:
        choices = ast.literal_eval(f"({kind[len(head) + 1 : -1]},)") if head == "Literal" else get_args(wanted)
        return "" if isinstance(value, str) and value in choices else " or ".join(map(repr, choices))
    if get_origin(wanted) is Callable:
        return "" if callable(value) else "a function"
    if is_typeddict(wanted):
        wanted = dict
    if not isinstance(wanted, type) or wanted is Any:
        return ""
    if getattr(wanted, "_is_protocol", False):
        fits_in = all(hasattr(value, key) for key in vars(wanted) if key[0] != "_")
    else:
        fits_in = isinstance(value, wanted)
    made_by = getattr(wanted, "made_by", "")
    article = "an" if wanted.__name__[0] in "AEIO" else "a"
    return "" if fits_in else f"{article} {wanted.__name__}{made_by and f', which {made_by} returns'}"


def _holds_number(value: object) -> bool:
    """Whether it is a number that a float can hold, missing and infinite ones included."""
    if type(value) is float or (type(value) is int and value.bit_length() < 1024):
        return True
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    try:
        return isinstance(float(value), float)
    except (OverflowError, ValueError):
        return False


def _holds_numbers(value: Any, *, rows: bool = True) -> bool:
    """Whether it is a sequence of such numbers, or of `rows` of them."""
    if isinstance(value, str | bytes | dict) or hasattr(value, "columns"):
        return False
    if not (hasattr(value, "__len__") and hasattr(value, "__iter__")) or getattr(value, "ndim", 1) == 0:
        return False
    if hasattr(value, "dtype") and value.dtype.kind != "O":
        return bool(value.dtype.kind in "iuf")
    return all(_holds_number(each) or (rows and _holds_numbers(each)) for each in value)


def _holds_a_list(value: Any) -> bool:
    """Whether it is a sequence of such numbers and not of rows of them."""
    return getattr(value, "ndim", 1) == 1 and _holds_numbers(value, rows=False)


def _holds_names(value: Any) -> bool:
    """Whether it is a collection of text."""
    if isinstance(value, str | bytes | dict) or not hasattr(value, "__iter__") or getattr(value, "ndim", 1) != 1:
        return False
    return all(isinstance(each, str) for each in value)


EXACT: dict[str, type] = {"float": float, "str": str, "bool": bool, "None": type(None)}
# Annotations: whether a value fits, and what it should have been.
KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "None": (lambda value: value is None, "None"),
    "bool": (lambda value: type(value).__name__ in ("bool", "bool_"), "True or False"),
    "str": (lambda value: isinstance(value, str), "text"),
    "float": (_holds_number, "a number"),
    "int": (
        lambda value: (type(value) is int or isinstance(value, numbers.Integral)) and _holds_number(value),
        "a whole number",
    ),
    "Sequence[float]": (_holds_a_list, "numbers in a list or an array"),
    "tuple[float, ...]": (_holds_a_list, "numbers in a list or an array"),
    "tuple[float, float]": (lambda value: _holds_a_list(value) and len(value) == 2, "two numbers"),
    "Floats": (_holds_numbers, "numbers in a list or an array"),
    "Matrix": (
        lambda value: _holds_numbers(value.to_numpy() if hasattr(value, "columns") else value),
        "rows of numbers",
    ),
    "Flags": (
        lambda value: (
            str(getattr(value, "dtype", "")) == "bool"
            if hasattr(value, "dtype")
            else isinstance(value, list | tuple) and all(type(each).__name__ in ("bool", "bool_") for each in value)
        ),
        "true and false in an array",
    ),
    "Sequence[str]": (_holds_names, "names in a list"),
    "Collection[str]": (_holds_names, "names in a list"),
}
