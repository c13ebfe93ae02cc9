"""Replications that an earlier, complete run has done already under the same market and strategy.

More replications, another strategy beside the others, a precision to reach: each makes another run, whose ledgers are
in part those of the run before. A ledger depends on the data, the seed, the market, the clock and its own strategy
alone, and replication k on nothing that k + 1 needs; so what is stored is taken over instead of simulated again.
"""

from __future__ import annotations

import hashlib
import json

import churnsim
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.score_files import scores_checksum
from churnsim.study.storage.outcome_parts import OutcomeParts, ledgers_of
from churnsim.study.storage.provenance import recipe
from churnsim.study.storage.store import OUTCOMES, RunStore, read_parquet

# What says nothing of a strategy's ledger.
WORDS = ("title", "description", "reference")

# What the ledgers of all strategies depend on; the last three only some studies have.
SHARED = ("seed", "data", "models", "simulation", "market", "budget", "survival", "profit_by_tenure", "evidence")


def outcome_keys(config: StudyConfig, data_checksum: str) -> dict[str, str]:
    """For each strategy a SHA-256 (hex) of all that its ledgers depend on, but the replication's number.
    `data_checksum` is of the customers and of the records that measure the market."""
    content = config.canonical()
    content["simulation"].pop("replications")
    common = {name: content[name] for name in SHARED if name in content}
    keys = {}
    for strategy, section in zip(content["strategy"], config.strategy, strict=True):
        own = {key: value for key, value in strategy.items() if key not in WORDS}
        checksum = data_checksum + scores_checksum(section, config.folder)
        everything = {**common, "strategy": own, "checksum": checksum, "churnsim": churnsim.__version__}
        text = json.dumps(everything, sort_keys=True, separators=(",", ":"), allow_nan=False)
        keys[strategy["name"]] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def borrow_outcomes(store: RunStore, keys: dict[str, str], *, most: int, periods: int) -> int:
    """Put ledgers of earlier complete runs beside this one among its parts, as if it had run them; how many.

    A run made by other code or packages, one that was altered, and replications from `most` on are passed over.
    """
    made_by, parts = recipe(), OutcomeParts(store, periods)
    have = set(parts.stored(keys))
    kept = len(have)
    for directory in sorted(store.directory.parent.iterdir()):
        if directory == store.directory or not (directory / OUTCOMES).is_file():
            continue
        earlier = RunStore(directory)
        manifest = earlier.manifest()
        if manifest is None or manifest.status != "complete" or manifest.recipe != made_by:
            continue
        shared = {name for name, key in keys.items() if manifest.outcome_keys.get(name) == key}
        if shared and not earlier.damaged({OUTCOMES: manifest.products.get(OUTCOMES, "")}):
            outcomes = read_parquet(directory / OUTCOMES)
            outcomes = outcomes[outcomes["strategy"].isin(shared) & (outcomes["replication"] < most)]
            found = {key: table for key, table in ledgers_of(outcomes) if key not in have}
            parts.add(found)
            have |= set(found)
    parts.flush()
    return len(have) - kept
