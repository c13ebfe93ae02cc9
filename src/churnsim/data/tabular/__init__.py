"""Reading tables: CSV and Parquet files, column types, and errors that name the row."""

from __future__ import annotations
