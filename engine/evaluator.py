"""cel-python's evaluator, corrected to the CEL specification and fed from Cellar's syntax tree.

cel-python brings the evaluator that this one extends, its errors as values, its types, and its functions wherever they
are right: an overload without a Python body is called in cel-python, with cel-python's values. What it departs in (its
parser, equality, absorption of errors, macros, ``has``, ...) is done here as the specification has it, over the plain
values of ``compiler.values``. Which overload a call means is decided from the values, by the same catalogue that the
checker decides by.

This module imports cel-python, which takes a while: import it only where something is interpreted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from math import inf
from time import perf_counter
from typing import cast

import lark
import polars as pl
from celpy.evaluation import Activation, CELEvalError
from celpy.evaluation import Evaluator as CelPythonEvaluator

from compiler import messages
from compiler.check import NOW, ROW, check
from compiler.diagnostics import CompileError
from compiler.functions import catalogue
from compiler.functions.arithmetic import OVERFLOW
from compiler.functions.collections import BAD_KEY, DUPLICATE_KEY
from compiler.functions.declare import EvaluationError, Overload
from compiler.ir import Call as ResolvedCall
from compiler.ir import children
from compiler.reasons import null_reason, reason
from compiler.schema import Schema
from compiler.source import Source, Span
from compiler.syntax import (
    Bind,
    Call,
    Comprehension,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    MapLiteral,
    MessageLiteral,
    Name,
    Select,
    Syntax,
    dotted_name,
    function_name,
)
from compiler.types import STRING, TYPE_NAMES, UINT, Type
from compiler.values import NONE, Message, Optional, Timestamp, TruthKey, TypeValue, Uint, keys_of

from .budget import DeadlinePassed
from .cel_python import from_cel_python, to_cel_python
from .celvalues import OUT_OF_RANGE, type_of
from .dispatch import NO_SUCH_OVERLOAD, holds, needs_elements, refused_null, takes, typed
from .variables import Walk, is_row, resolve

_Scope = dict[str, object]
_Entries = list[tuple[object, object]]
_Candidates = Sequence[tuple[Overload, bool]]
_Steps = Iterator[tuple[object, _Scope]]

_CEL_PYTHON_NAMES = {"@in": "_in_"}


class CelError(CELEvalError):
    """A CEL error as a value: what went wrong, and the place of the expression that it went wrong in.

    ``stands_alone``: the message says it all, without the place.
    """

    def __init__(self, message: str, span: Span, *, stands_alone: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.stands_alone = stands_alone

    def reason(self, source: Source) -> str:
        """The reason as results show it."""
        return self.message if self.stands_alone else reason(self.message, source, self.span)


class Evaluator(CelPythonEvaluator):
    """Evaluates one clause, row after row.

    Args:
        clause: what to evaluate; all of it is supported by the checker, or a part that is not is an error of the row.
        source: the text that the clause's spans point into.
        types: the CEL types of the columns, as far as they are known.
        now: the time of the run, in nanoseconds since the epoch.

    Attributes:
        deadline: when time is up, on the clock of ``perf_counter``; lists may be long, so macros look at it too.
    """

    def __init__(self, clause: Syntax, source: Source, types: Mapping[str, Type], now: int) -> None:
        # cel-python's evaluator walks a tree of its own parser's; this one has a single node, which holds our tree.
        super().__init__(lark.Tree("clause", [cast(lark.Token, clause)]), Activation())
        self.deadline = inf
        self._clause = clause
        self._source = source
        self._now = Timestamp(now)
        self._types = types
        self._row: Mapping[str, object] = {}
        self._functions = catalogue()
        self._candidates: dict[tuple[str, bool, tuple[type, ...]], _Candidates] = {}
        walk = Walk(types)
        walk.type_of(clause, {})
        self._struct_selections = walk.struct_selections
        self._rules: Mapping[type, Callable[..., object]] = {
            Literal: self._literal,
            Name: self._name,
            Select: self._select,
            Has: self._has,
            Index: self._index,
            Call: self._call,
            Logic: self._logic,
            Conditional: self._conditional,
            ListLiteral: self._list,
            MapLiteral: self._map,
            MessageLiteral: self._message,
            Comprehension: self._comprehension,
            Bind: self._bind,
        }

    def value_of(self, row: Mapping[str, object]) -> object:
        """The value of the clause on a row of values by column, or the :class:`CelError` that it ends in."""
        self._row = row
        return self.visit(self.ast)

    def clause(self, _tree: lark.Tree[lark.Token]) -> object:
        """The rule of the one node of the tree."""
        return self._visit(self._clause, {})

    def _visit(self, node: Syntax, scope: _Scope) -> object:
        return self._rules[type(node)](node, scope)

    # Names and fields

    def _literal(self, node: Literal, _scope: _Scope) -> object:
        return Uint(cast(int, node.value)) if node.type == UINT else node.value

    def _name(self, node: Name, scope: _Scope) -> object:
        name = node.name
        if name in scope and not node.absolute:
            value = scope[name]
        elif name == NOW:
            value = self._now
        elif name == ROW:
            return CelError(messages.ROW_ALONE, node.span)
        elif name in self._row:
            value = self._row[name]
        else:
            if name in TYPE_NAMES:
                return TypeValue(name)
            message, _ = messages.undeclared(name, ())
            return CelError(message, node.span)
        return CelError(OVERFLOW, node.span) if value is OUT_OF_RANGE else value

    def _select(self, node: Select, scope: _Scope) -> object:
        column = resolve(node, self._row, scope)
        if column is not None:
            value = self._row[column]
            if node.optional and value is not OUT_OF_RANGE:
                return NONE if value is None else Optional(value)
        elif is_row(node.operand, scope):
            return self._no_such_field(node)
        elif (name := dotted_name(node)) in TYPE_NAMES and name is not None:
            return TypeValue(name)
        else:
            operand = self._visit(node.operand, scope)
            if isinstance(operand, CELEvalError):
                return operand
            if node.optional or isinstance(operand, Optional):
                return self._optional_field(node, operand)
            match operand:
                case Message() if node.field in operand:
                    value = operand[node.field]
                case Message():
                    return self._no_such_field(node)
                case dict():
                    field = Literal(node.field_span, STRING, node.field)
                    return self._apply("_[_]", (operand, node.field), (node.operand, field), node.span)
                case None if id(node) in self._struct_selections:
                    return None
                case None:
                    return self._is_null(node.operand, node.span)
                case _:
                    message, _ = messages.no_fields(type_of(operand))
                    return CelError(message, node.span)
        return CelError(OVERFLOW, node.span) if value is OUT_OF_RANGE else value

    def _optional_field(self, node: Select | Has, operand: object) -> object:
        """``operand.?field``, and ``operand.field`` of an optional: the optional of the field."""
        if isinstance(operand, Optional):
            if not operand.present:
                return NONE
            operand = operand.value
        match operand:
            case Message() if node.field not in operand:
                return self._no_such_field(node)
            case Message():
                value = operand[node.field]
                if value is OUT_OF_RANGE:
                    return CelError(OVERFLOW, node.span)
                return NONE if value is None else Optional(value)
            case dict():
                field = Literal(node.field_span, STRING, node.field)
                return self._apply("_[?_]", (operand, node.field), (node.operand, field), node.span)
            case None if id(node) in self._struct_selections:
                return NONE
            case None:
                return self._is_null(node.operand, node.span)
            case _:
                message, _ = messages.no_fields(type_of(operand))
                return CelError(message, node.span)

    def _has(self, node: Has, scope: _Scope) -> object:
        if is_row(node.operand, scope):
            return self._row[node.field] is not None if node.field in self._row else self._no_such_field(node)
        operand = self._visit(node.operand, scope)
        match operand:
            case CELEvalError():
                return operand
            case Optional():
                field_value = self._optional_field(node, operand)
                return field_value.present if isinstance(field_value, Optional) else field_value
            case Message():
                return operand[node.field] is not None if node.field in operand else self._no_such_field(node)
            case dict():
                field = Literal(node.field_span, STRING, node.field)
                return self._apply("@in", (node.field, operand), (field, node.operand), node.span)
            case None if id(node) in self._struct_selections:
                return False
            case None:
                return self._is_null(node.operand, node.span)
            case _:
                message, _ = messages.no_fields(type_of(operand))
                return CelError(message, node.span)

    def _no_such_field(self, node: Select | Has) -> CelError:
        operand = self._source.slice(node.operand.span)
        message, _ = messages.no_such_field(node.field, operand, ())
        return CelError(message, node.span)

    def _index(self, node: Index, scope: _Scope) -> object:
        operand = self._visit(node.operand, scope)
        if isinstance(operand, CELEvalError):
            return operand
        index = self._visit(node.index, scope)
        if isinstance(index, CELEvalError):
            return index
        name = "_[?_]" if node.optional or isinstance(operand, Optional) else "_[_]"
        return self._apply(name, (operand, index), (node.operand, node.index), node.span)

    # Calls

    def _call(self, node: Call, scope: _Scope) -> object:
        name, method = function_name(node, self._functions)
        arguments = (node.target, *node.arguments) if method and node.target is not None else node.arguments
        declared = (name, method) in self._functions
        if method and not declared and isinstance(node.target, Name) and not self._is_variable(node.target, scope):
            # The name of a namespace, rather.
            name, method = f"{node.target.name}.{name}", False
        if method and name in ("or", "orValue") and len(arguments) == 2:
            return self._alternative(name, arguments, node.span, scope)
        return self._strict(name, arguments, node.span, scope, method=method)

    def _alternative(self, name: str, arguments: Sequence[Syntax], span: Span, scope: _Scope) -> object:
        """``or`` and ``orValue``: what is there instead is not evaluated where it is not needed."""
        optional, other = arguments
        value = self._visit(optional, scope)
        if isinstance(value, CELEvalError):
            return value
        if isinstance(value, Optional) and value.present:
            return value if name == "or" else value.value
        default = self._visit(other, scope)
        return (
            default
            if isinstance(default, CELEvalError)
            else self._apply(name, (value, default), arguments, span, method=True)
        )

    def _is_variable(self, node: Name, scope: _Scope) -> bool:
        return (node.name in scope and not node.absolute) or node.name == NOW or node.name in self._row

    def _strict(
        self, name: str, arguments: Sequence[Syntax], span: Span, scope: _Scope, *, method: bool = False
    ) -> object:
        """A call that passes on the first of its arguments' errors."""
        if (name, method) not in self._functions:
            message, _ = messages.undeclared_function(
                name, (), (), method=method, other=(name, not method) in self._functions
            )
            return CelError(message, span)
        values = []
        for argument in arguments:
            value = self._rules[type(argument)](argument, scope)
            if isinstance(value, CELEvalError):
                return value
            values.append(value)
        return self._apply(name, values, arguments, span, method=method)

    def _apply(
        self, name: str, values: Sequence[object], nodes: Sequence[Syntax], span: Span, *, method: bool = False
    ) -> object:
        """The overload for these values, called with them; ``nodes`` are where they come from."""
        key = (name, method, tuple(map(type, values)))
        candidates = self._candidates.get(key)
        if candidates is None:
            candidates = self._candidates[key] = self._fitting(name, key[2], method=method)
        if len(candidates) > 1 and any(isinstance(v, list | tuple) and not v for v in values):
            # What an empty list is one of, only the checker knows: sum() of no doubles is 0.0.
            candidates = sorted(candidates, key=lambda c: (span, c[0].id) not in self._resolved)
        refused: int | None = None
        for overload, sure in candidates:
            if not sure:
                if not all(map(holds, overload.parameters, values)):
                    continue
                null = refused_null(overload.parameters, values)
                if null is not None:
                    refused = null if refused is None else refused
                    continue
            return self._run(name, overload, values, span, method=method)
        if refused is None and None in values[name == "@in" :]:
            refused = self._null_to_blame(name, candidates, values, span)
        return CelError(NO_SUCH_OVERLOAD, span) if refused is None else self._is_null(nodes[refused], span)

    def _null_to_blame(self, name: str, candidates: _Candidates, values: Sequence[object], span: Span) -> int | None:
        """The place of the null for which no overload takes the values; None where they hold what none takes."""
        for overload, _ in candidates:
            if (span, overload.id) in self._resolved:
                return refused_null(overload.parameters, values)
        # What is looked up in a list may be null, what is asked of anything else may not.
        return values.index(None, name == "@in")

    def _fitting(self, name: str, classes: tuple[type, ...], *, method: bool) -> _Candidates:
        """The overloads that values of these classes may mean, and whether the classes alone make one of them sure."""
        null = type(None) in classes
        return tuple(
            (overload, not null and not needs_elements(overload.parameters))
            for overload in self._functions[name, method].overloads
            if takes(overload.parameters, classes)
        )

    @cached_property
    def _resolved(self) -> frozenset[tuple[Span, str]]:
        """The calls of the clause, by their place, and the overloads that the checker has for them."""
        schema = Schema(dict.fromkeys(self._types, pl.Null()), self._types)
        try:
            pending = [check(self._clause, self._source, schema, now=self._now, unchecked=True)]
        except CompileError:
            return frozenset()
        found = set()
        while pending:
            node = pending.pop()
            if isinstance(node, ResolvedCall):
                found.add((node.span, node.overload.id))
            pending.extend(children(node))
        return frozenset(found)

    def _run(self, name: str, overload: Overload, values: Sequence[object], span: Span, *, method: bool) -> object:
        if overload.body is None:
            return self._in_cel_python(name, overload, values, span, method=method)
        try:
            value = overload.body(*values)
        except EvaluationError as error:
            return CelError(str(error), span)
        return CelError(OVERFLOW, span) if value is OUT_OF_RANGE else typed(value, overload.result)

    def _in_cel_python(
        self, name: str, overload: Overload, values: Sequence[object], span: Span, *, method: bool
    ) -> object:
        token = lark.Token("IDENT", _CEL_PYTHON_NAMES.get(name, name))
        arguments = [to_cel_python(value) for value in values]
        call = partial(self.method_eval, arguments.pop(0)) if method else self.function_eval
        value = call(token, arguments)
        if isinstance(value, CELEvalError):
            return CelError(overload.failures[0].message if overload.failures else str(value.args[0]), span)
        return typed(from_cel_python(value), overload.result)

    def _is_null(self, node: Syntax, span: Span) -> CelError:
        return CelError(null_reason(self._source, node.span), span)

    # Special forms

    def _truth(self, node: Syntax, scope: _Scope) -> bool | CELEvalError:
        """The value of an operand that must be a bool."""
        value = self._rules[type(node)](node, scope)
        if value is True or value is False or isinstance(value, CELEvalError):
            return value
        if value is None:
            return CelError(null_reason(self._source, node.span), node.span, stands_alone=True)
        return CelError(NO_SUCH_OVERLOAD, node.span)

    def _logic(self, node: Logic, scope: _Scope) -> object:
        return self._absorb((self._truth(o, scope) for o in node.operands), decides=node.operator == "||")

    def _absorb(self, truths: Iterable[bool | CELEvalError], *, decides: bool) -> bool | CELEvalError:
        """The deciding truth if there is one, else the first error, else its opposite; nothing is evaluated in vain."""
        error: CELEvalError | None = None
        for truth in truths:
            if truth is decides:
                return decides
            if error is None and isinstance(truth, CELEvalError):
                error = truth
        return (not decides) if error is None else error

    def _conditional(self, node: Conditional, scope: _Scope) -> object:
        condition = self._truth(node.condition, scope)
        if isinstance(condition, CELEvalError):
            return condition
        return self._visit(node.then if condition else node.otherwise, scope)

    def _list(self, node: ListLiteral, scope: _Scope) -> object:
        values = []
        for place, element in enumerate(node.elements):
            value = self._visit(element, scope)
            if isinstance(value, CELEvalError):
                return value
            if place in node.optional:
                if not isinstance(value, Optional):
                    return self._not_optional(value, element)
                if not value.present:
                    continue
                value = value.value
            values.append(value)
        return values

    def _not_optional(self, value: object, node: Syntax) -> CelError:
        return self._is_null(node, node.span) if value is None else CelError(NO_SUCH_OVERLOAD, node.span)

    def _map(self, node: MapLiteral, scope: _Scope) -> object:
        entries: _Entries = []
        for entry in node.entries:
            key = self._visit(entry.key, scope)
            if isinstance(key, CELEvalError):
                return key
            value = self._visit(entry.value, scope)
            if isinstance(value, CELEvalError):
                return value
            if entry.optional:
                if not isinstance(value, Optional):
                    return self._not_optional(value, entry.value)
                if not value.present:
                    continue
                value = value.value
            entries.append((key, value))
        return _make_map(entries, node.span)

    def _message(self, node: MessageLiteral, _scope: _Scope) -> object:
        return CelError(messages.UNSUPPORTED_MESSAGE, node.span)

    def _bind(self, node: Bind, scope: _Scope) -> object:
        return self._visit(node.body, {**scope, node.variable: self._visit(node.value, scope)})

    # Macros

    def _comprehension(self, node: Comprehension, scope: _Scope) -> object:
        range_ = self._visit(node.range, scope)
        if isinstance(range_, CELEvalError):
            return range_
        if range_ is None:
            return self._is_null(node.range, node.span)
        if not isinstance(range_, list | tuple | dict) or isinstance(range_, Message):
            message, _ = messages.not_iterable(str(type_of(range_)), "", node.macro)
            return CelError(message, node.span)
        steps = self._steps(node, range_, scope)
        match node.macro:
            case "all" | "exists":
                truths = (self._truth(node.arguments[0], inner) for _, inner in steps)
                return self._absorb(truths, decides=node.macro == "exists")
            case "exists_one":
                return self._exists_one(node, steps)
            case "filter":
                return self._filter(node, steps)
            case _:
                return self._transform(node, steps)

    def _steps(self, node: Comprehension, range_: Sequence[object] | Mapping[object, object], scope: _Scope) -> _Steps:
        """Each element, or a map's key, with the scope of the macro's body. The scope is one and the same each time."""
        inner = dict(scope)
        if len(node.variables) == 1:
            for element in keys_of(range_) if isinstance(range_, dict) else range_:
                self._keep_time()
                inner[node.variables[0]] = element
                yield element, inner
            return
        first, second = node.variables
        pairs = zip(keys_of(range_), range_.values(), strict=True) if isinstance(range_, dict) else enumerate(range_)
        for key, value in pairs:
            self._keep_time()
            inner[first], inner[second] = key, value
            yield key, inner

    def _keep_time(self) -> None:
        if perf_counter() > self.deadline:
            raise DeadlinePassed

    def _exists_one(self, node: Comprehension, steps: _Steps) -> object:
        count = 0
        for _, inner in steps:
            truth = self._truth(node.arguments[0], inner)
            if isinstance(truth, CELEvalError):
                return truth
            count += truth
        return count == 1

    def _filter(self, node: Comprehension, steps: _Steps) -> object:
        kept = []
        for element, inner in steps:
            truth = self._truth(node.arguments[0], inner)
            if isinstance(truth, CELEvalError):
                return truth
            if truth:
                kept.append(element)
        return kept

    def _transform(self, node: Comprehension, steps: _Steps) -> object:
        """``map`` and the transforms of two variables: a list, or the entries of a map."""
        *filters, body = node.arguments
        results: list[object] = []
        entries: _Entries = []
        for key, inner in steps:
            if filters:
                truth = self._truth(filters[0], inner)
                if isinstance(truth, CELEvalError):
                    return truth
                if not truth:
                    continue
            value = self._visit(body, inner)
            if isinstance(value, CELEvalError):
                return value
            match node.macro, value:
                case "transformMap", _:
                    entries.append((key, value))
                case "transformMapEntry", dict() if not isinstance(value, Message):
                    entries.extend(value.items())
                case "transformMapEntry", _:
                    return CelError(NO_SUCH_OVERLOAD, body.span)
                case _:
                    results.append(value)
        return _make_map(entries, node.span) if node.macro.startswith("transformMap") else results


def _make_map(entries: _Entries, span: Span) -> object:
    """The map with these entries, or the error that they make none. Keys are equal where ``==`` says so."""
    made: dict[object, object] = {}
    kinds = {type(key) for key, _ in entries}
    for key, value in entries:
        if type(key) not in (bool, int, Uint, str):
            return CelError(BAD_KEY, span)
        kept = TruthKey(key) if type(key) is bool and len(kinds) > 1 else key
        if kept in made:
            return CelError(DUPLICATE_KEY, span)
        made[kept] = value
    return made
