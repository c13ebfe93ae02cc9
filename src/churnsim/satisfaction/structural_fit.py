"""Structural equation models through semopy: standardised paths and loadings with intervals, signs, fit indices.

Maximum likelihood on the covariance matrix of complete rows. A resample's optimum lies close to the estimate's, so that
BFGS on the same objective, started with the inverse Hessian at the estimate, reaches it in milliseconds; where it does
not, semopy's optimiser is asked, and resamples that do not converge even so are left out and counted.

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
from churnsim.typing import Floats, Ints

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
        self._observed = [self._order.index(item) for item in self._model.vars["observed"]]
        self._entries = [self._entries_of(matrix) for matrix in range(4)]
        self._shown = self._places()
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
        hessian = second_differences(lambda x: self._objective(x)[1], self._at)
        self._model.update_matrices(self._at)
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian)[0] <= 0:
            return None
        inverse = np.linalg.inv(hessian)
        return np.asarray((inverse + inverse.T) / 2)

    def _entries_of(self, matrix: int) -> tuple[Ints, Ints, Ints]:
        """Parameter, row and column of each entry of one of semopy's matrices (beta, lambda, psi, theta) that is free;
        both of two that are equal by symmetry."""
        found = [
            (parameter, row, column)
            for parameter, derivatives in enumerate(self._model.mx_diffs)
            if derivatives[matrix] is not None
            for row, column in np.argwhere(derivatives[matrix])
        ]
        parameters, rows, columns = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return parameters, rows, columns

    def _objective(self, x: Floats) -> tuple[float, Floats]:
        """semopy's Wishart log-ratio at the covariance that is loaded, infinite outside its domain, and its gradient.

        Of Sigma = M Psi M' + Theta, M = Lambda C and C = (I - B)^-1, with W = Sigma^-1 - Sigma^-1 S Sigma^-1 the
        gradients by the matrices are 2 M'W M Psi C' (B), 2 W M Psi C' (Lambda), M'W M (Psi) and W (Theta): no
        derivative of Sigma by each parameter is needed, on which semopy's own spends most of a fit.
        """
        model = self._model
        model.update_matrices(x)
        try:
            sigma, (m, c) = model.calc_sigma()
            log_determinant = 2.0 * float(np.log(np.diagonal(np.linalg.cholesky(sigma))).sum())
            inverse = np.linalg.inv(sigma)
        except np.linalg.LinAlgError:
            return np.inf, np.full(x.size, np.inf)
        value = float(np.vdot(model.mx_cov, inverse)) - len(sigma) + log_determinant - model.cov_logdet
        w = inverse - inverse @ model.mx_cov @ inverse
        w_m, causes = w @ m, model.mx_psi @ c.T
        inner = m.T @ w_m
        gradient = np.zeros(x.size)
        by_matrix = (2.0 * inner @ causes, 2.0 * w_m @ causes, inner, w)
        for (parameters, rows, columns), by in zip(self._entries, by_matrix, strict=True):
            gradient += np.bincount(parameters, by[rows, columns], minlength=x.size)
        return value if value >= 0.0 else np.inf, gradient

    def _warm_fit(self, covariance: Floats) -> bool:
        """Move to the optimum for another covariance from the estimate; whether it was reached."""
        if self._inverse is None:
            return False
        self._model.load_cov(covariance[np.ix_(self._observed, self._observed)])
        options: Any = {"gtol": SMALL_SLOPE / 5, "maxiter": MOST_STEPS, "hess_inv0": self._inverse}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            found = optimize.minimize(self._objective, self._at, jac=True, method="BFGS", options=options)
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

    def _places(self) -> list[tuple[int, int, int]]:
        """Of each row the matrix of semopy's that holds it (0 paths, 1 loadings), with row and column there."""
        model = self._model
        found = {
            (model.names[matrix][0][place.indices[0]], model.names[matrix][1][place.indices[1]]): (
                matrix,
                *place.indices,
            )
            for matrix in (0, 1)
            for parameter in model.parameters.values()
            for place in parameter.locations
            if place.matrix is model.matrices[matrix]
        }
        return [found[key] for key in self._rows]

    def standardised(self) -> Floats:
        """In the order of `names`: in standard deviations of the effect for one of the cause, both as implied."""
        model = self._model
        model.update_matrices(model.param_vals)
        sigma, (_, c) = model.calc_sigma()
        causes, answers = np.sqrt(np.diagonal(c @ model.mx_psi @ c.T)), np.sqrt(np.diagonal(sigma))
        effects = (causes, answers)
        return np.array(
            [model.matrices[at][row, column] * causes[column] / effects[at][row] for at, row, column in self._shown]
        )

    def tests(self) -> pd.DataFrame:
        """Per row: unstandardised estimate, z, p and whether the sign is as expected (paths)."""
        found = self._model.inspect(information="expected")
        found = found[found["op"] == "~"].set_index(["lval", "rval"])
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
