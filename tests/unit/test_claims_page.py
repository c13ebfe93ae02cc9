"""Mechanics of the page about the claims: from stored findings, escaped, and the same again from what it stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.results import to_record
from churnsim.cli.app import app
from churnsim.errors import ConfigError
from churnsim.report.claims_page import claim_page, claims_page, read_findings, write_claims_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows(quick_result):
    """Two cheap findings and one with a map."""
    return [to_record(quick_result(claim_id)) for claim_id in ("card-npv", "very-satisfied", "five-percent-churn")]


def test_answer_first_then_map_estimand_evidence_and_what_would_change_it(rows, tmp_path):
    written = write_claims_page(rows, tmp_path / "claims.md")
    table = (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert "| [`card-npv`](claims/card-npv.md) | HOLDS | arithmetic |" in table
    text = (tmp_path / "claims" / "card-npv.md").read_text(encoding="utf-8")
    words = ("时间 现金流", "**HOLDS**, arithmetic", "*Found:* 111.7", "## What is measured", "## Evidence",
             "In a world where it is false", "## What would change it", "## Against it", "(../claims.md)")  # fmt: skip
    order = [text.index(word) for word in words]
    assert order == sorted(order)
    headline = (tmp_path / "claims" / "five-percent-churn.md").read_text(encoding="utf-8")
    assert "**HOLDS_IF**, assumed" in headline
    assert "of what is plausible, and fails in" in headline
    pictures = [path for path in written if path.suffix == ".svg"]
    assert len(pictures) == 1
    assert all(f"({path.name})" in headline for path in pictures)
    assert pictures[0].read_text(encoding="utf-8").startswith("<svg")


def test_the_page_is_what_its_stored_results_say(rows, tmp_path):
    write_claims_page(rows, tmp_path / "claims.md")
    stored = read_findings(tmp_path / "claims" / "results.json")
    assert claims_page(stored) == (tmp_path / "claims.md").read_text(encoding="utf-8")


def test_the_projects_own_page_is_what_its_stored_results_say():
    stored = read_findings(ROOT / "docs" / "claims" / "results.json")
    assert claims_page(stored) == (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    for claim in stored:
        assert claim_page(claim) == (ROOT / "docs" / "claims" / f"{claim.id}.md").read_text(encoding="utf-8")
    differ = {claim.id for claim in stored} ^ set(CATALOGUE)
    assert not differ, f"not both in the catalogue and in docs/claims/results.json: {differ} (see CONTRIBUTING.md)"
    assert all((ROOT / "docs" / p.file).is_file() for claim in stored for p in claim.pictures)


def test_text_is_escaped(rows):
    odd = [rows[0].model_copy(update={"says": "<script>alert(1)</script> | *bold* [x](y)"})]
    text = claims_page(odd)
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "\\| \\*bold\\*" in text


def test_command_and_bad_findings(rows, tmp_path):
    findings = tmp_path / "findings.json"
    findings.write_text(json.dumps([row.content() for row in rows]), encoding="utf-8")
    done = CliRunner().invoke(app, ["claims", "page", str(findings), str(tmp_path / "page.md")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "page.md").is_file()
    findings.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no findings"):
        read_findings(findings)
    findings.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not JSON"):
        read_findings(findings)
    with pytest.raises(ConfigError, match="does not exist"):
        read_findings(tmp_path / "none.json")
