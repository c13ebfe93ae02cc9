"""The customer database: a firm's raw records, taken in whole, checked rule by rule, summarised in place."""

from __future__ import annotations

from churnsim.data.database.database import CustomerDatabase
from churnsim.data.database.erasure import Erased
from churnsim.data.database.loading import Added
from churnsim.data.database.pseudonyms import PseudonymKey
from churnsim.data.database.quality import QualityFinding, QualityReport

__all__ = ["Added", "CustomerDatabase", "Erased", "PseudonymKey", "QualityFinding", "QualityReport"]
