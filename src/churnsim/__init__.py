"""churnsim: fit real customers, replay them under strategies, judge what is said about keeping them.

The names below are loaded when first used, so that importing the package, and `churnsim --help`, stay quick.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from churnsim import claims as claims
    from churnsim.claims.reproduction.reproduce import reproduce as reproduce
    from churnsim.data import customers as customers
    from churnsim.data import datasets as datasets
    from churnsim.data.database import CustomerDatabase as CustomerDatabase
    from churnsim.data.database import PseudonymKey as PseudonymKey
    from churnsim.data.logs.transactions import read_transactions as read_transactions
    from churnsim.data.subscriptions.renewals import count_renewals as count_renewals
    from churnsim.data.subscriptions.subscriptions import read_subscriptions as read_subscriptions
    from churnsim.data.summaries.intervals import summarise_with_intervals as summarise_with_intervals
    from churnsim.data.summaries.opportunities import summarise_opportunities as summarise_opportunities
    from churnsim.data.summaries.parquet_log import ParquetLog as ParquetLog
    from churnsim.data.summaries.period_holdout import split_periods as split_periods
    from churnsim.data.summaries.summary import split_holdout as split_holdout
    from churnsim.data.summaries.summary import summarise as summarise
    from churnsim.decisions.assumptions.assumption_regions import assumption_region as assumption_region
    from churnsim.decisions.assumptions.assumption_regions import map_region as map_region
    from churnsim.decisions.assumptions.outcome import Quantity as Quantity
    from churnsim.decisions.assumptions.region import Region as Region
    from churnsim.decisions.assumptions.sensitivity import Sensitivity as Sensitivity
    from churnsim.decisions.assumptions.sensitivity import sensitivity as sensitivity
    from churnsim.decisions.comparison.compare import Comparison as Comparison
    from churnsim.decisions.comparison.compare import compare as compare
    from churnsim.decisions.comparison.customer_metrics import realised_value as realised_value
    from churnsim.decisions.comparison.customer_metrics import retention_by_tenure as retention_by_tenure
    from churnsim.decisions.comparison.customer_metrics import simulated_whale_curve as simulated_whale_curve
    from churnsim.decisions.comparison.precision import Precision as Precision
    from churnsim.decisions.comparison.selection import Selection as Selection
    from churnsim.decisions.comparison.selection import select_best as select_best
    from churnsim.decisions.runs.customer_table import customer_table as customer_table
    from churnsim.decisions.runs.customer_table import customer_tables as customer_tables
    from churnsim.decisions.runs.experiment import Experiment as Experiment
    from churnsim.errors import ChurnSimError as ChurnSimError
    from churnsim.errors import ConfigError as ConfigError
    from churnsim.errors import DataError as DataError
    from churnsim.errors import FitError as FitError
    from churnsim.models.churn.classifier import ChurnModel as ChurnModel
    from churnsim.models.churn.uplift import UpliftModel as UpliftModel
    from churnsim.models.estimation.intervals import delta_interval as delta_interval
    from churnsim.models.estimation.intervals import drawn_interval as drawn_interval
    from churnsim.models.estimation.posterior import posterior_models as posterior_models
    from churnsim.models.estimation.posterior import sample_posterior as sample_posterior
    from churnsim.models.estimation.priors import LogNormal as LogNormal
    from churnsim.models.estimation.priors import Normal as Normal
    from churnsim.models.evaluation.bootstrap import bootstrap as bootstrap
    from churnsim.models.evaluation.forecast import forecast as forecast
    from churnsim.models.evaluation.holdout import rolling_validation as rolling_validation
    from churnsim.models.evaluation.holdout import validate as validate
    from churnsim.models.evaluation.selection import compare_models as compare_models
    from churnsim.models.evaluation.simulation_calibration import (
        simulation_based_calibration as simulation_based_calibration,
    )
    from churnsim.models.interop import from_inference_data as from_inference_data
    from churnsim.models.interop import from_lifetimes as from_lifetimes
    from churnsim.models.purchase.bg_bb import BGBB as BGBB
    from churnsim.models.purchase.bg_nbd import BGNBD as BGNBD
    from churnsim.models.purchase.bg_nbd import BGNBDCovariates as BGNBDCovariates
    from churnsim.models.purchase.mbg_cnbd import MBGCNBD as MBGCNBD
    from churnsim.models.purchase.mbg_nbd import MBGNBD as MBGNBD
    from churnsim.models.purchase.nbd import NBD as NBD
    from churnsim.models.purchase.pareto_nbd import ParetoNBD as ParetoNBD
    from churnsim.models.purchase.pareto_nbd import ParetoNBDCovariates as ParetoNBDCovariates
    from churnsim.models.purchase.protocol import PurchaseModel as PurchaseModel
    from churnsim.models.retention.bdw import BetaDiscreteWeibull as BetaDiscreteWeibull
    from churnsim.models.retention.bdw import (
        BetaDiscreteWeibullCovariates as BetaDiscreteWeibullCovariates,
    )
    from churnsim.models.retention.competing_risks import cumulative_incidence as cumulative_incidence
    from churnsim.models.retention.sbg import ShiftedBetaGeometric as ShiftedBetaGeometric
    from churnsim.models.retention.sbg import (
        ShiftedBetaGeometricCovariates as ShiftedBetaGeometricCovariates,
    )
    from churnsim.models.segmentation.gold_customers import gold_customers as gold_customers
    from churnsim.models.spend.gamma_gamma import GammaGamma as GammaGamma
    from churnsim.models.survival.curve import SurvivalCurve as SurvivalCurve
    from churnsim.models.survival.regression import SurvivalRegression as SurvivalRegression
    from churnsim.models.survival.selection import compare_survival as compare_survival
    from churnsim.models.value.clv import customer_value as customer_value
    from churnsim.models.value.clv import customer_value_intervals as customer_value_intervals
    from churnsim.models.value.clv import total_value as total_value
    from churnsim.models.value.subscriber_value import subscriber_values as subscriber_values
    from churnsim.satisfaction.read_survey import read_survey as read_survey
    from churnsim.satisfaction.survey import Survey as Survey
    from churnsim.simulation.core.lifetimes import ContractualLifetime as ContractualLifetime
    from churnsim.simulation.core.lifetimes import FixedSpend as FixedSpend
    from churnsim.simulation.core.lifetimes import ProfitByTenure as ProfitByTenure
    from churnsim.simulation.customers.base import Cohort as Cohort
    from churnsim.simulation.customers.base import PosteriorBase as PosteriorBase
    from churnsim.simulation.customers.traits import TraitsBase as TraitsBase
    from churnsim.simulation.engine.engines import simulate as simulate
    from churnsim.simulation.engine.ledger import Ledger as Ledger
    from churnsim.simulation.engine.plugin import Mechanism as Mechanism
    from churnsim.simulation.mechanisms.competitors import Competitors as Competitors
    from churnsim.simulation.mechanisms.referral import Referral as Referral
    from churnsim.simulation.mechanisms.satisfaction import Satisfaction as Satisfaction
    from churnsim.simulation.mechanisms.word_of_mouth import WordOfMouth as WordOfMouth
    from churnsim.simulation.scenario.market import Market as Market
    from churnsim.simulation.scenario.parameter_paths import addresses as addresses
    from churnsim.simulation.scenario.scenario import Scenario as Scenario
    from churnsim.simulation.scenario.strategy import Acquisition as Acquisition
    from churnsim.simulation.scenario.strategy import AskForComplaints as AskForComplaints
    from churnsim.simulation.scenario.strategy import ChurnChange as ChurnChange
    from churnsim.simulation.scenario.strategy import Compensation as Compensation
    from churnsim.simulation.scenario.strategy import ComplaintDesk as ComplaintDesk
    from churnsim.simulation.scenario.strategy import CrossSelling as CrossSelling
    from churnsim.simulation.scenario.strategy import DismissUnprofitable as DismissUnprofitable
    from churnsim.simulation.scenario.strategy import EconomicBond as EconomicBond
    from churnsim.simulation.scenario.strategy import EmpoweredStaff as EmpoweredStaff
    from churnsim.simulation.scenario.strategy import ReferralReward as ReferralReward
    from churnsim.simulation.scenario.strategy import RenewalOffers as RenewalOffers
    from churnsim.simulation.scenario.strategy import RetentionContacts as RetentionContacts
    from churnsim.simulation.scenario.strategy import ServiceQuality as ServiceQuality
    from churnsim.simulation.scenario.strategy import SocialBond as SocialBond
    from churnsim.simulation.scenario.strategy import StaffCare as StaffCare
    from churnsim.simulation.scenario.strategy import Strategy as Strategy
    from churnsim.simulation.scenario.strategy import StructuralBond as StructuralBond
    from churnsim.simulation.scenario.strategy import WinBack as WinBack

_HOME = {
    "churnsim.errors": ("ChurnSimError", "ConfigError", "DataError", "FitError"),
    "churnsim.data.logs.transactions": ("read_transactions",),
    "churnsim.data.database": ("CustomerDatabase", "PseudonymKey"),
    "churnsim.data.summaries.parquet_log": ("ParquetLog",),
    "churnsim.models.segmentation.gold_customers": ("gold_customers",),
    "churnsim.data.subscriptions.subscriptions": ("read_subscriptions",),
    "churnsim.data.subscriptions.renewals": ("count_renewals",),
    "churnsim.data.summaries.intervals": ("summarise_with_intervals",),
    "churnsim.data.summaries.opportunities": ("summarise_opportunities",),
    "churnsim.data.summaries.period_holdout": ("split_periods",),
    "churnsim.data.summaries.summary": ("split_holdout", "summarise"),
    "churnsim.models.purchase.bg_bb": ("BGBB",),
    "churnsim.models.purchase.bg_nbd": ("BGNBD", "BGNBDCovariates"),
    "churnsim.models.purchase.mbg_cnbd": ("MBGCNBD",),
    "churnsim.models.purchase.mbg_nbd": ("MBGNBD",),
    "churnsim.models.purchase.nbd": ("NBD",),
    "churnsim.models.purchase.pareto_nbd": ("ParetoNBD", "ParetoNBDCovariates"),
    "churnsim.models.purchase.protocol": ("PurchaseModel",),
    "churnsim.models.spend.gamma_gamma": ("GammaGamma",),
    "churnsim.models.retention.sbg": ("ShiftedBetaGeometric", "ShiftedBetaGeometricCovariates"),
    "churnsim.models.retention.bdw": ("BetaDiscreteWeibull", "BetaDiscreteWeibullCovariates"),
    "churnsim.models.value.clv": ("customer_value", "customer_value_intervals", "total_value"),
    "churnsim.models.survival.curve": ("SurvivalCurve",),
    "churnsim.models.survival.regression": ("SurvivalRegression",),
    "churnsim.models.survival.selection": ("compare_survival",),
    "churnsim.models.retention.competing_risks": ("cumulative_incidence",),
    "churnsim.models.churn.classifier": ("ChurnModel",),
    "churnsim.models.churn.uplift": ("UpliftModel",),
    "churnsim.satisfaction.read_survey": ("read_survey",),
    "churnsim.satisfaction.survey": ("Survey",),
    "churnsim.models.estimation.intervals": ("delta_interval", "drawn_interval"),
    "churnsim.models.evaluation.bootstrap": ("bootstrap",),
    "churnsim.models.estimation.posterior": ("posterior_models", "sample_posterior"),
    "churnsim.models.evaluation.forecast": ("forecast",),
    "churnsim.models.evaluation.holdout": ("rolling_validation", "validate"),
    "churnsim.models.evaluation.selection": ("compare_models",),
    "churnsim.models.value.subscriber_value": ("subscriber_values",),
    "churnsim.models.evaluation.simulation_calibration": ("simulation_based_calibration",),
    "churnsim.models.estimation.priors": ("LogNormal", "Normal"),
    "churnsim.models.interop": ("from_inference_data", "from_lifetimes"),
    "churnsim.simulation.scenario.market": ("Market",),
    "churnsim.simulation.customers.base": ("Cohort", "PosteriorBase"),
    "churnsim.simulation.customers.traits": ("TraitsBase",),
    "churnsim.simulation.engine.plugin": ("Mechanism",),
    "churnsim.simulation.scenario.strategy": (
        "Acquisition", "AskForComplaints", "ChurnChange", "Compensation", "ComplaintDesk", "CrossSelling",
        "DismissUnprofitable", "EconomicBond", "EmpoweredStaff", "ReferralReward", "RenewalOffers", "RetentionContacts",
        "ServiceQuality", "SocialBond", "StaffCare", "Strategy", "StructuralBond", "WinBack",
    ),
    "churnsim.simulation.mechanisms.competitors": ("Competitors",),
    "churnsim.simulation.mechanisms.referral": ("Referral",),
    "churnsim.simulation.mechanisms.word_of_mouth": ("WordOfMouth",),
    "churnsim.simulation.core.lifetimes": ("ContractualLifetime", "FixedSpend", "ProfitByTenure"),
    "churnsim.simulation.mechanisms.satisfaction": ("Satisfaction",),
    "churnsim.simulation.scenario.scenario": ("Scenario",),
    "churnsim.simulation.engine.engines": ("simulate",),
    "churnsim.simulation.engine.ledger": ("Ledger",),
    "churnsim.decisions.comparison.compare": ("Comparison", "compare"),
    "churnsim.decisions.comparison.customer_metrics": (
        "realised_value", "retention_by_tenure", "simulated_whale_curve",
    ),
    "churnsim.decisions.runs.customer_table": ("customer_table", "customer_tables"),
    "churnsim.decisions.runs.experiment": ("Experiment",),
    "churnsim.decisions.comparison.precision": ("Precision",),
    "churnsim.simulation.scenario.parameter_paths": ("addresses",),
    "churnsim.decisions.assumptions.outcome": ("Quantity",),
    "churnsim.decisions.assumptions.assumption_regions": ("assumption_region", "map_region"),
    "churnsim.decisions.assumptions.region": ("Region",),
    "churnsim.decisions.assumptions.sensitivity": ("Sensitivity", "sensitivity"),
    "churnsim.decisions.comparison.selection": ("Selection", "select_best"),
    "churnsim.claims.reproduction.reproduce": ("reproduce",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

# Old names, which work until the next version.
_RENAMED = {"believe": "assumption_region"}

_MODULES = {"claims": "churnsim.claims", "customers": "churnsim.data.customers", "datasets": "churnsim.data.datasets"}

__all__ = ["__version__", "claims", "customers", "datasets", *_MODULE_OF]
__version__ = version("churnsim")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    if name in _RENAMED:
        new = _RENAMED[name]
        warnings.warn(f"churnsim.{name} is now churnsim.{new}.", DeprecationWarning, stacklevel=2)
        return getattr(import_module(_MODULE_OF[new]), new)
    raise AttributeError(f"module 'churnsim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
