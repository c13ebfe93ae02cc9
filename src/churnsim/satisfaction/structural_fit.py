"""Structural equation models through semopy: standardised paths and loadings with intervals, signs, fit indices.

Maximum likelihood on the covariance matrix of complete rows. A resample's optimum lies close to the estimate's, so that
BFGS on semopy's own objective, started with the inverse Hessian at the estimate, reaches it in milliseconds; where it
does not, semopy's optimiser is asked, and resamples that do not converge even so are left out and counted.

The path model of 'Keeping existing customers' (undated): quality makes satisfaction and value, these make loyalty and
trust, which make share, and share makes return; costs fall with loyalty. Share and return are often read from the
books: a column of one number a respondent serves as a construct of one item.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from churnsim.checks import typed
from churnsim.errors import DataError, FitError
from churnsim.models.estimation.optimise import second_differences
from churnsim.models.estimation.threads import one_thread
from churnsim.optional import optional_modules
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.reliability import reliability
from churnsim.satisfaction.resampling import estimates, moments
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey
from churnsim.typing import Floats

GOOD = {"CFI": 0.95, "TLI": 0.95, "RMSEA": 0.06}
"""Hu & Bentler's (1999) cut-offs for a good fit; conventions, not tests."""
MOST_STEPS, SMALL_SLOPE = 60, 5e-4
"""The slope left moves no estimate by a hundredth of its standard error."""
SOUND_SHARE = 0.9
"""Below it the intervals rest on too few of the resamples to be trusted (assumed)."""


def fit_structure(
    answers: pd.DataFrame,
    structure: Structure,
    *,
    instrument: str = "path model",
    says: str = "standardised paths between constructs.",
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> Measurement:
    """Fit `structure` to the complete rows of `answers` (items in columns).

    Rows of the table: each path as ``target <- cause`` (with `z`, `p`, `expected_sign`, `as_expected`), each loading as
    ``construct: item``. Details: `fit` (chi-square, degrees of freedom, CFI, TLI, RMSEA, ...). Raises DataError for
    items that are missing or do not vary, FitError where the model is not identified or does not converge,
    MissingExtraError without semopy.
    """
    items = structure.items
    absent = [item for item in items if item not in answers]
    if absent:
        raise DataError(f"the survey has no answers to {', '.join(absent)}. Ask them, or give other blocks.")
    complete = answers[items].dropna()
    flat = [item for item in items if complete[item].nunique() < 2]
    if flat or len(complete) <= len(items):
        what = f"{', '.join(flat)} do not vary" if flat else f"{len(complete)} complete rows for {len(items)} items"
        raise DataError(f"a structural model cannot be fitted: {what}. Ask more people, or leave items out.")
    m = moments(complete, resamples=resamples, seed=seed)
    with one_thread():
        model = _Fitted(structure, m.covariance, m.n)
    names, groups, values = model.names(), model.groups(), model.standardised()
    tests, indices = model.tests(), model.fit_indices()
    with one_thread():  # matrices this small are slower on two cores even where they are idle
        draws = np.vstack([model.refitted(covariance) for covariance in m.covariances])
    table = estimates(names, values, draws, level=level, n=m.n).assign(group=groups)
    table = table.join(tests)
    failed = int(np.isnan(draws).all(axis=1).sum())
    return Measurement(
        instrument=instrument,
        table=table,
        reliability=reliability(complete, structure.blocks, level=level, resamples=resamples, seed=seed),
        n=m.n,
        level=level,
        says=says,
        warnings=(
            *_cautions(table, indices, dropped=len(answers) - m.n, failed=failed, resamples=resamples),
            *size_warnings(m.n, parameters=structure.free_parameters),
        ),
        details={"fit": indices},
    )


def score_weights(table: pd.DataFrame, construct: str, spread: pd.Series[float]) -> pd.Series[float]:
    """Weights, summing to 1, of a construct's items in its regression score: loading over error variance, from the
    standardised loadings of a fit's table and the items' standard deviations."""
    loadings = table["estimate"][[f"{construct}: {item}" for item in spread.index]].to_numpy()
    weights = loadings / np.clip(1 - loadings**2, 1e-6, None) / spread.to_numpy()
    return pd.Series(weights / weights.sum(), index=spread.index)


class _Fitted:
    """One semopy model, fitted and ready to be fitted again to another covariance matrix."""

    def __init__(self, structure: Structure, covariance: Floats, n: int) -> None:
        (self._library,) = optional_modules("semopy", extra="survey", purpose="a structural model")
        self._structure, self._n = structure, n
        self._constructs, self._items = structure.symbols()
        self._order = [self._items[item] for item in structure.items]
        self._rows = self._row_keys()
        self._model: Any = self._library.Model(structure.syntax())
        if not self._fit(covariance):
            raise FitError(
                "the structural model did not converge. Look for items that are nearly copies, blocks of two weak "
                "items, or paths that go round in a circle."
            )
        self._at = self._model.param_vals.copy()
        self._inverse = self._inverse_hessian()

    def _fit(self, covariance: Floats) -> bool:
        frame = pd.DataFrame(covariance, index=self._order, columns=self._order)
        with warnings.catch_warnings():
            # A step of the optimiser may leave the region where the implied covariance is positive; it steps back.
            warnings.simplefilter("ignore", RuntimeWarning)
            try:
                result = self._model.fit(cov=frame, n_samples=self._n)
            except (np.linalg.LinAlgError, ValueError):
                return False
        return bool(result.success) and bool(np.isfinite(self._model.param_vals).all())

    def _inverse_hessian(self) -> Floats | None:
        """Inverse Hessian at the estimate, by central differences of the gradient; None where it is not one."""
        _, gradient = self._model.get_objective("MLW")
        hessian = second_differences(gradient, self._at)
        self._model.update_matrices(self._at)
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian)[0] <= 0:
            return None
        inverse = np.linalg.inv(hessian)
        return np.asarray((inverse + inverse.T) / 2)

    def _warm_fit(self, covariance: Floats) -> bool:
        """Move to the optimum for another covariance from the estimate; whether it was reached."""
        if self._inverse is None:
            return False
        self._model.load(cov=pd.DataFrame(covariance, index=self._order, columns=self._order), n_samples=self._n)
        value, gradient = self._model.get_objective("MLW")
        options: Any = {"gtol": SMALL_SLOPE / 5, "maxiter": MOST_STEPS, "hess_inv0": self._inverse}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            found = optimize.minimize(value, self._at, jac=gradient, method="BFGS", options=options)
        at = np.asarray(found.x)
        bounds = zip(self._model.get_bounds(), at, strict=True)
        if np.abs(found.jac).max() > SMALL_SLOPE or any(low is not None and x < low for (low, _), x in bounds):
            return False
        self._model.param_vals = at
        self._model.update_matrices(at)
        return True

    def _row_keys(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(left symbol, right symbol) of a regression or loading -> (row name, group)."""
        keys = {
            (self._constructs[target], self._constructs[cause]): (f"{target} <- {cause}", "path")
            for target, causes in self._structure.paths.items()
            for cause in causes
        }
        for name, block in self._structure.blocks.items():
            if len(block) > 1:
                keys |= {(self._items[i], self._constructs[name]): (f"{name}: {i}", "loading") for i in block}
        return keys

    def names(self) -> list[str]:
        return [name for name, _ in self._rows.values()]

    def groups(self) -> list[str]:
        return [group for _, group in self._rows.values()]

    def _inspected(self, information: str | None) -> pd.DataFrame:
        frame: pd.DataFrame = self._model.inspect(std_est=True, information=information)
        return frame[frame["op"] == "~"].set_index(["lval", "rval"])

    def standardised(self) -> Floats:
        """In the order of `names`."""
        found = self._inspected(None)["Est. Std"]
        return np.array([float(found.loc[key]) for key in self._rows])

    def tests(self) -> pd.DataFrame:
        """Per row: unstandardised estimate, z, p and whether the sign is as expected (paths)."""
        found = self._inspected("expected")
        rows = {}
        for key, (name, group) in self._rows.items():
            row: Any = found.loc[[key]].iloc[0]
            numbers: dict[str, Any] = {c: pd.to_numeric(row[s], errors="coerce") for c, s in COLUMNS.items()}
            if group == "path":
                target, cause = name.split(" <- ")
                sign = self._structure.sign(cause, target)
                rows[name] = {**numbers, "expected_sign": sign, "as_expected": bool(row["Estimate"] * sign > 0)}
            else:
                rows[name] = numbers
        return pd.DataFrame.from_dict(rows, orient="index")

    def fit_indices(self) -> pd.DataFrame:
        """semopy's indices of fit as a table with one column `value`."""
        found = self._library.calc_stats(self._model).iloc[0]
        keep = {
            "chi2": "chi2", "degrees_of_freedom": "DoF", "p": "chi2 p-value", "CFI": "CFI", "TLI": "TLI",
            "RMSEA": "RMSEA", "GFI": "GFI", "AIC": "AIC", "BIC": "BIC",
        }  # fmt: skip
        return pd.DataFrame({"value": {name: float(found[key]) for name, key in keep.items()}})

    def refitted(self, covariance: Floats) -> Floats:
        """Standardised estimates of a resample, NaN where it did not converge."""
        if not self._warm_fit(covariance):
            self._model.param_vals = self._at.copy()
            if not self._fit(covariance):
                return np.full(len(self._rows), np.nan)
        return self.standardised()


COLUMNS = {"unstandardised": "Estimate", "unstandardised_error": "Std. Err", "z": "z-value", "p": "p-value"}


def _cautions(table: pd.DataFrame, indices: pd.DataFrame, *, dropped: int, failed: int, resamples: int) -> list[str]:
    found = []
    if dropped:
        found.append(f"{dropped} respondents left an item out and do not count here.")
    value = indices["value"]
    poor = [name for name, cut in GOOD.items() if (value[name] > cut if name == "RMSEA" else value[name] < cut)]
    if poor:
        told = ", ".join(f"{name} {value[name]:.3f}" for name in poor)
        found.append(f"the model fits worse than convention asks ({told}; Hu & Bentler 1999): read paths with care.")
    against = table.index[table["as_expected"] == False].tolist()  # noqa: E712 - missing for loadings
    if against:
        found.append(f"against the expected sign: {', '.join(map(str, against))}.")
    if failed:
        trust = "" if failed < (1 - SOUND_SHARE) * resamples else " The intervals cannot be trusted."
        found.append(f"{failed} of {resamples} resamples did not converge and were left out.{trust}")
    return found


RELATIONSHIP = Structure(
    blocks={
        "quality": ("quality_1", "quality_2", "quality_3"),
        "satisfaction": ("satisfaction_1", "satisfaction_2", "satisfaction_3"),
        "value": ("value_1", "value_2", "value_3"),
        "loyalty": ("loyalty_1", "loyalty_2", "loyalty_3"),
        "trust": ("trust_1", "trust_2", "trust_3"),
        "share": ("share",),
        "return": ("return",),
    },
    paths={
        "satisfaction": ("quality",),
        "value": ("quality",),
        "trust": ("satisfaction",),
        "loyalty": ("satisfaction", "value"),
        "share": ("loyalty", "trust"),
        "return": ("share",),
    },
)
"""'Keeping existing customers' (undated), slide 9. Its signs are plus; the one minus belongs to cost, which a survey
does not ask."""


@typed
def path_model(
    survey: Survey,
    *,
    structure: Structure = RELATIONSHIP,
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> Measurement:
    """Fit a path model to the perception answers of customers; see `fit_structure`.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_paths
    >>> result = path_model(synthetic_paths(200, seed=1).survey, resamples=20)
    >>> result.table["estimate"].head(2).round(2).to_dict()
    {'satisfaction <- quality': 0.65, 'value <- quality': 0.56}
    """
    answers: pd.DataFrame = survey.of("perception", structure.items)
    return fit_structure(
        answers, structure, instrument="path model", level=level, resamples=resamples, seed=seed,
        says="standardised paths between constructs: standard deviations of the target per one of the cause.",
    )  # fmt: skip
