"""The report's chapters in order. Each turns stored results into blocks of words, tables and figures."""

from __future__ import annotations

from churnsim.report.chapters import (
    answer,
    assumptions,
    beliefs,
    claims,
    customers,
    data,
    fit,
    information,
    method,
    moved,
    optimum,
    prediction,
    question,
    satisfaction,
    strategies,
    survival,
    value,
)
from churnsim.report.page.blocks import Chapter
from churnsim.report.page.context import Context

__all__ = ["all_chapters"]

_ORDER = (
    answer.chapter, moved.chapter, answer.detail,
    *(
        module.chapter
        for module in (
            question, customers, data, fit, prediction, survival, value, strategies, information, optimum, beliefs,
            satisfaction, claims, assumptions, method,
        )
    ),
)  # fmt: skip


def all_chapters(context: Context) -> list[Chapter]:
    """Every chapter that has something to say about this run."""
    chapters = (chapter(context) for chapter in _ORDER)
    return [chapter for chapter in chapters if chapter.blocks]
