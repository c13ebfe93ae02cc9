"""The league of forecasts: models, baselines and peers on public logs, each at fixed origins, behind one adapter.

    python benchmarks/league/league.py [--peer-python /path/to/python/with/pymc-marketing] [--write docs/league.md]

An entrant is a program that reads a folder and writes a forecast of every customer (`entrants.py` says what it sees
and writes), so that each runs in an environment of its own and its memory is its own. It never sees the days after the
origin. Scores: mean logarithm of the probability of each customer's count; absolute error of counts; error of the total
purchases and of the total value; what the tenth of the customers forecast best brings of all value, beside the most
that a tenth brings; and how far tenths by forecast value are off, as a share of all value. Nothing is a bar: the table
says who is best where.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from entrants import COUNTS, ENTRANTS

from churnsim import datasets
from churnsim.data import summarise

HERE = Path(__file__).parent
LOGS = {
    "cdnow-full": (("1997-06-30", "1998-06-30"), ("1997-09-30", "1998-06-30"), ("1997-12-31", "1998-06-30")),
    "cdnow": (("1997-06-30", "1998-06-30"), ("1997-09-30", "1998-06-30"), ("1997-12-31", "1998-06-30")),
    "online-retail": (("2011-05-31", "2011-12-09"), ("2011-08-31", "2011-12-09")),
    "made-up-shop": (),
}
"""Public logs with amounts, and for each the last days that are seen and the last days that are forecast; a log without
any is split at half and at two thirds of its length."""


@dataclass(frozen=True)
class Origin:
    """What an entrant may see, and what came."""

    log: str
    end: pd.Timestamp
    horizon: float
    seen: pd.DataFrame
    summary: pd.DataFrame
    purchases: pd.Series
    value: pd.Series


def origins(names: list[str]) -> Iterator[Origin]:
    """Each log at each origin; a log that is not at hand is told and left out."""
    for name in names:
        if not datasets.describe(name).at_hand:
            print(f"{name} is not at hand (`churnsim data save {name}` fetches it).", file=sys.stderr)
            continue
        log = datasets.load(name)[["customer_id", "date", "amount"]]
        log = log.assign(date=pd.to_datetime(log["date"]).dt.normalize())
        log = log[log["amount"] > 0]
        first, last = log["date"].min(), log["date"].max()
        halves = [(first + (last - first) * share, last) for share in (1 / 2, 2 / 3)]
        for end, until in [tuple(map(pd.Timestamp, pair)) for pair in LOGS[name]] or halves:
            end, until = end.normalize(), until.normalize()
            seen, later = log[log["date"] <= end], log[(log["date"] > end) & (log["date"] <= until)]
            summary = summarise(seen, unit="W", until=end.date())
            days = later.drop_duplicates(["customer_id", "date"]).groupby("customer_id").size()
            value = later.groupby("customer_id")["amount"].sum()
            yield Origin(
                name, end, (until - end).days / 7, seen, summary, days.reindex(summary.index, fill_value=0),
                value.reindex(summary.index, fill_value=0.0),
            )  # fmt: skip


def scores(origin: Origin, found: pd.DataFrame) -> dict[str, float]:
    """What a forecast is worth, by what came."""
    found = found.set_index("customer_id").reindex(origin.summary.index)
    counts, actual = found["purchases"].to_numpy(), origin.purchases.to_numpy(dtype=np.float64)
    value, came = found["value"].to_numpy(), origin.value.to_numpy()
    row = {"log_score": np.nan}
    if "p0" in found:
        law = found[[f"p{n}" for n in range(COUNTS)]].to_numpy()
        law = np.column_stack([law, np.maximum(1.0 - law.sum(axis=1), 1e-12)])
        at = law[np.arange(len(law)), np.minimum(actual, COUNTS).astype(np.int64)]
        row["log_score"] = float(np.log(np.maximum(at, 1e-300)).mean())
    order = np.argsort(-value, kind="stable")
    tenths = np.array_split(order, 10)
    best = np.sort(came)[::-1][: len(tenths[0])].sum()
    return row | {
        "mae": float(np.abs(counts - actual).mean()),
        "purchases_off": float(counts.sum() / actual.sum() - 1.0),
        "value_off": float(value.sum() / came.sum() - 1.0),
        "best_tenth": float(came[tenths[0]].sum() / came.sum()),
        "most_a_tenth": float(best / came.sum()),
        "tenths_off": float(sum(abs(value[t].sum() - came[t].sum()) for t in tenths) / came.sum()),
    }


def run(origin: Origin, name: str, command: list[str]) -> dict[str, object]:
    """One entrant at one origin."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        origin.seen.to_csv(folder / "log.csv", index=False)
        origin.summary.rename_axis("customer_id").to_csv(folder / "summary.csv")
        about = {"end": str(origin.end.date()), "horizon": origin.horizon}
        (folder / "origin.json").write_text(json.dumps(about), encoding="utf-8")
        done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
        row: dict[str, object] = {
            "log": origin.log, "origin": about["end"], "weeks": round(origin.horizon), "entrant": name,
        }  # fmt: skip
        if done.returncode:
            return row | {"failed": done.stderr.strip().splitlines()[-1][:200]}
        found = pd.read_csv(folder / "forecast.csv")
        return row | scores(origin, found) | json.loads((folder / "cost.json").read_text(encoding="utf-8"))


TEXT = """# The league of forecasts

Who forecasts customers best, and where churnsim's own models lose. `benchmarks/league/league.py` makes this page:
models, baselines and a peer, each in a process (the peer in an environment) of its own, at fixed origins of public
logs. An entrant sees the purchases until the origin and nothing else.

| column | means |
|---|---|
| log score | mean logarithm of the probability given to each customer's count; nearer 0 is better |
| error a customer | mean absolute error of the purchases forecast |
| purchases, value | total forecast over what came, less 1 |
| best tenth | share of all value brought by the tenth forecast best; in brackets the most that a tenth brings |
| tenths off | how far the value of tenths by forecast is off, as a share of all value |
| s, MB | CPU seconds of fit and forecast, without imports and compiling, and peak memory of its process with them |

The best of each column at an origin is in bold. Whether two models' log scores differ is for `churnsim validate` to
say, which has the paired standard error. CLVTools is not among the entrants: it is an R package, and R was not at hand
where this page was made.
"""


BETTER = {"log_score": max, "mae": min, "best_tenth": max, "tenths_off": min}
NAMES = {
    "log_score": "log score", "mae": "error a customer", "best_tenth": "best tenth", "tenths_off": "tenths off",
}  # fmt: skip


def lost(table: pd.DataFrame) -> list[str]:
    """Where somebody else is better than each of churnsim's models, by measure."""
    origins = list(table.groupby(["log", "origin"], sort=False))
    parts = ["\n## Where churnsim's models lose\n", "| measure | origins | to whom, at which |", "|---|---|---|"]
    for column, best in BETTER.items():
        told = []
        for (log, origin), rows in origins:
            values = rows.set_index("entrant")[column].dropna()
            own = values[values.index.str.startswith("churnsim")]
            winner = values[values == best(values)].index[0]
            if best([best(own), values[winner]]) != best(own):
                told.append(f"{winner} on {log} at {origin} ({values[winner]:.3g} against {best(own):.3g})")
        parts.append(f"| {NAMES[column]} | {len(told)} of {len(origins)} | {'; '.join(told) or '–'} |")
    return parts


def page(table: pd.DataFrame) -> str:
    """The table as a page, the best of each column in bold."""
    parts = [TEXT, *lost(table)]
    for (log, origin), rows in table.groupby(["log", "origin"], sort=False):
        kind = " (artificial)" if datasets.describe(log).artificial else ""
        parts.append(f"\n## {log}{kind}, seen until {origin}, {rows['weeks'].iloc[0]} weeks forecast\n")
        parts.append(
            "| entrant | log score | error a customer | purchases | value | best tenth | tenths off | s | MB |"
        )
        parts.append("|---|---|---|---|---|---|---|---|---|")
        top = {c: best(rows[c].dropna(), default=np.nan) for c, best in BETTER.items() if c in rows}
        for _, row in rows.iterrows():
            if isinstance(row.get("failed"), str):
                parts.append(f"| {row['entrant']} | failed: {row['failed']} | | | | | | | |")
                continue

            def cell(column: str, form: str, row: pd.Series = row, top: dict[str, float] = top) -> str:
                value = float(row[column])
                if np.isnan(value):
                    return "–"
                told = format(value, form)
                return f"**{told}**" if column in top and value == top[column] else told

            tenth = f"{cell('best_tenth', '.1%')} ({row['most_a_tenth']:.1%})"
            cells = [
                row["entrant"], cell("log_score", ".4f"), cell("mae", ".3f"), cell("purchases_off", "+.0%"),
                cell("value_off", "+.0%"), tenth, cell("tenths_off", ".2f"), cell("seconds", ".2f"),
                cell("megabytes", ".0f"),
            ]  # fmt: skip
            parts.append("| " + " | ".join(cells) + " |")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Run the entrants, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", nargs="*", default=list(LOGS), choices=list(LOGS))
    parser.add_argument("--peer-python", help="an interpreter that has pymc-marketing")
    parser.add_argument("--write", type=Path, help="where the page goes; printed unless given")
    asked = parser.parse_args()
    programs = {name: [sys.executable, str(HERE / "entrants.py"), name] for name in ENTRANTS}
    if asked.peer_python:
        programs["pymc-marketing BG/NBD"] = [asked.peer_python, str(HERE / "pymc_marketing_entrant.py")]
    rows = []
    for origin in origins(asked.logs):
        for name, command in programs.items():
            rows.append(run(origin, name, command))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    text = page(pd.DataFrame(rows))
    if asked.write:
        asked.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
