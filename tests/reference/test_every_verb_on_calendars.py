"""Every public verb of a family works on its models with a calendar and with customers' own series, or is refused by an
error that names what serves in place of it."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.purchase.registry import PURCHASE_FAMILIES

PLAIN = {**PURCHASE_FAMILIES, "gamma_gamma": cs.GammaGamma}
M = cs.models
KINDS = {
    "calendar": {"pareto_nbd": M.TwoClockModel, "bg_bb": M.BGBBCalendar, "gamma_gamma": M.GammaGammaCalendar},
    "series": {"pareto_nbd": M.TwoClockSeriesModel, "bg_bb": M.BGBBSeries, "gamma_gamma": M.GammaGammaSeries},
}
OTHERS = {"calendar": M.CalendarModel, "series": M.SeriesModel}
PARAMETERS = {
    "r": 0.5, "alpha": 3.0, "a": 0.8, "b": 2.5, "k": 2, "s": 0.6, "beta": 12.0, "gamma": 0.7, "delta": 2.8, "p": 6.0,
    "q": 4.0,
}  # fmt: skip
EFFECT = {"effects": {"price": -0.5}, "means": {"price": 1.0}, "seen_until": "1997-12-31"}
VALUES = {
    "horizon": 4.0, "annual_discount_rate": 9.0, "n": 1, "t": 4.0, "T": [4.0, 6.0], "times": [1.0, 5.0], "periods": 3,
    "seed": 1, "first": "1997-02-28", "last": "1997-03-31", "path": "model.json",
}  # fmt: skip


@cache
def log() -> pd.DataFrame:
    return cs.datasets.cdnow().query("customer_id < 6")


@cache
def columns(kind: str) -> Any:
    days = pd.to_datetime(["1996-12-01", "1997-06-01", "1998-12-01"])
    price = pd.DataFrame({"price": [1.0, 1.4, 1.4]}, index=days)
    if kind == "calendar":
        return cs.data.Calendar(series=price)
    ids = log()[["customer_id"]].drop_duplicates()
    return cs.data.CustomerSeries.of(price.rename_axis("date").reset_index().merge(ids, how="cross"))


def model_of(family: str, kind: str) -> Any:
    names = [name for name in inspect.signature(PLAIN[family]).parameters if name in PARAMETERS]
    values = {name: PARAMETERS[name] for name in names}
    known = {**EFFECT, "calendar": columns(kind), "future": "hold" if kind == "series" else {"price": 1.4}}
    if family == "gamma_gamma":
        return KINDS[kind][family](**values, **known)
    base = PLAIN[family](**values, **({"unit": "M"} if family == "bg_bb" else {}))
    return KINDS[kind].get(family, OTHERS[kind])(base=base, **known)


@cache
def summary_of(family: str, kind: str) -> pd.DataFrame:
    if family == "gamma_gamma":
        return model_of(family, kind).on_average_days(log())
    if family == "bg_bb":
        return cs.data.summarise_opportunities(log(), unit="M", until="1997-12-31", calendar=columns(kind))
    return cs.data.summarise_with_intervals(log(), until="1997-12-31", calendar=columns(kind))


def verbs(family: Any) -> set[str]:
    """What is called on a family or on a model of it."""
    found = inspect.getmembers(family, lambda each: inspect.isfunction(each) or inspect.ismethod(each))
    return {name for name, _ in found if not name.startswith("_")}


def said(model: Any, name: str) -> str:
    with pytest.raises(AttributeError) as error:
        getattr(model, name)
    return str(error.value)


def remedy(model: Any, message: str) -> bool:
    """Whether a message names something that there is: a verb of the model, or of another class."""
    words = set(re.findall(r"[A-Za-z_]+", message.partition(". ")[2]))
    own = verbs(type(model)) | {verb for family in PLAIN.values() for verb in verbs(family)}
    return bool(words & {*own, *dir(cs), *dir(cs.models)})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", PLAIN)
def test_every_verb_works_or_is_refused_by_name(family: str, kind: str, tmp_path) -> None:
    model = model_of(family, kind)
    given = VALUES | {"summary": summary_of(family, kind), "transactions": log(), "path": tmp_path / "model.json"}
    for name in verbs(PLAIN[family]) | verbs(type(model)):
        if not hasattr(model, name):
            for where in (model, type(model)):
                message = said(where, name)
                assert remedy(model, message), message
            continue
        verb = getattr(model, name)
        if (inspect.ismethod(verb) and isinstance(verb.__self__, type)) or name.startswith(("with_", "check_")):
            continue  # makes a model
        wanted = [each.name for each in inspect.signature(verb).parameters.values() if each.default is each.empty]
        if name not in verbs(PLAIN[family]) and not set(wanted) <= set(given):
            continue  # not a verb: what the engines and the fits ask
        arguments = {each: given[each] for each in wanted}
        try:
            found = verb(**arguments)
        except cs.errors.ChurnSimError as error:
            pytest.fail(f"{type(model).__name__}.{name}: {error}")
        assert not isinstance(found, pd.Series | pd.DataFrame) or not found.isna().any(axis=None), name


def test_a_refusal_without_a_remedy_is_found() -> None:
    """Controls: a name that nobody has, and a refusal that says no more than no."""
    model = model_of("nbd", "series")
    assert not remedy(model, said(model, "no_such_verb_at_all"))
    assert not remedy(model, "SeriesModel has no 'fit'.")


def test_what_is_made_by_families_says_so() -> None:
    with pytest.raises(
        TypeError, match=r"BGNBD\.fit\(summary, calendar=\.\.\.\).* Missing: effects, means, seen_until"
    ):
        cs.models.SeriesModel(base=cs.NBD(r=1.0, alpha=1.0))
    with pytest.raises(TypeError, match=r"BGBBCalendar\.fit\(summary, calendar=series\)"):
        cs.models.BGBBSeries()
