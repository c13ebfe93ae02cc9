"""Reading a configuration file: TOML in, a checked `StudyConfig` out, or one ConfigError that lists every problem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from churnsim.errors import ConfigError
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.market_overrides import home_of, market_problems
from churnsim.study.config.problems import MOST_PROBLEMS, ConfigPath, Problem, closest, config_error
from churnsim.study.config.relations import relation_problems
from churnsim.study.config.section import MOST_REPLICATIONS
from churnsim.toml_text import parse_toml, read_text, value_at

__all__ = ["parse_config", "read_config", "with_replications"]

EXPECTED = {
    "string_type": "must be text in quotes.",
    "int_type": "must be a whole number, without quotes.",
    "float_type": "must be a number, without quotes.",
    "bool_type": "must be true or false, without quotes.",
    "date_type": "must be a date such as 1997-09-30.",
    "finite_number": "must be a finite number.",
    "tuple_type": "must be a list.",
}


def read_config(path: str | Path) -> StudyConfig:
    """The configuration at `path`.

    Raises ConfigError when the file is missing, is no regular file, is not UTF-8 or not TOML, or when any key is
    unknown, of the wrong kind or impossible; the first 25 problems of the content are listed with line, key, value and
    remedy.
    """
    path = Path(path)
    return parse_config(read_text(path, what="configuration"), name=str(path), folder=path.parent)


def parse_config(text: str, *, name: str = "the configuration", folder: str | Path = ".") -> StudyConfig:
    """The configuration in `text`; `name` is what messages call it, `folder` where a relative data path starts."""
    text = text.replace("\r\n", "\n")
    content = parse_toml(text, name=name, remedy=_toml_remedy(text))
    problems = list(islice(chain(_schema_problems(content), _market_problems(content)), MOST_PROBLEMS + 1))
    if not problems:
        config = schema_of(content).model_validate(content)
        config._folder = Path(folder)
        problems = relation_problems(config)
        if not problems:
            return config
    raise config_error(name, text, content, problems)


def with_replications(config: StudyConfig, replications: int) -> StudyConfig:
    """The same study with another number of replications of each strategy. Raises ConfigError for what cannot be."""
    if not 2 <= replications <= MOST_REPLICATIONS:
        raise ConfigError(f"replications must be from 2 to {MOST_REPLICATIONS:,}; got {replications}.")
    simulation = config.simulation.model_copy(update={"replications": replications})
    changed = config.model_copy(update={"simulation": simulation})
    problems = relation_problems(changed)
    if problems:
        raise ConfigError(f"{replications} replications do not fit this study: {problems[0].message}")
    return changed


def schema_of(content: dict[str, Any]) -> type[StudyConfig]:
    """The schema of a configuration: of subscribers with ``setting = "contractual"``, otherwise of purchases."""
    return ContractStudyConfig if "setting" in content else StudyConfig


def _toml_remedy(text: str) -> str:
    once = re.search(r"^\s*\[(strategy|belief)\]", text, flags=re.MULTILINE)
    if once:
        return f"There are several of these tables: write [[{once.group(1)}]] with two brackets, each time."
    return "Text needs quotes; a table is [name]."


def _schema_problems(content: dict[str, Any]) -> Iterator[Problem]:
    try:
        schema_of(content).model_validate(content)
    except ValidationError as error:
        for details in error.errors():
            if details["loc"] != ("market",) and not _counts_the_valid_alone(details, content):
                yield _problem(details, content)


def _counts_the_valid_alone(details: ErrorDetails, content: dict[str, Any]) -> bool:
    """Whether a list is only called too short because entries with problems of their own are not counted."""
    given = _shown(content, tuple(details["loc"]))
    return details["type"] == "too_short" and isinstance(given, list) and len(given) >= details["ctx"]["min_length"]


def _market_problems(content: dict[str, Any]) -> Iterator[Problem]:
    yield from market_problems(content.get("market", {}))


def _problem(details: ErrorDetails, content: dict[str, Any]) -> Problem:
    path = tuple(details["loc"])
    kind, limits = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        section = _section(path[:-1], content)
        key, mechanism = str(path[-1]), str(path[-2]) if len(path) > 1 else ""
        message = f"unknown key. {_place(key, mechanism, section)}"
        return Problem(path=path, message=message, show_value=False)
    if kind == "missing":
        section, key = _section(path[:-1], content), str(path[-1])
        return Problem(path=path, message=f"missing. {_add(section, path, key)}", show_value=False)
    if kind == "none_required":
        message = "has no part in a study of subscribers. Remove the table."
        return Problem(path=path, message=message, show_value=False)
    if kind in ("model_type", "dict_type"):
        return Problem(path=path, message=f"must be a table, written [{_table(path)}].")
    if kind == "value_error":
        message = str(limits["error"])
        return Problem(path=path, message=message, show_value=repr(_shown(content, path)) not in message)
    if kind == "literal_error":
        allowed = [str(value).strip("'") for value in limits["expected"].replace(" or ", ", ").split(", ")]
        return Problem(path=path, message=f"not one of the choices. {closest(str(details['input']), allowed)}")
    if kind == "string_pattern_mismatch":
        return Problem(
            path=path,
            message="must be at most 60 lower-case letters, digits, '-' and '_', beginning with a letter or digit.",
        )
    if kind == "too_short":
        return Problem(path=path, message=f"must have at least {limits['min_length']} entries.", show_value=False)
    bounds = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if kind in bounds:
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}[bounds[kind]]
        return Problem(path=path, message=f"must be {words} {limits[bounds[kind]]:g}.")
    return Problem(path=path, message=EXPECTED.get(kind, f"{details['msg']}."))


def _place(key: str, mechanism: str, section: type[BaseModel]) -> str:
    """What may have been meant by an unknown key: a near one of the same table, or the table where it belongs."""
    said = closest(key, section.model_fields)
    if said.startswith("Did you mean"):
        return said
    return home_of(key, near=mechanism) or said


def _shown(content: dict[str, Any], path: ConfigPath) -> Any:
    try:
        return value_at(content, path)
    except KeyError:
        return None


def _table(path: ConfigPath) -> str:
    return ".".join(key for key in path if isinstance(key, str))


def _add(section: type[BaseModel], path: ConfigPath, key: str) -> str:
    field = section.model_fields[key]
    if _nested(field.annotation) is not None:
        brackets = ("[[", "]]") if key == "strategy" else ("[", "]")
        return f"Add the table {brackets[0]}{_table(path)}{brackets[1]}."
    return f"Add {key}: {field.description}."


def _section(path: ConfigPath, content: dict[str, Any]) -> type[BaseModel]:
    """The model that describes the table at `path`."""
    section: type[BaseModel] = schema_of(content)
    for key in path:
        if isinstance(key, str):
            section = _nested(section.model_fields[key].annotation) or section
    return section


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _nested(part)) is not None), None)
