"""Reading a configuration file: TOML in, a checked `StudyConfig` out, or one ConfigError that lists every problem."""

from __future__ import annotations

import re
from itertools import chain, islice
from pathlib import Path
from typing import Any

from churnsim.data.tabular.files import SUFFIXES
from churnsim.errors import ConfigError
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.contract import ContractStudyConfig
from churnsim.study.config.market_overrides import market_problems
from churnsim.study.config.problems import MOST_PROBLEMS, config_error
from churnsim.study.config.relations import relation_problems
from churnsim.study.config.schema_problems import schema_problems
from churnsim.study.config.section import MOST_REPLICATIONS
from churnsim.toml_text import parse_toml, read_text


def read_config(path: str | Path) -> StudyConfig:
    """The configuration at `path`.

    Raises ConfigError when the file is missing, is no regular file, is not UTF-8 or not TOML, or when any key is
    unknown, of the wrong kind or impossible; the first 25 problems of the content are listed with line, key, value and
    remedy.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() in chain(*SUFFIXES.values()):
        raise ConfigError(f"{path} holds data and is no configuration. `churnsim init {path}` writes one of purchases.")
    return parse_config(read_text(path, what="configuration"), name=str(path), folder=path.parent)


def parse_config(text: str, *, name: str = "the configuration", folder: str | Path = ".") -> StudyConfig:
    """The configuration in `text`; `name` is what messages call it, `folder` where a relative data path starts."""
    text = text.replace("\r\n", "\n")
    content = parse_toml(text, name=name, remedy=_toml_remedy(text))
    everything = chain(schema_problems(content, schema_of(content)), market_problems(content.get("market", {})))
    problems = list(islice(everything, MOST_PROBLEMS + 1))
    if not problems:
        config = schema_of(content).model_validate(content)
        config._folder = Path(folder)
        problems = list(islice(relation_problems(config), MOST_PROBLEMS + 1))
        if not problems:
            return config
    raise config_error(name, text, content, problems)


def with_replications(config: StudyConfig, replications: int) -> StudyConfig:
    """The same study with another number of replications of each strategy. Raises ConfigError for what cannot be."""
    if not 2 <= replications <= MOST_REPLICATIONS:
        raise ConfigError(f"replications must be from 2 to {MOST_REPLICATIONS:,}; got {replications}.")
    simulation = config.simulation.model_copy(update={"replications": replications})
    changed = config.model_copy(update={"simulation": simulation})
    for problem in relation_problems(changed):
        raise ConfigError(f"{replications} replications do not fit this study: {problem.message}")
    return changed


def schema_of(content: dict[str, Any]) -> type[StudyConfig]:
    """The schema of a configuration: of subscribers with ``setting = "contractual"``, otherwise of purchases."""
    return ContractStudyConfig if "setting" in content else StudyConfig


def _toml_remedy(text: str) -> str:
    once = re.search(r"^\s*\[(strategy|belief)\]", text, flags=re.MULTILINE)
    if once:
        return f"There are several of these tables: write [[{once.group(1)}]] with two brackets, each time."
    return "Text needs quotes; a table is [name]."
