"""The report's optional parts: present, or one line that says how to install them."""

from __future__ import annotations

from churnsim.optional import optional_modules

NEEDED = ("altair", "jinja2", "vl_convert")


def require_report_extra() -> None:
    """Raise MissingExtraError, naming every absent library, unless charts and pages can be made."""
    optional_modules(*NEEDED, extra="report", purpose="a report")
