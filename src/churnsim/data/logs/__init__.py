"""Transaction logs: reading, checking, purchase days and stable customer ids."""

from __future__ import annotations
