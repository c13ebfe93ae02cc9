"""``churnsim reproduce``: recompute published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churnsim.cli.errors import EXIT_NO
from churnsim.cli.tables import print_table

__all__ = ["reproduce"]


def reproduce(
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML.")] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file of figures in place of the package's own.")
    ] = None,
) -> None:
    """Recompute published figures and compare each at its tolerance. Exits with 1 when one does not reproduce, or when
    one that is wrong on purpose does.

    \b
    Examples:
      churnsim reproduce
      churnsim reproduce --junit reproduce.xml
    """
    from churnsim.claims.machinery.reference_data import Workbench
    from churnsim.claims.reproduction.published import load_controls
    from churnsim.claims.reproduction.reproduce import blunt_controls, junit_xml
    from churnsim.claims.reproduction.reproduce import reproduce as recompute
    from churnsim.study.storage.store import write_text

    bench = Workbench()
    results, blunt = recompute(figures, bench=bench), blunt_controls(figures, bench=bench)
    numbers = ("published", "computed", "difference", "within")
    print_table(
        ("figure", *numbers, "source", "verdict"),
        [
            (
                r.figure,
                f"{r.published:.10g}",
                f"{r.computed:.6g}",
                f"{r.difference:+.2g}",
                f"{r.tolerance:.2g}",
                r.citation,
                "reproduced" if r.reproduced else "NOT REPRODUCED",
            )
            for r in results
        ],
        right=numbers,
    )
    failed = [r for r in results if not r.reproduced]
    typer.echo(f"{len(results) - len(failed)} of {len(results)} figures reproduced.")
    for r in failed:
        typer.echo(f"not reproduced: {r.figure}: published {r.published:.10g}, computed {r.computed:.6g}")
    for control in blunt:
        typer.echo(f"blunt comparison: {control} reproduces although it is wrong on purpose")
    controls = len(load_controls(figures))
    if controls and not blunt:
        typer.echo(f"{controls} negative controls, wrong on purpose, did not reproduce.")
    if junit is not None:
        write_text(junit, junit_xml(results))
    if failed or blunt:
        raise typer.Exit(EXIT_NO)
