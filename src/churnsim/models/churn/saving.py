"""Models of churn, uplift and value in files, by skops: loading one constructs the types listed here and runs no code.

A pickle may run anything when it is loaded; a file of skops names the types that it holds, and one that names a type
which is neither of scikit-learn, numpy or scipy (as far as skops trusts them) nor in `KNOWN` is refused before anything
is constructed. Customers are not saved: what a `ChurnModel` learned from and was tested on stays where it was.
"""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import shown, typed
from churnsim.data.tabular.files import regular_file
from churnsim.errors import ConfigError, DataError
from churnsim.models.churn.classifier import ChurnModel, ChurnRows
from churnsim.models.churn.estimator import ChurnClassifier
from churnsim.models.churn.policy import UpliftPolicy
from churnsim.models.churn.scores import ChurnScores
from churnsim.models.churn.uplift import QiniCurve, UpliftModel
from churnsim.models.churn.uplift_regressor import UpliftRegressor
from churnsim.models.value.estimator import CustomerValueRegressor
from churnsim.optional import optional_modules

Saved = ChurnModel | UpliftModel | UpliftPolicy | ChurnClassifier | UpliftRegressor | CustomerValueRegressor

FORMAT = 1
# Dataclasses that are written as the dict of their fields.
PARTS = {each.__name__: each for each in (ChurnModel, ChurnRows, ChurnScores, QiniCurve, UpliftModel, UpliftPolicy)}
# Types of which objects may be constructed beside those that skops trusts: our estimators with the models that they
# hold, and what boosted trees and their calibration are made of. None of them runs a function that a file names.
KNOWN = frozenset(
    {
        *(
            f"{each.__module__}.{each.__qualname__}"
            for each in (ChurnClassifier, UpliftRegressor, CustomerValueRegressor)
        ),
        "churnsim.models.estimation.fit.FitStatus",
        "churnsim.models.estimation.fit.ModelFit",
        "churnsim.models.purchase.bg_nbd.BGNBD",
        "churnsim.models.purchase.mbg_nbd.MBGNBD",
        "churnsim.models.purchase.mbg_cnbd.MBGCNBD",
        "churnsim.models.purchase.pareto_nbd.ParetoNBD",
        "churnsim.models.purchase.nbd.NBD",
        "churnsim.models.spend.gamma_gamma.GammaGamma",
        "functools.partial",  # constructed, not called; the function it names must be in this list too
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.utils.validation.check_array",
    }
)
# What reading a file that skops did not write, or that was changed, ends in.
BROKEN = (
    AttributeError, EOFError, ImportError, IndexError, KeyError, NotImplementedError, RecursionError, TypeError,
    ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@typed
def save_model(model: Saved, path: str | Path) -> Path:
    """Write a fitted model of churn, uplift or value to a file that `load_model` reads without running code.

    Raises ConfigError for another kind of object or one that was not fitted, DataError where the file cannot be
    written, MissingExtraError without skops (extra `saving`).

    Parameters
    ----------
    model : ChurnModel, UpliftModel, UpliftPolicy, ChurnClassifier, UpliftRegressor or CustomerValueRegressor
        Fitted.
    path : path
        Of the file, such as ``churn.skops``; one that is there is replaced.

    Returns
    -------
    Path
        Of the file written.

    Examples
    --------
    >>> import tempfile
    >>> from churnsim.models import simulated_campaign
    >>> campaign = simulated_campaign(1000, seed=3)
    >>> model = ChurnClassifier().fit(campaign[["risk", "plan"]], ~campaign["stayed"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_model(save_model(model, Path(folder) / "churn.skops"))
    >>> bool((again.predict_proba(campaign[["risk", "plan"]]) == model.predict_proba(campaign[["risk", "plan"]])).all())
    True
    """
    if not isinstance(model, Saved):
        raise ConfigError(f"cannot save {shown(model)}. Models that are saved: {_names()}.")
    if not isinstance(model, tuple(PARTS.values())) and not hasattr(model, "n_features_in_"):
        raise ConfigError(f"this {type(model).__name__} was not fitted. Call its fit first.")
    (skops,) = optional_modules("skops.io", extra="saving", purpose="saving a model")
    content = skops.dumps({"churnsim": FORMAT, "model": _plain(model)})
    place = Path(path)
    try:
        place.write_bytes(content)
    except OSError as error:
        raise DataError(f"cannot write {place.name}: {error.strerror}. Check the folder.") from None
    return place


@typed
def load_model(path: str | Path) -> Saved:
    """The model in a file of `save_model`. Nothing in the file is run.

    Raises DataError for a file that holds a type which is not one of these models' (before anything of it is
    constructed), that is no such file, or that cannot be read.
    """
    (skops,) = optional_modules("skops.io", extra="saving", purpose="loading a model")
    place = regular_file(path, what="model's file")
    try:
        content = place.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {place.name}: {error.strerror}. Check the path.") from None
    try:
        untrusted = skops.get_untrusted_types(data=content)
        foreign = sorted(set(untrusted) - KNOWN)
        if foreign:
            raise DataError(
                f"{place.name} holds {', '.join(foreign[:3])}, which no model of churnsim is made of. Nothing of it "
                "was loaded. Load only files that churnsim.models.save_model wrote."
            )
        stored = skops.loads(content, trusted=untrusted)
        if not isinstance(stored, dict) or stored.get("churnsim") != FORMAT:
            raise DataError(f"{place.name} is no file of churnsim.models.save_model, or of a later version.")
        model = _whole(stored["model"])
    except DataError:
        raise
    except BROKEN as error:
        raise DataError(
            f"{place.name} is no file of churnsim.models.save_model, or was damaged ({type(error).__name__}). Save the "
            "model again."
        ) from None
    if not isinstance(model, Saved):
        raise DataError(f"{place.name} holds no model. Models that are saved: {_names()}.")
    return model


def _names() -> str:
    return ", ".join(each.__name__ for each in Saved.__args__)


def _plain(value: Any) -> Any:
    """Dataclasses and frames as dicts, so that a file holds plain values and scikit-learn's estimators."""
    if isinstance(value, ChurnRows):
        value = dataclasses.replace(value, features=value.features.iloc[:0], left=value.left[:0])
    if type(value).__name__ in PARTS and dataclasses.is_dataclass(value):
        fields = {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return {"part": type(value).__name__, "fields": fields}
    if isinstance(value, pd.Series):
        return {"series": _plain(value.to_frame("values")), "name": value.name}
    if isinstance(value, pd.DataFrame):
        return {
            "frame": [np.asarray(value.iloc[:, place]) for place in range(value.shape[1])],
            "columns": list(value.columns), "index": value.index.tolist(), "name": value.index.name,
        }  # fmt: skip
    if isinstance(value, tuple):
        return {"tuple": [_plain(each) for each in value]}
    if isinstance(value, dict):
        return {"dict": {key: _plain(each) for key, each in value.items()}}
    return value


def _whole(value: Any) -> Any:
    """The value of which `_plain` made this one."""
    if not isinstance(value, dict):
        return value
    if "part" in value:
        return PARTS[value["part"]](**{name: _whole(each) for name, each in value["fields"].items()})
    if "series" in value:
        return _whole(value["series"])["values"].rename(value["name"])
    if "frame" in value:
        frame = pd.DataFrame(dict(enumerate(value["frame"])), index=pd.Index(value["index"], name=value["name"]))
        return frame.set_axis(value["columns"], axis=1)
    if "tuple" in value:
        return tuple(_whole(each) for each in value["tuple"])
    return {key: _whole(each) for key, each in value["dict"].items()}
