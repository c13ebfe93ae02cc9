"""Truth: no broken file is taken in silence, ends in anything but a DataError, or changes the database."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from churnsim.data import read_covariates, read_records, read_subscriptions, read_transactions
from churnsim.data.database import CustomerDatabase
from churnsim.errors import DataError
from churnsim.models import load_model
from churnsim.satisfaction import read_survey
from churnsim.trials import TrialAssignment

_SPEC = importlib.util.spec_from_file_location("broken_files", Path(__file__).parents[1] / "broken_files.py")
broken_files = importlib.util.module_from_spec(_SPEC)
import sys  # noqa: E402  (a dataclass looks its module up while it is being made)

sys.modules["broken_files"] = broken_files
_SPEC.loader.exec_module(broken_files)
CORPUS = broken_files.corpus()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with CustomerDatabase(tmp_path_factory.mktemp("broken") / "customers.db") as db:
        db.add(broken_files.frame(), name="sound")
        yield db


def contents(db):
    """Everything in the database that a load can change."""
    return {name: db.table(name).to_csv() for name in ("transactions", "refunds", "set_aside", "loads")}


def test_there_are_enough():
    assert len(CORPUS) >= 60
    assert len({broken.name for broken in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("broken", CORPUS, ids=lambda broken: broken.name)
def test_it_is_refused_or_set_aside(broken, database, tmp_path):
    path = broken.write(tmp_path)
    before = contents(database)
    if broken.error is not None:
        with pytest.raises(DataError) as caught:
            database.add(path, **broken.options)
        message = str(caught.value)
        assert broken.error in message
        assert broken.name in message, "the message names the file"
        assert len(message) < 2500
        assert contents(database) == before
        return
    added = database.add(path, **broken.options)
    assert added.set_aside == broken.set_aside
    assert added.added == added.rows - added.set_aside
    last = database.table("set_aside").tail(broken.set_aside)
    assert last["reason"].str.contains(broken.reason, regex=False).all()
    assert (last["row_number"] > 1).all() or path.suffix == ".parquet"


def test_a_locked_workbook_is_not_called_a_broken_one(database, tmp_path):
    (locked,) = (broken for broken in CORPUS if broken.name == "locked-parts.xlsx")
    with pytest.raises(DataError, match=r"xlsx is encrypted\. Take the password off\.$"):
        database.add(locked.write(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name on this system")
@pytest.mark.parametrize(
    "read",
    [
        read_transactions,
        lambda path: read_subscriptions(path, observed_until="2024-01-01"),
        read_survey,
        TrialAssignment.read,
        load_model,
        lambda path: read_covariates(path, ["z"]),
        lambda path: read_records("contacts", path),
    ],
)
def test_a_pipe_is_refused_before_it_is_opened(read, tmp_path):
    """Reading it would wait for ever for somebody to write."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match="is not a regular file but a pipe"):
        read(pipe)
