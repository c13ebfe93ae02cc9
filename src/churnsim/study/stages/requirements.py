"""What a study needs beside churnsim itself, asked for before any work."""

from __future__ import annotations

from churnsim.optional import require_installed
from churnsim.study.config.config import StudyConfig

__all__ = ["check_extras"]

STRUCTURAL = {"acsi", "paths"}
REGRESSIONS = {"penalty-reward"}


def check_extras(config: StudyConfig) -> None:
    """Raise MissingExtraError where a table of the configuration needs a library that is not installed."""
    if config.sensitivity is not None:
        require_installed("SALib", extra="sensitivity", purpose="the table [sensitivity]")
    if config.survey is not None:
        asked = set(config.survey.instruments)
        needed = ["semopy"] * bool(asked & STRUCTURAL) + ["statsmodels"] * bool(
            asked & REGRESSIONS or config.survey.sampled
        )
        require_installed(*needed, extra="survey", purpose="the table [survey]")
