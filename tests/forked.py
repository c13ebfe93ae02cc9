"""Code run as if in a fresh interpreter, without its imports being paid each time.

One interpreter imports other packages and forks for each piece of code that uses a copy of this one, and once to
import this one and to fork for every other piece. So a piece has its own names, working directory, output and exit
status, and leaves nothing behind for the next. Where there is no fork, each piece gets an interpreter of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# What several pieces of code import; a copy of the package is imported by who uses it.
OTHERS = """
import atexit, gc, json, os, sys, threading, warnings
import numba, numpy, pandas, pyarrow, pydantic, scipy.stats, typer
import altair, matplotlib.pyplot, sklearn.ensemble
from arviz.stats.stats_utils import stats_variance_2d

stats_variance_2d(numpy.zeros((2, 2)))  # compiled in each process that calls it
"""

PACKAGE = (
    (Path(__file__).parent / "one_compiler.py").read_text(encoding="utf-8")
    + """
import churnsim, churnsim.cli, churnsim.study.config.config_file, churnsim.study.runner

# What the package imports, and the kernels it loads, at the first use: seconds in each piece of code otherwise.
for name in dir(churnsim):
    getattr(churnsim, name)
market = churnsim.Market(
    customers=churnsim.Cohort(size=10), purchases=churnsim.BGNBD(r=0.2, alpha=4.4, a=0.8, b=2.4),
    spend=churnsim.GammaGamma(p=6.0, q=4.0, gamma=15.0),
)
kept = churnsim.Strategy(name="kept", retention=churnsim.simulation.RetentionContacts(budget_per_period=1.0))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", churnsim.errors.EpochWarning)
    warnings.simplefilter("ignore", churnsim.errors.UnitWarning)
    churnsim.compare(market, [churnsim.Strategy(name="none"), kept], seed=1, horizon=8, replications=2)
del market, kept, name
gc.freeze()
"""
)

FORKING = """
gc.freeze()  # a fork does not look through what was imported when it ends
gc.set_threshold(50_000, 20, 20)  # as in conftest.py

def run(code, arguments, where, folder):
    os.chdir(where)
    sys.argv = arguments
    for number, name in enumerate((os.devnull, os.path.join(folder, "out"), os.path.join(folder, "err"))):
        target = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(target, number)
        os.close(target)
    try:
        exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
    except SystemExit as asked:
        if asked.code is None or isinstance(asked.code, int):
            return asked.code or 0
        print(asked.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0

def end(status):
    # What an interpreter does at its end, but for taking down a thousand modules, which takes longer than most pieces.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 255)

def forked(work):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside the threads of BLAS, which wait
        child = os.fork()
    if child == 0:
        work()
    return child

def status_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def answer(line):
    status = status_of(forked(lambda: end(run(*json.loads(line)))))
    return (str(status) + chr(10)).encode()

def with_package():
    exec(PACKAGE, globals())
    for line in os.fdopen(asked[0], "rb"):
        os.write(told[1], answer(line))
    os._exit(0)

asked = told = package = None
for line in sys.stdin.buffer:
    whose, _, line = line.partition(b" ")
    if whose == b"package":
        if package is None:
            asked, told = os.pipe(), os.pipe()
            package = forked(lambda: (os.close(asked[1]), with_package()))
            os.close(asked[0]), os.close(told[1])
            answers = os.fdopen(told[0], "rb")
        os.write(asked[1], line)
        os.write(1, answers.readline() or sys.exit("the package was not imported"))
    else:
        os.write(1, answer(line))
if package is not None:
    os.close(asked[1])
    status_of(package)
"""


class Interpreter:
    """Runs pieces of code one after the other, each by itself; a warning is an error."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, code: str, *, arguments: list[str], where: Path, paths: Sequence[Path] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run `code` in the directory `where` with `arguments` as `sys.argv`; what is imported is looked for in the
        `paths` first, where a copy of the package may be."""
        if paths:
            code = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n{code}"
        if not hasattr(os, "fork"):
            start = f"import sys; sys.argv = {arguments!r}; exec(compile({code!r}, '<code>', 'exec'))"
            command = [sys.executable, "-W", "error", "-"]
            return subprocess.run(command, input=start, cwd=where, capture_output=True, text=True, check=False)
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", f"{OTHERS}PACKAGE = {PACKAGE!r}\n{FORKING}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        with tempfile.TemporaryDirectory() as folder:
            asked = json.dumps([code, arguments, str(where), folder])
            self._process.stdin.write(f"{'copy' if paths else 'package'} {asked}\n".encode())
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            out, err = (Path(folder, name).read_text(encoding="utf-8") for name in ("out", "err"))
        return subprocess.CompletedProcess(arguments, int(answer), out, err)

    def close(self) -> None:
        """End the interpreter."""
        if self._process is not None:
            self._process.communicate()
