"""What a claim that needs a market is judged on: fitted customers, a clock, and how often to run them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

import pandas as pd

from churnsim.checks import typed
from churnsim.claims.machinery.reference_data import Workbench
from churnsim.data import datasets
from churnsim.decisions.comparison.compare import Comparison, compare
from churnsim.decisions.runs.experiment import Experiment
from churnsim.decisions.runs.parallel_map import Backend
from churnsim.errors import ConfigError, DataError
from churnsim.evidence.assumptions import claimed_numbers
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.mechanisms.acquisition import Prospects
from churnsim.simulation.mechanisms.compensation import RecoveryResponse
from churnsim.simulation.mechanisms.cross_selling import CrossSellingResponse
from churnsim.simulation.mechanisms.parts import parts_of
from churnsim.simulation.mechanisms.quality import QualityResponse
from churnsim.simulation.mechanisms.retention import RetentionResponse
from churnsim.simulation.mechanisms.staff import StaffResponse
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy
from churnsim.units import Duration

# With 10 replications intervals of small, skewed effects covered 78-93% instead of 95% (measured here, 120 customers);
# with 30, 88-93%.
QUICK_REPLICATIONS = 30
PARAMETER_DRAWS = 300
"""Draws of the fitted parameters at least: as many as the most runs that a claim asks for (`low-risk`)."""
# How CDNOW's people answer spending, assumed in dollars; without them a market takes multiples of a typical purchase.
DOLLARS: dict[str, Any] = {
    "prospects": Prospects(size=20_000.0, ceiling=0.02, spend_scale=0.5),
    "retention": RetentionResponse(spend_scale=0.5),
    "quality": QualityResponse(spend_scale=1.0),
    "staff": StaffResponse(spend_scale=100.0),
    "recovery": RecoveryResponse(spend_scale=10.0),
    "cross_selling": CrossSellingResponse(spend_scale=0.5),
}


@dataclass(frozen=True, kw_only=True)
class MarketEvidence:
    """A market and how to run it; durations in the market's unit. `label` says in words who the customers are."""

    market: Market
    label: str
    horizon: float
    period: float
    epoch: float
    replications: int = 60
    seed: int = 1
    workers: int = 1
    backend: Backend | None = None
    log: pd.DataFrame | None = None
    """The customers' transactions, for the claims that are measured on data."""
    cdnow: bool = False
    """Whether they are CDNOW's customers: claims on data then take its logs."""
    summary: pd.DataFrame | None = None
    """The histories the market was fitted to, for claims that fit other models to them; None: they are not asked."""
    claimed: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Filled by `compare`: numbers used so far that a text on trial claims, with their sources."""

    def __post_init__(self) -> None:
        # Claims vary numbers of the market and say where they hold: they are judged at the values that are believed.
        if self.market.beliefs:
            object.__setattr__(self, "market", replace(self.market, beliefs={}))
        # A parameter draw used twice would count as two: intervals would be too narrow.
        if 0 < len(self.market.draws) < self.replications:
            object.__setattr__(self, "replications", len(self.market.draws))

    def at(self, *, quick: bool) -> MarketEvidence:
        """The same evidence with few replications when `quick`; its intervals are then wider, not its answers other."""
        return replace(self, replications=min(self.replications, QUICK_REPLICATIONS)) if quick else self

    def reading(self, parts: Collection[str]) -> MarketEvidence:
        """The same with all other parts of the market than these as they are by default, so that nothing that is found
        can depend on them. ConfigError for what is no part."""
        known = parts_of(Market)
        if unknown := sorted(set(parts) - set(known)):
            raise ConfigError(f"a market has no part {unknown[0]!r}; it has {', '.join(known)}.")
        plain: dict[str, Any] = {
            f.name: f.default if f.default_factory is MISSING else f.default_factory()
            for f in fields(Market) if f.name in known and f.name not in parts
        }  # fmt: skip
        origins = {name: told for name, told in self.market.origins.items() if name.split(".")[0] not in plain}
        return replace(self, market=replace(self.market, origins=origins, **plain))

    def compare(self, strategies: Sequence[Strategy], *, market: Market | None = None) -> Comparison:
        """Run the strategies on the market (or a changed one)."""
        self.claimed.update(claimed_numbers(market or self.market, strategies))
        experiment = self.experiment if market is None else replace(self.experiment, market=market)
        return compare(experiment, strategies)

    @property
    def experiment(self) -> Experiment:
        """The market and how it is run."""
        return Experiment(
            market=self.market, seed=self.seed, horizon=self.horizon, period=self.period, epoch=self.epoch,
            replications=self.replications, workers=self.workers, backend=self.backend,
        )  # fmt: skip


def cdnow_evidence(*, replications: int = 60, seed: int = 1, workers: int = 1) -> MarketEvidence:
    """The CDNOW sample fitted to weeks 1-39 and run for two years; the default where a study hands over no market.

    Each replication has its own draw of the fitted parameters.
    """
    bench, number = Workbench(), max(replications, PARAMETER_DRAWS)
    draws = zip(
        bench.purchases.draw_parameters(number, seed=seed),
        bench.spend.draw_parameters(number, seed=seed + 1),
        strict=True,
    )
    market = Market(
        customers=PosteriorBase(bench.split),
        purchases=bench.purchases.model,
        spend=bench.spend.model,
        draws=tuple(draws),
        **DOLLARS,
    )
    label = "the 2,357 customers of the CDNOW sample, fitted to weeks 1-39"
    found = market_evidence(market, label=label, replications=replications, seed=seed, workers=workers)
    return replace(found, summary=bench.split, cdnow=True)


@typed
def market_evidence(
    market: Market,
    *,
    label: str = "the market given",
    log: pd.DataFrame | None = None,
    replications: int = 60,
    seed: int = 1,
    workers: int = 1,
) -> MarketEvidence:
    """Any market as evidence for claims: 26 periods of four weeks with weekly epochs, in the market's own unit.

    Parameters
    ----------
    market
        The customers and how they answer. Where it has parameter draws, no more replications are run than there are.
    label
        Who the customers are, in words, for the findings.
    log
        Their transactions (columns customer_id, date, amount), for claims that are measured on data.
    replications
        Runs of each strategy.
    seed
        Of the chances, the same for all strategies.
    workers
        Threads or processes that share the runs.

    Returns
    -------
    MarketEvidence
        For `Claim.test(evidence)`.

    Examples
    --------
    >>> import churnsim as cs
    >>> model = cs.BGNBD(r=0.24, alpha=4.4, a=0.8, b=2.4, unit="W")
    >>> market = cs.Market(customers=cs.Cohort(size=50), purchases=model, spend=cs.simulation.FixedSpend(amount=20.0))
    >>> evidence = cs.claims.market_evidence(market, label="fifty new customers", replications=4)
    >>> cs.claims["cross-selling"].test(evidence).finding.parts[0].unit
    "percent lift of all known customers' spend at which an offer of 1 pays"
    """
    period = Duration(4, "W").to(market.unit)
    return MarketEvidence(
        market=market, label=label, horizon=26 * period, period=period, epoch=period / 4, replications=replications,
        seed=seed, workers=workers, log=log,
    )  # fmt: skip


def log_of(evidence: object, *, sample: bool = False, amounts: bool = True) -> tuple[pd.DataFrame, str]:
    """The transactions a data claim is measured on, and whose they are.

    They are those of the market's customers, a log itself, and CDNOW's where neither is given: the full log, or its
    sample of one customer in ten. Raises ConfigError for a market without transactions, and DataError for a
    log without purchases or, where `amounts` matter, one in which nobody spends anything.
    """
    log, label = (evidence, "made-up customers") if isinstance(evidence, pd.DataFrame) else _log_of(evidence, sample)
    if log.empty:
        raise DataError(f"there is no purchase by {label}. Check the dates that the log was cut at.")
    if amounts and not ("amount" in log and float(log["amount"].sum()) > 0.0):
        raise DataError(f"nothing is known of what {label} spent. It takes a log with amounts.")
    return log, label


def _log_of(evidence: object, sample: bool) -> tuple[pd.DataFrame, str]:
    if isinstance(evidence, MarketEvidence):
        if evidence.log is not None:
            return evidence.log, evidence.label
        if not evidence.cdnow:
            raise ConfigError(
                f"it needs the purchases of {evidence.label}. Hand over their transactions (log=...), run it in a "
                "study of a purchase log, or leave the market out to have it judged on CDNOW's customers."
            )
    log = datasets.cdnow(full=not sample)
    number = log["customer_id"].nunique()
    if sample:
        return log, f"the {number:,} customers of the CDNOW sample"
    return log, f"the {number:,} customers of the full CDNOW log, January 1997 to June 1998"
