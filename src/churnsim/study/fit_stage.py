"""The models of a study: purchases fitted to the calibration period and to the whole log, spend to the whole log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from churnsim.errors import FitError
from churnsim.models.bg_nbd import BGNBD
from churnsim.models.clv import NOTABLE_CORRELATION
from churnsim.models.fit import ModelFit
from churnsim.models.gamma_gamma import GammaGamma, spend_correlation
from churnsim.study.data_stage import StudyData

__all__ = ["StudyFits", "fit_models"]

UNUSABLE = ("not converged", "too little data")


@dataclass(frozen=True, kw_only=True)
class StudyFits:
    """The three fits a study stands on."""

    purchases_calibration: ModelFit[BGNBD]
    purchases: ModelFit[BGNBD]
    spend: ModelFit[GammaGamma]
    correlation: float

    def to_json(self) -> dict[str, Any]:
        """The content of fits.json."""
        return {
            "purchases": _stored(self.purchases, "bg_nbd", "whole log", self.purchases.model.unit),
            "purchases_calibration": _stored(
                self.purchases_calibration, "bg_nbd", "calibration", self.purchases_calibration.model.unit
            ),
            "spend": {
                **_stored(self.spend, "gamma_gamma", "whole log", None),
                "spend_correlation": self.correlation,
            },
        }

    def warnings(self) -> Iterator[str]:
        """What a reader must know of a fit that is usable but not clean."""
        for name, fit in self._named():
            if not fit.status.ok:
                yield f"{name}: {fit.status}"
        if abs(self.correlation) > NOTABLE_CORRELATION:
            yield (
                f"spend and frequency are correlated at {self.correlation:.2f}, and the spend model takes them to be "
                "independent: values of frequent buyers are off in that direction."
            )

    def check(self) -> None:
        """Raise FitError when a fit is no ground to build on: one that did not converge never passes silently."""
        for name, fit in self._named():
            if fit.status.code in UNUSABLE:
                raise FitError(f"{name}: {fit.status}")

    def _named(self) -> tuple[tuple[str, ModelFit[Any]], ...]:
        return (
            ("purchases in the calibration period (BG/NBD)", self.purchases_calibration),
            ("purchases in the whole log (BG/NBD)", self.purchases),
            ("spend (Gamma-Gamma)", self.spend),
        )


def fit_models(data: StudyData) -> StudyFits:
    """Fit all three; raises FitError when one of them cannot be used."""
    fits = StudyFits(
        purchases_calibration=BGNBD.fit(data.split, unit=data.unit),
        purchases=BGNBD.fit(data.summary, unit=data.unit),
        spend=GammaGamma.fit(data.summary),
        correlation=spend_correlation(data.summary),
    )
    fits.check()
    return fits


def _stored(fit: ModelFit[Any], family: str, role: str, unit: str | None) -> dict[str, Any]:
    return {"family": family, "unit": unit, "role": role, **fit.to_dict()}
