"""A run directory as one offline HTML page, without script and without anything to load."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from churnsim.records.load import load_run
from churnsim.report.messages import Words
from churnsim.report.page.context import Context
from churnsim.report.page.extras import require_report_extra

__all__ = ["render"]


def render(run_dir: Path, *, language: str = "en") -> str:
    """The report of a complete run, as HTML text. Nothing is written.

    Raises DataError when the run is partial or a piece is missing, MissingExtraError without the `report` extra,
    ConfigError for a language that has no words.
    """
    words = Words(language)
    run = load_run(run_dir)
    require_report_extra()
    # These need the extra, so they are imported only once it is known to be there.
    import jinja2
    from markupsafe import Markup

    from churnsim.report.chapters import all_chapters

    context = Context(run, words)
    room = files("churnsim.report").joinpath("templates")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: room.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    manifest = run.manifest
    return environment.get_template("report.html").render(
        chapters=all_chapters(context),
        css=Markup(room.joinpath("report.css").read_text(encoding="utf-8")),
        lang=words("page.lang"),
        title=manifest.title,
        kicker=words("page.kicker"),
        source=manifest.data.source,
        date=(manifest.finished or manifest.started)[:10],
        contents=words("page.contents"),
        skip=words("page.skip"),
        footer=words("page.footer", version=manifest.churnsim, run=manifest.name, hash=manifest.hash),
    )
