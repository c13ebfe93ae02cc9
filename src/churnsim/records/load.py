"""Read a run directory into a `Run`, or say which piece is missing and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from churnsim.data.tabular.files import read_json_file
from churnsim.errors import DataError
from churnsim.records.base import STORED
from churnsim.records.information import INPUTS
from churnsim.records.run import Run

OPTIONAL = (
    "customers", "survival", "survey", "what_if", "break_even", "optimise", "value_of_information", "evidence",
    "notices",
)  # fmt: skip
"""The JSON files that only some runs have: of purchases, of subscribers, of a survey, of maps and sensitivity, of
enough replications for break-even values and for what numbers are worth, of levers to optimise, of the firm's own
records, of 0.2 and later."""
PIECES = tuple(name for name in Run.model_fields if name not in OPTIONAL)
"""The JSON files of a run directory that every report is made from."""


def load_run(run_dir: Path) -> Run:
    """Read the stored results of one complete run.

    Parameters
    ----------
    run_dir : Path
        The run directory, as ``runs/<name>-<hash>``.

    Returns
    -------
    Run
        The JSON files of the run as types; money is in the data's currency.

    Raises
    ------
    DataError
        When the directory is no run, the run has not finished, or a file is missing or malformed: the message names the
        file and the key.

    Examples
    --------
    >>> from pathlib import Path
    >>> from churnsim.records import load_run
    >>> load_run(Path("no-such-run"))
    Traceback (most recent call last):
        ...
    churnsim.errors.DataError: no-such-run is not a directory. Give the run directory that `churnsim run` wrote.
    """
    run_dir = Path(run_dir)
    if not run_dir.is_dir():
        raise DataError(f"{run_dir} is not a directory. Give the run directory that `churnsim run` wrote.")
    manifest = _read_piece(run_dir, "manifest")
    # Asked before the other pieces are read: an unfinished run lacks them, and that is not what is wrong with it.
    status = manifest.get("status") if isinstance(manifest, dict) else None
    if status != "complete":
        raise DataError(
            f"the run in {run_dir} is {status or 'without a status'}, not complete, so there is nothing to report "
            "yet. Run the same configuration again: it continues where it stopped."
        )
    pieces = {name: manifest if name == "manifest" else _read_piece(run_dir, name) for name in PIECES}
    pieces |= {name: _read_piece(run_dir, name) for name in OPTIONAL if (run_dir / f"{name}.json").is_file()}
    try:
        run = Run.model_validate(pieces, context=STORED)
    except ValidationError as error:
        raise DataError(_explain(error, run_dir)) from error
    _check_names(run, run_dir)
    return run


def load_draws(run_dir: Path) -> pd.DataFrame | None:
    """What each replication drew and each option earned in it, behind what the numbers of a run are worth; None where
    the run stores none. Raises DataError for a file that is no such table."""
    path = Path(run_dir) / INPUTS
    if not path.is_file():
        return None
    try:
        frame = pd.read_parquet(path)
        return frame.astype(np.float64)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Delete it and run the configuration again.") from None


def _read_piece(run_dir: Path, name: str) -> Any:
    path = run_dir / f"{name}.json"
    if not path.exists():
        raise DataError(
            f"{path} is missing, so {run_dir} is not a whole run. Run the configuration again to complete it."
        )
    remedy = "Delete it and run the configuration again."
    return read_json_file(path, what="part of a run", remedy=remedy, error=DataError)


def _explain(error: ValidationError, run_dir: Path) -> str:
    """The first thing that is wrong, by file and key."""
    first = error.errors()[0]
    piece, *keys = (str(part) for part in first["loc"])
    where = f" at {'.'.join(keys)}" if keys else ""
    more = error.error_count() - 1
    return (
        f"{run_dir / piece}.json{where}: {first['msg']}; got {first['input']!r:.80}"
        f"{f' (and {more} more like it)' if more else ''}. "
        "The run was stored by another version of churnsim, or altered: run the configuration again."
    )


def _check_names(run: Run, run_dir: Path) -> None:
    """Every strategy compared must be one that is described, the baseline among them."""
    known = {strategy.name for strategy in run.strategies}
    comparison = run.comparison
    used = {comparison.against} | {row.strategy for row in comparison.path}
    used |= {row.strategy for row in comparison.spending} | {row.strategy for row in comparison.activity}
    for metric in comparison.metrics.values():
        used |= {row.strategy for row in metric.levels}
        used |= {name for row in metric.differences for name in (row.strategy, row.against)}
    used |= {name for row in comparison.against_nothing for name in (row.strategy, row.against)}
    used |= {row.strategy for row in comparison.best}
    used |= {row.strategy for row in run.break_even.alone} if run.break_even else set()
    unknown = sorted(used - known)
    if unknown:
        raise DataError(
            f"{run_dir / 'comparison.json'} compares {', '.join(map(repr, unknown))}, which strategies.json does not "
            "describe. Run the configuration again."
        )
    if "npv" not in comparison.metrics:
        raise DataError(
            f"{run_dir / 'comparison.json'} holds no metric 'npv' (it has {sorted(comparison.metrics)}), by which the "
            "strategies are ranked. Run the configuration again."
        )
