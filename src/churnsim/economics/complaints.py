"""What becomes of dissatisfied customers: the tree from complaint or silence to staying or leaving.

With n dissatisfied, c the share who complain, and l_c, l_s the shares of complainants and of the silent who leave:
lost = n (c l_c + (1 - c) l_s).
"""

from __future__ import annotations

from dataclasses import dataclass

from churnsim.checks import check_number, check_share, typed

__all__ = ["ComplaintTree"]


@typed
@dataclass(frozen=True, kw_only=True)
class ComplaintTree:
    """A complaint tree; shares lie between 0 and 1, `dissatisfied` is a number of customers (else ConfigError).

    Examples
    --------
    >>> tree = ComplaintTree(dissatisfied=1000, complain=0.04, complainants_leave=0.3, silent_leave=0.9)
    >>> round(tree.complainants), round(tree.lost)
    (40, 876)
    """

    dissatisfied: float
    complain: float
    complainants_leave: float
    silent_leave: float

    def __post_init__(self) -> None:
        check_number(self.dissatisfied, "dissatisfied", least=0)
        for name in ("complain", "complainants_leave", "silent_leave"):
            check_share(getattr(self, name), name, zero=True)

    @property
    def complainants(self) -> float:
        """Customers who complain."""
        return self.dissatisfied * self.complain

    @property
    def silent(self) -> float:
        """Dissatisfied customers who say nothing."""
        return self.dissatisfied * (1.0 - self.complain)

    @property
    def complainants_lost(self) -> float:
        """Complainants who leave all the same."""
        return self.complainants * self.complainants_leave

    @property
    def complainants_kept(self) -> float:
        """Complainants who stay."""
        return self.complainants * (1.0 - self.complainants_leave)

    @property
    def silent_lost(self) -> float:
        """Silent customers who leave."""
        return self.silent * self.silent_leave

    @property
    def silent_kept(self) -> float:
        """Silent customers who stay."""
        return self.silent * (1.0 - self.silent_leave)

    @property
    def lost(self) -> float:
        """All who leave."""
        return self.complainants_lost + self.silent_lost

    @property
    def kept(self) -> float:
        """All who stay."""
        return self.complainants_kept + self.silent_kept
