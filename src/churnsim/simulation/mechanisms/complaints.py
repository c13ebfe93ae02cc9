"""How purchases fail, who complains, and who stays: the market's side of service.

These are the numbers. `failed_purchase` and `reply` in `kernels/engine/event_rules.py` lose customers by them, at once
or when a desk answers; with `satisfaction` a bad answer also makes it likelier that a customer leaves later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import assumed, length, published, share
from churnsim.simulation.mechanisms.parts import MarketPart
from churnsim.units import Duration

TARP = (
    "TARP, Consumer Complaint Handling in America: An Update Study (1986), minor loss: of customers with a problem, "
    "37% of the silent, 46% of the unresolved, 70% of the resolved and 95% of the quickly resolved buy again"
)
INTENTIONS = (
    f"{TARP}. These are intentions; the interval goes down to a major loss and about as far up. In Knox & van Oest "
    "(2014, J. Marketing 78(5), 42-57: 20,000 new customers, 2.5 years) complaints raise dropout, and recovery offsets "
    "that in part and for a while"
)


def _intention(default: float, meaning: str, interval: tuple[float, float]) -> Any:
    """A field that says how many stay, by what they told TARP."""
    return published(
        default, "probability", meaning, share, interval, source=INTENTIONS, status="published (intention)"
    )


@dataclass(frozen=True, kw_only=True)
class Complaints(MarketPart):
    """How purchases fail, who complains, and who stays."""

    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "complaint_probability_if_asked": ("asking",), "quick_within": ("desk",), "slow_within": ("desk",),
    }  # fmt: skip

    failure_share: float = assumed(
        0.44,
        "share of dropout",
        "dropout that service failures cause (phi)",
        share,
        (0.15, 0.5),
        source="Keaveney (1995, J. Marketing 59, 71-82): core service failures in 44% of the switching incidents that "
        "customers of services told of; carried over to this market",
    )
    complaint_probability: float = published(
        0.10,
        "probability",
        "a customer whose purchase failed complains (c)",
        share,
        (0.02, 0.3),
        source="1 in 10 ('Nine steps to loyalty', 2017); 4 in 100 ('Keeping existing customers', undated); 1 in 20 "
        "('Winning back lost customers', undated)",
        status="claimed",
    )
    complaint_probability_if_asked: float = assumed(
        0.40, "probability", "the same where the firm asks every buyer", share, (0.15, 0.7)
    )
    silent_stay: float = _intention(0.37, "a dissatisfied customer who does not complain stays", (0.09, 0.45))
    stay_unresolved: float = _intention(0.46, "stays though the complaint is not resolved", (0.19, 0.65))
    stay_slow: float = _intention(0.70, "stays after a late resolution", (0.5, 0.85))
    stay_quick: float = _intention(0.95, "stays after a quick resolution", (0.8, 0.99))
    quick_share: float = assumed(0.20, "share of complaints", "answered quickly without a desk", share, (0.05, 0.5))
    slow_share: float = assumed(
        0.50, "share of complaints", "answered late without a desk; the rest stays unresolved", share, (0.2, 0.7)
    )
    quick_within: Duration = assumed(
        Duration(1, "W"),
        "time units",
        "a reply within this counts as quick",
        length,
        (0.3, 3.0),
        source="TARP's 'quickly' is not dated; a week",
    )
    slow_within: Duration = assumed(
        Duration(6, "W"),
        "time units",
        "a reply after this counts as unresolved",
        length,
        (3.0, 13.0),
        source="no source dates it; six weeks",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quick_share + self.slow_share > 1 + 1e-12:
            raise ConfigError(
                f"quick_share + slow_share must be at most 1; got {self.quick_share} + {self.slow_share}."
            )
        if self.slow_within.to("D") < self.quick_within.to("D"):
            raise ConfigError(f"slow_within ({self.slow_within}) must not be below quick_within ({self.quick_within}).")
        if self.failure_share > self.leave_after_failure:
            raise ConfigError(
                f"failure_share is {self.failure_share:g} but only {self.leave_after_failure:.3f} of those whose "
                "purchase fails leave, so a customer with dropout probability 1 would need failures with "
                f"probability {self.failure_share / max(self.leave_after_failure, 1e-300):.3g} > 1. Lower "
                f"failure_share to at most {self.leave_after_failure:.3f}, or lower the probabilities to stay."
            )

    @classmethod
    def tree(cls) -> Complaints:
        """The tree of 'Keeping existing customers' (undated): 4 in 100 complain and 3 of them stay; 95% of the rest go.

        The tree has one answer to a complaint, so all kinds of reply keep alike. Everything else as in the TARP set.
        """
        return cls(complaint_probability=0.04, silent_stay=0.05, stay_quick=0.75, stay_slow=0.75, stay_unresolved=0.75)

    @property
    def own_stay(self) -> float:
        """P(a complainant stays) under the market's own handling."""
        unresolved = 1 - self.quick_share - self.slow_share
        return self.quick_share * self.stay_quick + self.slow_share * self.stay_slow + unresolved * self.stay_unresolved

    @property
    def leave_after_failure(self) -> float:
        """D0 = P(leaves | failure) under the market's own handling."""
        c = self.complaint_probability
        return c * (1 - self.own_stay) + (1 - c) * (1 - self.silent_stay)

    def rules(self, unit: str) -> dict[str, Any]:
        """The market's own handling of failures."""
        shares = (
            "failure_share", "leave_after_failure", "complaint_probability", "silent_stay", "quick_share", "slow_share",
            "stay_quick", "stay_slow", "stay_unresolved",
        )  # fmt: skip
        return {
            **{name: float(getattr(self, name)) for name in shares},
            "quick_within": self.quick_within.to(unit),
            "slow_within": self.slow_within.to(unit),
        }
