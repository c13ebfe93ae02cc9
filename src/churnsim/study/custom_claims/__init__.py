"""A user's own claims, read from a TOML or Python file."""

from __future__ import annotations
