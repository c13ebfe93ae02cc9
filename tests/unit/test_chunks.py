"""Kernels in pieces give what the whole gives, and identical rows are found."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import churnsim as cs
from churnsim.kernels.likelihoods import bg_nbd as kernel
from churnsim.kernels.likelihoods.histories import unique_histories
from churnsim.models.estimation import threads
from churnsim.models.estimation.threads import FEWEST, Chunks, one_thread

MODEL = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """More rows than one piece."""
    return MODEL.draw_summary(np.random.Generator(np.random.PCG64(1)).uniform(20, 40, FEWEST + 7), seed=1)


def test_pieces_give_what_the_whole_gives(many: pd.DataFrame) -> None:
    x = many["frequency"].to_numpy(np.int64)
    t_x, T = (many[name].to_numpy(float) for name in ("recency", "T"))
    weight = np.ones(x.size)
    chunks = Chunks(x, t_x, T, weight)
    assert len(chunks.pieces) > 1
    whole = kernel.objective(0.243, 4.414, 0.793, 2.426, x, t_x, T, weight, False)
    # Sums of 16,000 terms in another order.
    np.testing.assert_allclose(chunks.sum(kernel.objective, (0.243, 4.414, 0.793, 2.426), (False,)), whole, rtol=1e-12)
    pd.testing.assert_series_equal(MODEL.p_alive(many).head(50), MODEL.p_alive(many.head(50)))


def test_the_same_bits_from_several_threads(many: pd.DataFrame) -> None:
    alone = MODEL.log_likelihood(many)
    with ThreadPoolExecutor(4) as threads:
        for other in threads.map(lambda _: MODEL.log_likelihood(many), range(8)):
            pd.testing.assert_series_equal(other, alone, check_exact=True)


def test_other_libraries_keep_to_one_thread() -> None:
    with threadpool_limits(2):
        for _ in range(2):
            with one_thread():
                assert {library["num_threads"] for library in threadpool_info()} == {1}
            assert 2 in {library["num_threads"] for library in threadpool_info()}


def test_libraries_are_looked_for_anew_once_a_module_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    with one_thread(), one_thread():
        known = threads._libraries.cache_info()
    monkeypatch.setitem(sys.modules, "imported_since", ModuleType("imported_since"))
    with one_thread():
        now = threads._libraries.cache_info()
    assert (now.misses, now.hits) == (known.misses + 1, known.hits)


def test_identical_rows() -> None:
    x = np.array([1, 2, 1, 1, 2, 3])
    t = np.array([0.5, 1.0, 0.5, 0.7, 1.0, 2.0])
    T = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0])
    weight = np.array([1.0, 2.0, 3.0, 1.0, 0.0, 5.0])
    rows, summed = unique_histories(x, t.view(np.int64), T.view(np.int64), weight)
    assert rows.tolist() == [0, 1, 3, 5]
    assert summed.tolist() == [4.0, 2.0, 1.0, 5.0]


def test_rows_that_hardly_repeat_are_left_as_they_are() -> None:
    size = 40_000
    x = np.ones(size, np.int64)
    t = np.arange(1, size + 1, dtype=float)
    weight = np.ones(size)
    weight[7] = 0.0
    rows, summed = unique_histories(x, t.view(np.int64), t.view(np.int64), weight)
    assert rows.size == size - 1
    assert 7 not in rows
    assert summed.sum() == size - 1


def test_many_repeated_rows_are_summed() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    x = rng.integers(0, 5, 100_000)
    t = np.where(x > 0, rng.integers(1, 30, x.size) / 7, 0.0)
    T = np.full(x.size, 40 / 7)
    rows, summed = unique_histories(x, t.view(np.int64), T.view(np.int64), np.ones(x.size))
    expected = pd.DataFrame({"x": x, "t": t}).groupby(["x", "t"]).size()
    found = pd.Series(summed, index=pd.MultiIndex.from_arrays([x[rows], t[rows]], names=["x", "t"])).sort_index()
    assert found.astype(int).equals(expected)
