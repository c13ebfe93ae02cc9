"""The report: a stored run told to a reader, in one offline page.

It reads stored results, simulates nothing and writes nothing.
"""

from __future__ import annotations

from churnsim.records.load import load_run
from churnsim.records.run import Run
from churnsim.report.charts.region import draw_region
from churnsim.report.html import render

__all__ = ["Run", "draw_region", "load_run", "render"]
