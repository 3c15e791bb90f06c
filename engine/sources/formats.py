"""The kinds of files that users live in, as messages name them."""

from __future__ import annotations

PARQUET = "Parquet"
IPC = "Arrow IPC"
CSV = "CSV"
DUCKDB = "DuckDB"

DUCKDB_PREFIX = "duckdb:"
"""What a location of a table in a DuckDB database begins with."""

OBJECT_STORES = ("s3", "gs", "az")
"""The schemes of locations in object stores."""
