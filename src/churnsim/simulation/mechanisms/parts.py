"""What every mechanism has in common: the firm's side, the market's side, and how a setting is described.

A mechanism is one module: what the firm does (a `StrategyPart`, a field of `Strategy`), how the market answers (a
`MarketPart`, a field of `Market`), or both. Everything else loops over those fields: the rules of a scenario, the
planned budget, the tables of a configuration, the warm-up of the compiled code and the tables of the documentation.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import KW_ONLY, MISSING, dataclass, field, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import pandas as pd

from churnsim.checks import check_choice, check_count, check_kind, check_number, check_share, shown
from churnsim.errors import ConfigError
from churnsim.simulation.core.assumption import (
    UNMEASURED,
    assumed,
    not_negative,
    numbers_of,
    positive,
    share,
    whole_cents,
)
from churnsim.simulation.mechanisms.review import Accounts, Review
from churnsim.simulation.mechanisms.surroundings import Newcomer, Surroundings
from churnsim.units import Duration


@dataclass(frozen=True)
class Setting:
    """What is known of a strategy's setting besides its type, written `name: Annotated[float, Setting(...)]`.

    `meaning` is what a configuration's schema says of it and `example` a value that works; `limits` are pydantic's
    (`ge`, `lt`, ...). A `budget` may be given as a share of a study's common budget, divided by the setting
    `split_over` where there is one. `rules` are the target rules that use it. One that is `unset` has no default in a
    configuration, so that leaving it out is not the same study as writing the default. A `guess` is not the firm's to
    choose: it says what customers or staff will do. Money that is paid for `each` event is whole cents. A length that
    is shorter than the time between two reviews would pass over what it `passes_over`. Names in it are
    `among` those of a table of the market.
    """

    meaning: str
    _: KW_ONLY
    example: Any = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    budget: str = ""
    split_over: str = ""
    rules: tuple[str, ...] = ()
    unset: bool = False
    guess: bool = False
    each: bool = False
    passes_over: str = ""
    among: str = ""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """ConfigError unless it is a `value` of the type `kind` within the limits."""
        kinds = (kind, *get_args(kind))
        if choices := [choice for one in kinds if get_origin(one) is Literal for choice in get_args(one)]:
            check_choice(value, name, choices)
        elif int in kinds:
            check_count(value, name, least=self.limits.get("ge", 0), most=self.limits.get("le"))
        else:
            check_number(value, name, **{LIMITS[key]: limit for key, limit in self.limits.items()})


LIMITS = {"ge": "least", "gt": "above", "le": "most", "lt": "below"}
"""Pydantic's words for limits, and ours."""


class Money(Setting):
    """An amount in the currency of the data, 0 or more; what is paid for `each` event is whole cents."""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """ConfigError unless it is such an amount."""
        (whole_cents if self.each else not_negative)(value, name)


class Share(Setting):
    """A share above 0 and up to 1; 0 too where it is not a configuration that says it."""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """ConfigError unless it is a share."""
        share(value, name)


class Length(Setting):
    """A length of time: a number of the market's time units here, text with its unit in a configuration."""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """ConfigError unless it is above 0."""
        positive(value, name)


class File(Setting):
    """The name of a file in a configuration, what it holds here."""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """What a file holds is checked by who reads it."""


class SharesByName(Setting):
    """Shares of a budget by name, together 1 at most."""

    def check(self, value: Any, name: str, kind: Any) -> None:
        """ConfigError unless it is such shares."""
        check_kind(value, name, Mapping, "shares of the budget by channel")
        for channel, part in value.items():
            check_share(part, f"{name}.{channel}", zero=True)
        if sum(value.values()) > 1 + 1e-9:
            raise ConfigError(
                f"{name} add up to {sum(value.values()):.10g}; they are shares of the budget and may add up to 1."
            )


class MechanismPart:
    """What both sides have in common."""

    turn: ClassVar[int] = 1
    """When it acts in a review: 0 before money is spent on anybody, 2 after all that need not look at customers."""

    def standing_costs(self, books: Accounts) -> None:
        """Pay what falls due in each period whatever happens."""

    def review(self, review: Review) -> None:
        """Act when a period starts."""

    # At an epoch boundary, in this order; `surroundings.py` has what they find there.

    def compiled(self, market: Any) -> Mapping[str, Any] | None:
        """What it does at boundaries in the numbers of `kernels.engine.periods.PLAN`; None where that takes Python."""
        own: Any = type(self)
        return {} if _steps(own).isdisjoint(AT_BOUNDARIES) else None

    def surround(self, around: Surroundings) -> None:
        """Say at the start of a replication who is there besides the customers, and what spending brings."""

    def hear(self, around: Surroundings) -> None:
        """Take in what customers did to others since the last boundary (`around.done`)."""

    def meet(self, around: Surroundings) -> None:
        """Let customers bring others."""

    def stock(self, around: Surroundings, period: int) -> None:
        """Write down what there is at the end of a period."""

    def attract(self, around: Surroundings) -> None:
        """Say at which hazards people come until the next boundary."""

    def bring(self, around: Surroundings, end: float) -> list[Newcomer]:
        """Those who come from elsewhere until the next boundary, at `end`."""
        return []

    def rewarded(self, around: Surroundings, number: int) -> None:
        """Pay for so many who were brought by customers."""

    def channel_table(self, around: Surroundings) -> pd.DataFrame | None:
        """Spending and newcomers by period and channel at the end, where it has channels with names."""
        return None

    def epoch_effect(self, unit: str, epoch: float) -> tuple[float, str]:
        """By what share something is off since customers reach each other at epoch boundaries alone, and a sentence
        about it; (0.0, "") where nothing is. `epoch` in `unit`."""
        return 0.0, ""


AT_BOUNDARIES = ("review", "hear", "meet", "stock", "attract", "bring")


def taking_part(parts: Iterable[Any], step: str) -> list[Any]:
    """Those of the parts that do something at a step of a replication, by the name of the method."""
    return [part for part in parts if step in _steps(part.__class__)]


@cache
def _steps(kind: Any) -> frozenset[str]:
    """The methods that a kind of part has of its own."""
    return frozenset(name for name in vars(MechanismPart) if getattr(kind, name) is not getattr(MechanismPart, name))


def growth_shortfall(per_epoch: float) -> float:
    """By what share growth at a rate is slower where what has come counts from the next boundary on: a factor of 1 +
    `per_epoch` an epoch instead of e^(per_epoch)."""
    return 1.0 - math.log1p(per_epoch) / per_epoch if per_epoch > 0 else 0.0


class StrategyPart(MechanismPart):
    """What a firm may do, off where `Strategy` has None. The defaults are those of one that costs and does nothing."""

    acts: ClassVar[bool] = False
    """Whether the firm does something to customers at a period's start."""
    interacts: ClassVar[bool] = False
    """Whether customers reach each other through it, so that they meet at each epoch."""
    needs: ClassVar[str] = ""
    """The part of a market without which it does nothing."""
    under_contract: ClassVar[bool] = False
    """Whether it needs contracts that are renewed."""
    on_failures: ClassVar[bool] = False
    """Whether all that it does concerns purchases that fail."""
    in_money: ClassVar[bool] = True
    """Whether it costs something or changes what customers pay."""
    regains: ClassVar[bool] = False
    """Whether customers who left may come back through it."""
    keeps: ClassVar[bool] = False
    """Whether what it earns comes from customers who would have left, so that it only costs where nobody leaves."""

    def __post_init__(self) -> None:
        own: Any = type(self)
        for name, (kind, about) in settings_of(own).items():
            value = getattr(self, name)
            if value is not None or type(None) not in get_args(kind):
                about.check(value, name, kind)

    @property
    def budget(self) -> float:
        """Planned spending per period (money)."""
        return 0.0

    @property
    def does(self) -> tuple[str, ...]:
        """The names of what it does, where it may do several things that numbers of the market belong to."""
        return ()

    def rules(self, market: Any) -> dict[str, Any]:
        """The fields of the kernels' `Rules` that it sets on a `Market`, instead of what the market's parts say."""
        return {}

    @property
    def clerks(self) -> int:
        """How many people it has to answer complaints in their turn."""
        return 0

    @property
    def charges(self) -> bool:
        """Whether it books costs to single customers, so that one of them may cost more than it brings."""
        return False

    def check(self, market: Any, others: Collection[StrategyPart], period: float) -> None:
        """ConfigError where it cannot act: in this `Market`, beside `others` of the same strategy, with reviews every
        `period` (time units). The message goes on after the part's name."""
        if self.needs and getattr(market, self.needs) is None:
            raise ConfigError(
                f"does nothing in a market without {self.needs}. Give the market one, Market({self.needs}=...), in a "
                f"study [market.{self.needs}]."
            )
        if self.under_contract and market.purchases.family != "contract":
            raise ConfigError("needs contracts that are renewed: purchases must be a ContractualLifetime.")
        own: Any = type(self)
        for name, (_, about) in settings_of(own).items():
            if about.passes_over and getattr(self, name) < period * (1 - 1e-9):
                raise ConfigError(
                    f"has a {name} of {getattr(self, name):g}, shorter than the review period of {period:g}: "
                    f"{about.passes_over} between two reviews would be passed over. Take {name} = {period:g} or longer."
                )
        if self.on_failures and market.complaints.failure_share == 0:
            raise ConfigError(
                "does nothing where no purchase fails: complaints.failure_share is 0. Set it above 0, or leave the "
                "part out."
            )


@dataclass(frozen=True, kw_only=True)
class Budgeted(StrategyPart):
    """Spending of so much money in each period."""

    budget_per_period: Annotated[
        float, Money("currency per period", budget="share of [budget] per_period", example=100.0)
    ]

    @property
    def budget(self) -> float:
        """Planned spending per period (money)."""
        return self.budget_per_period


class MarketPart(MechanismPart):
    """How the market works in one respect."""

    interacts: ClassVar[bool] = False
    """Whether customers reach each other through it, so that they meet at each epoch."""
    used_by: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The parts of a strategy, any one of which gives a number an effect ("part.name" for one thing that it `does`);
    under "" those of the numbers that are not named. A number without an entry always has one."""
    lifting: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By each number that lifts buying those which say for how long: without effect while it has its default."""

    def uses(self, name: str, acting: Collection[str]) -> bool:
        """Whether the number has an effect where some strategies have the parts `acting` (`Strategy.acting`)."""
        kind: Any = type(self)
        if any(name in own and getattr(self, lift) == getattr(kind, lift) for lift, own in self.lifting.items()):
            return False
        needed = self.used_by.get(name, self.used_by.get("", ()))
        return not needed or any(part in acting for part in needed)

    def __post_init__(self) -> None:
        for name, value, about in numbers_of(self, ""):
            about.metadata["check"](value, name)

    @property
    def acts(self) -> bool:
        """Whether it makes the firm do something to customers at a period's start."""
        return False

    def rules(self, unit: str) -> dict[str, Any]:
        """The fields of the kernels' `Rules` that it sets, durations in `unit`."""
        return {}


def lift_rules(market: Any, kind: str, by: float, half_life: Duration, forward: float) -> dict[str, Any]:
    """The fields of the kernels' `Rules` of what lifts the rate of buying by the share `by` at once, none where that is
    0; nor under contract, whose renewals come at their term whatever happens."""
    if by == 0.0 or market.purchases.family == "contract":
        return {}
    numbers = {"lift": by, "decay": math.log(2.0) / half_life.to(market.unit), "forward": forward}
    return {f"{kind}_{name}": float(number) for name, number in numbers.items()}


def pulled_forward(
    what: str, default: float = 0.25, interval: tuple[float, float] = (0.02, 0.8), *, source: str = UNMEASURED
) -> Any:
    """The field of the share of a lift that comes from later."""
    meaning = f"purchases that {what} only brings forward: they are missing later"
    return assumed(default, "share of the lift", meaning, share, interval, source=source)


@cache
def parts_of(whole: Any) -> dict[str, Any]:
    """The kind of each part that a `Strategy` or a `Market` may have, by its name, in the order of the fields."""
    hints = get_type_hints(whole)
    found = {f.name: _part(hints[f.name]) for f in fields(whole)}
    return {name: kind for name, kind in found.items() if kind is not None}


def check_parts(whole: Any) -> None:
    """ConfigError unless each part of a `Strategy` or a `Market` is of its kind, or None where it may be off."""
    whole_kind: Any = type(whole)
    optional = {f.name for f in fields(whole) if f.default is None}
    for name, kind in parts_of(whole_kind).items():
        value = getattr(whole, name)
        if not (isinstance(value, kind) or (value is None and name in optional)):
            raise ConfigError(
                f"{name} must be of the kind {kind.__name__}; got {shown(value)}. Write {name}={kind.__name__}(...)."
            )


def document_parts(whole: Any) -> None:
    """Give each part of a `Strategy` or a `Market` the section Parameters of its docstring."""
    for kind in parts_of(whole).values():
        document(kind)


def document(kind: Any) -> None:
    """Append to a part's docstring what is declared of its settings and numbers, said there once for configurations,
    tables of assumptions and help alike."""
    settings = settings_of(kind)
    lines = [inspect.cleandoc(kind.__doc__ or ""), "", "Parameters", "----------"]
    if lines[2] in lines[0].splitlines():
        return
    for f in fields(kind):
        plain, about = settings.get(f.name, (f.type, None))
        words = plain.__name__ if isinstance(plain, type) else re.sub(r"[a-z_]+\.", "", str(plain))
        default = "" if f.default is MISSING else f", default {f.default}"
        unit = f", in {f.metadata['unit']}" if f.metadata.get("unit") else ""
        lines += [f"{f.name} : {words}{default}", f"    {about.meaning if about else f.metadata['meaning']}{unit}"]
    kind.__doc__ = "\n".join(lines)


def _part(hint: Any) -> type | None:
    kinds = [kind for kind in (hint, *get_args(hint)) if isinstance(kind, type)]
    return next((kind for kind in kinds if issubclass(kind, StrategyPart | MarketPart)), None)


@cache
def settings_of(kind: Any) -> dict[str, tuple[Any, Setting]]:
    """Type and description of each setting of a part of a strategy, by name."""
    found = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is Annotated:
            plain, about = get_args(hint)
            found[name] = plain, about
    return found


def example_of(kind: type) -> Any:
    """A part of a strategy that works, with the example of each setting that has no default."""
    needed = {f.name for f in fields(kind) if f.default is MISSING}
    return kind(**{name: about.example for name, (_, about) in settings_of(kind).items() if name in needed})
