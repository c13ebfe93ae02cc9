"""What a page is made of. A chapter is a list of blocks; the template knows how each kind looks, and nothing else.

All text is plain: the template escapes it. Only `Figure.wide` and `Figure.narrow` are markup, made by `charts.svg`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


def foreign(text: str) -> str:
    """The language tag of a text that is visibly not in the page's language, else ''."""
    return "zh" if any("\u3400" <= letter <= "\u9fff" for letter in text) else ""


class Block:
    """A part of a chapter; its `kind` is what the template asks for."""

    kind: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.kind = cls.__name__.lower()


@dataclass(frozen=True, kw_only=True)
class Paragraph(Block):
    """A paragraph. `tone` is '', 'note', 'lead' or 'warning'."""

    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Heading(Block):
    """A heading below the chapter's own."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Facts(Block):
    """Terms and what is said of each."""

    rows: list[tuple[str, str]]
    compact: bool = False  # short numbers, side by side


@dataclass(frozen=True, kw_only=True)
class Listing(Block):
    """Short statements of one rank."""

    items: list[str]


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """One cell: its text, a second line, a badge colour ('' = plain), and an anchor it leads to."""

    text: str
    note: str = ""
    badge: str = ""
    anchor: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnHead:
    """A column head; numeric columns are set flush right, prose columns wide."""

    title: str
    numeric: bool = False
    prose: bool = False


@dataclass(frozen=True, kw_only=True)
class TableBlock(Block):
    """Rows under heads. The first cell of a row is the row's head."""

    caption: str
    columns: list[ColumnHead]
    rows: list[list[TableCell]]
    quiet: bool = False  # the caption is kept for screen readers alone
    wide: bool = False  # wider than the page: shown row by row


@dataclass(frozen=True, kw_only=True)
class FigureBlock(Block):
    """One chart, drawn for a desktop and for a phone."""

    id: str
    number: str
    title: str
    note: str
    wide: str
    narrow: str


@dataclass(frozen=True, kw_only=True)
class Details(Block):
    """Blocks folded away under one line."""

    summary: str
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Preformatted(Block):
    """Text whose line breaks count."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Quote(Block):
    """Another's words, and whose."""

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
class Tiles(Block):
    """The few numbers at the top."""

    tiles: list[Tile]


@dataclass(frozen=True, kw_only=True)
class ClaimCard(Block):
    """A claim with its answer, and everything behind it."""

    id: str
    answer: str
    answer_text: str
    says: str
    blocks: list[Block]


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A number that the reader may move, and what is stated of it."""

    id: str
    title: str
    stated: str


@dataclass(frozen=True, kw_only=True)
class Sliders(Block):
    """Numbers to be moved, and the table that follows them; `data` is JSON that is safe inside HTML."""

    sliders: list[Slider]
    steps: int
    data: str
    table: TableBlock
    sure: dict[str, str]
    words: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """One numbered part of the report, with its anchor. One that is `scripted` is shown where scripts run."""

    id: str
    title: str
    blocks: list[Block] = field(default_factory=list)
    scripted: bool = False
