"""The interpreted path: clauses that have no columnar form, row by row in cel-python corrected to the specification.

A clause is evaluated once for each distinct combination of the values that it reads. cel-python is imported when the
first clause is interpreted, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from compiler.reasons import null_reason, reason
from compiler.schema import Schema
from compiler.source import Source, Span
from compiler.syntax import Syntax
from compiler.types import BOOL, Type

from .celvalues import column, column_type, exact_key, read
from .dispatch import NO_SUCH_OVERLOAD
from .variables import columns_read

_PROGRESS_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Failed:
    """The CEL error that an evaluation ends in.

    Attributes:
        message: what went wrong.
        span: the expression that it went wrong in.
        reason: both as results show them: ``division by zero in `a / b` ``.
    """

    message: str
    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The outcomes of a clause, one for each distinct combination of the values that it reads.

    Attributes:
        outcomes: the values, as ``compiler.values`` describes them, or the errors.
        places: for each row, the place of its outcome (UInt32).
        source: the text of the clause.
        span: the clause's place in it.
    """

    outcomes: list[object]
    places: pl.Series
    source: Source
    span: Span

    @property
    def distinct(self) -> int:
        """How many times the clause was evaluated."""
        return len(self.outcomes)

    def type(self) -> Type:
        """The CEL type of the values; null where there is no other value.

        Raises:
            InterpretationError: the values have no one type.
        """
        return column_type(o for o in self.outcomes if not isinstance(o, Failed))

    def values(self, type_: Type | None = None) -> pl.Series:
        """The value of each row, null where it is null or an error.

        Args:
            type_: the CEL type of the values; None to take it from the values themselves.

        Raises:
            InterpretationError: the values have no one type, or are not of ``type_``.
        """
        values = [None if isinstance(o, Failed) else o for o in self.outcomes]
        return self._spread(column(values, self.type() if type_ is None else type_))

    def errors(self) -> pl.Series:
        """The reason of each row that is an error, null for the others."""
        reasons = [o.reason if isinstance(o, Failed) else None for o in self.outcomes]
        return self._spread(pl.Series("", reasons, dtype=pl.String()))

    def condition(self) -> tuple[pl.Series, pl.Series]:
        """Each row's truth, null where it is an error, and its reason, null where it is none.

        A clause whose value is null is an error on that row, and so is one whose value is no bool.
        """
        truths: list[bool | None] = []
        reasons: list[str | None] = []
        for outcome in self.outcomes:
            truths.append(outcome if isinstance(outcome, bool) else None)
            match outcome:
                case bool():
                    reasons.append(None)
                case Failed():
                    reasons.append(outcome.reason)
                case None:
                    reasons.append(null_reason(self.source, self.span))
                case _:
                    reasons.append(reason(NO_SUCH_OVERLOAD, self.source, self.span))
        spread = self._spread
        return spread(column(truths, BOOL)), spread(pl.Series("", reasons, dtype=pl.String()))

    def _spread(self, outcomes: pl.Series) -> pl.Series:
        return outcomes.gather(self.places)


def interpret(
    clause: Syntax,
    source: Source,
    frame: pl.DataFrame,
    schema: Schema,
    *,
    now: int,
    progress: Callable[[int, int], None] | None = None,
) -> Interpretation:
    """Evaluates a clause on every row of a frame.

    A KeyboardInterrupt stops it between two steps of an evaluation.

    Args:
        clause: a checked condition or a part of one.
        source: the text that its spans point into.
        frame: the rows; at least the columns that the clause reads.
        schema: the columns that there are, and their types.
        now: the time of the run, in nanoseconds since the epoch.
        progress: called now and then with the number of combinations done, and of all.
    """
    from .evaluator import Evaluator

    names = columns_read(clause, schema)
    distinct, places = _combinations(frame.select(names), frame.height)
    evaluator = Evaluator(clause, source, schema.types, now)
    absent = {name: None for name in schema.types if name not in names}
    columns = [read(distinct.get_column(name)) for name in names]
    outcomes: list[object] = []
    total = distinct.height if names else min(frame.height, 1)
    for place in range(total):
        values = absent | {name: cells[place] for name, cells in zip(names, columns, strict=True)}
        outcomes.append(_outcome(evaluator.value_of(values), source))
        if progress is not None and (place + 1) % _PROGRESS_EVERY == 0:
            progress(place + 1, total)
    if progress is not None:
        progress(total, total)
    return Interpretation(outcomes, places, source, clause.span)


def evaluate_once(
    clause: Syntax,
    source: Source,
    bindings: Mapping[str, object],
    *,
    now: int,
    types: Mapping[str, Type] | None = None,
) -> object:
    """The value of a clause for one binding of its variables, or the :class:`Failed` that it ends in.

    Args:
        clause: what to evaluate.
        source: the text that its spans point into.
        bindings: the columns' values, as ``compiler.values`` describes them.
        now: the time of the run, in nanoseconds since the epoch.
        types: the columns' types; needed only to know a null struct from another null.
    """
    from .evaluator import Evaluator

    return _outcome(Evaluator(clause, source, types or {}, now).value_of(bindings), source)


def _outcome(value: object, source: Source) -> object:
    from .evaluator import CelError

    return Failed(value.message, value.span, value.reason(source)) if isinstance(value, CelError) else value


def _combinations(frame: pl.DataFrame, height: int) -> tuple[pl.DataFrame, pl.Series]:
    """The distinct rows of a frame, and for each row the place of its like among them."""
    if not frame.width:
        return frame, pl.zeros(height, dtype=pl.UInt32(), eager=True)
    keys = frame.select(
        exact_key(pl.col(name), dtype).alias(str(place)) for place, (name, dtype) in enumerate(frame.schema.items())
    )
    groups = (
        keys.with_row_index("row")
        .group_by(keys.columns, maintain_order=True)
        .agg(pl.col("row"))
        .select("row")
        .with_row_index("place")
    )
    firsts = groups.get_column("row").list.first()
    places = groups.explode("row").sort("row").get_column("place")
    return frame[firsts], places
