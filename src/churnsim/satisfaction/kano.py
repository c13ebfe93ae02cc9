"""Kano: is an attribute basic (taken for granted), performance (the more the better) or excitement (a gift)?

Paired questions: how would you feel with the attribute (functional), and without it (dysfunctional)? Answers 1 like it,
2 take it for granted, 3 neutral, 4 can live with it, 5 dislike it. The evaluation table (Kano, Seraku, Takahashi &
Tsuji 1984) turns a pair into a category; better = (A + O)/(A + O + M + I) and worse = -(O + M)/(A + O + M + I) (Berger
et al. 1993), the shares of people whom the attribute can please, and whom its absence can hurt.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.errors import DataError
from churnsim.satisfaction.measurement import Measurement, size_warnings
from churnsim.satisfaction.quality import quality_warnings
from churnsim.satisfaction.resampling import estimates, resample_counts
from churnsim.satisfaction.survey import Survey
from churnsim.statistics import wilson

EVALUATION = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")
"""Category by functional answer (row, 1 to 5) and dysfunctional answer (letter, 1 to 5)."""
CATEGORIES = {
    "M": "basic (must-be)", "O": "performance (one-dimensional)", "A": "excitement (attractive)", "I": "indifferent",
    "R": "reverse", "Q": "questionable",
}  # fmt: skip
LETTERS = tuple(CATEGORIES)
MUCH_QUESTIONABLE = 0.1
"""A larger share of contradictory pairs casts doubt on the wording (assumed)."""


@typed
def kano(survey: Survey, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Measurement:
    """Categories and better-worse coefficients of every item that was asked in both forms.

    Rows of the table: ``better: ITEM``, ``worse: ITEM`` and ``share CATEGORY: ITEM``, with Wilson's limits.
    Details `categories`: the most frequent category, its share, the next one, and the share of resamples in which it
    stays the most frequent. Raises DataError where the answers are not on the scale 1 to 5.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_kano
    >>> kano(synthetic_kano(100, seed=1).survey, resamples=100).table["estimate"].head(2).round(2).to_dict()
    {'better: arrives intact': 0.2, 'worse: arrives intact': -0.8}
    """
    functional, dysfunctional = survey.of("functional"), survey.of("dysfunctional")
    for kind in ("functional", "dysfunctional"):
        if survey.scales[kind] != (1, 5):
            raise DataError(
                f"{kind} answers must be on the scale 1 to 5 (like ... dislike); got {survey.scales[kind]}."
            )
    items = [str(item) for item in functional.columns if item in dysfunctional]
    if not items:
        raise DataError("no item was asked in both forms. Name the functional and the dysfunctional question alike.")
    whole = survey.respondents.index
    counts = resample_counts(len(whole), resamples=resamples, seed=seed)
    tables, categories, warnings = [], {}, list(quality_warnings(survey))
    for item in items:
        letters = _categories(functional[item].reindex(whole), dysfunctional[item].reindex(whole))
        flags = np.column_stack([(letters == letter).astype(float) for letter in LETTERS])
        n = int(flags.sum())
        if n == 0:
            raise DataError(f"nobody answered both questions to {item}. Leave it out, or ask them.")
        share, draws = flags.sum(axis=0) / n, _shares(counts @ flags)
        names = [f"better: {item}", f"worse: {item}", *(f"share {letter}: {item}" for letter in LETTERS)]
        values = np.concatenate([_coefficients(share[None])[0], share])
        table = estimates(names, values, np.hstack([_coefficients(draws), draws]), level=level, n=n)
        # Shares of people: the bootstrap of one that nobody is in has no width.
        told = n - flags[:, [LETTERS.index("R"), LETTERS.index("Q")]].sum()
        trials = np.array([told, told, *[n] * len(LETTERS)])
        low, high = wilson(np.abs(values) * trials, trials, level=level)
        turned = np.arange(values.size) == 1  # "worse" is minus a share
        table["lower"], table["upper"] = np.where(turned, -high, low), np.where(turned, -low, high)
        tables.append(table.assign(group=["better", "worse", *["share"] * len(LETTERS)]))
        order = np.argsort(-share, kind="stable")
        categories[item] = {
            "category": CATEGORIES[LETTERS[order[0]]],
            "share": share[order[0]],
            "next": CATEGORIES[LETTERS[order[1]]],
            "next_share": share[order[1]],
            "stable": float((draws.argmax(axis=1) == order[0]).mean()),
        }
        if share[LETTERS.index("Q")] > MUCH_QUESTIONABLE:
            warnings.append(
                f"{share[LETTERS.index('Q')]:.0%} of the pairs for {item} contradict themselves: look at its words."
            )
    n = int(functional.index.intersection(dysfunctional.index).size)
    return Measurement(
        instrument="Kano",
        table=pd.concat(tables),
        reliability=pd.DataFrame(),
        n=n,
        level=level,
        says="better: share of people whom the attribute can please; worse: minus the share whom its absence hurts.",
        warnings=(*size_warnings(n), *warnings),
        details={"categories": pd.DataFrame.from_dict(categories, orient="index")},
    )


def _categories(functional: pd.Series[float], dysfunctional: pd.Series[float]) -> np.ndarray:
    """A letter a respondent, empty where one of the two was not answered."""
    pairs = zip(functional.to_numpy(), dysfunctional.to_numpy(), strict=True)
    return np.array([EVALUATION[int(f) - 1][int(d) - 1] if f > 0 and d > 0 else "" for f, d in pairs])


def _shares(sums: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))


def _coefficients(share: np.ndarray) -> np.ndarray:
    """Better and worse of shares (..., categories)."""
    m, o, a, i = (share[:, LETTERS.index(letter)] for letter in "MOAI")
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = m + o + a + i
        return np.column_stack([(a + o) / whole, -(o + m) / whole])
