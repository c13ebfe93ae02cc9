"""The five texts that the claims come from, by number and title, and studies that several claims go back to."""

from __future__ import annotations

from churnsim.claims.machinery.claim import Source

__all__ = ["REICHHELD_SASSER", "TARP_MEASURED", "TARP_STUDY", "TITLES", "source"]

TITLES = {
    "000": "後行銷管理 (after-marketing management)",
    "001": "7讲 保留老顾客的策略 (lecture 7: strategies for keeping existing customers)",
    "002": "21世纪中小企业营销创新的焦点 (marketing innovation of small firms in the 21st century)",
    "003": "建立客户忠诚之“九步法” (nine steps to customer loyalty)",
    "004": "顾客经营 中介 怎样重新经营被流失的顾客 (how to win lost customers back)",
}

REICHHELD_SASSER = "Reichheld & Sasser 1990, Zero defections, Harvard Business Review 68(5), 105-111"
TARP_STUDY = (
    "Technical Assistance Research Programs (TARP) 1979 and 1986, Consumer complaint handling in America, US Office of "
    "Consumer Affairs"
)
TARP_MEASURED = (
    "Share of surveyed households with a problem who meant to buy again, by size of loss (major / minor): silent "
    "9 / 37%, complained and unresolved 19 / 46%, resolved 54 / 70%, resolved quickly 82 / 95%. Intention, not "
    "purchases; the groups chose themselves."
)


def source(text: str, *, study: str = "", measured: str = "") -> Source:
    """A source by the number of its text, "000" to "004"."""
    return Source(text=text, title=TITLES[text], study=study, measured=measured)
