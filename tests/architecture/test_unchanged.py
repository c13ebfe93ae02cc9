"""Truth: results are what they were. What `unchanged.py` must catch it catches; the slow test runs it."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests.architecture import unchanged
from tests.architecture.unchanged import compare, masked, packed, read_product, unpacked, wanted

RESULT = {
    "rows": [{"name": "first one", "clv": 1.2}, {"name": "second", "clv": float("nan")}],
    "verdict": "HOLDS",
    "says": "the value is 1.2 of 3",
    "notes": ["one", "two"],
}


def product(tmp_path, content, name="value.json"):
    path = tmp_path / name
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return read_product(path)


def difference(tmp_path, changed, original=RESULT):
    """The one difference between two results."""
    found = compare({"run/value.json": product(tmp_path, original)}, {"run/value.json": product(tmp_path, changed)})
    assert len(found) == 1, found
    return found[0]


def test_the_same_is_the_same(tmp_path):
    one = product(tmp_path, RESULT)
    assert unpacked(json.loads(json.dumps(packed(one)))).sha256 == one.sha256
    assert repr(unpacked(packed(one))) == repr(one)
    assert compare({"run/value.json": one}, {"run/value.json": product(tmp_path, RESULT)}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": [{"name": "first one", "clv": 1.3}, RESULT["rows"][1]]}, "first at ['rows'][0]['clv']: 1.2 -> 1.3"),
        ({"rows": RESULT["rows"][:1]}, "first at ['rows'][1]['name']: a text -> nothing"),
        ({"rows": [RESULT["rows"][0], {"name": "second", "clv": None}]}, "['rows'][1]['clv']: nan -> None"),
        ({"verdict": "REFUTED"}, "first at ['verdict']: '=HOLDS' -> '=REFUTED'"),
        ({"more": "a text"}, "first at ['more']: nothing -> a text"),
        ({"notes": []}, "first at ['notes']: nothing -> []"),
        ({"says": 3}, "first at ['says']: a text -> 3"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_changed_number_code_or_key_is_caught(change, says, tmp_path):
    found = difference(tmp_path, {**RESULT, **change})
    assert not found.words_only
    assert says in str(found)


def test_the_last_bit_counts(tmp_path):
    assert not difference(tmp_path, {"x": 0.1 + 0.2}, {"x": 0.3}).words_only
    assert not difference(tmp_path, {"x": 1}, {"x": 1.0}).words_only


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"says": "a value of 1.2 out of 3"}, "1 text changed, no number"),
        ({"says": "the value is 1.3 of 3"}, "1 text changed (1 of them in a number, first at ['says']), no number"),
        ({"notes": ["uno", "due", "tre"]}, "3 texts changed, no number"),
        ({"notes": ["one"]}, "1 text changed, no number"),
    ],
)
def test_changed_texts_are_reported_as_such(change, says, tmp_path):
    found = difference(tmp_path, {**RESULT, **change})
    assert found.words_only
    assert str(found) == f"run/value.json: {says}"


def test_another_order_of_keys_is_reported(tmp_path):
    found = difference(tmp_path, dict(reversed(RESULT.items())))
    assert found.words_only
    assert "order of keys" in str(found)


def test_a_code_is_told_from_its_explanation():
    assert masked({"status": "converged: all is well"}) == masked({"status": "converged: the gradient vanishes"})
    assert masked({"status": "converged: all is well"}) != masked({"status": "diverged: all is well"})


def test_a_changed_table_is_caught(tmp_path):
    frame = pd.DataFrame({"npv": [1.0, 2.0], "strategy": ["baseline", "baseline"]})
    paths = [tmp_path / name for name in ("one.parquet", "other.parquet", "flipped.parquet")]
    frame.to_parquet(paths[0])
    frame.replace({"npv": {2.0: 2.5}}).to_parquet(paths[1])
    one, other = map(read_product, paths[:2])
    assert [str(d) for d in compare({"outcomes.parquet": one}, {"outcomes.parquet": other})] == [
        "outcomes.parquet: bytes differ; 1 of 2 columns, first at ['npv (double)'][1]: 2.0 -> 2.5"
    ]
    data = bytearray(paths[0].read_bytes())
    written_by = data.rindex(b"parquet-cpp")
    data[written_by] ^= 0x20
    paths[2].write_bytes(data)
    (found,) = compare({"outcomes.parquet": one}, {"outcomes.parquet": read_product(paths[2])})
    assert str(found) == "outcomes.parquet: bytes differ; every value the same"
    assert not found.words_only


def test_a_changed_text_in_a_table_is_no_wording(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("customer_id,amount\n~c1,1.0\n")
    one = read_product(path)
    path.write_text("customer_id,amount\n~c2,1.0\n")
    (found,) = compare({"out.csv": one}, {"out.csv": read_product(path)})
    assert not found.words_only
    assert "1 of 2 columns" in str(found)


def test_missing_and_extra_products_are_caught(tmp_path):
    one = product(tmp_path, RESULT)
    missing, extra = compare({"a.json": one, "b.json": one}, {"b.json": one, "c.json": one})
    assert (missing.product, extra.product) == ("a.json", "c.json")
    assert "missing" in missing.says
    assert "extra" in extra.says
    assert not missing.words_only
    assert not extra.words_only


def test_what_depends_on_the_day_is_left_out(tmp_path):
    one = product(tmp_path, {"name": "n", "seconds": 1.5, "started": "today", "seed": 1}, "manifest.json")
    assert (
        compare(
            {"m": one}, {"m": product(tmp_path, {"name": "n", "seconds": 2.5, "hash": "x", "seed": 1}, "manifest.json")}
        )
        == []
    )
    assert compare({"m": one}, {"m": product(tmp_path, {"name": "n", "seed": 2}, "manifest.json")})


def test_printed_figures_are_read_digit_by_digit(tmp_path):
    row = " NPV at 10%   111.66   {}   -0.00035   0.005   Someone (1990)   reproduced\n"
    path = tmp_path / "figures.txt"
    path.write_text(row.format("111.66"))
    one = read_product(path)
    path.write_text(row.format("111.67") + "                    and a second line\n")
    (found,) = compare({"f": one}, {"f": read_product(path)})
    assert not found.words_only
    assert "'=111.66' -> '=111.67'" in str(found)


def test_products_are_chosen_by_job_or_by_name():
    assert wanted("telco/value.json", ["telco"])
    assert wanted("telco/value.json", ["telco/*.json"])
    assert wanted("telco", ["telco/*.json"])
    assert not wanted("telco/outcomes.parquet", ["telco/*.json"])
    assert not wanted("cdnow", ["telco/*.json"])


@pytest.fixture
def small_record(tmp_path, monkeypatch):
    """A record of one job that writes what it is told to; returns the way to tell it."""
    monkeypatch.setattr(unchanged, "RECORD", tmp_path / "record.json")
    content = dict(RESULT)

    def job(home):
        (home / "value.json").write_text(json.dumps(content))
        yield home / "value.json"

    monkeypatch.setattr(unchanged, "jobs", lambda: {"toy": job})
    assert unchanged.main(["--record"]) == 0
    return content


def test_accepting_words_accepts_words_alone(small_record, capsys):
    assert unchanged.main([]) == 0
    small_record["says"] = "another wording"
    assert unchanged.main([]) == 0
    assert "toy/value.json: 1 text changed" in capsys.readouterr().out
    assert unchanged.main(["--accept-words"]) == 0
    capsys.readouterr()
    assert unchanged.main([]) == 0
    assert "changed, no number" not in capsys.readouterr().out
    before = unchanged.RECORD.read_text()
    small_record["rows"] = []
    small_record["says"] = "and another"
    assert unchanged.main([]) == 1
    assert unchanged.main(["--accept-words"]) == 1
    assert "nothing recorded" in capsys.readouterr().out
    assert unchanged.RECORD.read_text() == before


def test_a_job_that_fails_is_an_error_and_is_not_recorded(small_record, monkeypatch, capsys):
    def failing(home):
        raise unchanged.JobError("exit code 2")
        yield home

    monkeypatch.setattr(unchanged, "jobs", lambda: {"toy": failing})
    before = unchanged.RECORD.read_text()
    assert unchanged.main([]) == 1
    assert "toy: failed: exit code 2" in capsys.readouterr().out
    assert unchanged.main(["--record"]) == 1
    assert unchanged.RECORD.read_text() == before


@pytest.mark.slow
def test_results_are_what_they_were(capsys):
    """Bit for bit, so only with the packages the record was made with."""
    environment, _ = unchanged.read_record()
    if environment != unchanged.made_with():
        pytest.skip(f"the record was made with {environment}")
    assert unchanged.main([]) == 0, capsys.readouterr().out
