"""The run directory: whole files or none, plain JSON, one writer at a time."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forked import Interpreter

from churnsim.errors import ConfigError
from churnsim.records.base import plain, rows
from churnsim.study.storage.provenance import _code_checksum
from churnsim.study.storage.store import (
    RunLock,
    RunStore,
    read_json,
    read_parquet,
    write_json,
    write_parquet,
    write_text,
)

FRAME = pd.DataFrame({"strategy": ["a", "b"], "period": np.array([0, 1]), "cents": np.array([5, -7])})


def test_json_holds_plain_values_only(tmp_path: Path) -> None:
    content = {
        "nan": float("nan"), "infinite": np.float64("inf"), "count": np.int64(3), "yes": np.bool_(True),
        "day": date(2026, 1, 2), "stamp": pd.Timestamp("2026-01-02 10:00"), "absent": pd.NaT, "array": np.array([1.5]),
    }  # fmt: skip
    path = tmp_path / "content.json"
    write_json(path, content)
    assert json.loads(path.read_text()) == {
        "nan": None, "infinite": None, "count": 3, "yes": True, "day": "2026-01-02", "stamp": "2026-01-02",
        "absent": None, "array": [1.5],
    }  # fmt: skip


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be stored in a result file"):
        plain(object())


def test_rows_are_plain() -> None:
    assert rows(FRAME) == [{"strategy": "a", "period": 0, "cents": 5}, {"strategy": "b", "period": 1, "cents": -7}]


def test_parquet_round_trip_and_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    write_parquet(one, FRAME)
    write_parquet(two, FRAME.set_axis([9, 4]))  # the index is no content
    assert one.read_bytes() == two.read_bytes()
    pd.testing.assert_frame_equal(read_parquet(one), FRAME)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def broken(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("churnsim.study.storage.store.os.fsync", broken)
    with pytest.raises(OSError, match="No space") as caught:
        write_text(path, "new")
    assert caught.value.filename == str(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_broken_json_is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match=r"manifest\.json is not JSON .* --fresh"):
        read_json(path)


def test_the_directory_is_named_after_study_and_hash(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path / "runs", "cdnow", "0123456789abcdef")
    assert store.directory == tmp_path / "runs" / "cdnow-01234567"
    assert store.manifest() is None
    assert not store.has_manifest()
    store.write("manifest.json", {"status": "partial"})
    again = RunStore.open(tmp_path / "runs", "cdnow", "0123456789abcdef")
    assert again.has_manifest()
    assert again.manifest() is None, "a manifest without its other keys is another version's"


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "cdnow-01234567"
    theirs.mkdir()
    (theirs / "holiday.jpg").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"is not a run of churnsim: it holds 'holiday\.jpg'"):
        RunStore.open(tmp_path, "cdnow", "0123456789abcdef")
    with pytest.raises(ConfigError, match=r"no manifest\.json"):
        RunStore.existing(theirs)
    with pytest.raises(ConfigError, match="no directory"):
        RunStore.existing(tmp_path / "absent")
    (tmp_path / "file-01234567").write_bytes(b"")
    with pytest.raises(ConfigError, match="is a file"):
        RunStore.open(tmp_path, "file", "0123456789abcdef")


def test_what_a_killed_run_leaves_behind_does_not_lock_it_out(tmp_path: Path) -> None:
    left = tmp_path / "cdnow-01234567"
    left.mkdir()
    (left / ".lock").write_bytes(b"")
    (left / ".manifest.json.x1.partial").write_bytes(b"")
    assert RunStore.open(tmp_path, "cdnow", "0123456789abcdef").directory == left


def test_clear_keeps_the_lock_alone(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path, "cdnow", "0123456789abcdef")
    with store.lock():
        store.write("manifest.json", {})
        write_text(store.part("outcomes", "000000.parquet"), "")
        store.clear()
        assert [p.name for p in store.directory.iterdir()] == [".lock"]


TRY_LOCK = """
import sys
from pathlib import Path
from churnsim.errors import ConfigError
from churnsim.study.storage.store import RunLock
try:
    with RunLock(Path(sys.argv[1])):
        print("locked")
except ConfigError as error:
    print(error)
"""


def test_a_second_process_is_refused_while_the_first_works(tmp_path: Path, interpreter: Interpreter) -> None:
    path = tmp_path / ".lock"
    with RunLock(path):
        other = interpreter.run(TRY_LOCK, arguments=["", str(path)], where=tmp_path)
        assert "another process is working on" in other.stdout
    assert interpreter.run(TRY_LOCK, arguments=["", str(path)], where=tmp_path).stdout == "locked\n"


def test_code_of_every_room_but_the_showing_ones_is_behind_the_numbers(tmp_path):
    """A room that is new is behind them too; `decisions` and `satisfaction` were once forgotten in a list."""
    for room in ("kernels", "decisions", "satisfaction", "of_tomorrow", "report", "cli"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_text("x = 1\n")
    before = _code_checksum(tmp_path)
    changes = {}
    for room in ("kernels", "decisions", "satisfaction", "of_tomorrow", "report", "cli"):
        (tmp_path / room / "a.py").write_text("x = 2\n")
        changes[room] = _code_checksum(tmp_path) != before
        (tmp_path / room / "a.py").write_text("x = 1\n")
    assert changes == {
        "kernels": True, "decisions": True, "satisfaction": True, "of_tomorrow": True, "report": False, "cli": False,
    }  # fmt: skip
