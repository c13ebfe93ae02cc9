"""Controls: every public call answers a wrong argument with an error of churnsim, or with an answer; nothing else.

The calls are generated from the public face (`public_calls.py`), so that a new one is tried or is listed with a reason.
A few hundred cases run in the ordinary suite. As many as asked for, slow calls among them:
`CHURNSIM_HOSTILE_CASES=20000 pytest tests/controls/test_hostile_calls.py`; with `CHURNSIM_HOSTILE_PART=3/8` the third
of eight parts of them, each with calls of its own.
"""

from __future__ import annotations

import datetime
import decimal
import inspect
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.controls import public_calls
from tests.controls.public_calls import arguments_of, is_tried, made, verbs

from churnsim.errors import ChurnSimError, ConfigError

CASES = int(os.environ.get("CHURNSIM_HOSTILE_CASES", "100"))
PART, PARTS = map(int, os.environ.get("CHURNSIM_HOSTILE_PART", "1/1").split("/"))
SECONDS = 60  # a call that computes for longer hangs, or one that waits for ten times as long
PATIENCE = 8  # with what is LONG: a call that takes its arguments at once and is seen to have begun the work
# Parameters of slow calls whose work a right but large value makes longer than SECONDS, with the reason. Any other call
# that is not done by then fails.
LONG = {
    ("assumption_region", "cells"): "95 cells to a side are 9,025 simulations",
    ("compare_survival", "folds"): "95 folds are as many fits of every family",
    ("rolling_validation", "horizon"): "a holdout of 95 years",
    ("total_value", "draws"): "95 draws of the parameters, each valued for every customer",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What calls write, such as a database at a relative path, is not left where the tests run."""
    monkeypatch.chdir(tmp_path_factory.getbasetemp())


HOSTILE: dict[str, Any] = {
    "None": None,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "-infinity": -float("inf"),
    "True": True,
    "text": "text",
    "empty text": "",
    "95": 95,
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "1e308": 1e308,
    "huge": 10**400,
    "-huge": -(10**400),
    "numpy's NaN": np.float64("nan"),
    "numpy's True": np.True_,
    "[]": [],
    "[None]": [None],
    "[NaN]": [float("nan")],
    "a list of text": ["a"],
    "{}": {},
    "bytes": b"x",
    "a complex number": 1j,
    "pandas' NA": pd.NA,
    "pandas' NaT": pd.NaT,
    "an array": np.array([np.nan, 1.0]),
    "an object": object(),
    "an empty frame": pd.DataFrame(),
    "an empty series": pd.Series(dtype=float),
    "a decimal NaN": decimal.Decimal("NaN"),
    "a class": int,
    "a tuple": (1, 2, 3),
    "a matrix": np.ones((2, 2)),
    "a date": datetime.date(2020, 1, 1),
}
# More than half a second a valid call: tried only when more cases are asked for than the ordinary suite's.
SLOW = frozenset(
    {
        "total_value",
        "compare_survival",
        "acsi",
        "path_model",
        "gold_customers",
        "bootstrap",
        "validate",
        "measure",
        "rolling_validation",
        "choose_model",
        "compare_models",
        "customer_value",
        "customer_value_intervals",
        "discounted_purchases",
        "simulate_spend",
        "servqual",
        "servperf",
        "assumption_region",
        "sensitivity",
        "select_best",
        "compare",
        "replay",
        "customer_tables",
        "five_gaps",
        "benchmark_gaps",
        "market_evidence",
        "forecast",
        "design_trial",
        "simulate_trial",
    }
)


def spoilt_frames(frame: pd.DataFrame) -> Iterator[tuple[str, Any]]:
    """The frame with one thing wrong."""
    yield "no rows", frame.iloc[:0]
    yield "one row", frame.iloc[:1]
    yield "one id", frame.set_axis(pd.Index([frame.index[0]] * len(frame), name=frame.index.name), axis=0)
    yield "columns twice", pd.concat([frame, frame], axis=1)
    yield "a column for the frame", frame.iloc[:, 0]
    yield "a dict for the frame", {name: frame[name].tolist() for name in frame.columns}
    yield "an array for the frame", frame.to_numpy()
    yield "objects", frame.astype(object)
    for name in frame.columns[:7]:
        yield f"without {name}", frame.drop(columns=name)
        yield f"text in {name}", frame.assign(**{str(name): "x"})
        yield f"NaN in {name}", frame.assign(**{str(name): np.nan})
        for what, value in (("None", None), ("NA", pd.NA), ("a list", [1]), ("a tuple", (1, 2))):
            holed = pd.Series([value, *frame[name].iloc[1:]], index=frame.index, dtype=object)
            yield f"{what} in {name}", frame.assign(**{str(name): holed})
        if pd.api.types.is_numeric_dtype(frame[name]):
            yield f"infinity in {name}", frame.assign(**{str(name): np.inf})
            yield f"negative {name}", frame.assign(**{str(name): -frame[name].astype(float) - 1})
            yield f"booleans in {name}", frame.assign(**{str(name): True})


def hostile_values(right: Any) -> list[tuple[str, Any]]:
    """What is put in the place of a right value, each with its name."""
    # A class can be called: what it makes of the argument is the error of who gave it for a function.
    found = [(label, value) for label, value in HOSTILE.items() if label != "a class" or not callable(right)]
    if isinstance(right, pd.DataFrame):
        found += spoilt_frames(right)
    elif isinstance(right, pd.Series):
        found += [
            ("no rows", right.iloc[:0]),
            ("text", right.astype(object).map(str)),
            ("NaN", right.map(lambda _: np.nan)),
        ]
    return found


class OutOfTime(BaseException):
    """No Exception, which what is tried might take for one of its own."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """OutOfTime for what computes for longer, where the system has such an alarm. Time in which other work has the
    processor does not count, and a call that waits has ten times as long."""

    def stop(*_: object) -> None:
        raise OutOfTime(f"no answer within {seconds} seconds")

    if not hasattr(signal, "setitimer"):
        yield
        return
    alarms = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, 10 * seconds))
    before = [signal.signal(number, stop) for _, number, _ in alarms]
    for timer, _, length in alarms:
        signal.setitimer(timer, length)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(alarms, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def is_slow(name: str) -> bool:
    return name in SLOW or name.endswith(".fit")


def names_of_calls() -> list[str]:
    every = [*filter(is_tried, public_calls.public_calls()), *verbs()]
    if CASES <= 1000:
        every = [name for name in every if not is_slow(name)]
    return every[PART - 1 :: PARTS]


def the_call(name: str) -> Any:
    return public_calls.public_calls().get(name) or verbs()[name]


def raw_error(name: str, parameter: str, value: Any) -> BaseException | None:
    """What the call raises with `value` for one parameter and right values for the others, unless it is ours."""
    call = the_call(name)
    right = {key: made(given) for key, given in arguments_of(name, call).items()}
    try:
        with (
            at_most(PATIENCE if (name, parameter) in LONG else SECONDS),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            call(**{**right, parameter: value})
    except ChurnSimError:
        return None
    except OutOfTime as error:
        return None if (name, parameter) in LONG else error
    except Exception as error:
        return error
    return None


@settings(
    max_examples=CASES // PARTS, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_a_hostile_value_gives_an_error_of_churnsim_or_an_answer(data):
    """A call, one of its parameters and a wrong value for it."""
    name = data.draw(st.sampled_from(names_of_calls()))
    call = the_call(name)
    parameters = [
        key
        for key, parameter in inspect.signature(call).parameters.items()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        # A number for a path is an open file of this process.
        and key not in ("path", "figures")
    ]
    if not parameters:
        return
    parameter = data.draw(st.sampled_from(parameters))
    values = dict(hostile_values(made(arguments_of(name, call).get(parameter))))
    label = data.draw(st.sampled_from(list(values)))
    error = raw_error(name, parameter, values[label])
    assert error is None, f"{name}({parameter}={label}) raises {type(error).__name__}: {str(error)[:200]}"


@pytest.mark.parametrize(
    ("name", "parameter", "column", "value"),
    [
        ("trial_effects", "customers", "arm", ["mail"]),
        ("trial_effects", "customers", "arm", {"mail"}),
        ("count_renewals", "subscriptions", "churned", pd.NA),
        ("CustomerSeries.of", "frame", "customer_id", ["a"]),
        ("shares_of_variance", "answer", None, "much"),
        ("shares_of_variance", "answer", None, [1.0]),
    ],
)
def test_a_cell_that_is_no_label_is_refused_by_name(name, parameter, column, value):
    """In the last row of a column of labels, where sorting and grouping meet it last."""
    right = {key: made(given) for key, given in arguments_of(name, the_call(name)).items()}
    cells = (right[parameter] if column is None else right[parameter][column]).astype(object)
    cells = pd.Series([*cells.iloc[:-1], value], index=cells.index, dtype=object)
    wrong = cells if column is None else right[parameter].assign(**{column: cells})
    with pytest.raises(ChurnSimError):
        the_call(name)(**{**right, parameter: wrong})


def test_every_public_call_is_tried_or_has_a_reason():
    """A call whose parameters have no value in `public_calls.py` fails here, with the name of the first one."""
    every = public_calls.public_calls()
    for name, call in every.items():
        if is_tried(name):
            arguments_of(name, call)
    for name, call in verbs().items():
        arguments_of(name, call)
    assert sum(map(is_tried, every)) > 200
    stale = (set(public_calls.NOT_TRIED) | public_calls.RESULTS | public_calls.OWN.keys()) - set(every)
    assert not sorted(name for name in stale if "()" not in name and name[0].isupper())


def test_control_a_call_without_checks_is_caught(monkeypatch):
    """Of another package's error, of a call without end, and of one that is in no list."""

    def careless(level: float) -> float:
        while level == 95:
            pass
        return 1.0 / level

    def careful(level: float) -> float:
        raise ConfigError("level must be a share.")

    for call in (careless, careful):
        monkeypatch.setitem(public_calls.public_calls(), call.__name__, call)
    monkeypatch.setattr("tests.controls.test_hostile_calls.SECONDS", 0.05)
    assert isinstance(raw_error("careless", "level", "text"), TypeError)
    assert isinstance(raw_error("careless", "level", 95), OutOfTime)
    assert raw_error("careful", "level", "text") is None

    def unlisted(nobody_knows: float) -> None: ...

    with pytest.raises(KeyError, match="nobody_knows"):
        arguments_of("unlisted", unlisted)
