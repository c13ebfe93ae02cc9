"""``churnsim claims`` and ``churnsim reproduce``: the catalogue of published claims, their tests, and figures."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churnsim.cli.errors import EXIT_NO, guarded
from churnsim.cli.export import JsonFile, in_a_folder, print_table, write_json_file
from churnsim.cli.purchases import UnitOption
from churnsim.errors import ConfigError

if TYPE_CHECKING:
    from churnsim.claims.machinery.claim import Claim
    from churnsim.claims.machinery.evidence import MarketEvidence


WIDTH = 96

claims_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, show and test the claims of the literature."
)


def list_claims() -> None:
    """List every claim of the catalogue.

    \b
    Example:
      churnsim claims list
    """
    from churnsim.claims.catalogue import CATALOGUE

    print_table(("claim", "kind", "says"), [(c.id, c.kind.value, c.says) for c in CATALOGUE.values()])


def show(claim_id: Annotated[str, typer.Argument(metavar="ID", help="As `churnsim claims list` prints it.")]) -> None:
    """Show one claim: who says it, what is measured, what would bear it out, and what is said against it.

    \b
    Example:
      churnsim claims show five-percent-churn
    """
    from churnsim.claims.catalogue import CATALOGUE

    claim = CATALOGUE[claim_id]
    typer.echo(f"{claim.id} ({claim.kind.value})")
    _entry("says", claim.says)
    _entry("quote", claim.quote)
    for source in claim.sources:
        _entry("source", ". ".join(part for part in (source.title, source.study) if part))
        if source.measured:
            _entry("measured", source.measured)
    _entry("quantity", claim.quantity)
    within = "" if claim.within is None else f", within {claim.within:g} ({claim.because})"
    _entry("expected", f"{_expectation(claim.expect)}{within}")
    _entry("false if", claim.control.what)
    if claim.planted is not None:
        _entry("true if", claim.planted.what)
    if claim.settings:
        _entry("settings", ", ".join(f"{name} = {value}" for name, value in claim.settings.items()))
    for critique in claim.critique:
        _entry("against", critique)


def judge(
    claim_ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|FILE]...", help="Claims to test, by id or from a TOML or Python file of your own; all if none."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="CONFIG", help="Test them on the customers and the market of this study.")
    ] = None,
    purchases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Test them on these customers: a file with customer_id, date and amount (others: --config).",
        ),
    ] = None,
    unit: UnitOption = "W",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer replications where a test simulates.")] = False,
    worlds: Annotated[
        int, typer.Option("--worlds", metavar="N", min=1, help="Planted worlds that each check is run in.")
    ] = 1,
    json_file: JsonFile = None,
) -> None:
    """Test claims. Those that need customers are tested on the CDNOW sample, or on your own: of a study's
    configuration, or of a file.

    Exits with 1 when a check proves worthless: it did not fail in a world where the claim is false, or did not hold in
    one where it is true.

    \b
    Examples:
      churnsim claims test
      churnsim claims test card-npv retention-table --json findings.json
      churnsim claims test our-claim.toml        a claim of your own; TOML is data and is never run
      churnsim claims test our_claims.py         claims of your own in Python; the file is run
      churnsim claims test our-claim.toml --config study.toml
      churnsim claims test our-claim.toml --purchases purchases.csv --unit M
    """
    from churnsim.claims.catalogue import CATALOGUE
    from churnsim.claims.machinery.claim import Kind
    from churnsim.claims.machinery.results import said, to_record

    chosen = [claim for asked in claim_ids or CATALOGUE for claim in _claims_of(asked)]
    if config is not None and purchases is not None:
        raise ConfigError("--config and --purchases are two groups of customers. Give one of them.")
    evidence: MarketEvidence | None = None
    if config is not None:
        evidence = _study_evidence(config)
    elif purchases is not None:
        evidence = log_evidence(purchases, unit)
    elif any(claim.kind is Kind.SIMULATION for claim in chosen):
        evidence = _market_evidence()
    results = []
    for claim in chosen:
        typer.echo(f"testing {claim.id} ...", err=True)
        result = claim.test(evidence, quick=quick, worlds=worlds)
        results.append(result)
        typer.echo(f"{said(result.finding)}  {result.claim.id}: {result.claim.says}")
        _wrapped(result.finding.reason)
        for part in result.finding.parts:
            _wrapped(f"{said(part)}  {part.name}: {part.reason}", indent=4)
        if result.power is not None and worlds > 1:
            _wrapped(f"The check {result.power}.")
    records = [to_record(result) for result in results]
    write_json_file(json_file, records)
    if any(record.withdrawn for record in records):
        raise typer.Exit(EXIT_NO)


def page(
    findings: Annotated[Path, typer.Argument(metavar="FINDINGS", help="As `claims test --json` writes it.")],
    output: Annotated[Path, typer.Argument(metavar="PAGE", help="A Markdown file; pictures go beside it.")],
) -> None:
    """Write a page about every claim from stored findings, with its maps as pictures.

    \b
    Example:
      churnsim claims test --json findings.json
      churnsim claims page findings.json docs/claims.md
    """
    from churnsim.report.claims_page import read_findings, write_claims_page

    written = write_claims_page(read_findings(findings), output)
    typer.echo(f"{output} and {len(written) - 1} files beside it.")


def _claims_of(asked: str) -> tuple[Claim, ...]:
    """The claims that a word of the command line names: one of the catalogue, or those of a file."""
    from churnsim.claims.catalogue import CATALOGUE
    from churnsim.study.custom_claims.file import is_claim_file, read_claims

    if is_claim_file(asked):
        return read_claims(asked)
    if Path(asked).is_file():
        raise ConfigError(
            f"{asked} is no file of claims, which ends in .toml or .py. Customers of your own are given "
            "by --purchases, a study by --config."
        )
    return (CATALOGUE[asked],)


def _study_evidence(path: Path) -> MarketEvidence:
    from churnsim.study.config.config_file import read_config
    from churnsim.study.stages.kind import study_evidence
    from churnsim.study.storage.executor import plan_executor

    study = read_config(path)
    plan = plan_executor(study.simulation, workers=None, backend=None, scheduler=None)
    return study_evidence(study, workers=plan.workers)


def log_evidence(path: Path, unit: str) -> MarketEvidence:
    """The customers of a log of purchases: the purchase model with the lowest BIC, and the default market."""
    from dataclasses import replace

    from churnsim.claims.machinery.evidence import market_evidence
    from churnsim.data.logs.transactions import read_transactions
    from churnsim.data.summaries.summary import summarise
    from churnsim.decisions.runs.parallel_map import worker_count
    from churnsim.models.evaluation.selection import choose_model
    from churnsim.models.purchase.registry import PURCHASE_FAMILIES, simulated_families
    from churnsim.models.spend.gamma_gamma import GammaGamma
    from churnsim.simulation.customers.base import PosteriorBase
    from churnsim.simulation.scenario.market import Market

    log = read_transactions(path)
    summary = summarise(log, unit=unit)
    families = [PURCHASE_FAMILIES[name] for name in simulated_families()]
    chosen = choose_model(summary, models=[family for family in families if family.reads == "summary"], unit=unit)
    typer.echo(chosen.reason, err=True)
    market = Market(customers=PosteriorBase(summary), purchases=chosen.fit.model, spend=GammaGamma.fit(summary).model)
    label = f"the {len(summary):,} customers of {path.name}"
    found = market_evidence(market, label=label, workers=worker_count("all"))
    return replace(found, log=log, summary=summary)


def _market_evidence() -> MarketEvidence:
    from churnsim.claims.machinery.evidence import cdnow_evidence
    from churnsim.decisions.runs.parallel_map import worker_count

    return cdnow_evidence(workers=worker_count("all"))


def _expectation(expect: object) -> str:
    return f"{expect[0]:g} to {expect[1]:g}" if isinstance(expect, tuple) else str(expect)


def _entry(label: str, text: str) -> None:
    hanging = " " * 12
    typer.echo(textwrap.fill(text, WIDTH, initial_indent=f"  {label:<10}", subsequent_indent=hanging))


def _wrapped(text: str, indent: int = 2) -> None:
    typer.echo(textwrap.fill(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)))


claims_app.command("list", short_help="List every claim of the catalogue.")(guarded(list_claims))
claims_app.command("show", short_help="Show one claim in full.")(guarded(show))
claims_app.command("page", short_help="Write a page about the claims from stored findings.")(guarded(page))
claims_app.command("test", short_help="Test claims and print the answers.")(guarded(judge))


def reproduce(
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the results as JUnit XML.", callback=in_a_folder)
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file of figures in place of the package's own.")
    ] = None,
) -> None:
    """Recompute published figures and compare each at its tolerance. Exits with 1 when one does not reproduce, or when
    one that is wrong on purpose does.

    \b
    Examples:
      churnsim reproduce
      churnsim reproduce --junit reproduce.xml
    """
    from churnsim.claims.machinery.reference_data import Workbench
    from churnsim.claims.reproduction.published import load_controls
    from churnsim.claims.reproduction.reproduce import blunt_controls, junit_xml
    from churnsim.claims.reproduction.reproduce import reproduce as recompute
    from churnsim.study.storage.store import write_text

    bench = Workbench()
    results, blunt = recompute(figures, bench=bench), blunt_controls(figures, bench=bench)
    numbers = ("published", "computed", "difference", "within")
    print_table(
        ("figure", *numbers, "source", "verdict"),
        [
            (
                r.figure,
                f"{r.published:.10g}",
                f"{r.computed:.6g}",
                f"{r.difference:+.2g}",
                f"{r.tolerance:.2g}",
                r.citation,
                "reproduced" if r.reproduced else "NOT REPRODUCED",
            )
            for r in results
        ],
        right=numbers,
    )
    failed = [r for r in results if not r.reproduced]
    typer.echo(f"{len(results) - len(failed)} of {len(results)} figures reproduced.")
    for r in failed:
        typer.echo(f"not reproduced: {r.figure}: published {r.published:.10g}, computed {r.computed:.6g}")
    for control in blunt:
        typer.echo(f"insensitive comparison: {control} reproduces although it is wrong on purpose")
    controls = len(load_controls(figures))
    if controls and not blunt:
        typer.echo(f"{controls} negative controls, wrong on purpose, did not reproduce.")
    if junit is not None:
        write_text(junit, junit_xml(results))
    if failed or blunt:
        raise typer.Exit(EXIT_NO)
