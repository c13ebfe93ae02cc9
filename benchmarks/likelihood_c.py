"""One evaluation of BG/NBD's log-likelihood with gradient on 100,000 customers, beside the same by hand in C.

`bg_nbd_likelihood.c` is compiled with `cc -O3 -march=native` into a temporary directory and run on two threads;
churnsim's objective runs as a fit calls it, in pieces on the cores. Rounds alternate; medians are compared. Exits 1
when churnsim takes more than three times as long, or when the two disagree.

    python benchmarks/likelihood_c.py [--customers 100000] [--rounds 60] [--bar 3]
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from churnsim.models import BGNBD

SOURCE = Path(__file__).with_name("bg_nbd_likelihood.c")
MODEL = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)


def compiled(folder: str) -> ctypes.CDLL:
    library = Path(folder) / "bg_nbd_likelihood.so"
    subprocess.run(
        ["cc", "-O3", "-march=native", "-shared", "-fPIC", "-pthread", str(SOURCE), "-o", str(library), "-lm"],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    floats, ints = (np.ctypeslib.ndpointer(dtype=kind) for kind in (np.float64, np.int64))
    sizes = [ctypes.c_long] * 2
    loaded.objective.argtypes = [*[ctypes.c_double] * 4, ints, floats, floats, *sizes, floats]
    return loaded


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--customers", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=60)
    arguments.add_argument("--bar", type=float, default=3.0, help="most times the C version's time")
    options = arguments.parse_args()

    T = np.random.default_rng(1).uniform(20, 39, options.customers)
    summary = MODEL.draw_summary(T, seed=1)
    likelihood = BGNBD.likelihood(summary)
    at = likelihood.parameters(MODEL)
    scale = likelihood.scales[1]
    x = summary["frequency"].to_numpy(np.int64)
    t_x, T = (np.ascontiguousarray(summary[name] / scale) for name in ("recency", "T"))
    top = int(x.max())
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(folder)
        out = np.empty(5)

        def by_hand() -> object:
            return library.objective(*at, x, t_x, T, x.size, top, out)

        def ours() -> object:
            return likelihood.objective(at)

        by_hand()
        value, gradient = likelihood.objective(at)
        agree = np.allclose([value, *gradient], out, rtol=1e-9, atol=1e-6)
        mine, other = [], []
        for _ in range(options.rounds):
            mine.append(seconds(ours))
            other.append(seconds(by_hand))
    ratio = statistics.median(mine) / statistics.median(other)
    print(f"customers              {options.customers:>10,}")
    for name, times in (("churnsim", mine), ("C, two threads", other)):
        print(f"{name + ', median':<22} {statistics.median(times) * 1000:>10.3f} ms (fastest {min(times) * 1000:.3f})")
    print(f"values agree           {agree!s:>10}")
    print(f"times as long          {ratio:>10.2f} (bar {options.bar:g})")
    return 0 if agree and ratio <= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
