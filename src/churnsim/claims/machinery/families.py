"""Answers that a log does not decide: under each purchase model, weighted by how it forecast what came.

Which of the silent are lost, how many leave in a year and what is left of a customer's value are not seen in a log of
purchases. BG/NBD, MBG/NBD and Pareto/NBD are fitted to the same histories; their weights are those of the mixture under
which purchases that were held out are most probable (stacking of log scores; Yao, Vehtari, Simpson & Gelman 2018). What
they find is averaged, the spread between them being a part of the interval, and where they disagree nothing is decided.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Part
from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.claims.machinery.verdicts import Answer, Basis, Spread, spread
from churnsim.data.summaries.summary import split_holdout
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.evaluation.holdout_scores import held_out, stacking_weights
from churnsim.models.evaluation.predictive import score_counts
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.mbg_nbd import MBGNBD
from churnsim.models.purchase.pareto_nbd import ParetoNBD
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.typing import Floats

FAMILIES: Mapping[str, Any] = {"BG/NBD": BGNBD, "MBG/NBD": MBGNBD, "Pareto/NBD": ParetoNBD}
CALIBRATION = 0.6
"""Share of a log's days that the models are fitted to where its summary holds nothing out."""
COUNTS = 0.05
"""A model of less weight does not make an answer undecided."""
DRAWS = 60
"""Draws of each model's parameters."""


@dataclass(frozen=True)
class Averaged:
    """A figure under each model, with the models' weights."""

    draws: Mapping[str, Floats]
    weights: Mapping[str, float]

    @cached_property
    def by_family(self) -> dict[str, Spread]:
        """Mean and middle 95% under each model."""
        return {name: spread(values) for name, values in self.draws.items()}

    @cached_property
    def whole(self) -> Spread:
        """The same of the mixture of the models."""
        values = np.concatenate(list(self.draws.values()))
        each = np.concatenate([np.full(v.size, self.weights[name] / v.size) for name, v in self.draws.items()])
        order = np.argsort(values)
        # Places as `one_more` has them, by weight: the n-th of N equal draws at n/(N + 1).
        share = np.cumsum(each[order]) / (each.sum() + (each**2).sum() / each.sum())
        low, high = (float(x) for x in np.interp((0.025, 0.975), share, values[order]))
        return Spread(float(values @ each / each.sum()), low, high)

    @property
    def apart(self) -> float:
        """How far the models that count are apart: their largest mean less their smallest."""
        means = [found.mean for name, found in self.by_family.items() if self.weights[name] >= COUNTS]
        return max(means) - min(means)

    def answer(self, judged: Callable[[Spread], Answer]) -> Answer:
        """What all models of some weight agree on; UNDECIDED where they do not."""
        answers = self._answers(judged)
        return answers.pop() if len(answers) == 1 else Answer.UNDECIDED

    def _answers(self, judged: Callable[[Spread], Answer]) -> set[Answer]:
        return {judged(found) for name, found in self.by_family.items() if self.weights[name] >= COUNTS}

    def part(self, *, name: str, estimand: str, unit: str, judged: Callable[[Spread], Answer], why: str = "") -> Part:
        """The figure as a part of a claim, with each model's own beside it."""
        answer = self.answer(judged)
        split = f" The models are {self.apart:.3g} apart and do not agree: the log cannot tell." * (
            len(self._answers(judged)) > 1
        )
        return Part(
            name=name,
            estimand=estimand,
            answer=answer,
            basis=Basis.MEASURED,
            **self.whole.figures(unit),
            reason=f"{why}{self.whole} on average over the models: {self}.{split}",
        )

    def __str__(self) -> str:
        return "; ".join(
            f"{found} by {name} (weight {self.weights[name]:.2f})" for name, found in self.by_family.items()
        )


@dataclass(frozen=True, eq=False)
class Families:
    """The models fitted to one group of histories, and their weights."""

    fits: Mapping[str, ModelFit[PurchaseModel]]
    weights: Mapping[str, float]
    how: str
    """What the weights come from, in words."""

    def average(self, figure: Callable[[Any], float], *, draws: int = DRAWS) -> Averaged:
        """A figure of a model, over draws of each model's parameters."""
        found = {
            name: np.array([figure(model) for model in fit.draw_parameters(draws, seed=1)])
            for name, fit in self.fits.items()
        }
        return Averaged(found, self.weights)

    def markets(self, evidence: MarketEvidence) -> dict[str, MarketEvidence]:
        """The market as each model sees its customers, with parameter draws of its own where it has any."""
        found, market = {}, evidence.market
        for name, fit in self.fits.items():
            spends = [each for _, each in market.draws]
            models = fit.draw_parameters(len(spends), seed=evidence.seed) if spends else []
            draws = tuple(zip(models, spends, strict=True))
            found[name] = replace(
                evidence, market=replace(market, purchases=cast(Any, fit.model), draws=cast(Any, draws))
            )
        return found


class Same:
    """Things as a key: the same objects, not the same content."""

    def __init__(self, *things: Any) -> None:
        self.things = things

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.things)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and all(map(operator.is_, self.things, other.things))


def families_of(evidence: MarketEvidence) -> Families | None:
    """The models of the customers' histories; None where the market comes without any."""
    return None if evidence.summary is None else families(evidence.summary, evidence.log)


def fits_by_family(summary: pd.DataFrame) -> dict[str, ModelFit[PurchaseModel]]:
    """Each of the models fitted to these histories."""
    return {name: family.fit(summary) for name, family in FAMILIES.items()}


def families(summary: pd.DataFrame, log: pd.DataFrame | None = None) -> Families:
    """The models fitted to these histories, weighted by the purchases that the summary holds out, else by those of the
    last part of the log; equally where there is neither."""
    return _families(Same(summary, log))


@lru_cache(maxsize=4)
def _families(of: Same) -> Families:
    summary, log = of.things
    fits = fits_by_family(summary)
    if "frequency_holdout" in summary.columns:
        return Families(fits, _weights(fits, summary), "the purchases held out")
    if log is None:
        equal = {name: 1.0 / len(fits) for name in fits}
        return Families(fits, equal, "nothing: no purchases are held out, and each model has the same weight")
    days = pd.to_datetime(log["date"])
    until = (days.min() + CALIBRATION * (days.max() - days.min())).strftime("%Y-%m-%d")
    split = split_holdout(log, until=until, unit=str(summary.attrs.get("unit", "W")))
    return Families(fits, _weights(fits_by_family(split), split), f"the purchases after {until}")


def _weights(fits: Mapping[str, ModelFit[PurchaseModel]], split: pd.DataFrame) -> dict[str, float]:
    came, horizon = held_out(split)
    return stacking_weights(
        {name: score_counts(fit.model, split, horizon, came)["log_score"].to_numpy() for name, fit in fits.items()}
    )
