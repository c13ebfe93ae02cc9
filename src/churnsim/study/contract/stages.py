"""The stages of a study of subscribers under contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from churnsim.simulation.engines import simulate
from churnsim.simulation.lifetimes import ContractualLifetime
from churnsim.simulation.market import Market, assumptions
from churnsim.simulation.population import Cohort
from churnsim.simulation.scenario import Scenario
from churnsim.simulation.strategy import Strategy
from churnsim.simulation.subscribers import SubscriberBase, charges_model, contract_of, hazard_multipliers
from churnsim.study.config import StudyConfig
from churnsim.study.contract.config import ContractStudyConfig
from churnsim.study.contract.data import ContractData, load_subscribers
from churnsim.study.contract.fits import ContractFits, fit_contract
from churnsim.study.contract.value import value_subscribers
from churnsim.study.crew import Crew
from churnsim.study.market_overrides import overridden_mechanisms, overridden_origins
from churnsim.study.store import rows

__all__ = ["ContractStages"]

NEWCOMERS = 20_000  # simulated against the Kaplan-Meier band: their own error is then a third of its width at most


class ContractStages:
    """Subscribers known by their tenure: survival models, a churn model, and a replay from the actual base."""

    def load(self, config: StudyConfig) -> ContractData:
        """The subscribers, in whole renewals."""
        return load_subscribers(_own(config).data, config.folder)

    def notes(self, data: ContractData) -> Iterator[str]:
        """What a reader must know of the data."""
        if data.facts["source"].startswith("IBM Telco"):
            yield (
                "note: the source lists only those who left in the last month. Read as a cohort that was followed from "
                "the start, as here, it makes subscribers look more loyal than they were."
            )

    def customers(self, data: ContractData) -> pd.Index:
        """The ids of those still there."""
        return data.there.index

    def fit(self, config: StudyConfig, data: ContractData) -> ContractFits:
        """Every model; FitError when the one chosen cannot be used."""
        return fit_contract(_own(config), data)

    def market(self, config: StudyConfig, data: ContractData, fits: ContractFits) -> Market:
        """The actual subscribers on a contract with the chosen curve's hazards, told apart by the regression."""
        horizon = round(config.simulation.horizon.to(data.unit))
        renewals = int(data.subscribers["tenure"].max()) + horizon
        contract = contract_of(fits.chosen.model, renewals=renewals)
        spend = charges_model(data.charges)
        multipliers = None
        if contract.hazards is not None:
            multipliers = hazard_multipliers(data.subscribers, fits.regression.model, contract, ahead=horizon)
        draws: tuple[Any, ...] = ()
        if config.simulation.parameter_uncertainty:
            models = fits.chosen.draw_parameters(config.most_replications, seed=config.seed)
            draws = tuple((contract_of(model, renewals=renewals), spend) for model in models)
        return Market(
            customers=SubscriberBase(data.subscribers, charges=data.charges, multipliers=multipliers),
            purchases=contract, spend=spend, draws=draws, origins=overridden_origins(config.market),
            **overridden_mechanisms(config.market),
        )  # fmt: skip

    def assumption_rows(self, market: Market) -> list[dict[str, Any]]:
        """Hazards by tenure are told by the survival chapter; here stand the first and the last."""
        found = rows(assumptions(market))
        hazards = [row for row in found if row["parameter"].startswith("purchases.hazard_")]
        kept = {id(row) for row in (hazards[:1] + hazards[-1:])}
        shown = [row for row in found if row not in hazards or id(row) in kept]
        for row in shown:
            if row["parameter"].startswith("spend."):
                row["source"], row["status"] = "spread of the charges; steadiness assumed", "measured here"
                if row["parameter"] == "spend.p":
                    row["source"], row["status"] = "one snapshot does not show how steady a charge is", "assumed"
        return shown

    def value(self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market) -> dict[str, Any]:
        """What those still there are worth, by each model."""
        section, asked = config.value, config.value.annual_discount_rate
        return value_subscribers(
            data, fits, horizon=float(round((section.horizon or config.simulation.horizon).to(data.unit))),
            annual_discount_rate=market.terms.annual_discount_rate if asked is None else asked,
            margin=market.terms.margin, draws=section.draws, seed=config.seed,
        )  # fmt: skip

    def purchases(self, data: ContractData) -> None:
        """Subscribers have no log of purchases."""

    def validation_title(self, config: StudyConfig) -> str:
        """What the validation is called while it runs."""
        return "survival: simulated against observed"

    def validation_files(self) -> tuple[str, ...]:
        """The files that the validation writes."""
        return ("validation.json", "survival.json")

    def validation(
        self, config: StudyConfig, data: ContractData, fits: ContractFits, market: Market, crew: Crew
    ) -> dict[str, Any]:
        """Simulated against observed survival, and what the models say."""
        # No purchases are held out; what is checked is survival.
        nothing = {"calibration_end": "", "holdout_end": "", "unit": data.unit}
        empty: dict[str, Any] = {"frequency": [], "holdout_by_frequency": [], "tracking": [], "replay": None}
        return {"validation.json": {**nothing, **empty}, "survival.json": _survival(config, data, fits)}


def _own(config: StudyConfig) -> ContractStudyConfig:
    assert isinstance(config, ContractStudyConfig)  # `stages_of` chose these stages by it
    return config


def _survival(config: StudyConfig, data: ContractData, fits: ContractFits) -> dict[str, Any]:
    """The content of survival.json."""
    band = fits.kaplan_meier.band()
    tenures = band.index.to_numpy(dtype=np.float64)
    simulated = _newcomers(contract_of(fits.kaplan_meier.model, renewals=int(tenures[-1])), data, config.seed)
    shares = simulated[tenures.astype(np.int64)] / NEWCOMERS
    inside = (shares >= band["lower"].to_numpy()) & (shares <= band["upper"].to_numpy())
    curve = {
        "tenure": tenures, "survival": band["survival"], "lower": band["lower"], "upper": band["upper"],
        "chosen": fits.chosen.model.survival(tenures), "sbg": fits.sbg.model.survival(tenures), "simulated": shares,
    }  # fmt: skip
    scores, regression = fits.churn.scores, fits.regression
    names = [name for name in ("statistic", "p") if regression.checks is not None]
    checks = [] if regression.checks is None else rows(regression.checks.reset_index()[["parameter", *names]])
    return {
        "unit": data.unit,
        "customers": len(data.subscribers),
        "leavers": data.facts["leavers"],
        "band_level": 0.95,
        "band": "Hall-Wellner, simultaneous over all tenures",
        "inside": int(inside.sum()),
        "tenures": int(inside.size),
        "choice": fits.chosen_kind,
        "why": fits.comparison.attrs["why"],
        "families": rows(fits.comparison.reset_index()),
        "curve": [dict(zip(curve, values, strict=True)) for values in zip(*curve.values(), strict=True)],
        "hazard_ratios": rows(regression.summary().reset_index()),
        "proportional": checks,
        "regression_status": str(regression.status),
        "churn": {
            "kind": fits.churn.kind, "split": fits.churn.split, "horizon": fits.churn.horizon,
            "customers": scores.customers, "leavers": scores.leavers, "scores": rows(scores.table.reset_index()),
            "calibration": rows(scores.calibration.reset_index()), "lift": rows(scores.lift.reset_index()),
            "importance": rows(fits.churn.importance(repeats=5).reset_index()),
        },
    }  # fmt: skip


def _newcomers(contract: ContractualLifetime, data: ContractData, seed: int) -> Any:
    """New subscribers still there after 0, 1, 2 ... renewals, simulated; the renewal at t is in the period from t."""
    longest = len(contract.hazards or ())
    market = Market(customers=Cohort(size=NEWCOMERS), purchases=contract, spend=charges_model(data.charges))
    scenario = Scenario(market=market, strategy=Strategy(name="none"), horizon=longest + 1.0, period=1.0, epoch=1.0)
    return simulate(scenario, seed=seed, engine="compiled").account("active_end")
