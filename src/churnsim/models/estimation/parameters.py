"""A model is its parameters: the check, the JSON form and the file form that all models share."""

from __future__ import annotations

import inspect
import json
import warnings
from abc import ABCMeta
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from churnsim.checks import check_kind, check_number, explained
from churnsim.data.summaries.frame_kinds import verbs_in_kind
from churnsim.data.tabular.files import read_json_file
from churnsim.errors import ConfigError
from churnsim.models.estimation.design_matrix import check_effects
from churnsim.other_packages import NoSuchNameError
from churnsim.units import check_unit

P = ParamSpec("P")
R = TypeVar("R")

COVARIATE_ARGUMENTS = ("covariates", "covariates_rate", "covariates_lifetime", "penalty")


class _Family(ABCMeta):
    """The class of the models' classes: making a model without its parameters says what to call instead."""

    @property
    def __signature__(cls) -> inspect.Signature:
        """The parameters of a model, for help and completion, which would see `__call__` alone."""
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:], return_annotation=cls)

    def __getattr__(cls, name: str) -> Any:
        """As of a model."""
        raise NoSuchNameError(f"{cls.__name__} has no {name!r}.", name=name, obj=cls)

    def __call__(cls, *args: Any, **values: Any) -> Any:
        try:
            return super().__call__(*args, **values)
        except TypeError:
            names = _required(cls)
            missing = [name for name in names if name not in values]
            if not missing:
                raise
            how = cls.instead.get("fit")
            if how is None:
                data = next(iter(inspect.signature(cls.fit).parameters))
                how = f"To estimate them from data: {cls.__name__}.fit({data})."
            raise TypeError(
                f"{cls.__name__} is its parameters ({', '.join(names)}). {how} Missing: {', '.join(missing)}."
            ) from None


def _required(family: type[Any]) -> list[str]:
    """Names of the fields without a default; none of a class that is not complete."""
    if inspect.isabstract(family) or not is_dataclass(family):
        return []
    return [field.name for field in fields(family) if field.default is MISSING and field.default_factory is MISSING]


def forward_covariates(fit: Callable[P, R]) -> Callable[P, R]:
    """Keep the calls of before 0.2, in which a family's `fit` took covariates: warn and pass them on to the family that
    takes them (`covariate_family`)."""

    fit = explained(fit)

    @wraps(fit)
    def wrapped(*args: P.args, **options: P.kwargs) -> R:
        cls: Any = args[0]
        given = {name: options.pop(name) for name in COVARIATE_ARGUMENTS if name in options}
        other = cls.covariate_family
        if given and other is None:
            raise TypeError(f"{cls.__name__}.fit takes no covariates, so it takes no {', '.join(given)} either.")
        if not any(given.get(name) for name in COVARIATE_ARGUMENTS[:-1]):
            return fit(*args, **options)
        warnings.warn(
            f"{cls.__name__}.fit with {', '.join(given)} is deprecated; call {other.__name__}.fit instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        found: R = other.fit(*args[1:], **options, **given)
        return found

    return wrapped


def _prefixed(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}:{name}" if prefix else name: value for name, value in values.items()}


class ParametricModel(metaclass=_Family):
    """Base of the frozen model dataclasses: positive finite parameters, a unit where time matters, plain JSON."""

    family: ClassVar[str]
    # The same model with covariates; that one's class sets it.
    covariate_family: ClassVar[Any] = None
    # Fields that are mappings of covariates to numbers, by the prefix that their names have in a dict (`rate:age`),
    # which is empty where other keys are such names.
    prefixes: ClassVar[Mapping[str, str]] = {}

    # What to say of names that it does not have, but models like it.
    instead: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        """Let the verbs take any kind of frame, and answer in it."""
        super().__init_subclass__()
        verbs_in_kind(cls)

    def __getattr__(self, name: str) -> Any:
        """An error that says what is meant, for a name that is not there."""
        raise NoSuchNameError(f"{type(self).__name__} has no {name!r}.", name=name, obj=self)

    def __post_init__(self) -> None:
        model = type(self).__name__
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name == "unit":
                self.check_unit(value)
            elif field.type in ("float", "int"):
                self.check_positive(model, field.name, value)
        for prefix, kind in self.prefixes.items():
            given = getattr(self, kind)
            check_kind(given, kind, Mapping, "a mapping of covariates to numbers")
            check_effects(model, _prefixed(prefix, given))

    @staticmethod
    def check_positive(model: str, name: str, value: object) -> None:
        """ConfigError unless a parameter is a finite number above 0."""
        check_number(value, f"{model}: {name}", above=0)

    @staticmethod
    def check_unit(unit: str) -> None:
        """ConfigError for what is no unit of time."""
        check_unit(unit)

    def to_dict(self) -> dict[str, Any]:
        """`{"family": ..., parameters..., "unit": ...}`, plain JSON values; effects and means of covariates as
        `rate:NAME`, `lifetime:NAME` and `mean:NAME`."""
        found: dict[str, Any] = {"family": self.family}
        prefix_of = {kind: prefix for prefix, kind in self.prefixes.items()}
        for name, value in asdict(self).items():  # type: ignore[call-overload]
            if name in prefix_of:
                found |= _prefixed(prefix_of[name], {each: float(number) for each, number in value.items()})
            else:
                found[name] = value
        return found

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`. Raises ConfigError for another family or other keys."""
        check_kind(values, "values", Mapping, "a dict made by to_dict")
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        plain = {"family", *known} - {*cls.prefixes.values()}
        rest: dict[str, Any] = {kind: {} for kind in cls.prefixes.values()}
        for key, value in values.items():
            prefix, _, name = str(key).partition(":")
            if name and prefix in cls.prefixes:
                rest[cls.prefixes[prefix]][name] = value
            elif "" in cls.prefixes and key not in plain:
                rest[cls.prefixes[""]][key] = value
            else:
                rest[key] = value
        family = rest.pop("family", cls.family)
        if family != cls.family or set(rest) - known:
            raise ConfigError(
                f"cannot make a {cls.__name__} from family {family!r} with keys {sorted(rest)}; it takes "
                f"{sorted(known)}."
            )
        try:
            return cls(**rest)
        except TypeError as error:
            raise ConfigError(f"cannot make a {cls.__name__}: {str(error).rstrip('.')}.") from None

    def save(self, path: str | Path) -> None:
        """Write the parameters as JSON. Nothing saved can run code when loaded."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read parameters written by `save`. Raises ConfigError for anything else."""
        values = read_json_file(path, what="saved model", remedy="Save the model again.", error=ConfigError)
        if not isinstance(values, dict):
            raise ConfigError(f"{str(path)!r} does not hold a model's parameters but a {type(values).__name__}.")
        return cls.from_dict(values)
