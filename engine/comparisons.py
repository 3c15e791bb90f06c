"""What comparisons of one column with constants say of its values, asked of one value of each class.

The constants of a comparison cut the values of a column of numbers or times into classes: each constant, and the values
between two. What a comparison says of a class is asked of one value of it, by the comparison's own lowering.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl

from compiler.cell import Cell, column_cell, integer_range
from compiler.functions.constants import type_and_dtype
from compiler.functions.ticks import unit
from compiler.ir import Call, Column, Constant
from compiler.types import Type

from .evaluated import evaluated
from .texts import Named

Point = int | float
"""A value as a column stores it."""

_EQUALITIES = ("equals", "not_equals", "in_list")
_COMPARISONS = (*_EQUALITIES, "less_", "greater_")
_EXACT_IN_DOUBLES = 2**53
_AT_ONCE = 32
"""Comparisons with lists of constants that are asked together, each of the values of all."""


class Answered(NamedTuple):
    """What a comparison says of the classes that its own constants make.

    Attributes:
        name: its fingerprint.
        starts: the least value of each class but the first.
        true: whether it is true in each class, for null, and for NaN.
        error: whether it is an error.
    """

    name: str
    starts: Sequence[Point]
    true: Sequence[bool]
    error: Sequence[bool]

    def changes(self) -> Iterator[Point]:
        """The values from which on another truth holds."""
        return (start for start, (then, now) in zip(self.starts, pairwise(self.true), strict=False) if now != then)


class Question(NamedTuple):
    """A comparison, and one value of each of its classes.

    Attributes:
        name: its fingerprint.
        mirrored: the constant is its first argument.
        starts: the least value of each class but the first.
        samples: a value of each class.
    """

    name: str
    node: Call
    constant: Constant
    mirrored: bool
    starts: list[Point]
    samples: list[Point]


def questions(atoms: Mapping[str, Call], dtype: pl.DataType) -> list[Question]:
    """Of atoms on a column of this type, by fingerprint, those that compare it with constants whose places among its
    values are exact.
    """
    scale = _scale(dtype)
    if scale is None:
        return []
    found = (_question(name, node, scale) for name, node in atoms.items())
    return [question for question in found if question is not None]


def _question(name: str, node: Call, scale: _Scale) -> Question | None:
    if not node.overload.id.startswith(_COMPARISONS):
        return None
    compared = _compared(node)
    if compared is None:
        return None
    constant, mirrored = compared
    points = _points(constant, scale)
    return None if points is None else Question(name, node, constant, mirrored, *scale.classes(points))


def _compared(node: Call) -> tuple[Constant, bool] | None:
    """The constant that a column is compared with, and whether it is the first argument; None of other arguments."""
    first, second = node.arguments
    mirrored = isinstance(first, Constant)
    column, constant = (second, first) if mirrored else (first, second)
    return (constant, mirrored) if isinstance(column, Column) and isinstance(constant, Constant) else None


def _each(constant: Constant) -> tuple[object, ...]:
    """The values of a constant list; else the one."""
    return constant.value if isinstance(constant.value, tuple) else (constant.value,)


def named(node: Call) -> Named | None:
    """What a comparison of a column of texts with constants says of them, of null, and of all other texts.

    None of any other call, such as an ordering.
    """
    body = node.overload.body
    if node.overload.id not in _EQUALITIES or body is None:
        return None
    compared = _compared(node)
    if compared is None:
        return None
    constant, mirrored = compared
    texts = [value for value in _each(constant) if isinstance(value, str)]

    def says(text: str | None) -> bool:
        return bool(body(constant.value, text) if mirrored else body(text, constant.value))

    # It says the same of each: to ask it of all would take quadratic time. What is longer than all is none of them.
    of_each = says(texts[0]) if texts else False
    return Named({**dict.fromkeys(texts, of_each), None: says(None)}, says("".join(texts) + "."))


def asked(
    column: str, type_: Type, dtype: pl.DataType, questions: Iterable[Question], cells: Mapping[str, Cell]
) -> Iterator[Answered]:
    """What each comparison says; nothing of one that fails for a value of the column.

    Args:
        column: its name.
        type_: its CEL type.
        dtype: its Polars type.
        questions: comparisons of it with constants.
        cells: the same, lowered, by fingerprint.
    """
    pairs: dict[tuple[str, bool, Type, pl.DataType], list[Question]] = {}
    lists: list[Question] = []
    for one in questions:
        if isinstance(one.constant.value, tuple):
            lists.append(one)
        else:
            constant_type, constant_dtype = type_and_dtype(one.constant.value, one.constant.type)
            pairs.setdefault((one.node.overload.id, one.mirrored, constant_type, constant_dtype), []).append(one)
    for (_, _, constant_type, constant_dtype), together in pairs.items():
        constant = Cell(pl.col("constant"), constant_type, constant_dtype, fallible=False)
        truth = _of_pairs(column_cell(pl.col("value"), type_, dtype), constant, dtype, together).to_list()
        yield from _told(dict.fromkeys((one.name for one in together), truth), together, dtype)
    for first in range(0, len(lists), _AT_ONCE):
        together = lists[first : first + _AT_ONCE]
        frame = _values(column, dtype, together).to_frame()
        truths = evaluated(frame, {one.name: cells[one.name].value for one in together})
        yield from _told(truths.to_dict(as_series=False), together, dtype)


def _of_pairs(value: Cell, constant: Cell, dtype: pl.DataType, questions: Sequence[Question]) -> pl.Series:
    """Asks comparisons of one overload at once, of pairs of a value and a constant."""
    tick = unit(constant.dtype)
    each = [one // tick if tick > 1 and isinstance(one, int) else one for one in _constants(questions)]
    stored = pl.Series("constant", each, dtype=pl.Int64() if constant.dtype.is_temporal() else constant.dtype)
    heights = pl.Series([_height(question, dtype) for question in questions])
    constants = stored.cast(constant.dtype).repeat_by(heights).explode()
    lower = questions[0].node.overload.lower
    truth = lower(constant, value) if questions[0].mirrored else lower(value, constant)
    return evaluated(pl.DataFrame([_values("value", dtype, questions), constants]), {"truth": truth.value}).to_series()


def _constants(questions: Sequence[Question]) -> list[object]:
    return [question.constant.value for question in questions]


def _values(name: str, dtype: pl.DataType, questions: Sequence[Question]) -> pl.Series:
    """A value of each class of each comparison, followed by null and, of doubles, NaN."""
    strange = [None, math.nan] if dtype.is_float() else [None]
    values = [value for question in questions for value in (*question.samples, *strange)]
    return pl.Series(name, values, dtype=pl.Float64() if dtype.is_float() else pl.Int64()).cast(dtype)


def _height(question: Question, dtype: pl.DataType) -> int:
    return len(question.samples) + (2 if dtype.is_float() else 1)


def _told(
    truths: Mapping[str, Sequence[bool | None]], questions: Sequence[Question], dtype: pl.DataType
) -> Iterator[Answered]:
    """What the truths for each comparison say of the values of it, which are together in all of them."""
    end = 0
    for question in questions:
        start, end = end, end + _height(question, dtype)
        answers = list(truths[question.name][start:end])
        if not dtype.is_float():
            # There is no NaN: what is said of it is not asked for, so it may as well be what the greatest values have.
            answers.append(answers[len(question.samples) - 1])
        if None not in answers[: len(question.samples)]:
            true = [answer is True for answer in answers]
            yield Answered(question.name, question.starts, true, [answer is None for answer in answers])


class _Integers(NamedTuple):
    """The values of a column of integers: from the least to the greatest that its type has."""

    low: int
    high: int

    def points(self, constant: float) -> tuple[Point, ...] | None:
        """The values at a constant, or around it; None where they cannot be told exactly."""
        if isinstance(constant, int):
            return self.within(constant)
        # Int and double compare as doubles: from here on, several integers are one double.
        return self.within(math.floor(constant), math.ceil(constant)) if abs(constant) < _EXACT_IN_DOUBLES else None

    def within(self, *points: int) -> tuple[int, ...]:
        """Those of the numbers that the column may hold."""
        return tuple([point for point in points if self.low <= point <= self.high])

    def classes(self, points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
        """The classes that points make: each point, and the values between two. The least value of each but the first,
        and one value of each.
        """
        if not points:
            return [], [0]
        starts: list[Point] = []
        for point, following in zip(points, [*points[1:], self.high + 1], strict=True):
            starts.append(point)
            if point + 1 < following:
                starts.append(point + 1)
        return starts, [max(self.low, points[0] - 1), *starts]


class _Times(NamedTuple):
    """The values of a column of times, each of so many nanoseconds' ``tick``; as integers else."""

    tick: int
    stored: _Integers

    def points(self, constant: float) -> tuple[Point, ...] | None:
        """As of integers."""
        if not isinstance(constant, int):
            return None
        whole, rest = divmod(constant, self.tick)
        return self.stored.within(whole, whole + 1) if rest else self.stored.within(whole)

    def classes(self, points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
        """As of integers."""
        return self.stored.classes(points)


class _Floats(NamedTuple):
    """The values of a column of floats of a type."""

    dtype: pl.DataType

    def points(self, constant: float) -> tuple[Point, ...] | None:
        """The value at a constant; None for NaN, and for an integer that is no double."""
        inexact = isinstance(constant, int) and abs(constant) > _EXACT_IN_DOUBLES
        return None if inexact or constant != constant else (float(constant) + 0.0,)

    def classes(self, points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
        """As of integers."""
        if not points:
            return [], [0]
        starts: list[Point] = []
        for point in points:
            starts += [point, _next(point, math.inf, self.dtype)]
        return starts, [_next(points[0], -math.inf, self.dtype), *starts]


_Scale = _Integers | _Times | _Floats


def _scale(dtype: pl.DataType) -> _Scale | None:
    """The values of a column that numpy has in their order, as it stores them; None of other columns."""
    if dtype.is_float():
        return _Floats(dtype)
    is_time = dtype in (pl.Datetime, pl.Duration, pl.Date)
    limits = integer_range(pl.Int32() if dtype == pl.Date() else pl.Int64() if is_time else dtype)
    # Starts are numbers of 64 bits with a sign.
    if limits is None or dtype == pl.UInt64():
        return None
    return _Times(unit(dtype), _Integers(*limits)) if is_time else _Integers(*limits)


def _points(constant: Constant, scale: _Scale) -> list[Point] | None:
    """The values of a column, as stored, next to which a comparison can change; None where that is not known."""
    points: set[Point] = set()
    for value in _each(constant):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        found = scale.points(value)
        if found is None:
            return None
        points.update(found)
    return sorted(points)


def _next(point: float, towards: float, dtype: pl.DataType) -> float:
    """The nearest value that the type has beyond a point."""
    if dtype == pl.Float64():
        return math.nextafter(point, towards)
    with np.errstate(over="ignore"):
        nearest = np.float32(point)
        beyond = float(nearest) > point if towards > point else float(nearest) < point
        return float(nearest if beyond else np.nextafter(nearest, np.float32(towards)))
