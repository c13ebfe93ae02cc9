"""A study of subscribers under contract: survival, churn model, value, and a replay from the actual subscribers."""

from __future__ import annotations
