"""Pictures of models hold what they should, and the command that draws them ends well and badly in words."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli.app import app
from churnsim.errors import ConfigError
from churnsim.plots.data.fits import alive_grid


def test_the_grid_is_small_and_right(cdnow_models):
    """A thousand cells, whatever the number of customers; each is the model's own number."""
    model = cdnow_models[0].model
    grid = alive_grid(model, T=39.0, most_purchases=25)
    assert len(grid) == 1 + 25 * 40
    cell = grid[(grid["frequency"] == 2) & (grid["latest"] == 39.0)]
    np.testing.assert_allclose(cell["p_alive"], model.p_alive(cell.assign(T=39.0)))
    assert (grid.groupby("frequency")["p_alive"].apply(lambda part: part.is_monotonic_increasing)).all()
    with pytest.raises(ConfigError, match="T must be a finite number above 0"):
        alive_grid(model, T=0.0)


def test_validate_and_compare_at_the_terminal(tmp_path):
    log = cs.datasets.cdnow()
    file, out, folder = tmp_path / "log.csv", tmp_path / "v.json", tmp_path / "pictures"
    log[log["customer_id"] % 3 == 0].to_csv(file, index=False)
    run = CliRunner().invoke
    done = run(
        app,
        ["validate", str(file), "--calibration-end", "1997-09-30", "--models", "bg_nbd,pareto_nbd",
         "--json", str(out), "--pictures", str(folder)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "gradient-boosted trees" in done.output
    assert "Use " in done.output
    assert len(list(folder.iterdir())) == 12
    assert (folder / "alive.png").read_bytes().startswith(b"\x89PNG")
    tracked = (folder / "tracking.svg").read_text(encoding="utf-8")
    assert "calibration ends" in tracked
    assert "<script" not in tracked
    stored = json.loads(out.read_text(encoding="utf-8"))
    assert stored["scores"][0]["model"] == "bg_nbd"
    assert {row["level"] for row in stored["intervals"]} == {0.5, 0.8, 0.9, 0.95}
    compared = run(app, ["fit", str(file), "--compare"])
    assert compared.exit_code == 0, compared.output
    assert "delta_bic" in compared.output
    wrong = run(app, ["validate", str(file), "--calibration-end", "1997-09-30", "--models", "abc"])
    assert wrong.exit_code == 2
    assert "--models has abc. Use some of" in wrong.output
