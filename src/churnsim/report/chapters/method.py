"""How it was done, so that it can be done again, and what it cannot tell."""

from __future__ import annotations

import json

from churnsim.report.chapters.fit import fit_name
from churnsim.report.headline import doubtful
from churnsim.report.page import numbers as fmt
from churnsim.report.page.blocks import (
    Block,
    Chapter,
    Details,
    Facts,
    Heading,
    Listing,
    Paragraph,
    Preformatted,
)
from churnsim.report.page.context import Context
from churnsim.report.page.tables import heads, row_of, table


def chapter(context: Context) -> Chapter:
    """Seed, engine, versions, run time, configuration, limits."""
    say = context.say
    manifest = context.run.manifest
    version_rows = [row_of(name, number) for name, number in manifest.versions.items()]
    versions = table(
        say("method.versions"),
        heads(context, "method", "package", "number"),
        version_rows,
        quiet=True,
    )
    config = json.dumps(manifest.config, indent=2, ensure_ascii=False, sort_keys=True)
    blocks: list[Block] = [
        Facts(rows=_facts(context)),
        Paragraph(text=say("method.again"), tone="note"),
        Details(summary=say("method.versions"), blocks=[versions]),
        Details(summary=say("method.config"), blocks=[Preformatted(text=config)]),
        Heading(text=say("method.limits")),
        Listing(items=limits(context)),
    ]
    return Chapter(id="method", title=say("section.method"), blocks=blocks)


def _facts(context: Context) -> list[tuple[str, str]]:
    say, manifest = context.say, context.run.manifest
    value, unit = fmt.duration(manifest.seconds)
    return [
        (say("method.run"), manifest.name),
        (say("method.hash"), manifest.hash),
        (say("method.engine"), manifest.engine),
        (say("method.seed"), str(manifest.seed)),
        (say("method.replications"), fmt.count(context.run.comparison.replications)),
        (say("method.workers"), fmt.count(manifest.workers)),
        (say("method.started"), manifest.started[:16].replace("T", " ")),
        (say("method.time"), say(f"time.{unit}", value=value)),
        (say("method.version"), manifest.churnsim),
        (say("method.platform"), ", ".join(f"{key} {value}" for key, value in manifest.platform.items())),
    ]


def limits(context: Context) -> list[str]:
    """What the run cannot tell."""
    say, run = context.say, context.run
    told = []
    if context.assumed:
        total = fmt.count(len(run.assumptions))
        told.append(say("limits.assumed", assumed=context.assumed, total=total))
    drawn = {(True, True): "_both", (True, False): "_parameters", (False, True): "_beliefs"}
    told.append(say(f"limits.levels{drawn.get((context.draws_parameters, context.draws_beliefs), '')}"))
    # Against spending nothing the one that the others are compared with is in the running too.
    running = max(len(context.contenders), len(context.against_nothing))
    if running > 1:
        told.append(say("limits.best", strategies=fmt.count(running)))
    if run.survival:
        told.append(say("limits.cohort"))
    elif run.validation.replay is None:
        told.append(say("limits.no_replay"))
    elif not (run.validation.replay.with_parameter_uncertainty or run.validation.replay).covered:
        told.append(say("limits.replay"))
    weak = [fit_name(context, key)[1] for key, fit in run.fits.items() if doubtful(fit)]
    if weak:
        told.append(say("limits.fit", roles=context.named(weak)))
    if context.has_amounts:
        told.append(say("limits.horizon", horizon=context.horizon))
    return [*told, say("limits.epochs"), say("limits.untold")]
