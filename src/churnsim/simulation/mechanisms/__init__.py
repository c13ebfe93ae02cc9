"""What a firm can do and how the market answers, one mechanism a module."""

from __future__ import annotations
