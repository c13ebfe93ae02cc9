"""A page a claim and a table of all, in Markdown, from stored findings alone: no number on it was typed by hand.

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
from churnsim.claims.machinery.maps import likely_in, map_names, region_from
from churnsim.data.tabular.files import read_json_file
from churnsim.errors import ConfigError
from churnsim.records.base import STORED, plain
from churnsim.records.claim import ClaimRecord, ControlRecord, PartRecord, PictureRecord
from churnsim.report.charts.forest import FIRMS, draw_forest
from churnsim.report.charts.region import region_svg
from churnsim.report.messages import ANSWERS, Words

FINDINGS = TypeAdapter(list[ClaimRecord])

INTRO = """# The claims, judged

Every statement with a figure, and every method, that five texts on keeping customers make. Each has a page: what
exactly is measured, what came out, in how much of what is plausible it holds, what is said against it, and what would
change the answer. `churnsim claims page` writes these pages from the stored findings in
[claims/results.json](claims/results.json); `churnsim claims test --json findings.json` makes fresh ones.

An answer has two words: what it is, and what it rests on. Each check is also run in a world in which the claim is
false, where it must fail, and where one can be made in a world in which it is true, where it must hold.
"""
CHANGES = {
    "arithmetic": "Other figures: it follows from those that are stated.",
    "measured here": "Other customers: `churnsim claims test {id} --config STUDY` judges it on yours.",
    "published": "A study that finds otherwise.",
    "assumed": "A measurement of what is assumed: `churnsim evidence` says what a firm's own records decide, and "
    "`churnsim claims test {id} --config STUDY` judges the claim with it.",
}
"""By what an answer rests on, what would change it."""


def read_findings(path: Path) -> list[ClaimRecord]:
    """The claims of a findings file. Raises ConfigError for a file that is not one."""
    remedy = "Write it with `churnsim claims test --json FILE`."
    rows = read_json_file(path, what="file of findings", remedy=remedy, error=ConfigError)
    try:
        return FINDINGS.validate_python(rows, context=STORED)
    except ValidationError:
        raise ConfigError(f"{path} holds no findings. Write it with `churnsim claims test --json FILE`.") from None


def write_claims_page(claims: Sequence[ClaimRecord], page: Path) -> list[Path]:
    """Write the table, a page a claim, the pictures and the findings without their tables; returns what was written."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = [], []
    for claim in claims:
        pictures = list(claim.pictures)
        for name in map_names(claim.tables):
            picture = folder / f"{claim.id}-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.svg"
            picture.write_text(
                region_svg(region_from(claim.tables, name), likely_in(claim.tables, name)), encoding="utf-8"
            )
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
    pages = {page: claims_page(kept, folder.name)} | {folder / f"{c.id}.md": claim_page(c, page.name) for c in kept}
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return [*pages, results, *written]


def claims_page(claims: Sequence[ClaimRecord], folder: str = "claims") -> str:
    """The table of all claims as Markdown, by the groups of the catalogue; claims of one's own come last."""
    by_id = {claim.id: claim for claim in claims}
    counts = Counter(claim.shown for claim in claims)
    means = {answer: Words()(f"claim_meaning.{answer}") for answer in ANSWERS}
    lines = [INTRO, "| answer | claims | it means |", "|---|---|---|"]
    lines += [f"| **{answer}** | {counts[answer]} | {told} |" for answer, told in means.items() if counts[answer]]
    groups = {title: [c.id for c in group if c.id in by_id] for title, group in GROUPS.items()}
    known = {claim_id for ids in groups.values() for claim_id in ids}
    groups["Claims of one's own"] = [claim_id for claim_id in by_id if claim_id not in known]
    for title, ids in groups.items():
        if ids:
            head = ["| claim | answer | rests on | what is said |", "|---|---|---|---|"]
            lines += ["", f"## {title}", "", *head, *(_line(by_id[claim_id], folder) for claim_id in ids)]
    lines += _references(claims)
    return "\n".join(lines).rstrip() + "\n"


def _line(claim: ClaimRecord, folder: str) -> str:
    mass = claim.plausible
    share = f" ({mass.holds:.0%})" if claim.answer == "HOLDS_IF" and mass is not None and mass.holds is not None else ""
    return (
        f"| [`{claim.id}`]({folder}/{claim.id}.md) | {claim.shown}{share} | {claim.basis or ''} | {_cell(claim.says)} |"
    )


def _references(claims: Sequence[ClaimRecord]) -> list[str]:
    """The full references of the texts, which the entries cite by title and year."""
    cited = sorted({(s.text, s.title) for claim in claims for s in claim.sources if s.text != s.title})
    told = [f"- {_text(text)}: {_text(title)}." for text, title in cited]
    return ["", "## The texts", "", *told] if told else []


def claim_page(claim: ClaimRecord, table: str = "claims.md") -> str:
    """One claim as a page of Markdown."""
    rests = f", {claim.basis}" if claim.basis else ""
    mass = claim.plausible
    lines = [f"# {claim.id}", "", _text(claim.says), "", f"> {_text(claim.quote)}", ""]
    lines += [f"**{claim.shown}**{rests}"]
    figure = _figure(claim)
    if figure:
        lines += ["", f"*Found:* {figure}"]
    if mass is not None and mass.holds is not None and mass.fails is not None:
        told = f"in {mass.holds:.0%} of what is plausible, and fails in {mass.fails:.0%}"
        lines += ["", f"*Holds* {told}: {_text(mass.beliefs)}."]
    for picture in claim.pictures:
        what = "Forest plot, " if picture.about.startswith(FIRMS) else "Map of "
        lines += ["", f"![{what}{_text(picture.about)}]({Path(picture.file).name})"]
    lines += ["", "## What is measured", "", _text(claim.quantity)]
    lines += ["", "## Evidence", "", _text(claim.reason), "", *_parts(claim.parts)]
    lines += [f"*Goes back to:* {_sources(claim)}", ""]
    lines += [f"- *{where}*, {_text(world.what)}: {world.shown}." for where, world in _worlds(claim)]
    if claim.power is not None and claim.power.false_worlds > 1:
        power = claim.power
        held = f"held in {power.held} of {power.true_worlds} true worlds, and " if power.true_worlds else ""
        lines += [f"- The check {held}held in {power.false_alarms} of {power.false_worlds} false ones."]
    lines += ["", "## What would change it", ""]
    if claim.region:
        lines += [f"- It depends: {_text(claim.region)}"]
    lines += [f"- {told.format(id=claim.id)}" for basis, told in CHANGES.items() if basis == claim.basis]
    if claim.critique:
        lines += ["", "## Against it", "", *[f"- {_text(critique)}" for critique in claim.critique]]
    return "\n".join([*lines, "", f"[All claims](../{table})"]) + "\n"


def _worlds(claim: ClaimRecord) -> list[tuple[str, ControlRecord]]:
    named = (("In a world where it is false", claim.control), ("In a world where it is true", claim.planted))
    return [(where, world) for where, world in named if world is not None]


def _parts(parts: Sequence[PartRecord]) -> list[str]:
    if not parts:
        return []
    lines = ["| part | answer | rests on | figure | |", "|---|---|---|---|---|"]
    lines += [
        f"| {_cell(p.name)} | {p.shown} | {p.basis or ''} | {_cell(_figure(p))} | {_cell(p.reason)} |" for p in parts
    ]
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
