"""Identifiers: random, safe in URLs, and in the order of their making."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_LENGTH = 26


def new_id(kind: str) -> str:
    """An identifier such as ``seg_06f3r2wq8h7v5n1k9c4t0y6z2b``: the milliseconds, then 80 random bits, in base 32."""
    milliseconds = int(now().timestamp() * 1_000)
    number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    digits = (_DIGITS[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
    return f"{kind}_{''.join(digits)}"


def now() -> datetime:
    """This moment, in UTC, in microseconds."""
    return datetime.now(UTC)
