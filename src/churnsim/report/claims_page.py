"""A page about every claim, in Markdown, from stored findings alone: no number on it was typed by hand.

The findings are the rows that `churnsim claims test --json FILE` writes. Maps among their tables are drawn as pictures.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from churnsim.claims.catalogue import GROUPS
from churnsim.claims.machinery.maps import map_names, region_from
from churnsim.data.tabular.files import read_json_file
from churnsim.errors import ConfigError
from churnsim.records.base import STORED, plain
from churnsim.records.claim import ClaimRecord, PartRecord, PictureRecord
from churnsim.report.charts.forest import draw_forest
from churnsim.report.charts.region import draw_region
from churnsim.report.messages import ANSWERS, Words

FIRMS = "firms "
"""What the name of a table of firms begins with (`AcrossFirms.table`)."""
FINDINGS = TypeAdapter(list[ClaimRecord])

INTRO = """# The claims, judged

Every statement with a figure, and every method, that five texts on keeping customers make: what exactly is measured,
what came out, where it holds, and what is said against it. `churnsim claims page` writes this page from the stored
findings in [claims/results.json](claims/results.json); `churnsim claims test --json findings.json` makes fresh ones.

Each check has a control, a deliberately wrong variant, and is worthless unless the control fails. Where an answer
depends on an assumption, the assumption is varied and the region is drawn: dark where the statement holds, pale where
it does not, and in between what more runs would have to decide.
"""


def read_findings(path: Path) -> list[ClaimRecord]:
    """The claims of a findings file. Raises ConfigError for a file that is not one."""
    remedy = "Write it with `churnsim claims test --json FILE`."
    rows = read_json_file(path, what="file of findings", remedy=remedy, error=ConfigError)
    try:
        return FINDINGS.validate_python(rows, context=STORED)
    except ValidationError:
        raise ConfigError(f"{path} holds no findings. Write it with `churnsim claims test --json FILE`.") from None


def write_claims_page(claims: Sequence[ClaimRecord], page: Path) -> list[Path]:
    """Write the page, its pictures and the findings without their tables beside it; returns what was written."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for claim in claims:
        pictures = list(claim.pictures)
        for name in map_names(claim.tables):
            picture = folder / f"{claim.id}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.svg"
            picture.write_text(draw_region(region_from(claim.tables, name)), encoding="utf-8")
            pictures.append(PictureRecord(file=f"{folder.name}/{picture.name}", about=name))
            written.append(picture)
        for key in (key for key in claim.tables if key.startswith(FIRMS)):
            about = key.removeprefix(FIRMS)
            picture = folder / f"{claim.id}-firms-{re.sub('[^a-z0-9]+', '-', about.lower()).strip('-')}.svg"
            picture.write_text(draw_forest(claim.tables[key], title=about), encoding="utf-8")
            pictures.append(PictureRecord(file=f"{folder.name}/{picture.name}", about=f"{FIRMS}{about}"))
            written.append(picture)
        shown = {key: value for key, value in claim.content().items() if key != "tables"}
        kept.append(ClaimRecord(**{**shown, "pictures": pictures}))
    results = folder / "results.json"
    results.write_text(json.dumps(plain(kept), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    page.write_text(claims_page(kept), encoding="utf-8")
    return [page, results, *written]


def claims_page(claims: Sequence[ClaimRecord]) -> str:
    """The page as Markdown, by the groups of the catalogue; claims of one's own come last."""
    by_id = {claim.id: claim for claim in claims}
    counts = Counter(claim.shown for claim in claims)
    means = {answer: Words()(f"claim_meaning.{answer}") for answer in ANSWERS}
    lines = [INTRO, "| answer | claims | it means |", "|---|---|---|"]
    lines += [f"| **{answer}** | {counts[answer]} | {told} |" for answer, told in means.items() if counts[answer]]
    groups = {title: [c.id for c in group if c.id in by_id] for title, group in GROUPS.items()}
    known = {claim_id for ids in groups.values() for claim_id in ids}
    groups["Claims of one's own"] = [claim_id for claim_id in by_id if claim_id not in known]
    chosen = {title: ids for title, ids in groups.items() if ids}
    lines += ["", "| claim | answer | rests on | what is said |", "|---|---|---|---|"]
    for ids in chosen.values():
        lines += [
            f"| [`{i}`](#{i}) | {by_id[i].shown} | {by_id[i].basis or ''} | {_cell(by_id[i].says)} |" for i in ids
        ]
    for title, ids in chosen.items():
        lines += ["", f"## {title}"]
        for claim_id in ids:
            lines += ["", *_entry(by_id[claim_id])]
    lines += _references(claims)
    return "\n".join(lines).rstrip() + "\n"


def _references(claims: Sequence[ClaimRecord]) -> list[str]:
    """The full references of the texts, which the entries cite by title and year."""
    cited = sorted({(s.text, s.title) for claim in claims for s in claim.sources if s.text != s.title})
    told = [f"- {_text(text)}: {_text(title)}." for text, title in cited]
    return ["", "## The texts", "", *told] if told else []


def _entry(claim: ClaimRecord) -> list[str]:
    rests = f" ({claim.basis})" if claim.basis else ""
    lines = [f"### {claim.id}", "", f"**{claim.shown}**{rests}. {_text(claim.says)}", ""]
    lines += [f"> {_text(claim.quote)}", ""]
    lines += [f"*Measured:* {_text(claim.quantity)}", ""]
    figure = _figure(claim)
    if figure:
        lines += [f"*Found:* {figure}", ""]
    lines += [_text(claim.reason), ""]
    if claim.region:
        lines += [f"*Where it holds:* {_text(claim.region)}", ""]
    lines += _parts(claim.parts)
    for picture in claim.pictures:
        what = "Forest plot, " if picture.about.startswith(FIRMS) else "Map of "
        lines += [f"![{what}{_text(picture.about)}]({picture.file})", ""]
    lines += [f"*Goes back to:* {_sources(claim)}", ""]
    if claim.critique:
        lines += ["*Against it:*", "", *[f"- {_text(critique)}" for critique in claim.critique], ""]
    if claim.control:
        lines += [f"*Control:* {_text(claim.control.what)}: {claim.control.shown}."]
    return lines


def _parts(parts: Sequence[PartRecord]) -> list[str]:
    if not parts:
        return []
    lines = ["| part | answer | figure | |", "|---|---|---|---|"]
    lines += [f"| {_cell(p.name)} | {p.shown} | {_cell(_figure(p))} | {_cell(p.reason)} |" for p in parts]
    return [*lines, ""]


def _figure(found: ClaimRecord | PartRecord) -> str:
    value, lower, upper = found.estimate, found.lower, found.upper
    if value is None:
        return ""
    interval = f" [{_number(lower)}, {_number(upper)}]" if lower is not None and upper is not None else ""
    return f"{_number(value)}{interval} {_text(found.unit or '')}".strip()


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def _sources(claim: ClaimRecord) -> str:
    """Each study once, with the texts that cite it."""
    texts: dict[tuple[str, str], list[str]] = {}
    for source in claim.sources:
        texts.setdefault((source.study, source.measured), []).append(source.text)
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
