"""The catalogue: every claim by its id, in groups that a reader would look for.

What the claims say is in `statements.toml`; a claim's module is imported when the claim is first judged.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from churnsim.claims.machinery.claim import Claim, ClaimSource, Control, Evidence, Finding, Judge, Kind
from churnsim.claims.machinery.sources import TEXTS
from churnsim.claims.machinery.verdicts import Basis
from churnsim.errors import ConfigError


def _judge(module: str, function: str, inputs: Mapping[str, Any]) -> Judge:
    """A judge that is imported when it is first needed, with inputs of its own."""

    def judge(evidence: Evidence = None, quick: bool = False, **given: Any) -> Finding:
        found: Judge = getattr(import_module(f"churnsim.claims.{module}"), function)
        return found(evidence, quick, **{**inputs, **given})

    return judge


def _source(row: Mapping[str, str], studies: Mapping[str, Mapping[str, str]]) -> ClaimSource:
    study = {**studies.get(row.get("see", ""), {}), **{k: row[k] for k in ("study", "measured") if k in row}}
    text = TEXTS[row["text"]]
    return ClaimSource(text=text.cited, title=text.reference, **study)


def _claim(row: dict[str, Any], studies: Mapping[str, Mapping[str, str]]) -> Claim:
    """The claim that a [[claim]] of the statements describes."""
    module, _, named = row["module"].partition(":")
    function = named or "judge"
    inputs, expect = row.get("inputs", {}), row["expect"]
    worlds: dict[str, Any] = {
        world: Control(
            what=row[world],
            inputs=row.get(f"{world}_inputs", {}),
            judge=None if f"{world}_inputs" in row else _judge(module, function.replace("judge", world), inputs),
            seeded=world in row.get("seeded", ()),
        )
        for world in ("control", "planted")
        if world in row
    }
    return Claim(
        **{name: row[name] for name in ("id", "says", "quote", "quantity", "because")},
        sources=tuple(_source(source, studies) for source in row["sources"]),
        kind=Kind(row["kind"]),
        expect=tuple(expect) if isinstance(expect, list) else expect,
        within=row.get("within"),
        **worlds,
        settings=row.get("settings", {}),
        basis=Basis(row["basis"]) if "basis" in row else None,
        critique=tuple(row["critique"]),
        judge=_judge(module, function, inputs),
        data_sets=tuple(row.get("data_sets", ())),
        reads=tuple(row["reads"]) if "reads" in row else None,
    )


def _groups() -> dict[str, tuple[Claim, ...]]:
    content = tomllib.loads(Path(__file__).with_name("statements.toml").read_text(encoding="utf-8"))
    groups: dict[str, tuple[Claim, ...]] = {}
    for row in content["claim"]:
        groups[row["group"]] = (*groups.get(row["group"], ()), _claim(row, content["studies"]))
    return groups


GROUPS: Mapping[str, tuple[Claim, ...]] = _groups()


class Catalogue(Mapping[str, Claim]):
    """Claims by id, in the order given. An unknown id is a ConfigError that lists those there are.

    Examples
    --------
    >>> len(CATALOGUE) == len(set(CATALOGUE)), CATALOGUE["card-npv"].kind.value
    (True, 'arithmetic')
    """

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        self._claims = {claim.id: claim for claim in claims}
        if len(self._claims) != len(claims):
            ids = [claim.id for claim in claims]
            double = sorted({i for i in ids if ids.count(i) > 1})
            raise ConfigError(f"each claim needs an id of its own; given twice: {', '.join(double)}.")

    def __getitem__(self, claim_id: str) -> Claim:
        try:
            return self._claims[claim_id]
        except KeyError:
            known = ", ".join(self._claims)
            raise UnknownClaimError(f"there is no claim {claim_id!r}. Use one of: {known}.") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)


class UnknownClaimError(ConfigError, KeyError):
    """No claim has that id. Also a KeyError, so that the catalogue keeps the promises of a mapping."""

    def __str__(self) -> str:
        return str(self.args[0])


CATALOGUE = Catalogue(tuple(claim for group in GROUPS.values() for claim in group))
