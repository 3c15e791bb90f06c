"""Timestamps and durations: what the specification says, and the lowering, the body and cel-cpp beside one another."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from cel_expr_python import cel
from google.protobuf.duration_pb2 import Duration as DurationMessage
from google.protobuf.timestamp_pb2 import Timestamp as TimestampMessage

from compiler.cell import Cell, NotColumnar
from compiler.functions import merged, temporal, ticks, time_text, zones
from compiler.functions.declare import EvaluationError, Function, Overload
from compiler.types import DURATION, INT, STRING, TIMESTAMP, Type, nullable

SECOND = 10**9
FIRST, LAST = ticks.RANGES[TIMESTAMP]
ZONES = (
    "Europe/Paris",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
    "+01:00",
    "-08:00",
    "02:00",
    "-00:30",
    "+99:99",
    "Nowhere/Land",
)
TEXTS_OF_DURATIONS = (
    "1h30m",
    "-1.5s",
    "+.5ms",
    "0",
    "5.s",
    "1us",
    "1m1m",
    "2562048h",
    "1d",
    "1.5",
    "",
    "1 h",
    "9223372036854775807ns",
)
OVERLOADS = {o.id: (f, o) for f in temporal.functions() for o in f.overloads}
COLUMN_TYPES: dict[Type, tuple[pl.DataType, ...]] = {
    TIMESTAMP: (
        pl.Date(),
        pl.Datetime("ms"),
        pl.Datetime("us"),
        pl.Datetime("us", "America/New_York"),
        pl.Datetime("ns"),
        pl.Int128(),
    ),
    DURATION: (pl.Duration("ms"), pl.Duration("us"), pl.Duration("ns")),
    INT: (pl.Int64(),),
    STRING: (pl.String(),),
}
ROWS = 40


@pytest.fixture(autouse=True)
def same_zones_for_the_referee(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_file(files("tzdata") / "zoneinfo") as folder:
        monkeypatch.setenv("TZDIR", str(folder))


def timestamp(random_: random.Random) -> int:
    value = random_.choice(
        (
            random_.randrange(FIRST, LAST),
            random_.randrange(-(2**63), 2**63),
            random_.randrange(2**32) * SECOND,
            FIRST + random_.randrange(3),
            LAST - random_.randrange(3),
            random_.choice((0, -1, 1, -1_000, 951_782_400 * SECOND, 951_868_799_999_999_999, 2**63, -(2**63) - 1)),
        )
    )
    return max(FIRST, min(LAST, value))


def duration(random_: random.Random) -> int:
    return random_.choice(
        (
            random_.randrange(-(2**63), 2**63),
            random_.randrange(-(10**15), 10**15),
            random_.choice((0, 1, -1, 1_000, -999, -1_500_000_000, 86_400 * SECOND, 2**63 - 1, -(2**63) + 1)),
        )
    )


def text(random_: random.Random) -> str:
    if random_.random() < 0.3:
        return random_.choice(TEXTS_OF_DURATIONS)
    written = (
        f"{random_.choice((0, 1, 1900, 2000, 2024, 9999)):04}-{random_.randrange(1, 13):02}-"
        f"{random_.choice((1, 28, 29, 30, 31)):02}{random_.choice('TTTt ')}"
        f"{random_.randrange(25):02}:{random_.randrange(61):02}:{random_.randrange(60):02}"
        f"{random_.choice(('', '.5', '.123456789', '.000001', '.'))}"
        f"{random_.choice(('Z', 'z', '+01:00', '-23:59', '-00:30', '', '+24:00'))}"
    )
    if random_.random() < 0.1:
        at = random_.randrange(len(written))
        written = written[:at] + random_.choice("0９é😀x\x00:") + written[at + 1 :]
    return random_.choice((written, written, written, "", "2024", "12:30", written * 300))


DRAWN: dict[Type, Callable[[random.Random], object]] = {
    TIMESTAMP: timestamp,
    DURATION: duration,
    STRING: text,
    INT: lambda random_: random_.choice((0, LAST // SECOND, 2**62)),
}


def hostile(type_: Type, dtype: pl.DataType, random_: random.Random) -> tuple[pl.Series, list[object]]:
    """A column with nulls and with the ends of its type, and its values as the bodies see them."""
    if type_ == STRING:
        texts: list[object] = [None, *(text(random_) for _ in range(ROWS - 1))]
        return pl.Series(texts, dtype=pl.String), texts
    if type_ == INT:
        ends = (FIRST // SECOND, FIRST // SECOND - 1, LAST // SECOND, LAST // SECOND + 1, 2**63 - 1, -(2**63))
        numbers: list[object] = [None, *ends, *(timestamp(random_) // SECOND for _ in range(ROWS - 7))]
        return pl.Series(numbers, dtype=pl.Int64), numbers
    draw = timestamp if type_ == TIMESTAMP else duration
    unit = ticks.unit(dtype)
    bits = 31 if dtype == pl.Date() else 63
    values: list[int | None] = [None, *(draw(random_) // unit for _ in range(ROWS - 5))]
    values += (
        (FIRST, LAST, FIRST, LAST) if dtype == pl.Int128() else (2**bits - 1, -(2**bits), 2**bits - 2, 1 - 2**bits)
    )
    values = [v if v is None or dtype == pl.Int128() else max(-(2**bits), min(2**bits - 1, v)) for v in values]
    kind = pl.Int128() if dtype == pl.Int128() else pl.Int32() if dtype == pl.Date() else pl.Int64()
    return pl.Series(values, dtype=kind).cast(dtype), [None if v is None else v * unit for v in values]


def constant(type_: Type, value: object) -> Cell:
    if type_ in (TIMESTAMP, DURATION):
        assert isinstance(value, int)
        return ticks.constant(value, type_)
    dtype = pl.Int64() if type_ == INT else pl.String()
    return Cell(pl.lit(value, dtype=dtype), type_, dtype, fallible=False, constant=(value,))


def arguments(overload: Overload, random_: random.Random) -> tuple[pl.DataFrame, list[Cell], list[list[object]]]:
    """Columns of a random form, or constants, for an overload; and the values of each row."""
    series, cells, values = [], [], []
    for i, type_ in enumerate(overload.parameters):
        dtype = random_.choice(COLUMN_TYPES[type_])
        column, column_values = hostile(type_, dtype, random_)
        column_name = f"x{i}"
        series.append(column.alias(column_name))
        literal: object = None
        if overload.id.endswith("_with_tz") and i == 1:
            literal = random_.choice(ZONES)
        elif random_.random() < 0.3:
            literal = DRAWN[type_](random_)
        if literal is None:
            cells.append(Cell(pl.col(column_name), nullable(type_), dtype))
            values.append(column_values)
        else:
            cells.append(constant(type_, literal))
            values.append([literal] * ROWS)
    return pl.DataFrame(series), cells, values


def nanoseconds(cell: Cell, column: pl.Series) -> list[object]:
    assert column.dtype == cell.dtype
    if cell.type not in (TIMESTAMP, DURATION):
        return column.to_list()
    whole = column if cell.dtype == pl.Int128() else column.to_physical()
    return [None if v is None else v * ticks.unit(cell.dtype) for v in whole.to_list()]


@pytest.mark.parametrize("id_", OVERLOADS)
def test_the_lowering_is_the_body_on_every_row(id_: str) -> None:
    _, overload = OVERLOADS[id_]
    assert overload.body is not None
    random_ = random.Random(id_)
    for _ in range(30):
        frame, cells, values = arguments(overload, random_)
        cell = overload.lower(*cells)
        answers = nanoseconds(cell, frame.with_columns(cell.value.alias("answer"))["answer"])
        reasons = [
            (f.message, [True] * ROWS if f.when is None else frame.with_columns(w=f.when(*cells))["w"].to_list())
            for f in overload.failures
        ]
        for row, row_values in enumerate(zip(*values, strict=True)):
            if None in row_values:
                assert answers[row] is None
                continue
            try:
                expected, message = overload.body(*row_values), None
            except EvaluationError as error:
                expected, message = None, str(error)
                assert cell.fallible
            assert answers[row] == expected, (row_values, cells)
            if message is not None:
                assert next(reason for reason, rows in reasons if rows[row]) == message


# What cel-cpp does otherwise, each beside the passage that this language follows.
DEPARTURES: dict[str, Callable[..., bool]] = {
    # "Overflow": an error beyond the range of durations. Its texts reach 10,000 years, its arithmetic ends at 292.
    "string_to_duration": lambda written: written == "2562048h",
    "int64_to_days": lambda days: 106_751 < abs(days) < 3_700_000,
    # RFC 3339, 5.6: "+hh:mm" has a colon, no blanks around, two digits each.
    "string_to_timestamp": lambda written: written.strip() != written or ":60" in written,
    # "Overflow": an error where the result exceeds the range. It checks the whole seconds, or negates the duration.
    "subtract_timestamp_timestamp": lambda a, b: 2**63 - SECOND < abs(a - b) <= 2**63,
    "subtract_timestamp_duration": lambda _, span: span == -(2**63),
}


@pytest.mark.parametrize("id_", OVERLOADS)
def test_the_body_is_cel_cpp(id_: str) -> None:
    function, overload = OVERLOADS[id_]
    assert overload.body is not None
    refer = referee(function, overload)
    random_ = random.Random(id_)
    judged = 0
    for _ in range(8):
        _, _, values = arguments(overload, random_)
        for row in zip(*values, strict=True):
            if not all(judgeable(t, v) for t, v in zip(overload.parameters, row, strict=True)):
                continue
            if id_ in DEPARTURES and DEPARTURES[id_](*row):
                continue
            try:
                expected = written(overload.result, overload.body(*row))
            except EvaluationError:
                expected = None
            assert refer(row) == expected, row
            judged += 1
    assert judged > 100


def judgeable(type_: Type, value: object) -> bool:
    if value is None:
        return False
    if type_ in (TIMESTAMP, DURATION):
        low, high = ticks.RANGES[type_]
        assert isinstance(value, int)
        return low <= value <= high
    return True


def written(type_: Type, value: object) -> object:
    if type_ not in (TIMESTAMP, DURATION):
        return value
    assert isinstance(value, int)
    return time_text.format_timestamp(value) if type_ == TIMESTAMP else time_text.format_duration(value)


def referee(function: Function, overload: Overload) -> Callable[[tuple[object, ...]], object]:
    types = {
        TIMESTAMP: cel.Type.TIMESTAMP,
        DURATION: cel.Type.DURATION,
        INT: cel.Type.INT,
        STRING: cel.Type.STRING,
    }
    names = [f"x{i}" for i in range(len(overload.parameters))]
    if function.name in ("_+_", "_-_"):
        call = f" {function.name.strip('_')} ".join(names)
    elif function.method:
        call = f"x0.{function.name}({', '.join(names[1:])})"
    elif function.name == "days":
        # cel-cpp has no such function, nor a unit of days.
        call = 'duration(string(x0 * 24) + "h")'
    else:
        call = f"{function.name}(x0)"
    if overload.result in (TIMESTAMP, DURATION):
        call = f"string({call})"
    variables = {n: types[t] for n, t in zip(names, overload.parameters, strict=True)}  # type: ignore[index]
    program = cel.NewEnv(variables=variables).compile(call)
    wanted = str if overload.result != INT else int

    def refer(row: tuple[object, ...]) -> object:
        bound = [message(t, v) for t, v in zip(overload.parameters, row, strict=True)]
        answer = program.eval(data=dict(zip(names, bound, strict=True))).value()
        # An error's value is its message, or an object of its own.
        failed = not isinstance(answer, wanted) or ": " in str(answer)
        return None if failed else answer

    return refer


def message(type_: Type, value: object) -> object:
    if type_ not in (TIMESTAMP, DURATION):
        return value
    assert isinstance(value, int)
    if type_ == TIMESTAMP:
        return TimestampMessage(seconds=value // SECOND, nanos=value % SECOND)
    sign = -1 if value < 0 else 1
    return DurationMessage(seconds=sign * (abs(value) // SECOND), nanos=sign * (abs(value) % SECOND))


@pytest.mark.parametrize("name", sorted((files("tzdata") / "zones").read_text(encoding="utf-8").split()))
def test_every_zone_is_that_of_the_standard_library(name: str) -> None:
    zone = zones.zone(name)
    assert list(zone.transitions) == sorted(set(zone.transitions))
    data = (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).read_bytes()
    standard = ZoneInfo.from_file(io.BytesIO(data))
    random_ = random.Random(name)
    edges = random_.sample(zone.transitions, min(30, len(zone.transitions)))
    low, high = FIRST // SECOND + 2 * 86_400, LAST // SECOND - 2 * 86_400
    instants = [edge + step for edge in edges for step in (-1, 0)]
    instants += [random_.randrange(low, high) for _ in range(20)] + [random_.randrange(2**32) for _ in range(20)]
    for instant in instants:
        if low <= instant <= high:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)
            offset = moment.astimezone(standard).utcoffset()
            assert offset == timedelta(seconds=zone.offset(instant)), moment


@pytest.mark.parametrize("name", ["", "europe/paris", "../zones", "/etc/passwd", "+1:00", "+01:00:00", "Z", "+0１:00"])
def test_what_is_no_zone_is_an_error(name: str) -> None:
    with pytest.raises(EvaluationError, match="unknown time zone"):
        zones.zone(name)


@pytest.mark.parametrize("literal", [None, 1_700_000_000 * SECOND])
def test_a_zone_serves_columns_elements_and_literals_alike(literal: int | None) -> None:
    _, overload = OVERLOADS["timestamp_to_hours_with_tz"]
    frame = pl.DataFrame({"t": pl.Series([0, 1_700_000_000], dtype=pl.Int64)}).with_columns(
        (pl.col("t") * 1000).cast(pl.Datetime("ms"))
    )
    paris = constant(STRING, "Europe/Paris")
    cell = Cell(pl.col("t"), nullable(TIMESTAMP), pl.Datetime("ms"))
    if literal is not None:
        cell = ticks.constant(literal, TIMESTAMP)
    expected = [1, 23] if literal is None else [23, 23]
    answer = overload.lower(cell, paris)
    assert frame.with_columns(hour=answer.value)["hour"].to_list() == expected
    assert frame.lazy().filter(answer.value == 23).collect(engine="streaming").height == expected.count(23)
    element = Cell(pl.element(), nullable(TIMESTAMP), pl.Datetime("ms"))
    hours = frame.select(pl.col("t").implode()).select(pl.col("t").list.eval(overload.lower(element, paris).value))
    assert hours["t"].to_list() == [[1, 23]]


def test_what_depends_on_a_text_of_each_row_is_not_columnar() -> None:
    moment, name = ticks.constant(0, TIMESTAMP), Cell(pl.col("s"), nullable(STRING), pl.String())
    with pytest.raises(NotColumnar, match="the time zone is not a literal"):
        OVERLOADS["timestamp_to_hours_with_tz"][1].lower(moment, name)


@pytest.mark.parametrize(
    ("id_", "position", "value", "problem"),
    [
        ("string_to_timestamp", 0, "2024-01-01T00:00:00Z", None),
        ("string_to_timestamp", 0, "2024", "invalid timestamp"),
        ("string_to_timestamp", 0, "2023-02-29T00:00:00Z", "invalid timestamp"),
        ("string_to_timestamp", 0, "2016-12-31T23:59:60Z", "invalid timestamp"),
        ("string_to_timestamp", 0, "0000-01-01T00:00:00Z", "timestamp out of range"),
        ("string_to_timestamp", 0, "10000-01-01T00:00:00Z", "invalid timestamp"),
        ("string_to_duration", 0, "1h30m", None),
        ("string_to_duration", 0, "1d", "invalid duration"),
        ("string_to_duration", 0, "2562048h", "duration out of range"),
        ("string_to_duration", 0, f"{'9' * 5000}h", "duration out of range"),
        ("timestamp_to_year_with_tz", 1, "Europe/Paris", None),
        ("timestamp_to_year_with_tz", 1, "Europe/London ", "unknown time zone"),
    ],
)
def test_wrong_literals_are_told_before_any_row(id_: str, position: int, value: object, problem: str | None) -> None:
    overload = next(o for o in OVERLOADS[id_][0].overloads if o.id == id_)
    read = dict(overload.literals)[position]
    if problem is None:
        read(value)
        return
    with pytest.raises(EvaluationError) as raised:
        read(value)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("written_", "nanoseconds_"),
    [
        ("0.3333333333333333333333333333333333333333333333333h", 1_199_999_999_999),
        ("0.0000000019s", 1),
        ("-0.0000000019s", -1),
        ("-9223372036854775808ns", -(2**63)),
        (f"{'0' * 5000}1s", SECOND),
    ],
)
def test_a_duration_is_exact_to_the_nanosecond(written_: str, nanoseconds_: int) -> None:
    assert time_text.parse_duration(written_) == nanoseconds_


def test_overloads_of_one_function_from_several_modules_become_one_function() -> None:
    first = Function("_+_", OVERLOADS["add_duration_duration"][0].overloads[:1], "One.", (("a", "b"),))
    second = Function("_+_", OVERLOADS["add_duration_duration"][0].overloads[1:], "Two.", (("c", "d"),))
    functions = merged((first, second, OVERLOADS["string_to_duration"][0]))
    assert set(functions) == {("_+_", False), ("duration", False)}
    assert functions["_+_", False] == Function(
        "_+_", OVERLOADS["add_duration_duration"][0].overloads, "One. Two.", (("a", "b"), ("c", "d"))
    )
