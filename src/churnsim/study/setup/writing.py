"""The configuration of a study of an export, as TOML with its reasons, and a page on the quality of the data."""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from churnsim.data.database.quality import START_DAYS
from churnsim.data.tabular.row_coercion import ALL_GIVEN_BACK
from churnsim.data.tabular.tally import GUESTS
from churnsim.errors import ConfigError
from churnsim.models.purchase.registry import DEFAULT_FAMILY, PURCHASE_FAMILIES
from churnsim.simulation.core.lifetimes import FixedSpend
from churnsim.simulation.customers.base import Cohort
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.advice import in_keys
from churnsim.study.config.config import DataSection
from churnsim.study.config.evidence_sections import RECORDS
from churnsim.study.setup.choices import SHARE_OF_MARGIN, YEAR, Choices
from churnsim.study.setup.export import Answers, Export
from churnsim.study.setup.subscribers import Subscribers, data_lines
from churnsim.toml_text import toml_key, toml_text_of

MARGINS = {"donations": 0.9, "bank": 0.6}
"""Assumed, of a sale after its own costs: of a gift nearly all is left, of what a bank earns more than of goods."""
MARGIN = 0.3
SHARE_OF_PURCHASE = 0.05
REWARD = 0.5
"""Assumed: what is paid for a customer who was brought, in typical purchases."""
TOLD_ELSEWHERE = ("rows set aside", "refunds (negative amounts)", "currencies")
IN_OTHER_WORDS = {
    "rows that repeat another in every column": (
        "rows like another in customer, time, amount and currency (the product, say, is not looked at)",
        'kept, since lines of one order may be alike; duplicates = "set_aside" in [data] leaves them out',
    ),
    f"customers first seen in the first {START_DAYS} days": (
        f"customers first seen in the first {START_DAYS} days",
        "kept; where they are far more than in later months the study says so, and from which day on it could begin",
    ),
}
"""What the database says to those who write Python, for those who write TOML."""
PEOPLE = 8
"""Assumed, as in `Prospects`: people who could still become customers, for each customer."""
SPENDING_IN_SCALES = 2.53
"""Spending in units of its scale where 1% more brings 0.22% more new customers (Sethuraman, Tellis & Briesch 2011)."""
STATED_COST = 1.25
"""Assumed: what a firm states of the cost of a new customer is right within a quarter."""
MOST_WON = 0.5
"""Of all prospects in a period: more is a slip of the pen."""
COMMENT = 34
"""Column at which comments begin."""


def config_text(
    export: Export, chosen: Choices, answers: Answers, *, name: str, title: str, folder: Path, template: str,
    margin: float, currency: str, records: Mapping[str, Path], stated_margin: bool, programmes: Sequence[str] = (),
    customer_cost: float | None = None,
) -> str:  # fmt: skip
    """The TOML of the study, to be written in `folder`; `records` are files of the firm's own records by kind.

    Raises ConfigError for a cost of a new customer at which the budget wins more than there are.
    """
    parts = [
        _head(name, title, amounts=export.has_amounts),
        "\n".join(["[data]", *_data(export, chosen, answers, folder, currency)]),
        "\n".join(["[simulation]", *_simulation(chosen)]),
    ]
    if export.has_amounts:
        serving = _contact(chosen) if "dismissal" in programmes else None
        told = export.profit is not None and margin == export.profit[1]
        by = f"by the column {export.profit[0]!r}" if told and export.profit else "as stated"
        parts.append("\n".join(_market(margin, stated=stated_margin, serving=serving, by=by)))
    parts += ["\n".join(_evidence(kind, path, folder)) for kind, path in records.items()]
    if chosen.budget is not None:
        strategies = _all_strategies(template, programmes, _values(chosen))
        if any("\nreferral = " in text for text in strategies):
            parts.append("[market.referral]\n# Without this table nobody refers anybody; how many come is assumed.")
        budget = "\n".join(["[budget]", *_budget(chosen, margin, appeals=template == "donations")])
        if any("\nacquisition = " in text for text in strategies):
            parts.append("\n".join(_prospects(chosen, float(budget.rpartition("= ")[2]), customer_cost)))
        parts += [budget, *strategies]
        parts.append('[comparison]\nagainst = "no-spending"')
    parts.append("\n".join(_claims(export)))
    return "\n\n".join(parts) + "\n"


def _head(name: str, title: str, *, amounts: bool) -> str:
    question = "What are these customers worth, and does money spent on winning or keeping them pay?"
    if not amounts:
        question = "How often will these customers buy, and who of them is still active?"
    texts = {"named": toml_text_of(name), "titled": toml_text_of(title), "question": toml_text_of(question)}
    return _filled("head", {"name": name, "title": _comment(title), **texts})


def _data(export: Export, chosen: Choices, answers: Answers, folder: Path, currency: str) -> Iterator[str]:
    yield f"path = {toml_text_of(_relative(export.path, folder))}"
    for ours, theirs in export.columns.items():
        key = "currency_column" if ours == "currency" else ours
        if key != theirs or ours in ("price", "quantity"):
            yield _line(f"{key} = {toml_text_of(theirs)}", export.why[ours])
    if not export.has_amounts:
        yield _line("amount = false", "what was paid is not known: no budget, no strategies, nothing said in money")
    for word, value in answers.form.items():
        yield _line(f"{word} = {toml_text_of(value)}", "as stated")
    away = sum(export.added.reasons.get(reason, 0) for reason in (GUESTS, ALL_GIVEN_BACK)) + export.stated_away
    bad = export.added.set_aside - away
    if bad:
        yield _line('on_bad = "set_aside"', f"leaves out {_rows(bad)} that cannot be used, see the page on the data")
    if export.added.reasons.get(GUESTS):
        yield _line('guests = "apart"', f"leaves out {_rows(export.added.reasons[GUESTS])} without a customer id")
    if export.leave_out:
        states = (
            f"{toml_key(name)} = [{', '.join(map(toml_text_of, values))}]" for name, values in export.leave_out.items()
        )
        line = f"leave_out = {{ {', '.join(states)} }}"
        yield _line(line, f"leaves out {_rows(export.stated_away)} that are no purchases by their own word")
    if export.added.refunds:
        yield _line('refunds = "net"', f"takes {_rows(export.added.refunds)} of refunds off the purchases before them")
    if answers.rates:
        rates = ", ".join(f"{toml_key(name)} = {rate!r}" for name, rate in answers.rates.items())
        yield _line(f"exchange_rates = {{ {rates} }}", "as stated")
    if currency:
        yield f"currency = {toml_text_of(currency)}"
    yield _line(f'unit = "{chosen.unit}"', chosen.why["unit"])
    yield _line(f"calibration_end = {chosen.calibration_end}", chosen.why["calibration_end"])
    yield _line(f"holdout_end = {chosen.last}", "the last day with a purchase; the strategies start here")
    if chosen.mid_life:
        yield f"# The first 30 days hold the first purchase of {chosen.mid_life:.0%} of the customers: the export seems"
        yield "# to begin in the middle of older relations, whose customers count as new. Without those seen before"
        yield f"# a later day the fit is one of new customers. This day leaves out {chosen.known_before:,} of"
        yield f"# {chosen.customers:,}, of whom the study then says nothing:"
        yield f"# first_from = {chosen.known_from}"
    yield "# What happened in time and may move how often customers buy, by customer and day or by day (docs/time.md):"
    yield '# series = { path = "mails.csv", before = 0.0, future = "hold" }'
    yield '# calendar_series = { path = "prices.csv", future = "hold" }'


def _simulation(chosen: Choices) -> Iterator[str]:
    yield _line(f'horizon = "{chosen.horizon}"', chosen.why["horizon"])
    yield _line(f'period = "{chosen.period}"', "how often the firm decides and the books close")
    yield _line(f'epoch = "{chosen.epoch}"', "how soon one customer's doings reach another")
    yield _line("replications = 200", "more of them narrow the intervals of means")
    yield _line('beliefs = "all"', "every number that is assumed is drawn from its interval")


def _market(margin: float, *, stated: bool, serving: float | None = None, by: str = "as stated") -> Iterator[str]:
    yield "[market.terms]"
    # Assumed: what a firm states of its margin is right within a tenth, a guess within two fifths.
    wide = 0.1 if stated else 0.4
    # No further up than half of the way to all of it.
    low, high = round(margin * (1 - wide), 4), round(min(margin * (1 + wide), (1 + margin) / 2), 4)
    interval = f"low = {low}, high = {high}"
    said = f", source = {toml_text_of(f'{by}, taken to be right within a tenth')}" if stated else ""
    why = "what is left of a sale after its own costs" if stated else "ASSUMED: set yours, with its source"
    yield _line(f"margin = {{ value = {margin}, {interval}{said} }}", why)
    yield _line("annual_discount_rate = { value = 0.10, low = 0.06, high = 0.15 }", "assumed")
    if serving is not None:
        why = "ASSUMED: a customer's cost a period; where customers cost nothing, none is to be dismissed"
        yield _line(f"cost_to_serve = {serving!r}", why)
    yield "# How customers answer spending is by default in multiples of a typical purchase, with wide intervals. What"
    yield "# the firm's own records say is measured with [evidence]; see `churnsim evidence`."


def _budget(chosen: Choices, margin: float, *, appeals: bool) -> Iterator[str]:
    """A share of what customers bring; of donors no less than one appeal a year to each costs."""
    assert chosen.budget is not None
    once_a_year = float(f"{_contact(chosen) * chosen.customers * 28 / YEAR:.2g}")
    if appeals and once_a_year > chosen.budget:
        yield "# What one appeal a year to each donor costs, at a twentieth of a typical gift: set what is spent today."
        yield f"per_period = {once_a_year!r}"
        return
    yield f"# A tenth of what four weeks of the last year left at a margin of {margin:.0%}: set what is spent today."
    yield f"per_period = {chosen.budget!r}"


def _prospects(chosen: Choices, budget: float, cost: float | None) -> Iterator[str]:
    """What a new customer costs where the whole budget is spent on winning them, as stated or by default."""
    size, typical = PEOPLE * chosen.customers, chosen.typical_purchase or 1.0
    if cost is None:
        family: Any = PURCHASE_FAMILIES[DEFAULT_FAMILY]
        model = family(**dict.fromkeys(family.parameter_names, 1.0), unit=chosen.unit)  # prospects do not depend on it
        base = Cohort(size=chosen.customers)
        supposed = Market(customers=base, purchases=model, spend=FixedSpend(amount=typical)).prospects
        told = budget / (supposed.size * supposed.share_per_period(budget))
        yield "# Of winning customers nothing is known here: where all of the budget is spent on it a new one costs by"
        yield f"# default about {told:,.3g}, {told / typical:,.2g} typical purchases, and it may be a tenth or tenfold."
        yield "# Say what one costs you: churnsim init --customer-cost AMOUNT writes the table [market.prospects]."
        return
    won = budget / cost
    ceiling = won / (size * -math.expm1(-SPENDING_IN_SCALES))
    if ceiling > MOST_WON:
        raise ConfigError(
            f"at {cost:g} a new customer the budget of {budget:g} a period wins {won:,.0f} people of about {size:,} "
            "who could still become customers. Give what one costs in all, advertising and offers included."
        )
    source = toml_text_of(f"such that a new customer costs {cost:g} where {budget:g} a period is spent, as stated")
    yield "[market.prospects]"
    size_of = f"size = {{ value = {size}, low = {size}, high = {size} }}"  # its spread is in the ceiling's
    yield _line(size_of, "assumed: people who could still become customers")
    low, high = ceiling / STATED_COST, min(ceiling * STATED_COST, 0.99)
    yield f"ceiling = {{ value = {ceiling:.3g}, low = {low:.3g}, high = {high:.3g}, source = {source} }}"
    scale = budget / size / SPENDING_IN_SCALES
    interval = f"value = {scale:.3g}, low = {scale / 2:.3g}, high = {scale * 2:.3g}"
    yield _line(f"spend_scale = {{ {interval} }}", "assumed: 1% more spending brings 0.22% more new customers")


def _contact(chosen: Choices) -> float:
    return float(f"{SHARE_OF_PURCHASE * (chosen.typical_purchase or 0.0):.2g}")


def _values(chosen: Choices) -> dict[str, str]:
    """What the strategies of a template leave open."""
    recent = {"recent": chosen.recent, "recent_words": chosen.recent.replace(" W", " weeks")}
    return recent | _programme_values(chosen.typical_purchase or 0.0, chosen.silent_for)


def _programme_values(typical: float, silent_for: str) -> dict[str, str]:
    return {
        "silent_for": silent_for, "silent_words": silent_for.replace(" W", " weeks"),
        "contact": repr(float(f"{SHARE_OF_PURCHASE * typical:.2g}")), "reward": repr(float(f"{REWARD * typical:.2g}")),
    }  # fmt: skip


def _template(name: str) -> str:
    return resources.files("churnsim.study.setup").joinpath("templates", f"{name}.toml").read_text(encoding="utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template(_template(template)).substitute(values).rstrip("\n")


def _all_strategies(template: str, programmes: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Those of a template, and one for each programme that it has not got."""
    first = _filled(template, values)
    return [first, *(_programme(name, values) for name in programmes if f'name = "{name}"\n' not in first)]


def programme_names() -> tuple[str, ...]:
    """The programmes that can be added to a study by name."""
    return tuple(re.findall(r'^name = "(.+)"$', _template("programmes"), re.MULTILINE))


def programmes_for(typical: float, silent_for: str) -> dict[str, dict[str, Any]]:
    """The strategy of each programme, as TOML holds it, by the mechanism that is its own.

    `typical` is what a purchase is worth, `silent_for` after what a customer counts as lost ("26 W").
    """
    text = Template(_template("programmes")).substitute(_programme_values(typical, silent_for))
    found = tomllib.loads(text)["strategy"]
    return {key: one for one in found for key in one if key not in ("name", "title", "description", "acquisition")}


def _programme(name: str, values: Mapping[str, str]) -> str:
    """A strategy with one programme."""
    blocks = re.split(r"\n(?=\[\[strategy\]\])", _template("programmes"))
    (found,) = (block for block in blocks if f'name = "{name}"\n' in block)
    return Template(found).substitute(values).rstrip("\n")


def subscribers_text(
    found: Subscribers, form: Mapping[str, Any], *, name: str, title: str, folder: Path, margin: float, currency: str,
    stated_margin: bool,
) -> str:  # fmt: skip
    """The TOML of a study of subscribers, to be written in `folder`."""
    data = [f"path = {toml_text_of(_relative(found.path, folder))}"]
    data += [_line(f"{key} = {value}", why) for key, value, why in data_lines(found, currency, form)]
    months = found.months
    budget = float(f"{SHARE_OF_MARGIN * margin * found.monthly:.2g}")
    head = _head(name, title, amounts=True).replace("name = ", 'setting = "contractual"\nname = ', 1)
    parts = [
        head, "\n".join(["[data]", *data]),
        "\n".join([
            "[simulation]",
            _line(f'horizon = "{months} M"', "no longer than a subscriber has stayed, and three years at most"),
            _line('period = "1 M"', "how often the firm decides and the books close"), 'epoch = "1 M"',
            _line("replications = 200", "more of them narrow the intervals of means"),
            _line('beliefs = "all"', "every number that is assumed is drawn from its interval"),
        ]),
        "\n".join(_market(margin, stated=stated_margin)),
        f"[budget]\n# A tenth of what a month leaves at a margin of {margin:.0%}: set what is spent today.\n"
        f"per_period = {budget!r}",
        _filled("subscription", {"unit": "M"}),
        '[comparison]\nagainst = "no-spending"', f'[value]\nhorizon = "{months} M"',
        '[claims]\n# `churnsim claims list` shows them all.\ntest = ["annual-churn"]\nquick = true',
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def subscribers_page(found: Subscribers) -> str:
    """What was found in a file of subscribers, in Markdown."""
    facts, tenure = found.data.facts, found.data.subscribers["tenure"]
    told = (
        f"{facts.customers:,} subscribers, of whom {facts.leavers or 0:,} have left; they stayed {tenure.median():g} "
        f"months at the median and {tenure.max():g} at most. Those who are there pay {found.monthly:,.0f} a month."
    )
    columns = [(_named(ours), theirs) for ours, theirs in found.columns.items()]
    read = ["## How the file was read", _table(("what", "column"), columns)]
    return "\n\n".join([
        f"# The data of {_cell(found.path.name)}", told, *read,
        "## What tells subscribers apart", ", ".join(map(_cell, found.covariates)) + ".",
        "If the file lists only those who left lately, as snapshots do, subscribers look more loyal than they are.",
    ]) + "\n"  # fmt: skip


def _evidence(kind: str, path: Path, folder: Path) -> Iterator[str]:
    assert kind in RECORDS
    yield f"[evidence.{kind}]"
    yield f"path = {toml_text_of(_relative(path, folder))}"
    yield from ASKED.get(kind, ())


ASKED = {
    "contacts": (
        '# control = "control"            # the arm that was left alone',
        '# window = "4 W"                 # how long after its draw a customer is watched',
    ),
    "spend": ('# channel = "search"             # of several: where the money of the strategies goes',),
    "win_backs": (
        '# control = "none"               # the arm that was left alone, and the chance of each arm:',
        "# chance = { none = 0.5, call = 0.5 }  # without it nothing says that chance alone decided",
    ),
}
"""Keys of a table of records that only the firm can answer, as comments."""


def _claims(export: Export) -> Iterator[str]:
    yield "[claims]"
    yield "# `churnsim claims list` shows them all."
    chosen = ["five-percent-churn", "eighty-twenty"] if export.has_amounts else ["annual-churn"]
    yield f"test = {json.dumps(chosen)}"
    yield "quick = true"


def quality_page(export: Export, chosen: Choices) -> str:
    """What was found in the export, in Markdown."""
    added, used = export.added, len(export.log)
    told = (
        f"{added.rows:,} rows were read and {used:,} are used: {chosen.purchases:,} purchases (a customer's rows of "
        f"one day are one) of {chosen.customers:,} customers, {chosen.first} to {chosen.last}. {chosen.repeaters:,} "
        f"customers ({chosen.repeaters / chosen.customers:.0%}) bought on more than one day; half of the gaps between "
        f"their purchases are shorter than {chosen.median_gap:,.0f} days."
    )
    columns = [(f"column {theirs!r}", f"{_named(ours)}, {export.why[ours]}") for ours, theirs in export.columns.items()]
    columns += [(f"one {name}", f"worth {rate:g}, as stated") for name, rate in (export.rates or {}).items()]
    unused, bad = [*export.log.attrs["reading"]["left_out"].items()], export.bad
    findings = [found for found in export.quality.findings if found.count and found.rule not in TOLD_ELSEWHERE]
    parts = [
        f"# The data of {_cell(export.path.name)}", told, "## How the file was read",
        _table(("what", "how"), [*columns, *added.detected.items()]), "## Rows that are not used",
        _table(("reason", "rows"), unused) if unused else "None.",
    ]  # fmt: skip
    if bad:
        heads = ("row", "column", "value", "reason")
        parts.append(_table(heads, [[row[head] for head in heads] for row in bad]))
    heads = ("what", "how many", "of", "what is done")
    rows: list[tuple[object, ...]] = [
        (*IN_OTHER_WORDS.get(found.rule, (found.rule,))[:1], found.count, found.of,
         IN_OTHER_WORDS.get(found.rule, ("", in_keys(found.treatment, "data", DataSection.model_fields)))[1])
        for found in findings
    ]  # fmt: skip
    rows += [(f"column {name!r}, which is not read", "", "", told) for name, told in export.unread.items()]
    parts += ["## What to look at", _table(heads, rows) if rows else "Nothing."]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [[_cell(f"{cell:,}" if isinstance(cell, int) else cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines))


def _named(ours: str) -> str:
    return ours.replace("_", " ")


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _line(statement: str, why: str) -> str:
    return f"{statement}  ".ljust(COMMENT) + f"# {_comment(why)}"


def _comment(text: str) -> str:
    """Text that may stand in a comment: on one line, without control characters."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def _cell(text: object) -> str:
    """Text from data in a table of Markdown: no markup, no cell of its own, no HTML."""
    plain = _comment(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", plain)


def _relative(path: Path, folder: Path) -> str:
    """As the configuration names a file: from its own folder on, with slashes."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return path.resolve().as_posix()
