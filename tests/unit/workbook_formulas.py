"""The formulas of a workbook, worked out by NumPy and SciPy from the cells that they name: a second opinion on what is
stored beside them."""

from __future__ import annotations

import io
import re
from functools import cache
from typing import Any

import numpy as np
import openpyxl
from scipy.stats import t

FUNCTIONS = {
    "AVERAGE": np.mean, "COUNT": np.size, "MAX": np.max, "SQRT": np.sqrt, "STDEV": lambda x: np.std(x, ddof=1),
    "SUM": np.sum, "TINV": lambda p, df: t.isf(p / 2, df), "SUMPRODUCT": lambda *x: np.sum(np.prod(np.stack(x), 0)),
    "IF": lambda test, yes, no: yes if test else no,
}  # fmt: skip
CELLS = r"(?:'([^']+)'!)?(\$?[A-Z]{1,2}\$?[0-9]+(?::\$?[A-Z]{1,2}\$?[0-9]+)?)"


class Calculator:
    """Values of a workbook's cells, formulas among them worked out anew; `changed` replaces cells first."""

    def __init__(self, content: bytes, changed: dict[tuple[str, str], float] | None = None) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))
        for (sheet, cell), value in (changed or {}).items():
            self.book[sheet][cell] = value
        self.names = {name: found.attr_text for name, found in self.book.defined_names.items()}
        self.value = cache(self._value)

    def _value(self, sheet: str, cell: str) -> Any:
        found = self.book[sheet][cell]
        if found.data_type != "f":
            return found.value
        formula = found.value.removeprefix("=")
        for name in sorted(self.names, key=len, reverse=True):
            formula = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", self.names[name], formula)
        parts = re.split(f"({CELLS})", formula)
        text = ""
        for whole, of, cells, rest in zip(parts[1::4], parts[2::4], parts[3::4], parts[4::4], strict=True):
            assert whole
            plain = cells.replace("$", "")
            text += f"_cells({of or sheet!r}, {plain!r}){rest}"
        text = parts[0] + text
        text = re.sub("(?<![<>=])=(?!=)", "==", text).replace("^", "**").replace("--(", "1 * (")
        return eval(text, {**FUNCTIONS, "_cells": self._cells})

    def _cells(self, sheet: str, cells: str) -> Any:
        if ":" not in cells:
            return self.value(sheet, cells)
        return np.array([self.value(sheet, cell.coordinate) for row in self.book[sheet][cells] for cell in row])
