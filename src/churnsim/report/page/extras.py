"""The report's optional parts: present, or one line that says how to install them."""

from __future__ import annotations

from churnsim.optional import optional_modules

NEEDED = ("altair", "jinja2", "vl_convert")


def require_report_extra(*more: str, purpose: str = "a report") -> None:
    """Raise MissingExtraError, naming every absent library, unless charts and pages can be made, and what takes `more`
    libraries of the extra."""
    optional_modules(*NEEDED, *more, extra="report", purpose=purpose)
