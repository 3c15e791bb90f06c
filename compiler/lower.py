"""From the typed tree to cells: Polars expressions over the rows and over the elements of lists.

What has no columnar form raises ``NotColumnar``. The smallest bool around it in the space of the rows then becomes a
:class:`Clause`, which is left to the interpreter; the rest stays compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import polars as pl

from .cell import Cell, Element, Elements, Entries, Entry, NotColumnar, column_cell, may_be_null
from .enclosing import enclosed
from .facts import Facts
from .forms import (
    as_entries,
    as_list,
    bool_cell,
    column_expression,
    failing_cell,
    list_cell,
    logic_cell,
    map_cell,
    proven_cell,
)
from .functions.choice import conditional_cell
from .functions.comparison import equal
from .functions.constants import constant
from .ir import (
    Bind,
    Bound,
    Call,
    Column,
    Comprehension,
    Conditional,
    Constant,
    Deferred,
    Fail,
    Field,
    Has,
    Local,
    Logic,
    MakeList,
    MakeMap,
    Node,
    Part,
)
from .messages import RUN_TIME_TYPE
from .overloads import known
from .schema import Schema, data_type
from .shortcuts import decided, is_list_expression, is_membership, through_filters
from .space import INDEX, Computed, Kind, Reduction, Space, Step
from .syntax import Bind as BindSyntax
from .syntax import Syntax
from .types import (
    BOOL,
    BYTES,
    DURATION,
    DYN,
    INT,
    NOTHING,
    NULL,
    STRING,
    TIMESTAMP,
    Dynamic,
    ListType,
    MapType,
    Parameter,
    Primitive,
    StructType,
    Type,
    nullable,
    plain,
)

_SIZES = frozenset({"size_list", "list_size"})
_MOST_PARTS = 64
"""Uses of columns in an argument, which may be copied. Without a bound, calls of calls grow exponentially."""
_LONGEST_OF_LITERALS = 20_000
"""Characters of an argument without columns, as Polars shows it; for the same reason."""
_NO_DEPTH = 63
"""The depth of elements that no variable stands for; macros are never nested so deep."""
_UNTYPED_LIST = pl.List(pl.Null())
"""A column of lists without an element, of which Polars refuses many functions."""
_LEAVES = (Constant, Column, Local, Bound)


class Clause(NamedTuple):
    """A bool that the interpreter answers: a column ``name`` of the rows.

    Attributes:
        node: the clause as a tree; its ``origin`` is what the interpreter reads.
        place: the part that has no columnar form.
        reason: why it has none.
    """

    name: str
    node: Node
    origin: Syntax
    place: Node
    reason: str


class NotLowered(NotColumnar):
    """A node that has no columnar form, with the reason."""

    def __init__(self, node: Node, reason: str) -> None:
        super().__init__(reason)
        self.node = node


class Lowering:
    """Lowers conditions over one schema; what several have in common (lists, macros) is lowered once.

    Attributes:
        steps: what has to be computed before the cells can be, in an order in which it can be.
        clauses: what is left to the interpreter.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        interpret: bool = True,
        one_macro: bool = False,
        stored: Mapping[str, str] | None = None,
        facts: Mapping[str, Facts] | None = None,
    ) -> None:
        """An empty lowering.

        Args:
            schema: the columns, with the Polars types in which they are stored.
            interpret: leave what has no columnar form to the interpreter.
            one_macro: lower macros as list expressions where that can be, which serves one better than many.
            stored: other names under which columns are stored.
            facts: what is surely known of the values of columns.
        """
        self.schema = schema
        self.interpret = interpret
        self.one_macro = one_macro
        self.facts = facts or {}
        self._stored = stored or {}
        self.rows = Space()
        self.steps: list[Step] = []
        self.clauses: list[Clause] = []
        self._cells: dict[tuple[int, str], Cell] = {}
        self._operands: dict[tuple[int, str], Cell] = {}
        self._spaces: dict[tuple[int, str], Space] = {}
        self._unbound: dict[tuple[int, str], NotColumnar] = {}
        self._binds: tuple[BindSyntax, ...] = ()
        self._prefix = schema.free_prefix

    def fork(self) -> Lowering:
        """A lowering that knows what this one knows; this one takes no note of what the fork lowers."""
        fork = copy(self)
        fork.steps, fork.clauses = list(self.steps), list(self.clauses)
        fork._cells, fork._operands = dict(self._cells), dict(self._operands)
        fork._spaces, fork._unbound = dict(self._spaces), dict(self._unbound)
        return fork

    def lower(self, node: Node, space: Space | None = None) -> Cell:
        """The cell of a node, in the space of the rows unless another is given.

        Raises:
            NotColumnar: where it has no columnar form and no clause around it is a bool.
        """
        space = space or self.rows
        if space.parent is not None and not node.depends >> space.depth & 1:
            return self._capture(node.fingerprint, self.lower(node, space.parent), space)
        key = (id(space), node.fingerprint)
        cell = self._cells.get(key)
        if cell is None:
            try:
                cell = self._lower(node, space)
            except NotColumnar as error:
                place = error if isinstance(error, NotLowered) else NotLowered(node, error.reason)
                clause = self._clause(node, place) if space is self.rows else None
                if clause is None:
                    raise place from None
                cell = clause
            self._cells[key] = cell
        return cell

    def operand(self, node: Node, space: Space, *, copied: bool = False) -> Cell:
        """The cell of an operand that must be bool: its null is an error. ``copied``: it is used several times."""
        key = (id(space), node.fingerprint)
        if key in self._operands:
            return self._operands[key]
        try:
            return self._argument(node, space) if copied else self.lower(node, space)
        except NotLowered as error:
            clause = self._clause(node, error, operand=True) if space is self.rows else None
            if clause is None:
                raise
            self._operands[key] = clause
            return clause

    def fresh_name(self, kind: str) -> str:
        """A column name that no column has."""
        return f"{self._prefix}{kind}{len(self.steps) + len(self.clauses) + len(self._cells)}"

    def _clause(self, node: Node, place: NotLowered, *, operand: bool = False) -> Cell | None:
        """What has no columnar form as a column of its own; None where it is no bool.

        The interpreter's column has null for the error. So a bool that may itself be null is a clause only where null
        is an error, too: as an ``operand``.
        """
        type_ = known(node.type)
        if not self.interpret or node.origin is None or (plain(type_) if operand else type_) != BOOL:
            return None
        name = self.fresh_name("clause")
        self.clauses.append(Clause(name, node, enclosed(node.origin, self._binds), place.node, place.reason))
        return Cell(pl.col(name), BOOL, pl.Boolean())

    def _lower(self, node: Node, space: Space) -> Cell:
        # The commonest first: each pattern costs.
        match node:
            case Constant():
                return constant(node.value, known(node.type))
            case Column():
                stored = column_expression(self._stored.get(node.name, node.name))
                cell = column_cell(stored, node.type, self.schema.columns[node.name])
                facts = self.facts.get(node.name)
                return cell if facts is None else proven_cell(cell, facts)
            case Call():
                return self._call(node, space)
            case Logic():
                return logic_cell(node.operator, [self.operand(o, space) for o in node.operands])
            case Local():
                return self._variable(node.part, space)
            case Field():
                return self._field(node, space)
            case Has():
                return self._has(node, space)
            case Conditional():
                return self._conditional(node, space)
            case MakeList():
                return list_cell([self._argument(e, space) for e in node.elements], node.type, node.optional)
            case MakeMap():
                keys, values = ([self._argument(n, space) for n in part] for part in (node.keys, node.values))
                return map_cell(keys, values, node.type, node.optional)
            case Comprehension():
                return self._comprehension(node, space)
            case Bound():
                # Its value has been lowered, so it is known why there is no cell of it.
                raise self._unbound[id(space), node.fingerprint]
            case Bind():
                return self._bind(node, space)
            case Fail():
                for operand in node.operands:
                    self.lower(operand, space)  # the reasons of its errors come first
                return failing_cell(node)
            case Deferred():
                raise NotLowered(node, node.reason)

    # Spaces

    def _variable(self, part: Part, space: Space) -> Cell:
        match part:
            case "element":
                return self._element(space)
            case "index":
                return Cell(pl.col(INDEX), INT, pl.Int64(), fallible=False, interval=(0, 2**32 - 1))
            case "key" | "value":
                entry = self._element(space)
                assert isinstance(entry.type, StructType)
                assert isinstance(entry.dtype, pl.Struct)
                dtype = next(data_type(f.dtype) for f in entry.dtype.fields if f.name == part)
                return column_cell(entry.value.struct.field(part), entry.type.field(part) or DYN, dtype)

    def _element(self, space: Space) -> Cell:
        assert space.range is not None
        list_type = plain(space.range.type)
        assert isinstance(list_type, ListType)
        assert isinstance(space.range.dtype, pl.List)
        return column_cell(space.element, list_type.element, data_type(space.range.dtype.inner))

    def _capture(self, fingerprint: str, cell: Cell, space: Space) -> Cell:
        """A cell of the parent space as a column of the child's."""
        if cell.constant is not None:
            return cell
        key = (id(space), fingerprint)
        captured = self._cells.get(key)
        if captured is None:
            captured = self._as_columns(cell, lambda expression: self.capture(expression, space))
            self._cells[key] = captured
        return captured

    def capture(self, expression: pl.Expr, space: Space) -> pl.Expr:
        """An expression of the parent space as a column of the child's."""
        name = f"{self._prefix}outer{len(space.captures)}"
        space.captures[name] = expression
        return pl.col(name)

    def _bind(self, node: Bind, space: Space) -> Cell:
        """The body, with the value as a column of its own where it has a columnar form."""
        home = self.home(node.value, space)
        key = (id(home), node.variable)
        if key not in self._cells:
            try:
                self._cells[key] = self._computed(self.lower(node.value, home), home)
            except NotColumnar as error:
                self._unbound[key] = error
        assert isinstance(node.origin, BindSyntax)
        outer, self._binds = self._binds, (*self._binds, node.origin)
        try:
            return self.lower(node.body, space)
        finally:
            self._binds = outer

    def home(self, node: Node, space: Space) -> Space:
        """The outermost of the spaces around in which a node has its values."""
        while space.parent is not None and not node.depends >> space.depth & 1:
            space = space.parent
        return space

    def _computed(self, cell: Cell, space: Space) -> Cell:
        """A cell that is used several times, computed once."""
        grows = not isinstance(plain(cell.type), Primitive) or plain(cell.type) in (STRING, BYTES)
        return self._as_columns(cell, lambda expression: self.compute(expression, space, grows=grows))

    def _as_columns(self, cell: Cell, store: Callable[[pl.Expr], pl.Expr]) -> Cell:
        """A cell whose expressions are stored as columns; a list or map that no column can hold, part by part."""
        if cell.constant is not None:
            return cell
        error = None if cell.error is None else store(cell.error)
        parts: Elements | Entries | None = None
        if isinstance(cell.dtype, pl.Unknown):
            match cell.parts:
                case Elements(of=elements):
                    parts = Elements(tuple(Element(self._as_columns(v, store), _stored(p, store)) for v, p in elements))
                case Entries(of=entries):
                    stored = [(self._as_columns(e.key, store), self._as_columns(e.value, store)) for e in entries]
                    present = [_stored(e.present, store) for e in entries]
                    parts = Entries(tuple(Entry(k, v, p) for (k, v), p in zip(stored, present, strict=True)))
                case _:
                    raise NotColumnar("no column can hold it")
        return replace(cell, expression=store(cell.value), error=error, parts=parts)

    def compute(self, expression: pl.Expr, space: Space, *, grows: bool = False) -> pl.Expr:
        """An expression as a column of its space, which is computed once; as it is where that costs nothing."""
        if expression.meta.is_column() or expression.meta.is_literal():
            return expression
        name = f"{self._prefix}computed{len(self.steps)}"
        self.steps.append(Computed(name, space, expression, grows))
        return pl.col(name)

    def elements(self, range_: Node, depth: int, space: Space, *, variables: int = 1) -> tuple[Space, Cell]:
        """The space of the elements of a comprehension's range, and the range's cell."""
        cell = self.lower(range_, space)
        range_cell = as_list(cell) if variables == 1 else as_entries(cell)
        entries = isinstance(plain(cell.type), MapType) and variables == 2
        key = (id(space), f"{depth}{'entries' if entries else ''}:{range_.fingerprint}")
        child = self._spaces.get(key)
        if child is None:
            child = Space(depth, space, range_cell)
            self._spaces[key] = child
        return child, range_cell

    def reduce(
        self,
        space: Space,
        kind: Kind,
        dtype: pl.DataType,
        *,
        keep: pl.Expr | None = None,
        value: pl.Expr | None = None,
        failed: pl.Expr | None = None,
    ) -> pl.Expr:
        """The column of a new reduction of a space, in the parent space."""
        name = f"{self._prefix}{kind}{len(self.steps)}"
        self.steps.append(Reduction(name, space, kind, dtype, keep, value, failed))
        return pl.col(name)

    def _comprehension(self, node: Comprehension, space: Space) -> Cell:
        if self.one_macro and space is self.rows and is_list_expression(node):
            with suppress(NotColumnar):
                return self._list_expression(node, space)
        if (
            isinstance(node.range, Constant)
            and node.range.value == ()
            and node.macro in ("all", "exists", "exists_one")
        ):
            return constant(node.macro == "all", BOOL)
        if node.macro == "transformMapEntry":
            raise NotLowered(node, "a map is built")
        # An index counts the elements that are left.
        filters, range_ = through_filters(node.range) if node.variables == 1 else ([], node.range)
        child, range_cell = self.elements(range_, node.depth, space, variables=node.variables)
        if node.condition is not None:
            filters.append(node.condition)
        kept = self._kept(filters, child)
        body = self.lower(node.body, child)
        fallible = may_be_null(range_cell) or (kept is not None and kept.fallible)
        logical = {"all": Kind.ALL, "exists": Kind.EXISTS, "exists_one": Kind.EXISTS_ONE}.get(node.macro)
        if logical is not None:
            value = self.reduce(child, logical, pl.Boolean(), **decided(logical, bool_cell(body), kept))
            return Cell(value, BOOL, pl.Boolean(), fallible or may_be_null(body))
        if node.macro == "filter":
            element = self._element(child)
            both = self._kept([*filters, node.body], child)
            assert both is not None
            dtype = pl.List(element.dtype)
            value = self.reduce(child, Kind.LIST, dtype, keep=both.value, value=element.value, failed=element.failed())
            return Cell(value, plain(range_cell.type), dtype, fallible or both.fallible or element.fallible)
        if isinstance(body.dtype, pl.Unknown):
            raise NotLowered(node.body, "no column can hold its elements")
        keep = None if kept is None else kept.value
        if node.macro == "transformMap":
            return self._transformed(node, child, body, keep, fallible=fallible)
        value = self.reduce(child, Kind.LIST, pl.List(body.dtype), keep=keep, value=body.value, failed=body.failed())
        return Cell(value, ListType(body.type), pl.List(body.dtype), fallible or body.fallible)

    def _transformed(
        self, node: Comprehension, child: Space, body: Cell, keep: pl.Expr | None, *, fallible: bool
    ) -> Cell:
        """The values of a map, or of a list by their places, made others; the keys stay, so they are keys."""
        of_map = isinstance(plain(known(node.range.type)), MapType)
        key = self._variable("key" if of_map else "index", child)
        entry = pl.struct(key.value.alias("key"), body.value.alias("value"))
        entries = pl.List(pl.Struct({"key": key.dtype, "value": body.dtype}))
        value = self.reduce(child, Kind.LIST, entries, keep=keep, value=entry, failed=body.failed())
        dtype = pl.Map(key.dtype, body.dtype)
        return Cell(value.cast(dtype), MapType(key.type, body.type), dtype, fallible or body.fallible)

    def _list_expression(self, node: Comprehension, space: Space) -> Cell:
        """``all`` or ``exists`` as one expression over the list, which needs no space of its own."""
        range_cell = as_list(self.lower(node.range, space))
        child = Space(node.depth, space, range_cell, element=pl.element(), within_lists=True)
        # Kept, for the cells of a space are known by its identity.
        self._spaces[id(child), node.fingerprint] = child
        body = bool_cell(self.lower(node.body, child))
        # With nulls not ignored, any and all are Kleene's: a null, an error, stays unless an element decides.
        found = body.value.any(ignore_nulls=False) if node.macro == "exists" else body.value.all(ignore_nulls=False)
        fallible = may_be_null(range_cell) or may_be_null(body)
        return Cell(range_cell.value.list.agg(found), BOOL, pl.Boolean(), fallible)

    def _kept(self, filters: Sequence[Node], child: Space) -> Cell | None:
        """Which elements filters keep, one after the other; null, an error, where one of them cannot tell."""
        kept: Cell | None = None
        for condition in filters:
            cell = bool_cell(self.lower(condition, child))
            if kept is not None:
                value = pl.when(kept.value).then(cell.value).otherwise(kept.value)
                cell = Cell(value, BOOL, pl.Boolean(), kept.fallible or may_be_null(cell))
            kept = Cell(cell.value, BOOL, pl.Boolean(), may_be_null(cell))
        return kept

    def _membership(self, node: Call, space: Space) -> Cell:
        """``item in list`` over the list's elements, which are flattened once for all that ask them."""
        item, range_ = node.arguments
        child, range_cell = self.elements(range_, _NO_DEPTH, space)
        keep = equal(self._element(child), self.lower(item, child))
        value = self.reduce(child, Kind.EXISTS, pl.Boolean(), keep=keep.value)
        failed = self.lower(item, space).failed()
        if failed is not None:
            # Even where there are no elements.
            value = pl.when(~failed).then(value)
        return Cell(value, BOOL, pl.Boolean(), keep.fallible or may_be_null(range_cell))

    def _call(self, node: Call, space: Space) -> Cell:
        if node.overload.id in _SIZES and isinstance(node.arguments[0], Comprehension):
            filters, range_ = through_filters(node.arguments[0])
            if filters:
                # A filtered list that is only counted is never made.
                child, range_cell = self.elements(range_, node.arguments[0].depth, space)
                kept = self._kept(filters, child)
                assert kept is not None
                value = self.reduce(child, Kind.COUNT, pl.UInt32(), keep=kept.value)
                fallible = may_be_null(range_cell) or kept.fallible
                return Cell(value, INT, pl.UInt32(), fallible, interval=(0, 2**32 - 1))
        if node.overload.id == "in_list" and not self.one_macro and space is self.rows and is_membership(node):
            return self._membership(node, space)
        arguments = self.arguments(node, space)
        for parameter, cell in zip(node.overload.parameters, arguments, strict=True):
            if isinstance(cell, Cell) and (expected := plain(parameter)) != (type_ := plain(cell.type)):
                if type_ == NOTHING and not isinstance(expected, Parameter):
                    raise NotLowered(node, "its argument is never there")
                if type_ == NULL and expected in (TIMESTAMP, DURATION):
                    raise NotLowered(node, "its argument is always null")
                if _differ(expected, type_):
                    raise NotLowered(node, RUN_TIME_TYPE)
                if cell.dtype == _UNTYPED_LIST and cell.constant is None:
                    raise NotLowered(node, "a list holds nothing but nulls")
        try:
            return node.overload.lower(*arguments)
        except NotColumnar:
            if node.overload.id != "in_list" or space.within_lists:
                raise
            return self._membership(node, space)

    def arguments(self, node: Call, space: Space) -> list[Cell | tuple[Cell, ...]]:
        """The cells of a call's arguments as its overload takes them."""
        return [
            tuple(self._argument(e, space) for e in a.elements)
            if node.overload.unpacks and isinstance(a, MakeList) and not a.optional
            else self._argument(a, space)
            for a in node.arguments
        ]

    def _argument(self, node: Node, space: Space) -> Cell:
        """The cell of what may be used several times; one of very many parts is computed before."""
        cell = self.lower(node, space)
        if isinstance(node, _LEAVES) or cell.constant is not None:
            return cell
        uses = len(cell.value.meta.root_names())
        if uses <= _MOST_PARTS and (uses > 0 or len(str(cell.value)) <= _LONGEST_OF_LITERALS):
            return cell
        if space.within_lists:
            raise NotLowered(node, "it would be copied too often")
        cell = self._cells[id(space), node.fingerprint] = self._computed(cell, space)
        return cell

    # Special forms

    def _field(self, node: Field, space: Space) -> Cell:
        operand = self._message(node, space)
        assert isinstance(operand.dtype, pl.Struct)
        dtype = next(data_type(f.dtype) for f in operand.dtype.fields if f.name == node.name)
        cell = column_cell(operand.value.struct.field(node.name), nullable(node.type), dtype)
        if not operand.fallible:
            return cell
        failed = [f for f in (operand.failed(), cell.error) if f is not None]
        return Cell(cell.value, cell.type, cell.dtype, fallible=True, error=pl.any_horizontal(failed))

    def _message(self, node: Field, space: Space) -> Cell:
        cell = self._argument(node.operand, space)
        if not isinstance(cell.dtype, pl.Struct):
            raise NotLowered(node, "the message is not a column")
        return cell

    def _has(self, node: Has, space: Space) -> Cell:
        """Whether a cell is there, be its value of use or not (a Decimal beyond int64 is there)."""
        if not isinstance(node.operand, Field):
            assert isinstance(node.operand, Column)
            return Cell(column_expression(node.operand.name).is_not_null(), BOOL, pl.Boolean(), fallible=False)
        message = self._message(node.operand, space)
        present = message.value.struct.field(node.operand.name).is_not_null()
        failed = message.failed()
        if failed is None:
            return Cell(present, BOOL, pl.Boolean(), fallible=False)
        return Cell(pl.when(~failed).then(present), BOOL, pl.Boolean())

    def _conditional(self, node: Conditional, space: Space) -> Cell:
        condition = bool_cell(self.operand(node.condition, space, copied=True))
        then, otherwise = self._argument(node.then, space), self._argument(node.otherwise, space)
        if isinstance(node.then, Fail) != isinstance(node.otherwise, Fail):
            other = otherwise if isinstance(node.then, Fail) else then
            bare = other.type if other.type == NULL else plain(other.type)
            error = pl.lit(value=True) if bare == NULL else None  # a null of another type is the error itself
            failing = Cell(pl.lit(None, dtype=other.dtype), bare, other.dtype, error=error)
            then, otherwise = (failing, other) if isinstance(node.then, Fail) else (other, failing)
        return conditional_cell(condition, then, otherwise)


def _differ(expected: Type, type_: Type) -> bool:
    """Whether a value is not of the kind expected: the checker did not know what a mixed list holds where."""
    if isinstance(expected, Parameter | Dynamic) or isinstance(type_, Dynamic) or type_ == NULL:
        return False
    return type_ != expected if isinstance(expected, Primitive) else type_.kind != expected.kind


def _stored(expression: pl.Expr | None, store: Callable[[pl.Expr], pl.Expr]) -> pl.Expr | None:
    return None if expression is None else store(expression)
