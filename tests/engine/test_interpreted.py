"""The interpreter: what conditions mean on single bindings, and over frames."""

from __future__ import annotations

import math
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic

import polars as pl
import pytest

from compiler.parse import parse
from compiler.schema import Schema
from compiler.source import Source
from compiler.types import DOUBLE, DURATION, INT, TIMESTAMP, ListType, MapType, StructType, Type
from compiler.values import Duration, Message, Timestamp, Uint
from engine.budget import UNLIMITED, Spending
from engine.celvalues import InterpretationError, column
from engine.interpreted import Failed, Interpretation, evaluate_once
from engine.interpreter import Interpreter, Progress
from engine.plan import InterpretedPart
from engine.variables import columns_read

ROOT = Path(__file__).parents[2]
NOW = 1_600_000_000_123_456_789


def evaluate(text: str, bindings: Mapping[str, object], types: Mapping[str, Type] | None = None) -> object:
    source = Source(text)
    outcome = evaluate_once(parse(source), source, bindings, now=NOW, types=types)
    return f"error: {outcome.reason}" if isinstance(outcome, Failed) else outcome


def run(text: str, frame: pl.DataFrame, progress: Progress | None = None) -> Interpretation:
    interpreter = Interpreter(Schema.of(frame.schema), NOW, processes=0)
    return interpreter.interpret(part_of(text), frame, Spending(UNLIMITED), progress)


def part_of(text: str) -> InterpretedPart:
    source = Source(text)
    return InterpretedPart(parse(source), source, text, "it is a test", text)


ROW: Mapping[str, object] = {
    "age": 30,
    "none": None,
    "name": "Ana",
    "score": 1.5,
    "flag": True,
    "big": Uint(7),
    "tags": ["a", None, "b"],
    "counts": {"a": 1, "b": None},
    "address": Message(city="Ulm", zip=None),
    "plan.name": "pro",
    "user": "me",
    "now": "then",
    "born": Timestamp(1),
    "lasted": Duration(-1),
}


# What cel-python 0.5.0 departs in comes first, category by category.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age == 30.0", True),
        ("age > 4.5", True),
        ("1 in [1.0]", True),
        ("big < 7.5", True),
        ("age != null", True),
        ("none == 5", False),
        ("none == null", True),
        ("size(none)", "error: none is null in `size(none)`"),
        ("none && true", "error: none is null"),
        ("none && false", False),
        ("none || true", True),
        ("!none", "error: none is null in `!none`"),
        ("none ? 1 : 2", "error: none is null"),
        ("name == 5", False),
        ("[1] == ['1']", False),
        ("'a' in [1, 2]", False),
        ("true == 1", False),
        ("1 in [true]", False),
        ("big + 1", "error: no such overload in `big + 1`"),
        ("score + 1", "error: no such overload in `score + 1`"),
        ("true && 1", "error: no such overload in `1`"),
        ("1 && false", False),
        ("'a' || true", True),
        ("-1.0 / 0.0", -math.inf),
        ("0.0 / 0.0", math.nan),
        ("[1, 2][-1]", "error: index out of range in `[1, 2][-1]`"),
        ("[1, 2][1.0]", 2),
        ("{1.5: 1}", "error: a map's key must be a bool, int, uint or string in `{1.5: 1}`"),
        ("{1: 'a', 1u: 'b'}", "error: duplicate key in a map in `{1: 'a', 1u: 'b'}`"),
        ("has(age.q)", "error: a value of type int has no fields to select in `has(age.q)`"),
        ("has(counts.q) && counts.q > 0", False),
        ("has(counts.a) && counts.a > 0", True),
        ("has(counts.b)", True),
        ("counts.nope", "error: no such key in `counts.nope`"),
        ("string(true) + string(1.0)", "true1"),
        ("string(none)", "error: none is null in `string(none)`"),
        ("string(born)", "1970-01-01T00:00:00.000000001Z"),
        ("age / 0", "error: division by zero in `age / 0`"),
        ("[1, 2].map(x, x > 1, x * 10)", [20]),
        ("{'k': 1}.exists(k, v, k == 'k' && v == 1)", True),
        ("[7, 8].exists(i, v, i == 1 && v == 8)", True),
        ("[1, 2, 2].existsOne(x, x == 2)", False),
        ("'abc'.exists(c, true)", "error: exists() needs a list or a map, found string in `'abc'.exists(c, true)`"),
        ("none.exists(x, true)", "error: none is null in `none.exists(x, true)`"),
        # Absorption, in either order; of two errors the first one counts.
        ("1 / 0 > 0 || age == 30", True),
        ("age == 0 && 1 / 0 > 0", False),
        ("1 / 0 > 0 && 2 / 0 > 0", "error: division by zero in `1 / 0`"),
        ("1 % 0 > 0 || 2 / 0 > 0 || 1 > 2", "error: modulus by zero in `1 % 0`"),
        ("age > 18 ? 1 : 1 / 0", 1),
        ("1 / 0 > 1 ? 1 : 2", "error: division by zero in `1 / 0`"),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("[1, 0].all(x, 1 / x == 0)", False),
        ("[0, 1].exists(x, 1 / x == 2)", "error: division by zero in `1 / x`"),
        ("[1, 0].exists_one(x, 1 / x == 1)", "error: division by zero in `1 / x`"),
        ("[1, 0].filter(x, 1 / x == 1)", "error: division by zero in `1 / x`"),
        ("[1, 0].map(x, 1 / x)", "error: division by zero in `1 / x`"),
        ("tags.filter(t, t != null)", ["a", "b"]),
        ("tags.exists(t, t.startsWith('b'))", True),
        ("tags.all(t, t.startsWith('a'))", False),
        ("tags.map(t, t.size())", "error: t is null in `t.size()`"),
        ("[none].all(x, x)", "error: x is null"),
        ("[1].all(x, x)", "error: no such overload in `x`"),
        ("counts.map(k, k)", ["a", "b"]),
        ("[1, 2].transformList(i, v, i > 0, v * 2)", [4]),
        ("{'a': 1}.transformMap(k, v, k + string(v))", {"a": "a1"}),
        ("{'a': 1}.transformMapEntry(k, v, {v: k})", {1: "a"}),
        ("{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})", "error: duplicate key in a map in "
         "`{'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k})`"),
        ("cel.bind(x, age + 1, x * x)", 961),
        ("cel.bind(x, 1 / 0, true)", True),
        # Names.
        ("user.age", 30),
        ("user.user", "me"),
        ("user.now", "then"),
        ("now == user.born", False),
        ("now.getFullYear()", 2020),
        ("plan.name", "pro"),
        ("user.`plan.name`", "pro"),
        ("[1].exists(plan, plan.name == 'pro')", "error: a value of type int has no fields to select in `plan.name`"),
        ("[1].exists(plan, .plan.name == 'pro')", True),
        ("[1].map(age, age)", [1]),
        ("[1].map(age, .age)", [30]),
        ("[[1], [2]].map(x, x.map(y, y + x[0]))", [[2], [4]]),
        ("has(user.age)", True),
        ("has(user.none)", False),
        ("has(user.nope)", "error: user has no field 'nope' in `has(user.nope)`"),
        ("user.nope", "error: user has no field 'nope' in `user.nope`"),
        ("nope", "error: undeclared reference to 'nope' in `nope`"),
        ("nope(1)", "error: undeclared function 'nope' in `nope(1)`"),
        ("address.city", "Ulm"),
        ("address.nope", "error: address has no field 'nope' in `address.nope`"),
        ("has(address.city) && !has(address.zip)", True),
        ("address == address", True),
        ("address['city']", "error: no such overload in `address['city']`"),
        ("address.exists(f, true)", "error: exists() needs a list or a map, found struct in `address.exists(f, true)`"),
        ("none.field", "error: none is null in `none.field`"),
        # The error of an argument comes before what the call itself would say.
        ("none + 1 / 0", "error: division by zero in `1 / 0`"),
        ("size(tags[9])", "error: index out of range in `tags[9]`"),
        ("none > 30", "error: none is null in `none > 30`"),
        ("none > 'a'", "error: none is null in `none > 'a'`"),
        ("lasted < duration('0s')", True),
        ("born > timestamp('1970-01-01T00:00:00Z')", True),
        ("0.5 + 0.25 - 1.0 * 2.0", -1.25),
        ("-score", -1.5),
    ],
)  # fmt: skip
def test_a_condition_means_what_the_specification_says(text: str, expected: object) -> None:
    value = evaluate(text, ROW)
    assert type(value) is type(expected)
    assert repr(value) == repr(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("home.city", None),
        ("home.inner.depth == null", True),
        ("has(home.city)", False),
        ("has(home.inner.depth)", False),
        ("homes[0].city == null", True),
        ("homes.exists(h, h.city == null)", True),
        ("homes.filter(h, true).map(h, h.city)", [None]),
        ("(true ? home : home).city == null", True),
        ("dyn(home).city == null", True),
        ("by_name['x'].city == null", True),
        ("by_name.exists(k, v, v.city == null)", True),
        ("cel.bind(h, home, h.inner == null)", True),
        ("by_name.x.city == null", True),
        ("nobody.x", "error: nobody is null in `nobody.x`"),
        ("has(nobody.x)", "error: nobody is null in `has(nobody.x)`"),
    ],
)
def test_a_null_struct_has_null_fields_and_a_null_map_is_an_error(text: str, expected: object) -> None:
    home = StructType((("city", INT), ("inner", StructType((("depth", INT),)))))
    types: dict[str, Type] = {
        "home": home,
        "homes": ListType(home),
        "by_name": MapType(INT, home),
        "nobody": MapType(INT, INT),
    }
    row = {"home": None, "homes": [None], "by_name": {"x": None}, "nobody": None}
    assert evaluate(text, row, types) == expected


def seconds(year: int, nanosecond: int = 0) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000 + nanosecond


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        ([1, None], pl.Int8(), [1, None]),
        ([2**64 - 1, None], pl.UInt64(), [Uint(2**64 - 1), None]),
        ([2**32 - 1], pl.UInt32(), [2**32 - 1]),
        ([0.1], pl.Float32(), [struct.unpack("f", struct.pack("f", 0.1))[0]]),
        ([Decimal("1.25"), None], pl.Decimal(10, 2), [1.25, None]),
        ([Decimal(7), None], pl.Decimal(38, 0), [7, None]),
        (["b", "a", None], pl.Categorical(), ["b", "a", None]),
        (["b", "a"], pl.Enum(["b", "a"]), ["b", "a"]),
        ([b"\xff", None], pl.Binary(), [b"\xff", None]),
        ([None, None], pl.Null(), [None, None]),
        ([True, None], pl.Boolean(), [True, None]),
        ([date(2020, 1, 1), None], pl.Date(), [Timestamp(seconds(2020)), None]),
        ([datetime(2020, 1, 1)], pl.Datetime("ms"), [Timestamp(seconds(2020))]),  # noqa: DTZ001
        ([seconds(2020, 1)], pl.Datetime("ns"), [Timestamp(seconds(2020, 1))]),
        ([seconds(2020) // 1000], pl.Datetime("us", "Asia/Tokyo"), [Timestamp(seconds(2020))]),
        ([timedelta(days=-1)], pl.Duration("ms"), [Duration(-86_400_000_000_000)]),
        ([-1], pl.Duration("ns"), [Duration(-1)]),
        ([[1, None], [], None], pl.List(pl.UInt64()), [[Uint(1), None], [], None]),
        ([[date(2020, 1, 1)]], pl.List(pl.Date()), [[Timestamp(seconds(2020))]]),
        ([[1, 2]], pl.Array(pl.Int16(), 2), [[1, 2]]),
        ([{"a": ["x"], "t": None}, None], pl.Struct({"a": pl.List(pl.Categorical()), "t": pl.Date()}),
         [Message(a=["x"], t=None), None]),
        ([{"k": date(2020, 1, 1), "n": None}, None], pl.Map(pl.String(), pl.Date()),
         [{"k": Timestamp(seconds(2020)), "n": None}, None]),
        ([{1: "x"}], pl.Map(pl.UInt64(), pl.String()), [{Uint(1): "x"}]),
    ],
    ids=lambda value: str(value) if isinstance(value, pl.DataType) else "",
)  # fmt: skip
def test_columns_of_every_type_are_read_exactly(
    cells: list[object], dtype: pl.DataType, expected: list[object]
) -> None:
    interpretation = run("c", pl.DataFrame({"c": pl.Series(cells, dtype=dtype)}))
    read = [interpretation.outcomes[place] for place in interpretation.places]
    assert repr(read) == repr(expected)
    assert [type(value) for value in read] == [type(value) for value in expected]
    assert evaluate("c == c", {"c": read[0]}) is True


def test_a_decimal_beyond_int64_is_an_error_on_use() -> None:
    frame = pl.DataFrame({"d": pl.Series([Decimal(2**63), Decimal(1)], dtype=pl.Decimal(38, 0))})
    assert run("d > 0", frame).errors().to_list() == ["integer overflow in `d`", None]
    assert run("true || d > 0", frame).values().to_list() == [True, True]
    nested = frame.select(d=pl.concat_list("d"))
    assert run("d.exists(x, x > 0)", nested).errors().to_list() == ["integer overflow in `x`", None]
    assert run("d[0] > 0", nested).errors().to_list() == ["integer overflow in `d[0]`", None]


def test_each_combination_is_evaluated_once() -> None:
    frame = pl.DataFrame({"a": [1, 2, None] * 1000, "b": ["x", "y"] * 1500, "unread": range(3000)})
    interpretation = run("a == 1 && b == 'x'", frame)
    assert interpretation.evaluated == 6
    expected = ((pl.col("a") == 1) & (pl.col("b") == "x")).fill_null(value=False)
    assert interpretation.values().to_list() == frame.select(expected).to_series().to_list()


@pytest.mark.parametrize(
    "wrap",
    [
        pl.col("x"),
        pl.concat_list("x"),
        pl.concat_arr("x"),
        pl.struct("x"),
        pl.concat_list(pl.struct(s=pl.struct("x"))),
        pl.concat_list(pl.struct(key=pl.lit("k"), value="x")).cast(pl.Map(pl.String(), pl.Float64())),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [pl.Float64(), pl.Float32()], ids=str)
def test_zeros_of_both_signs_are_different_combinations(wrap: pl.Expr, dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"x": pl.Series([0.0, -0.0, None, math.nan, 0.0, -0.0, math.nan], dtype=dtype)}).select(c=wrap)
    interpretation = run("c", frame)
    assert interpretation.evaluated == 4
    values = [interpretation.outcomes[place] for place in interpretation.places]
    assert repr(values) == repr([*run("c", frame[:4]).outcomes, *run("c", frame[4:]).outcomes])


def test_null_and_what_holds_null_are_different_combinations() -> None:
    structs = pl.Series([None, {"x": None}, {"x": 0.0}, None], dtype=pl.Struct({"x": pl.Float64()}))
    assert run("s == null", pl.DataFrame({"s": structs})).values().to_list() == [True, False, False, True]
    lists = pl.Series([None, [], [None], [0.0], None], dtype=pl.List(pl.Float64()))
    assert run("size(s)", pl.DataFrame({"s": lists})).values().to_list() == [None, 0, 1, 1, None]


def test_a_clause_without_columns_is_evaluated_once() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3]})
    interpretation = run("1 + 1", frame)
    assert (interpretation.evaluated, interpretation.values().to_list()) == (1, [2, 2, 2])
    assert run("1 + 1", frame[:0]).values(INT).to_list() == []
    assert run("a > 1", frame[:0]).evaluated == 0


def test_a_condition_is_true_false_or_an_error() -> None:
    frame = pl.DataFrame({"x": [True, False, None]})
    truths, reasons = run("x", frame).condition()
    assert truths.to_list() == [True, False, None]
    assert reasons.to_list() == [None, None, "x is null"]
    truths, reasons = run("x ? 1 : 1 / 0", frame).condition()
    assert truths.to_list() == [None, None, None]
    assert reasons.to_list() == [
        "no such overload in `x ? 1 : 1 / 0`",
        "division by zero in `1 / 0`",
        "x is null",
    ]


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("i > 1", pl.Boolean()),
        ("i", pl.Int64()),
        ("uint(i)", pl.UInt64()),
        ("double(i)", pl.Float64()),
        ("string(i)", pl.String()),
        ("bytes(string(i))", pl.Binary()),
        ("null", pl.Null()),
        ("timestamp(i)", pl.Datetime("us", "UTC")),
        ("timestamp(i) + duration('1ns')", pl.Datetime("ns", "UTC")),
        ("duration('1s')", pl.Duration("us")),
        ("[[i], []]", pl.List(pl.List(pl.Int64()))),
        ("[]", pl.List(pl.Null())),
        ("{string(i): timestamp(i)}", pl.Map(pl.String(), pl.Datetime("us", "UTC"))),
        ("s", pl.Struct({"x": pl.Int64()})),
        ("i == 1 ? null : i", pl.Int64()),
    ],
)
def test_values_become_a_column_of_their_type(text: str, dtype: pl.DataType) -> None:
    frame = pl.DataFrame({"i": [1, 2], "s": [{"x": 1}, {"x": None}]})
    values = run(text, frame).values()
    assert values.dtype == dtype
    assert len(values) == 2


@pytest.mark.parametrize("text", ["i == 1 ? dyn('a') : 1", "[1, 'a']", "{'a': 1, 'b': 'c'}"])
def test_values_of_several_types_are_no_column(text: str) -> None:
    with pytest.raises(InterpretationError, match="no one column type"):
        run(text, pl.DataFrame({"i": [1, 2]})).values()


def test_times_that_64_bits_cannot_hold_stay_nanoseconds() -> None:
    first = -62_135_596_800_000_000_000
    assert column([Timestamp(first + 1)], TIMESTAMP).to_list() == [first + 1]
    assert column([Timestamp(first + 1)], TIMESTAMP).dtype == pl.Int128()
    assert column([Timestamp(-62_135_596_800_000_000_000)], TIMESTAMP).dt.year().to_list() == [1]
    assert column([Duration(-1), None], DURATION).cast(pl.Int64()).to_list() == [-1, None]
    with pytest.raises(InterpretationError):
        column(["a"], DOUBLE)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a > 1 && b.x == 1", ("a", "b")),
        ("user.a", ("a",)),
        ("has(user.a)", ("a",)),
        ("user.user == user.now", ("now", "user")),
        ("now == now", ()),
        ("[1].exists(a, a == 1)", ()),
        ("[1].exists(a, .a == a)", ("a",)),
        ("p.q", ("p.q",)),
        ("p.q.z", ("p.q",)),
        ("p.z", ("p",)),
        ("[1].exists(p, p.q == 1)", ()),
        ("cel.bind(a, b, a)", ("b",)),
        ("{a: b}[nope] in [p]", ("a", "b", "p")),
        ("a.f(b) ? f(p) : -user.now", ("a", "b", "now", "p")),
    ],
)
def test_the_columns_that_a_clause_reads(text: str, columns: tuple[str, ...]) -> None:
    names = ["a", "b", "now", "p", "p.q", "unread", "user"]
    schema = Schema.of(dict.fromkeys(names, pl.Struct({"x": pl.Int64()})))
    assert columns_read(parse(Source(text)), schema) == columns


def test_an_interrupt_stops_it_promptly() -> None:
    frame = pl.DataFrame({"a": range(3_000_000)})
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    start = monotonic()
    with pytest.raises(KeyboardInterrupt):
        run("[1, 2, 3, 4, 5].all(x, [1, 2, 3, 4, 5].exists(y, x == y && a >= 0))", frame)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert monotonic() - start < 2.5


def test_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    run("a > 1", pl.DataFrame({"a": range(2500)}), lambda done, of: seen.append((done, of)))
    assert seen == sorted(seen)
    assert seen[0] == (16, 2500)
    assert seen[-1] == (2500, 2500)
    assert len(seen) < 100


def test_cel_python_is_imported_only_when_something_is_interpreted() -> None:
    code = "import sys; import engine.interpreted, engine; assert not {'celpy', 'lark'} & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)
