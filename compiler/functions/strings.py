"""Strings: search, size, concatenation and regular expressions; size and concatenation of bytes."""

from __future__ import annotations

import operator
from collections.abc import Callable

import polars as pl

from ..cell import Cell, NotColumnar, may_be_null, result
from ..types import BOOL, BYTES, INT, STRING, Type
from . import generated
from .declare import EvaluationError, Failure, Function, Overload

INVALID_PATTERN = "invalid regular expression"

_LONGEST = 2**32 - 1
"""The largest size of a string or of bytes that Polars reports."""


def functions() -> tuple[Function, ...]:
    """``contains``, ``startsWith``, ``endsWith``, ``matches``, ``size`` and ``+``."""
    return (
        _search(
            "contains",
            Overload("contains_string", (STRING, STRING), BOOL, _contains, operator.contains),
            "True when the argument occurs in the string.",
            (
                ('"tacocat".contains("coca")', "true"),
                ('"tacocat".contains("")', "true"),
                ('"Straße".contains("aß")', "true"),
            ),
        ),
        _search(
            "startsWith",
            Overload("starts_with_string", (STRING, STRING), BOOL, _starts_with, str.startswith),
            "True when the string begins with the argument.",
            (('"tacocat".startsWith("taco")', "true"), ('"tacocat".startsWith("")', "true")),
        ),
        _search(
            "endsWith",
            Overload("ends_with_string", (STRING, STRING), BOOL, _ends_with, str.endswith),
            "True when the string ends with the argument.",
            (('"tacocat".endsWith("cat")', "true"), ('"".endsWith("x")', "false")),
        ),
        _matches(
            method=True, examples=(('"banana".matches("ba(na)*$")', "true"), (r'"\u0661".matches(r"^\d$")', "false"))
        ),
        _matches(method=False, examples=(('matches("grey", "gr(a|e)y")', "true"), ('matches("a", dyn("("))', "error"))),
        _size(method=True, examples=(('"été".size()', "3"), (r"b'\xc3\xa9'.size()", "2"))),
        _size(method=False, examples=(('size("été")', "3"), ('size(b"")', "0"))),
        Function(
            "_+_",
            (
                Overload("add_string", (STRING, STRING), STRING, _concatenate(STRING), _joined, (generated.FAILURE,)),
                Overload("add_bytes", (BYTES, BYTES), BYTES, _concatenate(BYTES), _joined_bytes, (generated.FAILURE,)),
            ),
            'One string or bytes after the other. (Specification: "List of Standard Definitions")',
            (('"ab" + "é"', '"abé"'), ('b"a" + b"b" == b"ab"', "true")),
        ),
    )


def _search(name: str, overload: Overload, documentation: str, examples: tuple[tuple[str, str], ...]) -> Function:
    text = f'{documentation} (Specification: "String Functions")'
    return Function(name, (overload,), text, examples, method=True)


def _matches(*, method: bool, examples: tuple[tuple[str, str], ...]) -> Function:
    overload = Overload(
        "matches_string" if method else "matches",
        (STRING, STRING),
        BOOL,
        lower=_match,
        body=_found,
        failures=(Failure(INVALID_PATTERN),),
        literals=((1, _accepted),),
    )
    return Function(
        "matches",
        (overload,),
        "True when the regular expression, in RE2's syntax, matches a part of the string; anchor it with ^ and $ to "
        'match the whole. Its classes \\d, \\w and \\s are ASCII. (Specification: "Regular Expressions")',
        examples,
        method,
    )


def _size(*, method: bool, examples: tuple[tuple[str, str], ...]) -> Function:
    return Function(
        "size",
        (
            Overload("string_size" if method else "size_string", (STRING,), INT, _code_points, len),
            Overload("bytes_size" if method else "size_bytes", (BYTES,), INT, _bytes, len),
        ),
        'The number of code points of a string, or of bytes. (Specification: "String Functions")',
        examples,
        method,
    )


def _contains(text: Cell, part: Cell) -> Cell:
    return result(BOOL, text.standard.str.contains(part.standard, literal=True), text, part, fails=False)


def _starts_with(text: Cell, prefix: Cell) -> Cell:
    return result(BOOL, text.standard.str.starts_with(prefix.standard), text, prefix, fails=False)


def _ends_with(text: Cell, suffix: Cell) -> Cell:
    return result(BOOL, text.standard.str.ends_with(suffix.standard), text, suffix, fails=False)


def _concatenate(type_: Type) -> Callable[[Cell, Cell], Cell]:
    def lower(left: Cell, right: Cell) -> Cell:
        sizes = [s.str.len_bytes() if type_ == STRING else s.bin.size() for s in (left.standard, right.standard)]
        short = pl.sum_horizontal(size.cast(pl.Int64) for size in sizes) <= generated.LONGEST
        return result(type_, pl.when(short).then(left.standard + right.standard), left, right)

    return lower


def _joined(left: str, right: str) -> str:
    return generated.bounded(left + right)


def _joined_bytes(left: bytes, right: bytes) -> bytes:
    if len(left) + len(right) > generated.LONGEST:
        raise EvaluationError(generated.TOO_LONG)
    return left + right


def _code_points(text: Cell) -> Cell:
    return _length(text.standard.str.len_chars(), text)


def _bytes(value: Cell) -> Cell:
    return _length(value.standard.bin.size(), value)


def _length(value: pl.Expr, argument: Cell) -> Cell:
    return Cell(value.cast(pl.Int64), INT, pl.Int64(), may_be_null(argument), interval=(0, _LONGEST))


def _match(text: Cell, pattern: Cell) -> Cell:
    from . import patterns  # brings RE2, which few conditions use

    if pattern.constant is None:
        raise NotColumnar("the pattern is not a literal")
    (source,) = pattern.constant
    assert isinstance(source, str)
    return result(BOOL, patterns.search(text.standard, source), text, fails=False)


def _accepted(pattern: str) -> None:
    """A literal pattern must be one that RE2 accepts."""
    from . import patterns  # brings RE2, which few conditions use

    refusal = patterns.refusal(pattern)
    if refusal is not None:
        raise EvaluationError(refusal)


def _found(text: str, pattern: str) -> bool:
    from . import patterns  # brings RE2, which few conditions use

    try:
        return patterns.found(text, pattern)
    except patterns.InvalidPattern:
        raise EvaluationError(INVALID_PATTERN) from None
