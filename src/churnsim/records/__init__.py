"""What a run stores, as types: written by the study, read by the report."""

from __future__ import annotations
