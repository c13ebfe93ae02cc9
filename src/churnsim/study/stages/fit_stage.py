"""The models of a study: purchases fitted to the calibration period and to the whole log, spend to the whole log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from churnsim.data.summaries.customer_series import CustomerSeries
from churnsim.errors import FitError
from churnsim.models.estimation.fit import ModelFit, Parametric
from churnsim.models.evaluation.holdout_scores import held_out, paired_error
from churnsim.models.evaluation.predictive import score_counts
from churnsim.models.evaluation.selection import CLEARLY, NOBODY_LEAVES, compare_models
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import DEFAULT_FAMILY, PURCHASE_FAMILIES, simulated_families, with_covariates
from churnsim.models.spend.gamma_gamma import GammaGamma, spend_correlation
from churnsim.models.value.clv import NOTABLE_CORRELATION
from churnsim.records.base import rows
from churnsim.records.notices import ModelChoice, StudyWarning
from churnsim.records.run import FIT_LEVEL, FitParameter, FitRecord, FitStatusRecord
from churnsim.study.config.config import CHOOSE, StudyConfig
from churnsim.study.stages.data_stage import StudyData

CALENDARS = ("calendar", "leaving")  # which the configuration says
UNUSABLE = ("not converged", "too little data")

CHI_SQUARED_95 = 3.841


@dataclass(frozen=True, kw_only=True)
class StudyFits:
    """The three fits a study stands on."""

    purchases_calibration: ModelFit[PurchaseModel]  # of the family that was asked for
    purchases: ModelFit[PurchaseModel]
    spend: ModelFit[GammaGamma] | None
    """None of a log without amounts, as is the correlation of spend with frequency."""
    correlation: float | None
    left: float
    """Expected share of the customers who have left by the end of the log; 0 where the log does not show that any
    has."""
    choice: ModelChoice | None = None
    gain: StudyWarning | None = None
    """With a calendar, whether it foresees the holdout better."""

    @property
    def nobody_leaves(self) -> bool:
        """Whether the purchase model sees no customer who has left, so that it cannot value keeping any."""
        return self.left <= NOBODY_LEAVES

    def records(self) -> dict[str, FitRecord]:
        """The content of fits.json by the fit's name."""
        found = {
            "purchases": fit_record(self.purchases, role="whole log"),
            "purchases_calibration": fit_record(self.purchases_calibration, role="calibration"),
        }
        if self.spend is not None:
            found["spend"] = fit_record(self.spend, role="whole log", spend_correlation=self.correlation)
        return found

    def warnings(self) -> Iterator[StudyWarning]:
        """What a reader must know of a fit that is usable but not clean."""
        for name, fit in self._named():
            if not fit.status.ok:
                yield StudyWarning(stage="models", code="fit", message=f"{name}: {fit.status}")
        if self.nobody_leaves:
            name = self.purchases.model.title
            message = f"by the purchase model ({name}) nobody leaves: it cannot say what keeping a customer is worth."
            yield StudyWarning(stage="models", code="nobody leaves", message=message, figures={"left": self.left})
        if self.gain is not None:
            yield self.gain
        if self.correlation is not None and abs(self.correlation) > NOTABLE_CORRELATION:
            message = (
                f"spend and frequency are correlated at {self.correlation:.2f}, and the spend model takes them to be "
                "independent: values of frequent buyers are off in that direction."
            )
            figures = {"correlation": self.correlation}
            yield StudyWarning(stage="value", code="spend correlated", message=message, figures=figures)

    def check(self) -> None:
        """Raise FitError when a fit is no ground to build on: one that did not converge never passes silently."""
        for name, fit in self._named():
            if fit.status.code in UNUSABLE:
                raise FitError(f"{name}: {fit.status}")

    def _named(self) -> Iterator[tuple[str, ModelFit[Parametric]]]:
        name = self.purchases.model.title
        yield f"purchases in the calibration period ({name})", self.purchases_calibration
        yield f"purchases in the whole log ({name})", self.purchases
        if self.spend is not None:
            yield "spend (Gamma-Gamma)", self.spend


def candidates(config: StudyConfig) -> tuple[str, ...]:
    """The families that the study's purchase model is chosen among; one where the configuration names it.

    Chosen are families whose customers can be simulated; with covariates those that take them, and with a regularity of
    the market's own those that have none.
    """
    asked = config.models.purchases
    if asked != CHOOSE:
        return (asked,)
    among = simulated_families() if config.data.covariates is None else with_covariates()
    own_regularity = "regularity" in config.market
    return tuple(name for name in among if not (own_regularity and PURCHASE_FAMILIES[name].reads == "intervals"))


def fit_models(data: StudyData, families: Sequence[str] = (DEFAULT_FAMILY,), *, why: str = "") -> StudyFits:
    """Fit all three, purchases by the family that foresees the holdout best; raises FitError when one cannot be used.

    `families` are the candidates; where there is one, nothing is compared, and `why` says why it was named. Where the
    data have `clocks` purchases, and how customers leave, follow them.
    """
    options = data.covariates.options if data.covariates else {}
    kinds: dict[str, Any] = {
        name: PURCHASE_FAMILIES[name].covariate_family if options else PURCHASE_FAMILIES[name] for name in families
    }
    clocks = data.clocks
    options = {**options, **clocks.options}

    def fit(kind: Any, summary: pd.DataFrame, unit: str | None = None) -> Any:
        found = kind.fit(summary, unit=unit or data.unit, **options)
        return found.with_future(clocks.future) if clocks.options else found

    family = families[0]
    if len(families) == 1:
        calibration = fit(kinds[family], data.split)
        choice = ModelChoice(chosen=family, why=f"{family} is named by the configuration: {why}") if why else None
    else:
        makers = {name: partial(fit, kind) for name, kind in kinds.items()}
        compared = compare_models(data.split, makers, unit=data.unit)
        calibration = compared.fit
        family = str(compared.recommended)
        table = rows(compared.table.reset_index())
        choice = ModelChoice(chosen=family, why=compared.reason, table=table)
    purchases = fit(kinds[family], data.summary)
    fits = StudyFits(
        purchases_calibration=calibration,
        purchases=purchases,
        spend=GammaGamma.fit(data.summary) if data.has_amounts else None,
        correlation=spend_correlation(data.summary) if data.has_amounts else None,
        left=_share_left(purchases, data, plain=not options),
        choice=choice,
        gain=_gain(calibration, data.split) if clocks.options else None,
    )
    fits.check()
    return fits


def _gain(fit: Any, split: pd.DataFrame) -> StudyWarning:
    """Whether the calendar, or customers' own series, foresees the held-out purchases better than the family alone."""
    came, horizon = held_out(split)
    with_it, without = (
        score_counts(model, split, horizon, came)["log_score"].to_numpy() for model in (fit.model, fit.plain.model)
    )
    gain, error, p = float((with_it - without).mean()), paired_error(with_it, without), fit.likelihood_ratio.p_value
    verdict = "no better and no worse than"
    if abs(gain) > CLEARLY * error:
        verdict = "better than" if gain > 0 else "worse than"
    calendar = fit.model.calendar
    what, foresees, it = "the calendar", "foresees", "it"
    if isinstance(calendar, CustomerSeries):
        what, foresees, it = "the customers' own series", "foresee", "them"
        if calendar.common:
            what += " and what is common to all"
    message = (
        f"{what} ({calendar}) {foresees} the held-out purchases {verdict} the same model without {it}: log "
        f"score {gain:+.4f} a customer, standard error {error:.4f}; in the calibration period p = {p:.2g}."
    )
    return StudyWarning(
        stage="validation", code="calendar", message=message, figures={"gain": gain, "error": error, "p": p}
    )


def fit_record(fit: ModelFit[Parametric], *, role: str, family: str | None = None, **more: Any) -> FitRecord:
    """A fit as it is stored; `family` where it is not the model's own name."""
    parameters = fit.summary(FIT_LEVEL).rename_axis("name").reset_index()
    model = {key: value for key, value in fit.model.to_dict().items() if key not in CALENDARS}
    return FitRecord.of(
        fit, family=family or fit.model.family, unit=getattr(fit.model, "unit", None), role=role, model=model,
        parameters=FitParameter.of_frame(parameters[list(FitParameter.model_fields)]),
        status=FitStatusRecord.of(fit.status), **more,
    )  # fmt: skip


def _share_left(purchases: Any, data: StudyData, *, plain: bool) -> float:
    """The expected share of the customers who have left; 0 where a fit that is not well determined is no better than
    the family in which nobody can leave (half the 95% quantile of chi-squared with one degree of freedom)."""
    left = max(0.0, 1.0 - float(purchases.model.p_alive(data.summary).mean()))
    if purchases.status.ok or not plain:
        return left
    nobody = next(family for family in PURCHASE_FAMILIES.values() if len(family.parameter_names) == 2)
    gain = purchases.loglik - nobody.fit(data.summary, unit=data.unit).loglik
    return left if gain > CHI_SQUARED_95 / 2 else 0.0
