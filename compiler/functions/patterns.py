r"""Regular expressions: RE2's syntax, searched by Polars with the meaning that RE2 gives it.

Polars searches with the ``regex`` crate of Rust, which reads much of the same syntax with another meaning. So a pattern
is parsed here as RE2 parses it, and written anew in what both agree on:

- every class of characters is written out as the ranges of code points that RE2 holds it to contain: ``\d``, ``\w``,
  ``\s`` and the POSIX classes are ASCII, ``\pL`` and the like follow RE2's version of Unicode, and so does ``(?i)``,
  under which a letter becomes a class. What only Rust reads as syntax (``&&``, ``--``, ``~~``, ``[`` within brackets)
  is gone with them;
- ``\b`` and ``\B`` are ASCII: ``(?-u:\b)``; ``^`` and ``$`` become ``\A`` and ``\z``, or keep ``(?m:...)``;
- captures, laziness and ``(?U)`` change which match is found, never whether there is one: they are left out, as is what
  stands at either end and may be empty.

A pattern that is plain text, whole or at an end of the string, needs no regular expression at all.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import assert_never

import polars as pl
import re2

from ..cell import NotColumnar
from .pattern_parser import parse
from .pattern_parts import Place, PlainText, Rewritten

LONGEST_PATTERN = 1_000
"""Bytes of a regular expression in UTF-8."""

_LONGEST_REWRITTEN = 200_000


class InvalidPattern(Exception):  # noqa: N818  (as re2.error, an answer about its argument)
    """A text that is no regular expression of RE2, or too long a one; the message says why."""


def refusal(pattern: str) -> str | None:
    """Why RE2 does not accept a pattern, in its words, or None where it does. For the checker of literal patterns."""
    try:
        _compiled(pattern)
    except InvalidPattern as error:
        return str(error)
    return None


def found(text: str, pattern: str) -> bool:
    """Whether RE2 finds the pattern in the text.

    Raises:
        InvalidPattern: RE2 does not accept the pattern, or it is longer than ``LONGEST_PATTERN``.
    """
    return _compiled(pattern).search(text) is not None


def search(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether the pattern is found in each string; null where the string is.

    Raises:
        NotColumnar: the pattern has no counterpart in Polars, or RE2 does not accept it.
    """
    match rewrite(pattern):
        case PlainText(literal, place):
            wanted = pl.lit(literal, dtype=pl.String)
            match place:
                case Place.ANYWHERE:
                    return text.str.contains(wanted, literal=True)
                case Place.START:
                    return text.str.starts_with(wanted)
                case Place.END:
                    return text.str.ends_with(wanted)
                case Place.WHOLE:
                    return text == wanted
                case _:
                    assert_never(place)
        case Rewritten(regex):
            return text.str.contains(regex)
        case other:
            assert_never(other)


@lru_cache(maxsize=1024)
def rewrite(pattern: str) -> PlainText | Rewritten:
    """What a pattern of RE2 asks for, in terms of Polars.

    Raises:
        NotColumnar: the pattern has no counterpart in Polars, or RE2 does not accept it.
    """
    if refusal(pattern) is not None:
        raise NotColumnar("RE2 does not accept the pattern")
    answer = parse(pattern)
    if isinstance(answer, Rewritten):
        if len(answer.pattern) > _LONGEST_REWRITTEN:
            raise NotColumnar("the pattern is too large for Polars")
        try:
            pl.Series([""], dtype=pl.String).str.contains(answer.pattern)
        except pl.exceptions.ComputeError:
            raise NotColumnar("the pattern is too large for Polars") from None
    return answer


def _compiled(pattern: str) -> re2._Regexp:
    size = len(pattern.encode())
    if size > LONGEST_PATTERN:
        raise InvalidPattern(f"the pattern has {size:,} bytes; at most {LONGEST_PATTERN:,} are allowed")
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        (message,) = error.args
        raise InvalidPattern(message.decode(errors="replace") if isinstance(message, bytes) else message) from None


@cache
def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options
