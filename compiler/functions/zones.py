"""Time zones: fixed offsets and the IANA database, for every instant of the years 1 to 9999.

The zones are read from the package tzdata, so an answer does not depend on the machine's own database, and columns and
single values look their offset up in the same table. (Polars carries a database of its own, in which offsets before
1970 and after 2100 differ.)
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from datetime import date
from functools import cache
from typing import NamedTuple

import polars as pl

from .declare import EvaluationError

UNKNOWN_ZONE = "unknown time zone"

_FIXED = r"([+-]?)([0-9]{2}):([0-9]{2})"
_DAY = 86_400
_CYCLE_YEARS = 400
_CYCLE_SECONDS = 146_097 * _DAY
"""Seconds in 400 years, after which the calendar repeats, weekdays included."""
_LAST_YEAR = 9999


class Zone(NamedTuple):
    """A time zone.

    Attributes:
        transitions: the instants, in seconds since the epoch, at which the offset changes, in rising order.
        offsets: seconds east of UTC, before the first transition and from each one on: one more than transitions.
    """

    transitions: tuple[int, ...]
    offsets: tuple[int, ...]

    def offset(self, seconds: int) -> int:
        """Seconds east of UTC at an instant in seconds since the epoch."""
        return self.offsets[bisect_right(self.transitions, seconds)]

    def shifted(self, milliseconds: pl.Expr) -> pl.Expr:
        """Instants in milliseconds since the epoch as local time in milliseconds; Int64 both."""
        if not self.transitions:
            return milliseconds + self.offsets[0] * 1000 if self.offsets[0] else milliseconds
        transitions = pl.Series([t * 1000 for t in self.transitions], dtype=pl.Int64)
        offsets = pl.Series([o * 1000 for o in self.offsets], dtype=pl.Int64)
        if not milliseconds.meta.root_names():
            # Of a literal, search_sorted() would make a column of one, which is not broadcast.
            milliseconds = milliseconds + pl.repeat(0, pl.len(), dtype=pl.Int64)
        index = pl.lit(transitions).search_sorted(milliseconds, side="right")
        return milliseconds + pl.lit(offsets).gather(index)


def zone(name: str) -> Zone:
    """The zone of an IANA name or of a fixed offset such as ``+01:00``.

    Source: specification, "Timezones"; the sign may be left out, as in the conformance suite.

    Raises:
        EvaluationError: where there is no such zone.
    """
    fixed = re.fullmatch(_FIXED, name)
    if fixed is not None:
        sign, hours, minutes = fixed.groups()
        offset = int(hours) * 3600 + int(minutes) * 60
        return Zone((), (-offset if sign == "-" else offset,))
    if name not in _names():
        raise EvaluationError(UNKNOWN_ZONE)
    return _read(name)


@cache
def _names() -> frozenset[str]:
    from importlib.resources import files  # slow to import, and few conditions name a zone

    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


@cache
def _read(name: str) -> Zone:
    from importlib.resources import files

    return parse((files("tzdata") / "zoneinfo").joinpath(*name.split("/")).read_bytes())


_HEADER = struct.Struct(">4sc15x6l")


def parse(data: bytes) -> Zone:
    """The zone in a TZif file of version 2 or later (RFC 8536), its rule for the future written out to year 9999."""
    skipped = _data_size(data, 0, 4)
    start = _HEADER.size + skipped
    _magic, _version, _, _, _, times, types, _ = _HEADER.unpack_from(data, start)
    at = start + _HEADER.size
    transitions = list(struct.unpack_from(f">{times}q", data, at))
    indices = data[at + 8 * times : at + 9 * times]
    records = [struct.unpack_from(">lBB", data, at + 9 * times + 6 * i)[0] for i in range(types)]
    offsets = [records[0], *(records[i] for i in indices)]
    rule = data[start + _HEADER.size + _data_size(data, start, 8) :].strip(b"\n").decode("ascii")
    for instant, offset in _future(rule, transitions[-1] if transitions else None):
        transitions.append(instant)
        offsets.append(offset)
    return Zone(tuple(transitions), tuple(offsets))


def _data_size(data: bytes, start: int, time_size: int) -> int:
    _magic, _version, utc, standard, leaps, times, types, characters = _HEADER.unpack_from(data, start)
    return int(times * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) + standard + utc)


_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_CLOCK = r"[+-]?[0-9]+(?::[0-9]+)?(?::[0-9]+)?"
_CHANGE = rf"M([0-9]+)\.([0-9])\.([0-9])(?:/({_CLOCK}))?"
_RULE = rf"{_NAME}({_CLOCK})(?:{_NAME}({_CLOCK})?,{_CHANGE},{_CHANGE})?"


def _future(rule: str, after: int | None) -> list[tuple[int, int]]:
    """The transitions that a POSIX rule such as ``CET-1CEST,M3.5.0,M10.5.0/3`` makes after the last one listed."""
    match = re.fullmatch(_RULE, rule)
    if match is None:
        raise ValueError(f"unsupported rule of a time zone: {rule!r}")
    standard, summer, *changes = match.groups()
    if changes[0] is None:
        return []
    winter_offset = -_clock(standard)
    summer_offset = winter_offset + 3600 if summer is None else -_clock(summer)
    first_year = 1970 if after is None else 1970 + after // (_CYCLE_SECONDS // _CYCLE_YEARS) - 1
    cycle = sorted(
        (_change(year, change) - before, offset)
        for year in range(first_year, first_year + _CYCLE_YEARS)
        for change, before, offset in (
            (changes[:4], winter_offset, summer_offset),
            (changes[4:], summer_offset, winter_offset),
        )
    )
    return [
        (instant + turn * _CYCLE_SECONDS, offset)
        for turn in range((_LAST_YEAR - first_year) // _CYCLE_YEARS + 1)
        for instant, offset in cycle
        if after is None or instant + turn * _CYCLE_SECONDS > after
    ]


def _change(year: int, change: list[str | None]) -> int:
    """The local time, in seconds since the epoch, of the week ``week`` (5: the last) on weekday ``day`` of a month."""
    month, week, day = (int(part or 0) for part in change[:3])
    # Beyond year 9999 there are no dates, so years are taken in the first cycle of 400.
    turns, base = divmod(year - 2000, _CYCLE_YEARS)
    first = date(2000 + base, month, 1)
    length = (date(2000 + base + month // 12, month % 12 + 1, 1) - first).days
    offset = (day - first.isoweekday()) % 7 + 7 * (week - 1)
    if offset >= length:
        offset -= 7
    days = first.toordinal() - date(1970, 1, 1).toordinal() + offset
    return turns * _CYCLE_SECONDS + days * _DAY + (7200 if change[3] is None else _clock(change[3]))


def _clock(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    return sign * sum(part * factor for part, factor in zip(parts, (3600, 60, 1), strict=False))
