"""The summary of 10 million purchases of 1 million customers: churnsim beside lifetimes, pandas, Polars and DuckDB by
hand.

Peers and churnsim alternate, so that a busy machine slows both; medians of user CPU time and of wall time are
printed, and bars are on the ratio of medians (lifetimes: wall time of one thread each; DuckDB: wall time on as many
threads).

    python benchmarks/summarise_10m.py [--rows 10000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

import churnsim
from churnsim.data import CustomerDatabase, ParquetLog

BARS = {"frame against lifetimes": 20.0, "database against SQL": 1 / 1.1, "parquet against SQL": 1 / 1.1}

# What one writes by hand for the same frame: same columns, same rules, sorted, as pandas.
BY_HAND = """
    WITH days AS (SELECT customer_id, date::DATE AS day, sum(amount) AS amount FROM {source} GROUP BY ALL),
         per AS (SELECT customer_id, count(*) - 1 AS frequency, min(day) AS first, max(day) AS last,
                        sum(amount) AS total, arg_min(amount, day) AS first_amount FROM days GROUP BY customer_id)
    SELECT customer_id, frequency, (last - first) / 7.0 AS recency,
           ((SELECT max(date)::DATE FROM {source}) - first) / 7.0 AS T,
           CASE WHEN frequency > 0 THEN (total - first_amount) / frequency ELSE 0 END AS monetary_value
    FROM per ORDER BY customer_id
"""


def made(rows: int) -> pd.DataFrame:
    """Purchases of a tenth as many customers over four years, in no order."""
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "customer_id": generator.integers(0, rows // 10, rows),
            "date": np.datetime64("2020-01-01", "ns") + generator.integers(0, 1460, rows).astype("timedelta64[D]"),
            "amount": generator.integers(0, 20_000, rows) / 100,
        }
    )


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and user CPU seconds."""
    wall, cpu = time.perf_counter(), os.times().user
    run()
    return time.perf_counter() - wall, os.times().user - cpu


def race(rounds: int, **runners: Callable[[], object]) -> dict[str, float]:
    """Median wall seconds of each, in alternation."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            seconds[name].append(timed(run))
    medians = {}
    for name, times in seconds.items():
        walls, users = zip(*times, strict=True)
        medians[name] = statistics.median(walls)
        print(
            f"{name:<28} {medians[name]:>8.2f} s   user {statistics.median(users):>7.2f} s   fastest {min(walls):.2f} s"
        )
    return medians


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--without-peers", action="store_true", help="leave out lifetimes, which takes long")
    options = arguments.parse_args()
    log = made(options.rows)
    churnsim.summarise(log.head(1000))  # compile once
    warnings.simplefilter("ignore")  # lifetimes is archived and warns about today's pandas
    results: dict[str, float] = {}
    if not options.without_peers:
        from lifetimes.utils import summary_data_from_transaction_data

        def lifetimes() -> object:
            return summary_data_from_transaction_data(log, "customer_id", "date", "amount", freq="D")

        medians = race(options.rounds, churnsim=lambda: churnsim.summarise(log), lifetimes=lifetimes)
        results["frame against lifetimes"] = medians["lifetimes"] / medians["churnsim"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        log.to_parquet(path)
        parquet = ParquetLog(path)
        connection = duckdb.connect()

        def parquet_by_hand() -> object:
            return connection.execute(BY_HAND.format(source=f"read_parquet('{path}')")).df().set_index("customer_id")

        pd.testing.assert_frame_equal(parquet.summarise(), parquet_by_hand(), check_dtype=False, rtol=1e-9)
        medians = race(
            options.rounds + 2,
            **{"churnsim, Parquet": parquet.summarise, "DuckDB by hand, Parquet": parquet_by_hand},
        )
        results["parquet against SQL"] = medians["DuckDB by hand, Parquet"] / medians["churnsim, Parquet"]
        with CustomerDatabase(Path(folder) / "customers.db") as db:
            db.add(path)

            def database_by_hand() -> object:
                return db._connection.execute(BY_HAND.format(source="transactions")).df().set_index("customer_id")

            medians = race(
                options.rounds + 2,
                **{"churnsim, database": db.summarise, "DuckDB by hand, database": database_by_hand},
            )
            results["database against SQL"] = medians["DuckDB by hand, database"] / medians["churnsim, database"]
    for name, ratio in results.items():
        print(f"{name:<28} {ratio:>8.2f} times as fast (bar {BARS[name]:.2f})")
    return 0 if all(ratio >= BARS[name] for name, ratio in results.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
