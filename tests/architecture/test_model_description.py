"""Truth: the model's description. What the code writes into it is up to date, and a stale one is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.architecture.model_description import PARTS, filled

from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import CUSTOMER
from churnsim.simulation.scenario.market import Market
from churnsim.simulation.scenario.strategy import Strategy

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = DOCS.parent / "src" / "churnsim"
COMMAND = "python tests/architecture/model_description.py docs/odd.md docs/stress.md"


@pytest.mark.parametrize("name", ["odd.md", "stress.md"])
def test_the_description_is_what_the_code_says(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    assert filled(text) == text, f"docs/{name} has fallen behind the code. Run: {COMMAND}"


def test_every_part_is_used():
    both = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("odd.md", "stress.md"))
    assert not [name for name in PARTS if f"<!-- code: {name} -->" not in both]


def test_everything_is_described():
    """Every field of a customer, every mechanism of a market and a strategy, by name."""
    text = (DOCS / "odd.md").read_text(encoding="utf-8")
    own = {name for name, field in Market.__dataclass_fields__.items() if "origin" in field.metadata}
    missing = [name for name in (*(CUSTOMER.names or ()), *own) if f"| `{name}` |" not in text]
    assert not missing, f"docs/odd.md has no row for {missing}. Run: {COMMAND}"
    for whole, plain in (
        (Market, {"customers", "purchases", "spend", "draws", "beliefs", "origins", *own}),
        (Strategy, set()),
    ):
        parts = set(whole.__dataclass_fields__) - plain - {"name", "title", "description"}
        missing = [name for name in parts if f"**`{name}`: " not in text]
        assert not missing, f"docs/odd.md does not describe {missing}. Run: {COMMAND}"


def not_there(table: str) -> list[str]:
    """The `module.function` of a text that no module of the engines defines."""
    folders = [SOURCE / "kernels" / "engine", SOURCE / "simulation" / "engine"]
    found = []
    for module, function in re.findall(r"`([a-z_]+)\.([a-z_]+)`", table):
        text = "".join(p.read_text("utf-8") for p in (folder / f"{module}.py" for folder in folders) if p.is_file())
        found += [] if re.search(rf"^ *def {function}\(", text, re.MULTILINE) else [f"{module}.{function}"]
    return found


def test_where_things_happen_is_where_the_page_says():
    (table,) = re.findall(r"^\| what happens .*?\n\n", (DOCS / "simulation.md").read_text("utf-8"), re.M | re.DOTALL)
    assert table.count("`") > 60
    assert not_there(table) == []
    assert not_there("`event_rules.purchase` `event_rules.bought` `no_module.purchase`") == [
        "event_rules.bought", "no_module.purchase"
    ]  # fmt: skip


def test_control_a_stale_or_mistaken_stretch_is_noticed():
    stale = "<!-- code: clock -->\nan hour has 50 minutes\n<!-- end -->\n"
    assert "50 minutes" not in filled(stale)
    with pytest.raises(ConfigError, match="no part of the code describes 'clocks'"):
        filled(stale.replace("clock ", "clocks "))
