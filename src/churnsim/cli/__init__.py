"""The command line: ``churnsim run · reproduce · claims · fit · summarise · survey · report``.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 the answer is no (a figure
does not reproduce, a fit did not converge, a claim's check proved worthless), 2 the input cannot be used, 130 stopped.
"""

from __future__ import annotations

from churnsim.cli.app import app, main

__all__ = ["app", "main"]
