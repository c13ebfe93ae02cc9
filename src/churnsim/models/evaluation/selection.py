"""Which model to use, and why: fit, parsimony, what held-out purchases say, and what the data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from churnsim.data.summaries.column_aliases import as_summary
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.evaluation.holdout import Families, named_families
from churnsim.models.evaluation.holdout_scores import point_scores
from churnsim.models.evaluation.predictive import score_counts
from churnsim.models.purchase.in_periods import Count, counts_periods, seen_in
from churnsim.models.purchase.protocol import PurchaseModel

__all__ = ["ModelComparison", "compare_models", "identifiability"]

# Kass & Raftery (1995), Journal of the American Statistical Association 90, p. 777: a difference in BIC below 2 is not
# worth more than a bare mention.
BARE_MENTION = 2.0
# Two standard errors of the paired difference in the mean log score.
CLEARLY = 2.0
# Assumed: a standard error of a logarithm above 1 means a factor of 7 between the ends of a 95% interval's halves.
LOOSE = 1.0
# Assumed: beyond this correlation of the logarithms, two parameters are known together only.
TOGETHER = 0.98
UNUSABLE = ("not converged", "too little data")


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelComparison:
    """`table` (best first), the `fits` by name, which one is `recommended` (None when none can be used), the `reason`
    in words, and `warnings` by model: what the data leave undetermined."""

    table: pd.DataFrame
    fits: Mapping[str, ModelFit[PurchaseModel]]
    recommended: str | None
    reason: str
    warnings: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        shown = self.table.copy()
        for name in shown.select_dtypes("number"):
            digits = 2 if name in ("loglik", "aic", "bic", "delta_bic", "lr") else 4
            shown[name] = shown[name].map(lambda value, digits=digits: f"{value:.{digits}f}")
        shown["parameters"] = self.table["parameters"].astype(str)
        lines = [shown.to_string(), self.reason]
        lines += [f"{name}: {text}" for name, texts in self.warnings.items() for text in texts]
        return "\n".join(lines)


def compare_models(summary: pd.DataFrame, models: Families, *, unit: str | None = None) -> ModelComparison:
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
    fits = {name: make(summary, unit) for name, make in named_families(models).items()}
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
    held_out = "frequency_holdout" in summary.columns
    logs = _add_holdout(table, fits, summary) if held_out else {}
    table["status"] = {name: fit.status.code for name, fit in fits.items()}
    usable = [name for name, fit in fits.items() if fit.status.code not in UNUSABLE]
    warnings = {name: texts for name, fit in fits.items() if (texts := identifiability(fit))}
    order = table.sort_values("log_score", ascending=False) if held_out else table.sort_values("bic")
    if not usable:
        reason = "None of these fits can be used: see their status."
        return ModelComparison(table=order, fits=fits, recommended=None, reason=reason, warnings=warnings)
    if held_out:
        recommended, reason = _by_holdout(order, logs, usable, apart)
    else:
        recommended, reason = _by_criteria(order, [name for name in usable if name not in apart] or usable)
        if apart:
            reason += (
                f" Left out: {', '.join(apart)}, whose likelihood is of periods, the others' of times; what is held "
                "out can compare them (churnsim.data.split_periods)."
            )
    return ModelComparison(table=order, fits=fits, recommended=recommended, reason=reason, warnings=warnings)


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
            chances[name] = float(chi2.sf(max(ratios[name], 0.0), added))
    if ratios:
        table["lr"] = pd.Series(ratios, dtype=float)
        table["lr_p"] = pd.Series(chances, dtype=float)


def _add_holdout(
    table: pd.DataFrame, fits: Mapping[str, ModelFit[PurchaseModel]], split: pd.DataFrame
) -> dict[str, Any]:
    horizon = split["T_holdout"].to_numpy(dtype=np.float64)
    came = split["frequency_holdout"].to_numpy(dtype=np.int64)
    logs, bias, mae = {}, {}, {}
    count: Count = "periods" if counts_periods(split) else "purchases"
    for name, fit in fits.items():
        model = seen_in(fit, count).model
        logs[name] = score_counts(model, split, horizon, came)["log_score"].to_numpy()
        points = point_scores(model.expected_purchases(split, horizon).to_numpy(), came.astype(np.float64))
        bias[name], mae[name] = points["bias"], points["mae"]
    table["log_score"] = {name: float(values.mean()) for name, values in logs.items()}
    best = logs[str(table["log_score"].idxmax())]
    table["behind"] = {name: float((best - values).mean()) for name, values in logs.items()}
    table["behind_error"] = {
        name: float((best - values).std(ddof=1) / values.size**0.5) for name, values in logs.items()
    }
    table["bias"], table["mae"] = bias, mae
    return logs


def _by_holdout(
    table: pd.DataFrame, logs: Mapping[str, Any], usable: list[str], apart: Sequence[str]
) -> tuple[str, str]:
    ranked = [name for name in table.index if name in usable]
    best = ranked[0]
    close = [best]
    for name in ranked[1:]:
        difference = logs[best] - logs[name]
        # Two models that are one and the same differ by rounding only.
        if difference.mean() <= CLEARLY * difference.std(ddof=1) / difference.size**0.5 + 1e-9:
            close.append(name)
    if len(close) == 1:
        text = "no other comes within two standard errors of it" if len(ranked) > 1 else "no other can be used"
        return best, f"Use {best}: it foresees the held-out purchases best (log score), and {text}."
    # A model on another scale has no BIC to compare, and says less: in which periods, not how often.
    candidates = [name for name in close if name not in apart] or close
    chosen = min(candidates, key=lambda name: (round(table.loc[name, "bic"], 6), usable.index(name)))
    others = ", ".join(name for name in close if name != chosen)
    why = "its BIC on the fitted ones is the lowest of these"
    if candidates != close:
        why = "it also says how often a customer buys in a period"
        why += "" if len(candidates) == 1 else ", with the lowest BIC on the fitted ones of those that do"
    return chosen, (
        f"Use {chosen}: the held-out purchases do not tell it from {others} (within two standard errors), and {why}."
    )


def _by_criteria(table: pd.DataFrame, usable: list[str]) -> tuple[str, str]:
    ranked = [name for name in table.index if name in usable]
    best = ranked[0]
    close = [name for name in ranked if table.loc[name, "bic"] - table.loc[best, "bic"] < BARE_MENTION]
    caution = "Hold purchases out (churnsim.split_holdout) to decide on forecasts."
    if len(close) == 1:
        lead = table.loc[ranked[1], "bic"] - table.loc[best, "bic"] if len(ranked) > 1 else None
        by = "no other can be used" if lead is None else f"its BIC is the lowest by {lead:.1f}"
        return best, f"Use {best}: {by}. {caution}"
    chosen = min(
        close, key=lambda name: (table.loc[name, "parameters"], round(table.loc[name, "bic"], 6), usable.index(name))
    )  # fmt: skip
    others = ", ".join(name for name in close if name != chosen)
    return chosen, f"Use {chosen}: BIC does not tell it from {others} (less than 2 apart). {caution}"
