"""How many rows a second `CustomerDatabase.add` takes from a CSV file, detection, checks and the commit included.

    python benchmarks/add_csv.py [--rows 10000000] [--bar 1000000]

Prints rows per second of wall time, and per second of user CPU time for a machine that is busy; exits 1 when the wall
time is below the bar. The peer, for the ratio, is DuckDB's own reader into a table of the same types, unchecked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from churnsim.data import CustomerDatabase

ROWS = """
    SELECT (hash(i) % {customers})::BIGINT AS customer_id, DATE '2020-01-01' + (hash(i * 7 + 1) % 1460)::INT AS date,
           (hash(i * 3 + 5) % 20000) / 100.0 AS amount
    FROM range({rows}) AS t(i)
"""


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and user CPU seconds."""
    wall, user = time.perf_counter(), os.times().user
    run()
    return time.perf_counter() - wall, os.times().user - user


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--bar", type=float, default=1e6, help="least rows a second")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        rows = ROWS.format(customers=max(options.rows // 10, 1), rows=options.rows)
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({rows}) TO '{path}' (HEADER, DELIMITER ',')")

        def ours() -> None:
            with CustomerDatabase(Path(folder) / "customers.db") as db:
                assert db.add(path).added == options.rows

        def theirs() -> None:
            with duckdb.connect(str(Path(folder) / "peer.db")) as connection:
                connection.execute("CREATE TABLE t (customer_id VARCHAR, date TIMESTAMP, amount DOUBLE)")
                connection.execute("INSERT INTO t SELECT * FROM read_csv(?)", [str(path)])

        wall, user = timed(ours)
        peer, peer_user = timed(theirs)
    print(f"churnsim                {wall:>8.2f} s   user {user:>7.2f} s")
    print(f"DuckDB, unchecked       {peer:>8.2f} s   user {peer_user:>7.2f} s")
    print(
        f"rows a second           {options.rows / wall:>12,.0f} (bar {options.bar:,.0f}); per user second "
        f"{options.rows / user:,.0f}"
    )
    return 0 if options.rows / wall >= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
