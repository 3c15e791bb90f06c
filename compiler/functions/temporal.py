"""Timestamps and durations: arithmetic and conversions, and the getters of ``getters.py``."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from ..cell import INT64_MAX, INT64_MIN, Cell, may_be_null, result
from ..types import DURATION, INT, STRING, TIMESTAMP, Type
from . import getters, ticks, time_text
from .declare import EvaluationError, Failure, Function, Overload
from .ticks import DAY, MICROSECOND, RANGES, SECOND
from .time_text import DURATION_RANGE, INVALID_DURATION, INVALID_TIMESTAMP, TIMESTAMP_RANGE

_RANGE_MESSAGES: dict[Type, str] = {TIMESTAMP: TIMESTAMP_RANGE, DURATION: DURATION_RANGE}


def functions() -> tuple[Function, ...]:
    """``+`` and ``-`` of times, ``timestamp``, ``duration``, ``days``, ``int`` and ``string`` of times, the getters."""
    return (
        Function(
            "_+_",
            (
                _arithmetic("add_timestamp_duration", TIMESTAMP, DURATION, TIMESTAMP, 1),
                _arithmetic("add_duration_timestamp", DURATION, TIMESTAMP, TIMESTAMP, 1),
                _arithmetic("add_duration_duration", DURATION, DURATION, DURATION, 1),
            ),
            "Of a timestamp and a duration, or of two durations, an error outside the years 1 to 9999 and beyond 64 "
            'bits of nanoseconds. (Specification: "Overflow")',
            (
                ('timestamp("2024-02-28T00:00:00Z") + duration("24h") == timestamp("2024-02-29T00:00:00Z")', "true"),
                ('timestamp("9999-12-31T23:59:59Z") + duration("1s") > timestamp("2024-01-01T00:00:00Z")', "error"),
            ),
        ),
        Function(
            "_-_",
            (
                _arithmetic("subtract_timestamp_timestamp", TIMESTAMP, TIMESTAMP, DURATION, -1),
                _arithmetic("subtract_timestamp_duration", TIMESTAMP, DURATION, TIMESTAMP, -1),
                _arithmetic("subtract_duration_duration", DURATION, DURATION, DURATION, -1),
            ),
            "Of two timestamps, the duration between them; of a duration from a timestamp or a duration. The same "
            'limits hold as for the sum. (Specification: "Overflow")',
            (
                ('timestamp("2024-03-01T00:00:00Z") - timestamp("2024-02-29T00:00:00Z") == duration("24h")', "true"),
                ('timestamp("0001-01-01T00:00:00Z") - duration("1ns") < timestamp("2024-01-01T00:00:00Z")', "error"),
            ),
        ),
        Function(
            "timestamp",
            (
                Overload(
                    "string_to_timestamp",
                    (STRING,),
                    TIMESTAMP,
                    lower=_timestamp_of_text,
                    body=time_text.parse_timestamp,
                    failures=(Failure(INVALID_TIMESTAMP, _invalid_timestamp), Failure(TIMESTAMP_RANGE)),
                    literals=((0, time_text.parse_timestamp),),
                ),
                Overload(
                    "int64_to_timestamp",
                    (INT,),
                    TIMESTAMP,
                    lower=_timestamp_of_int,
                    body=lambda seconds: _in_range(TIMESTAMP, seconds * SECOND),
                    failures=(Failure(TIMESTAMP_RANGE),),
                ),
                _identity("timestamp_to_timestamp", TIMESTAMP),
            ),
            'The timestamp of an RFC 3339 text, or of the seconds since 1970. (Specification: "timestamp" among the '
            "standard definitions)",
            (
                ('timestamp("2024-01-01T01:00:00+01:00") == timestamp(1704067200)', "true"),
                ('timestamp("2024") == timestamp(0)', "error"),
                ("timestamp(253402300800) == timestamp(0)", "error"),
            ),
        ),
        Function(
            "duration",
            (
                Overload(
                    "string_to_duration",
                    (STRING,),
                    DURATION,
                    lower=_duration_of_text,
                    body=time_text.parse_duration,
                    failures=(Failure(INVALID_DURATION, _invalid_duration), Failure(DURATION_RANGE)),
                    literals=((0, time_text.parse_duration),),
                ),
                _identity("duration_to_duration", DURATION),
            ),
            'The duration of a text of numbers with the units h, m, s, ms, us and ns, such as "1h30m" or "-1.5s". '
            '(Specification: "duration" among the standard definitions)',
            (('duration("1h30m") == duration("5400s")', "true"), ('duration("1d") == duration("24h")', "error")),
        ),
        Function(
            "days",
            (
                Overload(
                    "int64_to_days",
                    (INT,),
                    DURATION,
                    lower=_days,
                    body=lambda days: _in_range(DURATION, days * DAY),
                    failures=(Failure(DURATION_RANGE),),
                ),
            ),
            "The duration of that many days of 24 hours; the units of ``duration`` stop at hours. An error beyond "
            "106,751 days, which is 292 years.",
            (
                ('days(30) == duration("720h")', "true"),
                ('timestamp("2024-03-01T00:00:00Z") - days(1) == timestamp("2024-02-29T00:00:00Z")', "true"),
                ('days(106752) > duration("1s")', "error"),
            ),
        ),
        Function(
            "int",
            (
                Overload(
                    "timestamp_to_int64",
                    (TIMESTAMP,),
                    INT,
                    lower=_seconds,
                    body=lambda t: _in_range(TIMESTAMP, t) // SECOND,
                    failures=(Failure(TIMESTAMP_RANGE),),
                ),
            ),
            'Of a timestamp, the whole seconds since 1970, rounded down. (Specification: "int" among the standard '
            "definitions)",
            (
                ('int(timestamp("2004-09-16T23:59:59Z"))', "1095379199"),
                ('int(timestamp("1969-12-31T23:59:58.5Z"))', "-2"),
            ),
        ),
        Function(
            "string",
            (
                Overload(
                    "timestamp_to_string",
                    (TIMESTAMP,),
                    STRING,
                    lower=_text(time_text.format_timestamps),
                    body=lambda t: time_text.format_timestamp(_in_range(TIMESTAMP, t)),
                    failures=(Failure(TIMESTAMP_RANGE),),
                ),
                Overload(
                    "duration_to_string",
                    (DURATION,),
                    STRING,
                    lower=_text(time_text.format_durations),
                    body=lambda d: time_text.format_duration(_in_range(DURATION, d)),
                    failures=(Failure(DURATION_RANGE),),
                ),
            ),
            'Of a timestamp, its RFC 3339 text in UTC; of a duration, its seconds, as in "5400s". (Specification: '
            '"string" among the standard definitions)',
            (
                ('string(timestamp("2024-01-01T01:00:00.5+01:00"))', '"2024-01-01T00:00:00.500Z"'),
                ('string(duration("-1m0.000001s"))', '"-60.000001s"'),
            ),
        ),
        *getters.functions(),
    )


def _in_range(type_: Type, nanoseconds: int) -> int:
    low, high = RANGES[type_]
    if not low <= nanoseconds <= high:
        raise EvaluationError(_RANGE_MESSAGES[type_])
    return nanoseconds


def _arithmetic(name: str, left: Type, right: Type, of: Type, sign: int) -> Overload:
    def body(a: int, b: int) -> int:
        # Durations first: the order of the messages in ``failures``.
        operands = ((left, a), (right, b))
        for type_, value in sorted(operands, key=lambda operand: operand[0] == TIMESTAMP):
            _in_range(type_, value)
        return _in_range(of, a + sign * b)

    return Overload(name, (left, right), of, lambda a, b: _combine(a, b, of, sign), body, _failures(left, right, of))


def _failures(left: Type, right: Type, of: Type) -> tuple[Failure, ...]:
    if {left, right} == {TIMESTAMP}:
        return Failure(TIMESTAMP_RANGE, lambda a, b: ticks.outside(a) | ticks.outside(b)), Failure(DURATION_RANGE)
    if of == DURATION:
        return (Failure(DURATION_RANGE),)
    duration = 0 if left == DURATION else 1
    return Failure(DURATION_RANGE, lambda *operands: ticks.outside(operands[duration])), Failure(TIMESTAMP_RANGE)


def _combine(left: Cell, right: Cell, of: Type, sign: int) -> Cell:
    """The sum (sign 1) or the difference (-1), null where an operand or the result is out of range.

    In microseconds where both operands are whole ones, else in nanoseconds. There a timestamp takes 128 bits, as 64 end
    in 2262.
    """
    tick = MICROSECOND if _is_whole(left) and _is_whole(right) else 1
    dtype = _result_dtype(of, tick)
    low, high = RANGES[of]
    low, high = -(-low // tick), high // tick
    constant = ticks.constant_nanoseconds(right)
    column = left if constant is not None else right
    if constant is None:
        constant = ticks.constant_nanoseconds(left)
    if constant is None:
        wide = tick == 1
        value = _plus(_scaled(left, tick, wide=wide), _scaled(right, tick, wide=wide), sign)
        guards = [~ticks.outside(cell) for cell in (left, right) if ticks.bounds(cell) is not None]
        guards.append(value.is_between(_literal(low, wide=wide), _literal(high, wide=wide)))
    else:
        constant //= tick
        wide = dtype == pl.Int128() or column.dtype == pl.Int128() or not INT64_MIN <= constant <= INT64_MAX
        literal = _literal(constant, wide=wide)
        scaled = _scaled(column, tick, wide=wide)
        value = _plus(scaled, literal, sign) if column is left else _plus(literal, scaled, sign)
        if column is left:
            ends = (low - sign * constant, high - sign * constant)
        else:
            ends = (low - constant, high - constant) if sign == 1 else (constant - high, constant - low)
        # One test of the column covers its own range and that of the result, before anything can overflow.
        guards = [_between(column, ends, tick)]
    value = pl.when(pl.all_horizontal(guards)).then(value)
    if wide and dtype != pl.Int128():
        value = value.cast(pl.Int64, strict=False)
    return Cell(value if dtype == pl.Int128() else value.cast(dtype), of, dtype)


def _is_whole(cell: Cell) -> bool:
    """Whether every value is a whole number of microseconds."""
    nanoseconds = ticks.constant_nanoseconds(cell)
    return ticks.unit(cell.dtype) % MICROSECOND == 0 if nanoseconds is None else nanoseconds % MICROSECOND == 0


def _result_dtype(of: Type, tick: int) -> pl.DataType:
    if of == DURATION:
        return pl.Duration("us" if tick == MICROSECOND else "ns")
    return pl.Datetime("us") if tick == MICROSECOND else pl.Int128()


def _scaled(cell: Cell, tick: int, *, wide: bool) -> pl.Expr:
    """A column in units of ``tick``. In 64 bits it wraps where the value is beyond CEL's range, so test that first."""
    value = ticks.ticks(cell).cast(pl.Int128 if wide else pl.Int64)
    factor = ticks.unit(cell.dtype) // tick
    return value if factor == 1 else value * _literal(factor, wide=wide)


def _between(column: Cell, ends: tuple[int, int], tick: int) -> pl.Expr:
    """Where the column, counted in ``tick``, lies between both ends and within CEL's range."""
    factor = ticks.unit(column.dtype) // tick
    low, high = -(-ends[0] // factor), ends[1] // factor
    limits = ticks.bounds(column) or (low, high)
    wide = column.dtype == pl.Int128()
    low, high = max(low, limits[0]), min(high, limits[1])
    if not wide:
        if low > INT64_MAX or high < INT64_MIN:
            return pl.when(column.value.is_not_null()).then(pl.lit(value=False))
        low, high = max(low, INT64_MIN), min(high, INT64_MAX)
    return ticks.ticks(column).is_between(_literal(low, wide=wide), _literal(high, wide=wide))


def _literal(value: int, *, wide: bool) -> pl.Expr:
    return pl.lit(value, dtype=pl.Int128 if wide else pl.Int64)


def _plus(a: pl.Expr, b: pl.Expr, sign: int) -> pl.Expr:
    return a + b if sign == 1 else a - b


def _identity(name: str, type_: Type) -> Overload:
    def lower(cell: Cell) -> Cell:
        return Cell(cell.value, type_, cell.dtype, may_be_null(cell), constant=cell.constant)

    return Overload(name, (type_,), type_, lower, body=lambda value: value)


def _timestamp_of_text(text: Cell) -> Cell:
    if text.constant is not None:
        return _parsed(str(text.constant[0]), TIMESTAMP, time_text.parse_timestamp)
    return Cell(time_text.parse_timestamps(text.standard), TIMESTAMP, pl.Int128())


def _duration_of_text(text: Cell) -> Cell:
    if text.constant is not None:
        return _parsed(str(text.constant[0]), DURATION, time_text.parse_duration)
    dtype = pl.Duration("ns")
    return Cell(time_text.parse_durations(text.standard).cast(dtype), DURATION, dtype)


def _parsed(text: str, type_: Type, parse: Callable[[str], int]) -> Cell:
    try:
        return ticks.constant(parse(text), type_)
    except EvaluationError:
        dtype = ticks.dtype_of(0, type_)
        return Cell(pl.lit(None, dtype=dtype), type_, dtype)


def _invalid_timestamp(text: Cell) -> pl.Expr:
    return ~time_text.valid_timestamps(text.standard)


def _invalid_duration(text: Cell) -> pl.Expr:
    return ~time_text.valid_durations(text.standard)


def _timestamp_of_int(seconds: Cell) -> Cell:
    low, high = (end // SECOND for end in RANGES[TIMESTAMP])
    if seconds.constant is not None:
        value = seconds.constant[0]
        assert isinstance(value, int)
        if low <= value <= high:
            return ticks.constant(value * SECOND, TIMESTAMP)
    number = seconds.standard
    dtype = pl.Datetime("ms")
    value_in_range = pl.when(number.is_between(low, high)).then(number * 1000).cast(dtype)
    return Cell(value_in_range, TIMESTAMP, dtype)


def _days(days: Cell) -> Cell:
    low, high = (end // DAY for end in RANGES[DURATION])
    number = days.standard
    # The division rounds down, so the least whole day is one above.
    value = pl.when(number.is_between(low + 1, high)).then(number * (DAY // MICROSECOND)).cast(pl.Duration("us"))
    return Cell(value, DURATION, pl.Duration("us"))


def _seconds(timestamp: Cell) -> Cell:
    tick, value = ticks.unit(timestamp.dtype), ticks.ticks(timestamp)
    if tick > SECOND:
        value = value.cast(pl.Int64) * (tick // SECOND)
    else:
        value = (value // (SECOND // tick)).cast(pl.Int64, strict=False)
    return result(INT, ticks.within(timestamp, value), timestamp, fails=ticks.bounds(timestamp) is not None)


def _text(columnar: Callable[[Cell], pl.Expr]) -> Callable[[Cell], Cell]:
    def lower(time: Cell) -> Cell:
        return result(STRING, columnar(time), time, fails=ticks.bounds(time) is not None)

    return lower
