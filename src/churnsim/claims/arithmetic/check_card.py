"""Second implementation of the card's figures, in exact fractions, written from the table and not from `economics`."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["card_with_leavers", "card_worth", "printed_sum"]

TABLE = ("-51", "30", "42", "44", "49", "55")


def card_worth(percent: int, years: int = 5, sixth: str = "60") -> Fraction:
    """Worth now of the card's first `years` years (at most six) at a whole percentage rate, by Horner's rule."""
    flows = [Fraction(flow) for flow in (*TABLE, sixth)][: years + 1]
    worth = Fraction(0)
    for flow in reversed(flows):
        worth = flow + worth * Fraction(100, 100 + percent)
    return worth


def printed_sum() -> Fraction:
    """Sum of the present-value column as it stands in the text."""
    return sum((Fraction(cell) for cell in ("-51.0", "27.3", "34.7", "33.0", "33.5", "34.2")), Fraction(0))


def card_with_leavers(percent: int, leaving: Fraction, years: int) -> Fraction:
    """The card when a fraction leaves at each year's end, followed year by year; 60 from year six on."""
    left, factor, worth = Fraction(1), Fraction(1), Fraction(TABLE[0])
    for year in range(1, years + 1):
        factor *= Fraction(100, 100 + percent)
        worth += left * factor * (Fraction(TABLE[year]) if year < len(TABLE) else 60)
        left -= left * leaving
    return worth
