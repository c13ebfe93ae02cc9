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

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from churnsim.errors import ConfigError
from churnsim.report.html import render
from churnsim.report.page.context import stored_context
from churnsim.report.page.extras import require_report_extra

BROWSER = "CHURNSIM_BROWSER"
"""The environment variable that names the browser."""
NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
SECONDS = 120
REMEDY = f"Install Chromium, Chrome or Edge, or set {BROWSER} to its path; or print report.html from any browser."


def browser() -> str:
    """The browser that `BROWSER` names, else the first on the path. Raises ConfigError where there is none."""
    asked = os.environ.get(BROWSER, "")
    found = [path for name in ([asked] if asked else NAMES) if (path := shutil.which(name))]
    if not found:
        what = f"{BROWSER} is {asked!r}, which is no program" if asked else "no browser was found on the path"
        raise ConfigError(f"a PDF is printed by a browser, and {what}. {REMEDY}")
    return found[0]


def printed(page: str) -> bytes:
    """A page of HTML as a PDF, with the page's own rules for print. Raises ConfigError where no browser prints it."""
    program = browser()
    with tempfile.TemporaryDirectory(prefix="churnsim-") as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        command = [
            program, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer",
            f"--user-data-dir={Path(folder) / 'profile'}", f"--print-to-pdf={target}",
            # The super-user of a container has no sandbox; the page loads nothing and runs this package's script alone.
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            source.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
            )
        except OSError as error:
            raise ConfigError(f"{program} could not be started: {error.strerror}. {REMEDY}") from None
        except subprocess.TimeoutExpired:
            raise ConfigError(f"{program} did not print the report within {SECONDS} seconds. {REMEDY}") from None
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF"):
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise ConfigError(f"{program} printed no PDF: {said[:200]}. {REMEDY}")
        return target.read_bytes()


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
