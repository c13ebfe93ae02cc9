"""What a study needs beside churnsim itself, asked for or said before any work."""

from __future__ import annotations

from churnsim.data import datasets
from churnsim.errors import MissingExtraError
from churnsim.optional import require_installed
from churnsim.study.config.config import StudyConfig
from churnsim.study.stages.claim_stage import chosen_claims
from churnsim.study.stages.market_stage import own_mechanisms

STRUCTURAL = {"acsi", "paths"}
REGRESSIONS = {"penalty-reward"}


def check_requirements(config: StudyConfig) -> None:
    """Raise MissingExtraError where a table of the configuration needs a library that is not installed, ConfigError
    where a file of claims or mechanisms cannot be used."""
    if config.sensitivity is not None:
        require_installed("SALib", extra="sensitivity", purpose="the table [sensitivity]")
    if config.survey is not None:
        asked = set(config.survey.instruments)
        needed = ["semopy"] * bool(asked & STRUCTURAL) + ["statsmodels"] * bool(
            asked & REGRESSIONS or config.survey.sampled
        )
        require_installed(*needed, extra="survey", purpose="the table [survey]")
    own_mechanisms(config)
    if config.claims.test:
        chosen_claims(config)


def parts_not_judged(config: StudyConfig) -> list[str]:
    """A sentence for each of the study's claims that reads a data set which is not installed: that part of it will be
    UNTESTED."""
    said = []
    for claim in chosen_claims(config):
        for name in claim.data_sets:
            try:
                datasets.source(name)
            except MissingExtraError as error:
                said.append(f"{claim.id} will not be judged on {name}: {error}")
    return said
