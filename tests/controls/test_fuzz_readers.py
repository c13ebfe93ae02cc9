"""Truth: some hundred damaged files of every kind; the script runs for as long as one likes."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("fuzz_readers", Path(__file__).parents[1] / "fuzz_readers.py")
fuzz_readers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fuzz_readers)


def test_damaged_files_are_read_or_refused():
    outcomes = fuzz_readers.fuzz(150, seed=7, cases=150)
    assert sum(outcomes.values()) == 150
    assert set(outcomes) <= {"DataError", "ConfigError", "added", "already there", "read"}
