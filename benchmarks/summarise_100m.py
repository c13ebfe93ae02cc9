"""The summary of 100 million purchases in a Parquet file within 4 GB of memory.

    python benchmarks/summarise_100m.py [--rows 100000000] [--bar 4]

The file (about a gigabyte) is made in a temporary directory by another process and removed; the largest resident size
of this process is what is measured. Exits 1 above the bar.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import churnsim
from churnsim.data import ParquetLog

MAKE = """
import duckdb, sys
rows, path = int(sys.argv[1]), sys.argv[2]
con = duckdb.connect()
con.execute('SET enable_progress_bar = false')
con.execute(f'''COPY (
    SELECT (hash(i) % {rows // 10})::BIGINT AS customer_id, DATE '2020-01-01' + (hash(i * 7 + 1) % 1460)::INT AS date,
           (hash(i * 3 + 5) % 20000) / 100.0 AS amount FROM range({rows}) AS t(i)
) TO '{path}' (FORMAT parquet)''')
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=100_000_000)
    arguments.add_argument("--bar", type=float, default=4.0, help="most gigabytes (2**30 bytes)")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        subprocess.run([sys.executable, "-c", MAKE, str(options.rows), str(path)], check=True)
        start = time.perf_counter()
        summary = churnsim.summarise(ParquetLog(path))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"rows {options.rows:,}, customers {len(summary):,}, {seconds:.1f} s, peak memory {peak:.2f} GB (bar "
        f"{options.bar:g})"
    )
    return 0 if peak <= options.bar else 1


if __name__ == "__main__":
    sys.exit(main())
