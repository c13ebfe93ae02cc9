"""A run directory as one offline HTML page, without anything to load. Its only script is this package's own, for the
sliders of runs that store draws; without it the page reads as before."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from churnsim.report.messages import Words
from churnsim.report.page.blocks import Block, Chapter
from churnsim.report.page.context import Context, stored_context
from churnsim.report.page.extras import require_report_extra
from churnsim.report.page.numbers import day


def render(run_dir: Path, *, language: str | None = None, locale: str | None = None) -> str:
    """The report of a complete run, as HTML text. Nothing is written.

    Parameters
    ----------
    run_dir : Path
        The run directory that `churnsim run` wrote.
    language : str, optional
        Of the sentences, "en" or "zh" (Chinese in traditional characters); by default as the study's ``[report]`` says.
    locale : str, optional
        How numbers, money and dates are written, such as "de-DE"; by default as the study's ``[report]`` says. Texts
        that the run stores keep their own figures.

    Returns
    -------
    str
        One page without anything to load.

    Raises
    ------
    DataError
        When the run is partial, or a file of it is missing or malformed.
    MissingExtraError
        Without the extra [report].
    ConfigError
        For a language that has no sentences, and an unknown locale.

    Examples
    --------
    >>> from pathlib import Path
    >>> from churnsim.report import render
    >>> render(Path("no-such-run"), language="xx")
    Traceback (most recent call last):
        ...
    churnsim.errors.ConfigError: no report in the language 'xx'. Use 'en' or 'zh'.
    """
    with stored_context(run_dir, language=language, locale=locale) as context:
        return _rendered(context)


def _rendered(context: Context) -> str:
    """The page, in the locale of the caller."""
    require_report_extra()
    from churnsim.report.chapters import all_chapters

    manifest = context.run.manifest
    return page_of(
        all_chapters(context), context.words, title=manifest.title, source=context.words.told(manifest.data.source),
        date=day(manifest.finished or manifest.started),
        footer=context.words("page.footer", version=manifest.churnsim, run=manifest.name, hash=manifest.hash),
    )  # fmt: skip


def page_of(chapters: Sequence[Chapter], words: Words, *, title: str, source: str, date: str, footer: str) -> str:
    """Chapters as one offline page; needs the extra [report]."""
    script = template_text("report.js") if any(c.scripted for c in chapters) else ""
    return filled(
        "report.html", chapters=chapters, script=as_markup(script), policy=script_policy(script) if script else "",
        css=as_markup(template_text("report.css")), lang=words("page.lang"), title=title, kicker=words("page.kicker"),
        source=source, date=date, contents=words("page.contents"), skip=words("page.skip"), footer=footer,
    )  # fmt: skip


def blocks_of(blocks: Sequence[Block]) -> str:
    """Blocks as they stand in a page; needs the extra [report]."""
    return filled("fragment.html", blocks=blocks)


def template_text(name: str) -> str:
    """A file of the templates as it is."""
    return files("churnsim.report").joinpath("templates", name).read_text(encoding="utf-8")


def script_policy(script: str) -> str:
    """What a content security policy says of the only script that may run."""
    return f"; script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def as_markup(text: str) -> Any:
    """This package's own markup, which is not escaped."""
    from markupsafe import Markup

    return Markup(text)


def filled(template: str, **said: Any) -> str:
    """A template, filled; all text but `as_markup` is escaped."""
    import jinja2  # needs the extra, so it is imported only once that is known to be there

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(**said)
