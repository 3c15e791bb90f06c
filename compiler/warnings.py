"""Warnings: what is legal in a condition and almost surely not what its author means.

Some are seen in the condition alone (clauses that exclude each other), some need to know the values of the columns
(a clause that is always false, a negation over nulls). What is not known warns of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import NamedTuple

from . import messages
from .condition import Condition
from .diagnostics import Diagnostic, Severity
from .facts import UNKNOWN, Facts
from .ir import Bind, Call, Column, Comprehension, Conditional, Constant, Has, Logic, Node, column_fingerprint
from .normalize import folded
from .outcomes import ERROR, FALSE, TRUE, FactsOf, Test, assume, outcomes, test_of
from .types import BOOL, is_nullable, plain

_MOST_OPERANDS = 64
"""Operands that are compared with each other: of a longer chain, the first."""


def warnings_of(condition: Condition, columns: Mapping[str, Facts]) -> tuple[Diagnostic, ...]:
    """The warnings about a condition as it is written, in source order; about the rules it is combined with, none.

    Args:
        condition: a bool; of any other type there are none.
        columns: what is known of the values of columns in all rows.
    """
    own = condition.parts[-1] if condition.parts else condition
    if plain(own.type) != BOOL:
        return ()
    finder = _Finder(own, columns)
    finder.visit(folded(own.checked), finder.facts, _Place())
    return tuple(sorted(finder.found, key=lambda d: d.span))


class _Place(NamedTuple):
    """Where a part stands.

    Attributes:
        negated: below an odd number of ``!``.
        decides: an error of it is one of the condition, or that is false: no other part can make it true.
        in_macro: it is asked of the elements of a list, of which a user may have none.
    """

    negated: bool = False
    decides: bool = True
    in_macro: bool = False


class _Finder:
    """Walks a condition; ``facts`` are what is known of all rows, by fingerprint."""

    def __init__(self, condition: Condition, columns: Mapping[str, Facts]) -> None:
        self._source = condition.source
        self.facts: FactsOf = {column_fingerprint(name): facts for name, facts in columns.items()}
        self.found: list[Diagnostic] = []
        self._with_nulls: set[str] = set()

    def visit(self, node: Node, context: FactsOf, place: _Place) -> None:
        """Warns of a part, which matters only on rows of which ``context`` is known."""
        match node:
            case Logic(operator=operator, operands=operands):
                if self._contradictions(node):
                    return
                guards = [operand for operand in operands if _is_guard(operand)]
                known = reduce(lambda facts, guard: assume(guard, facts, true=operator == "&&"), guards, context)
                others = place._replace(decides=place.decides and (operator == "&&") != place.negated)
                for operand in operands:
                    if not _is_guard(operand):
                        self.visit(operand, known, others)
            case Call() if node.overload.id == "logical_not":
                self.visit(node.arguments[0], context, place._replace(negated=not place.negated))
            case Bind():
                self.visit(node.body, context, place)
            case Comprehension():
                self.visit(node.body, context, _Place(in_macro=True))
            case Conditional():
                self.visit(node.condition, context, _Place(decides=place.decides, in_macro=place.in_macro))
                branch = place._replace(decides=False)
                self.visit(node.then, assume(node.condition, context, true=True), branch)
                self.visit(node.otherwise, assume(node.condition, context, true=False), branch)
            case Constant():
                pass
            case _:
                if not self._always(node) and not place.in_macro:
                    self._nulls(node, context, place)

    def _warn(self, node: Node, message: tuple[str, str | None]) -> None:
        self.found.append(Diagnostic(node.span, *message, severity=Severity.WARNING))

    def _text(self, node: Node) -> str:
        return " ".join(self._source.slice(node.span).split())

    # Always true, always false

    def _always(self, node: Node) -> bool:
        """Warns of what the values of its column decide."""
        test = _test(node)
        known = None if test is None else self.facts.get(test.subject.fingerprint)
        if test is None or known is None or test.value is None:
            return False
        absent = self._never_held(node, test, known)
        possible = outcomes(node, self.facts) & ~ERROR
        if possible == TRUE | FALSE or (not possible and not known.null):
            return absent
        if not absent:
            why = messages.held(self._text(test.subject), known, test.subject.type)
            outcome = {TRUE: "true", FALSE: "false"}.get(possible, "an error")
            self._warn(node, messages.always(self._text(node), outcome, why))
        return True

    def _never_held(self, node: Node, test: Test, known: Facts) -> bool:
        """Warns of texts that a column of few texts never holds."""
        if known.choices is None or test.symbol not in ("==", "!=", "in", "not in"):
            return False
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        missing = [v for v in values if isinstance(v, str) and v not in known.choices]
        for value in missing:
            held = sorted(v for v in known.choices if isinstance(v, str))
            self._warn(node, messages.never_held(self._text(test.subject), value, held))
        return bool(missing)

    # Clauses that exclude each other

    def _contradictions(self, node: Logic) -> bool:
        """Warns where clauses joined by ``&&`` cannot all be true, or one of those joined by ``||`` always is."""
        conjunction = node.operator == "&&"
        operands = node.operands[:_MOST_OPERANDS]
        known = self.facts
        for place, operand in enumerate(operands):
            alone = outcomes(operand, self.facts)
            if not isinstance(operand, Constant) and alone & ~ERROR not in (TRUE, FALSE):
                if _excluded(outcomes(operand, known), conjunction=conjunction):
                    other = self._excluding(operand, operands[:place], conjunction=conjunction)
                    texts = None if other is None else self._text(other)
                    text = self._text(operand)
                    if conjunction:
                        self._warn(operand, messages.never_together(texts, text))
                    else:
                        fails = any(outcomes(o, self.facts) & ERROR for o in operands[: place + 1])
                        self._warn(operand, messages.always_either(texts, text, fails=fails))
                    return True
                known = assume(operand, known, true=conjunction)
        return False

    def _excluding(self, operand: Node, before: tuple[Node, ...], *, conjunction: bool) -> Node | None:
        """The first clause that alone excludes another."""
        for other in before:
            known = assume(other, self.facts, true=conjunction)
            if _excluded(outcomes(operand, known), conjunction=conjunction):
                return other
        return None

    # Negations over nulls

    def _nulls(self, node: Node, context: FactsOf, place: _Place) -> None:
        """Warns of what a negation, or ``!=``, makes of the rows on which a column is null."""
        test = _test(node)
        equality = test is not None and test.symbol in ("==", "!=", "in")
        if test is not None and equality:
            differs = (test.symbol == "!=") != place.negated
            constants = test.value if isinstance(test.value, tuple) else (test.value,)
            count = self._nulls_of(test.subject, context) if differs and None not in constants else 0
            if count:
                subject, text = self._selected(test.subject), self._text(node)
                self._warn(node, messages.null_differs(subject, count, f"!({text})" if place.negated else text))
            return
        if not place.negated:
            return
        for column in _needed(node):
            count = self._nulls_of(column, context)
            if count:
                text = self._text(node)
                self._warn(node, messages.negated_null(self._selected(column), count, text, decides=place.decides))
                return

    def _nulls_of(self, subject: Node, context: FactsOf) -> int:
        """The number of nulls of a column, where some are known and they matter; of each column once."""
        fingerprint = subject.fingerprint
        if not isinstance(subject, Column) or not context.get(fingerprint, UNKNOWN).null:
            return 0
        if fingerprint in self._with_nulls:
            return 0
        self._with_nulls.add(fingerprint)
        return self.facts.get(fingerprint, UNKNOWN).null_count or 0

    def _selected(self, column: Node) -> messages.Selected:
        """A column as has() takes it, and as it is written."""
        text = self._text(column)
        return messages.Selected(text, text if "." in text or "`" in text else f"user.{text}")


def _test(node: Node) -> Test | None:
    """A part as a comparison with a constant; a bool column is none."""
    return test_of(node) if isinstance(node, Call) else None


def _is_guard(node: Node) -> bool:
    """Whether a part asks for null."""
    while isinstance(node, Call) and node.overload.id == "logical_not":
        node = node.arguments[0]
    test = _test(node)
    return isinstance(node, Has) or (test is not None and test.value is None)


def _excluded(possible: int, *, conjunction: bool) -> bool:
    return not possible & TRUE if conjunction else possible == TRUE


def _needed(node: Node) -> Iterator[Column]:
    """The columns without which a part is an error."""
    match node:
        case Column():
            yield node
        case Call():
            for parameter, argument in zip(node.overload.parameters, node.arguments, strict=True):
                if not is_nullable(parameter):
                    yield from _needed(argument)
        case _:
            return
