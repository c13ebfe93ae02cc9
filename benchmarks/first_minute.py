"""What a user waits for first: README's first command and a first fit, from an empty cache of compiled code and again.

CPU seconds (user and system, child processes too) of each command in a process of its own with a cache folder of its
own, so that neither what else the machine does nor what was compiled before counts; the wall time beside it is that of
this machine now. Python's bytecode is there from the start, since pip compiles what it installs. Bars: the main study
at most 50 s cold and 20 s warm, `churnsim fit FILE` at most 6 s cold. Exits 1 above. With `--quick` the study is the
small one of `configs/smoke`, without a bar.
"""

from __future__ import annotations

import compileall
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import churnsim
from churnsim.data import datasets

ROOT = Path(__file__).parents[1]
QUICK = "--quick" in sys.argv[1:]
STUDY = ROOT / "configs" / ("smoke/cdnow.toml" if QUICK else "cdnow.toml")
BARS = {"study, cold": 50.0, "study, warm": 20.0, "fit, cold": 6.0, "fit, warm": 6.0}


def seconds(arguments: list[str], cache: Path) -> tuple[float, float]:
    """CPU and wall seconds of one command of churnsim."""
    command = [sys.executable, "-c", "from churnsim.cli import main; main()", *arguments]
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - wall


def main() -> int:
    """Print what each command took; 1 where one is above its bar."""
    missed = False
    compileall.compile_dir(Path(churnsim.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        datasets.cdnow().to_csv(folder / "log.csv", index=False)
        commands = {
            "fit": ["fit", str(folder / "log.csv")],
            "study": ["run", str(STUDY), "--runs-dir", str(folder / "runs"), "--fresh"],
        }
        for title, arguments in commands.items():
            for state in ("cold", "warm"):
                cpu, wall = seconds(arguments, folder / f"cache of {title}")
                bar = BARS[f"{title}, {state}"]
                missed |= cpu > bar and not (QUICK and title == "study")
                print(f"{title}, {state}: {cpu:5.1f} CPU seconds (bar {bar:.0f}), {wall:5.1f} s wall", flush=True)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
