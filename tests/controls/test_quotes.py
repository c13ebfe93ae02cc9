"""Controls: what the claims quote stands in the texts, word by word, where a folder beside the checkout has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.sources import TEXTS

FOLDER = Path(__file__).parents[3] / "shared" / "sources"
NUMBERS = {"after-marketing": "000", "lecture": "001", "small-firms": "002", "nine-steps": "003", "win-back": "004"}
# Signs and letters that stand for a drawing in the text, in a row of its labels.
DRAWN = r"[→=/()“”、,;:+.–*ΣαuβcV<>\d]|\s"


@pytest.fixture(scope="module")
def texts():
    if not FOLDER.is_dir():
        pytest.skip("the texts are not beside the checkout")
    found = {name: next(FOLDER.glob(f"{number}*")).read_text(encoding="utf-8") for name, number in NUMBERS.items()}
    return {TEXTS[name].cited: re.sub(r"\s", "", text) for name, text in found.items()}


def not_in(quote: str, texts: list[str]) -> list[str]:
    """Pieces of a quote that none of the texts has: whole, or as labels of a drawing put in a row. What is in square
    brackets mends the text, and what is in brackets with a title says where a piece is from."""
    plain = re.sub(r"\(《.*?》\)|\[.*?\]", "", quote)
    lost = []
    for piece in re.split(r"…|;", plain):
        whole = re.sub(r"\s", "", piece)
        labels = [label for label in re.split(DRAWN, piece) if label]
        if not any(whole in text or all(label in text for label in labels) for text in texts):
            lost.append(piece.strip())
    return lost


def test_what_is_quoted_is_in_a_text_that_is_cited(texts):
    """Of every claim; one test, so that a machine without the texts says once what it cannot check."""
    found = {name: not_in(claim.quote, [texts[s.text] for s in claim.sources]) for name, claim in CATALOGUE.items()}
    assert {name: lost for name, lost in found.items() if lost} == {}


@pytest.mark.parametrize(
    ("quote", "lost"),
    [
        ("組織80%", ["組織80%"]),
        ("组织80%的利润 … 八成", ["八成"]),
        ("经济 → 组织", []),
        ("组织 → 結構", ["组织 → 結構"]),
    ],
)
def test_a_wrong_quote_is_seen(quote, lost):
    assert not_in(quote, ["组织80%的利润来自20%的顾客", "经济绑定组织"]) == lost
