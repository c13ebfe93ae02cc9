"""A claim of one's own, in a TOML file (data: nothing in it is ever run) or a Python file (a program of one's own).

A TOML file states a claim either about a figure, computed by one of the computations that published figures use,

    id = "our-payback"
    says = "A customer of ours is worth 2.5 times its yearly margin."
    [figure]
    compute = "margin_multiple"
    inputs = { retention = 0.78, rate = 0.10, timing = "after_renewal" }
    stated = 2.5
    within = 0.05
    because = "One decimal stated."
    [control]
    what = "five points less retention"
    inputs = { retention = 0.73 }

or about strategies on a market (the CDNOW customers, or those of a study):

    [compare]
    of = "coupons"                 # a [[strategy]]
    against = "nothing"            # another
    metric = "npv"                 # what Comparison.differences knows
    above = 0.0                    # or below = ..., or both

with `[[strategy]]` tables, `[market.*]` overrides as in a study's configuration, and a `[control]` whose
`[[control.strategy]]` tables take the place of those of the same name. A Python file holds `CLAIMS`, a tuple of
`churnsim.claims.Claim`.
"""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

from churnsim.claims.machinery.claim import Claim, ClaimSource, Control, Kind
from churnsim.errors import ConfigError
from churnsim.study.custom_claims.comparison import compare_judge
from churnsim.study.custom_claims.figure import figure_judge

__all__ = ["is_claim_file", "read_claims"]

KEYS = {"id", "says", "quote", "quantity", "source", "critique", "figure", "compare", "strategy", "market", "control"}


def is_claim_file(name: str) -> bool:
    """Whether a word on the command line names a file of claims and not a claim of the catalogue."""
    return name.endswith((".toml", ".py"))


def read_claims(path: Path | str) -> tuple[Claim, ...]:
    """The claims of a file. Raises ConfigError that says what is wrong and what to do.

    A TOML file is data. A Python file is run, as any program one starts: read it first if it is not one's own.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"there is no file {str(file)!r}. Check the path.")
    return _python_claims(file) if file.suffix == ".py" else (_toml_claim(file),)


def _python_claims(file: Path) -> tuple[Claim, ...]:
    spec = importlib.util.spec_from_file_location(f"own_claims_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(
            f"{file} does not run: {type(error).__name__}: {error}. Run it by itself to see where."
        ) from error
    claims = getattr(module, "CLAIMS", ())
    if not claims or not all(isinstance(claim, Claim) for claim in claims):
        raise ConfigError(f"{file} must define CLAIMS, a tuple of churnsim.claims.Claim; got {claims!r}.")
    return tuple(claims)


def _toml_claim(file: Path) -> Claim:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML in UTF-8: {error}. Mend it there.") from None
    unknown = sorted(set(content) - KEYS)
    if unknown:
        raise ConfigError(f"{file} has unknown keys: {', '.join(unknown)}. Known are {', '.join(sorted(KEYS))}.")
    for key in ("id", "says"):
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise ConfigError(f"{file} needs {key}, as text.")
    control = content.get("control")
    if not isinstance(control, dict) or not isinstance(control.get("what"), str):
        raise ConfigError(
            f"{file} needs a [control] with `what`: a wrong variant that must fail, or the check is worthless."
        )
    if ("figure" in content) == ("compare" in content):
        raise ConfigError(f"{file} needs one of [figure] and [compare], not both and not neither.")
    build = figure_judge if "figure" in content else compare_judge
    asked, wrong = build(content, {}, str(file)), build(content, control, str(file))
    return Claim(
        id=content["id"],
        says=content["says"],
        quote=str(content.get("quote", content["says"])),
        sources=(ClaimSource(text=file.name, title=file.name, study=str(content.get("source", ""))),),
        kind=Kind.ARITHMETIC if "figure" in content else Kind.SIMULATION,
        quantity=str(content.get("quantity", asked.quantity)),
        expect=asked.expect,
        within=asked.within,
        because=asked.because,
        control=Control(what=control["what"], judge=wrong.judge),
        critique=tuple(map(str, content.get("critique", ()))),
        judge=asked.judge,
    )
