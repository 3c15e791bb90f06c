"""How much a function may generate from little, so that no condition takes more memory than its columns do."""

from __future__ import annotations

GENERATED_ELEMENTS = 1_000
"""Elements of a list that a function makes of a number alone, for each row."""
