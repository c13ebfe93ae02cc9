"""Markets that several tests share, and what keeps the workers of a run from doing the same work."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

import churnsim as cs

# One thread for linear algebra in each worker, of which there are as many as cores: threads of several workers would
# wait for each other, and spend time waiting. The workers inherit this from the process that starts them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Published files that the package does not ship: tests that need one run where a folder beside the checkout holds them.
PUBLISHED = Path(__file__).parents[2] / "shared" / "data"
if PUBLISHED.is_dir():
    os.environ.setdefault("CHURNSIM_DATA", str(PUBLISHED))

# Compiling, reading tests and importing make many objects that live: one sixth of that time was spent looking for
# garbage among them.
gc.set_threshold(50_000, 20, 20)

if sys.platform != "win32":
    import fcntl


def pytest_configure(config: pytest.Config) -> None:
    """What runs tests is set up; not the process that hands them out to workers."""
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        return
    import hypothesis
    import tests.one_compiler  # noqa: F401
    import typer.testing

    # A call of the command line is one of hundreds here, of which each would put all commands together anew.
    typer.testing._get_command = cache(typer.testing._get_command)

    # Results are tested, never times: a slow machine fails no example. Examples are drawn anew in each run.
    hypothesis.settings.register_profile("churnsim", deadline=None, max_examples=40)
    hypothesis.settings.load_profile("churnsim")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """In every other worker, import the tests of the folders that are collected beginning at their end.

    In a new environment two workers would compile the same sources, of tests and of what they import, side by side.
    What cannot be imported is told where the tests are collected.
    """
    if int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2:
        root = Path(__file__).parents[1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for path in sorted(
                (path for name in session.config.args for path in Path(name).rglob("test_*.py")), reverse=True
            ):
                with contextlib.suppress(Exception, pytest.skip.Exception):
                    importlib.import_module(".".join(path.resolve().relative_to(root).with_suffix("").parts))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what slow.txt lists; UsageError for a name there that begins no test of a file that was collected whole."""
    lines = (Path(__file__).parent / "slow.txt").read_text(encoding="utf-8").splitlines()
    starts = {line: False for line in lines if line and not line.startswith("#")}
    for item in items:
        for start in starts:
            if item.nodeid.startswith(start):
                item.add_marker(pytest.mark.slow)
                starts[start] = True
    gone = [start for start, found in starts.items() if not found]
    if gone and len({item.nodeid.partition("::")[0] for item in items}) > 100:
        raise pytest.UsageError(f"tests/slow.txt names no test: {', '.join(gone)}")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: garbage is not looked for among them again and again."""
    gc.collect()
    gc.freeze()


MarketMaker = Callable[..., "cs.Market"]


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
        from churnsim.simulation.mechanisms.complaints import Complaints

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


def published(name: str) -> Any:
    """A data set that has to be downloaded; skips where it is not at hand."""
    if not cs.datasets.describe(name).at_hand:
        pytest.skip(f"CHURNSIM_DATA names no folder with the file of {name}")
    return cs.datasets.load(name)


@pytest.fixture(scope="session")
def hillstrom():
    """Hillstrom's 64,000 customers; skips where the folder of published files does not hold them."""
    return published("hillstrom")


@pytest.fixture(scope="session")
def online_retail():
    """The log of Online Retail; skips likewise."""
    return published("online-retail")


@pytest.fixture(scope="session")
def interpreter() -> Iterator[Any]:
    """Where pieces of code run, each by itself; a warning is an error."""
    from tests.forked import Interpreter

    interpreter = Interpreter()
    yield interpreter
    interpreter.close()


@pytest.fixture(scope="session")
def quick_result(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Each claim judged once, quickly and without a market: by the worker that asks first, for all of them."""
    if "PYTEST_XDIST_WORKER" not in os.environ or sys.platform == "win32":
        return cache(lambda claim_id: cs.claims[claim_id].test(quick=True))
    folder = tmp_path_factory.getbasetemp().parent / "claims"  # of this run of the tests; each worker has one below it
    folder.mkdir(exist_ok=True)

    def judged(claim_id: str) -> Any:
        stored = folder / claim_id
        with (folder / f"{claim_id}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if stored.exists():
                return pickle.loads(stored.read_bytes())  # noqa: S301  written by another worker of this run
            found = cs.claims[claim_id].test(quick=True)
            stored.write_bytes(cloudpickle.dumps(found))  # a claim holds functions that `pickle` refuses
        return found

    return cache(judged)
