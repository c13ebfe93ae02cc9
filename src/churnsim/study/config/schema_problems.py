"""Everything wrong with the content of a TOML file by a schema of pydantic's, in the words of its reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from churnsim.study.config.market_overrides import home_of
from churnsim.study.config.problems import ConfigPath, Problem, closest
from churnsim.toml_text import value_at

EXPECTED = {
    "string_type": "must be text in quotes.",
    "int_type": "must be a whole number, without quotes.",
    "float_type": "must be a number, without quotes.",
    "bool_type": "must be true or false, without quotes.",
    "date_type": "must be a date such as 1997-09-30.",
    "finite_number": "must be a finite number.",
    "tuple_type": "must be a list.",
}


def schema_problems(content: dict[str, Any], schema: type[BaseModel]) -> Iterator[Problem]:
    """What `schema` has against `content`, but for a market that is no table, which is told where markets are."""
    try:
        schema.model_validate(content)
    except ValidationError as error:
        several: dict[ConfigPath, list[str]] = {}
        for details in error.errors():
            is_market = details["type"] == "dict_type" and details["loc"][-1] == "market"
            if is_market or _counts_the_valid_alone(details, content):
                continue
            problem = _problem(details, content, schema)
            if details["type"] == "missing" or (path := _without_kinds(problem.path, content)) == problem.path:
                yield problem
            else:
                choice = details["type"] == "literal_error"
                message = f"{details['ctx']['expected'].lower()}." if choice else problem.message
                several.setdefault(path, []).append(message)
        for path, messages in several.items():  # a value of several kinds is wrong for each of them
            yield Problem(path=path, message=", or ".join(message.removesuffix(".") for message in messages) + ".")


def _without_kinds(path: ConfigPath, content: dict[str, Any]) -> ConfigPath:
    """The part of a path that the file has: where a value may be of several kinds, pydantic appends which was tried."""
    while path:
        try:
            value_at(content, path)
        except KeyError:
            path = path[:-1]
        else:
            break
    return path


def _counts_the_valid_alone(details: ErrorDetails, content: dict[str, Any]) -> bool:
    """Whether a list is only called too short because entries with problems of their own are not counted."""
    given = _shown(content, tuple(details["loc"]))
    return details["type"] == "too_short" and isinstance(given, list) and len(given) >= details["ctx"]["min_length"]


def _problem(details: ErrorDetails, content: dict[str, Any], schema: type[BaseModel]) -> Problem:
    path = tuple(details["loc"])
    kind, limits = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        section = _section(path[:-1], schema)
        key, mechanism = str(path[-1]), str(path[-2]) if len(path) > 1 else ""
        message = f"unknown key. {_place(key, mechanism, section)}"
        return Problem(path=path, message=message, show_value=False)
    if kind == "missing":
        section, key = _section(path[:-1], schema), str(path[-1])
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
    if kind == "too_long":
        return Problem(path=path, message=f"must have at most {limits['max_length']} entries.", show_value=False)
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


def _section(path: ConfigPath, schema: type[BaseModel]) -> type[BaseModel]:
    """The model that describes the table at `path`."""
    section = schema
    for key in path:
        if isinstance(key, str):
            section = _nested(section.model_fields[key].annotation) or section
    return section


def _nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _nested(part)) is not None), None)
