"""Truth: a control. A pickle that would run code when loaded runs nothing here, and is refused."""

from __future__ import annotations

import lzma
import pickle

import numpy as np
import pandas as pd
import pytest

from churnsim.data.tabular.safe_pickle import read_inert_frame
from churnsim.errors import DataError


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def pack(tmp_path, thing, protocol=5):
    path = tmp_path / "table.pkl.xz"
    with lzma.open(path, "wb") as file:
        pickle.dump(thing, file, protocol=protocol)
    return path


def test_a_plain_frame_is_read(tmp_path):
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "word": ["a", "ü"]})
    frame["word"] = frame["word"].astype(object)
    found = read_inert_frame(pack(tmp_path, frame)).astype({"word": object})  # pandas 3 keeps texts by themselves
    pd.testing.assert_frame_equal(found, frame, check_index_type=False)


@pytest.mark.skipif(pd.__version__ < "2.3", reason="such columns came with 2.3")
@pytest.mark.parametrize("storage", ["pyarrow", "python"])
def test_texts_are_read_as_pandas_3_keeps_them(tmp_path, storage):
    """With a cell that is not there, from the middle of a longer column, in several pieces, and none at all."""
    with pd.option_context("mode.string_storage", storage):
        frame = pd.DataFrame({"n": [1, 2, 3], "word": ["a", "ü", ""], "more": ["b", None, "日本"]}).convert_dtypes()
        frame["n"] = frame["n"].astype("int64")
        for part in (frame, frame.iloc[1:], pd.concat([frame, frame.iloc[1:]], ignore_index=True), frame.iloc[:0]):
            found = read_inert_frame(pack(tmp_path, part))
            assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
                [row.n, row.word, None if row.more is pd.NA else row.more] for row in part.itertuples()
            ]
            assert list(found) == list(part)


@pytest.mark.parametrize(
    "content",
    [
        ("large_string", 10**12, 0, 0, [None, b"\0" * 16, b""], [], None),
        ("large_string", 2, 0, 0, [b"", b"\0" * 24, b""], [], None),
        ("large_string", 1, 0, -1, [None, b"\0" * 16, b""], [], None),
        ("int64", 1, 0, 0, [None, b"\0" * 16, b""], [], None),
        ("large_string", 1, 0, 0, [None, b"\0" * 16], [], None),
        10**12,
    ],
)
def test_a_spoilt_column_of_texts_is_refused(tmp_path, content):
    path = tmp_path / "table.pkl.xz"
    named = b"cpyarrow.lib\n_restore_array\n"
    body = pickle.dumps(content, 2)[2:-1]  # without the mark of its protocol and the stop
    path.write_bytes(lzma.compress(named + body + b"\x85R."))
    with pytest.raises(DataError, match="does not hold a plain table"):
        read_inert_frame(path)


def test_planted_code_does_not_run(tmp_path):
    trap = tmp_path / "ran"
    lzma_file = pack(tmp_path, Bomb(trap))
    with pytest.raises(DataError, match="does not hold a plain table"):
        read_inert_frame(lzma_file)
    assert not trap.exists()
    with lzma.open(lzma_file) as file:  # the trap is real: loading does spring it
        pickle.load(file).close()  # noqa: S301
    assert trap.exists()


def test_code_hidden_in_a_cell_does_not_run(tmp_path):
    trap = tmp_path / "ran"
    frame = pd.DataFrame({"word": ["a", Bomb(trap)]}, dtype=object)
    with pytest.raises(DataError, match="does not hold a plain table"):
        read_inert_frame(pack(tmp_path, frame))
    assert not trap.exists()


@pytest.mark.parametrize(
    "name",
    [("os", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("numpy", "save"), ("pandas", "read_pickle")],
)
def test_a_name_that_is_not_a_tables_is_refused(tmp_path, name):
    """Also one of a module whose other names are allowed; protocol 0 names it in plain text."""
    path = tmp_path / "table.pkl.xz"
    path.write_bytes(lzma.compress(f"c{name[0]}\n{name[1]}\n(S'x'\ntR.".encode()))
    with pytest.raises(DataError, match=f"a call of {name[0]}.{name[1]}"):
        read_inert_frame(path)


def test_cells_must_be_text_or_numbers(tmp_path):
    frame = pd.DataFrame({"word": ["a", ("b", "c")]}, dtype=object)
    with pytest.raises(DataError, match="neither text nor number"):
        read_inert_frame(pack(tmp_path, frame))


@pytest.mark.parametrize("content", [b"", b"not compressed", lzma.compress(b"\x80\x05]"), lzma.compress(b"text")])
def test_rubbish_is_one_clear_error(tmp_path, content):
    path = tmp_path / "table.pkl.xz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="does not hold a plain table"):
        read_inert_frame(path)
