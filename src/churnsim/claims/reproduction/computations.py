"""The computations that published figures name: each takes the workbench and its inputs and gives one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Literal

import pandas as pd

from churnsim.claims.arithmetic.complaints import STATED_TREE
from churnsim.claims.arithmetic.retention_table import table
from churnsim.claims.machinery.reference_data import CALIBRATION_END, Workbench
from churnsim.data.datasets import retention_cohorts
from churnsim.data.registry.files import package_file
from churnsim.economics import berger_nasr, multiples, streams, switching
from churnsim.economics.survival_curves import BetaGeometric, MeanLife
from churnsim.errors import ConfigError
from churnsim.models.estimation.fit import ModelFit, Parametric
from churnsim.models.evaluation.validation import holdout_by_frequency
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.purchase.registry import PURCHASE_FAMILIES
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.survival.curve import SurvivalCurve
from churnsim.models.survival.regression import RegressionFit, SurvivalRegression


def _number(fit: ModelFit[Parametric], parameter: str) -> float:
    """A fitted parameter, or `loglik`."""
    return fit.loglik if parameter == "loglik" else fit.parameters[parameter]


def sbg_fitted(_: Workbench, *, cohort: str, parameter: str, renewals: int = 7) -> float:
    """A parameter of the sBG fitted to that many renewals of a cohort, or `loglik`."""
    return _number(ShiftedBetaGeometric.fit_cohort(retention_cohorts()[cohort].iloc[: renewals + 1]), parameter)


def sbg_derl(_: Workbench, *, alpha: float, beta: float, rate: float, tenure: int = 0) -> float:
    """Discounted expected residual lifetime of a customer with `tenure` renewals behind it."""
    return float(ShiftedBetaGeometric(alpha=alpha, beta=beta, unit="Y").derl(rate, tenure))


def cox_rossi(_: Workbench, *, parameter: str, last_week: int = 52) -> float:
    """A coefficient of Cox's regression on the Rossi recidivism data, or `loglik`, with the arrests of those weeks."""
    return _number(_rossi(last_week), parameter)


def lung_median(_: Workbench, *, share: float = 0.5) -> float:
    """First day by which the Kaplan-Meier estimate on the lung data has fallen to `share`."""
    raw = _textbook("lung.csv")
    frame = pd.DataFrame(
        {"tenure": raw["time"].astype(float), "churned": raw["status"].astype(int) == raw["status"].max()}
    )
    table = SurvivalCurve.fit(frame, unit="D").table
    assert table is not None  # a Kaplan-Meier fit has one
    return float(table.index[table["survival"] <= share][0])


@cache
def _rossi(last_week: int) -> RegressionFit:
    frame = _textbook("rossi.csv").rename(columns={"week": "tenure", "arrest": "churned"})
    frame["churned"] = (frame["churned"] == 1) & (frame["tenure"] <= last_week)
    frame["tenure"] = frame["tenure"].clip(upper=last_week).astype(float)
    return SurvivalRegression.fit(frame, covariates=["fin", "age", "race", "wexp", "mar", "paro", "prio"], unit="W")


def _textbook(name: str) -> pd.DataFrame:
    """A data file inside the package lifelines, which is not imported."""
    return pd.read_csv(package_file("lifelines", f"datasets/{name}", of=name, extra="survival"))


def family_fitted(bench: Workbench, *, family: str, parameter: str, calibration_end: str = CALIBRATION_END) -> float:
    """A parameter of a family fitted to the CDNOW sample, or `loglik`."""
    return _number(bench.family(_known(family), calibration_end), parameter)


def family_holdout_mean(
    bench: Workbench, *, family: str, frequency: int, calibration_end: str = CALIBRATION_END
) -> float:
    """Mean purchases that a family expects in the holdout of customers with that calibration frequency (7: or more)."""
    model = bench.family(_known(family), calibration_end).model
    table = holdout_by_frequency(model, bench.split_until(calibration_end), cap=7).set_index("frequency")
    return float(pd.to_numeric(table["expected"]).loc[frequency])


def donors_fitted(bench: Workbench, *, parameter: str, weighted: bool = True) -> float:
    """A parameter of the BG/BB fitted to the donors, or `loglik`; each history once unless `weighted`."""
    return _number(bench.donors(weighted), parameter)


def donors_p_alive(bench: Workbench, *, frequency: int, recency: float) -> float:
    """P(alive) of a donor observed for six years."""
    donor = pd.DataFrame({"frequency": [frequency], "recency": [float(recency)], "T": [6.0]}, index=["donor"])
    return float(bench.donors(True).model.p_alive(donor).iloc[0])


def _known(family: str) -> str:
    if family not in PURCHASE_FAMILIES:
        raise ConfigError(f"unknown family {family!r}. Use one of: {', '.join(PURCHASE_FAMILIES)}.")
    return family


def clv_of_repeated_sales(
    _: Workbench,
    *,
    contribution: float,
    promotion: float,
    retention: float,
    rate: float,
    sales: int,
    years_between: float = 1.0,
) -> float:
    """Berger & Nasr's cases 1 and 2."""
    return berger_nasr.repeated_sales(
        contribution=contribution,
        promotion=promotion,
        retention=retention,
        discount_rate=rate,
        sales=sales,
        years_between=years_between,
    )


def recency_chain_value(
    _: Workbench,
    *,
    buys: Sequence[float],
    contribution: float,
    promotion: float,
    rate: float,
    recency: int,
    periods: int | None = None,
) -> float:
    """Value of a customer at that recency: contribution less promotion after a purchase, promotion until lost."""
    rewards = [contribution - promotion, *[-promotion] * (len(buys) - 1), 0.0]
    values = switching.chain_values(switching.recency_chain(buys), rewards, discount_rate=rate, periods=periods)
    return float(values[recency - 1])


def _timing(name: str) -> multiples.MarginTiming:
    try:
        return multiples.MarginTiming[name.upper()]
    except KeyError:
        names = ", ".join(t.name.lower() for t in multiples.MarginTiming)
        raise ConfigError(f"unknown margin timing {name!r}. Use one of: {names}.") from None


def net_present_value(_: Workbench, *, flows: Sequence[float], rate: float) -> float:
    """NPV of flows at times 0, 1, 2 ..."""
    return streams.npv(flows, discount_rate=rate)


def npv_with_rounded_factors(
    _: Workbench, *, flows: Sequence[float], rate: float, factor_digits: int, row_digits: int | None = None
) -> float:
    """NPV as a table prints it: discount factors rounded first, and each row too where `row_digits` is given."""
    rows = [flow * round((1.0 + rate) ** -t, factor_digits) for t, flow in enumerate(flows)]
    return math.fsum(rows if row_digits is None else (round(row, row_digits) for row in rows))


def mean_life(_: Workbench, *, retention: float) -> float:
    """1/(1 - r)."""
    return MeanLife(retention=retention).life


def retention_row(_: Workbench, *, retention: float, row: str) -> float:
    """One cell of the retention table; shares as fractions."""
    return float(getattr(table().column(retention), row))


def retention_rise(_: Workbench, *, row: str, before: float, after: float) -> float:
    """Relative rise of a row between two retention rates, percent."""
    low, high = (float(getattr(table().column(retention), row)) for retention in (before, after))
    return 100.0 * (high / low - 1.0)


def retention_cost_ratio(_: Workbench) -> float:
    """Marketing cost of a lost-and-replaced customer over that of a retained one, as the table implies it."""
    return table().cost_ratio()


def complaint_branch(_: Workbench, *, branch: str) -> float:
    """Customers of 100 at one branch of the complaint tree."""
    return float(getattr(STATED_TREE, branch))


def ratio(_: Workbench, *, numerator: float, denominator: float) -> float:
    """One number over another."""
    return numerator / denominator


def margin_multiple(_: Workbench, *, retention: float, rate: float, timing: str) -> float:
    """Margin multiple at one retention rate."""
    return multiples.margin_multiple(retention, discount_rate=rate, timing=_timing(timing))


def multiple_gain(_: Workbench, *, retention: float, points: float, rate: float, timing: str) -> float:
    """Rise of the margin multiple when retention rises by `points` (a fraction), percent."""
    return 100.0 * multiples.relative_gain(
        retention=retention, points=points, discount_rate=rate, timing=_timing(timing)
    )


def sbg_survival(_: Workbench, *, alpha: float, beta: float, renewals: int) -> float:
    """Share surviving that many renewals under the sBG."""
    return BetaGeometric.from_parameters(alpha=alpha, beta=beta).survival(renewals)


def sbg_log_likelihood(_: Workbench, *, alpha: float, beta: float, survivors: Sequence[int]) -> float:
    """sBG log-likelihood of a cohort: survivors at renewal 0, 1, ..., the last ones censored."""
    curve = BetaGeometric.from_parameters(alpha=alpha, beta=beta)
    s = [curve.survival(j) for j in range(len(survivors))]
    lost = ((survivors[j] - survivors[j + 1]) * math.log(s[j] - s[j + 1]) for j in range(len(survivors) - 1))
    return math.fsum(lost) + survivors[-1] * math.log(s[-1])


def sbg_multiple(_: Workbench, *, alpha: float, beta: float, rate: float, timing: str) -> float:
    """Margin multiple of a new customer when churn differs between customers."""
    curve = BetaGeometric.from_parameters(alpha=alpha, beta=beta)
    return multiples.margin_multiple(curve, discount_rate=rate, timing=_timing(timing))


def sbg_elasticity(_: Workbench, *, alpha: float, beta: float, rate: float) -> float:
    """Mean individual elasticity of the multiple to retention."""
    return multiples.retention_elasticity(BetaGeometric.from_parameters(alpha=alpha, beta=beta), discount_rate=rate)


def common_rate_elasticity(_: Workbench, *, retention: float, rate: float) -> float:
    """The same at one retention rate for all."""
    return multiples.retention_elasticity(retention, discount_rate=rate)


def bgnbd_fitted(bench: Workbench, *, parameter: str, calibration_end: str | None = None) -> float:
    """A parameter of the BG/NBD fitted to CDNOW, or `loglik`; on another calibration period where one is given."""
    return _number(
        bench.purchases if calibration_end is None else BGNBD.fit(bench.split_until(calibration_end)), parameter
    )


def bgnbd_expected(
    bench: Workbench,
    *,
    frequency: int,
    recency: float,
    T: float,
    horizon: float,
    r: float | None = None,
    alpha: float | None = None,
    a: float | None = None,
    b: float | None = None,
) -> float:
    """Purchases expected of one customer over `horizon`, at the parameters given, or fitted to CDNOW when none are."""
    model = bench.purchases.model
    if r is not None and alpha is not None and a is not None and b is not None:
        model = BGNBD(r=r, alpha=alpha, a=a, b=b, unit="W")
    customer = pd.DataFrame({"frequency": [frequency], "recency": [recency], "T": [T]}, index=["customer"])
    return float(model.expected_purchases(customer, horizon).iloc[0])


def spend_fitted(bench: Workbench, *, parameter: str, calibration_end: str | None = None) -> float:
    """A parameter of the Gamma-Gamma fitted to CDNOW, or `customers` or `population_mean`; on another calibration
    period where one is given."""
    split = bench.split if calibration_end is None else bench.split_until(calibration_end)
    fit = bench.spend if calibration_end is None else GammaGamma.fit(split)
    if parameter == "population_mean":
        return fit.model.population_mean()
    return float((split["frequency"] > 0).sum()) if parameter == "customers" else fit.parameters[parameter]


def spend_expected(bench: Workbench, *, frequency: int, monetary_value: float) -> float:
    """Mean spend expected of a customer with that repeat spend, Gamma-Gamma fitted to CDNOW."""
    customer = pd.DataFrame(
        {"frequency": [frequency], "recency": [0.0], "T": [1.0], "monetary_value": [monetary_value]}, index=["customer"]
    )
    return float(bench.spend.model.expected_spend(customer).iloc[0])


def holdout_mean(bench: Workbench, *, frequency: int, column: Literal["actual", "expected"]) -> float:
    """Mean purchases in weeks 40-78 of customers with that calibration frequency."""
    return float(pd.to_numeric(bench.holdout[column]).loc[frequency])


def full_log_size(bench: Workbench, *, measure: Literal["rows", "customers", "sales"], full: bool = True) -> float:
    """Rows, customers or sales (dollars) of the full CDNOW log, or of the 1/10 sample."""
    log = bench.full_log if full else bench.sample_log
    if measure == "sales":
        return math.fsum(log["amount"])
    return float(len(log) if measure == "rows" else log["customer_id"].nunique())


def full_log_top_share(bench: Workbench, *, share: float) -> float:
    """Share of sales of the top `share` of customers (number of customers rounded), full CDNOW log."""
    spent = bench.full_log.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    return float(spent.iloc[: round(share * len(spent))].sum() / spent.sum())


COMPUTATIONS: Mapping[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        net_present_value, npv_with_rounded_factors, mean_life, retention_row, retention_rise, retention_cost_ratio,
        complaint_branch, ratio, margin_multiple, multiple_gain, sbg_survival, sbg_log_likelihood, sbg_multiple,
        sbg_elasticity, common_rate_elasticity, bgnbd_fitted, bgnbd_expected, spend_fitted, spend_expected,
        holdout_mean, full_log_size, full_log_top_share, clv_of_repeated_sales, recency_chain_value, family_fitted,
        family_holdout_mean, donors_fitted, donors_p_alive, sbg_fitted, sbg_derl, cox_rossi, lung_median,
    )
}  # fmt: skip
