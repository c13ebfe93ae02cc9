"""``churnsim runs``: the runs that a folder holds, and what makes two of them differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.cli.export import RUNS, JsonFile, print_table, write_json_file
from churnsim.cli.run import plain_text
from churnsim.errors import ChurnSimError, ConfigError

if TYPE_CHECKING:
    from churnsim.records.run import Manifest
    from churnsim.report.page.context import Context

SHOWN, WIDEST = 3, 40


def runs(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIR | RUN RUN]", help="A folder of runs, runs/ if absent; or two of its runs."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """List the runs in a folder, the latest first, with what each changed since the one before it of the same study;
    or say what makes two runs differ, and what that does to their results.

    \b
    Examples:
      churnsim runs
      churnsim runs archive --json runs.json
      churnsim runs runs/shop-1a2b3c4d runs/shop-5e6f7a8b
    """
    given = places or [RUNS]
    if len(given) == 1:
        _list(given[0], json_file)
    elif len(given) == 2:
        _compare(given[0], given[1], json_file)
    else:
        raise ConfigError(f"{len(given)} places are given. Give one folder of runs, or two runs.")


def _list(folder: Path, json_file: Path | None) -> None:
    from churnsim.study.storage.provenance import differing
    from churnsim.study.storage.store import RunStore

    if not folder.is_dir():
        raise ConfigError(f"there is no folder {str(folder)!r}. Name the one that holds the runs.")
    found = [(path, RunStore(path).manifest()) for path in sorted(folder.iterdir()) if path.is_dir()]
    known = sorted(
        ((path, manifest) for path, manifest in found if manifest is not None), key=lambda run: run[1].started
    )
    if not known:
        raise ConfigError(f"{folder} holds no run. Name the folder that holds them, or a run in it beside another.")
    before: dict[str, Manifest] = {}
    listed: list[dict[str, Any]] = []
    for path, manifest in known:
        earlier = before.get(manifest.name)
        changed = {} if earlier is None else differing(earlier, manifest)
        listed.append({"run": path.name, **_facts(manifest), **_best(path), "changed": changed})
        before[manifest.name] = manifest
    listed.reverse()
    print_table(
        ("run", "finished", "customers", "highest mean", "more than", "by", "changed since the one before"),
        [
            (
                row["run"], row["finished"] or row["status"], f"{row['customers']:,}", row["best"], row["against"],
                row.pop("told"), _few(row["changed"]),
            )
            for row in listed
        ],
        right=("customers", "by"),
    )  # fmt: skip
    write_json_file(json_file, listed)


def _compare(one: Path, other: Path, json_file: Path | None) -> None:
    from churnsim.study.storage.provenance import differing

    contexts = [_context(path) for path in (one, other)]
    first, second = (context.run.manifest for context in contexts)
    changed = differing(first, second)
    rows = [(key, *(_shown(value) for value in pair)) for key, pair in changed.items()]
    if rows:
        print_table(("what differs", one.name, other.name), rows)
    else:
        typer.echo("nothing of configuration, data and versions differs")
    table = _levels(contexts)
    heads = [f"{what} in {path.name}" for path in (one, other) for what in ("profit", "more")]
    shown = [
        (name, *(text for context, cell in zip(contexts, cells, strict=True) for text in _told(context, cell)))
        for name, cells in table.items()
    ]
    print_table(("strategy", *heads), shown, right=heads)
    write_json_file(json_file, {"changed": changed, "strategies": table})


def _levels(contexts: list[Context]) -> dict[str, list[dict[str, float | None]]]:
    """Of each strategy its profit in each run, and how much more that is than what all are compared with there."""
    found: dict[str, list[dict[str, float | None]]] = {}
    for place, context in enumerate(contexts):
        npv = context.run.comparison.metrics.get("npv")
        more = {row.strategy: row for row in context.differences} if npv else {}
        for level in npv.levels if npv else ():
            cells = found.setdefault(level.strategy, [{} for _ in contexts])
            row = more.get(level.strategy)
            gain = {} if row is None else {"gain": row.mean, "lower": row.lower, "upper": row.upper}
            cells[place] = {"profit": level.mean, **gain}
    return found


def _told(context: Context, cell: dict[str, float | None]) -> tuple[str, str]:
    if not cell:
        return "", ""
    gain = ""
    if "gain" in cell:
        gain = f"{context.difference(cell['gain'])} ({context.signed_interval(cell['lower'], cell['upper'])})"
    return plain_text(context.money(cell["profit"])), plain_text(gain)


def _context(path: Path) -> Context:
    from churnsim.records.load import load_run
    from churnsim.report.messages import Words
    from churnsim.report.page.context import Context

    return Context(load_run(path), Words())


def _facts(manifest: Manifest) -> dict[str, Any]:
    finished = (manifest.finished or "")[:16].replace("T", " ")
    return {
        "title": manifest.title, "status": manifest.status, "customers": manifest.data.customers,
        "finished": finished if manifest.status == "complete" else "",
    }  # fmt: skip


def _best(path: Path) -> dict[str, Any]:
    """Which strategy has the highest mean, compared with which, and by how much; nothing where that is not known."""
    try:
        context = _context(path)
        best = context.contenders[0]
    except (ChurnSimError, KeyError, IndexError):
        return {"best": None, "against": None, "gain": None, "told": ""}
    told = plain_text(context.difference(best.mean))
    return {"best": best.strategy, "against": best.against, "gain": best.mean, "told": told}


def _few(changed: dict[str, Any]) -> str:
    shown = [f"{key} = {_shown(after)}" for key, (_, after) in [*changed.items()][:SHOWN]]
    more = [f"{len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
    return ", ".join([*shown, *more])


def _shown(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
