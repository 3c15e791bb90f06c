"""Timestamps and durations as text: RFC 3339 and Go's notation of durations."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from ..cell import Cell
from ..types import DURATION, TIMESTAMP
from . import ticks
from .declare import EvaluationError
from .ticks import DAY, RANGES, SECOND

INVALID_TIMESTAMP = "invalid timestamp"
INVALID_DURATION = "invalid duration"
TIMESTAMP_RANGE = "timestamp out of range"
DURATION_RANGE = "duration out of range"

_TIMESTAMP_PATTERN = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)

_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DURATION = r"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:h|ms|m|s|us|ns))+)"
_COMPONENT = r"([0-9]*)\.?([0-9]*)(h|ms|m|s|us|ns)"
_MOST_WHOLE_DIGITS = 19
"""Digits before the point: of more, any unit is out of range."""
_MOST_DECIMALS = 20
"""Digits after the point that count: of an hour, the next one is less than a millionth of a nanosecond."""

_EPOCH = date(1970, 1, 1).toordinal()
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


def parse_timestamp(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 text. Digits below a nanosecond are dropped.

    There is no leap second: ``:60`` is no time of a day here, as google.protobuf.Timestamp counts none.

    Raises:
        EvaluationError: where the text is no timestamp, or outside the years 1 to 9999 in UTC.
    """
    match = re.fullmatch(_TIMESTAMP_PATTERN, text)
    if match is None:
        raise EvaluationError(INVALID_TIMESTAMP)
    year, month, day, hours, minutes, seconds = (int(part) for part in match.groups()[:6])
    fraction, sign, zone_hours, zone_minutes = match.groups()[6:]
    try:
        # Year 0 is in the text's grammar, but not among Python's dates.
        days = date(year + _CYCLE_YEARS * (year == 0), month, day).toordinal() - _EPOCH - _CYCLE_DAYS * (year == 0)
    except ValueError:
        raise EvaluationError(INVALID_TIMESTAMP) from None
    offset = 0 if sign is None else (int(zone_hours) * 60 + int(zone_minutes)) * (-1 if sign == "-" else 1)
    total = days * 86_400 + hours * 3600 + (minutes - offset) * 60 + seconds
    value = total * SECOND + int((fraction or "")[:9].ljust(9, "0"))
    low, high = RANGES[TIMESTAMP]
    if not low <= value <= high:
        raise EvaluationError(TIMESTAMP_RANGE)
    return value


def parse_duration(text: str) -> int:
    """Nanoseconds of a text such as ``1h30m`` or ``-1.5s`` (units h, m, s, ms, us, ns; "0" needs none).

    Source: specification, "duration" among the standard definitions. Digits below a nanosecond are dropped.

    Raises:
        EvaluationError: where the text is no duration, or beyond 64 bits of nanoseconds.
    """
    if re.fullmatch(_DURATION, text) is None:
        raise EvaluationError(INVALID_DURATION)
    scale: int = 10**_MOST_DECIMALS
    total = 0
    for whole, fraction, unit in re.findall(_COMPONENT, text):
        if len(whole.lstrip("0")) > _MOST_WHOLE_DIGITS:
            raise EvaluationError(DURATION_RANGE)
        digits = (whole.lstrip("0") or "0") + fraction[:_MOST_DECIMALS].ljust(_MOST_DECIMALS, "0")
        total += int(digits) * _UNITS[unit]
    value: int = total // scale * (-1 if text.startswith("-") else 1)
    low, high = RANGES[DURATION]
    if not low <= value <= high:
        raise EvaluationError(DURATION_RANGE)
    return value


def valid_durations(text: pl.Expr) -> pl.Expr:
    """Where a column of text is that of a duration, in range or not."""
    return text.str.contains(f"^(?:{_DURATION})$")


def parse_durations(text: pl.Expr) -> pl.Expr:
    """The columnar ``parse_duration``: Int64 nanoseconds, null where it raises."""
    part = pl.element()
    unit = part.str.extract("([a-z]+)$").replace_strict(list(_UNITS), list(_UNITS.values()), return_dtype=pl.Int128)
    digits = part.str.extract(r"^0*([0-9]*)")
    whole = digits.replace("", "0").str.slice(0, _MOST_WHOLE_DIGITS).cast(pl.Int128)
    _, high = RANGES[DURATION]
    beyond = (digits.str.len_bytes() > _MOST_WHOLE_DIGITS) | (whole > pl.lit(high, dtype=pl.Int128) // unit + 1)
    # What is out of range stays so in the sum, for all parts have one sign.
    nanoseconds = pl.when(beyond).then(pl.lit(2**64, dtype=pl.Int128)).otherwise(whole * unit)
    decimals = part.str.extract(r"\.([0-9]*)").fill_null("").str.slice(0, _MOST_DECIMALS)
    fraction = decimals.str.pad_end(_MOST_DECIMALS, "0").cast(pl.Int128) * unit
    parts = text.str.extract_all(_COMPONENT)
    total = parts.list.eval(nanoseconds).list.sum() + parts.list.eval(fraction).list.sum().floordiv(10**_MOST_DECIMALS)
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    return pl.when(valid_durations(text)).then(total * sign).cast(pl.Int64, strict=False)


def format_timestamp(nanoseconds: int) -> str:
    """The RFC 3339 text in UTC, with 0, 3, 6 or 9 digits of the fraction as google.protobuf.Timestamp's JSON has it."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    days, second = divmod(seconds, 86_400)
    day = date.fromordinal(days + _EPOCH)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{day.year:04}-{day.month:02}-{day.day:02}T{clock}{_fraction(fraction)}Z"


def format_duration(nanoseconds: int) -> str:
    """Seconds, with 0, 3, 6 or 9 digits of the fraction as google.protobuf.Duration's JSON has it: ``-1.500s``."""
    seconds, fraction = divmod(abs(nanoseconds), SECOND)
    return f"{'-' if nanoseconds < 0 else ''}{seconds}{_fraction(fraction)}s"


def _fraction(nanoseconds: int) -> str:
    if nanoseconds == 0:
        return ""
    digits = f"{nanoseconds:09}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return "." + digits


def valid_timestamps(text: pl.Expr) -> pl.Expr:
    """Where a column of text is that of a timestamp of some year, in range or not."""
    date_part = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return text.str.contains(f"^(?:{_TIMESTAMP_PATTERN})$") & date_part.is_not_null()


def parse_timestamps(text: pl.Expr) -> pl.Expr:
    """The columnar ``parse_timestamp``: Int128 nanoseconds, null where it raises."""
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).to_physical().cast(pl.Int64)
    hours, minutes, seconds = (_integer(text.str.slice(at, 2)) for at in (11, 14, 17))
    fraction = _integer(text.str.extract(r"\.([0-9]{1,9})").str.pad_end(9, "0")).fill_null(0)
    zone = text.str.extract(r"([+-][0-9]{2}:[0-9]{2})$")
    # The sign is that of the text: the hours of "-00:30" have none.
    sign = pl.when(zone.str.starts_with("-")).then(pl.lit(-60, dtype=pl.Int64)).otherwise(pl.lit(60, dtype=pl.Int64))
    offset = (sign * (_integer(zone.str.slice(1, 2)) * 60 + _integer(zone.str.slice(4, 2)))).fill_null(0)
    total = day * 86_400 + hours * 3600 + minutes * 60 + seconds - offset
    low, high = RANGES[TIMESTAMP]
    usable = valid_timestamps(text) & total.is_between(low // SECOND, high // SECOND)
    return pl.when(usable).then(total.cast(pl.Int128) * pl.lit(SECOND, dtype=pl.Int128) + fraction.cast(pl.Int128))


def _integer(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Int64, strict=False)


def format_timestamps(cell: Cell) -> pl.Expr:
    """The columnar ``format_timestamp``; null where the value is beyond CEL's range."""
    value, tick = ticks.ticks(cell), ticks.unit(cell.dtype)
    if tick == DAY:
        seconds, fraction = value.cast(pl.Int64) * 86_400, pl.lit("")
    else:
        each = SECOND // tick
        seconds, fraction = (value // each).cast(pl.Int64), _fractions(value % each, tick)
    text = (seconds * 1000).cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%S")
    return ticks.within(cell, pl.concat_str(text, fraction, pl.lit("Z")))


def format_durations(cell: Cell) -> pl.Expr:
    """The columnar ``format_duration``; null where the value is beyond CEL's range."""
    value, tick = ticks.ticks(cell), ticks.unit(cell.dtype)
    each = SECOND // tick
    seconds = value.truncdiv(each)
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    text = pl.concat_str(
        sign, seconds.abs().cast(pl.String), _fractions((value - seconds * each).abs(), tick), pl.lit("s")
    )
    return ticks.within(cell, text)


def _fractions(rest: pl.Expr, tick: int) -> pl.Expr:
    digits = (rest.cast(pl.Int64) * tick).cast(pl.String).str.zfill(9)
    nanoseconds = rest.cast(pl.Int64) * tick
    return (
        pl.when(nanoseconds == 0)
        .then(pl.lit(""))
        .when(nanoseconds % 1_000_000 == 0)
        .then("." + digits.str.slice(0, 3))
        .when(nanoseconds % 1_000 == 0)
        .then("." + digits.str.slice(0, 6))
        .otherwise("." + digits)
    )
