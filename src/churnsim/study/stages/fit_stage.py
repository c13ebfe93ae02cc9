"""The models of a study: purchases fitted to the calibration period and to the whole log, spend to the whole log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from churnsim.errors import FitError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import DEFAULT_FAMILY, PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma, spend_correlation
from churnsim.models.value.clv import NOTABLE_CORRELATION
from churnsim.records.notices import StudyWarning
from churnsim.records.run import FitParameter, FitRecord, FitStatusRecord
from churnsim.study.stages.data_stage import StudyData

__all__ = ["UNUSABLE", "StudyFits", "fit_models", "fit_record"]

UNUSABLE = ("not converged", "too little data")


@dataclass(frozen=True, kw_only=True)
class StudyFits:
    """The three fits a study stands on."""

    purchases_calibration: ModelFit[PurchaseModel]  # of the family that was asked for
    purchases: ModelFit[PurchaseModel]
    spend: ModelFit[GammaGamma]
    correlation: float

    def records(self) -> dict[str, FitRecord]:
        """The content of fits.json by the fit's name."""
        return {
            "purchases": fit_record(self.purchases, role="whole log"),
            "purchases_calibration": fit_record(self.purchases_calibration, role="calibration"),
            "spend": fit_record(self.spend, role="whole log", spend_correlation=self.correlation),
        }

    def warnings(self) -> Iterator[StudyWarning]:
        """What a reader must know of a fit that is usable but not clean."""
        for name, fit in self._named():
            if not fit.status.ok:
                yield StudyWarning(stage="models", code="fit", message=f"{name}: {fit.status}")
        if abs(self.correlation) > NOTABLE_CORRELATION:
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

    def _named(self) -> tuple[tuple[str, ModelFit[PurchaseModel | GammaGamma]], ...]:
        name = self.purchases.model.title
        return (
            (f"purchases in the calibration period ({name})", self.purchases_calibration),
            (f"purchases in the whole log ({name})", self.purchases),
            ("spend (Gamma-Gamma)", self.spend),
        )


def fit_models(data: StudyData, family: str = DEFAULT_FAMILY) -> StudyFits:
    """Fit all three, purchases by the model of this family; raises FitError when one of them cannot be used."""
    options = data.covariates.options if data.covariates else {}
    model: Any = PURCHASE_FAMILIES[family].covariate_family if options else PURCHASE_FAMILIES[family]
    fits = StudyFits(
        purchases_calibration=model.fit(data.split, unit=data.unit, **options),
        purchases=model.fit(data.summary, unit=data.unit, **options),
        spend=GammaGamma.fit(data.summary),
        correlation=spend_correlation(data.summary),
    )
    fits.check()
    return fits


def fit_record(fit: ModelFit[Any], *, role: str, family: str | None = None, **more: Any) -> FitRecord:
    """A fit as it is stored; `family` where it is not the model's own name."""
    parameters = fit.summary().rename_axis("name").reset_index()
    status = fit.status
    return FitRecord(
        family=family or fit.model.family, unit=getattr(fit.model, "unit", None), role=role, model=fit.model.to_dict(),
        parameters=FitParameter.of_frame(parameters[list(FitParameter.model_fields)]),
        loglik=fit.loglik, aic=fit.aic, bic=fit.bic, n=fit.n,
        status=FitStatusRecord(code=status.code, message=status.message, advice=status.advice), **more,
    )  # fmt: skip
