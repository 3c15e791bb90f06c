"""The variables of a condition: which columns it reads, and where it selects from structs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from compiler.check import NOW, ROW
from compiler.functions import catalogue
from compiler.overloads import known
from compiler.overloads import resolve as resolve_call
from compiler.schema import Schema
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
    function_name,
)
from compiler.types import DYN, ListType, MapType, OptionalType, StructType, Type, plain

_Locals = Mapping[str, Type | None]


def columns_read(clause: Syntax, schema: Schema) -> tuple[str, ...]:
    """The columns whose values a clause can depend on, in the order of the schema."""
    walk = Walk(schema.types)
    walk.type_of(clause, {})
    return tuple(name for name in schema.types if name in walk.columns)


class Walk:
    """One pass over a clause that follows the types of structs as far as they are known.

    Attributes:
        columns: the names of the columns that are read.
        struct_selections: the ``id()`` of each selection, plain or within ``has()``, whose operand is a struct: there a
            null operand is a message whose fields are all null, not an error.
    """

    def __init__(self, types: Mapping[str, Type]) -> None:
        self.types = types
        self.columns: set[str] = set()
        self.struct_selections: set[int] = set()

    def type_of(self, node: Syntax, locals_: _Locals) -> Type | None:
        """The type of a part of the clause, where it leads to structs; None where it does not or cannot be told."""
        match node:
            case Literal():
                return None
            case Name():
                if node.name in locals_ and not node.absolute:
                    return locals_[node.name]
                return None if node.name in (ROW, NOW) else self._column(node.name)
            case Select():
                name = resolve(node, self.types, locals_)
                if name is not None:
                    column = self._column(name)
                    return OptionalType(column) if node.optional and column is not None else column
                return self._field(node, locals_)
            case Has():
                if is_row(node.operand, locals_):
                    self._column(node.field)
                else:
                    self._field(node, locals_)
                return None
            case Index():
                operand = self.type_of(node.operand, locals_)
                self.type_of(node.index, locals_)
                match _held(operand):
                    case ListType(element=element) | MapType(value=element):
                        return _like(operand, plain(element), optional=node.optional)
                    case _:
                        return None
            case Call():
                name, method = function_name(node, catalogue())
                target = self.type_of(node.target, locals_) if method and node.target is not None else None
                types = [self.type_of(argument, locals_) for argument in node.arguments]
                if node.function == "dyn" and node.target is None and len(types) == 1:
                    return types[0]
                return _result(node.function, target, types) or _of_function(name, method, target, types)
            case Logic():
                for operand_node in node.operands:
                    self.type_of(operand_node, locals_)
                return None
            case Conditional():
                self.type_of(node.condition, locals_)
                return _first(self.type_of(node.then, locals_), self.type_of(node.otherwise, locals_))
            case ListLiteral():
                of = _first(*[self.type_of(e, locals_) for e in node.elements])
                return None if of is None else ListType(of)
            case MapLiteral():
                for entry in node.entries:
                    self.type_of(entry.key, locals_)
                value = _first(*[self.type_of(entry.value, locals_) for entry in node.entries])
                return None if value is None else MapType(value, value)
            case MessageLiteral():
                for field in node.fields:
                    self.type_of(field.value, locals_)
                return None
            case Comprehension():
                return self._comprehension(node, locals_)
            case Bind():
                bound = self.type_of(node.value, locals_)
                return self.type_of(node.body, {**locals_, node.variable: bound})
            case _:
                assert_never(node)

    def _column(self, name: str) -> Type | None:
        type_ = self.types.get(name)
        if type_ is None:
            return None
        self.columns.add(name)
        return plain(type_)

    def _field(self, node: Select | Has, locals_: _Locals) -> Type | None:
        operand = self.type_of(node.operand, locals_)
        optional = isinstance(node, Select) and node.optional
        match _held(operand):
            case StructType() as struct:
                field = struct.field(node.field)
                if field is None:
                    return None
                self.struct_selections.add(id(node))
                return _like(operand, plain(field), optional=optional)
            case MapType(value=value):
                return _like(operand, plain(value), optional=optional)
            case _:
                return None

    def _comprehension(self, node: Comprehension, locals_: _Locals) -> Type | None:
        range_ = self.type_of(node.range, locals_)
        variables: list[Type | None] = [None, None]
        match range_:
            case ListType(element=element):
                variables[len(node.variables) - 1] = plain(element)
            case MapType(key=key, value=value):
                variables = [plain(key), plain(value)]
            case _:
                pass
        inner = {**locals_, **dict(zip(node.variables, variables, strict=False))}
        body = [self.type_of(argument, inner) for argument in node.arguments][-1]
        match node.macro:
            case "filter":
                return ListType(range_.key) if isinstance(range_, MapType) else range_
            case "map" | "transformList":
                return None if body is None else ListType(body)
            case "transformMap":
                return None if body is None else MapType(body, body)
            case "transformMapEntry":
                return body
            case _:
                return None


def _held(type_: Type | None) -> Type | None:
    """What an optional holds; another type is itself."""
    return plain(type_.of) if isinstance(type_, OptionalType) else type_


def _like(operand: Type | None, part: Type, *, optional: bool) -> Type:
    """The type of a part: an optional where it is selected as one, or from one."""
    return OptionalType(part) if optional or isinstance(operand, OptionalType) else part


def _result(function: str, target: Type | None, arguments: Sequence[Type | None]) -> Type | None:
    """The type of a call that hands on what it is given."""
    match function:
        case "_+_" | "or":
            return _first(target, *arguments)
        case "orValue" | "value":
            return _first(_held(target), *arguments)
        case "of" | "ofNonZeroValue" if len(arguments) == 1 and arguments[0] is not None:
            return OptionalType(arguments[0])
        case _:
            return None


def _of_function(name: str, method: bool, target: Type | None, arguments: Sequence[Type | None]) -> Type | None:
    """The type of a call of the catalogue's function, where it can lead to structs: a list is of structs still when it
    is reversed.
    """
    if (name, method) not in catalogue():
        return None
    given = (target, *arguments) if method else arguments
    types = tuple(DYN if type_ is None else type_ for type_ in given)
    resolution = resolve_call(name, types, method=method, unchecked=True)
    result = None if resolution is None else plain(known(resolution.type))
    return result if isinstance(result, (ListType, MapType, OptionalType, StructType)) else None


def _first(*types: Type | None) -> Type | None:
    return next((type_ for type_ in types if type_ is not None), None)


def is_row(node: Syntax, locals_: Mapping[str, object]) -> bool:
    """Whether a part of a clause is ``user``, the whole row."""
    return isinstance(node, Name) and node.name == ROW and (node.absolute or ROW not in locals_)


def resolve(node: Select, columns: Mapping[str, object], locals_: Mapping[str, object]) -> str | None:
    """The column that a selection names: ``user.age``, or ``plan.name`` where a column is so called.

    (Specification: "Name Resolution", the longest name first; what starts at a comprehension variable is none.)
    """
    if is_row(node.operand, locals_):
        return node.field if node.field in columns else None
    if node.optional:
        return None
    parts = [node.field]
    operand = node.operand
    while isinstance(operand, Select) and not operand.optional:
        parts.append(operand.field)
        operand = operand.operand
    if not isinstance(operand, Name) or (operand.name in locals_ and not operand.absolute):
        return None
    name = ".".join((operand.name, *reversed(parts)))
    return name if name in columns else None
