"""Satisfaction: does answering complaints pay once customers remember, and would a survey see it?

The strategies of ``configs/satisfaction.toml``, for asking the question from Python with other markets and effects:

    import churnsim

    models = {
        "purchases": churnsim.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
        "spend": churnsim.GammaGamma(p=6.25, q=3.74, gamma=15.44),
    }
    memory = churnsim.simulation.Satisfaction(dropout_effect=-0.8)
    market = churnsim.Market(customers=churnsim.Cohort(size=400), satisfaction=memory, **models)
    print(ask(market, replications=5, seed=1, horizon=24.0).differences("npv"))
    print(seen_by_a_survey(market, respondents=100, seed=1, horizon=24.0))

Money is in US dollars, durations in weeks.
"""

from __future__ import annotations

from churnsim.decisions import Comparison, compare
from churnsim.satisfaction import acsi
from churnsim.simulation import (
    AskForComplaints,
    ComplaintDesk,
    Market,
    RetentionContacts,
    Scenario,
    Strategy,
    sample_survey,
    satisfied_at,
    simulate,
)

__all__ = ["ask", "seen_by_a_survey", "strategies"]

HALF_A_DAY = 0.5 / 7


def strategies(wage: float = 60.0) -> tuple[Strategy, ...]:
    """Nothing, a clerk at `wage` per period with every buyer asked, and the wage spent on contacts."""
    desk = ComplaintDesk(staff=1, mean_service_time=HALF_A_DAY, wage_per_period=wage)
    return (
        Strategy(name="baseline"),
        Strategy(name="desk", desk=desk, asking=AskForComplaints(cost_per_purchase=0.05)),
        Strategy(name="contacts", retention=RetentionContacts(budget_per_period=wage, rule="all")),
    )


def ask(market: Market, *, replications: int, seed: int, horizon: float = 52.0) -> Comparison:
    """The strategies side by side on `market`, a market in weeks with a satisfaction."""
    return compare(market, strategies(), replications=replications, seed=seed, horizon=horizon)


def seen_by_a_survey(
    market: Market, *, respondents: int, seed: int, horizon: float = 52.0
) -> dict[str, dict[str, float]]:
    """By strategy: the mean satisfaction of those still there, and what `respondents` of them let one say of it."""
    found = {}
    for strategy in strategies():
        scenario = Scenario(market=market, strategy=strategy, horizon=horizon, period=4.0, epoch=1.0)
        customers = simulate(scenario, seed=seed, engine="compiled", log=True).customers
        row = acsi(sample_survey(customers, respondents, seed=seed), weights="equal", seed=seed).table.loc["index"]
        seen = {name: satisfied_at(float(row[name])) for name in ("estimate", "lower", "upper")}
        found[strategy.name] = {"true": float(customers.loc[customers["alive"], "satisfied"].mean()), **seen}
    return found
