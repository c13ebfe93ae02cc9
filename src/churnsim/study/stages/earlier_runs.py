"""What an earlier, complete run has done already: ledgers, break-evens, the validation and claims.

More replications, another strategy beside the others, another belief: each makes another run, whose results are in part
those of the run before. A ledger depends on the data, the seed, the market as far as its own strategy meets it, the
clock and that strategy alone, and replication k on nothing that k + 1 needs; so what is stored is taken over instead of
simulated again. So are other results, each by a key of all that it depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import churnsim
from churnsim.records.run import Manifest
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.market_overrides import mechanism_types
from churnsim.study.stages.score_files import scores_checksum
from churnsim.study.storage.outcome_parts import OutcomeParts, ledgers_of
from churnsim.study.storage.provenance import recipe
from churnsim.study.storage.store import OUTCOMES, RunStore, read_json, read_parquet

if TYPE_CHECKING:
    from churnsim.claims.machinery.claim import Claim

# What says nothing of a strategy's ledger.
WORDS = ("title", "description", "reference")

# What the ledgers of all strategies depend on; the last three only some studies have.
SHARED = ("seed", "data", "models", "simulation", "market", "budget", "survival", "profit_by_tenure", "evidence")


# What the validation of purchases depends on, besides whether the market has a regularity of its own.
OF_VALIDATION = ("seed", "data", "models", "validation")


def outcome_keys(config: StudyConfig, data_checksum: str) -> dict[str, str]:
    """For each strategy a SHA-256 (hex) of all that its ledgers depend on, but the replication's number.
    `data_checksum` is of the customers and of the records that measure the market."""
    content = config.canonical()
    content["simulation"].pop("replications")
    keys = {}
    for strategy, section in zip(content["strategy"], config.strategy, strict=True):
        common = {name: content[name] for name in SHARED if name in content}
        if section.mechanisms is None:
            common["market"] = market_met(config, section.tables)
            if not any(getattr(table, "budget_share", None) for table in section.tables.values()):
                common.pop("budget", None)
        own = {key: value for key, value in strategy.items() if key not in WORDS}
        checksum = data_checksum + scores_checksum(section, config.folder)
        keys[strategy["name"]] = key_of({**common, "strategy": own, "checksum": checksum})
    return keys


def market_met(config: StudyConfig, acting: Collection[str]) -> dict[str, Any]:
    """The [market] table without the parts that answer only mechanisms which are not among those `acting`. Where
    records measure the market all of it counts."""
    market: dict[str, Any] = config.canonical()["market"]
    kinds: dict[str, Any] = mechanism_types()
    if config.evidence is not None:
        return market

    def met(name: str) -> bool:
        needed = kinds[name].used_by.get("", ()) if name in kinds else ()
        return not needed or any(part in acting for part in needed)

    return {name: table for name, table in market.items() if met(name)}


def validation_key(config: StudyConfig, data_checksum: str) -> dict[str, str]:
    """The same for the validation of purchases; none for that of subscribers."""
    content = config.canonical()
    if content.get("setting") == "contractual":
        return {}
    known = {name: content[name] for name in OF_VALIDATION}
    return {"validation": key_of({**known, "regularity": "regularity" in content["market"], "checksum": data_checksum})}


def claim_keys(config: StudyConfig, chosen: Iterable[Claim], data_checksum: str) -> dict[str, str]:
    """The same for claims, by "claim ID": of the [market] table the parts that the claim reads."""
    content, parts = config.canonical(), mechanism_types()
    claims = {name: value for name, value in content["claims"].items() if name not in ("test", "settings")}
    common = {**of_market(config), "name": config.name, "claims": claims, "checksum": data_checksum}

    def read(claim: Claim) -> dict[str, Any]:
        if claim.reads is None or config.evidence is not None:
            return {"market": content["market"]}
        return {"market": {k: v for k, v in content["market"].items() if k not in parts or k in claim.reads}}

    return {
        f"claim {claim.id}": key_of(
            {**common, **read(claim), "id": claim.id, "settings": config.claims.settings.get(claim.id)}
        )
        for claim in chosen
    }  # fmt: skip


def of_market(config: StudyConfig) -> dict[str, Any]:
    """All that the market and the clock depend on, but the data. Records may be measured under the strategies."""
    content = config.canonical()
    names = [*SHARED, *(["strategy"] if config.evidence is not None else [])]
    return {name: content[name] for name in names if name in content and name != "budget"}


def key_of(everything: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of plain values and this version."""
    content = {**everything, "churnsim": churnsim.__version__}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def lenders(store: RunStore) -> Iterator[tuple[RunStore, Manifest]]:
    """The complete runs beside this one that were made by the same code and packages."""
    made_by = recipe()
    for directory in sorted(store.directory.parent.iterdir()):
        if directory != store.directory and (directory / OUTCOMES).is_file():
            manifest = RunStore(directory).manifest()
            if manifest is not None and manifest.status == "complete" and manifest.recipe == made_by:
                yield RunStore(directory), manifest


def borrow(store: RunStore, file: str, keys: Mapping[str, str], put: Callable[[Any, str], bool]) -> list[str]:
    """What other runs have under the same keys in a JSON `file`: `put` is given its content and the name of a key, and
    says whether it took anything. The names of what was taken."""
    taken: list[str] = []
    for earlier, manifest in lenders(store) if keys else ():
        shared = [name for name, key in keys.items() if manifest.stage_keys.get(name) == key and name not in taken]
        if shared and not earlier.damaged({file: manifest.products.get(file, "")}):
            content = read_json(earlier.directory / file)
            taken += [name for name in shared if put(content, name)]
    return taken


def borrow_outcomes(store: RunStore, keys: dict[str, str], *, most: int, periods: int) -> Counter[str]:
    """Put ledgers of earlier complete runs beside this one among its parts, as if it had run them; how many of each
    strategy.

    A run made by other code or packages, one that was altered, and replications from `most` on are passed over.
    """
    parts = OutcomeParts(store, periods)
    have, taken = set(parts.stored(keys)), Counter[str]()
    for earlier, manifest in lenders(store):
        shared = {name for name, key in keys.items() if manifest.outcome_keys.get(name) == key}
        if shared and not earlier.damaged({OUTCOMES: manifest.products.get(OUTCOMES, "")}):
            outcomes = read_parquet(earlier.directory / OUTCOMES)
            outcomes = outcomes[outcomes["strategy"].isin(shared) & (outcomes["replication"] < most)]
            found = {key: table for key, table in ledgers_of(outcomes) if key not in have}
            parts.add(found)
            have |= set(found)
            taken.update(name for name, _ in found)
    parts.flush()
    return taken
