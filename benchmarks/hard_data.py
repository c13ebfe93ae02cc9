"""Hard data sets fitted by churnsim and by lifetimes: writes the tables of docs/hard-data.md.

Each data set breaks something: too few customers, all alike, nobody leaves, one outlier, seconds in place of weeks.
lifetimes' fits are judged by our log-likelihood at its parameters, so that both stand on one scale; what it raises is
written down as it is. Exits 1 when one of our fits raises, gives a NaN, or ends below lifetimes'.

    python benchmarks/hard_data.py [--write docs/hard-data.md]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from churnsim.data import datasets, summarise
from churnsim.models import BGBB, BGNBD, MBGNBD, ParetoNBD, from_lifetimes

FITTERS = {
    BGNBD: "BetaGeoFitter",
    MBGNBD: "ModifiedBetaGeoFitter",
    ParetoNBD: "ParetoNBDFitter",
    BGBB: "BetaGeoBetaBinomFitter",
}
WORDS = {BGNBD: "BG/NBD", MBGNBD: "MBG/NBD", ParetoNBD: "Pareto/NBD", BGBB: "BG/BB"}
# Opportunities are no durations, so another unit of time is no other problem for BG/BB.
DONORS = "Donors"
UNITS_OF_TIME = ("CDNOW in seconds", "CDNOW in years")
TRUTH = BGNBD(r=0.6, alpha=5.0, a=0.8, b=2.0)


def frame(frequency: Any, recency: Any, T: Any) -> pd.DataFrame:
    return pd.DataFrame({"frequency": frequency, "recency": recency, "T": T}).rename_axis("customer_id")


def hard_data() -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(title, what is hard, summary)."""
    cdnow = summarise(datasets.cdnow(), until="1997-09-30")
    cdnow.attrs = {}
    donors = datasets.donations()
    each = np.repeat(np.arange(len(donors)), donors["customers"])
    yield DONORS, "nothing: BG/BB's textbook, six yearly opportunities", donors.iloc[each].reset_index(drop=True)
    yield "CDNOW", "nothing: 2,357 customers, the textbook's", cdnow
    yield (
        "CDNOW in seconds",
        "durations of 10^7",
        cdnow.assign(recency=cdnow["recency"] * 604_800, T=cdnow["T"] * 604_800),
    )
    yield "CDNOW in years", "durations below 1", cdnow.assign(recency=cdnow["recency"] / 52.18, T=cdnow["T"] / 52.18)
    rng = np.random.Generator(np.random.PCG64(1))
    yield "Twenty customers", "too few to tell dropout", TRUTH.draw_summary(rng.uniform(20, 40, 20), seed=11)
    yield "All alike", "200 times the same row: no spread between customers", frame([3] * 200, 30.0, 39.0)
    yield "Nobody came back", "500 customers without a repeat purchase", frame([0] * 500, 0.0, rng.uniform(10, 39, 500))
    rate = rng.gamma(2.0, 1 / 8.0, 2000)
    x = rng.poisson(rate * 39.0)
    last = np.where(x > 0, 39.0 * rng.random(2000) ** (1 / np.maximum(x, 1)), 0.0)
    yield "Nobody leaves", "2,000 customers of an NBD, who never drop out", frame(x, last, 39.0)
    outlier = pd.concat([cdnow, frame([5000], [38.5], [38.9])], ignore_index=True)
    yield "One outlier", "CDNOW and one customer with 5,000 purchases", outlier
    rate = rng.gamma(1.5, 1 / 0.3, 500)
    x = rng.poisson(rate * 52.0)
    last = np.where(x > 0, 52.0 * rng.random(500) ** (1 / np.maximum(x, 1)), 0.0)
    yield "Heavy buyers", "500 customers with 260 purchases on average", frame(x, last, 52.0)


def in_opportunities(summary: pd.DataFrame) -> pd.DataFrame:
    """Each whole week an opportunity, bought at or not."""
    T = np.floor(summary["T"])
    recency = np.minimum(np.ceil(summary["recency"]), T)
    frequency = np.minimum(summary["frequency"], recency).astype(int)
    return frame(frequency, np.where(frequency > 0, recency, 0.0), T)


@dataclass(frozen=True)
class Outcome:
    """What a fit came to: its log-likelihood (None where there is none) and words."""

    loglik: float | None
    words: str


def ours(family: Any, summary: pd.DataFrame) -> Outcome:
    fit = family.fit(summary)
    values = [*fit.parameters.values(), fit.loglik]
    if not np.isfinite(values).all():
        raise ArithmeticError(f"{family.__name__} gave {values}")
    return Outcome(fit.loglik, fit.status.code)


def theirs(family: Any, summary: pd.DataFrame) -> Outcome:
    import lifetimes

    fitter = getattr(lifetimes, FITTERS[family])()
    np.random.seed(1)  # noqa: NPY002  its random starts are numpy's global ones
    try:
        fitter.fit(summary["frequency"], summary["recency"], summary["T"])
        model = from_lifetimes(fitter)
        return Outcome(float(model.log_likelihood(summary).sum()), "fitted")
    except Exception as error:  # whatever it raises is the finding
        return Outcome(None, type(error).__name__)


def rows(families: Any = FITTERS) -> Iterator[list[str]]:
    for title, _, summary in hard_data():
        for family in families:
            if title in UNITS_OF_TIME if family is BGBB else title == DONORS:
                continue
            own = in_opportunities(summary) if family is BGBB else summary
            mine, other = ours(family, own), theirs(family, own)
            gap = "" if other.loglik is None or mine.loglik is None else _number(mine.loglik - other.loglik)
            if other.loglik is not None and not np.isfinite(other.loglik):
                gap = "unusable"
            yield [
                title,
                WORDS[family],
                _number(mine.loglik),
                mine.words,
                "" if other.loglik is None else _number(other.loglik),
                other.words,
                gap,
            ]


def _number(value: float | None) -> str:
    """Two decimals; a zero has no sign."""
    return "" if value is None else f"{round(value, 2) + 0.0:,.2f}"


def page(table: list[list[str]]) -> str:
    """The whole document."""
    data = "\n".join(f"| {title} | {what} | {len(summary):,} |" for title, what, summary in hard_data())
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    raised = sum(row[5] not in ("fitted",) for row in table)
    short = sum(row[6] not in ("", "unusable") and float(row[6].replace(",", "")) > 0.1 for row in table)
    return f"""# Hard data

What happens to a fit where the data are not the textbook's. Written by `python benchmarks/hard_data.py --write
docs/hard-data.md`, with the versions of `constraints.txt`. Log-likelihoods are churnsim's, in the data's own time unit,
at the parameters each fit ended at; *short by* is how far lifetimes' lies below ours. Of {len(table)} fits lifetimes
raises in {raised} and ends more than 0.1 below the maximum in {short}; churnsim's always end with a status in words.

| data | what is hard | customers |
|---|---|---|
{data}

| data | model | churnsim | status | lifetimes | ending | short by |
|---|---|---|---|---|---|---|
{lines}

*boundary* and *ridge* name parameters that the data do not determine; forecasts from such a fit are usually still
determined (`churnsim.models.delta_interval` shows how well), single parameters are not. *too little data* means that no
customer bought again. BG/BB reads the same data by whole weeks, each an opportunity bought at or not, so that its
log-likelihoods are of other data than those above them. The message of a status names the parameters concerned and
what to try.
"""


def main(argv: list[str] | None = None, out: Callable[[str], object] = print) -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--write", type=Path, metavar="FILE")
    options = arguments.parse_args(argv)
    warnings.simplefilter("ignore")  # lifetimes is archived and warns about today's numpy and pandas
    table = list(rows())
    text = page(table)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    out(text)
    worse = [row for row in table if row[6] not in ("", "unusable") and float(row[6].replace(",", "")) < -1e-3]
    for row in worse:
        out(f"below lifetimes: {row}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
