"""A page about every claim, in Markdown, from stored findings alone: no number on it was typed by hand.

The findings are the rows that `churnsim claims test --json FILE` writes. Maps among their tables are drawn as pictures.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from churnsim.claims.catalogue import GROUPS
from churnsim.claims.machinery.maps import map_names, region_from
from churnsim.errors import ConfigError
from churnsim.report.charts.region import draw_region

__all__ = ["claims_page", "read_findings", "write_claims_page"]

Row = Mapping[str, Any]

ORDER = ("REPRODUCED", "HOLDS", "HOLDS_IF", "FAILS", "UNTESTABLE", "UNTESTED")
MEANS = {
    "REPRODUCED": "the arithmetic closes",
    "HOLDS": "true wherever it was looked at",
    "HOLDS_IF": "true in a region of the assumptions, which is given",
    "FAILS": "not true anywhere it was looked at",
    "UNTESTABLE": "cannot be judged with what is at hand, or the answer would be what was put in",
    "UNTESTED": "was not run",
}
INTRO = """# The claims, judged

Every statement with a figure, and every method, that five texts on keeping customers make: what exactly is measured,
what came out, where it holds, and what is said against it. `churnsim claims page` writes this page from the stored
findings in [claims/results.json](claims/results.json); `churnsim claims test --json findings.json` makes fresh ones.

Each check has a control, a deliberately wrong variant, and is worthless unless the control fails. Where an answer hangs
on an assumption, the assumption is varied and the region is drawn: dark where the statement holds, pale where it does
not, and in between what more runs would have to decide.
"""


def read_findings(path: Path) -> list[dict[str, Any]]:
    """The rows of a findings file. Raises ConfigError for a file that is not one."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the findings {path}: {error.strerror}. Check the path.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not JSON: {error}. Write it with `churnsim claims test --json FILE`.") from None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"id", "verdict", "reason"} <= set(row) for row in rows
    ):
        raise ConfigError(f"{path} holds no findings. Write it with `churnsim claims test --json FILE`.")
    return rows


def write_claims_page(rows: Sequence[Row], page: Path) -> list[Path]:
    """Write the page, its pictures and the findings without their tables beside it; returns what was written."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for row in rows:
        pictures = list(row.get("pictures", ()))
        for name in map_names(row.get("tables", {})):
            picture = folder / f"{row['id']}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.svg"
            picture.write_text(draw_region(region_from(row["tables"], name)), encoding="utf-8")
            pictures.append({"file": f"{folder.name}/{picture.name}", "about": name})
            written.append(picture)
        kept.append({**{key: value for key, value in row.items() if key != "tables"}, "pictures": pictures})
    results = folder / "results.json"
    results.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page.write_text(claims_page(kept), encoding="utf-8")
    return [page, results, *written]


def claims_page(rows: Sequence[Row]) -> str:
    """The page as Markdown, by the groups of the catalogue; claims of one's own come last."""
    by_id = {str(row["id"]): row for row in rows}
    counts = Counter(str(row["verdict"]) for row in rows)
    lines = [INTRO, "| verdict | claims | it means |", "|---|---|---|"]
    lines += [f"| **{verdict}** | {counts[verdict]} | {MEANS[verdict]} |" for verdict in ORDER if counts[verdict]]
    groups = {title: [c.id for c in claims if c.id in by_id] for title, claims in GROUPS.items()}
    known = {claim_id for ids in groups.values() for claim_id in ids}
    groups["Claims of one's own"] = [claim_id for claim_id in by_id if claim_id not in known]
    chosen = {title: ids for title, ids in groups.items() if ids}
    lines += ["", "| claim | verdict | what is said |", "|---|---|---|"]
    for ids in chosen.values():
        lines += [f"| [`{i}`](#{i}) | {by_id[i]['verdict']} | {_cell(by_id[i]['says'])} |" for i in ids]
    for title, ids in chosen.items():
        lines += ["", f"## {title}"]
        for claim_id in ids:
            lines += ["", *_entry(by_id[claim_id])]
    lines += _references(rows)
    return "\n".join(lines).rstrip() + "\n"


def _references(rows: Sequence[Row]) -> list[str]:
    """The full references of the texts, which the entries cite by title and year."""
    cited = sorted(
        {(str(s["text"]), str(s["title"])) for row in rows for s in row["sources"] if s["text"] != s["title"]}
    )
    told = [f"- {_text(text)}: {_text(title)}." for text, title in cited]
    return ["", "## The texts", "", *told] if told else []


def _entry(row: Row) -> list[str]:
    lines = [f"### {row['id']}", "", f"**{row['verdict']}.** {_text(row['says'])}", ""]
    lines += [f"> {_text(row['quote'])}", ""]
    lines += [f"*Measured:* {_text(row['quantity'])}", ""]
    figure = _figure(row)
    if figure:
        lines += [f"*Found:* {figure}", ""]
    lines += [_text(row["reason"]), ""]
    if row.get("region"):
        lines += [f"*Where it holds:* {_text(row['region'])}", ""]
    lines += _parts(row.get("parts") or ())
    for picture in row.get("pictures", ()):
        lines += [f"![Map of {_text(picture['about'])}]({picture['file']})", ""]
    lines += [f"*Goes back to:* {_sources(row)}", ""]
    if row.get("critique"):
        lines += ["*Against it:*", "", *[f"- {_text(critique)}" for critique in row["critique"]], ""]
    control = row.get("control") or {}
    lines += [f"*Control:* {_text(control.get('what', ''))}: {control.get('verdict', '')}."]
    return lines


def _parts(parts: Sequence[Row]) -> list[str]:
    if not parts:
        return []
    lines = ["| part | verdict | figure | |", "|---|---|---|---|"]
    lines += [f"| {_cell(p['name'])} | {p['verdict']} | {_cell(_figure(p))} | {_cell(p['reason'])} |" for p in parts]
    return [*lines, ""]


def _figure(row: Row) -> str:
    value, lower, upper = (row.get(key) for key in ("estimate", "lower", "upper"))
    if value is None:
        return ""
    interval = f" [{_number(lower)}, {_number(upper)}]" if lower is not None and upper is not None else ""
    return f"{_number(value)}{interval} {_text(row.get('unit') or '')}".strip()


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def _sources(row: Row) -> str:
    """Each study once, with the texts that cite it."""
    texts: dict[tuple[str, str], list[str]] = {}
    for source in row["sources"]:
        texts.setdefault((str(source["study"]), str(source["measured"])), []).append(str(source["text"]))
    told = [
        ". ".join(_text(part).rstrip(".") for part in (", ".join(where), *about) if part)
        for about, where in texts.items()
    ]
    return "; ".join(told) + "."


def _text(text: object) -> str:
    """Text as Markdown shows it: what would be markup or HTML is escaped."""
    return re.sub(r"([\\`*_<>\[\]#])", r"\\\1", " ".join(str(text).split()))


def _cell(text: object) -> str:
    return _text(text).replace("|", "\\|")
