"""A stored run with its texts, which runs store in English, in the words of a report's language."""

from __future__ import annotations

from typing import Any

from churnsim.records.base import Record
from churnsim.records.claim import PartRecord, SourceRecord
from churnsim.records.evidence import CheckRecord
from churnsim.records.run import Run
from churnsim.records.survival import ChurnRecord
from churnsim.report.messages import Words

PROSE = frozenset(
    {
        "advice", "because", "beliefs", "before_source", "critique", "estimand", "expect", "meaning", "measured",
        "message", "quantity", "range_source", "reason", "region", "regression_status", "says", "source", "split",
        "statement", "study", "unit", "warnings", "what", "why", "words",
    }
)  # fmt: skip
"""Fields that hold sentences, or units."""
BY_RECORD: dict[type[Record], frozenset[str]] = {
    PartRecord: frozenset({"name"}),
    SourceRecord: frozenset({"title"}),
    CheckRecord: frozenset({"name"}),
    ChurnRecord: frozenset({"kind"}),
}
"""Fields that hold words in these records, and codes in others."""


def translated(run: Run, words: Words) -> Run:
    """The run with its prose told in the language of `words`; codes, names, figures and quotations stay as they are."""
    told: Run = _record(run, words)
    return told


def _record(record: Any, words: Words) -> Any:
    prose = PROSE | BY_RECORD.get(type(record), frozenset())
    changed = {}
    for name in type(record).model_fields:
        value = getattr(record, name)
        told = _value(value, words, prose=name in prose)
        if told is not value:
            changed[name] = told
    return record.model_copy(update=changed) if changed else record


def _value(value: Any, words: Words, *, prose: bool) -> Any:
    if isinstance(value, Record):
        return _record(value, words)
    if isinstance(value, str):
        return words.told(value) if prose else value
    if isinstance(value, list) and value and isinstance(value[0], Record | str):
        items = [_value(item, words, prose=prose) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, dict) and value and isinstance(next(iter(value.values())), Record):
        told = {key: _value(item, words, prose=prose) for key, item in value.items()}
        return value if all(told[key] is item for key, item in value.items()) else told
    return value
