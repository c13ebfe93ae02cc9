"""A small, plausible run directory, as a study stores one: what the report's tests are fed with."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from churnsim.evidence import Belief
from churnsim.records.information import INPUTS, OPTION

Pieces = dict[str, Any]

NASTY = "<script>alert(1)</script>"
STRATEGIES = {
    "baseline": ("Baseline", "As today.", 4000.0),
    "acquisition-heavy": ("Acquisition-heavy", "Most of the budget buys new customers.", 4000.0),
    "retention-heavy": ("Retention-heavy", "Most of the budget goes to contacts with customers.", 4000.0),
    "complaint-recovery": ("Complaint recovery", "A desk answers complaints within days.", 4000.0),
}
NPV = {
    "baseline": 61200.0,
    "acquisition-heavy": 52800.0,
    "retention-heavy": 63150.0,
    "complaint-recovery": 70480.0,
}
ACCOUNTS = ("acquisition", "retention", "service", "recovery", "fixed")
SHARES = {
    "baseline": (0.4, 0.3, 0.2, 0.1, 0.0),
    "acquisition-heavy": (0.8, 0.1, 0.1, 0.0, 0.0),
    "retention-heavy": (0.1, 0.7, 0.2, 0.0, 0.0),
    "complaint-recovery": (0.2, 0.2, 0.4, 0.2, 0.0),
}


def write_run(folder: Path, pieces: Pieces | None = None) -> Path:
    """Write the run into `folder` and return it; `pieces` replaces the usual ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (pieces or make_pieces()).items():
        text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def make_pieces() -> Pieces:
    """The JSON pieces of the run, free to be altered by a test."""
    return {
        "manifest": _manifest(),
        "fits": _fits(),
        "validation": _validation(),
        "value": _value(),
        "assumptions": _assumptions(),
        "strategies": [
            {
                "name": name,
                "title": title,
                "description": text,
                "budget_per_period": budget,
                "settings": {"retention": {"rule": "all", "budget_per_period": budget}},
            }
            for name, (title, text, budget) in STRATEGIES.items()
        ],
        "comparison": _comparison(),
        "claims": _claims(),
    }


def add_draws(folder: Path, pieces: Pieces) -> None:
    """What two beliefs were drawn as in 160 replications, and what two strategies earned in each: more with the second
    number of `pieces`, which is the fourth of its assumptions, and less than nothing without it."""
    rng = np.random.default_rng(5)
    z = np.column_stack([rng.permutation(ndtri((np.arange(160) + 0.5) / 160)) for _ in range(2)])
    rows = [pieces["assumptions"][place] for place in (1, 3)]
    beliefs = [
        Belief(status="assumed", source="a guess", law="beta", **{key: row[key] for key in ("value", "low", "high")})
        for row in rows
    ]
    table: dict[str, Any] = {
        row["parameter"]: belief.quantile(ndtr(z[:, j]))
        for j, (row, belief) in enumerate(zip(rows, beliefs, strict=True))
    }
    earned = {
        "baseline": 5.0 * z[:, 0] - 40,
        "retention-heavy": 900 * z[:, 1] + 100 * z[:, 0] + 150,
        "idle": 0.0 * z[:, 0],
    }
    pd.DataFrame(table | {OPTION + name: column for name, column in earned.items()}).to_parquet(folder / INPUTS)
    worth = {"worth": 10.0, "standard_error": 1.0, "lower": 8.0, "upper": 12.0}
    names = [row["parameter"] for row in rows]
    found = [{"kind": "everything", "name": "everything", "numbers": names, **worth}]
    found += [{"kind": "number", "name": name, "numbers": [name], "meaning": name, **worth} for name in names]
    record = {
        "metric": "npv", "level": 0.95, "replications": 160, "options": list(earned), "best": "retention-heavy",
        "nothing": "idle", "gain": 150.0, "foresight": 20.0, "first": names[1], "rows": found,
    }  # fmt: skip
    (folder / "value_of_information.json").write_text(json.dumps(record), encoding="utf-8")


def make_customers() -> Pieces:
    """customers.json: two cohorts, a whale curve, and two customers."""
    cohorts = [
        {"cohort": cohort, "age": age, "customers": 100, "active": 40 // age, "share": 40 // age / 100}
        for cohort, last in (("2023-01-01", 3), ("2023-02-01", 2)) for age in range(1, last + 1)
    ]  # fmt: skip
    whale = [{"customers": x / 10, "value": (x / 10) ** 0.5, "lower": (x / 10) ** 0.6, "upper": (x / 10) ** 0.4}
             for x in range(11)]  # fmt: skip
    contacts = [
        {"customer_id": name, "last_purchase": "2024-01-31", "purchases": 12, "spent": 1500.5, "p_alive": 0.25,
         "expected": 80.0, "at_stake": 60.0} for name in (NASTY, "1042")
    ]  # fmt: skip
    return {"period": "M", "cohorts": cohorts, "whale": whale, "level": 0.95, "contacts": contacts, "listed": 2}


def make_survival() -> Pieces:
    """survival.json of a study of subscribers."""
    curve = [
        {"tenure": t, "survival": 0.95**t, "lower": 0.95**t - 0.02, "upper": 0.95**t + 0.02, "chosen": 0.951**t,
         "sbg": 0.949**t, "simulated": 0.948**t, "arrivals": 0.93**t}
        for t in range(13)
    ]  # fmt: skip
    churn = {
        "kind": "logistic", "split": "trained on three quarters", "horizon": 3, "customers": 400, "leavers": 60,
        "scores": [{"score": "auc", "value": 0.81, "lower": 0.77, "upper": 0.85}],
        "calibration": [{"tenth": 1, "predicted": 0.02, "observed": 0.03}], "lift": [{"tenth": 1, "caught": 0.4}],
        "importance": [{"column": "contract", "fall": 0.1}],
    }  # fmt: skip
    return {
        "unit": "M", "customers": 1600, "leavers": 480, "band_level": 0.95, "inside": 12, "tenures": 12,
        "choice": "weibull", "why": "weibull has the best held-out score.", "stays_by": "regression",
        "families": [{"model": "weibull", "score": -1.2}, {"model": "log_normal", "score": -1.3}], "curve": curve,
        "hazard_ratios": [{"covariate": "contract", "ratio": 0.4}], "regression_status": "converged", "churn": churn,
    }  # fmt: skip


def make_evidence() -> Pieces:
    """evidence.json: a trial with a failed check, and referrals that the configuration knows as surely."""
    before = {
        "before": 0.3,
        "before_low": 0.15,
        "before_high": 0.5,
        "before_status": "assumed",
        "before_source": "none",
    }
    common = {"level": 0.9, "unit": "share", "meaning": "dropout that failures cause", "source": "447 complaints"}
    numbers = [
        {"parameter": "complaints.failure_share", "kind": "complaints", "used": True, "value": 0.2, "low": 0.18,
         "high": 0.24, "status": "measured here (observational)", **common, **before},
        {"parameter": "margin", "kind": "contacts", "used": False, "value": 0.4, "low": 0.35, "high": 0.45,
         "status": "measured here (randomised)", **common, **before},
    ]  # fmt: skip
    checks = [
        {"name": "spring: sample ratio", "passed": True, "p_value": 0.4, "message": "as drawn"},
        {"name": "autumn: sample ratio", "passed": False, "p_value": 1e-9, "message": "too few were left alone."},
        {"name": "remark", "message": "two campaigns"},
    ]
    contacts = {"kind": "contacts", "source": "contacts.csv", "rows": 4130, "left_out": 12, "words": ["..."],
                "status": "measured here (observational)", "checks": checks}  # fmt: skip
    return {"measured": [contacts], "numbers": numbers}


def make_calibration() -> Pieces:
    """What two figures say of two numbers: one moved by the first, one by neither."""
    figure = {
        "target": "complaints per 1 M", "source": "the desk's count", "low": 20, "high": 30, "before": 2.5,
        "before_low": 0.0, "before_high": 8.6, "after": 20.0, "after_low": 11.0, "after_high": 26.0, "inside": 0.64,
        "surprise": 0.001, "reached": True,
    }  # fmt: skip
    number = {
        "parameter": "complaints.failure_share", "meaning": "dropout that failures cause", "unit": "share",
        "before": 0.44, "before_low": 0.15, "before_high": 0.5, "before_status": "assumed", "value": 0.3, "low": 0.2,
        "high": 0.4, "narrowed": 0.8, "most": "complaints per 1 M", "status": "measured here (observational)",
        "source": "a guess; by calibration to complaints per 1 M, births",
    }  # fmt: skip
    return {
        "strategy": "baseline", "level": 0.9, "draws": 50, "effective": 48.6, "runs": 1300, "reached": False,
        "status": "not reached: births", "moved": [],
        "targets": [figure, {**figure, "target": "births", "reached": False}],
        "numbers": [number, {**number, "parameter": "margin", "narrowed": 0.02, "most": ""}],
    }  # fmt: skip


def make_map() -> Pieces:
    """A map of two assumptions, two cells by three, as what_if.json holds it."""
    axes = [
        {"name": "terms.margin", "unit": "share", "low": 0.1, "high": 0.5, "cells": 2},
        {
            "name": "retention.max_effect",
            "unit": "share of organic dropout that contacts prevent at most",
            "low": 0.0,
            "high": 0.6,
            "cells": 3,
        },
    ]
    states = ("fails", "fails", "undecided", "fails", "holds", "impossible")
    cells = [
        {"terms.margin": 0.2 + 0.2 * i, "retention.max_effect": 0.1 + 0.2 * j, "mean": 1.0, "lower": 0.0, "upper": 2.0,
         "replications": 2, "state": states[3 * i + j]}
        for i in range(2) for j in range(3)
    ]  # fmt: skip
    here = {"terms.margin": 0.3, "retention.max_effect": 0.3, "mean": 1.0, "lower": 0.0, "upper": 2.0, "state": "holds"}
    return {
        "name": "pays", "title": "Contacts pay", "statement": "profit is above 0", "words": ["It holds in one cell."],
        "counts": {"holds": 1, "fails": 3}, "axes": axes, "here": here, "cells": cells,
    }  # fmt: skip


def _manifest() -> Pieces:
    return {
        "name": "cdnow-demo",
        "title": "CDNOW: where should the next dollar go?",
        "question": "Given equal budgets for two years, which way of spending them leaves the most profit?",
        "hash": "3fa9c1d20b7e",
        "config": {
            "name": "cdnow-demo",
            "seed": 20240607,
            "simulation": {"horizon": "104.0 W", "period": "4.0 W", "parameter_uncertainty": True},
        },
        "seed": 20240607,
        "engine": "simpy",
        "churnsim": "0.1.0",
        "versions": {"numpy": "2.1.0", "pandas": "2.3.3"},
        "platform": {"python": "3.11.7", "system": "Linux", "cores": 2},
        "data": {
            "source": "CDNOW, tenth sample (Fader & Hardie)",
            "checksum_sha256": "9b2f" * 16,
            "rows": 6919,
            "customers": 2357,
            "first": "1997-01-01",
            "last": "1998-06-30",
            "set_aside": [{"row": 17, "column": "amount", "value": "n/a", "reason": "not a number"}],
        },
        "started": "2024-06-07T10:00:00+00:00",
        "finished": "2024-06-07T10:01:03+00:00",
        "seconds": 63.2,
        "workers": 2,
        "status": "complete",
    }


def _fit(family: str, unit: str | None, role: str, values: dict[str, float], loglik: float) -> Pieces:
    parameters = [
        {"name": name, "estimate": v, "standard_error": v / 9, "lower": v * 0.79, "upper": v * 1.24}
        for name, v in values.items()
    ]
    n = 2357
    return {
        "family": family, "unit": unit, "role": role, "parameters": parameters, "loglik": loglik,
        "aic": 2 * len(values) - 2 * loglik, "bic": math.log(n) * len(values) - 2 * loglik, "n": n,
        "status": {"code": "converged", "message": "the gradient vanishes and the curvature is proper.", "advice": ""},
    }  # fmt: skip


def _fits() -> Pieces:
    return {
        "purchases": _fit("bg_nbd", "W", "whole log", {"r": 0.2817, "alpha": 4.561, "a": 0.612, "b": 2.09}, -14012.7),
        "purchases_calibration": _fit(
            "bg_nbd", "W", "calibration", {"r": 0.2426, "alpha": 4.4136, "a": 0.793, "b": 2.4259}, -9582.43
        ),
        "spend": _fit("gamma_gamma", None, "spend", {"p": 6.25, "q": 3.744, "gamma": 15.44}, -4055.1),
    }


def _validation() -> Pieces:
    actual = [1411, 439, 214, 100, 62, 38, 29, 64]
    expected = [1395.6, 452.1, 206.2, 115.5, 71.7, 45.9, 30.6, 39.4]
    tracking = []
    for week in range(1, 79):
        total = 2050 * (1 - math.exp(-week / 30)) if week < 40 else 1493 + 44.6 * (week - 39)
        month, day = divmod((week - 1) * 7, 30)
        date = f"{1997 + month // 12}-{month % 12 + 1:02d}-{min(day + 1, 28):02d}"
        tracking.append(
            {"period": week, "date": date, "actual": round(total), "expected": round(total * 0.985, 2),
             "holdout": week > 39}
        )  # fmt: skip
    return {
        "calibration_end": "1997-09-30",
        "holdout_end": "1998-06-30",
        "unit": "W",
        "frequency": [
            {"frequency": i, "actual": a, "expected": e, "lower": e - 2 * e**0.5, "upper": e + 2 * e**0.5}
            for i, (a, e) in enumerate(zip(actual, expected, strict=True))
        ],
        "holdout_by_frequency": [
            {"frequency": i, "customers": c, "actual": m, "expected": m * 0.95 + 0.02, "lower": 0.8 * m,
             "upper": 1.2 * m}
            for i, (c, m) in enumerate(zip(actual, [0.24, 0.70, 1.39, 1.56, 2.53, 2.95, 3.86, 6.36], strict=True))
        ],
        "tracking": tracking,
        "replay": {
            "actual": 1882, "mean": 1792.4, "lower": 1712.0, "upper": 1871.0, "level": 0.95, "replications": 200,
            "covered": False, "miss": 11.0, "note": "Chance alone, parameters held at their estimates.",
            "with_parameter_uncertainty": {
                "mean": 1790.1, "lower": 1655.0, "upper": 1931.0, "covered": True, "miss": 0.0
            },
        },
    }  # fmt: skip


def _value() -> Pieces:
    shares = [0.42, 0.17, 0.11, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.02]
    total = 46512.0
    return {
        "annual_discount_rate": 0.1, "horizon": 104.0, "margin": 0.3, "total": total, "lower": 41200.0,
        "upper": 52300.0, "level": 0.95, "customers": 2357, "mean_p_alive": 0.41,
        "by_decile": [
            {"decile": i + 1, "customers": 236 if i < 7 else 235, "value": total * s} for i, s in enumerate(shares)
        ],
    }  # fmt: skip


def _assumptions() -> list[Pieces]:
    rows = [
        ("purchases", "BG/NBD", "", "how customers buy and leave", "fitted here", "measured here (observational)"),
        ("margin", 0.3, "share of revenue", "what is left after the cost of goods", "a round figure", "assumed"),
        ("complaints.complain", 0.04, "chance per failure", "a customer who meets a failure complains",
         "TARP 1986, as 'Keeping existing customers' (undated) reports it", "published (intention)"),
        ("complaints.failure_share", 0.3, "share of dropout", "dropout that failures cause", "no source", "assumed"),
        ("discount_rate", 0.1, "a year, effective", "what later money is worth",
         "'Keeping existing customers' (undated)", "claimed"),
    ]  # fmt: skip
    keys = ("parameter", "value", "unit", "meaning", "source", "status")
    found: list[Pieces] = [dict(zip(keys, row, strict=True)) for row in rows]
    drawn = {"law": "beta", "drawn": True, "answer": "npv of recovery less that of none"}
    found[1] |= {"low": 0.15, "high": 0.45, "share": 0.25, **drawn}
    found[3] |= {"low": 0.15, "high": 0.5, "share": 0.5, **drawn}
    return found


def _comparison() -> Pieces:
    spread = {
        "npv": 2200.0,
        "profit": 2500.0,
        "revenue": 4100.0,
        "purchases": 60.0,
        "births": 9.0,
        "active_end": 22.0,
    }
    scale = {
        "npv": 1.0,
        "profit": 1.1,
        "revenue": 3.4,
        "purchases": 0.09,
        "births": 0.008,
        "active_end": 0.014,
    }
    gap = {"acquisition-heavy": 1300.0, "retention-heavy": 2600.0, "complaint-recovery": 1500.0}
    metrics = {}
    for metric, width in spread.items():
        means = {name: npv * scale[metric] for name, npv in NPV.items()}
        metrics[metric] = {
            "levels": [
                {"strategy": s, "metric": metric, "mean": m, "lower": m - width, "upper": m + width, "sd": width * 2.7}
                for s, m in means.items()
            ],
            "differences": [
                {
                    "strategy": s, "against": "baseline", "metric": metric, "mean": means[s] - means["baseline"],
                    "lower": means[s] - means["baseline"] - g * scale[metric],
                    "upper": means[s] - means["baseline"] + g * scale[metric],
                    "bootstrap_lower": means[s] - means["baseline"] - 0.95 * g * scale[metric],
                    "bootstrap_upper": means[s] - means["baseline"] + 0.94 * g * scale[metric],
                    "correlation": 0.83, "variance_reduction": 5.9, "replications": 30,
                }
                for s, g in gap.items()
            ],
        }  # fmt: skip
    path = []
    for name, npv in NPV.items():
        for period in range(1, 27):
            active = 980 * math.exp(-period / 60) + npv / 61200 * 6 * period
            profit = npv * 1.1 * (1 - math.exp(-period / 14)) / (1 - math.exp(-26 / 14))
            path.append(
                {"strategy": name, "period": period, "active_mean": active, "active_lower": active - 14,
                 "active_upper": active + 14, "profit_mean": profit, "profit_lower": profit - 90 * period,
                 "profit_upper": profit + 90 * period}
            )  # fmt: skip
    return {
        "against": "baseline",
        "level": 0.95,
        "replications": 30,
        "metrics": metrics,
        "spending": [
            {"strategy": name, "account": account, "mean": 104000.0 * share}
            for name, shares in SHARES.items()
            for account, share in zip(ACCOUNTS, shares, strict=True)
        ],
        "path": path,
    }


def _claims() -> list[Pieces]:
    source = {
        "text": "'Keeping existing customers' (undated)",
        "title": "7讲 保留老顾客的策略",
        "study": "Reichheld & Sasser 1990",
        "measured": "profit a customer",
    }
    control = {"what": "one flow altered", "answer": "FAILS", "reason": "It gives 121.2."}
    base = {"kind": "arithmetic", "lower": None, "upper": None, "parts": [], "tables": {}, "control": control}
    return [
        base | {
            "id": "card-npv", "says": "The flows −51, 30, 42, 44, 49, 55 at 10% are worth 111.7.",
            "quote": "净现值为111.7美元", "sources": [source], "quantity": "Net present value in dollars.",
            "expect": 111.7, "within": 0.05, "because": "Half of the last printed digit.",
            "critique": ["The flows of those who stayed are not those of the average customer."],
            "answer": "HOLDS", "basis": "arithmetic", "reason": "The exact value is 111.66.", "region": None,
            "estimate": 111.66, "unit": "dollars",
            "tables": {"flows": [{"year": y, "flow": f} for y, f in enumerate([-51, 30, 42, 44, 49, 55])]},
        },
        base | {
            "id": "five-percent-churn", "says": "5% less churn gives 25–85% more profit.",
            "quote": "顾客流失率降低5%,利润就能增加25%~85%", "sources": [source], "kind": "simulation",
            "quantity": "Relative rise of discounted profit when retention rises by 5 points, percent.",
            "expect": [25, 85], "within": None, "because": "The stated range.",
            "critique": ["Fader & Hardie 2010: one common retention rate understates value."],
            "answer": "HOLDS_IF", "basis": "assumed", "reason": "It depends on base retention and discount rate.",
            "region": "base retention between 70% and 90%", "estimate": 41.5, "lower": 33.2, "upper": 49.9,
            "unit": "percent",
            "parts": [
                {"name": "thought experiment", "estimand": "Rise of present value, percent.", "answer": "HOLDS_IF",
                 "estimate": 41.5, "lower": None, "upper": None, "unit": "percent", "reason": "In 34 of 60 cells."},
                {"name": "fitted customers", "estimand": "Rise on CDNOW, percent.", "answer": "FAILS",
                 "estimate": 9.1, "lower": 7.7, "upper": 10.4, "unit": "percent", "reason": "Below the range."},
            ],
            "tables": {"map": [{"retention": 0.5 + i / 100, "discount": 0.1, "gain": i / 90} for i in range(45)]},
        },
        base | {
            "id": "recovery-retains", "says": "Of those who complain 95% stay when the complaint is settled at once.",
            "quote": "若能当场解决, 95%会再度惠顾", "sources": ["怎样重新经营被流失的顾客"], "kind": "simulation",
            "quantity": "Share of complainants still active a year later.", "expect": 0.95, "within": 0.03,
            "because": "Monte Carlo error.", "critique": [], "answer": "UNDECIDED", "ran": False,
            "reason": "The check was skipped.", "region": None, "estimate": None, "unit": "",
        },
    ]  # fmt: skip
