"""What `churnsim evidence` tells of a study's records, and writes as JSON."""

from __future__ import annotations

from pydantic import Field

from churnsim.records.base import Number, Record
from churnsim.records.evidence import EvidenceRecord
from churnsim.records.notices import StageFailure
from churnsim.records.run import AssumptionRecord, Reading


class StrategyVerdict(Record):
    """What one strategy earns more than another: what its interval `says` ("better", "worse" or "undecided"), and its
    `rank` from the best."""

    mean: Number
    lower: Number | None
    upper: Number | None
    says: Reading
    rank: int


class ChangedVerdict(Record):
    """One strategy in the market as assumed and as measured, and in words what changes, "" where nothing does."""

    strategy: str
    before: StrategyVerdict
    after: StrategyVerdict
    change: str = ""


class VerdictsRecord(Record):
    """The strategies compared with `against` in both markets, on the same customers and chances; `metric` is "npv", or
    "purchases" of a log without amounts."""

    against: str
    metric: str
    replications: int
    level: Number
    strategies: list[ChangedVerdict]


class EvidenceFindings(Record):
    """What `churnsim evidence` tells: what was measured, every number of the market that has an effect under these
    strategies, the most surely known first, and what the records change in the comparison of strategies."""

    evidence: EvidenceRecord
    known: list[AssumptionRecord]
    verdicts: VerdictsRecord
    failures: list[StageFailure] = Field(default_factory=list)
