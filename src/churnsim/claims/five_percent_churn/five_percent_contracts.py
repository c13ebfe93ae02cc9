"""Part (d) of `five-percent-churn`: customers under contract, by the sBG fitted to real cohorts.

Fader & Hardie's (2007) two cohorts of 1,000, followed for twelve yearly renewals. Five points more raise the mean
retention of the mix and leave its polarization: everybody becomes somewhat more loyal, nobody becomes like everybody
else.
"""

from __future__ import annotations

from itertools import product

from churnsim.claims.arithmetic.card_npv import ACQUISITION_COST
from churnsim.claims.five_percent_churn.five_percent_map import HIGH, LOW, PROFILES, Change
from churnsim.claims.machinery.claim import Part, Rows
from churnsim.claims.machinery.verdicts import Basis, Spread, spread
from churnsim.data.subscriptions.subscribers import retention_cohorts
from churnsim.economics.streams import stream_gain, stream_value
from churnsim.economics.survival_curves import BetaGeometric
from churnsim.models.retention.sbg import ShiftedBetaGeometric

RATE = 0.10
SETTINGS = {"growing profit, cost 51": ("growing", ACQUISITION_COST), "flat profit, no cost": ("flat", 0.0)}
DRAWS = 200


def gain_under_contract(model: ShiftedBetaGeometric, change: Change, *, profile: str, cost: float) -> float | None:
    """Relative gain in the NPV of a new customer when the mean retention of the mix changes."""
    before = BetaGeometric.from_parameters(alpha=model.alpha, beta=model.beta)
    # No mix has a mean retention of one.
    raised = BetaGeometric(retention=min(change.after(before.retention), 0.999), polarization=before.polarization)
    worth = [
        stream_value(PROFILES[profile], life=life, discount_rate=RATE, acquisition_cost=cost)
        for life in (before, raised)
    ]
    return stream_gain(worth[0], worth[1])


def parts_d(*, change: Change = Change.POINTS, draws: int = DRAWS) -> tuple[tuple[Part, ...], Rows]:
    """One part a cohort and setting, and the table with both readings of five percent."""
    parts, rows = [], []
    for cohort, setting in product(retention_cohorts().columns, SETTINGS):
        fit = ShiftedBetaGeometric.fit_cohort(retention_cohorts()[[cohort]])
        profile, cost = SETTINGS[setting]
        retention = 1.0 - fit.model.mean_churn
        models = fit.draw_parameters(draws, seed=1)
        for reading in Change:
            gains = [gain_under_contract(model, reading, profile=profile, cost=cost) for model in models]
            # A base worth nothing has no relative gain; it counts as one far above the range.
            found = spread([100.0 * (10.0 if gain is None else gain) for gain in gains])
            rows.append(
                {
                    "cohort": cohort, "setting": setting, "change": reading.value, "retention": retention,
                    "gain_percent": found.mean, "lower": found.lower, "upper": found.upper,
                }
            )  # fmt: skip
            if reading is change:
                parts.append(_part(str(cohort), setting, retention, found))
    return tuple(parts), rows


def _part(cohort: str, setting: str, retention: float, found: Spread) -> Part:
    return Part(
        name=f"(d) under contract, {cohort}, {setting}",
        estimand="Relative gain in the NPV of a new customer at 10% when mean retention rises by five points, percent.",
        answer=found.within(100.0 * LOW, 100.0 * HIGH),
        basis=Basis.MEASURED,
        **found.figures("percent"),
        reason=f"Subscribers of another firm, mean retention {retention:.1%} in the first year: "
        f"{found.mean:+.1f}% [{found.lower:+.1f}, {found.upper:+.1f}].",
    )
