"""Files that a command writes for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churnsim.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Also write all of it as JSON.")]
TableFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write a .csv or .parquet file instead of standard output.")
]


def csv_text(frame: pd.DataFrame) -> str:
    """The frame, index included, as CSV with formula-like text neutralised."""
    from churnsim.data.database.export import neutral

    flat = frame.reset_index()
    flat.columns = [neutral(name) for name in flat.columns]
    for name in flat.select_dtypes(exclude="number").columns:
        flat[name] = flat[name].map(neutral)
    return str(flat.to_csv(index=False, lineterminator="\n"))


def not_the_input(source: Path, target: Path | None, option: str) -> None:
    """ConfigError when a command would write over the file that it reads."""
    if target is not None and target.exists() and target.samefile(source):
        raise ConfigError(
            f"{option} {target} is the file that is read. Write to another one, or its purchases are lost."
        )


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write the frame, index included, as CSV or Parquet by the file's suffix; ConfigError for another suffix."""
    from churnsim.study.storage.store import write_parquet, write_text

    suffix = path.suffix.lower()
    if suffix == ".csv":
        write_text(path, csv_text(frame))
    elif suffix in (".parquet", ".pq"):
        write_parquet(path, frame.reset_index())
    else:
        raise ConfigError(f"--out {path} ends in {suffix!r}. Use .csv or .parquet.")


def write_json_file(path: Path, content: Any) -> None:
    """Write plain JSON values."""
    from churnsim.records.base import plain
    from churnsim.study.storage.store import write_text

    write_text(path, json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
