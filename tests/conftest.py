"""Markets that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import churnsim as cs
from churnsim.simulation.mechanisms.complaints import Complaints

# Results are tested, never times: a slow machine fails no example.
hypothesis.settings.register_profile("churnsim", deadline=None)
hypothesis.settings.load_profile("churnsim")

MarketMaker = Callable[..., cs.Market]


@pytest.fixture(scope="session")
def cdnow_split():
    """CDNOW sample, weeks 1-39 summarised, weeks 40-78 held out."""
    return cs.split_holdout(cs.datasets.cdnow(), until="1997-09-30", holdout_until="1998-06-30")


@pytest.fixture(scope="session")
def cdnow_models(cdnow_split):
    """The two fits on weeks 1-39."""
    return cs.BGNBD.fit(cdnow_split), cs.GammaGamma.fit(cdnow_split)


@pytest.fixture(scope="session")
def published_models():
    """BG/NBD and Gamma-Gamma with the published CDNOW parameters."""
    return cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), cs.GammaGamma(p=6.25, q=3.74, gamma=15.44)


@pytest.fixture
def cohort_market(published_models) -> MarketMaker:
    """A market of new customers with the published parameters; `complaints` as keyword arguments."""

    def make(size: int, **complaints: float) -> cs.Market:
        purchases, spend = published_models
        return cs.Market(
            customers=cs.Cohort(size=size), purchases=purchases, spend=spend, complaints=Complaints(**complaints)
        )

    return make


@pytest.fixture(scope="session")
def cdnow_market(cdnow_split, cdnow_models):
    """The fitted CDNOW base as a market."""
    purchases, spend = cdnow_models
    return cs.Market(customers=cs.PosteriorBase(cdnow_split), purchases=purchases.model, spend=spend.model)


SLOW = [
    line
    for line in (Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what slow.txt lists; a name there that begins no test would go unseen, so it is refused where all are
    collected."""
    found = set()
    for item in items:
        for start in SLOW:
            if item.nodeid.startswith(start):
                item.add_marker(pytest.mark.slow)
                found.add(start)
    files = {item.nodeid.partition("::")[0] for item in items}
    if gone := [
        start for start in SLOW if start not in found and start.partition("::")[0] in files and len(files) > 100
    ]:
        raise pytest.UsageError(f"tests/slow.txt names no test: {', '.join(gone)}")
