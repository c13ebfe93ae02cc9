"""A stored run, and variants of it that are simulated one at a time: a newer request ends an older one."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from churnsim.errors import ChurnSimError, ConfigError, DataError
from churnsim.explore.variant import Variant, variant_config, variant_text
from churnsim.kernels.numerics.numba_cache import telling_of_compilation
from churnsim.records.break_even import BreakEvenRecord
from churnsim.records.load import load_run
from churnsim.records.run import AssumptionRecord, ComparisonRecord, Manifest, Run, StrategyRecord
from churnsim.simulation.scenario.market import Market
from churnsim.study.config.config import StudyConfig
from churnsim.study.config.config_file import read_config, with_replications
from churnsim.study.runner import replay_study, study_checksum
from churnsim.study.stages.kind import stages_of
from churnsim.study.stages.stages import Stages
from churnsim.study.storage.progress import Progress
from churnsim.study.storage.provenance import recipe, run_hash
from churnsim.study.storage.store import (
    MANIFEST,
    OUTCOMES,
    RunStore,
    read_json,
    stored_config,
    stored_record,
    write_text,
)

FIRST = 40
"""Replications after which something is shown, where there are more than twice as many."""
KEPT = 12
"""Variants whose ledgers are kept, so that going back to one of them takes no time."""


class SupersededError(BaseException):
    """A newer request has come: what is worked on is of no use. No error, so that no stage takes it for a failure."""


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a request has come. `run` holds what is known so far, of as many replications as it says; `error` says in
    a sentence why there is nothing; `stage` is at `done` of `total` steps."""

    number: int
    stage: str = ""
    done: int = 0
    total: int = 0
    run: Run | None = None
    final: bool = False
    error: str = ""


class _LoadedStages:
    """The stages of a study whose data and models are at hand: a variant has the same."""

    def __init__(self, stages: Stages, config: StudyConfig) -> None:
        self._stages = stages
        self._data = stages.load(config)
        self._fits = stages.fit(config, self._data)

    def load(self, config: StudyConfig) -> Any:
        return self._data

    def fit(self, config: StudyConfig, data: Any) -> Any:
        return self._fits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stages, name)


class Explorer:
    """A run, and what has become of the last request to change it; a context manager, whose end stops all work.

    Parameters
    ----------
    run : Path
        The run directory, complete and of this version.
    config : Path, optional
        The study's TOML where it is no longer at its place.
    workers : int or str, optional
        As `run_study` takes them.
    progress : Progress
        Told of what is read at the start.

    Raises
    ------
    ConfigError, DataError
        For a directory that is no complete run, or one of another version, and for data that are no longer those of
        the run.
    """

    def __init__(
        self, run: Path, *, config: Path | None = None, workers: int | str | None = None, progress: Progress
    ) -> None:
        store = RunStore.existing(run)
        self.directory = store.directory
        self.base = load_run(store.directory)
        manifest = self.base.manifest
        _check_version(manifest, store.directory)
        self.config = _config(manifest, store.directory, config)
        progress.stage("data and models")
        try:
            kept = _LoadedStages(stages_of(self.config), self.config)
        except DataError as error:
            raise DataError(f"{error} If the study's file has moved, name it with --config FILE.") from error
        self.stages = cast("Stages", kept)
        self.data = data = kept.load(self.config)
        if run_hash(self.config.canonical(), study_checksum(self.config, data)) != manifest.hash:
            raise DataError(
                f"the data or the settings are no longer those of {store.directory}: run the study again, and explore "
                "that run."
            )
        self.market: Market = self.stages.market(self.config, data, kept.fit(self.config, data))
        self._workers = workers
        self._room = tempfile.TemporaryDirectory(prefix="churnsim-explore-")
        self._turn, self._door = threading.Lock(), threading.Lock()
        self._latest, self.state = 0, State(number=0, run=self.base, final=True)
        self._thread: threading.Thread | None = None
        lender = Path(self._room.name) / "base"
        lender.mkdir()
        for name in (MANIFEST, OUTCOMES, "break_even.json"):
            if (store.directory / name).is_file():
                shutil.copy(store.directory / name, lender / name)

    def __enter__(self) -> Explorer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._door:
            self._latest += 1
        if self._thread is not None:
            self._thread.join(timeout=30)
        self._room.cleanup()

    def text(self, change: Variant, name: str) -> str:
        """The TOML of the study with a change, under a name."""
        source = f"set while exploring {self.directory.name}"
        return variant_text(self.config, change, self.market, name=name, source=source)

    def begin(self, change: Variant) -> int:
        """Simulate the study with a change, in place of what was worked on; the number of the request. Raises
        ConfigError for a study that cannot be."""
        config = variant_config(self.text(change, self.config.name), self.config.folder)
        with self._door:
            self._latest += 1
            number = self._latest
            same = config.canonical() == self.config.canonical()
            self.state = State(number=number, run=self.base if same else None, final=same)
        if same:
            return number
        self._thread = threading.Thread(target=self._work, args=(number, config), daemon=True)
        self._thread.start()
        return number

    def save(self, change: Variant, name: str) -> tuple[Path, str]:
        """Write the study with a change as a file of its own beside the study's; its path and text.

        Raises ConfigError for a name that is none and for a file that is there already.
        """
        text = self.text(change, name)
        variant_config(text, self.config.folder)
        folder = self.config.folder
        path = folder / f"{name}.toml"
        if path.exists():
            raise ConfigError(f"{path} is there already. Take another name.")
        write_text(path, f"# A variant of {self.directory.name}, made with churnsim explore.\n\n{text}")
        return path, text

    def _work(self, number: int, config: StudyConfig) -> None:
        told = _RequestProgress(self, number)
        try:
            with self._turn, telling_of_compilation(lambda: None):
                told.check()
                for size in _sizes(config):
                    last = size == config.simulation.replications
                    sized = config if last else with_replications(config, size)
                    directory = replay_study(
                        sized, self.stages, runs_dir=self._room.name, workers=self._workers, progress=told,
                        told=partial(self._show, told, last=last),
                    )  # fmt: skip
                    self._show(told, directory, last=last)
                told.set(final=True)
                self._tidy()
        except SupersededError:
            return
        except ChurnSimError as error:
            self._fail(told, str(error))
        except Exception as error:  # the page says so, and goes on
            self._fail(told, f"{type(error).__name__}: {error}")

    def _show(self, told: _RequestProgress, directory: Path, *, last: bool) -> bool:
        told.set(run=self.run_in(directory))
        return last

    def _fail(self, told: _RequestProgress, reason: str) -> None:
        try:
            told.set(error=reason, final=True)
        except SupersededError:
            return

    def run_in(self, directory: Path) -> Run:
        """The stored run with what a variant's directory has of its own in its place."""
        comparison = stored_record(directory / "comparison.json", ComparisonRecord)
        assert comparison is not None  # it has just been written
        changed = {
            "comparison": comparison,
            "strategies": [StrategyRecord.model_validate(row) for row in read_json(directory / "strategies.json")],
            "assumptions": [AssumptionRecord.model_validate(row) for row in read_json(directory / "assumptions.json")],
            "break_even": stored_record(directory / "break_even.json", BreakEvenRecord),
            "notices": RunStore(directory).notices(), "value_of_information": None, "optimise": None,
        }  # fmt: skip
        return self.base.model_copy(update=changed)

    def _tidy(self) -> None:
        """Forget the oldest variants."""
        rooms = [path for path in Path(self._room.name).iterdir() if path.name != "base"]
        for path in sorted(rooms, key=lambda path: path.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(path, ignore_errors=True)


@dataclass
class _RequestProgress:
    """Takes what a study tells while it runs into the state of its request; ends it where a newer one has come."""

    explorer: Explorer
    number: int
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(number=self.number)

    def check(self) -> None:
        """Raise SupersededError where a newer request has come."""
        if self.explorer._latest != self.number:
            raise SupersededError

    def set(self, **known: Any) -> None:
        """Change the state."""
        self.state = replace(self.state, **known)
        with self.explorer._door:
            self.check()
            self.explorer.state = self.state

    def stage(self, title: str, total: int | None = None) -> None:
        """A new stage begins."""
        self.set(stage=title, done=0, total=total or 0)

    def advance(self, steps: int = 1) -> None:
        """Some steps are done."""
        self.set(done=self.state.done + steps)

    def note(self, text: str) -> None:
        """Said in the report of a run."""


def _sizes(config: StudyConfig) -> list[int]:
    """How many replications to show: some at first, then all."""
    size = config.simulation.replications
    grows = config.precision is not None or config.selection is not None
    return [size] if grows or size < 2 * FIRST else [FIRST, size]


def _check_version(manifest: Manifest, directory: Path) -> None:
    if manifest.recipe != recipe():
        raise ConfigError(
            f"{directory} was run by another version of churnsim or of a package, so that what comes out now could not "
            "be held against it. Run its configuration again, and explore that run."
        )


def _config(manifest: Manifest, directory: Path, path: Path | None) -> StudyConfig:
    config = stored_config(manifest, directory)
    if path is None:
        return config
    given = read_config(path)
    size = config.simulation.replications
    if with_replications(given, size).canonical() != config.canonical():
        raise ConfigError(f"{path} is another study than {directory} was made by. Name that one's file.")
    config._folder = given.folder
    return config
