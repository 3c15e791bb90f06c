"""One frame of hostile rows: columns of every physical type, with what breaks compilers in them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar

import polars as pl

ROWS = 96
_T = TypeVar("_T")
_Values = tuple[object, ...]

NOW = "2024-07-01T12:00:00.123456Z"
"""The time of every run."""

_SEED = 20240701
_INT64 = (-(2**63), 2**63 - 1)
_UINT64_MAX = 2**64 - 1
_NAN, _INF = float("nan"), float("inf")
_NANOSECONDS = {"ms": 10**6, "us": 10**3, "ns": 1}

INTS = (
    None, 0, 1, -1, 2, 3, -7, 10, 30, 100, 127, -128, 1000, 2**31 - 1, -(2**31), 2**32, 2**53, 2**53 + 1,
    -(2**53) - 1, 3037000500, -3037000500, 4611686018427387904, _INT64[0], _INT64[0] + 1, _INT64[1], _INT64[1] - 1,
)  # fmt: skip
UINTS = (None, 0, 1, 2, 3, 255, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, _UINT64_MAX - 1, _UINT64_MAX, 4294967296)
DOUBLES = (
    None, 0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 2.0, 100.0, 0.1, 1e-5, 1e-9, 5e-324, 1e6, 123456.789, 1e16, 1e300,
    -1e300, 9007199254740992.0, 9007199254740994.0, 9223372036854774784.0, 9223372036854775808.0,
    -9223372036854775808.0, 18446744073709551616.0, 1.7976931348623157e308, _NAN, _INF, -_INF,
)  # fmt: skip
TEXTS = (
    None, "", "a", "A", "b", "B", "ab", "Ab", "abc", " a", "a ", "é", "e\u0301", "É", "ß", "SS", "straße", "ſ", "K",
    "\u212a", "İ", "i", "😀", "👩\u200d👩\u200d👧", "日本", "\x00", "a\x00b", "\n", "a\nb", "\ufffd", "\uffff",
    "\U0010ffff", "*", "^a$",
)  # fmt: skip
CLASSES = (
    None, "", "1", "12", "007", "\u0661", "\uff11", "x1", "1\u0661", "\u00b2", " ", "\t", "\n", "\v", "\f", "\r",
    "\x85", "\u00a0", "\u2003", "\u2028", "\u3000", "a b", "a\u00a0b", "a_b", "é", "aé", "éa", "a-b", "_", "ſ",
    "\u212a", "K", "k", "S", "s", "a.b", "line1\nline2", "İ", "ı", "\u0301", "\U0001d7d8",
)  # fmt: skip
NUMERALS = (
    None, "", "0", "1", "-1", "+1", "00", "007", "1.5", "-0.0", ".5", "5.", "1e3", "1E+3", "1e", "0x1F", "1_000",
    " 1", "1 ", "\u0661", "\uff11", "nan", "NaN", "inf", "-inf", "Infinity", "true", "false", "True", "TRUE", "tRUE",
    "t", "f", "yes", "1u", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e308", "1e309", "-1e309", "5e-324",
    "1e-400", "0.1", "--1", "+", "-", "1\n", "1\x00", "é",
)  # fmt: skip
MOMENTS = (
    None, "2024-01-01T00:00:00Z", "2024-02-29T12:30:45.123456789Z", "2024-01-01T01:00:00+01:00",
    "1969-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-00:01", "0000-12-31T23:59:59Z", "2023-02-29T00:00:00Z",
    "2024-01-01", "2024-01-01T00:00:00", "2024-1-1T0:0:0Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z",
    "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.Z", "", "now", "2024-01-01 00:00:00Z", "2024-01-01T00:00:00z",
    "12024-01-01T00:00:00Z", "2024-06-30T23:59:60Z", " 2024-01-01T00:00:00Z",
)  # fmt: skip
SPANS = (
    None, "0s", "0", "1s", "-1s", "1h30m", "1.5s", "-1.5h", "1ms", "1us", "1ns", "-1ns", "1d", "1", "", "s", "1 s",
    "1h 1m", "9223372036.854775807s", "9223372037s", "-9223372036.854775808s", "2562047h", "2562048h", "+1s", "1.s",
    ".5s", "1e3s", "1m1h", "00001s", "1\u00b5s", "--1s",
)  # fmt: skip
INSTANTS = (
    None, "0001-01-01T00:00:00", "0001-01-01T00:00:00.000001", "1582-10-15T00:00:00", "1900-02-28T23:59:59",
    "1900-03-01T00:00:00", "1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.5", "1969-12-31T00:00:00",
    "1970-01-01T00:00:00", "1970-01-01T00:00:00.000001", "1970-01-01T00:00:00.001", "2000-02-29T00:00:00",
    "2023-12-31T23:59:59.999999", "2024-01-01T00:00:00", "2024-02-29T12:30:45.123456", "2024-03-10T06:59:59",
    "2024-03-10T07:00:00", "2024-03-31T00:59:59.999", "2024-03-31T01:00:00", "2024-06-30T22:00:00",
    "2024-07-01T12:00:00.123456", "2024-07-01T12:00:00.123", "2024-10-27T00:30:00", "2024-10-27T01:30:00",
    "2024-12-29T00:00:00", "2038-01-19T03:14:08", "2100-02-28T12:00:00", "2262-04-11T23:47:16.854775",
    "9999-12-31T00:00:00", "9999-12-31T23:59:59.999999",
)  # fmt: skip
FINE = (
    None, _INT64[0], _INT64[0] + 1, -1, 0, 1, 999, 1000, 999_999, 1_000_000, -1_000, -1_000_001, 10**9, -(10**9),
    1709209845123456789, 1709209845123456000, 1709209845123000000, 1704067200000000000, 1719835200123456000,
    1719835200123456001, 1711846799999999999, 1711846800000000000, _INT64[1] - 1, _INT64[1],
)  # fmt: skip
LENGTHS = (
    None, 0, 1, -1, 999, 1_000, -1_000, 1_500, -1_500, 10**6, -(10**6), 1_500_000_000, -1_500_000_001, 60 * 10**9,
    3600 * 10**9, -3600 * 10**9, 86_400 * 10**9, 365 * 86_400 * 10**9, 3_723_004_005_006, -3_723_004_005_006,
    9_223_372_036_854_775_000, -9_223_372_036_854_775_000, _INT64[0] + 1, _INT64[1],
)  # fmt: skip
FAR = (None, 0, 253402300799999, 253402300800000, -62135596800000, -62135596800001, 10**15, -(10**15), *_INT64)
"""Milliseconds, to both sides of the years 1 and 9999."""
AGES = (None, 0, 9_223_372_036_854, 9_223_372_036_855, -9_223_372_036_854, -9_223_372_036_855, *_INT64)
"""Milliseconds, to both sides of what 64 bits of nanoseconds hold."""
WIDE = (None, "0", "1", "-1", str(_INT64[0]), str(_INT64[1]), str(_INT64[0] - 1), str(_INT64[1] + 1), "9" * 38, "5")

INT_LISTS: _Values = (
    None, [], [None], [0], [1], [1, 2, 3], [3, 2, 1], [1, None], [None, 1, None], [2, 2], list(_INT64), [30, 100, -7],
    [None, None], [5, 4, 3, 2, 1, 0], [1, 2], [2**53 + 1], [0, 1], [10] * 12,
)  # fmt: skip
SMALL_LISTS: _Values = (None, [], [None], [1], [127, -128], [1, None, 3], [0, 0], [1, 2, 3], [2])
UINT_LISTS: _Values = (None, [], [None], [0], [1], [_UINT64_MAX], [2**63, 1], [1, None], [1, 2, 3])
DOUBLE_LISTS: _Values = (
    None, [], [None], [0.0], [-0.0], [1.0], [_NAN], [_NAN, 1.0], [1.0, None], [_INF, -_INF], [1.0, 2.0, 3.0], [0.5],
    [9007199254740992.0], [1.0, 2.0],
)  # fmt: skip
TEXT_LISTS: _Values = (
    None, [], [None], [""], ["a"], ["a", "b"], ["b", "a"], ["a", None], [None, "b"], ["é", "e\u0301"], ["😀"],
    ["\x00"], ["vip", "new"], ["vip"], ["a", "a"], ["K", "\u212a"],
)  # fmt: skip
FLAG_LISTS: _Values = (
    None,
    [],
    [None],
    [True],
    [False],
    [True, False],
    [True, None],
    [False, None],
    [True, True],
    [None, None],
)
TIME_LISTS: _Values = (
    None, [], [None], [0], [1, -1], [1719835200123456001], [0, None], [*_INT64], [1704067200000000000] * 2,
)  # fmt: skip
NESTED: _Values = (
    None,
    [],
    [None],
    [[]],
    [[1]],
    [[1, 2], [3]],
    [[1], None],
    [[None]],
    [[], [0]],
    [[1, 2, 3], [1], [2, 2]],
    [[1], [1, None]],
)
TRIPLES: _Values = (None, [0, 0, 0], [1, 2, 3], [1, None, 3], [None, None, None], [*_INT64, 0], [3, 2, 1])

_ADDRESSES = (
    None,
    {"city": None, "zip": None, "since": None, "tags": None, "geo": None},
    {"city": "", "zip": 0, "since": "1970-01-01T00:00:00", "tags": [], "geo": {"lat": None, "lon": None}},
    {
        "city": "Köln",
        "zip": 50667,
        "since": "2024-02-29T12:30:45.123456",
        "tags": ["a", None],
        "geo": {"lat": 50.9, "lon": 6.9},
    },
    {"city": "a", "zip": 1, "since": None, "tags": ["vip"], "geo": None},
    {"city": None, "zip": -1, "since": "0001-01-01T00:00:00", "tags": None, "geo": {"lat": _NAN, "lon": -0.0}},
    {
        "city": "😀",
        "zip": 2**31 - 1,
        "since": "9999-12-31T23:59:59.999999",
        "tags": ["a", "b"],
        "geo": {"lat": _INF, "lon": 0.0},
    },
)
_ORDER = {"price": 10.0, "quantity": 1, "status": "completed", "at": "2024-06-15T10:00:00", "lines": [1, 2]}
_EMPTY_ORDER: dict[str, object] = dict.fromkeys(_ORDER)
_ORDERS: tuple[list[dict[str, object] | None] | None, ...] = (
    None,
    [],
    [None],
    [_EMPTY_ORDER],
    [_ORDER],
    [_ORDER, None],
    [_ORDER, {**_ORDER, "price": 250.5, "status": "refunded", "lines": []}],
    [{**_ORDER, "price": None}, {**_ORDER, "status": None}],
    [{**_ORDER, "price": _NAN, "quantity": 0}],
    [{**_ORDER, "quantity": None, "lines": None}, {**_ORDER, "quantity": 2**31 - 1, "lines": [None]}],
    [{**_ORDER, "at": "2023-01-01T00:00:00"}, {**_ORDER, "at": None}, {**_ORDER, "at": "2024-06-30T12:00:00"}],
    [{**_ORDER, "status": "", "price": -0.0}, {**_ORDER, "status": "COMPLETED", "price": _INF}],
    [{**_ORDER, "quantity": q, "price": q / 4} for q in range(6)],
    [{**_ORDER, "lines": [0]}, {**_ORDER, "lines": [3, 30, 100]}],
)

_LABELS: _Values = (
    None, {}, {"a": "x"},
    {"a": None}, {"": ""}, {"b": "y", "a": "x"}, {"é": "é"}, {"a": "", "plan.name": "gold"},
    {"city": "Köln", "size": "b"},
)  # fmt: skip
_SCORES: _Values = (
    None,
    {},
    {"a": 1},
    {"a": None},
    {"a": _INT64[1], "b": 0},
    {"b": -1},
    {"": 5},
    {"a": 30, "b": 30, "c": 2},
)
_BY_ID: _Values = (None, {}, {1: "a"}, {0: None}, {_INT64[0]: "min", 2: "b"}, {1: "", 30: "x"})


@cache
def hostile_rows() -> pl.DataFrame:
    """The frame: every value of every column at least once, in a seeded order, so that columns meet in many ways."""
    deal = _Deal()
    instants = tuple(None if text is None else nanoseconds(text) for text in INSTANTS)
    fine, ns_range = deal(FINE), [v for v in instants if v is None or _INT64[0] <= v <= _INT64[1]]
    columns = {
        "row": pl.Series(range(ROWS), dtype=pl.Int64),
        "i8": deal.series(_within(INTS, 7), pl.Int8()),
        "i16": deal.series(_within(INTS, 15), pl.Int16()),
        "i32": deal.series(_within(INTS, 31), pl.Int32()),
        "i": deal.series(INTS, pl.Int64()),
        "j": deal.series(INTS, pl.Int64()),
        "k": deal.series((None, 0, 1, 2, 3, -1, -2), pl.Int64()),
        "u8": deal.series((None, 0, 1, 2, 255, 30), pl.UInt8()),
        "u16": deal.series((None, 0, 1, 65535), pl.UInt16()),
        "u32": deal.series((None, 0, 1, 2**32 - 1), pl.UInt32()),
        "u": deal.series(UINTS, pl.UInt64()),
        "v": deal.series(UINTS, pl.UInt64()),
        "f32": deal.series(
            (None, 0.0, -0.0, 0.5, 0.1, 1.0, 3.4028234663852886e38, 1e-45, _NAN, _INF, -_INF), pl.Float32()
        ),
        "x": deal.series(DOUBLES, pl.Float64()),
        "y": deal.series(DOUBLES, pl.Float64()),
        "dec": deal.series((None, "0.00", "0.10", "1.00", "-1.50", "99999999.99", "1.10"), pl.Decimal(10, 2)),
        "wide": deal.series(WIDE, pl.Decimal(38, 0)),
        "s": deal.series(TEXTS, pl.String()),
        "t": deal.series(TEXTS, pl.String()),
        "cls": deal.series(CLASSES, pl.String()),
        "numeral": deal.series(NUMERALS, pl.String()),
        "moment": deal.series(MOMENTS, pl.String()),
        "span": deal.series(SPANS, pl.String()),
        "cat": deal.series((None, "", "a", "b", "é", "z", "Z"), pl.Categorical()),
        "enum": deal.series((None, "low", "high", "", "é"), pl.Enum(["low", "high", "", "é", "a", "b"])),
        "p": deal.series((None, True, False), pl.Boolean()),
        "q": deal.series((None, False, True), pl.Boolean()),
        "bin": deal.series((None, b"", b"a", b"\x00", b"\xff", b"\xc3\xa9", b"ab", b"\xed\xa0\x80"), pl.Binary()),
        "bin2": deal.series((None, b"", b"a", b"b", b"\xff\x00", b"\xff"), pl.Binary()),
        "day": _times(deal([None if v is None else v // (86_400 * 10**9) for v in instants]), 1, pl.Int32(), pl.Date()),
        "at_ms": _times(deal(instants), 10**6, pl.Int64(), pl.Datetime("ms")),
        "at": _times(deal(instants), 10**3, pl.Int64(), pl.Datetime("us")),
        "at2": _times(deal(instants), 10**3, pl.Int64(), pl.Datetime("us", "UTC")),
        "at_ns": _times(
            [f if n % 3 else deal.one(ns_range) for n, f in enumerate(fine)], 1, pl.Int64(), pl.Datetime("ns")
        ),
        "at_berlin": _times(deal(instants[4:-2]), 10**3, pl.Int64(), pl.Datetime("us", "Europe/Berlin")),
        "far": _times(deal(FAR), 1, pl.Int64(), pl.Datetime("ms")),
        "for_ms": _times(deal(LENGTHS), 10**6, pl.Int64(), pl.Duration("ms")),
        "for_us": _times(deal(LENGTHS), 10**3, pl.Int64(), pl.Duration("us")),
        "for_ns": _times(deal(LENGTHS), 1, pl.Int64(), pl.Duration("ns")),
        "ages": _times(deal(AGES), 1, pl.Int64(), pl.Duration("ms")),
        "ints": deal.series(INT_LISTS, pl.List(pl.Int64())),
        "more": deal.series(INT_LISTS, pl.List(pl.Int64())),
        "small": deal.series(SMALL_LISTS, pl.List(pl.Int8())),
        "uints": deal.series(UINT_LISTS, pl.List(pl.UInt64())),
        "doubles": deal.series(DOUBLE_LISTS, pl.List(pl.Float64())),
        "texts": deal.series(TEXT_LISTS, pl.List(pl.String())),
        "words": deal.series(TEXT_LISTS, pl.List(pl.String())),
        "flags": deal.series(FLAG_LISTS, pl.List(pl.Boolean())),
        "times": _time_lists(deal),
        "nested": deal.series(NESTED, pl.List(pl.List(pl.Int64()))),
        "triple": deal.series(TRIPLES, pl.Array(pl.Int64(), 3)),
        "address": _structs(deal),
        "orders": _orders(deal),
        "labels": deal.series(_LABELS, pl.Map(pl.String(), pl.String())),
        "scores": deal.series(_SCORES, pl.Map(pl.String(), pl.Int64())),
        "by_id": deal.series(_BY_ID, pl.Map(pl.Int64(), pl.String())),
        "nothing": pl.Series([None] * ROWS, dtype=pl.Null()),
        "plan.name": deal.series((None, "", "gold", "é"), pl.String()),
        "a b": deal.series((None, 0, 1, -1), pl.Int64()),
        "user": deal.series((None, "", "ann"), pl.String()),
        "now": deal.series((None, 0, 5), pl.Int64()),
    }
    # What cel-cpp cannot take, in a form that it can.
    columns["far_ms"] = columns["far"].to_physical()
    columns["ages_ms"] = columns["ages"].to_physical()
    columns["wide_text"] = columns["wide"].cast(pl.String)
    return pl.DataFrame({name: series.alias(name) for name, series in columns.items()})


def nanoseconds(text: str) -> int:
    """An ISO 8601 time in UTC, of whole microseconds, since the epoch."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


class _Deal:
    """Deals the values of a column to the rows, each at least once, in a seeded order."""

    def __init__(self) -> None:
        self._random = random.Random(_SEED)

    def __call__(self, values: Sequence[_T]) -> list[_T]:
        assert len(values) <= ROWS
        dealt = [*values, *self._random.choices(values, k=ROWS - len(values))]
        self._random.shuffle(dealt)
        return dealt

    def one(self, values: Sequence[_T]) -> _T:
        return self._random.choice(values)

    def series(self, values: Sequence[object], dtype: pl.DataType) -> pl.Series:
        dealt = self(values)
        if isinstance(dtype, pl.Decimal):
            return pl.Series(dealt, dtype=pl.String()).cast(dtype)
        return pl.Series(dealt, dtype=dtype, strict=True)


def _within(values: Sequence[int | None], bits: int) -> list[int | None]:
    limits = [-(2**bits), 2**bits - 1]
    return [*(v for v in values if v is None or limits[0] <= v <= limits[1]), *limits]


def _times(values: Sequence[int | None], tick: int, storage: pl.DataType, dtype: pl.DataType) -> pl.Series:
    toward_zero = [None if v is None else abs(v) // tick * (-1 if v < 0 else 1) for v in values]
    return pl.Series(toward_zero, dtype=storage).cast(dtype)


def _time_lists(deal: _Deal) -> pl.Series:
    return pl.Series(deal(TIME_LISTS), dtype=pl.List(pl.Int64())).cast(pl.List(pl.Datetime("ns")))


def _microseconds(text: object) -> int | None:
    return nanoseconds(text) // 1_000 if isinstance(text, str) else None


def _structs(deal: _Deal) -> pl.Series:
    moment = pl.Datetime("us")
    geo = pl.Struct({"lat": pl.Float64(), "lon": pl.Float64()})
    fields = {"city": pl.String(), "zip": pl.Int32(), "tags": pl.List(pl.String()), "geo": geo}
    values = [None if a is None else {**a, "since": _microseconds(a["since"])} for a in deal(_ADDRESSES)]
    return pl.Series(values, dtype=pl.Struct({**fields, "since": pl.Int64()})).cast(
        pl.Struct({**fields, "since": moment})
    )


def _orders(deal: _Deal) -> pl.Series:
    fields = {
        "price": pl.Float64(),
        "quantity": pl.Int32(),
        "status": pl.String(),
        "lines": pl.List(pl.Int64()),
    }
    values = [
        None if orders is None else [None if o is None else {**o, "at": _microseconds(o["at"])} for o in orders]
        for orders in deal(_ORDERS)
    ]
    stored = pl.Series(values, dtype=pl.List(pl.Struct({**fields, "at": pl.Int64()})))
    return stored.cast(pl.List(pl.Struct({**fields, "at": pl.Datetime("us")})))
