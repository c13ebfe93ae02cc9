"""Which numbers the rules of a campaign use: what a configuration must give, and what a report shows of it."""

from __future__ import annotations

__all__ = ["CHURN_MODEL", "RULE_SETTINGS", "needed_settings"]

CHURN_MODEL = "churn_model"
"""`scores` that are no file: what the churn model of the study says of each subscriber."""

RULE_SETTINGS = {
    "share": ("top_value", "responsive", "score"),
    "within": ("recent_buyers",),
    "gaps": ("at_risk",),
    "abc": ("abc_class",),
    "scores": ("score",),
    "unscored": ("score",),
}
"""The rules that use each number."""

OPTIONAL = ("unscored",)


def needed_settings(rule: str) -> set[str]:
    """What a rule cannot do without."""
    return {name for name, rules in RULE_SETTINGS.items() if rule in rules and name not in OPTIONAL}
