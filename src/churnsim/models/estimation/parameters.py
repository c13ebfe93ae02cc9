"""A model is its parameters: the check, the JSON form and the file form that all models share."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from churnsim.errors import ConfigError
from churnsim.units import check_unit

__all__ = ["ParametricModel"]


class ParametricModel:
    """Base of the frozen model dataclasses: positive finite parameters, a unit where time matters, plain JSON."""

    family: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name == "unit":
                check_unit(value)
            else:
                self.check_positive(type(self).__name__, field.name, value)

    @staticmethod
    def check_positive(model: str, name: str, value: object) -> None:
        """ConfigError unless a parameter is a finite number above 0."""
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
            raise ConfigError(f"{model}: {name} must be a finite number above 0; got {value!r}.")

    def to_dict(self) -> dict[str, Any]:
        """`{"family": ..., parameters..., "unit": ...}`, plain JSON values."""
        return {"family": self.family, **asdict(self)}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`. Raises ConfigError for another family or other keys."""
        rest = dict(values)
        family = rest.pop("family", cls.family)
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        if family != cls.family or set(rest) - known:
            raise ConfigError(
                f"cannot make a {cls.__name__} from family {family!r} with keys {sorted(rest)}; it takes "
                f"{sorted(known)}."
            )
        try:
            return cls(**rest)
        except TypeError as error:
            raise ConfigError(f"cannot make a {cls.__name__}: {error}.") from None

    def save(self, path: str | Path) -> None:
        """Write the parameters as JSON. Nothing saved can run code when loaded."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read parameters written by `save`. Raises ConfigError for anything else."""
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ConfigError(f"cannot read a model from {str(path)!r}: {error}.") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{str(path)!r} does not hold a model's parameters but a {type(values).__name__}.")
        return cls.from_dict(values)
