"""``churnsim explore``: the live version of a report, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnsim.cli.export import RunFolder, Workers
from churnsim.cli.progress import terminal_progress
from churnsim.cli.run import worker_count


def explore(
    run: RunFolder,
    port: Annotated[int, typer.Option(metavar="N", help="Serve there; any port that is free if absent.")] = 0,
    config: Annotated[
        Path | None, typer.Option(metavar="CONFIG", help="The study's TOML, if it is no longer where it was run.")
    ] = None,
    workers: Workers = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve a finished run as a page on which strategies and beliefs are changed and simulated again at once.

    The page is reached from this machine alone, by the address that is printed; Ctrl-C ends it. What is left as it was
    comes out as in the run. A variant can be saved as a study of its own, which `churnsim run` reproduces.

    \b
    Examples:
      churnsim explore runs/cdnow-1a2b3c4d
      churnsim explore runs/cdnow-1a2b3c4d --port 8080 --open
      churnsim explore archive/cdnow-1a2b3c4d --config studies/cdnow.toml
    """
    from churnsim.explore.server import ExploreServer
    from churnsim.explore.session import Explorer
    from churnsim.report.page.extras import require_report_extra

    require_report_extra()
    with terminal_progress() as progress:
        explorer = Explorer(run, config=config, workers=worker_count(workers), progress=progress)
    with explorer, ExploreServer(explorer, port=port) as server:
        typer.echo(f"{explorer.directory} is served at {server.address}")
        typer.echo("Ctrl-C ends it.")
        if browser:
            import webbrowser

            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("stopped.")
