"""Checkers of a report page. Each returns what is wrong, so that a control can show that it finds a planted error."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from html.parser import HTMLParser
from string import Formatter
from typing import Any
from xml.etree import ElementTree

# Figures that are spelled out. "One" is left out: it is a pronoun more often than a number.
SPELLED = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|hundred|thousand|million|half|third|quarter|double|twice|thrice|percent)s?\b",
    re.IGNORECASE,
)
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction"}


def sentences(words: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Every entry of a words file by its dotted key."""
    found = {}
    for key, entry in words.items():
        found |= sentences(entry, f"{prefix}{key}.") if isinstance(entry, dict) else {prefix + key: entry}
    return found


def figures_in_words(text: str) -> list[str]:
    """Keys whose own words, placeholders apart, hold a figure."""
    wrong = []
    for key, sentence in sentences(tomllib.loads(text)).items():
        literal = "".join(part for part, *_ in Formatter().parse(sentence))
        if re.search(r"\d|%|[½¼¾]", literal) or SPELLED.search(literal):
            wrong.append(key)
    return wrong


def prose_in_template(text: str) -> list[str]:
    """Words that a template says by itself, between its tags."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", text)
    return re.findall(r"[^\W_]+", text)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent += tag in ("style", "script", "pre")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "pre")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)


def read(page: str) -> _Page:
    """The page as a browser's parser would take it: its tags, and its visible text outside `pre`."""
    parsed = _Page()
    parsed.feed(page)
    parsed.close()
    return parsed


def visible_text(page: str) -> str:
    """The text a reader sees, without the verbatim configuration."""
    return " ".join(" ".join(read(page).text).split())


def active_content(page: str, *, own: str = "") -> list[str]:
    """Anything that could run or be injected: scripts other than the page's `own`, handlers, foreign objects, script
    addresses. JSON that no browser runs is none."""
    wrong = []
    for tag, attributes in read(page.replace(f"<script>{own}</script>", "", 1) if own else page).tags:
        if tag == "script" and attributes.get("type") == "application/json":
            continue
        if tag in ("script", "iframe", "object", "embed", "foreignobject", "base", "form", "link"):
            wrong.append(f"<{tag}>")
        wrong += [f"{tag}[{name}]" for name in attributes if name.startswith("on")]
        wrong += [f"{tag}[{name}]" for name, value in attributes.items() if "javascript:" in (value or "").lower()]
    return wrong


def loads(page: str) -> list[str]:
    """Everything a browser would fetch. A plain link that the reader may follow is not fetched."""
    wrong = []
    for tag, attributes in read(page).tags:
        for name, value in attributes.items():
            fetched = name.split(":")[-1] in LOADING or (name.split(":")[-1] == "href" and tag != "a")
            if fetched and value and not value.startswith(("data:", "#")):
                wrong.append(f"{tag}[{name}]={value}")
            if name == "style" and "url(" in (value or ""):
                wrong.append(f"{tag}[style]={value}")
    for style in re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL):
        wrong += re.findall(r"@import[^;]*|url\([^)]*\)", style)
    return wrong


def unfilled(page: str) -> list[str]:
    """Placeholders and template marks left in what the reader sees."""
    return re.findall(r"\{[\w.]*\}|\{\{|\}\}|\{%|%\}|\bNone\b|\bnan\b|\binf\b|Undefined", visible_text(page))


def broken_anchors(page: str) -> list[str]:
    """Identifiers used twice, and links or labels that lead nowhere."""
    tags = read(page).tags
    ids = [attributes["id"] for _, attributes in tags if attributes.get("id")]
    wrong = [f"twice: {name}" for name in set(ids) if ids.count(name) > 1]
    for tag, attributes in tags:
        targets = (attributes.get("aria-labelledby") or "").split()
        if tag == "a" and (attributes.get("href") or "").startswith("#"):
            targets.append((attributes["href"] or "")[1:])
        for value in attributes.values():
            targets += re.findall(r"url\(#([^)]+)\)", value or "")
        wrong += [f"{tag} leads to missing {target}" for target in targets if target not in ids]
    return wrong


def unlabelled(page: str) -> list[str]:
    """Charts without title and description, header cells without scope, a page without a language."""
    wrong = [] if re.search(r'<html lang="\w+"', page) else ["html without lang"]
    charts = re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL)
    wrong += [f"chart {i}" for i, svg in enumerate(charts) if not re.search(r"<title [^>]*>[^<]+</title><desc ", svg)]
    wrong += ["th" for tag, attributes in read(page).tags if tag == "th" and not attributes.get("scope")]
    return wrong


def cut_labels(page: str, *, room: float = 8.0) -> list[str]:
    """Texts of charts that would stick out of their drawing by more than `room` pixels in a wide font (DejaVu Sans has
    some 0.6 em a letter, Helvetica 0.5), or that Vega cut off itself."""
    wrong = []
    for svg in re.findall(r"<svg .*?</svg>", page, flags=re.DOTALL):
        root = ElementTree.fromstring(svg)
        wrong += _sticking_out(root, 0.0, 0.0, float(root.get("width", 0)), float(root.get("height", 0)), room)
    return wrong


def _sticking_out(
    element: ElementTree.Element, x: float, y: float, width: float, height: float, room: float
) -> list[str]:
    moves = re.findall(r"translate\(([-\d.]+),([-\d.]+)\)", element.get("transform", ""))
    turned = "rotate(-90)" in element.get("transform", "")
    for across, down in moves[:1] if turned else moves:
        x, y = x + float(across), y + float(down)
    found = [text for child in element for text in _sticking_out(child, x, y, width, height, room)]
    if element.tag != "text" or not element.text:
        return found
    ems = sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.61 for letter in element.text)
    long = ems * float(element.get("font-size", "12px").removesuffix("px"))
    at, side = (height - y, height) if turned else (x, width)
    start = at - long * {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")]
    outside = start < -room or start + long > side + room
    return [*found, element.text] if outside or element.text.endswith("…") else found
