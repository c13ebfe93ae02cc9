"""Every published figure, altered by more than its tolerance, must stop reproducing."""

from __future__ import annotations

import dataclasses

import pytest
from typer.testing import CliRunner

from churnsim.claims.machinery.reference_data import Workbench
from churnsim.claims.reproduction.published import PUBLISHED, PublishedFigure, load_controls, load_figures
from churnsim.claims.reproduction.reproduce import blunt_controls, compute, judge
from churnsim.cli.app import app
from churnsim.errors import ConfigError

FIGURES = load_figures()


@pytest.fixture(scope="module")
def computed() -> dict[str, float]:
    bench = Workbench()
    return {figure.id: compute(figure, bench) for figure in FIGURES}


def least_alteration(figure: PublishedFigure) -> float:
    """A figure that must be rounded to is broken by anything above its tolerance. Where a tolerance alone decides, the
    computed value may itself sit at its edge, and only twice as much is sure to be outside."""
    return figure.tolerance * (1.01 if figure.digits is not None else 2.01)


def test_an_altered_figure_does_not_reproduce(computed):
    for figure in FIGURES:
        assert judge(figure, computed[figure.id]).reproduced, figure.id
        for step in (1.0, 1.5, 3.0, 100.0):
            for sign in (-1.0, 1.0):
                moved = figure.published + sign * step * least_alteration(figure)
                altered = dataclasses.replace(figure, published=moved)
                assert not judge(altered, computed[figure.id]).reproduced, (figure.id, moved)


def test_every_group_is_covered():
    assert len(FIGURES) >= 60
    assert len({figure.group for figure in FIGURES}) >= 10


def test_every_group_has_a_control_that_does_not_reproduce():
    controlled = {control.figure.group for control in load_controls()}
    assert controlled == {figure.group for figure in FIGURES}
    assert blunt_controls() == []


def test_a_blunt_control_is_named_and_makes_the_command_fail(tmp_path):
    """A control that changes nothing reproduces, and that must be caught."""
    file = tmp_path / "figures.toml"
    text = PUBLISHED.read_text(encoding="utf-8")
    one = text[: text.index("[[figure]]")] + text[text.index('[[figure]]\nid = "card-npv-exact"') :]
    one = one[: one.index("[[figure]]", one.index("[[figure]]") + 1)]
    file.write_text(
        one + '[[control]]\nfigure = "card-npv-exact"\nwhat = "nothing"\ninputs = { rate = 0.1 }\n', encoding="utf-8"
    )
    assert blunt_controls(file) == ["card-npv-exact (nothing)"]
    done = CliRunner().invoke(app, ["reproduce", "--figures", str(file)])
    assert done.exit_code == 1
    assert "insensitive comparison: card-npv-exact (nothing)" in done.output


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ('figure = "none"\nwhat = "w"\ninputs = { rate = 1 }', "names no figure"),
        ('figure = "card-npv-exact"\nwhat = "w"\ninputs = {}', "replaces no input"),
        ('figure = "card-npv-exact"\nwhat = "w"', "keys figure, what and inputs"),
    ],
)
def test_a_bad_control_is_one_clear_error(tmp_path, control, message):
    file = tmp_path / "figures.toml"
    file.write_text(PUBLISHED.read_text(encoding="utf-8") + f"\n[[control]]\n{control}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_controls(file)
