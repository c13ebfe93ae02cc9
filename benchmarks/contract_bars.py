"""The contractual side against its peers: published fits, lifelines, calibration, simulated survival.

    python benchmarks/contract_bars.py

Prints each measured figure beside its bar and exits 1 below one. Times are in `fit_sbg.py` and in the run itself
(`churnsim run configs/telco.toml`, bar: 90 s on two cores).
"""

from __future__ import annotations

from dataclasses import replace

import lifelines
import numpy as np
import pandas as pd

import churnsim as cs
from churnsim.data import customer_uids
from churnsim.simulation import Strategy, charges_model, contract_of

COVARIATES = [
    "contract", "internet_service", "online_security", "online_backup", "tech_support", "payment_method",
    "monthly_charges", "partner", "dependents", "senior_citizen", "paperless_billing", "multiple_lines",
]  # fmt: skip
PUBLISHED = {"High End": (0.668, 3.806, -1611.16), "Regular": (0.704, 1.182, -1680.27)}
SIZE = 20_000


def main() -> int:
    """Print every figure; 1 when a bar is missed."""
    telco, cohorts = cs.datasets.telco(), cs.datasets.retention_cohorts()
    found: list[tuple[str, float, bool]] = []
    for name, (alpha, beta, loglik) in PUBLISHED.items():
        fit = cs.ShiftedBetaGeometric.fit_cohort(cohorts[name][:8])
        gap = max(abs(fit.model.alpha - alpha), abs(fit.model.beta - beta))
        found.append((f"sBG {name}: largest difference of a parameter from the printed one", gap, gap <= 1e-3))
        off = abs(fit.loglik - loglik)
        found.append((f"sBG {name}: log-likelihood, printed with two decimals", off, off <= 5e-3))
    km = lifelines.KaplanMeierFitter().fit(telco["tenure"], telco["churned"])
    months = np.arange(73.0)
    fit = cs.models.SurvivalCurve.fit(telco)
    gap = float(np.abs(fit.model.survival(months) - km.survival_function_at_times(months)).max())
    found.append(("Kaplan-Meier: largest difference from lifelines", gap, gap <= 1e-12))
    market = cs.Market(
        customers=cs.Cohort(size=SIZE),
        purchases=contract_of(fit.model, renewals=72),
        spend=charges_model(telco["monthly_charges"]),
    )
    scenario = cs.Scenario(market=market, strategy=Strategy(name="none"), horizon=73.0, period=1.0, epoch=1.0)
    shares = cs.simulate(scenario, seed=1, engine="compiled").count("active_end")[1:] / SIZE
    band = fit.band(0.95)
    outside = int(((shares < band["lower"].to_numpy()) | (shares > band["upper"].to_numpy())).sum())
    found.append((f"tenures of {len(band)} outside the 95% simultaneous (Hall-Wellner) band", outside, outside == 0))
    found.append(_follows_cox(telco))
    for kind in ("logistic", "boosting"):
        model = cs.models.ChurnModel.fit(telco, covariates=COVARIATES, horizon=1, kind=kind)
        slope = float(model.scores.table.loc["calibration_slope", "value"])
        found.append((f"churn model, {kind}: held-out calibration slope", slope, 0.9 <= slope <= 1.1))
    for what, value, met in found:
        print(f"{'ok  ' if met else 'MISS'} {what}: {value:.4g}")
    return 0 if all(met for _, _, met in found) else 1


def _follows_cox(telco: pd.DataFrame) -> tuple[str, float, bool]:
    """Every subscriber's survival at every tenure by the chances at each renewal, against lifelines' own prediction."""
    names = ["contract", "internet_service", "payment_method"]
    z = pd.get_dummies(telco[names], dtype=float, drop_first=True)
    frame = z.assign(t=telco["tenure"], e=telco["churned"])[telco["tenure"] > 0]
    theirs = lifelines.CoxPHFitter().fit(frame, "t", "e").predict_survival_function(z, times=np.arange(1.0, 73.0))
    fit = cs.models.SurvivalRegression.fit(telco, covariates=names)
    # lifelines takes Breslow's baseline with Efron's coefficients.
    breslow = replace(fit.risk_sets, ties="breslow").baselines(np.array(list(fit.parameters.values())))
    contract = contract_of(replace(fit.model, baselines=breslow), renewals=72, subscribers=telco)
    assert contract.own is not None
    multipliers = contract.own.at(customer_uids(telco.index), otherwise=np.nan)
    stays = (1.0 - np.array(contract.hazards))[:, None] ** multipliers
    gap = float(np.abs(np.cumprod(stays, axis=0) - theirs.to_numpy()).max())
    return (
        "Cox: simulated chances of 7,043 subscribers at 72 tenures, largest difference from lifelines",
        gap,
        gap <= 1e-5,
    )


if __name__ == "__main__":
    raise SystemExit(main())
