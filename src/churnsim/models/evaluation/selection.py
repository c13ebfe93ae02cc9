"""Which model to use, and why: fit, parsimony, what held-out purchases say, and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, shown
from churnsim.data.logs.days import past_day
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.data.summaries.intervals import summarise_with_intervals
from churnsim.data.summaries.period_holdout import split_periods
from churnsim.data.summaries.summary import split_holdout
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.evaluation.holdout_scores import held_out, log_scores, paired_error, point_scores
from churnsim.models.evaluation.predictive import score_counts
from churnsim.models.purchase.in_periods import Count, counts_periods, in_opportunities, seen_in
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.statistics import chi2_tail
from churnsim.typing import Floats

# A family (such as BGNBD), or anything that makes a fit of a summary.
Families = Sequence[Any] | Mapping[str, Any]

# Kass & Raftery (1995), Journal of the American Statistical Association 90, p. 777: a difference in BIC below 2 is not
# worth more than a bare mention.
BARE_MENTION = 2.0
# Two standard errors of the paired difference in the mean log score.
CLEARLY = 2.0
# Assumed: a standard error of a logarithm above 1 means a factor of 7 between the ends of a 95% interval's halves.
LOOSE = 1.0
# Assumed: beyond this correlation of the logarithms, two parameters are known together only.
TOGETHER = 0.98
# Largest difference of a customer's log score between two fits that are one and the same model.
SAME = 1e-5
UNUSABLE = ("not converged", "too little data")
# Assumed: below this expected share of customers who have left, a model says of retention that there is none to gain.
NOBODY_LEAVES = 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelComparison:
    """Models of the same customers side by side, and which of them to use.

    Attributes
    ----------
    table
        A row a model, best first.
    fits
        The fits by the models' names.
    recommended
        The model to use; None where no fit can be used.
    reason
        Why, in words.
    tied
        The models that the data do not tell from the best one, the recommended one first, each once where two have
        become the same; `draw_parameters` averages over them.
    left
        Expected share of the customers who have left by the end of the fitted period, by the recommended model; None
        without one. Where it is about 0 the model cannot say what a strategy against leaving is worth.
    warnings
        By model, what the data leave undetermined.
    """

    table: pd.DataFrame
    fits: Mapping[str, ModelFit[PurchaseModel]]
    recommended: str | None
    reason: str
    tied: tuple[str, ...]
    left: float | None
    warnings: Mapping[str, tuple[str, ...]]

    @property
    def fit(self) -> ModelFit[PurchaseModel]:
        """The recommended fit. FitError, with each fit's status, where none can be used."""
        if self.recommended is None:
            raise FitError(" ".join([self.reason, *(f"{name}: {fit.status}" for name, fit in self.fits.items())]))
        return self.fits[self.recommended]

    def draw_parameters(self, n: int, *, seed: int) -> list[PurchaseModel]:
        """`n` models drawn from the estimates' laws of all `tied` fits, the same number of each (give or take one).

        What `churnsim.models.forecast` takes as `draws`: its interval then holds the doubt between models too.
        """
        names = self.tied or (self.fit.model.family,)
        shares = [n // len(names) + (k < n % len(names)) for k in range(len(names))]
        return [
            model
            for k, (name, share) in enumerate(zip(names, shares, strict=True))
            for model in (self.fits[name].draw_parameters(share, seed=seed + k) if share else [])
        ]

    def __str__(self) -> str:
        shown = self.table.copy()
        for name in shown.select_dtypes("number"):
            digits = 2 if name in ("loglik", "aic", "bic", "delta_bic", "lr") else 4
            shown[name] = shown[name].map(lambda value, digits=digits: f"{value:.{digits}f}")
        shown["parameters"] = self.table["parameters"].astype(str)
        lines = [shown.to_string(), self.reason]
        lines += [f"{name}: {text}" for name, texts in self.warnings.items() for text in texts]
        return "\n".join(lines)


@in_kind
def compare_models(summary: CustomerFrame, models: Families, *, unit: str | None = None) -> ModelComparison:
    """Fit every model to the same customers and put them side by side.

    `summary` is made by `churnsim.summarise`, or by `churnsim.split_holdout` (or by another package, see
    `column_aliases.py`): then what was held out decides, and the in-sample criteria where it does not. `models` as in
    `churnsim.validate`. Columns of the table: `parameters`, `loglik`, `aic`, `bic`, `delta_bic`; where the model
    without its dropout (NBD) or without its covariates is among them, the likelihood ratio `lr` against that with its
    `lr_p` (by chi-square with the parameters added; dropout of 0 lies at the edge of the parameter space, so it is
    approximate there); with a holdout `log_score, behind, behind_error, bias, mae`; `status`.

    `BGBB` is compared on a frame made by `churnsim.data.split_periods`, where all models forecast in how many periods a
    customer buys. Its likelihood is of other data (yes or no at each period) than the others', so no `delta_bic` is
    given for it, and it is recommended over them only by what was held out, when none of them comes near.

    Examples
    --------
    >>> import churnsim as cs
    >>> found = cs.compare_models(cs.summarise(cs.datasets.cdnow()), [cs.NBD, cs.BGNBD])
    >>> found.recommended, list(found.table.index)
    ('bg_nbd', ['bg_nbd', 'nbd'])
    """
    summary = as_summary(summary)
    return compare_fits({name: make(summary, unit) for name, make in named_families(models).items()}, summary)


def choose_model(
    data: Any,
    *,
    models: Families | None = None,
    calibration_end: str | date | None = None,
    holdout_end: str | date | None = None,
    unit: str | None = None,
) -> ModelComparison:
    """Choose the model of a customer base by how well each candidate foresees purchases that were held out.

    The best mean log score of single customers' counts wins. Where others come within two standard errors of it
    (paired by customer) the data do not tell them apart: of those the one with the lowest BIC on the fitted purchases
    is recommended, and all of them are in `tied`. A model without dropout (NBD) is among the candidates, so that one
    whose dropout has run to its boundary is not preferred to the simpler model that it has become. A study fits its
    market by what comes back: `fit`, `reason`, and `left` for what the model cannot judge.

    Parameters
    ----------
    data : DataFrame, or a log elsewhere
        A log of purchases that `churnsim.split_holdout` takes, with `calibration_end`; or a frame made by
        `churnsim.split_holdout` or `churnsim.data.split_periods`; or any summary, of which nothing is held out: then
        BIC decides.
    models : sequence of families, or mapping of names to families or fitting functions, optional
        The candidates. Unless given, every registered family of purchases in continuous time (NBD, BG/NBD, MBG/NBD,
        Pareto/NBD, and MBG/CNBD-k where the summary has its column ``log_intervals``).
    calibration_end, holdout_end : str or date, optional
        Of a log: last day the models see, and last day they are scored on (the log's last unless given).
    unit : {"H", "D", "W", "M", "Y"}, optional
        Unit of time; that of the summary, or weeks.

    Returns
    -------
    ModelComparison

    Raises
    ------
    DataError
        For data that are neither; for a log in which nobody bought again by `calibration_end`.
    ConfigError
        For a log without `calibration_end`, and models that are none.

    Examples
    --------
    >>> import churnsim as cs
    >>> split = cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30")
    >>> chosen = choose_model(split, models=[cs.NBD, cs.BGNBD])
    >>> chosen.recommended, chosen.tied
    ('bg_nbd', ('bg_nbd',))
    >>> chosen.reason
    'Use bg_nbd: it foresees the held-out purchases best (log score), and no other comes within two standard errors.'
    """
    is_log = not isinstance(data, pd.DataFrame) or "date" in data.columns
    if is_log and calibration_end is None:
        raise ConfigError(
            "a log is split at calibration_end, the last day that the models see: give a day with a good part of the "
            "purchases after it, such as calibration_end='1997-09-30'."
        )
    if not is_log and (calibration_end is not None or holdout_end is not None):
        raise ConfigError("calibration_end and holdout_end are of a log; this frame is a summary already.")
    split = split_log(data, calibration_end, holdout_end, unit or "W", "purchases") if is_log else as_summary(data)
    if models is None:
        missing = {"opportunities"} | (set() if "log_intervals" in split.columns else {"intervals"})
        models = [family for family in PURCHASE_FAMILIES.values() if family.reads not in missing]
    return compare_models(split, models, unit=unit)


def compare_fits(
    fits: Mapping[str, ModelFit[PurchaseModel]],
    summary: pd.DataFrame,
    *,
    logs: Mapping[str, Floats] | None = None,
) -> ModelComparison:
    """`compare_models` of fits that are there; `logs` are their log scores by customer where those are known."""
    table = pd.DataFrame(
        {
            "parameters": {name: len(fit.names) for name, fit in fits.items()},
            "loglik": {name: fit.loglik for name, fit in fits.items()},
            "aic": {name: fit.aic for name, fit in fits.items()},
            "bic": {name: fit.bic for name, fit in fits.items()},
        }
    ).rename_axis("model")
    apart = _apart(fits)
    together = [name for name in fits if name not in apart]
    table["delta_bic"] = table.loc[together, "bic"] - table.loc[together, "bic"].min()
    _add_likelihood_ratios(table, fits)
    has_holdout = "frequency_holdout" in summary.columns
    if has_holdout:
        logs = _add_holdout(table, fits, summary, logs)
    table["status"] = {name: fit.status.code for name, fit in fits.items()}
    usable = [name for name, fit in fits.items() if fit.status.code not in UNUSABLE]
    order = table.sort_values("log_score", ascending=False) if has_holdout else table.sort_values("bic")
    recommended, left = None, None
    tied: tuple[str, ...] = ()
    reason = "None of these fits can be used: see their status."
    if usable and has_holdout:
        recommended, tied, reason = _by_holdout(order, logs or {}, usable, apart)
    elif usable:
        candidates = [name for name in usable if name not in apart] or usable
        recommended, tied, reason = _by_criteria(order, candidates)
        if apart:
            reason += (
                f" Left out: {', '.join(apart)}, whose likelihood is of periods, the others' of times; what is held "
                "out can compare them (churnsim.data.split_periods)."
            )
    if recommended is not None:
        left, words = _departed(fits[recommended], summary)
        reason += words
    return ModelComparison(
        table=order, fits=fits, recommended=recommended, reason=reason, tied=tied, left=left,
        warnings={name: texts for name, fit in fits.items() if (texts := identifiability(fit))},
    )  # fmt: skip


def _departed(fit: ModelFit[PurchaseModel], summary: pd.DataFrame) -> tuple[float, str]:
    """Expected share of the customers who have left, and a sentence where there is none."""
    model = fit.model
    seen = in_opportunities(summary) if model.reads == "opportunities" else summary
    left = max(0.0, 1.0 - float(model.p_alive(seen).mean()))
    if left > NOBODY_LEAVES:
        return left, ""
    inner = model.within
    bound = fit.status.code == "boundary" and inner is not None
    like = f" (its fit lies at the boundary, where it is {PURCHASE_FAMILIES[str(inner)].title})" if bound else ""
    return left, f" By it nobody leaves{like}, so it cannot say what a strategy against leaving is worth."


def _apart(fits: Mapping[str, ModelFit[PurchaseModel]]) -> list[str]:
    """Models whose likelihood stands on another scale than the others'."""
    discrete = [name for name, fit in fits.items() if getattr(fit.model, "reads", None) == "opportunities"]
    return discrete if len(discrete) < len(fits) else []


def identifiability(fit: ModelFit[PurchaseModel]) -> tuple[str, ...]:
    """What the data leave open about single parameters, in words; empty where all is clear."""
    if not fit.status.ok:
        return (str(fit.status),)
    if getattr(fit.model, "k", None) == 1:
        return ("k = 1: purchases are not regular, and this is MBG/NBD itself.",)
    estimates = np.array(list(fit.parameters.values()))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.array(list(fit.standard_errors.values())) / np.abs(estimates)
        errors = np.array(list(fit.standard_errors.values()))
        correlation = fit.matrix / np.outer(errors, errors)
    found = [
        f"{name} is known only within a factor of {np.exp(1.96 * error):,.0f} either way."
        for name, error, value in zip(fit.names, relative, estimates, strict=True)
        if error > LOOSE and value > 0
    ]
    for i, first in enumerate(fit.names):
        for j in range(i):
            if abs(correlation[i, j]) > TOGETHER:
                found.append(
                    f"{fit.names[j]} and {first} are known together only (correlation {correlation[i, j]:.3f}); "
                    "forecasts may still be sharp."
                )
    return tuple(found)


def _add_likelihood_ratios(table: pd.DataFrame, fits: Mapping[str, ModelFit[PurchaseModel]]) -> None:
    by_family: dict[str, str] = {}
    for name, fit in fits.items():
        by_family.setdefault(getattr(fit.model, "family", name), name)
    ratios, chances = {}, {}
    for name, fit in fits.items():
        inner = by_family.get(getattr(fit.model, "within", None) or "")
        if inner is None:
            continue
        added = len(fit.names) - len(fits[inner].names)
        if added > 0:
            ratios[name] = 2 * (fit.loglik - fits[inner].loglik)
            chances[name] = float(chi2_tail(max(ratios[name], 0.0), added))
    if ratios:
        table["lr"] = pd.Series(ratios, dtype=float)
        table["lr_p"] = pd.Series(chances, dtype=float)


def _add_holdout(
    table: pd.DataFrame,
    fits: Mapping[str, ModelFit[PurchaseModel]],
    split: pd.DataFrame,
    known: Mapping[str, Floats] | None,
) -> dict[str, Floats]:
    """Add the columns on held-out purchases; each model's log score by customer comes back."""
    came, horizon = held_out(split)
    logs, bias, mae = {}, {}, {}
    count: Count = "periods" if counts_periods(split) else "purchases"
    for name, fit in fits.items():
        model = seen_in(fit, count).model
        logs[name] = known[name] if known else score_counts(model, split, horizon, came)["log_score"].to_numpy()
        points = point_scores(model.expected_purchases(split, horizon).to_numpy(), came.astype(np.float64))
        bias[name], mae[name] = points["bias"], points["mae"]
    for column, values in log_scores(logs).items():
        table[column] = values
    table["bias"], table["mae"] = bias, mae
    return logs


def _by_holdout(
    table: pd.DataFrame, logs: Mapping[str, Any], usable: list[str], apart: Sequence[str]
) -> tuple[str, tuple[str, ...], str]:
    """The model to use, those that cannot be told from the best one, and why."""
    ranked = [name for name in table.index if name in usable]
    best = ranked[0]
    close = [best]
    for name in ranked[1:]:
        behind = float(np.mean(logs[best] - logs[name]))
        # Two models that are one and the same differ by rounding only.
        if behind <= CLEARLY * paired_error(logs[best], logs[name]) + 1e-9:
            close.append(name)
    if len(close) == 1:
        text = "no other comes within two standard errors" if len(ranked) > 1 else "no other can be used"
        return best, (best,), f"Use {best}: it foresees the held-out purchases best (log score), and {text}."
    # A model on another scale has no BIC to compare, and says less: in which periods, not how often.
    candidates = [name for name in close if name not in apart] or close
    bic = table["bic"].to_dict()
    chosen = min(candidates, key=lambda name: (round(bic[name], 6), usable.index(name)))
    others = ", ".join(name for name in close if name != chosen)
    why = "its BIC on the fitted ones is the lowest of these"
    if candidates != close:
        why = "it also says how often a customer buys in a period"
        why += "" if len(candidates) == 1 else ", with the lowest BIC on the fitted ones of those that do"
    return (
        chosen,
        _distinct([chosen, *(name for name in close if name != chosen)], logs),
        (f"Use {chosen}: the held-out purchases do not tell it from {others} (within two standard errors), and {why}."),
    )


def _distinct(names: Sequence[str], logs: Mapping[str, Any]) -> tuple[str, ...]:
    """The names without those that say what an earlier one says of every customer, as MBG/CNBD-1 beside MBG/NBD."""
    kept: list[str] = []
    for name in names:
        if all(np.abs(logs[name] - logs[other]).max() > SAME for other in kept):
            kept.append(name)
    return tuple(kept)


def _by_criteria(table: pd.DataFrame, usable: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    ranked = [name for name in table.index if name in usable]
    best = ranked[0]
    bic = table["bic"].to_dict()
    close = [name for name in ranked if bic[name] - bic[best] < BARE_MENTION]
    caution = "Hold purchases out (churnsim.split_holdout) to decide on forecasts."
    if len(close) == 1:
        lead = bic[ranked[1]] - bic[best] if len(ranked) > 1 else None
        by = "no other can be used" if lead is None else f"its BIC is the lowest by {lead:.1f}"
        return best, (best,), f"Use {best}: {by}. {caution}"
    count = table["parameters"].to_dict()
    chosen = min(close, key=lambda name: (count[name], round(bic[name], 6), usable.index(name)))
    others = ", ".join(name for name in close if name != chosen)
    return chosen, tuple(close), f"Use {chosen}: BIC does not tell it from {others} (less than 2 apart). {caution}"


def named_families(models: Families) -> dict[str, Callable[[pd.DataFrame, str | None], ModelFit[PurchaseModel]]]:
    """Name -> function that fits a summary in a unit. Raises ConfigError for what cannot be fitted."""
    check_kind(models, "models", (Mapping, Sequence), "a list of families or a mapping of names to them")
    given = models if isinstance(models, Mapping) else {_name(family): family for family in models}
    if not given:
        raise ConfigError("models holds none. Give families such as [churnsim.BGNBD, churnsim.MBGNBD].")
    return {name: _maker(family) for name, family in given.items()}


def _name(family: Any) -> str:
    name = getattr(family, "family", None)
    if not isinstance(name, str):
        raise ConfigError(
            f"{shown(family)} is not a family of models. Give classes such as churnsim.BGNBD, or a mapping of names to "
            "functions that fit a summary."
        )
    return name


def _maker(family: Any) -> Callable[[pd.DataFrame, str | None], ModelFit[PurchaseModel]]:
    if getattr(family, "reads", None) == "opportunities":
        return lambda summary, unit: family.fit(in_opportunities(summary), unit=unit)
    if hasattr(family, "plain"):
        raise ConfigError(
            f"{family.__name__} needs its covariates: give a mapping of names to functions, such as {{'with age': "
            f"lambda summary: {family.__name__}.fit(summary, covariates_rate=['age'])}}, and of a log the table as "
            "covariates=."
        )
    if hasattr(family, "fit"):
        return lambda summary, unit: family.fit(summary, unit=unit)
    if callable(family):
        return lambda summary, _unit: family(summary)
    raise ConfigError(f"{family!r} can neither fit nor be called with a summary.")


def split_log(transactions: Any, calibration_end: Any, holdout_end: Any, unit: str, count: Count) -> pd.DataFrame:
    """The log split at `calibration_end` with all that any family reads; DataError where nobody bought again by it."""
    today = getattr(transactions, "attrs", {}).get("today")
    for name, day in (("calibration_end", calibration_end), ("holdout_end", holdout_end)):
        if day is not None or name == "calibration_end":
            past_day(day, name=name, today=today)  # the splits below call them by other names
    if count == "periods":
        split = split_periods(transactions, until=calibration_end, holdout_until=holdout_end, unit=unit)
    else:
        split = split_holdout(transactions, until=calibration_end, holdout_until=holdout_end, unit=unit)
        # MBG/CNBD-k reads how regular the gaps were; the others leave the column alone.
        split["log_intervals"] = summarise_with_intervals(transactions, unit=unit, until=calibration_end)[
            "log_intervals"
        ]
    if not (split["frequency"] > 0).any():
        raise DataError(
            f"none of the {len(split):,} customers bought again by calibration_end ({calibration_end}), so no model "
            "can be fitted. Choose a later calibration_end, or check that repeat purchases are in the log."
        )
    return split
