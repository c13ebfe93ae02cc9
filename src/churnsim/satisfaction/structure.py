"""A structural model of constructs and their items: what is asked of the data, in one frozen description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from churnsim.checks import typed
from churnsim.errors import ConfigError


@typed
@dataclass(frozen=True, kw_only=True)
class Structure:
    """`blocks` gives each construct its items (a single item stands for the construct as it is, without error); `paths`
    gives each caused construct its causes; `signs` what theory expects of a path, +1 or -1 (+1 where not said).

    Examples
    --------
    >>> Structure(
    ...     blocks={"quality": ["q1", "q2"], "satisfaction": ["s1", "s2"]}, paths={"satisfaction": ["quality"]}
    ... ).items
    ['q1', 'q2', 's1', 's2']
    """

    blocks: Mapping[str, Sequence[str]]
    paths: Mapping[str, Sequence[str]]
    signs: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {*self.paths, *(cause for causes in self.paths.values() for cause in causes)}
        unknown = sorted(named - set(self.blocks))
        if unknown:
            raise ConfigError(f"paths name {', '.join(unknown)}, which have no items. Give each a block.")
        idle = sorted(set(self.blocks) - named)
        if idle:
            raise ConfigError(f"{', '.join(idle)} stand in no path. Give them one or leave them out.")
        items = self.items
        double = sorted({item for item in items if items.count(item) > 1})
        if double:
            raise ConfigError(f"{', '.join(double)} measure more than one construct. Give each item one block.")
        for cause, target in self.signs:
            if cause not in self.paths.get(target, ()):
                raise ConfigError(f"signs name the path {cause} -> {target}, which is not among the paths.")

    @property
    def items(self) -> list[str]:
        """Every item, block by block."""
        return [item for block in self.blocks.values() for item in block]

    @property
    def free_parameters(self) -> int:
        """Loadings beyond each block's first, error variances, paths, variances, and covariances of the uncaused."""
        many = [block for block in self.blocks.values() if len(block) > 1]
        loadings = sum(2 * len(block) - 1 for block in many)
        uncaused = len(self.blocks) - len(self.paths)
        return loadings + sum(map(len, self.paths.values())) + len(self.blocks) + uncaused * (uncaused - 1) // 2

    def sign(self, cause: str, target: str) -> int:
        """The expected sign of a path."""
        return self.signs.get((cause, target), 1)

    def symbols(self) -> tuple[dict[str, str], dict[str, str]]:
        """Plain names for constructs and items, which the library's little language can spell: ({construct: symbol},
        {item: symbol})."""
        items = {item: f"x{number}" for number, item in enumerate(self.items)}
        constructs = {
            name: (f"c{number}" if len(block) > 1 else items[block[0]])
            for number, (name, block) in enumerate(self.blocks.items())
        }
        return constructs, items

    def syntax(self) -> str:
        """The model in semopy's (lavaan's) language, in plain symbols."""
        constructs, items = self.symbols()
        measures = [
            f"{constructs[name]} =~ {' + '.join(items[item] for item in block)}"
            for name, block in self.blocks.items()
            if len(block) > 1
        ]
        paths = [
            f"{constructs[target]} ~ {' + '.join(constructs[cause] for cause in causes)}"
            for target, causes in self.paths.items()
        ]
        uncaused = [name for name in self.blocks if name not in self.paths]
        together = [f"{constructs[a]} ~~ {constructs[b]}" for k, a in enumerate(uncaused) for b in uncaused[k + 1 :]]
        return "\n".join(measures + paths + together)
