"""What lifetimes, pymc-marketing, lifelines and CLVTools call otherwise: their names and arguments beside ours.

docs/coming-from.md has the calls side by side.
"""

from __future__ import annotations

import sys

import lazy_loader

TYPE_CHECKING = False  # as of `typing`, whose import takes a third of what importing churnsim takes
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_ALIVE, _EXPECTED = "p_alive(summary)", "expected_purchases(summary, horizon)"
_VALUE = "churnsim.customer_value(summary, purchases=fit, spend=spend_fit, annual_discount_rate=...)"
_TRACKING = "churnsim.plots.tracking(churnsim.validate(log, [churnsim.BGNBD], calibration_end=...))"
_COX = "churnsim.models.SurvivalRegression.fit(subscribers, covariates=[...])"
_ROWS = _COX.replace("[...]", "[...], cluster='customer_id'") + ", a row a stretch from entry to tenure"
NAMES = {
    "BetaGeoFitter": "churnsim.BGNBD.fit(summary)",
    "BetaGeoModel": "churnsim.BGNBD.fit(summary)",
    "ModifiedBetaGeoFitter": "churnsim.MBGNBD.fit(summary)",
    "ModifiedBetaGeoModel": "churnsim.MBGNBD.fit(summary)",
    "ParetoNBDFitter": "churnsim.ParetoNBD.fit(summary)",
    "ParetoNBDModel": "churnsim.ParetoNBD.fit(summary)",
    "pnbd": "churnsim.ParetoNBD.fit(summary)",
    "bgnbd": "churnsim.BGNBD.fit(summary)",
    "BetaGeoBetaBinomFitter": "churnsim.models.BGBB.fit(summary)",
    "BetaGeoBetaBinomModel": "churnsim.models.BGBB.fit(summary)",
    "ShiftedBetaGeoModel": "churnsim.ShiftedBetaGeometric.fit(subscribers)",
    "GammaGammaFitter": "churnsim.GammaGamma.fit(summary)",
    "GammaGammaModel": "churnsim.GammaGamma.fit(summary)",
    "gg": "churnsim.GammaGamma.fit(summary)",
    "clv": "churnsim.BGNBD, churnsim.GammaGamma and churnsim.customer_value",
    "clvdata": "churnsim.split_holdout(churnsim.read_transactions(file, customer_id=..., date=..., amount=...), "
    "until=..., unit=...)",
    "SetStaticCovariates": "churnsim.data.join_covariates(summary, covariates, source=...), for the fit of "
    "churnsim.models.ParetoNBDCovariates",
    "SetDynamicCovariates": "churnsim.data.CustomerSeries.of(frame), or churnsim.data.Calendar for what all customers "
    "have alike",
    "newcustomer": "expected_purchases_new(horizon)",
    "bgbb": "churnsim.models.BGBB.fit(summary)",
    "apparelTrans": "churnsim.datasets.cdnow()",
    "apparelStaticCov": "a table of yours; churnsim.data.join_covariates(summary, covariates, source=...) adds it",
    "pnbd_est": "churnsim.ParetoNBD.fit(summary)",
    "Prior": "a distribution of scipy.stats, or churnsim.models.LogNormal(median=..., spread=...)",
    "HalfNormal": "scipy.stats.halfnorm, as any distribution of scipy.stats is a prior",
    "plot_customer_exposure": "churnsim.plots.exposure(summary)",
    "plot_expected_purchases_ppc": "churnsim.plots.predictive(fit, summary)",
    "plot_probability_alive_heatmap": "churnsim.plots.alive_matrix(fit, summary)",
    "conditional_probability_alive_matrix": "churnsim.plots.data.alive_matrix(fit, T=...)",
    "distribution_new_customer": "churnsim.plots.heterogeneity(fit, 'rate')",
    "sample_posterior_predictive": "in what churnsim.models.sample_posterior(family, summary, seed=1) returns",
    "sample_prior_predictive": "in what churnsim.models.sample_posterior(family, summary, seed=1) returns",
    "build_model": "part of churnsim.BGNBD.fit(summary)",
    "graphviz": "a page of the documentation, models, with the assumptions of each family",
    "variance_matrix_": "matrix, an attribute of the fit",
    "save": "model.save(path), and load(path) of the family",
    "posterior": "churnsim.models.sample_posterior(family, summary, seed=1).posterior",
    "summary_data_from_transaction_data": "churnsim.summarise(log, until=..., unit=...)",
    "load_cdnow_summary": "churnsim.summarise(churnsim.datasets.cdnow(), until='1997-09-30', unit='W')",
    "load_transaction_data": "churnsim.datasets.cdnow()",
    "load_telco": "churnsim.datasets.telco()",
    "conditional_probability_alive": _ALIVE,
    "expected_probability_alive": _ALIVE,
    "probability_alive": _ALIVE,
    "conditional_expected_number_of_purchases_up_to_time": _EXPECTED,
    "expected_number_of_purchases_up_to_time": "expected_purchases_new(horizon)",
    "expected_purchases_new_customer": "expected_purchases_new(horizon)",
    "probability_of_n_purchases_up_to_time": "purchase_pmf(n, horizon)",
    "predict": f"{_EXPECTED} of purchases, survival(times) of subscribers",
    "conditional_expected_average_profit": "expected_spend(summary)",
    "expected_customer_spend": "expected_spend(summary)",
    "expected_customer_lifetime_value": _VALUE,
    "customer_lifetime_value": "churnsim.models.customer_lifetime_value(summary, purchases=fit, spend=spend_fit)",
    "rfm_summary": "churnsim.data.rfm_summary(log, 'customer_id', 'date', 'amount')",
    "rfm_segments": "churnsim.models.rfm_segments(summary)",
    "rfm_train_test_split": "churnsim.split_holdout(log, until=..., unit=...)",
    "calibration_and_holdout_data": "churnsim.data.calibration_and_holdout_data(log, calibration_period_end=...)",
    "params_": "summary()['estimate'], or the parameters of the model",
    "fit_summary": "summary()",
    "print_summary": "summary()",
    "idata": "churnsim.models.sample_posterior(family, summary, seed=1)",
    "save_model": "model.save(path), and load(path) of the family",
    "plot": "churnsim.plots: plots.frequencies(fit, summary) of purchases, plots.survival(subscribers) of tenures",
    "plot_period_transactions": "churnsim.plots.frequencies(fit, summary)",
    "plot_frequency_recency_matrix": "churnsim.plots.purchases_matrix(fit, summary, horizon=...)",
    "plot_probability_alive_matrix": "churnsim.plots.alive_matrix(fit, summary)",
    "plot_expected_repeat_purchases": "churnsim.plots.expected_repeats(fit)",
    "plot_history_alive": "churnsim.plots.alive_history(fit, log, customer)",
    "plot_calibration_purchases_vs_holdout_purchases": _TRACKING.replace("tracking", "holdout"),
    "plot_cumulative_transactions": _TRACKING,
    "plot_incremental_transactions": _TRACKING.replace("=...))", "=...), cumulative=False)"),
    "KaplanMeierFitter": "churnsim.models.SurvivalCurve.fit(subscribers)",
    "WeibullFitter": "churnsim.models.SurvivalCurve.fit(subscribers, 'weibull')",
    "CoxPHFitter": _COX,
    "WeibullAFTFitter": _COX.replace("subscribers,", "subscribers, 'weibull_aft',"),
    "LogNormalAFTFitter": _COX.replace("subscribers,", "subscribers, 'log_normal_aft',"),
    "LogLogisticAFTFitter": _COX.replace("subscribers,", "subscribers, 'log_logistic_aft',"),
    "AalenJohansenFitter": "churnsim.models.cumulative_incidence(subscribers, cause=...)",
    "logrank_test": "churnsim.models.log_rank_test(subscribers, group)",
    "multivariate_logrank_test": "churnsim.models.log_rank_test(subscribers, group)",
    "restricted_mean_survival_time": "churnsim.models.restricted_means(subscribers, horizon)",
    "concordance_index_": "churnsim.models.survival_scores(fit, subscribers, times=...).concordance",
    "concordance_index": "churnsim.models.concordance(fit.hazard_multiplier(subscribers), subscribers)",
    "NelsonAalenFitter": "churnsim.models.SurvivalCurve.fit(subscribers).cumulative_hazard()",
    "CoxTimeVaryingFitter": _ROWS,
    "AalenAdditiveFitter": f"{_COX}, whose effects multiply; there is no additive one",
    "compute_residuals": "proportionality(), which tests what residuals are looked at for",
    "to_long_format": _ROWS,
    "add_covariate_to_timeline": _ROWS,
    "proportional_hazard_test": "proportionality('log') of a fitted Cox model",
    "survival_function_at_times": "survival(times)",
    "predict_partial_hazard": "hazard_multiplier(subscribers)",
    "predict_percentile": "survival(times, customers=subscribers)",
    "baseline_cumulative_hazard_": "model.baselines",
    "cumulative_hazard_": "cumulative_hazard()",
    "confidence_interval_": "interval(times)",
    "event_table": "table",
    "log_likelihood_": "loglik",
    "AIC_": "aic",
    "AIC_partial_": "aic",
    "score": "churnsim.models.survival_scores(fit, subscribers)",
    "plot_partial_effects_on_outcome": "churnsim.plots.survival(subscribers, by=column)",
    "hazard_ratios_": "summary()['ratio']",
    "survival_function_": "survival(times)",
    "predict_survival_function": "survival(times, customers=subscribers)",
    "predict_median": "survival(times, customers=subscribers), which is .5 at the median",
    "predict_expectation": "expected_tenure(horizon, customers=subscribers)",
    "median_survival_time_": "in summary() of Kaplan-Meier; of other curves survival(times) is .5 at the median",
    "percentile": "in summary() of Kaplan-Meier; of other curves see survival(times)",
    "median_survival_times": "summary() of a Kaplan-Meier fit",
    "qth_survival_times": "summary() of a Kaplan-Meier fit",
    "baseline_survival_": "survival(times)",
    "check_assumptions": "proportionality()",
    "confidence_intervals_": "summary()[['lower', 'upper']]",
    "confint": "summary()[['lower', 'upper']]",
    "coef": "summary()['estimate']",
    "vcov": "matrix, an attribute of the fit",
    "plot_survival_function": "churnsim.plots.survival(subscribers)",
}  # fmt: skip
# Modules of theirs, and those here that have the like.
MODULES = {
    "clv": "churnsim and churnsim.models",
    "estimation": "churnsim.models",
    "fitters": "churnsim.models",
    "plotting": "churnsim.plots",
    "utils": "churnsim.data and churnsim.models",
}
ARGUMENTS = {
    "observation_period_end": ("holdout_until", "holdout_end", "until"),
    "calibration_period_end": ("until", "calibration_end"),
    "calibration_end": ("until",),
    "estimation_split": ("until", "calibration_end"),
    "freq": ("unit", "time_unit"),
    "time_unit": ("unit",),
    "data": ("summary", "transactions", "subscriptions"),
    "df": ("summary", "subscriptions", "transactions"),
    "t": ("horizon", "times"),
    "time": ("horizon", "times"),
    "future_t": ("horizon", "time"),
    "datetime_format": ("date_format",),
    "name_id": ("customer_id",),
    "name_date": ("date",),
    "name_price": ("amount",),
    "discount_rate": ("annual_discount_rate",),
    "formula": ("covariates",),
    "penalizer": ("penalty",),
    "penalizer_coef": ("penalty",),
    "random_seed": ("seed",),
}
_PRIORS = "Priors are an argument of churnsim.models.sample_posterior(family, summary, seed=1, priors=...)"
_TENURES = "A frame has the columns tenure, churned and perhaps entry: frame.rename(columns={...})."
# Of arguments that nothing here stands for.
_NAMED = (
    "The columns are customer_id, date and amount: churnsim.read_transactions(frame, customer_id=..., date=..., "
    "amount=...) reads them by other names, and churnsim.data.rfm_summary takes the names."
)
_DATES = "churnsim.read_transactions(frame, date_format='%d/%m/%Y') reads dates that are text."
_NEEDLESS = "{}= has no counterpart here: leave it out."
INSTEAD = {
    "penalizer_coef": f"{_PRIORS}, which do what a penalty did.",
    "model_config": f"{_PRIORS}.",
    "priors": f"{_PRIORS}.",
    "method": "fit maximises the likelihood, and churnsim.models.sample_posterior draws from the posterior.",
    **dict.fromkeys(("customer_id", "date", "amount", "price"), _NAMED),
    **dict.fromkeys(("include_first_transaction", "time_scaler"), _NEEDLESS),
    "datetime_format": _DATES,
    "tune": "The chains warm up by themselves, and go on until they agree; draws= is where they begin.",
    "target_accept": _NEEDLESS,
    "freq": "The unit is that of the fits and of the summary.",
    "dayfirst": "date_format='%d/%m/%Y' of churnsim.read_transactions says it, which finds it out where the days tell.",
    "date_format": _DATES,
    "continuous_discount_factor": "Of a rate d a week, annual_discount_rate is math.expm1(d * 365.25 / 7).",
    "covariates": "Name them in covariates_rate=[...] and covariates_lifetime=[...].",
    "start_params_model": "fit finds its own start.",
    "initial_params": "fit finds its own start.",
    "duration_col": _TENURES,
    "durations": _TENURES,
    "event_col": _TENURES,
    "event_observed": _TENURES,
    "entry_col": _TENURES,
    "start_col": _TENURES,
    "stop_col": _TENURES,
    "customer_id_col": _NAMED,
    "datetime_col": _NAMED,
    "monetary_value_col": _NAMED,
}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a name is most like, whatever the case of its letters."""
    from difflib import get_close_matches  # only for errors

    lower = {each.lower(): each for each in known if not each.startswith("_")}
    found = get_close_matches(name.lower(), list(lower), 1, cutoff=0.75)
    return lower[found[0]] if found else None


def said_here(name: str, known: Iterable[str] = ()) -> str:
    """What to say in place of a name, as a sentence after an error; empty where nothing is like it."""
    if name in NAMES:
        return f" Here it is {NAMES[name]}; the page 'Coming from' of the documentation has more."
    near = nearest(name, known)
    return f" Is {near!r} meant?" if near else ""


class NoSuchNameError(AttributeError):
    """A name that a model does not have; what is meant is looked up when the error is shown, as few are."""

    def __str__(self) -> str:
        return f"{self.args[0]}{said_here(self.name or '', dir(type(self.obj)))}"


def argument_here(name: str, known: Iterable[str]) -> str:
    """The argument of ours that is meant by another's, as a sentence; empty where nothing is like it."""
    ours, name = [*known], name.replace(".", "_")  # R's have dots
    found = next((each for each in ARGUMENTS.get(name, ()) if each in ours), None)
    if found:
        return f" {name}= is {found}= here."
    if name in INSTEAD:
        return f" {INSTEAD[name].replace('{}', name)}"
    near = nearest(name, ours)
    return f" Is {near!r} meant?" if near else ""


def no_such_name(module: str, name: str, public: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have, which says what is meant.

    It is an ImportError for a name of another package, since `from churnsim import ...` shows the words of no other.
    """
    kind: Any = ImportError if name in NAMES else AttributeError
    error: AttributeError = kind(f"{module} has no {name!r}.{said_here(name, public)}", name=name)
    return error


class _Modules:
    """The last finder of modules, which finds none: it says where what another package has in one is here."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        package, _, module = name.partition(".")
        if package == "churnsim" and module in MODULES:
            raise ModuleNotFoundError(
                f"No module named {name!r}. Its names are in {MODULES[module]} here; the page 'Coming from' of the "
                "documentation has each beside ours.",
                name=name,
            )


sys.meta_path.append(_Modules)


def attach_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """lazy_loader's `attach_stub`, whose error for an unknown name says what is meant."""
    lazily, names, public = lazy_loader.attach_stub(package, file)

    def found(name: str) -> Any:
        try:
            return lazily(name)
        except AttributeError:
            if name in names():
                raise
            raise no_such_name(package, name, public) from None

    return found, names, public
