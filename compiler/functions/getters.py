"""The parts of timestamps and durations: ``getFullYear``, ``getHours``, ..."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from ..cell import Cell, NotColumnar, result
from ..types import DURATION, INT, STRING, TIMESTAMP
from . import ticks
from .declare import EvaluationError, Failure, Function, Overload
from .ticks import DAY, MILLISECOND, RANGES, SECOND
from .time_text import DURATION_RANGE, TIMESTAMP_RANGE
from .zones import UNKNOWN_ZONE, zone

_DAY = 86_400_000
_HOUR = 3_600_000
_MINUTE = 60_000
_EPOCH = date(1970, 1, 1).toordinal()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a timestamp. Both functions take local time in milliseconds since 1970-01-01T00:00:00."""

    name: str
    id: str
    columnar: Callable[[pl.Expr], pl.Expr]
    single: Callable[[int], int]
    words: str
    value: str
    """The part of 2009-02-13T23:31:20.123456789Z."""


def _day(local: pl.Expr) -> pl.Expr:
    # Not strict: what is beyond CEL's range is no date, and made null afterwards.
    return (local // _DAY).cast(pl.Int32, strict=False).cast(pl.Date)


def _date(local: int) -> date:
    """The date in the first 400 years from 1970 on that has the same month, day and weekday."""
    return date.fromordinal(_EPOCH + local // _DAY % _CYCLE_DAYS)


def _year(local: int) -> int:
    return _date(local).year + local // _DAY // _CYCLE_DAYS * _CYCLE_YEARS


_PARTS = (
    _Part("getFullYear", "year", lambda t: _day(t).dt.year(), _year, "The year", "2009"),
    _Part(
        "getMonth", "month", lambda t: _day(t).dt.month() - 1, lambda t: _date(t).month - 1, "The month, January 0", "1"
    ),
    _Part(
        "getDayOfYear",
        "day_of_year",
        lambda t: _day(t).dt.ordinal_day() - 1,
        lambda t: _date(t).timetuple().tm_yday - 1,
        "The day of the year, the first 0",
        "43",
    ),
    _Part(
        "getDayOfMonth",
        "day_of_month",
        lambda t: _day(t).dt.day() - 1,
        lambda t: _date(t).day - 1,
        "The day of the month, the first 0",
        "12",
    ),
    _Part(
        "getDate",
        "day_of_month_1_based",
        lambda t: _day(t).dt.day(),
        lambda t: _date(t).day,
        "The day of the month, the first 1",
        "13",
    ),
    _Part(
        "getDayOfWeek",
        "day_of_week",
        lambda t: (t // _DAY + 4) % 7,
        lambda t: (t // _DAY + 4) % 7,
        "The day of the week, Sunday 0",
        "5",
    ),
    _Part("getHours", "hours", lambda t: t % _DAY // _HOUR, lambda t: t % _DAY // _HOUR, "The hour, 0 to 23", "23"),
    _Part(
        "getMinutes",
        "minutes",
        lambda t: t % _HOUR // _MINUTE,
        lambda t: t % _HOUR // _MINUTE,
        "The minute, 0 to 59",
        "31",
    ),
    _Part(
        "getSeconds",
        "seconds",
        lambda t: t % _MINUTE // 1000,
        lambda t: t % _MINUTE // 1000,
        "The second, 0 to 59",
        "20",
    ),
    _Part(
        "getMilliseconds",
        "milliseconds",
        lambda t: t % 1000,
        lambda t: t % 1000,
        "The milliseconds within the second, 0 to 999",
        "123",
    ),
)

_DURATION_PARTS = {
    "getHours": (3600 * SECOND, "hours", "1"),
    "getMinutes": (60 * SECOND, "minutes", "62"),
    "getSeconds": (SECOND, "seconds", "3730"),
    "getMilliseconds": (MILLISECOND, "milliseconds", "500"),
}
"""Of durations: nanoseconds in one, the name in the overload's id, and the part of 1h2m10.5s."""


def functions() -> tuple[Function, ...]:
    """The getters of timestamps, in UTC or in a zone, and of durations."""
    return tuple(_getter(part) for part in _PARTS)


def _getter(part: _Part) -> Function:
    moment = 'timestamp("2009-02-13T23:31:20.123456789Z")'
    overloads = [
        Overload(
            f"timestamp_to_{part.id}",
            (TIMESTAMP,),
            INT,
            lower=lambda t: _lower(part, t),
            body=lambda t: _body(part, t),
            failures=(Failure(TIMESTAMP_RANGE),),
        ),
        Overload(
            f"timestamp_to_{part.id}_with_tz",
            (TIMESTAMP, STRING),
            INT,
            lower=lambda t, name: _lower(part, t, name),
            body=lambda t, name: _body(part, t, name),
            failures=(Failure(UNKNOWN_ZONE, _unknown_zone), Failure(TIMESTAMP_RANGE)),
            literals=((1, zone),),
        ),
    ]
    words = f"{part.words}, of a timestamp in UTC, or in the zone given: an IANA name or an offset such as +01:00."
    examples = [
        (f"{moment}.{part.name}()", part.value),
        (f'{moment}.{part.name}("Nowhere/Land")', "error"),
    ]
    if part.name in _DURATION_PARTS:
        size, name, value = _DURATION_PARTS[part.name]
        overloads.append(_duration_getter(size, name))
        words += (
            " Of a duration, the milliseconds within the second."
            if size == MILLISECOND
            else f" Of a duration, its whole {name}."
        )
        examples.append((f'duration("1h2m10.5s").{part.name}()', value))
    return Function(
        part.name,
        tuple(overloads),
        f'{words} (Specification: "{part.name}" among the standard definitions, "Timezones")',
        tuple(examples),
        method=True,
    )


def _lower(part: _Part, timestamp: Cell, name: Cell | None = None) -> Cell:
    local = _milliseconds(timestamp)
    if name is not None:
        if name.constant is None:
            raise NotColumnar("the time zone is not a literal")
        try:
            local = zone(str(name.constant[0])).shifted(local)
        except EvaluationError:
            return result(INT, pl.lit(None, dtype=pl.Int64), timestamp, name)
    value = ticks.within(timestamp, part.columnar(local).cast(pl.Int64))
    arguments = (timestamp,) if name is None else (timestamp, name)
    return result(INT, value, *arguments, fails=ticks.bounds(timestamp) is not None)


def _milliseconds(timestamp: Cell) -> pl.Expr:
    tick, value = ticks.unit(timestamp.dtype), ticks.ticks(timestamp)
    if tick == DAY:
        return value.cast(pl.Int64) * _DAY
    return value if tick == MILLISECOND else (value // (MILLISECOND // tick)).cast(pl.Int64)


def _body(part: _Part, timestamp: int, name: str | None = None) -> int:
    local = timestamp // MILLISECOND
    if name is not None:
        local += zone(name).offset(timestamp // SECOND) * 1000
    low, high = RANGES[TIMESTAMP]
    if not low <= timestamp <= high:
        raise EvaluationError(TIMESTAMP_RANGE)
    return part.single(local)


def _unknown_zone(_timestamp: Cell, name: Cell) -> pl.Expr:
    try:
        zone(str(name.constant[0]) if name.constant is not None else "UTC")
    except EvaluationError:
        return pl.lit(value=True)
    return pl.lit(value=False)


def _duration_getter(size: int, name: str) -> Overload:
    modulus = 1000 if size == MILLISECOND else None

    def lower(duration: Cell) -> Cell:
        tick, value = ticks.unit(duration.dtype), ticks.ticks(duration)
        whole = value.cast(pl.Int64) if size == tick else value.truncdiv(size // tick).cast(pl.Int64)
        if modulus is not None:
            whole = whole - whole.truncdiv(modulus) * modulus
        return result(INT, ticks.within(duration, whole), duration, fails=ticks.bounds(duration) is not None)

    def body(duration: int) -> int:
        low, high = RANGES[DURATION]
        if not low <= duration <= high:
            raise EvaluationError(DURATION_RANGE)
        whole = abs(duration) // size
        return (whole if modulus is None else whole % modulus) * (-1 if duration < 0 else 1)

    return Overload(f"duration_to_{name}", (DURATION,), INT, lower, body, (Failure(DURATION_RANGE),))
