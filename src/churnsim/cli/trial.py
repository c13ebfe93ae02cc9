"""``churnsim trial``: plan a trial on a study's own customers, and read it from their purchases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from churnsim.cli.errors import EXIT_NO, guarded
from churnsim.cli.export import JsonFile, in_a_folder, not_the_input, print_table, write_json_file
from churnsim.cli.progress import terminal_progress
from churnsim.cli.purchases import PurchaseFile, with_purchases

if TYPE_CHECKING:
    from churnsim.trials.design import TrialDesign
    from churnsim.trials.reading import TrialReading

trial_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Plan a trial, and read it.")


def design(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file of a study of purchases.")],
    about: Annotated[str, typer.Option(metavar="NUMBER", help="What to measure, such as retention.max_effect.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the list, its manifest and the picture go.")],
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the treated are under; the only one that acts if absent.")
    ] = None,
    effect: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="The value to be told; the market's own if absent.")
    ] = None,
    against: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="The value it is told from: no effect if absent.")
    ] = None,
    outcome: Annotated[
        Literal["purchases", "spend"], typer.Option(help="What is read of each customer.")
    ] = "purchases",
    power: Annotated[float, typer.Option(min=0.01, max=0.999, help="The power asked for.")] = 0.8,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Of the final interval.")] = 0.95,
    weeks: Annotated[
        list[float] | None, typer.Option(metavar="W", help="How long; several to choose from. 13, 26, 52 if absent.")
    ] = None,
    holdout: Annotated[
        list[float] | None,
        typer.Option(
            metavar="SHARE", help="Which share is held out; several to choose from. .1, .2, .3, .5 if absent."
        ),
    ] = None,
    today: Annotated[
        Literal["treated", "held out"], typer.Option(help="What customers are now; the cost is counted from there.")
    ] = "treated",
    among: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|FILE",
            help="Who takes part: the best so large a share by forecast, or the customer_id of a file; all if absent.",
        ),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="DAY", help="First day of the trial; the one after the data if absent.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of the arms.")] = 1,
    replications: Annotated[int, typer.Option(metavar="N", min=2, help="Replays of the customers.")] = 50,
) -> None:
    """Plan the cheapest trial that tells the value of a number of a study's market, and draw who is held out.

    The study's customers are replayed under the strategy and without the part of it that the number belongs to, with
    the same random numbers. Writes assignment.csv (who is in which arm), manifest.json (what was planned, and the hash
    of the list) and power.svg. Ends with code 2, and says what could be detected, where no duration and share is
    enough.

    \b
    Examples:
      churnsim trial design study.toml --about retention.max_effect --effect 0.3 --out trial
      churnsim trial design study.toml --about win_back.success --strategy callers --weeks 26 --holdout 0.5 --out trial
      churnsim trial design study.toml --about retention.max_effect --among 0.1 --out best-tenth
    """
    from churnsim.study.config.config_file import read_config, with_replications
    from churnsim.study.stages.trial_stage import trial_ground
    from churnsim.study.storage.executor import plan_executor
    from churnsim.study.storage.store import write_text
    from churnsim.trials.design import design_trial

    study = with_replications(read_config(config), replications)
    plan = plan_executor(study.simulation, workers=None, backend=None, scheduler=None)
    spans = [float(span) for span in weeks or (13, 26, 52)]
    with terminal_progress() as progress:
        ground = trial_ground(study, workers=plan.workers, progress=progress)
        chosen = ground.strategy(strategy)
        progress.stage("replays of both arms", replications * len(spans))
        found = design_trial(
            ground.experiment, chosen, about=about, effect=effect, against=against, outcome=outcome, power=power,
            level=level, weeks=spans, shares=list(holdout or (0.1, 0.2, 0.3, 0.5)), today=today,
            among=_part(among, ground.experiment.market.customers), replications=replications,
        )  # fmt: skip
    first = start or ground.next_day.isoformat()
    drawn = found.assignment(start=first, seed=seed)
    path = drawn.write(out)
    _print_design(found, money=ground.has_amounts)
    typer.echo(f"starts on {drawn.manifest.start} and ends on {drawn.manifest.end}; the list is {path}")
    typer.echo(f"next: churnsim trial read {path} EXPORT --study {config}")
    if _drawable():
        from churnsim.report.charts.power import plot_power
        from churnsim.report.charts.svg import svg_of

        write_text(out / "power.svg", svg_of(plot_power(found)))
    else:
        typer.echo("no picture: it needs the extra [report].", err=True)


def _part(among: str | None, customers: Any) -> float | list[Any] | None:
    """A share, or the customers whom a file names."""
    from churnsim.study.stages.score_files import read_ids

    if among is None:
        return None
    try:
        return float(among)
    except ValueError:
        return read_ids(Path(among), customers.ids)


def _drawable() -> bool:
    from churnsim.errors import MissingExtraError
    from churnsim.report.page.extras import require_report_extra

    try:
        require_report_extra()
    except MissingExtraError:
        return False
    return True


def _print_design(found: TrialDesign, *, money: bool) -> None:
    """Each duration and share, then the one chosen."""
    heads = ("weeks", "held out", "power", "looked at daily", "detectable", "standard error", "profit forgone")
    rows = []
    for key, row in found.table.iterrows():
        weeks, share = cast("tuple[float, float]", key)
        cost = f"{row['cost']:,.2f} [{row['cost_lower']:,.2f}, {row['cost_upper']:,.2f}]" if money else "not known"
        least = "none on the range" if row["detectable"] != row["detectable"] else f"{row['detectable']:.3g}"
        rows.append(
            (
                f"{weeks:g}", f"{row['held_out']:,.0f} ({share:.0%})", f"{row['power']:.1%}",
                f"{row['sequence_power']:.1%}", least, f"{row['standard_error']:.3g}", cost,
            )
        )  # fmt: skip
    print_table(heads, rows, title=f"trials about {found.about}", right=heads)
    typer.echo(str(found) if money else "\n".join(x for x in str(found).splitlines() if not x.startswith("profit")))


@with_purchases
def read(
    assignment: Annotated[Path, typer.Argument(metavar="ASSIGNMENT", help="The assignment.csv of the trial.")],
    given: PurchaseFile,
    looks: Annotated[
        Literal["daily", "weekly", "end"], typer.Option(help="When the trial is looked at until now.")
    ] = "weekly",
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Last day observed; that of the last purchase if absent.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A customer to leave out, such as one who was erased.")
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG", help="Read FILE as [data] of this study says, without more options."),
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what a finished trial says of the number, as TOML.", callback=in_a_folder
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Read a trial from the purchases of its customers, while it runs or when it is over.

    The confidence sequence holds at all looks at once, so that one may look as often as one likes and stop when it
    tells the arms apart. When the trial is over the final reading has its checks, and --evidence writes a file that the
    next study reads: [evidence] trials = ["evidence.toml"]. Exits with 1 where a check fails.

    \b
    Examples:
      churnsim trial read trial/assignment.csv sales-until-now.csv --study study.toml
      churnsim trial read trial/assignment.csv purchases.csv --looks daily
      churnsim trial read trial/assignment.csv purchases.csv --until 2026-06-30 --evidence trial/evidence.toml
    """
    from churnsim.study.storage.store import write_text
    from churnsim.trials.assignment import TrialAssignment
    from churnsim.trials.reading import read_trial

    for target, option in ((json_file, "--json"), (evidence, "--evidence")):
        for source in (given.path, assignment):
            not_the_input(source, target, option)
    trial = TrialAssignment.read(assignment)
    log = given.read(amounts=trial.manifest.outcome == "spend") if study is None else given.read_as(study)
    found = read_trial(trial, log, looks=looks, until=until, without=tuple(without or ()))
    _print_reading(found)
    write_json_file(json_file, _plain_reading(found))
    if evidence is not None:
        write_text(evidence, found.evidence())
        typer.echo(f"what it says of {found.about} is in {evidence}")
    if not all(check.passed for check in found.checks):
        raise typer.Exit(EXIT_NO)


def _print_reading(found: TrialReading) -> None:
    heads = ("control", "treated", "difference", "lower", "upper")
    rows = [
        (at, *(None if row[name] != row[name] else f"{row[name]:.4g}" for name in heads))
        for at, row in found.looks.to_dict("index").items()
    ]
    title = f"{found.outcome} a customer since the start, with a {found.level:.0%} confidence sequence"
    print_table(("until", *heads), rows, title=title, right=heads)
    typer.echo(str(found))


def _plain_reading(found: TrialReading) -> dict[str, Any]:
    from churnsim.records.base import rows

    final = None if found.effects is None else rows(found.effects.table.reset_index())
    return {
        "about": found.about, "outcome": found.outcome, "status": found.status, "finished": found.finished,
        "until": found.until, "level": found.level, "decided": found.decided, "strangers": found.strangers,
        "looks": rows(found.looks.reset_index()), "final": final,
        "checks": [vars(check) for check in found.checks],
        "belief": None if found.effects is None else vars(found.belief),
    }  # fmt: skip


trial_app.command(short_help="Plan a trial on a study's customers, and draw who is held out.")(guarded(design))
trial_app.command(short_help="Read a trial from the purchases of its customers.")(guarded(read))
