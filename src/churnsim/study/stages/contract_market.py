"""The market of a study of subscribers: the actual ones, on a contract under which they stay as the model says."""

from __future__ import annotations

from typing import Any

from churnsim.models.retention.base import RetentionModel
from churnsim.simulation.core.assumption import Origin
from churnsim.simulation.core.lifetimes import ContractualLifetime, ProfitByTenure, Spend
from churnsim.simulation.customers.subscribers import ObservedSubscribers, SubscriberBase, charges_model, contract_of
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.stages.contract_data import ContractData
from churnsim.study.stages.contract_fits import ContractFits

__all__ = ["contract_market", "spend_of"]

CHARGES = Origin("spread of the charges; steadiness assumed", "measured here (observational)")
STEADINESS = Origin("one snapshot does not show how steady a charge is", "assumed")


def contract_market(config: ContractStudyConfig, data: ContractData, fits: ContractFits) -> Market:
    """The subscribers who are there, each from its posterior given tenure and covariates, and new ones like those
    observed. With parameter uncertainty each replication has its own parameters."""
    horizon = round(config.simulation.horizon.to(data.unit))
    renewals = int(data.subscribers["tenure"].max()) + horizon
    spend = spend_of(config, data)
    seen = ObservedSubscribers(data.subscribers, charges=data.charges)

    def contract(model: RetentionModel) -> ContractualLifetime:
        return contract_of(model, renewals=renewals, subscribers=seen, ahead=horizon)

    draws: tuple[Any, ...] = ()
    if config.simulation.parameter_uncertainty:
        models = fits.simulated.draw_parameters(config.parameter_draws, seed=config.seed)
        draws = tuple((contract(model), spend) for model in models)
    return Market(
        customers=SubscriberBase(data.subscribers, charges=data.charges),
        purchases=contract(fits.simulated.model), spend=spend, draws=draws,
        origins={**_spend_origins(config, spend), **overridden_origins(config.market)},
        **overridden_mechanisms(config.market),
    )  # fmt: skip


def spend_of(config: ContractStudyConfig, data: ContractData) -> Spend:
    """What subscribers bring: their own charges, or the configuration's profit by tenure."""
    section = config.profit_by_tenure
    return charges_model(data.charges) if section is None else ProfitByTenure(profits=section.profits)


def _spend_origins(config: ContractStudyConfig, spend: Spend) -> dict[str, Origin]:
    """Where the numbers of what subscribers bring come from."""
    section = config.profit_by_tenure
    if section is None:
        return {f"spend.{name}": STEADINESS if name == "p" else CHARGES for name in ("p", "q", "gamma")}
    return {f"spend.{name}": Origin(section.source, section.status) for name in spend.to_dict()}
