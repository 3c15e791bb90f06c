"""How much a function may generate from little, so that no condition takes more memory than its columns do."""

from __future__ import annotations

GENERATED_ELEMENTS = 1_000
"""Elements of a list that a function makes of a number alone, for each row."""

LONGEST_LIST = 1_000_000
"""Elements of a list that a function puts together of others, for each row."""

LIST_TOO_LONG = f"the list would have more than {LONGEST_LIST:,} elements"
