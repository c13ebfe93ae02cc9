"""`share-of-customer`: not the share of the market decides but the share of the customer.

A brand's share of the customer (share of requirements) is what its buyers buy of it, of all that they buy in the
category. If it is a thing of its own that a firm can compete on, it must differ between brands for other reasons than
their size. "Double jeopardy" says that it does not: small brands have fewer buyers, who buy them a little less often
(Ehrenberg, Goodhardt & Barwise 1990, "Double jeopardy revisited", Journal of Marketing 54(3), 82-91).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from churnsim.claims.machinery.claim import Evidence, Finding, Rows
from churnsim.claims.machinery.firms import (
    PANELS,
    AcrossFirms,
    FirmFinding,
    Scale,
    across_firms,
    load,
    measured_on,
    of_others,
    purchases_by_brand,
)
from churnsim.data.customers.estimate import Estimate, bootstrap
from churnsim.typing import Floats, Ints

HALF = float(np.sqrt(0.5))
"""Correlation from which on the one share explains more than half of the other's variance between brands."""
Panel = Ints
"""How often each household bought each brand, shape (households, brands)."""
Statistic = Callable[[Panel, Ints | None], float]


def shares(panel: Panel, weights: Ints | None = None) -> tuple[Floats, Floats]:
    """Each brand's share of all purchases, and its share of what its buyers buy; households count `weights` times."""
    times = np.ones(len(panel)) if weights is None else weights
    sales = times @ panel
    category = (times * panel.sum(axis=1)) @ (panel > 0)
    return sales / sales.sum(), sales / category


def size_and_loyalty(panel: Panel, weights: Ints | None = None) -> float:
    """Correlation between brands of the share of the market with the share of the customer."""
    return float(np.corrcoef(*shares(panel, weights))[0, 1])


def by_purchases_per_buyer(panel: Panel, weights: Ints | None = None) -> float:
    """How much of the differences between brands' sales (logarithms) is in purchases per buyer, not in buyers."""
    times = np.ones(len(panel)) if weights is None else weights
    sales, buyers = np.log(times @ panel), np.log(times @ (panel > 0))
    centred = sales - sales.mean()
    return float(1.0 - centred @ buyers / (centred @ sales))


def judge(evidence: Evidence = None, quick: bool = False, *, world: str | None = None) -> Finding:
    """Over the scanner panels; the planted worlds have panels by a law of `WORLDS`."""
    drawn = {} if world is None else {f"world {i + 1}": WORLDS[world](np.random.default_rng(i)) for i in range(4)}

    def of(panel: Panel, statistic: Statistic) -> Estimate:
        def weighted(weights: Ints) -> float:
            return statistic(panel, weights)

        return bootstrap(weighted, len(panel), replications=50 if quick else 200, seed=1, level=0.95)

    def pooled(statistic: Statistic, scale: Scale) -> AcrossFirms:
        firms = (
            measured_on(PANELS, lambda name: of(purchases_by_brand(load(name)), statistic))
            if world is None
            else [FirmFinding(name=name, found=of(panel, statistic)) for name, panel in drawn.items()]
        )
        return across_firms(firms, scale=scale, kind="categories")

    together, within = pooled(size_and_loyalty, "correlation"), pooled(by_purchases_per_buyer, "difference")
    parts = (
        together.part(
            together.below(HALF), name="(a) a measure of its own",
            estimand="Correlation between the brands of a category of share of the market and share of the customer; "
            f"below {HALF:.2f} they have less than half of their variance in common.",
            unit="correlation", digits=2,
        ),
        within.part(
            within.above(0.5), name="(b) what sales differ by",
            estimand="Share of the differences between brands' sales that lies in purchases per buyer instead of the "
            "number of buyers; above one half loyalty decides.",
            unit="share", digits=2,
        ),
    )  # fmt: skip
    return Finding(
        answer=parts[0].answer,
        reason=(
            f"Share of the market and share of the customer go together. {parts[0].reason} Of what brands' sales "
            f"differ by, purchases per buyer are this share: {parts[1].reason} In panels of few households who buy "
            "often nearly every brand has nearly every household among its buyers, so that only purchases per buyer "
            f"are left to differ.{of_others(evidence)}"
        ),
        **parts[0].figures,
        parts=parts,
        tables={
            **together.table("share of the market and of the customer", "correlation between brands"),
            **within.table("purchases per buyer", "share of the differences in sales"),
            **({} if world is not None else {"brands": _brands(firm.name for firm in together.firms)}),
        },
    )


def _brands(panels: Iterable[str]) -> Rows:
    rows: Rows = []
    for name in panels:
        counts = pd.crosstab(load(name)["household"], load(name)["brand"])
        market, customer = shares(counts.to_numpy())
        rows += [
            {"category": name, "brand": str(brand), "share_of_market": float(m), "share_of_customer": float(c),
             "buyers": int((counts[brand] > 0).sum())}
            for brand, m, c in zip(counts.columns, market, customer, strict=True)
        ]  # fmt: skip
    return rows


def dirichlet(generator: np.random.Generator, households: int = 600) -> Panel:
    """Purchases by the NBD-Dirichlet (Goodhardt, Ehrenberg & Chatfield 1984, JRSS A 147, 621-655)."""
    counts = generator.negative_binomial(1.5, 1.5 / (1.5 + 6.0), households)
    chances = generator.dirichlet((0.6, 0.3, 0.2, 0.1, 0.05), households)
    panel: Panel = np.array([generator.multinomial(n, p) for n, p in zip(counts, chances, strict=True)])
    return np.compress(panel.sum(axis=1) > 0, panel, axis=0)


def niches(generator: np.random.Generator, households: int = 600) -> Panel:
    """Brands with 5 to 25 households each who buy nothing else, and two large ones that all others take in turn."""
    panel: Panel = np.zeros((households, 5), dtype=np.int64)
    panel[:, 3:] = generator.poisson((3.0, 4.0), (households, 2))
    # The fewer exclusive buyers the more they buy: size in households and in purchases run against each other.
    for brand, (start, end, often) in enumerate(((0, 20, 12.0), (20, 50, 10.0), (50, 90, 9.0))):
        panel[start:end] = 0
        panel[start:end, brand] = 1 + generator.poisson(often, end - start)
    return np.compress(panel.sum(axis=1) > 0, panel, axis=0)


WORLDS: Mapping[str, Callable[[np.random.Generator], Panel]] = {"dirichlet": dirichlet, "niches": niches}
"""Laws of made-up panels: no brand has a loyalty of its own, and small brands have loyal buyers."""
