"""``cel.bind``: what is bound is computed once, on every path, however often it is used."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import polars as pl
import pytest

from compiler.condition import compile_condition
from compiler.schema import Schema
from compiler.space import Computed
from engine import Snapshot, count, evaluate, spaces
from engine.plan import Plan, Planned, plan
from engine.results import Mode

FRAME = pl.DataFrame(
    {
        "a": [1, 2, None, 4],
        "b": [0, 1, 2, 2**62],
        "s": ["x", "y", None, "z"],
        "ints": [[1, 2], [], None, [3, None]],
        "buys": [
            [{"price": 5.0, "kind": "x", "note": "n"}],
            [],
            None,
            [{"price": 3.0, "kind": "y", "note": None}, {"price": 4.0, "kind": "x", "note": "m"}],
        ],
    }
)


def chain(length: int) -> str:
    """Each variable uses the one before it twice: copied, the last would stand for 2 ** length columns."""
    body = f"v{length} > 0"
    for place in range(length, 0, -1):
        body = f"cel.bind(v{place}, (v{place - 1} + v{place - 1}) / 2, {body})"
    return body.replace("v0", "a")


def planned(*conditions: str) -> tuple[Plan, tuple[Planned, ...]]:
    planning = plan({c: c for c in conditions}, Schema.of(FRAME.schema), now=0, mode=Mode.AUTO, segment=False)
    return planning, tuple(one for one in planning.planned if isinstance(one, Planned))


def test_a_chain_is_answered_on_every_path() -> None:
    text = chain(30)
    auto, interpreted = (evaluate(text, FRAME, mode=mode) for mode in ("compiled", "interpreted"))
    assert auto.values.to_list() == interpreted.values.to_list() == [True, True, None, True]
    assert auto.errors.to_list() == interpreted.errors.to_list()
    assert auto.errors[2] == "a is null in `a + a`"
    alone = count(FRAME, text, errors=True).results[0]
    together = count(FRAME, {"one": text, "other": "b > 5"}).results[0]
    assert (alone.user_count, alone.error_count) == (together.user_count, together.error_count) == (3, 1)


def test_a_chain_takes_linear_time() -> None:
    def seconds(length: int) -> float:
        text = chain(length)
        best = float("inf")
        for _ in range(7):
            started = process_time()
            planning, (one,) = planned(text)
            planning.reasons.of(one.condition, segment=True)
            best = min(best, process_time() - started)
        return best

    seconds(10)
    assert seconds(40) < 10 * seconds(10)


@pytest.mark.parametrize("length", [10, 30])
def test_each_value_is_one_column(length: int) -> None:
    _, (one,) = planned(chain(length))
    assert len([step for step in one.steps if isinstance(step, Computed)]) == length


def test_the_fingerprint_of_a_chain_stays_short() -> None:
    schema = Schema.of(FRAME.schema)
    short, long = (compile_condition(chain(n), schema, now=0).node.fingerprint for n in (2, 40))
    assert len(long) == len(short)


def test_equal_values_are_computed_once_for_all_conditions() -> None:
    planning, both = planned("cel.bind(x, a + b, x > 1 && x < 9)", "cel.bind(other, a + b, other > 1)")
    assert len(planning.lowering.steps) == 1
    assert both[0].steps == both[1].steps


def test_what_nothing_uses_is_not_computed() -> None:
    planning, (one,) = planned("cel.bind(x, a * b, a > 1)")
    assert planning.lowering.steps
    assert one.steps == ()


@pytest.mark.parametrize("text", ["cel.bind(x, a, x > 1 || x < 0)", "cel.bind(x, 3, a > x && b > x)"])
def test_columns_and_constants_are_no_steps(text: str) -> None:
    _, (one,) = planned(text)
    assert one.steps == ()


def test_only_the_fields_that_a_variable_is_asked_for_are_carried() -> None:
    text = 'cel.bind(o, buys.filter(e, e.kind == "x"), o.size() > 0 && o.map(e, e.price).sum() > 3.5)'
    planning, _ = planned(text)
    assert set(planning.used["buys"] or {}) == {"kind", "price"}
    assert [r.user_count for r in count(FRAME, {"a": text, "b": "true"}).results] == [2, 4]


def test_a_clause_is_interpreted_with_the_variables_that_it_uses() -> None:
    clause = "[1].transformMapEntry(j, e, {e: y})[1] > 2"
    text = f"cel.bind(unused, b * 3, cel.bind(x, a, cel.bind(y, x + 1, {clause} && b > 0)))"
    result = evaluate(text, FRAME)
    assert result.mode == "mixed"
    (found,) = result.interpreted
    assert found.text == clause
    assert found.rows == 3
    assert result.values.to_list() == [False, True, None, True]
    assert result.errors[2] == "x is null in `x + 1`"


def test_a_shared_clause_keeps_the_variables_of_its_own_condition() -> None:
    conditions = {
        "one": "cel.bind(x, a, [1].transformMapEntry(j, e, {e: x})[1] > 2 && b > 0)",
        "two": "cel.bind(z, a, [1].transformMapEntry(j, e, {e: z})[1] > 2 || b > 0)",
    }
    assert [(r.user_count, r.error_count) for r in count(FRAME, conditions).results] == [(1, 1), (3, 0)]


def test_one_query_and_members(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    FRAME.with_columns(user_id=pl.int_range(4)).write_parquet(path)
    report = count(Snapshot.open(path), "cel.bind(x, a + b, x > 2 && x < 100)")
    assert report.results[0].user_count == 1
    assert report.results[0].error_count == 1


def test_calls_of_calls_are_compiled() -> None:
    text = "a"
    for _ in range(15):
        text = f"-({text} * 2 / 2)"
    compiled, interpreted = (evaluate(f"{text} > 1", FRAME, mode=mode) for mode in ("compiled", "interpreted"))
    assert compiled.values.to_list() == interpreted.values.to_list()
    assert compiled.errors.to_list() == interpreted.errors.to_list()


@pytest.mark.parametrize("part", ["[{}][0]", "({} + {})", "({} > 1 ? {} : b)", "math.abs(-{})"])
def test_nested_copies_stay_small(part: str) -> None:
    text, depth = "a", 14 if part.count("{}") == 1 else 6
    for _ in range(depth):
        text = part.replace("{}", text)
    planning, (one,) = planned(f"{text} > 1")
    assert one.mode == "compiled"
    assert one.cell is not None
    expressions = [one.cell.value, *(e for step in planning.lowering.steps for e in step.expressions.values())]
    assert max(len(e.meta.root_names()) for e in expressions) < 2_000
    answers = [evaluate(f"{text} > 1", FRAME, mode=mode) for mode in ("compiled", "interpreted")]
    assert answers[0].values.to_list() == answers[1].values.to_list()
    assert answers[0].errors.to_list() == answers[1].errors.to_list()


def doubled(column: str, times: int, operation: str = "V + V") -> str:
    """Each variable is twice as long as the one before it."""
    body = f"v{times}.size() > 1"
    for place in range(times, 0, -1):
        body = f"cel.bind(v{place}, {operation.replace('V', f'v{place - 1}')}, {body})"
    return body.replace("v0", column)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (doubled("s", 30), "the string would have more than 1,000,000 bytes"),
        (doubled("bytes(s)", 30), "the string would have more than 1,000,000 bytes"),
        (doubled("ints", 30), "the list would have more than 1,000,000 elements"),
    ],
)
def test_what_grows_with_each_variable_ends_in_an_error(text: str, reason: str) -> None:
    frame = FRAME.head(1)
    auto, interpreted = (evaluate(text, frame, mode=mode) for mode in ("auto", "interpreted"))
    assert auto.errors.to_list() == interpreted.errors.to_list()
    assert str(auto.errors[0]).startswith(reason)


def test_lists_of_one_list_are_not_flattened_without_bound() -> None:
    interpreted = evaluate(doubled("ints", 30, "[V, V, V, V].flatten()"), FRAME.head(1), mode="interpreted")
    assert str(interpreted.errors[0]).startswith("the list would have more than 1,000,000 elements")


def test_rows_are_taken_in_parts_where_their_values_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "MOST_BYTES", 10_000)
    frame = pl.DataFrame({"s": ["abc"] * 64})
    assert count(frame, doubled("s", 10)).results[0].user_count == 64
    assert "more than 10,000 bytes" in str(count(frame, doubled("s", 14)).results[0].error)
