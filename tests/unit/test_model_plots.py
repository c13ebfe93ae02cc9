"""Pictures of models hold what they should, and the command that draws them ends well and badly in words."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import churnsim as cs
from churnsim.cli.app import app
from churnsim.errors import ConfigError, MissingExtraError
from churnsim.models.purchase.alive_grid import alive_grid
from churnsim.report.charts.model_plots import (
    plot_alive,
    plot_calibration,
    plot_frequency_fit,
    plot_holdout,
    plot_tracking,
)

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def done():
    return cs.validate(
        cs.datasets.cdnow(), [cs.BGNBD], calibration_end="1997-09-30", holdout_end="1998-06-30", baselines=[]
    )  # fmt: skip


def test_every_picture_is_drawn(done, tmp_path):
    model = done.fits["bg_nbd"].model
    pictures = {
        "frequency": (plot_frequency_fit(model, done.split), "Repeat purchases"),
        "holdout": (plot_holdout(done, "bg_nbd"), "Mean purchases held out"),
        "tracking": (plot_tracking(done, "bg_nbd"), "calibration ends"),
        "weekly": (plot_tracking(done, "bg_nbd", cumulative=False), "Repeat purchases a week"),
        "calibration": (plot_calibration(done, "bg_nbd"), "Chance to buy in the holdout by bg_nbd"),
        "alive": (plot_alive(model, T=39.0), "weeks from the first to the last purchase, of 39"),
    }
    for name, (picture, words) in pictures.items():
        assert picture.svg.startswith("<svg")
        assert words in picture.svg
        assert "<script" not in picture.svg
        assert picture.save(tmp_path / f"{name}.svg").read_text(encoding="utf-8") == picture.svg
    assert pictures["alive"][0].save(tmp_path / "alive.png").read_bytes().startswith(PNG)
    with pytest.raises(ConfigError, match=r"Use \.svg or \.png"):
        pictures["alive"][0].save(tmp_path / "alive.pdf")
    with pytest.raises(ConfigError, match=r"there is no model .mine.\. Validated are bg_nbd"):
        plot_calibration(done, "mine")


def test_the_grid_is_small_and_right(done):
    """A thousand cells, whatever the number of customers; each is the model's own number."""
    model = done.fits["bg_nbd"].model
    grid = alive_grid(model, T=39.0, most_purchases=25, steps=40)
    assert len(grid) == 1 + 25 * 40
    cell = grid[(grid["frequency"] == 2) & (grid["latest"] == 39.0)]
    np.testing.assert_allclose(cell["p_alive"], model.p_alive(cell.assign(T=39.0)))
    assert (grid.groupby("frequency")["p_alive"].apply(lambda part: part.is_monotonic_increasing)).all()
    with pytest.raises(ConfigError, match="T must be a finite number above 0"):
        alive_grid(model, T=0.0)


def test_without_the_extra_it_says_so(done, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*churnsim\[report\]"):
        plot_alive(done.fits["bg_nbd"].model, T=39.0)


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
    stored = json.loads(out.read_text(encoding="utf-8"))
    assert stored["scores"][0]["model"] == "bg_nbd"
    assert {row["level"] for row in stored["intervals"]} == {0.5, 0.8, 0.9, 0.95}
    compared = run(app, ["fit", str(file), "--compare"])
    assert compared.exit_code == 0, compared.output
    assert "delta_bic" in compared.output
    wrong = run(app, ["validate", str(file), "--calibration-end", "1997-09-30", "--models", "abc"])
    assert wrong.exit_code == 2
    assert "--models has abc. Use some of" in wrong.output
