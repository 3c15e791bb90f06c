"""The interpreted path: clauses that have no columnar form, row by row in cel-python corrected to the specification.

cel-python is imported when the first clause is interpreted, not before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter

import polars as pl

from compiler.reasons import null_reason, reason
from compiler.source import Source, Span
from compiler.syntax import Syntax
from compiler.types import BOOL, Type

from .budget import DeadlinePassed
from .celvalues import column, column_type, read
from .dispatch import NO_SUCH_OVERLOAD


class InterpreterFailed(Exception):  # noqa: N818  (its message says so)
    """The interpreter, and not the condition, could not answer."""


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
        evaluated: how many of the outcomes were not known from other rows before.
    """

    outcomes: Sequence[object]
    places: pl.Series
    source: Source
    span: Span
    evaluated: int

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


class ClauseEvaluation:
    """One clause, evaluated row after row."""

    def __init__(self, clause: Syntax, source: Source, types: Mapping[str, Type], now: int) -> None:
        """The arguments are those of :func:`evaluate_once`."""
        from .evaluator import Evaluator

        self._evaluator = Evaluator(clause, source, types, now)
        self._source = source
        self._types = types

    def outcomes(self, rows: pl.DataFrame, deadline: float = inf) -> Iterator[object]:
        """The outcome of each row: its value, or the :class:`Failed` that it ends in.

        A KeyboardInterrupt stops it between two steps of an evaluation.

        Args:
            rows: the columns that the clause reads.
            deadline: when time is up, on the clock of ``perf_counter``.

        Raises:
            DeadlinePassed: it is.
            InterpreterFailed: the interpreter itself did.
        """
        self._evaluator.deadline = deadline
        columns = {column.name: read(column) for column in rows.get_columns()}
        values: dict[str, object] = dict.fromkeys(self._types)
        for place in range(rows.height):
            if perf_counter() > deadline:
                raise DeadlinePassed
            for name, cells in columns.items():
                values[name] = cells[place]
            yield self._outcome(values)

    def _outcome(self, values: Mapping[str, object]) -> object:
        try:
            value = self._evaluator.value_of(values)
        except DeadlinePassed:
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise InterpreterFailed(f"the interpreter failed: {problem}") from error
        return _outcome(value, self._source)


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
