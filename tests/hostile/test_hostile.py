"""One condition, one answer: compiled, interpreted and by cel-cpp, on hostile rows.

The conditions are in tests/fixtures/conditions, the rows in rows.py. The value or the error of every row is compared,
to the type and the bit, and the errors' reasons between Cellar's own two paths.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import yaml

from compiler import ir
from compiler.condition import compile_condition
from compiler.functions import arithmetic, collections, comparison, conversions, strings, temporal
from compiler.schema import Schema
from engine import CompileError, Snapshot, count, members
from tests.hostile.conditions import FOLDER, THOROUGH, Answer, Written, answer, one_in, written
from tests.hostile.exceptions import exceptions, expected
from tests.hostile.judging import agreed, referee
from tests.hostile.rows import NOW, hostile_rows
from tests.hostile.substitutes import substituted
from tests.hostile.values import ERROR, Value, duration, timestamp

CONDITIONS = {f"{w.file}: {w.text}": w for w in written()}
FALSE, TRUE = ("bool", False), ("bool", True)
STANDARD = (arithmetic, collections, comparison, conversions, strings, temporal)
"""The modules of the specification's standard functions."""
FILES = (
    "bindings",
    "conversions",
    "lists",
    "logic",
    "macros",
    "macros_two",
    "null",
    "numbers",
    "structs",
    "text",
    "times",
)
"""Of the standard functions: what chance makes new conditions of."""
COMBINATIONS, SUBSTITUTED = 300, 600
"""How many conditions chance makes."""
REWRITTEN = ("!(!({}))", "({}) && true", "false || ({})", "({}) ? true : false")
"""Rewritings of a bool that change neither its values nor its errors."""


@cache
def compiled_answer(condition: Written) -> Answer:
    return answer(condition.text, mode="auto", check=condition.checked)


@cache
def interpreted_clauses() -> dict[str, str]:
    """What is interpreted, with the reason: tests/fixtures/conditions/interpreted.yaml."""
    by_reason = yaml.safe_load((FOLDER / "interpreted.yaml").read_text(encoding="utf-8"))
    return {name: reason for reason, names in by_reason.items() for name in names}


def bools() -> dict[str, Written]:
    """The conditions, checked, that segments could have."""
    return {n: w for n, w in CONDITIONS.items() if w.checked and compiled_answer(w).type == "bool"}


def as_condition(values: list[Value]) -> list[Value]:
    """A condition's outcomes: its null is an error."""
    return [ERROR if value is None else value for value in values]


@pytest.mark.parametrize(("place", "name"), list(enumerate(CONDITIONS)))
def test_every_path_gives_the_same_answer(place: int, name: str) -> None:
    condition = CONDITIONS[name]
    interpreted = answer(condition.text, mode="interpreted", check=condition.checked)
    assert interpreted.values == expected(referee(), condition), "interpreted, and by cel-cpp"
    auto = compiled_answer(condition)
    assert auto.values == interpreted.values, "compiled as far as possible, and interpreted"
    assert auto.reasons == interpreted.reasons
    if auto.mode == "compiled":
        assert name not in interpreted_clauses(), "it compiles now: take it out of interpreted.yaml"
        if THOROUGH or place % 3 == 0:
            assert answer(condition.text, mode="compiled", check=condition.checked) == auto
    else:
        assert auto.interpreted == (interpreted_clauses().get(name),)
        with pytest.raises(CompileError, match="cannot be compiled"):
            answer(condition.text, mode="compiled", check=condition.checked)


@pytest.mark.parametrize("name", one_in(3, CONDITIONS))
def test_frames_in_pieces_and_without_rows(name: str) -> None:
    condition = CONDITIONS[name]
    rows = hostile_rows()
    pieces = [*range(5, 36), *range(40, rows.height)]
    frame = pl.concat([rows.slice(5, 31), rows.slice(40)], rechunk=False)
    auto = compiled_answer(condition)
    assert answer(condition.text, frame, mode="auto", check=condition.checked).values == [
        auto.values[p] for p in pieces
    ]
    assert answer(condition.text, rows.clear(), mode="auto", check=condition.checked).values == []


@pytest.mark.parametrize(("place", "name"), list(enumerate(CONDITIONS)))
def test_rewriting_changes_no_answer(place: int, name: str) -> None:
    condition = CONDITIONS[name]
    auto = compiled_answer(condition)
    if auto.type != "bool":
        return
    for form in one_in(4, REWRITTEN, place):
        rewritten = answer(form.format(condition.text), mode="auto", check=condition.checked)
        assert rewritten.values == as_condition(auto.values), form
        assert [r is None for r in rewritten.reasons] == [v != ERROR for v in rewritten.values], form


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The rows in one Parquet file."""
    path = tmp_path_factory.mktemp("hostile") / "rows.parquet"
    hostile_rows().write_parquet(path)
    return Snapshot.open(path, id_column="row")


@pytest.fixture(scope="module")
def odd_chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows eleven times over, in row groups whose size is no multiple of anything."""
    path = tmp_path_factory.mktemp("hostile") / "chunks.parquet"
    pl.concat([hostile_rows()] * 11).write_parquet(path, row_group_size=67)
    return path


def counted(values: list[Value], times: int = 1) -> tuple[int, int]:
    """Members and errors."""
    outcomes = as_condition(values)
    return outcomes.count(TRUE) * times, outcomes.count(ERROR) * times


def test_each_condition_counted_alone(snapshot: Snapshot) -> None:
    for name, condition in one_in(3, bools().items()):
        result = count(snapshot, condition.text, now=NOW).results[0]
        assert (result.user_count, result.error_count) == counted(compiled_answer(condition).values), name


@pytest.mark.parametrize("mode", ["auto", "interpreted"])
def test_all_conditions_counted_together(snapshot: Snapshot, mode: str) -> None:
    report = count(snapshot, {n: w.text for n, w in bools().items()}, now=NOW, mode=mode)
    for name, condition in bools().items():
        result = report[name]
        assert result.error is None, name
        assert (result.user_count, result.error_count) == counted(compiled_answer(condition).values), name


def test_all_conditions_counted_chunk_by_chunk(odd_chunks: Path) -> None:
    report = count(odd_chunks, {n: w.text for n, w in bools().items()}, now=NOW)
    for name, condition in bools().items():
        result = report[name]
        assert (result.user_count, result.error_count) == counted(compiled_answer(condition).values, 11), name


def test_members_are_those_rows(snapshot: Snapshot) -> None:
    for name, condition in list(bools().items())[::7]:
        found = members(snapshot, condition.text, now=NOW).collect().to_series().to_list()
        values = compiled_answer(condition).values
        assert found == [row for row, value in enumerate(values) if value == TRUE], name


def test_no_exception_and_no_interpreted_clause_is_left_over() -> None:
    assert exceptions().keys() <= {w.text for w in CONDITIONS.values()}
    assert interpreted_clauses().keys() <= CONDITIONS.keys()


def test_the_conditions_use_the_whole_language() -> None:
    schema = Schema.of(hostile_rows().schema)
    nodes: list[ir.Node] = []
    for condition in CONDITIONS.values():
        unread = [compile_condition(condition.text, schema, now=0, unchecked=not condition.checked).checked]
        while unread:
            node = unread.pop()
            nodes.append(node)
            unread.extend(ir.children(node))
    used = {node.overload.id for node in nodes if isinstance(node, ir.Call)}
    assert {o.id for module in STANDARD for f in module.functions() for o in f.overloads} - used == set()
    macros = {node.macro for node in nodes if isinstance(node, ir.Comprehension)}
    assert macros == {"all", "exists", "exists_one", "filter", "map", "transformMap", "transformMapEntry"}
    assert {type(node) for node in nodes} == set(ir.Node.__args__)
    assert {w.file for w in CONDITIONS.values()} == {p.stem for p in FOLDER.glob("*.txt")}
    assert len(CONDITIONS) > 1_600


def combined(name: int) -> tuple[str, list[Value]]:
    """A combination of conditions by chance, and what Kleene's logic, which is CEL's, makes of their answers."""
    chance = random.Random(name)
    segments = [w for w in bools().values() if w.file in FILES]

    def part(depth: int) -> tuple[str, list[Value]]:
        if depth == 0 or chance.random() < 0.2:
            leaf = chance.choice(segments)
            return f"({leaf.text})", as_condition(compiled_answer(leaf).values)
        text, values = part(depth - 1)
        other, others = part(depth - 1)
        match chance.choice("&|!?"):
            case "&":
                return f"({text} && {other})", [_and(a, b) for a, b in zip(values, others, strict=True)]
            case "|":
                both = zip(values, others, strict=True)
                return f"({text} || {other})", [_not(_and(_not(a), _not(b))) for a, b in both]
            case "!":
                return f"!{text}", [_not(a) for a in values]
            case _:
                third, thirds = part(0)
                chosen = zip(values, others, thirds, strict=True)
                return f"({text} ? {other} : {third})", [
                    v if v == ERROR else a if v == TRUE else b for v, a, b in chosen
                ]

    return part(3)


def _and(a: Value, b: Value) -> Value:
    if FALSE in (a, b):
        return FALSE
    return ERROR if ERROR in (a, b) else TRUE


def _not(a: Value) -> Value:
    return a if a == ERROR else (FALSE if a == TRUE else TRUE)


@pytest.mark.parametrize("seed", range(0, COMBINATIONS, 10))
def test_combinations(seed: int) -> None:
    for name in range(seed, seed + 10):
        text, values = combined(name)
        auto = answer(text, mode="auto")
        assert as_condition(auto.values) == values, text
        interpreted = answer(text, mode="interpreted")
        assert (auto.values, auto.reasons) == (interpreted.values, interpreted.reasons), text


def test_combinations_counted_together(odd_chunks: Path) -> None:
    combinations = [combined(name) for name in range(COMBINATIONS)]
    report = count(odd_chunks, {str(n): text for n, (text, _) in enumerate(combinations)}, now=NOW)
    for result, (text, values) in zip(report.results, combinations, strict=True):
        assert result.error is None, text
        assert (result.user_count, result.error_count) == counted(values, 11), text


@pytest.mark.parametrize("seed", range(SUBSTITUTED // 100))
def test_other_expressions_in_place_of_columns(seed: int) -> None:
    texts = substituted([w for w in written() if w.file in FILES], seed, 100)
    judged = sum(map(agreed, texts))
    assert judged > 80


@pytest.mark.parametrize(("name", "wrap"), [("far", timestamp), ("ages", duration)])
def test_times_that_64_bits_of_microseconds_cannot_hold(name: str, wrap: Callable[[int], Value]) -> None:
    ticks = hostile_rows().get_column(f"{name}_ms").to_list()
    expected_values = [None if tick is None else wrap(tick * 10**6) for tick in ticks]
    for mode in ("compiled", "interpreted"):
        assert answer(name, mode=mode).values == expected_values


# A column with one value for all rows is stored as that one value, and Polars treats it as a literal.
ONE_VALUE = {
    "flag": pl.lit(value=False),
    "none": pl.lit(None, dtype=pl.Boolean),
    "zero": pl.lit(0),
    "three": pl.lit(3.0),
    "nought": pl.lit(0.0),
}


@pytest.mark.parametrize(
    "text",
    [
        "flag ? l[0] : x", "flag ? 0.5 : l[0]", "!flag ? l[0] : x", "none ? l[0] : x", "[false][0] ? l[0] : x",
        "l.map(e, [false][0] ? x : e)", "l.map(e, flag ? x : e)", "l.exists(e, flag ? e > 1.0 : true)", "l[zero]",
        "flag ? 1 / zero : zero", "1 / zero", "zero / zero", "l.exists(e, none)", "l.map(e, flag)",
        "l.all(e, e > three)",
        "flag && x > three", "none || x > three", "[three, x]", "string(three)", "timestamp(zero) < now",
        "x / nought", "three / nought",
        "x / three", "x / 3.0", "x / [1.0, 3.0][1]", "three / x", "l.map(e, e / three)", "l.map(e, e / 3.0)",
        "l.map(e, x / 3.0)", "l.map(e, e / [1.0, 3.0][1])", "zero == 0 ? l : [x]",
    ],
)  # fmt: skip
def test_columns_of_one_value(text: str) -> None:
    chance = random.Random(1)
    numbers = [chance.uniform(-100, 100) for _ in range(400)]
    lists = [None if n % 7 == 0 else numbers[n : n + n % 3] for n in range(400)]
    frame = pl.DataFrame({"x": numbers, "l": lists}).with_columns(**ONE_VALUE)
    interpreted = answer(text, frame, mode="interpreted")
    compiled = answer(text, frame, mode="compiled")
    assert (compiled.values, compiled.reasons) == (interpreted.values, interpreted.reasons)
