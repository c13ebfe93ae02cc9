"""How many replications a study needs: as many as its configuration says, or as a precision or a selection asks for."""

from __future__ import annotations

from churnsim.decisions.comparison.compare import Comparison
from churnsim.decisions.comparison.precision import next_size
from churnsim.decisions.comparison.selection import Selection, select_from
from churnsim.records.base import rows
from churnsim.records.what_if import PrecisionRecord, SelectionRecord
from churnsim.study.config.config import StudyConfig

# While a selection is open this many more are run at a time: a half again.
GROWTH = 1.5


def wanted_replications(config: StudyConfig, comparison: Comparison, size: int) -> int:
    """How many replications there should be after `size`; `size` itself when precision and selection are content or
    their budgets spent."""
    wanted = size
    if config.precision and len(comparison.strategies) > 1:
        asked = config.precision
        half = _half_width(config, comparison)
        wanted = next_size(size, half_width=half, wanted=asked.half_width, most=max(size, asked.max_replications))
    if _selected_among(config, comparison) and _selection(config, comparison).chosen is None:
        assert config.selection is not None
        wanted = max(wanted, min(int(size * GROWTH) + 1, config.selection.max_replications))
    return wanted


def precision_reached(config: StudyConfig, comparison: Comparison) -> PrecisionRecord | None:
    """What comparison.json says of the precision asked for; None where none was."""
    if not config.precision or len(comparison.strategies) < 2:
        return None
    half, asked = _half_width(config, comparison), config.precision
    return PrecisionRecord(**asked.model_dump(), reached_half_width=half, reached=half <= asked.half_width)


def selection_reached(config: StudyConfig, comparison: Comparison) -> SelectionRecord | None:
    """What comparison.json says of the selection asked for; None where none was."""
    if not _selected_among(config, comparison):
        return None
    assert config.selection is not None
    found = _selection(config, comparison)
    return SelectionRecord(
        **config.selection.model_dump(),
        chosen=found.chosen,
        remaining=found.remaining,
        replications=found.replications,
        table=rows(found.table.astype({"eliminated_at": "float64"})),
    )


def _half_width(config: StudyConfig, comparison: Comparison) -> float:
    assert config.precision is not None
    section = config.comparison
    return comparison.half_width(config.precision.metric, against=section.against, level=section.level)


def _selected_among(config: StudyConfig, comparison: Comparison) -> list[str]:
    """The strategies in the running that could be judged; none where there is nothing to choose."""
    running = [s.name for s in config.strategy if not s.reference and s.name in comparison.strategies]
    return running if config.selection and len(running) > 1 else []


def _selection(config: StudyConfig, comparison: Comparison) -> Selection:
    """Among the strategies in the running: a reference is compared, but cannot be chosen."""
    asked = config.selection
    assert asked is not None
    return select_from(
        comparison.values(asked.metric)[_selected_among(config, comparison)],
        indifference=asked.indifference,
        metric=asked.metric,
        level=asked.level,
        first_stage=asked.first_stage,
        spent="the budget of replications is spent",
    )
