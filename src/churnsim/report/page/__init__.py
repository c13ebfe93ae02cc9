"""Parts of a page: blocks, tables, numbers as text, and the context that chapters share."""

from __future__ import annotations
