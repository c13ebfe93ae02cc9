"""``churnsim init``, ``check`` and ``schema``: from an export to a study, what a study would do, and its schema."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from churnsim.checks import check_number
from churnsim.cli.export import (
    RUNS,
    JsonFile,
    RunsDir,
    StudyFile,
    interval,
    not_the_input,
    print_table,
    write_json_file,
)
from churnsim.cli.purchases import FORMAT, RULES, exchange_rates, reading_progress, values_left_out, with_options
from churnsim.errors import ConfigError, DataError

if TYPE_CHECKING:
    from churnsim.study.setup.export import Answers, Export, UndecidedError

T = TypeVar("T")
MOST_QUESTIONS = 12
SLOW = 90  # seconds after which minutes are told


ROLES = {
    "customer_id": "Who bought", "date": "When", "amount": "How much was paid, or 'none' where that is not known",
    "price": "With --quantity: the price of one", "quantity": "With --price: how many, below 0 for a refund",
    "refunded": "What was given back of each amount", "currency": "The currency of each amount",
}  # fmt: skip
FORMS = ("date_format", "decimal", "thousands", "delimiter", "encoding", "sheet")


def _column(what: str) -> tuple[Any, Any]:
    return Annotated[str | None, typer.Option(metavar="COLUMN", help=f"{what}; told by its name if absent.")], None


def _records(what: str) -> tuple[Any, Any]:
    return Annotated[Path | None, typer.Option(metavar="FILE", help=what)], None


RECORDS: dict[Any, tuple[Any, Any]] = {
    "contacts": _records("Contacts of campaigns, with those who were left alone."),
    "complaints": _records("Complaints and their answers."),
    "spend": _records("Spending on new customers by period and channel."),
    "referrals": _records("Who was referred by whom."),
    "win_backs": _records("Contacts to silent customers."),
}
SUBSCRIBERS = {
    "tenure": "How long the relation has lasted, in months", "churned": "Who has left",
    "start": "In place of the tenure: when it began", "end": "In place of the tenure: when it ended",
    "charge": "What is paid a month",
}  # fmt: skip
UNTIL = (
    Annotated[str | None, typer.Option(metavar="DATE", help="Until when it is known who was there; with --start.")],
    None,
)
EXPORT = {
    **{role: _column(what) for role, what in ROLES.items()}, **{word: FORMAT[word] for word in FORMS},
    "leave_out": FORMAT["leave_out"], "rate": RULES["rate"], **RECORDS,
    **{role: _column(f"Of subscribers: {what[:1].lower()}{what[1:]}") for role, what in SUBSCRIBERS.items()},
    "observed_until": UNTIL,
}  # fmt: skip


@with_options(EXPORT, dict)
def init(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="Purchases, one row each: CSV, Parquet or Excel.")],
    *,
    given: dict[str, Any],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The configuration to write; NAME.toml beside the export.")
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Of the study, short; the file's if absent.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Of the report.")] = None,
    template: Annotated[
        Literal["shop", "donations", "b2b", "bank", "subscription"],
        typer.Option(help="Which strategies to begin with; of subscribers EXPORT has a row each."),
    ] = "shop",
    programme: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A strategy more: win-back, club, referral, desk or dismissal. Repeatable."),
    ] = None,
    margin: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Left of a sale after its own costs, such as 0.4.")
    ] = None,
    customer_cost: Annotated[
        float | None,
        typer.Option(metavar="AMOUNT", help="What a new customer costs today, all spending on it counted."),
    ] = None,
    currency_sign: Annotated[str, typer.Option(metavar="TEXT", help="Set before amounts in the report.")] = "",
    ask: Annotated[bool, typer.Option(help="Ask what the file leaves open, or stop with the option to give.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a configuration that is there.")] = False,
) -> None:
    """Write a study of an export: find out what its columns are, say what the file holds, and choose dates, a budget
    and strategies, each with its reason.

    Only what the file leaves open is asked, or taken from the options. Writes NAME.toml, which runs as it is, and
    NAME-data.md, a page on the quality of the data.

    \b
    Examples:
      churnsim init sales.csv
      churnsim init export.xlsx --sheet Orders --margin 0.4 --currency-sign '€'
      churnsim init sales.csv --customer-id 'Client no' --date-format '%d/%m/%Y' --no-ask
      churnsim init gifts.csv --template donations --contacts mailings.csv
      churnsim init sales.csv --programme club --programme referral
      churnsim init subscribers.csv --template subscription --tenure months --churned left
    """
    from churnsim.data.records.reading import read_records
    from churnsim.study.config.advice import in_keys
    from churnsim.study.config.config_file import parse_config
    from churnsim.study.config.evidence_sections import RecordsSection
    from churnsim.study.setup.choices import choices_for
    from churnsim.study.setup.export import Answers, read_export
    from churnsim.study.setup.writing import MARGIN, MARGINS, config_text, programme_names, quality_page
    from churnsim.study.storage.store import write_text

    answers = Answers(
        columns={role: given[role] for role in ROLES if given[role] is not None},
        form={word: given[word] for word in FORMS if given[word] is not None}, rates=exchange_rates(given["rate"]),
        leave_out=values_left_out(given["leave_out"]),
    )  # fmt: skip
    if margin is not None:
        margin = check_number(margin, "margin", above=0, most=1, remedy="Forty percent is 0.4.")
    if customer_cost is not None:
        customer_cost = check_number(customer_cost, "--customer-cost", above=0)
    slug = _slug(name or export.name)
    target = out or export.parent / f"{slug}.toml"
    page = target.with_name(f"{target.stem}-data.md")
    for path in (target, page):
        not_the_input(export, path, "--out")
        if path.exists() and not force:
            raise ConfigError(f"{path} is there already. Name another file with --out, or write over it with --force.")
    supposed = MARGINS.get(template, MARGIN)
    unknown = [found for found in programme or () if found not in programme_names()]
    if unknown:
        raise ConfigError(f"no programme {unknown[0]!r}. There are {', '.join(programme_names())}.")
    if template == "subscription":
        if programme:
            raise ConfigError("programmes are of customers who buy when they like; add one of subscribers in the TOML.")
        _init_subscribers(
            export, given, answers, target=target, page=page, name=slug,
            title=title or _titled(name or export.name), margin=margin or supposed, currency=currency_sign,
            stated_margin=margin is not None, ask=ask and sys.stdin.isatty(),
        )  # fmt: skip
        return
    progress = reading_progress(lambda text: typer.echo(text, err=True))
    found, answers = _understood(
        lambda answers: read_export(export, answers, progress=progress), answers, ask=ask and sys.stdin.isatty()
    )
    if margin is None and found.profit is not None:
        _, margin = found.profit
    chosen = choices_for(found, margin=margin or supposed)
    records = {kind: given[kind] for kind in RECORDS if given[kind] is not None}
    for kind, path in records.items():
        try:
            read_records(kind, path)
        except DataError as error:
            told = in_keys(str(error), f"evidence.{kind}", RecordsSection.model_fields)
            raise DataError(
                f"{told} Such keys go into the study: leave --{kind.replace('_', '-')} out here, and write the table "
                f"[evidence.{kind}] there."
            ) from error
    text = config_text(
        found, chosen, answers, name=slug, title=title or _titled(name or export.name), folder=target.parent,
        template=template, margin=margin or supposed, currency=currency_sign or found.currency_sign, records=records,
        stated_margin=margin is not None, programmes=tuple(dict.fromkeys(programme or ())),
        customer_cost=customer_cost,
    )  # fmt: skip
    parse_config(text, name=str(target), folder=target.parent)
    write_text(page, quality_page(found, chosen))
    write_text(target, text)
    _tell(found, chosen.customers, chosen.purchases)
    typer.echo(f"data:   {page}")
    typer.echo(f"study:  {target}")
    typer.echo(f"next:   churnsim check {target}")


def _init_subscribers(
    export: Path, given: dict[str, Any], answers: Answers, *, target: Path, page: Path, name: str, title: str,
    margin: float, currency: str, stated_margin: bool, ask: bool,
) -> None:  # fmt: skip
    """Write a study of subscribers."""
    from churnsim.study.config.config_file import parse_config
    from churnsim.study.setup.subscribers import read_export_of_subscribers
    from churnsim.study.setup.writing import subscribers_page, subscribers_text
    from churnsim.study.storage.store import write_text

    roles = ("customer_id", *SUBSCRIBERS)
    stated = {role: given[role] for role in roles if given[role] is not None}
    answers = replace(answers, columns=stated)
    if given["observed_until"] is not None:
        answers = _with_answer(answers, "observed_until", given["observed_until"])
    found, answers = _understood(partial(read_export_of_subscribers, export), answers, ask=ask)
    text = subscribers_text(
        found, answers.form, name=name, title=title, folder=target.parent, margin=margin, currency=currency,
        stated_margin=stated_margin,
    )  # fmt: skip
    parse_config(text, name=str(target), folder=target.parent)
    write_text(page, subscribers_page(found))
    write_text(target, text)
    facts = found.data.facts
    typer.echo(f"{export}: {facts.customers:,} subscribers, of whom {facts.leavers or 0:,} have left")
    print_table(("what", "column"), [(role.replace("_", " "), column) for role, column in found.columns.items()])
    typer.echo(f"tell them apart: {', '.join(found.covariates)}")
    typer.echo(f"data:   {page}\nstudy:  {target}\nnext:   churnsim check {target}")


def _titled(name: str) -> str:
    """What a report is called after a file or a name, whose letters stay as they are."""
    words = re.sub(r"[-_]+", " ", Path(name).name.split(".")[0]).strip()
    return words[:1].upper() + words[1:] or "Study"


def _slug(text: str) -> str:
    """A name that a study may have."""
    letters = unicodedata.normalize("NFKD", Path(text).name.split(".")[0].casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9_-]+", "-", bare).strip("-_")
    return plain[:60] or "study"


def _understood(read: Callable[[Answers], T], answers: Answers, *, ask: bool) -> tuple[T, Answers]:
    """What is read, with what a person says where the file leaves something open."""
    from churnsim.study.setup.export import UndecidedError

    for _ in range(MOST_QUESTIONS):
        try:
            return read(answers), answers
        except UndecidedError as open_question:
            if not ask:
                raise
            answers = _with_answer(answers, open_question.key, _reply(open_question))
    raise ConfigError("the file leaves too much open. State its columns and its form with the options; see --help.")


def _with_answer(answers: Answers, key: str, reply: str) -> Answers:
    if key == "rate":
        return replace(answers, rates=exchange_rates(reply.replace(",", " ").split()))
    if key == "observed_until":
        try:
            return replace(answers, observed_until=date.fromisoformat(reply))
        except ValueError:
            raise ConfigError(f"--observed-until {reply!r} is no day. Write it as 2024-06-30.") from None
    changed = "form" if key in FORMS else "columns"
    entry: dict[str, Any] = {changed: {**getattr(answers, changed), key: reply}}
    return replace(answers, **entry)


def _reply(asked: UndecidedError) -> str:
    """What a person answers: one of the choices, by its number or name, or any text where there are none."""
    typer.echo(asked.question)
    for number, choice in enumerate(asked.choices, start=1):
        sample = asked.samples.get(choice)
        typer.echo(f"  {number}  {choice}" + (f"   ({sample})" if sample else ""))
    while True:
        text: str = typer.prompt("number or name" if asked.choices else "answer")
        if text.isdecimal() and 0 < int(text) <= len(asked.choices):
            return asked.choices[int(text) - 1]
        if not asked.choices or text in asked.choices:
            return text
        typer.echo(f"{text!r} is none of these.")


def _tell(export: Export, customers: int, purchases: int) -> None:
    """How the file was understood, before anything is believed of it."""
    reading = export.log.attrs["reading"]
    typer.echo(
        f"{export.path}: {purchases:,} purchases of {customers:,} customers, from {reading['used']:,} of "
        f"{reading['rows']:,} rows"
    )
    for reason, count in reading["left_out"].items():
        typer.echo(f"  left out: {count:,} {reason}")
    for column, told in export.unread.items():
        typer.echo(f"  look at column {column!r}: {told}")
    rows = [(ours.replace("_", " "), theirs, export.why[ours]) for ours, theirs in export.columns.items()]
    if export.profit is not None:
        name, share = export.profit
        rows.append(("margin", name, f"{share:.1%} of what was paid, in all"))
    rows += [("found out", what, how) for what, how in reading["detected"].items()]
    print_table(("what", "column", "told"), rows)


def check(
    config: StudyFile,
    runs_dir: RunsDir = RUNS,
    json_file: JsonFile = None,
) -> None:
    """Check a study without running it: what is wrong with it, what it will do, about how long that takes, and what it
    assumes.

    \b
    Examples:
      churnsim check configs/cdnow.toml
      churnsim check study.toml --json check.json
    """
    from churnsim.study.config.config_file import read_config
    from churnsim.study.preview import preview

    not_the_input(config, json_file, "--json")
    found = preview(read_config(config), runs_dir=runs_dir)
    facts = found.facts
    typer.echo(f"{config}: nothing is wrong with it.")
    typer.echo(f"data: {facts.source}: {facts.rows:,} rows of {facts.customers:,} customers, to {facts.last}")
    for reason, count in facts.left_out.items():
        typer.echo(f"  left out: {count:,} {reason}")
    for warning in found.warnings:
        typer.echo(f"warning: {warning.message}")
    rows = [(part.stage, part.amount, f"{part.seconds:,.0f} s") for part in found.work]
    print_table(("what will be done", "how much", "CPU time"), rows, right=("CPU time",))
    typer.echo(f"takes about {_minutes(found.seconds)} with {found.workers} at a time, within a factor of two or so")
    if found.last_run is not None:
        typer.echo(f"the last run of a study of this name, {found.last_run[0]}, took {_minutes(found.last_run[1])}")
    known = [row for row in found.assumed if row.status != "chosen"]
    title = f"{len(known)} numbers that are not fitted, with what is believed of each; a fitted model adds its own"
    cells = [
        (row.status, row.parameter, row.value, interval(row.low, row.high), row.unit, shorten(row.source or "", 60))
        for row in known
    ]  # fmt: skip
    print_table(("status", "number", "value", "interval", "unit", "source"), cells, title=title, right=("value",))
    write_json_file(json_file, found.content())


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds > SLOW else f"{seconds:,.0f} s"


def schema(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a file instead of standard output.")] = None,
) -> None:
    """Print the JSON Schema of a study's TOML, by which editors complete and check it while it is written.

    \b
    Example, for editors with a language server for TOML: write the schema once, and begin a study with
    "#:schema ./churnsim.schema.json".
      churnsim schema --out churnsim.schema.json
    """
    from churnsim.study.config.json_schema import config_schema
    from churnsim.study.storage.store import write_text

    text = json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_text(out, text)
