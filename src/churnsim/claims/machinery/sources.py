"""The five texts that the claims come from, with their references, and studies that several claims go back to."""

from __future__ import annotations

from typing import NamedTuple


class CitedText(NamedTuple):
    """One of the texts. None is signed in the copy at hand, so each is cited by its title."""

    title: str
    year: str
    reference: str

    @property
    def cited(self) -> str:
        """As it is cited in a sentence."""
        return f"'{self.title}' ({self.year})"

    @property
    def in_brackets(self) -> str:
        """As it is cited within brackets."""
        return f"'{self.title}', {self.year}"


TEXTS = {
    "after-marketing": CitedText(
        "After-marketing management",
        "undated",
        "後行銷管理 (after-marketing management). Encyclopaedia article, unsigned",
    ),
    "lecture": CitedText(
        "Keeping existing customers",
        "undated",
        "7讲 保留老顾客的策略 (lecture 7: strategies for keeping existing customers). Slides, unsigned",
    ),
    "small-firms": CitedText(
        "Marketing innovation of small firms",
        "undated",
        "21世纪中小企业营销创新的焦点 (the focus of marketing innovation of small and medium-sized firms in the 21st "
        "century). Article, anonymous (佚名); this copy was put online in 2022",
    ),
    "nine-steps": CitedText(
        "Nine steps to loyalty",
        "2017",
        "建立客户忠诚之“九步法” (nine steps to customer loyalty). 中国商论 2017, 07(b), 160-161; "
        "the copy names no author",
    ),
    "win-back": CitedText(
        "Winning back lost customers",
        "undated",
        "怎样重新经营被流失的顾客 (how to win lost customers back). Article, unsigned",
    ),
}
"""The texts by the name that the claims use in code."""

TARP: dict[str, dict[str, float]] = {
    "major": {"silent": 0.09, "unresolved": 0.19, "resolved": 0.54, "resolved_quickly": 0.82},
    "minor": {"silent": 0.37, "unresolved": 0.46, "resolved": 0.70, "resolved_quickly": 0.95},
}
"""Share who would buy again, by size of loss and by what became of the complaint (TARP 1979, 1986): data, published."""
