"""Published facts about the CDNOW logs (Fader and Hardie 2001; Fader, Hardie and Lee 2005)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forked import Interpreter

from churnsim.data import datasets, split_holdout, summarise
from churnsim.errors import ConfigError, DataError, MissingExtraError

UNTIL, END = "1997-09-30", "1998-06-30"


@pytest.fixture(scope="module")
def split() -> pd.DataFrame:
    return split_holdout(datasets.cdnow(), until=UNTIL, holdout_until=END)


def test_full_log() -> None:
    log = datasets.cdnow(full=True)
    assert len(log) == 69_659
    assert log["customer_id"].nunique() == 23_570
    assert round(log["amount"].sum(), 2) == 2_500_315.63
    assert (log["date"].min(), log["date"].max()) == (pd.Timestamp("1997-01-01"), pd.Timestamp(END))
    spent = log.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    # Printed with three digits.
    assert spent.head(len(spent) // 5).sum() / spent.sum() == pytest.approx(0.678, abs=0.0005)


def test_sample_log() -> None:
    log = datasets.cdnow()
    assert list(log.columns) == ["customer_id", "date", "amount", "quantity"]
    assert (len(log), log["customer_id"].min(), log["customer_id"].max()) == (6_919, 1, 2_357)
    assert log.attrs["set_aside"] == []
    summary = summarise(log, until=UNTIL)
    assert len(summary) == 2_357
    assert (summary["frequency"] > 0).sum() == 946


def test_sample_is_part_of_the_full_log() -> None:
    def bag(log: pd.DataFrame) -> pd.Series[int]:
        return log.groupby(["date", "amount", "quantity"]).size()

    sample, full = bag(datasets.cdnow()), bag(datasets.cdnow(full=True))
    assert (full.reindex(sample.index, fill_value=0) >= sample).all()


def test_holdout_purchases(split: pd.DataFrame) -> None:
    assert split["frequency_holdout"].sum() == 1_882
    assert split["T_holdout"].unique().tolist() == [39.0]


def test_mean_holdout_purchases_by_calibration_frequency(split: pd.DataFrame) -> None:
    means = split.groupby(split["frequency"].clip(upper=7))["frequency_holdout"].mean()
    published = [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359]
    # Printed with three digits.
    np.testing.assert_allclose(means, published, rtol=0, atol=0.0005)


@pytest.mark.parametrize(("name", "full"), [("cdnow", False), ("cdnow-full", True)])
def test_source_says_where_the_data_are_from(name: str, full: bool) -> None:
    source = datasets.source(name)
    assert source.file == datasets.cdnow_file(full)
    assert source.checksum_sha256 == hashlib.sha256(source.file.read_bytes()).hexdigest()
    assert "Fader" in source.citation
    with pytest.raises(ConfigError, match="there is no data set 'cd'"):
        datasets.source("cd")


def test_lifetimes_is_not_imported_for_its_files(interpreter: Interpreter, tmp_path: Path) -> None:
    code = (
        "import sys; from churnsim.data import datasets; datasets.cdnow(); datasets.source('cdnow-full'); "
        "sys.exit('lifetimes' in sys.modules)"
    )
    assert interpreter.run(code, arguments=[""], where=tmp_path).returncode == 0


def test_absent_files_are_one_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"cdnow needs lifetimes.*pip install .*churnsim\[datasets\]"):
        datasets.cdnow()


def test_another_file_in_its_place_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "CDNOW_sample.txt"
    other.write_text("<html>not found</html>\n")
    monkeypatch.setattr(datasets, "cdnow_file", lambda full=False: other)
    with pytest.raises(DataError, match="is not the CDNOW file"):
        datasets.cdnow()
