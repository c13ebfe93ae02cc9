"""Unit: compiled code of other sources is forgotten, that of the present ones is kept."""

from __future__ import annotations

import os

from churnsim.kernels.numerics.numba_cache import forget_stale


def compiled(folder):
    return sorted(path.name for path in (folder / "__pycache__").glob("*.nb?"))


def planted(folder):
    (folder / "__pycache__").mkdir(exist_ok=True)
    for name in ("rule.f-1.py311.nbi", "rule.f-1.py311.1.nbc"):
        (folder / "__pycache__" / name).write_bytes(b"compiled")


def test_what_was_compiled_of_these_sources_is_kept(tmp_path):
    (tmp_path / "rule.py").write_text("f = 1\n")
    forget_stale(tmp_path)
    planted(tmp_path)
    forget_stale(tmp_path)
    assert len(compiled(tmp_path)) == 2


def test_what_was_compiled_before_anything_was_known_is_forgotten(tmp_path):
    (tmp_path / "rule.py").write_text("f = 1\n")
    planted(tmp_path)
    (tmp_path / "__pycache__" / "rule.cpython-311.pyc").write_bytes(b"not numba's")
    forget_stale(tmp_path)
    assert compiled(tmp_path) == []
    assert (tmp_path / "__pycache__" / "rule.cpython-311.pyc").exists()


def test_another_file_changed_added_or_gone_forgets_it(tmp_path):
    called, other = tmp_path / "called.py", tmp_path / "other.py"
    (tmp_path / "rule.py").write_text("f = 1\n")
    called.write_text("g = 1\n")
    forget_stale(tmp_path)

    def touched():
        os.utime(called, ns=(1, 1))

    changes = (touched, lambda: called.write_text("g = 10\n"), lambda: other.write_text(""), other.unlink)
    for change in changes:
        planted(tmp_path)
        change()
        forget_stale(tmp_path)
        assert compiled(tmp_path) == []


def test_a_broken_stamp_is_written_anew(tmp_path):
    (tmp_path / "rule.py").write_text("f = 1\n")
    planted(tmp_path)
    (tmp_path / "__pycache__" / "sources.txt").write_bytes(b"\xff\xfe")
    forget_stale(tmp_path)
    planted(tmp_path)
    forget_stale(tmp_path)
    assert len(compiled(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_to_is_left_alone(tmp_path):
    (tmp_path / "rule.py").write_text("f = 1\n")
    (tmp_path / "__pycache__").write_text("a file where the folder would be")
    forget_stale(tmp_path)
