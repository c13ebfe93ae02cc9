"""What the subscribers are worth, model by model, and what one average churn rate costs."""

from __future__ import annotations

from collections.abc import Sequence

from churnsim.models.value.subscriber_value import subscriber_values
from churnsim.records.run import ValueRecord
from churnsim.records.survival import ModelValue
from churnsim.study.stages.contract_data import ContractData
from churnsim.study.stages.contract_fits import ContractFits
from churnsim.study.stages.value_stage import by_decile

__all__ = ["value_subscribers"]

LEVEL = 0.95


def value_subscribers(
    data: ContractData,
    fits: ContractFits,
    *,
    horizon: float,
    annual_discount_rate: float,
    margin: float,
    draws: int,
    seed: int,
    profits: Sequence[float] | None = None,
) -> ValueRecord:
    """Expected discounted margin of the subscribers still there over `horizon` renewals.

    `total` is by the regression, which tells them apart; `by_model` sets it beside the sBG, the chosen curve, what the
    simulation stays by, and one average churn rate for all. `profits` by tenure stand in place of charges and margin.
    Intervals are those of the parameters' estimation error.
    """
    models = {"regression": fits.regression, fits.chosen_kind: fits.chosen, "sbg": fits.sbg}
    if fits.simulated not in models.values():
        models[fits.simulated.model.family] = fits.simulated
    found = subscriber_values(
        models, data.subscribers, annual_discount_rate=annual_discount_rate, horizon=horizon, by_tenure=profits,
        margin=data.charges * margin if profits is None else 1.0, level=LEVEL, draws=draws, seed=seed,
    )  # fmt: skip
    by_model = ModelValue.of_frame(found.table.reset_index())
    average = ModelValue(
        model="one average churn rate", total=found.average_total, lower=None, upper=None, average_rate_error=0.0
    )
    own = found.values["regression"]["value"]
    first = by_model[0]
    return ValueRecord(
        annual_discount_rate=annual_discount_rate, horizon=horizon, unit=data.unit,
        margin=margin if profits is None else None, total=first.total, lower=first.lower, upper=first.upper,
        level=LEVEL, customers=len(own), mean_p_alive=None, by_decile=by_decile(own),
        by_model=[*by_model, average], average_churn=found.average_churn,
    )  # fmt: skip
