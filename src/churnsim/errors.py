"""The errors churnsim raises. Each message says what is wrong, the value it got, and what to do."""

from __future__ import annotations

__all__ = ["ChurnSimError", "ClusterError", "ConfigError", "DataError", "FitError", "MissingExtraError"]


class ChurnSimError(Exception):
    """Base of every error that churnsim raises on purpose."""


class DataError(ChurnSimError, ValueError):
    """Outside data cannot be used as it is: names file, row, value and remedy."""


class ConfigError(ChurnSimError, ValueError):
    """A configuration, market, strategy or scenario is impossible: names the key and the remedy."""


class FitError(ChurnSimError, RuntimeError):
    """A model cannot be estimated or used: names the cause and what to try."""


class ClusterError(ChurnSimError, RuntimeError):
    """A cluster has no workers, other code, or ended while it worked: names it and what to do."""


class MissingExtraError(ChurnSimError, ImportError):
    """An optional part is not installed: names the extra to install."""
