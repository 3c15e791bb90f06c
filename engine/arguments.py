"""Texts as they are given on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

_TYPES = ("int", "uint", "double", "string", "bool", "timestamp")


def column_types(texts: Iterable[str]) -> dict[str, str]:
    """The CEL types of columns, of texts of the form ``age=int``.

    Raises:
        ValueError: a text is not of that form, or names no such type.
    """
    types = {}
    for text in texts:
        name, separator, type_ = text.rpartition("=")
        if not (name and separator):
            raise ValueError(f"'{text}' is not of the form COLUMN=TYPE, such as age=int")
        if type_ not in _TYPES:
            raise ValueError(f"'{type_}' is none of the types {', '.join(_TYPES)}")
        types[name] = type_
    return types


def run_moment(text: str) -> datetime:
    """A time in ISO 8601, in UTC, which it also is without a zone.

    Raises:
        ValueError: the text is no such time.
    """
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is no time in ISO 8601, such as 2026-05-01T12:00:00Z") from None
