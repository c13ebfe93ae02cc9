"""churnsim: fit real customers, replay them under strategies, judge what is said about keeping them.

The names a newcomer needs are here; everything else is in `churnsim.data`, `.models`, `.simulation`, `.evidence`,
`.decisions`, `.trials`, `.economics`, `.satisfaction`, `.customers`, `.claims`, `.plots`, `.records` and `.report`. The
stub beside each of these packages says which names it has and where they are defined; a name is imported when first
used.
"""

from __future__ import annotations

from importlib import import_module

from churnsim.other_packages import attach_stub

_lazily, __dir__, _names = attach_stub(__name__, __file__)

__all__ = [*_names, "__version__"]

# Names that were here in 0.1, by the namespace that has them now. They go in 0.3.
_MOVED = {
    "errors": ("ConfigError", "DataError", "FitError"),
    "data": (
        "CustomerDatabase", "ParquetLog", "PseudonymKey", "count_renewals", "read_subscriptions", "split_periods",
        "summarise_opportunities", "summarise_with_intervals",
    ),
    "models": (
        "BGBB", "BGNBDCovariates", "BetaDiscreteWeibull", "BetaDiscreteWeibullCovariates", "ChurnModel", "LogNormal",
        "MBGCNBD", "Normal", "ParetoNBDCovariates", "PurchaseModel", "ShiftedBetaGeometricCovariates", "SurvivalCurve",
        "SurvivalRegression", "UpliftModel", "bootstrap", "compare_survival", "cumulative_incidence",
        "customer_value_intervals", "delta_interval", "drawn_interval", "forecast", "from_inference_data",
        "from_lifetimes", "gold_customers", "posterior_models", "rolling_validation", "sample_posterior",
        "simulation_based_calibration", "subscriber_values", "total_value",
    ),
    "satisfaction": ("Survey", "read_survey"),
    "simulation": (
        "Acquisition", "AskForComplaints", "ChurnChange", "Compensation", "Competitors", "ComplaintDesk",
        "ContractualLifetime", "CrossSelling", "DismissUnprofitable", "EconomicBond", "EmpoweredStaff", "FixedSpend",
        "Ledger", "Mechanism", "ProfitByTenure", "Referral", "ReferralReward", "RenewalOffers", "RetentionContacts",
        "Satisfaction", "ServiceQuality", "SocialBond", "StaffCare", "StructuralBond", "TraitsBase", "WinBack",
        "WordOfMouth", "addresses",
    ),
    "decisions": (
        "Comparison", "Precision", "Quantity", "Region", "Selection", "Sensitivity", "believe", "customer_table",
        "customer_tables", "map_region", "realised_value", "retention_by_tenure", "select_best", "sensitivity",
        "simulated_whale_curve",
    ),
}  # fmt: skip
_PLACE_OF = {name: place for place, names in _MOVED.items() for name in names}
_RENAMED = {"believe": "assumption_region"}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # reads a file, which an import must not

        found: object = version("churnsim")
    elif name in _PLACE_OF:
        import warnings

        place, new = f"churnsim.{_PLACE_OF[name]}", _RENAMED.get(name, name)
        warnings.warn(
            f"churnsim.{name} is now {place}.{new}; the old name goes in 0.3.", DeprecationWarning, stacklevel=2
        )
        found = getattr(import_module(place), new)
    else:
        return _lazily(name)
    globals()[name] = found  # so that the next use neither asks nor warns
    return found
