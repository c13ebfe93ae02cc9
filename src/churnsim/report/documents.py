"""A stored run as files for other programs: made from the report's own sentences and figures."""

from __future__ import annotations

from pathlib import Path

from churnsim.report.html import render
from churnsim.report.page.context import stored_context
from churnsim.report.page.extras import require_report_extra
from churnsim.report.pdf import printed


def workbook(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of an .xlsx file.

    Parameters
    ----------
    run_dir : Path
        The run directory that `churnsim run` wrote.
    language : str, optional
        Of the sentences, "en" or "zh" (Chinese in traditional characters); by default as the study's ``[report]`` says.
    locale : str, optional
        How the sentences write numbers, money and dates, such as "de-DE"; by default as the study's ``[report]`` says.
        Cells hold numbers, which a spreadsheet writes in its own user's manner.

    Returns
    -------
    bytes
        Sheets of the answer, of each strategy's profit by replication and period, of totals as formulas over these, of
        assumptions as named cells, and of the customers to contact first.

    Raises
    ------
    DataError
        When the run is partial, or a file of it is missing or malformed.
    MissingExtraError
        Without the extra [report].
    ConfigError
        For a language that has no sentences, an unknown locale, and more replications than a sheet has rows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from churnsim.report.documents import workbook
    >>> workbook(Path("no-such-run"))
    Traceback (most recent call last):
        ...
    churnsim.errors.DataError: no-such-run is not a directory. Give the run directory that `churnsim run` wrote.
    """
    with stored_context(run_dir, language=language, locale=locale) as context:
        require_report_extra("xlsxwriter", purpose="a workbook")
        from churnsim.report.workbook import filled

        return filled(context, Path(run_dir))


def deck(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of a .pptx file.

    Parameters
    ----------
    run_dir : Path
        The run directory that `churnsim run` wrote.
    language : str, optional
        Of the sentences, "en" or "zh" (Chinese in traditional characters); by default as the study's ``[report]`` says.
    locale : str, optional
        How the sentences write numbers, money and dates, such as "de-DE"; by default as the study's ``[report]`` says.

    Returns
    -------
    bytes
        Up to eleven slides with charts that can be edited and speaker notes; one that the run says nothing of is left
        out.

    Raises
    ------
    DataError
        When the run is partial, or a file of it is missing or malformed.
    MissingExtraError
        Without the extra [report].
    ConfigError
        For a language that has no sentences and an unknown locale.

    Examples
    --------
    >>> from pathlib import Path
    >>> from churnsim.report.documents import deck
    >>> deck(Path("no-such-run"))
    Traceback (most recent call last):
        ...
    churnsim.errors.DataError: no-such-run is not a directory. Give the run directory that `churnsim run` wrote.
    """
    with stored_context(run_dir, language=language, locale=locale) as context:
        require_report_extra("pptx", purpose="a deck")
        from churnsim.report.deck import filled

        return filled(context)


def pdf(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> bytes:
    """A complete run as the content of a .pdf file, printed by a browser of this machine.

    Parameters
    ----------
    run_dir : Path
        The run directory that `churnsim run` wrote.
    language : str, optional
        Of the sentences, "en" or "zh" (Chinese in traditional characters); by default as the study's ``[report]`` says.
    locale : str, optional
        How the sentences write numbers, money and dates, such as "de-DE"; by default as the study's ``[report]`` says.

    Returns
    -------
    bytes
        The report's page as it prints.

    Raises
    ------
    DataError
        When the run is partial, or a file of it is missing or malformed.
    MissingExtraError
        Without the extra [report].
    ConfigError
        For a language that has no sentences, an unknown locale, and where no browser prints it: Chromium, Chrome or
        Edge on the path, or the one that the environment variable CHURNSIM_BROWSER names.

    Examples
    --------
    >>> from pathlib import Path
    >>> from churnsim.report.documents import pdf
    >>> pdf(Path("no-such-run"))
    Traceback (most recent call last):
        ...
    churnsim.errors.DataError: no-such-run is not a directory. Give the run directory that `churnsim run` wrote.
    """
    return printed(render(Path(run_dir), language=language, locale=locale))
