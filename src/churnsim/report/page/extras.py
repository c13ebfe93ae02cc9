"""The report's optional parts: present, or one line that says how to install them."""

from __future__ import annotations

import importlib

from churnsim.errors import MissingExtraError

__all__ = ["NEEDED", "require_report_extra"]

NEEDED = ("altair", "jinja2", "vl_convert")


def require_report_extra() -> None:
    """Raise MissingExtraError, naming every absent module, unless charts and pages can be made."""
    missing = []
    for module in NEEDED:
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(module)
    if missing:
        raise MissingExtraError(
            f"a report needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            "Run: pip install 'churnsim[report]'"
        )
