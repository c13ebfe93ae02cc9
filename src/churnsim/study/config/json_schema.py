"""The configuration as JSON Schema (draft 2020-12), by which editors complete and check a study's TOML while it is
written. What holds between several keys is checked when the file is read, not here."""

from __future__ import annotations

from dataclasses import Field
from typing import Any, get_args

from pydantic.json_schema import models_json_schema

from churnsim.claims.catalogue import CATALOGUE
from churnsim.models.purchase.registry import simulated_families
from churnsim.simulation.core.belief import Law, Status
from churnsim.study.config.config import CHOOSE, StudyConfig
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.market_overrides import INTERVAL, TIME, documented, mechanism_types, named_parts, own_numbers
from churnsim.study.config.section import LENGTH_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """The JSON Schema of a study's configuration: of purchases, or with the key ``setting`` of subscribers."""
    kinds = (StudyConfig, ContractStudyConfig)
    references, shared = models_json_schema([(kind, "validation") for kind in kinds], title="A study of churnsim")
    definitions = shared["$defs"]
    for kind in kinds:
        keys = definitions[kind.__name__]["properties"]
        keys["market"] = {"$ref": "#/$defs/Market"}
        for table in ("models", "survey"):
            keys[table] = keys[table] if kind is StudyConfig else False
    # Of a log without amounts no strategy need be given.
    definitions[StudyConfig.__name__]["required"].remove("strategy")
    definitions["ModelsSection"]["properties"]["purchases"]["enum"] = [CHOOSE, *simulated_families()]
    claims = definitions["ClaimsSection"]["properties"]
    ids = {"anyOf": [{"enum": list(CATALOGUE)}, {"type": "string", "pattern": r"\.(toml|py)$"}]}
    claims["test"] = {"type": "array", "items": ids, "description": claims["test"]["description"]}
    whole = {
        "$schema": DIALECT,
        "title": shared["title"],
        "if": {"required": ["setting"]},
        "then": references[(ContractStudyConfig, "validation")],
        "else": references[(StudyConfig, "validation")],
        "$defs": {**{name: _briefly(told) for name, told in definitions.items()}, "Market": _market()},
    }
    found: dict[str, Any] = _without_null(whole)
    return found


def _briefly(schema: dict[str, Any]) -> dict[str, Any]:
    """With the first paragraph of what is said of a table."""
    return {**schema, "description": _first_paragraph(schema.get("description"))}


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _market() -> dict[str, Any]:
    """The table [market]: a number plain, or with its interval and its source."""
    numbers = {name: _number(about) for name, about in own_numbers().items()}
    parts = {name: _part(kind) for name, kind in mechanism_types().items()}
    return {
        "type": "object", "additionalProperties": False, "properties": {**numbers, **parts},
        "description": "assumptions other than the defaults",
    }  # fmt: skip


def _part(kind: type) -> dict[str, Any]:
    keys = {name: _number(about) for name, about in documented(kind).items()}
    keys |= {name: {"type": "object", "additionalProperties": _part(own)} for name, own in named_parts(kind).items()}
    told = _first_paragraph(kind.__doc__)
    return {"type": "object", "additionalProperties": False, "properties": keys, "description": told}


def _number(about: Field[Any]) -> dict[str, Any]:
    plain = LENGTH_SCHEMA if about.metadata["unit"] == TIME else {"type": "number"}
    said = {
        "level": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "law": {"enum": list(get_args(Law))}, "source": {"type": "string", "minLength": 1},
        "status": {"enum": list(get_args(Status))},
    }  # fmt: skip
    table = {
        "type": "object", "additionalProperties": False, "required": ["value"],
        "properties": {"value": plain, **dict.fromkeys(INTERVAL, plain), **said},
        "dependentRequired": {"low": ["high"], "high": ["low"], "level": ["low"], "law": ["low"]},
    }  # fmt: skip
    return {"anyOf": [plain, table], "description": str(about.metadata["meaning"])}


def _without_null(schema: Any) -> Any:
    """TOML has no null: a key is left out instead, and so is what the schema says of it; titles only repeat keys."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if not (key == "default" and value is None)}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1 and len(kept["anyOf"]) > 1:
        del kept["anyOf"]
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept
