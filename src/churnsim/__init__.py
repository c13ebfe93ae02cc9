"""churnsim: fit real customers, replay them under strategies, judge what is said about keeping them.

The names below are loaded when first used, so that importing the package, and `churnsim --help`, stay quick.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from churnsim import claims as claims
    from churnsim.claims.reproduce import reproduce as reproduce
    from churnsim.data import customers as customers
    from churnsim.data import datasets as datasets
    from churnsim.data.database import CustomerDatabase as CustomerDatabase
    from churnsim.data.database import PseudonymKey as PseudonymKey
    from churnsim.data.intervals import summarise_with_intervals as summarise_with_intervals
    from churnsim.data.opportunities import summarise_opportunities as summarise_opportunities
    from churnsim.data.parquet_log import ParquetLog as ParquetLog
    from churnsim.data.period_holdout import split_periods as split_periods
    from churnsim.data.renewals import count_renewals as count_renewals
    from churnsim.data.subscriptions import read_subscriptions as read_subscriptions
    from churnsim.data.summary import split_holdout as split_holdout
    from churnsim.data.summary import summarise as summarise
    from churnsim.data.transactions import read_transactions as read_transactions
    from churnsim.errors import ChurnSimError as ChurnSimError
    from churnsim.errors import ConfigError as ConfigError
    from churnsim.errors import DataError as DataError
    from churnsim.errors import FitError as FitError
    from churnsim.models.bdw import BetaDiscreteWeibull as BetaDiscreteWeibull
    from churnsim.models.bg_bb import BGBB as BGBB
    from churnsim.models.bg_nbd import BGNBD as BGNBD
    from churnsim.models.bg_nbd_covariates import BGNBDCovariates as BGNBDCovariates
    from churnsim.models.bootstrap import bootstrap as bootstrap
    from churnsim.models.churn import ChurnModel as ChurnModel
    from churnsim.models.clv import customer_value as customer_value
    from churnsim.models.clv import customer_value_intervals as customer_value_intervals
    from churnsim.models.clv import total_value as total_value
    from churnsim.models.competing_risks import cumulative_incidence as cumulative_incidence
    from churnsim.models.forecast import forecast as forecast
    from churnsim.models.gamma_gamma import GammaGamma as GammaGamma
    from churnsim.models.gold_customers import gold_customers as gold_customers
    from churnsim.models.holdout import rolling_validation as rolling_validation
    from churnsim.models.holdout import validate as validate
    from churnsim.models.interop import from_inference_data as from_inference_data
    from churnsim.models.interop import from_lifetimes as from_lifetimes
    from churnsim.models.intervals import delta_interval as delta_interval
    from churnsim.models.intervals import drawn_interval as drawn_interval
    from churnsim.models.mbg_cnbd import MBGCNBD as MBGCNBD
    from churnsim.models.mbg_nbd import MBGNBD as MBGNBD
    from churnsim.models.nbd import NBD as NBD
    from churnsim.models.pareto_nbd import ParetoNBD as ParetoNBD
    from churnsim.models.pareto_nbd_covariates import ParetoNBDCovariates as ParetoNBDCovariates
    from churnsim.models.posterior import posterior_models as posterior_models
    from churnsim.models.posterior import sample_posterior as sample_posterior
    from churnsim.models.priors import LogNormal as LogNormal
    from churnsim.models.priors import Normal as Normal
    from churnsim.models.purchase_model import PurchaseModel as PurchaseModel
    from churnsim.models.renewal_covariates import BetaDiscreteWeibullCovariates as BetaDiscreteWeibullCovariates
    from churnsim.models.renewal_covariates import ShiftedBetaGeometricCovariates as ShiftedBetaGeometricCovariates
    from churnsim.models.sbg import ShiftedBetaGeometric as ShiftedBetaGeometric
    from churnsim.models.selection import compare_models as compare_models
    from churnsim.models.simulation_calibration import simulation_based_calibration as simulation_based_calibration
    from churnsim.models.subscriber_value import subscriber_values as subscriber_values
    from churnsim.models.survival.curve import SurvivalCurve as SurvivalCurve
    from churnsim.models.survival.regression import SurvivalRegression as SurvivalRegression
    from churnsim.models.survival.selection import compare_survival as compare_survival
    from churnsim.models.uplift import UpliftModel as UpliftModel
    from churnsim.satisfaction.read_survey import read_survey as read_survey
    from churnsim.satisfaction.survey import Survey as Survey
    from churnsim.simulation.addressing import addresses as addresses
    from churnsim.simulation.believe import believe as believe
    from churnsim.simulation.believe import map_region as map_region
    from churnsim.simulation.compare import Comparison as Comparison
    from churnsim.simulation.compare import compare as compare
    from churnsim.simulation.customer_metrics import realised_value as realised_value
    from churnsim.simulation.customer_metrics import retention_by_tenure as retention_by_tenure
    from churnsim.simulation.customer_metrics import simulated_whale_curve as simulated_whale_curve
    from churnsim.simulation.customer_table import customer_table as customer_table
    from churnsim.simulation.customer_table import customer_tables as customer_tables
    from churnsim.simulation.engines import simulate as simulate
    from churnsim.simulation.experiment import Experiment as Experiment
    from churnsim.simulation.ledger import Ledger as Ledger
    from churnsim.simulation.lifetimes import ContractualLifetime as ContractualLifetime
    from churnsim.simulation.lifetimes import FixedSpend as FixedSpend
    from churnsim.simulation.lifetimes import ProfitByTenure as ProfitByTenure
    from churnsim.simulation.market import Market as Market
    from churnsim.simulation.mechanism import Mechanism as Mechanism
    from churnsim.simulation.neighbours import Competitors as Competitors
    from churnsim.simulation.neighbours import Referral as Referral
    from churnsim.simulation.neighbours import WordOfMouth as WordOfMouth
    from churnsim.simulation.population import Cohort as Cohort
    from churnsim.simulation.population import PosteriorBase as PosteriorBase
    from churnsim.simulation.precision import Precision as Precision
    from churnsim.simulation.quantity import Quantity as Quantity
    from churnsim.simulation.region import Region as Region
    from churnsim.simulation.satisfaction import Satisfaction as Satisfaction
    from churnsim.simulation.scenario import Scenario as Scenario
    from churnsim.simulation.selection import Selection as Selection
    from churnsim.simulation.selection import select_best as select_best
    from churnsim.simulation.sensitivity import Sensitivity as Sensitivity
    from churnsim.simulation.sensitivity import sensitivity as sensitivity
    from churnsim.simulation.strategy import Acquisition as Acquisition
    from churnsim.simulation.strategy import AskForComplaints as AskForComplaints
    from churnsim.simulation.strategy import ChurnChange as ChurnChange
    from churnsim.simulation.strategy import Compensation as Compensation
    from churnsim.simulation.strategy import ComplaintDesk as ComplaintDesk
    from churnsim.simulation.strategy import CrossSelling as CrossSelling
    from churnsim.simulation.strategy import DismissUnprofitable as DismissUnprofitable
    from churnsim.simulation.strategy import EconomicBond as EconomicBond
    from churnsim.simulation.strategy import EmpoweredStaff as EmpoweredStaff
    from churnsim.simulation.strategy import ReferralReward as ReferralReward
    from churnsim.simulation.strategy import RenewalOffers as RenewalOffers
    from churnsim.simulation.strategy import RetentionContacts as RetentionContacts
    from churnsim.simulation.strategy import ServiceQuality as ServiceQuality
    from churnsim.simulation.strategy import SocialBond as SocialBond
    from churnsim.simulation.strategy import StaffCare as StaffCare
    from churnsim.simulation.strategy import Strategy as Strategy
    from churnsim.simulation.strategy import StructuralBond as StructuralBond
    from churnsim.simulation.strategy import WinBack as WinBack
    from churnsim.simulation.traits import TraitsBase as TraitsBase

_HOME = {
    "churnsim.errors": ("ChurnSimError", "ConfigError", "DataError", "FitError"),
    "churnsim.data.transactions": ("read_transactions",),
    "churnsim.data.database": ("CustomerDatabase", "PseudonymKey"),
    "churnsim.data.parquet_log": ("ParquetLog",),
    "churnsim.models.gold_customers": ("gold_customers",),
    "churnsim.data.subscriptions": ("read_subscriptions",),
    "churnsim.data.renewals": ("count_renewals",),
    "churnsim.data.intervals": ("summarise_with_intervals",),
    "churnsim.data.opportunities": ("summarise_opportunities",),
    "churnsim.data.period_holdout": ("split_periods",),
    "churnsim.data.summary": ("split_holdout", "summarise"),
    "churnsim.models.bg_bb": ("BGBB",),
    "churnsim.models.bg_nbd": ("BGNBD",),
    "churnsim.models.bg_nbd_covariates": ("BGNBDCovariates",),
    "churnsim.models.mbg_cnbd": ("MBGCNBD",),
    "churnsim.models.mbg_nbd": ("MBGNBD",),
    "churnsim.models.nbd": ("NBD",),
    "churnsim.models.pareto_nbd": ("ParetoNBD",),
    "churnsim.models.pareto_nbd_covariates": ("ParetoNBDCovariates",),
    "churnsim.models.purchase_model": ("PurchaseModel",),
    "churnsim.models.gamma_gamma": ("GammaGamma",),
    "churnsim.models.renewal_covariates": ("BetaDiscreteWeibullCovariates", "ShiftedBetaGeometricCovariates"),
    "churnsim.models.sbg": ("ShiftedBetaGeometric",),
    "churnsim.models.bdw": ("BetaDiscreteWeibull",),
    "churnsim.models.clv": ("customer_value", "customer_value_intervals", "total_value"),
    "churnsim.models.survival.curve": ("SurvivalCurve",),
    "churnsim.models.survival.regression": ("SurvivalRegression",),
    "churnsim.models.survival.selection": ("compare_survival",),
    "churnsim.models.competing_risks": ("cumulative_incidence",),
    "churnsim.models.churn": ("ChurnModel",),
    "churnsim.models.uplift": ("UpliftModel",),
    "churnsim.satisfaction.read_survey": ("read_survey",),
    "churnsim.satisfaction.survey": ("Survey",),
    "churnsim.models.intervals": ("delta_interval", "drawn_interval"),
    "churnsim.models.bootstrap": ("bootstrap",),
    "churnsim.models.posterior": ("posterior_models", "sample_posterior"),
    "churnsim.models.forecast": ("forecast",),
    "churnsim.models.holdout": ("rolling_validation", "validate"),
    "churnsim.models.selection": ("compare_models",),
    "churnsim.models.subscriber_value": ("subscriber_values",),
    "churnsim.models.simulation_calibration": ("simulation_based_calibration",),
    "churnsim.models.priors": ("LogNormal", "Normal"),
    "churnsim.models.interop": ("from_inference_data", "from_lifetimes"),
    "churnsim.simulation.market": ("Market",),
    "churnsim.simulation.population": ("Cohort", "PosteriorBase"),
    "churnsim.simulation.traits": ("TraitsBase",),
    "churnsim.simulation.mechanism": ("Mechanism",),
    "churnsim.simulation.strategy": (
        "Acquisition", "AskForComplaints", "ChurnChange", "Compensation", "ComplaintDesk", "CrossSelling",
        "DismissUnprofitable", "EconomicBond", "EmpoweredStaff", "ReferralReward", "RenewalOffers", "RetentionContacts",
        "ServiceQuality", "SocialBond", "StaffCare", "Strategy", "StructuralBond", "WinBack",
    ),
    "churnsim.simulation.neighbours": ("Competitors", "Referral", "WordOfMouth"),
    "churnsim.simulation.lifetimes": ("ContractualLifetime", "FixedSpend", "ProfitByTenure"),
    "churnsim.simulation.satisfaction": ("Satisfaction",),
    "churnsim.simulation.scenario": ("Scenario",),
    "churnsim.simulation.engines": ("simulate",),
    "churnsim.simulation.ledger": ("Ledger",),
    "churnsim.simulation.compare": ("Comparison", "compare"),
    "churnsim.simulation.customer_metrics": ("realised_value", "retention_by_tenure", "simulated_whale_curve"),
    "churnsim.simulation.customer_table": ("customer_table", "customer_tables"),
    "churnsim.simulation.experiment": ("Experiment",),
    "churnsim.simulation.precision": ("Precision",),
    "churnsim.simulation.addressing": ("addresses",),
    "churnsim.simulation.quantity": ("Quantity",),
    "churnsim.simulation.believe": ("believe", "map_region"),
    "churnsim.simulation.region": ("Region",),
    "churnsim.simulation.sensitivity": ("Sensitivity", "sensitivity"),
    "churnsim.simulation.selection": ("Selection", "select_best"),
    "churnsim.claims.reproduce": ("reproduce",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

_MODULES = {"claims": "churnsim.claims", "customers": "churnsim.data.customers", "datasets": "churnsim.data.datasets"}

__all__ = ["__version__", "claims", "customers", "datasets", *_MODULE_OF]
__version__ = version("churnsim")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _MODULE_OF:
        return getattr(import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'churnsim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
