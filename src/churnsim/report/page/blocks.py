"""What a page is made of. A chapter is a list of blocks; the template knows how each kind looks, and nothing else.

All text is plain: the template escapes it. Only `Figure.wide` and `Figure.narrow` are markup, made by `charts.svg`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

__all__ = [
    "Block", "Cell", "Chapter", "ClaimCard", "Column", "Details", "Facts", "Figure", "Heading", "Listing",
    "Preformatted", "Quote", "Table", "Text", "Tile", "Tiles", "foreign",
]  # fmt: skip


def foreign(text: str) -> str:
    """The language tag of a text that is visibly not in the page's language, else ''."""
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else ""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A paragraph. `tone` is '', 'note', 'lead' or 'warning'."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading below the chapter's own."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Terms and what is said of each."""

    kind: ClassVar[str] = "facts"
    rows: list[tuple[str, str]]
    compact: bool = False  # short numbers, side by side


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Short statements of one rank."""

    kind: ClassVar[str] = "listing"
    items: list[str]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: its text, a second line, a badge colour ('' = plain), and an anchor it leads to."""

    text: str
    note: str = ""
    badge: str = ""
    anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column head; numeric columns are set flush right, prose columns wide."""

    title: str
    numeric: bool = False
    prose: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under heads. The first cell of a row is the row's head."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    quiet: bool = False  # the caption is kept for screen readers alone


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart, drawn for a desktop and for a phone."""

    kind: ClassVar[str] = "figure"
    id: str
    number: str
    title: str
    note: str
    wide: str
    narrow: str


@dataclass(frozen=True, kw_only=True)
class Details:
    """Blocks folded away under one line."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Preformatted:
    """Text whose line breaks count."""

    kind: ClassVar[str] = "preformatted"
    text: str


@dataclass(frozen=True, kw_only=True)
class Quote:
    """Another's words, and whose."""

    kind: ClassVar[str] = "quote"
    text: str
    source: str

    @property
    def lang(self) -> str:
        """The quoted text's language, when it is not the page's."""
        return foreign(self.text)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One number that a hurried reader takes along."""

    label: str
    number: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """The few numbers at the top."""

    kind: ClassVar[str] = "tiles"
    tiles: list[Tile]


@dataclass(frozen=True, kw_only=True)
class ClaimCard:
    """A claim with its verdict, and everything behind it."""

    kind: ClassVar[str] = "claim"
    id: str
    verdict: str
    verdict_text: str
    says: str
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One numbered part of the report, with its anchor."""

    id: str
    title: str
    blocks: list[Block] = field(default_factory=list)


Block = (
    Text | Heading | Facts | Listing | Table | Figure | Details | Preformatted | Quote | Tiles | ClaimCard
)  # fmt: skip
