"""Many conditions at once: the answers are those of each condition alone, with each optimisation on and off."""

from __future__ import annotations

import gc
from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from benchmarks.recipe import conditions, write_users
from engine import Snapshot, count, evaluate
from engine.batch import batch
from engine.bitmaps import count as count_bits
from engine.bitmaps import every_row
from engine.dictionaries import Dictionary
from engine.optimisations import Optimisations
from engine.plan import Planned, plan
from engine.results import Mode, Tally
from engine.texts import MOST_TEXTS, Named

USERS = 9_001  # no whole number of words, and of chunks of a thousand rows
TEXTS = [recipe.cel for recipe in conditions(150, seed=3)] + [
    'country == "C03" || country == null',
    '!(country in ["C01", "C02"]) && !(age > 30 && city == "city7")',
    'country.startsWith("C1") && city.endsWith("9")',
    'country != "C05" && size(country) == 3',
    'email == null || email.contains("99")',
    "total_spent <= 100.0 || score > 0.5",
    "points >= 100000",
    "points < 9000000000 && order_count != -1",
    "age >= 30 ? points > 10 : newsletter",
    "!newsletter",
    "true",
    "tags.exists(t, t == country)",
]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("batch") / "users.parquet"
    write_users(path, USERS)
    frame = pl.read_parquet(path)
    # What the recipe leaves out: nulls and NaN where narrowing and dictionaries work.
    place = pl.int_range(pl.len())
    return frame.with_columns(
        country=pl.when(place % 17 != 0).then("country"),
        points=pl.when(place % 13 != 0).then("points"),
        total_spent=pl.when(place % 3_000 == 0).then(float("nan")).otherwise("total_spent"),
    )


@pytest.fixture(scope="module")
def alone(users: pl.DataFrame) -> list[tuple[int, int]]:
    answers = [evaluate(text, users, mode="compiled").values for text in TEXTS]
    return [(int(values.sum()), values.null_count()) for values in answers]


SWITCHES = [field.name for field in fields(Optimisations)]
KINDS = {"dictionary": "dictionaries", "elements": "elements", "thresholds": "thresholds"}
NONE = dict.fromkeys(SWITCHES, False)
CHOICES = {
    "all": Optimisations(),
    "none": Optimisations(**NONE),
    **{f"without {name}": Optimisations(**{name: False}) for name in SWITCHES},
    **{f"only {name}": Optimisations(**{**NONE, name: True}) for name in SWITCHES},
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("rows", [1_000, 2_048, USERS])
def test_each_optimisation_keeps_the_answers(
    users: pl.DataFrame, alone: list[tuple[int, int]], chosen: Optimisations, rows: int
) -> None:
    snapshot = Snapshot.open(users)
    planning = plan({text: text for text in TEXTS}, snapshot.schema, now=0, mode=Mode.COMPILED)
    planned = [one for one in planning.planned if isinstance(one, Planned)]
    assert len(planned) == len(TEXTS)
    work = batch(planned, planning.lowering, chosen)
    kinds = {kind for kind, _ in work.families}
    assert kinds == {kind for kind, used in KINDS.items() if getattr(chosen, used)}
    if not (chosen.narrowing and chosen.thresholds):
        assert bool(work.comparisons) == chosen.narrowing
    tallies = [Tally() for _ in planned]
    for chunk in snapshot.chunks(planning.columns, rows):
        work.tally(chunk, tallies)
    assert [(tally.members, tally.errors) for tally in tallies] == alone


def test_a_count_is_the_batch(users: pl.DataFrame, alone: list[tuple[int, int]]) -> None:
    results = count(users, {text: text for text in TEXTS}).results
    assert [(r.user_count, r.error_count) for r in results] == alone


def test_a_narrowed_column_takes_no_other_s_name() -> None:
    names = ("age", "age narrowed", "#narrowed age", "##narrowed age")
    frame = pl.DataFrame({name: range(start, start + 100) for start, name in enumerate(names)})
    texts = [f"age > {n}" for n in range(6)] + [f"user.`{name}` > 50" for name in names]
    results = count(frame, {text: text for text in texts}).results
    assert [r.user_count for r in results[6:]] == [49, 50, 51, 52]


def test_the_bitmaps_of_a_chunk_do_not_wait_for_the_search_for_garbage(users: pl.DataFrame) -> None:
    planning = plan({text: text for text in TEXTS}, Snapshot.open(users).schema, now=0, mode=Mode.COMPILED)
    work = batch(planning.to_run(), planning.lowering)
    tallies = [Tally() for _ in TEXTS]
    work.tally(users, tallies)
    gc.collect()
    gc.disable()
    try:
        work.tally(users, tallies)
        assert gc.collect() == 0, "a cycle would hold what it refers to: gigabytes, of a thousand conditions"
    finally:
        gc.enable()


def rows_of(words: np.ndarray[tuple[int], np.dtype[np.uint64]], rows: int) -> list[bool]:
    return [bool(words[n // 64] >> (n % 64) & 1) for n in range(rows)]


@pytest.mark.parametrize(
    "values",
    [
        ["a", None, "b", "a", None],
        [None, None],
        ["x"] * 70,
        [str(n % 300) for n in range(2_000)],
        ["", "é", "e\u0301", "\x00", None],
    ],
    ids=["few", "nulls", "one", "many", "hostile"],
)
def test_a_dictionary_answers_for_its_rows(values: list[str | None]) -> None:
    column = pl.Series("s", values, dtype=pl.String)
    conditions = {
        "equal": pl.col("s") == "a",
        "not": pl.col("s") != "7",
        "most": pl.col("s").str.len_chars() > 0,
        "never null": (pl.col("s") == "x").fill_null(value=False),
    }
    named = {
        "names": (Named({"a": True, "7": True, None: False}, others=False), pl.col("s").is_in(["a", "7"])),
        "names others": (Named({"299": False, None: True}, others=True), pl.col("s") != "299"),
        "names none": (Named({}, others=False), pl.lit(value=False)),
    }
    found = Dictionary("s", conditions, {name: one for name, (one, _) in named.items()})
    conditions |= {name: same.fill_null(one.of.get(None, one.others)) for name, (one, same) in named.items()}
    for chunk in (column, column[::-1], pl.concat([column, pl.Series("s", ["7", "new", None])])):
        frame = chunk.to_frame()
        answers = found.answer(frame, every_row(frame.height))
        for name, condition in conditions.items():
            expected = frame.with_columns(value=condition).get_column("value")
            answer = answers[name]
            assert rows_of(answer.true, frame.height) == expected.fill_null(value=False).to_list()
            errors = [False] * frame.height if answer.error is None else rows_of(answer.error, frame.height)
            assert errors == expected.is_null().to_list()


LISTS = pl.DataFrame({
    "texts": [["a", None], None, [], ["b"], ["c", "b", "a"], [None], ["x"], ["a"] * 3] * 40,
    "ints": [[], [1, 2], [None, 3], [4], None, [5] * 7, [0], [-1, None]] * 40,
    "orders": [[{"price": 1.5}], [], [{"price": None}], None, [None], [{"price": 2.0}, {"price": 3.0}]] * 50
    + [[]] * 20,
})  # fmt: skip
COMPUTED = {
    "made of texts": ['texts.filter(t, t != "a").exists(t, t == "b")', 'texts.map(t, t + "x").all(t, t != "bx")'],
    "put together": ["1 in (ints + ints)", "(ints + [7]).exists(i, i > 6)", "(ints + [7]).all(i, i > 0)"],
}  # fmt: skip
ELEMENTS = {
    "few texts": ['"a" in texts', 'texts.all(t, t != "b")', "texts.exists(t, t == null)"],
    "many texts": [f"texts.{macro}(t, t {operator} '{text}')"
        for macro in ("exists", "all") for operator in ("==", "<", ">=") for text in "abcx"],
    "ints": ["3 in ints", "ints.all(i, i > 0)", "ints.exists(i, i / 0 == 1)", "ints.exists(i, i == null)"],
    "structs": ["orders.exists(o, o.price > 2.5)", "orders.all(o, o.price < 2.0)", "orders.exists(o, has(o.price))"],
}  # fmt: skip


@pytest.mark.parametrize("texts", COMPUTED.values(), ids=COMPUTED)
def test_conditions_on_the_elements_of_computed_lists_are_answered(texts: list[str]) -> None:
    alone = [evaluate(text, LISTS, mode="interpreted").values for text in texts]
    results = count(LISTS, {text: text for text in texts}).results
    assert [(r.user_count, r.error_count) for r in results] == [(int(v.sum()), v.null_count()) for v in alone]


@pytest.mark.parametrize("texts", ELEMENTS.values(), ids=ELEMENTS)
@pytest.mark.parametrize("interpreted", [False, True])
def test_conditions_on_elements_are_answered_together(texts: list[str], *, interpreted: bool) -> None:
    mode = "interpreted" if interpreted else "compiled"
    alone = [evaluate(text, LISTS, mode=mode).values for text in texts]
    snapshot = Snapshot.open(LISTS)
    planning = plan({text: text for text in texts}, snapshot.schema, now=0, mode=Mode.COMPILED)
    work = batch([one for one in planning.planned if isinstance(one, Planned)], planning.lowering)
    assert {kind for kind, _ in work.families} == {"elements"}
    tallies = [Tally() for _ in texts]
    for chunk in snapshot.chunks(planning.columns, 77):
        work.tally(planning.projected(chunk), tallies)
    assert [(tally.members, tally.errors) for tally in tallies] == [(int(v.sum()), v.null_count()) for v in alone]


def test_a_column_of_distinct_texts_has_no_dictionary() -> None:
    column = pl.Series("s", [str(n) for n in range(1_000)])
    assert Dictionary("s", {"x": pl.col("s") == "7"}, {}).answer(column.to_frame(), every_row(1_000)) == {}


def test_more_texts_than_are_remembered_are_learnt_anew() -> None:
    found = Dictionary("s", {"x": pl.col("s").str.ends_with("7")}, {})
    for start in range(0, 4 * MOST_TEXTS, MOST_TEXTS // 4):
        column = pl.Series("s", [str(start + n // 4) for n in range(MOST_TEXTS)])
        answers = found.answer(column.to_frame(), every_row(len(column)))
        assert count_bits(answers["x"].true) == column.str.ends_with("7").sum()
