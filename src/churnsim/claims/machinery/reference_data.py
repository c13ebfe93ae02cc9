"""Inputs that several published figures share, made once: the CDNOW data and the models fitted to it."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from churnsim.data import datasets
from churnsim.data.summaries.summary import split_holdout
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.evaluation.validation import holdout_by_frequency
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import AT_OPPORTUNITIES, PURCHASE_FAMILIES
from churnsim.models.spend.gamma_gamma import GammaGamma

CALIBRATION_END, HOLDOUT_END = "1997-09-30", "1998-06-30"
"""Weeks 1-39 and 40-78, as in Fader, Hardie & Lee (2005)."""


class Workbench:
    """Lazily made, kept for the lifetime of the object: nothing is read or fitted before a figure asks for it."""

    @cached_property
    def split(self) -> pd.DataFrame:
        """Summary of the 1/10 sample with its holdout, in weeks."""
        return self.split_until(CALIBRATION_END)

    def split_until(self, until: str) -> pd.DataFrame:
        """The same with another end of the calibration."""
        return split_holdout(self.sample_log, until=until, holdout_until=HOLDOUT_END, unit="W")

    @cached_property
    def sample_log(self) -> pd.DataFrame:
        """Every transaction of the 1/10 sample."""
        return datasets.cdnow()

    @cached_property
    def purchases(self) -> ModelFit[BGNBD]:
        """BG/NBD on the calibration period."""
        return BGNBD.fit(self.split)

    def family(self, name: str, until: str = CALIBRATION_END) -> ModelFit[PurchaseModel]:
        """Any family of purchase models on the sample up to `until`, fitted once."""
        if (name, until) not in self._fits:
            split = self.split if until == CALIBRATION_END else self.split_until(until)
            self._fits[name, until] = PURCHASE_FAMILIES[name].fit(split)
        return self._fits[name, until]

    def donors(self, weighted: bool) -> ModelFit[PurchaseModel]:
        """BG/BB on the 11,104 donors, or on one donor of each history."""
        key = ("donors", str(weighted))
        if key not in self._fits:
            log = datasets.donations()
            self._fits[key] = PURCHASE_FAMILIES[AT_OPPORTUNITIES].fit(
                log, weights=log["customers"] if weighted else None
            )
        return self._fits[key]

    @cached_property
    def _fits(self) -> dict[tuple[str, str], ModelFit[PurchaseModel]]:
        return {}

    @cached_property
    def spend(self) -> ModelFit[GammaGamma]:
        """Gamma-Gamma on the repeat spend of the calibration period."""
        return GammaGamma.fit(self.split)

    @cached_property
    def holdout(self) -> pd.DataFrame:
        """Mean purchases in the holdout by calibration frequency, 7 standing for 7 and more."""
        return holdout_by_frequency(self.purchases.model, self.split, cap=7).set_index("frequency")

    @cached_property
    def full_log(self) -> pd.DataFrame:
        """Every transaction of the full CDNOW log."""
        return datasets.cdnow(full=True)
