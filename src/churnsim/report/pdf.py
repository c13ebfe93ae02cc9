"""The report's page as a PDF, printed by a browser of the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from churnsim.errors import ConfigError

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
