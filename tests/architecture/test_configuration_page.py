"""docs/configuration.md and configs/templates name every key that a configuration may hold, as the code says it.

`python tests/architecture/test_configuration_page.py` writes the page again.
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from churnsim.study.config.config import DataSection, StudyConfig
from churnsim.study.config.config_file import parse_config
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.file_section import CovariatesSection, CustomerSeriesSection
from churnsim.study.config.strategy_sections import MECHANISMS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"
INNER = {"covariates", "series", "calendar_series"}  # tables, whose keys are told below
TEMPLATE = ROOT / "configs" / "templates" / "purchases.toml"
HEAD = """# The keys of a configuration

`churnsim run CONFIG` reads a TOML file of these tables. Lengths are text with a unit ("104 W", "2 years"), rates are
annual, money is in the currency of the data; a key that is not listed is an error. `configs/templates/purchases.toml`
is a configuration for a log of your own, with a comment on every key of `[data]`. What stands in `[market]` is listed,
with its sources, in the report of every run.

"""
SUBSCRIBERS = ("## [data", "## [survival", "## [profit_by_tenure")


def nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := nested(part)) is not None), None)


def choices(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{str(value).lower() if value is False else value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return ", ".join(filter(None, map(choices, get_args(annotation))))
    return ""


def default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if value is None or value is PydanticUndefined or value in ((), ""):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def tables(schema: type[BaseModel], name: str = "") -> list[str]:
    """The Markdown of a table's keys, then that of the tables within it; mechanisms are told by their own tables."""
    rows, inner = [], []
    for key, field in schema.model_fields.items():
        below = nested(field.annotation)
        if below is not None:
            inner += tables(below, f"{name}.{key}".strip("."))
        elif field.annotation is not type(None) and key != "market":
            words = "; ".join(filter(None, (field.description or "", choices(field.annotation))))
            rows.append(f"| `{key}` | {words} | {default(field)} |")
    if not rows:
        return inner
    title = f"## [{name}]" if name else "## Above all tables"
    about = " ".join((schema.__doc__ or "").split("\n\n")[0].split())
    return ["\n".join([title, "", about, "", "| key | meaning | if left out |", "|---|---|---|", *rows]), *inner]


def page() -> str:
    own = [text for text in tables(ContractStudyConfig) if text.split("]")[0] in SUBSCRIBERS]
    subscribers = [text.replace("## [", '## With setting = "contractual": [', 1) for text in own]
    return HEAD + "\n\n".join([*tables(StudyConfig), *subscribers]) + "\n"


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/architecture/test_configuration_page.py writes it"


def test_the_page_names_every_key_and_mechanism() -> None:
    text = page()
    for key in (*DataSection.model_fields, *CovariatesSection.model_fields, *CustomerSeriesSection.model_fields):
        assert key in INNER or f"| `{key}` |" in text
    for mechanism in MECHANISMS:
        assert f"## [strategy.{mechanism}]" in text


def test_the_template_is_a_study_and_explains_every_key_of_its_data(tmp_path: Path) -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    for name in ("purchases.csv", "people.csv"):
        (tmp_path / name).write_text("customer_id,date,amount\n")
    assert parse_config(text, folder=tmp_path).data.path == "purchases.csv"
    named = set(re.findall(r"^#? ?(\w+) = ", text, flags=re.MULTILINE))
    assert set(DataSection.model_fields) - INNER <= named
    assert {"path", "customer_id", "rate", "lifetime", "penalty"} <= named
    assert {"columns", "leaving", "before", "future"} <= named


ONE_BY_ONE = sorted(set(DataSection.model_fields) - INNER - {"dataset", "database", "path"})


@pytest.mark.parametrize("key", ONE_BY_ONE)
def test_every_commented_key_of_the_template_can_be_used(key: str, tmp_path: Path) -> None:
    """Uncommented one by one, but for those that exclude each other."""
    (tmp_path / "purchases.csv").write_text("customer_id,date,amount\n")
    text = TEMPLATE.read_text(encoding="utf-8")
    wanted = {"price": ("price", "quantity"), "quantity": ("price", "quantity")}.get(key, (key,))
    for name in wanted:
        text = re.sub(rf"^# ({name} = )", r"\1", text, count=1, flags=re.MULTILINE)
    assert key in parse_config(text, folder=tmp_path).data.model_fields_set


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
