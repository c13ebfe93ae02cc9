"""The stages of a study, from data to claims."""

from __future__ import annotations
