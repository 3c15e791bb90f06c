"""Comparisons that are sorted out together: the answers are those of each comparison alone, over hostile values."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import polars as pl
import pyarrow as pa
import pytest

from engine import count, evaluate
from engine.batch import batch
from engine.optimisations import Optimisations
from engine.plan import Planned, plan
from engine.results import Mode
from engine.snapshot import Snapshot
from engine.thresholds import Thresholds

ROWS = 20_000
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
INT64 = 2**63

INTEGERS: dict[pl.DataType, tuple[int, int]] = {
    pl.Int8(): (-128, 127),
    pl.Int16(): (-(2**15), 2**15 - 1),
    pl.Int32(): (-(2**31), 2**31 - 1),
    pl.Int64(): (-INT64, INT64 - 1),
    pl.UInt8(): (0, 255),
    pl.UInt32(): (0, 2**32 - 1),
}
DOUBLES = [
    *(0.0, -0.0, 5e-324, -5e-324, 1.0, math.nextafter(1.0, 2), 0.1, 1e308, -1e308, math.inf, -math.inf, math.nan),
    *(2.0**53, 2.0**53 + 2, -(2.0**53), 9.223372036854775e18, 16_777_217.0, 3.4e38, 1e39),
]
YEARS = ("0001-01-01T00:00:00Z", "1677-09-21T00:12:43.145224193Z", "1969-12-31T23:59:59.999999999Z")
MOMENTS = [*YEARS, "1970-01-01T00:00:00Z", "2024-02-29T12:00:00.000000001Z", "2262-04-11T23:47:16.854775807Z"]


def integers(dtype: pl.DataType, draw: random.Random) -> tuple[pl.Series, list[str]]:
    low, high = INTEGERS[dtype]
    edges = [low, low + 1, -1, 0, 1, 7, 100, high - 1, high]
    edges += [v for v in (2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1) if low <= v <= high]
    values = [draw.choice(edges) if draw.random() < 0.2 else draw.randint(low, high) for _ in range(ROWS)]
    constants = [*edges, low - 1, high + 1, *(draw.randint(low, high) for _ in range(40))]
    texts = [str(c) for c in constants if -INT64 <= c < INT64]
    texts += [repr(float(c) + 0.5) for c in constants if abs(c) < 2**52] + [
        "1e300",
        "-1e300",
        "0.0",
        "7.0",
        "9223372036854775808.0",
    ]
    fitting = [v if low <= v <= high else 0 for v in values]
    return pl.Series("x", fitting, dtype=dtype), texts


def doubles(dtype: pl.DataType, draw: random.Random) -> tuple[pl.Series, list[str]]:
    values = [draw.choice(DOUBLES) if draw.random() < 0.2 else draw.gauss(0, 1000) for _ in range(ROWS)]
    constants = [v for v in DOUBLES if math.isfinite(v)] + [draw.gauss(0, 1000) for _ in range(40)]
    near = pl.Series(constants[:20]).cast(pl.Float32).cast(pl.Float64).to_list()
    texts = [repr(c) for c in [*constants, *near] if math.isfinite(c)] + ["0", "7", "9007199254740993", "-3"]
    return pl.Series("x", values, dtype=pl.Float64).cast(dtype), texts


def small_doubles(dtype: pl.DataType, draw: random.Random) -> tuple[pl.Series, list[str]]:
    """No NaN, nothing infinite, and most values in one cell of the range."""
    values = [draw.expovariate(1.0) ** 9 for _ in range(ROWS)]
    return pl.Series("x", values).cast(dtype), [repr(draw.choice(values)) for _ in range(40)] + ["-1.0", "1e300"]


def moments(dtype: pl.DataType, draw: random.Random) -> tuple[pl.Series, list[str]]:
    low, high = (-719_000, 2_900_000) if dtype == pl.Date() else (-(10**9) * 10**6, 10**15)
    stored = pl.Series("x", [draw.randint(low, high) for _ in range(ROWS)], dtype=pl.Int64)
    values = (stored.cast(pl.Int32) if dtype == pl.Date() else stored).cast(dtype)
    days = [f"{draw.randint(1940, 2040)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}T01:00:00.5Z" for _ in range(40)]
    return values, [f'timestamp("{text}")' for text in [*MOMENTS, *days]]


def lengths(dtype: pl.DataType, draw: random.Random) -> tuple[pl.Series, list[str]]:
    values = pl.Series("x", [draw.randint(-(10**12), 10**12) for _ in range(ROWS)], dtype=pl.Int64).cast(dtype)
    return values, [
        f'duration("{draw.randint(-1000, 1000)}s{draw.choice(["", "1ns", "1us", "1ms"])}")' for _ in range(40)
    ]


CASES: list[tuple[pl.DataType, Callable[[pl.DataType, random.Random], tuple[pl.Series, list[str]]]]] = [
    *((dtype, integers) for dtype in INTEGERS),
    *((dtype, make) for dtype in (pl.Float64(), pl.Float32()) for make in (doubles, small_doubles)),
    *((dtype, moments) for dtype in (pl.Datetime("ns"), pl.Datetime("us", "UTC"), pl.Datetime("ms"), pl.Date())),
    *((pl.Duration(unit), lengths) for unit in ("ns", "us", "ms")),
]


def without_some(column: pl.Series) -> pl.Series:
    """Every seventh value is null."""
    return pl.select(pl.when(pl.int_range(len(column)) % 7 != 0).then(column)).to_series().alias("x")


def without_extremes(column: pl.Series) -> pl.Series:
    """Null but for the values in the middle; the others are still in memory behind it."""
    numbers = column.to_physical()
    low, high = numbers.quantile(0.3, "nearest"), numbers.quantile(0.7, "nearest")
    present = ((numbers >= low) & (numbers <= high) & numbers.is_not_nan().fill_null(value=True)).to_arrow()
    array = column.to_arrow()
    bits, values = present.buffers()[1], array.buffers()[1]
    hidden = pl.Series("x", pa.Array.from_buffers(array.type, len(array), [bits, values])).cast(column.dtype)
    assert hidden.null_count() == len(column) - present.true_count
    return hidden


@pytest.mark.parametrize("nulls", [None, without_some, without_extremes], ids=["none", "some", "extremes"])
@pytest.mark.parametrize(("dtype", "make"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_sorted_out_is_compared(
    dtype: pl.DataType,
    make: Callable[[pl.DataType, random.Random], tuple[pl.Series, list[str]]],
    nulls: Callable[[pl.Series], pl.Series] | None,
) -> None:
    draw = random.Random(11)
    column, constants = make(dtype, draw)
    if nulls is not None:
        column = nulls(column)
    texts = [f"x {draw.choice(OPERATORS)} {constant}" for constant in constants for _ in range(2)]
    texts += [f"{constants[0]} < x", f"x in [{', '.join(constants[1:4])}]", "x == null", f"!(x > {constants[2]})"]
    conditions = {text: text for text in texts}
    snapshot = Snapshot.open(column.to_frame())
    planning = plan(conditions, snapshot.schema, now=0, mode=Mode.COMPILED)
    planned = [one for one in planning.planned if isinstance(one, Planned)]
    assert len(planned) == len(conditions)
    work = batch(planned, planning.lowering, Optimisations())
    [family] = work.families.values()
    assert isinstance(family, Thresholds)
    assert len({name for name, _ in family.selected}) > 0.8 * len(work.cells)
    for result in count(column.to_frame(), conditions).results:
        alone = evaluate(result.condition, column.to_frame(), mode="compiled").values
        assert (result.user_count, result.error_count) == (int(alone.sum()), alone.null_count()), result.condition


def test_what_is_no_number_is_compared_with_null_as_ever() -> None:
    frame = pl.DataFrame(
        {
            "list": [[1], None, [], [None]],
            "decimal": pl.Series([1, None, 2, 3], dtype=pl.Decimal(20, 2)),
            "bool": [True, None, False, True],
            "uint": pl.Series([1, None, 2**64 - 1, 3], dtype=pl.UInt64()),
            "text": ["", None, "a", "b"],
        }
    )
    texts = [text for name in frame.columns for text in (f"{name} == null", f"null != {name}", f"{name} in [null]")]
    texts += ["null in list", "null in [bool]", "uint == 1u", "uint > 2u", "uint <= 18446744073709551615u"]
    # Of each so many that they would be sorted out together.
    conditions = {f"{n} {text}": f"{text} || {n} == -1" for n in range(3) for text in texts}
    conditions |= {f"more {text}": text for text in texts}
    for result in count(frame, conditions).results:
        alone = evaluate(result.condition, frame, mode="interpreted").values
        assert (result.user_count, result.error_count) == (int(alone.sum()), alone.null_count()), result.condition


@pytest.mark.parametrize(
    ("values", "constant"),
    [
        ([1.0, math.inf], "1.7976931348623157e308"),
        ([1.0, math.inf, None], 'double("Infinity")'),
        ([-math.inf, 1.0], "-1.7976931348623157e308"),
        ([-1.5e308, 1.7e308], "1.6e308"),
        ([5e-324, 1e-323], "5e-324"),
    ],
)
def test_a_range_that_is_no_double(values: list[float | None], constant: str) -> None:
    frame = pl.DataFrame({"x": values * 50})
    texts = [f"x > {n}.5" for n in range(14)] + [f"x {o} {constant}" for o in OPERATORS]
    report = count(frame, {text: text for text in texts})
    for text in texts:
        alone = evaluate(text, frame, mode="interpreted").values
        assert (report[text].user_count, report[text].error_count) == (alone.sum(), alone.null_count()), text
