"""How many customers, observed for how long, a family needs: the table of `churnsim.models.readiness`.

Customers of CDNOW's published parameters (Fader, Hardie & Lee 2005) who came during the first third of the weeks, and
the fit of the family that made them: the share of 40 fits that the data determine, and how far the forecast of all
purchases in as many weeks again lies from the one of the true parameters.

    python benchmarks/readiness.py
"""

from __future__ import annotations

import numpy as np

import churnsim as cs

POPULATIONS = {
    "bg_nbd": cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    "pareto_nbd": cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
}


def cell(family: str, weeks: int, customers: int, *, rounds: int = 40) -> tuple[float, float, float, float]:
    """Mean purchases a customer, repeat customers, share of fits determined, and the 90% quantile of the error."""
    truth = POPULATIONS[family]
    ages = np.linspace(weeks * 2 / 3, weeks, customers)
    determined, errors, repeaters = 0, [], []
    for k in range(rounds):
        summary = truth.draw_summary(ages, seed=7, replication=k + 1000 * customers + weeks)
        fit = type(truth).fit(summary)
        repeaters.append(int((summary["frequency"] > 0).sum()))
        determined += fit.status.ok
        expected = [model.expected_purchases(summary, float(weeks)).sum() for model in (fit.model, truth)]
        errors.append(abs(expected[0] / expected[1] - 1))
    mean = float(truth.expected_purchases_new(ages).mean())
    return mean, float(np.mean(repeaters)), determined / rounds, float(np.quantile(errors, 0.9))


if __name__ == "__main__":
    print("family      weeks customers  purchases repeaters determined error")
    for family in POPULATIONS:
        for weeks in (13, 26, 52):
            for customers in (100, 200, 400, 800, 1600, 3200):
                mean, repeaters, determined, error = cell(family, weeks, customers)
                print(
                    f"{family:11} {weeks:5} {customers:9} {mean:10.2f} {repeaters:9.0f} {determined:10.0%} {error:5.0%}"
                )
