"""A stored run as files for other programs: made from the report's own sentences and figures.

Each takes what `churnsim.report.render` takes, and raises what it raises.

Examples
--------
>>> workbook(Path("no-such-run"))
Traceback (most recent call last):
    ...
churnsim.errors.DataError: no-such-run is not a directory. Give the run directory that `churnsim run` wrote.
"""

from __future__ import annotations

from pathlib import Path

from churnsim.report.html import render
from churnsim.report.page.context import stored_context
from churnsim.report.page.extras import require_report_extra
from churnsim.report.pdf import printed


def workbook(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of an .xlsx file.

    Sheets of the answer, of each strategy's profit by replication and period, of totals as formulas over these, of
    assumptions as named cells, and of the customers to contact first. Sentences are written as `locale` says; cells
    hold numbers, which a spreadsheet writes in its own user's manner. Raises ConfigError also for more replications
    than a sheet has rows.
    """
    with stored_context(run_dir, language=language, locale=locale) as context:
        require_report_extra("xlsxwriter", purpose="a workbook")
        from churnsim.report.workbook import filled

        return filled(context, Path(run_dir))


def deck(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of a .pptx file.

    Up to eleven slides with charts that can be edited and speaker notes; one that the run says nothing of is left out.
    """
    with stored_context(run_dir, language=language, locale=locale) as context:
        require_report_extra("pptx", purpose="a deck")
        from churnsim.report.deck import filled

        return filled(context)


def pdf(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of a .pdf file: the report's page, printed by a browser of this machine.

    Raises ConfigError also where no browser prints it: Chromium, Chrome or Edge on the path, or the one that the
    environment variable CHURNSIM_BROWSER names.
    """
    return printed(render(Path(run_dir), language=language, locale=locale))
