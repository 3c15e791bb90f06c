"""From the typed tree to cells: Polars expressions over the rows and over the elements of lists.

What has no columnar form raises ``NotColumnar``. The smallest bool around it in the space of the rows then becomes a
:class:`Clause`, which is left to the interpreter; the rest stays compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from .cell import Cell, NotColumnar, integer_range, may_be_null, standard_dtype
from .functions import ticks
from .functions.comparison import equal
from .functions.constants import constant
from .ir import (
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
    children,
)
from .overloads import known
from .schema import Schema, data_type
from .space import Kind, Reduction, Space
from .syntax import Syntax
from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Dynamic,
    ListType,
    MapType,
    Type,
    is_nullable,
    nullable,
    plain,
)

_FEW = 4
_SCALARS = frozenset({BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION})
_SIZES = frozenset({"size_list", "list_size"})
_MOST_PARTS = 256
"""Uses of columns in the argument of a call. Without a bound, calls of calls grow exponentially."""
_LONGEST_OF_LITERALS = 20_000
"""Characters of an argument without columns, as Polars shows it; for the same reason."""


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
        reductions: what has to be computed before the cells can be, in an order in which it can be.
        clauses: what is left to the interpreter.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        interpret: bool = True,
        one_macro: bool = False,
        stored: Mapping[str, str] | None = None,
        finite: frozenset[str] = frozenset(),
    ) -> None:
        """An empty lowering.

        Args:
            schema: the columns, with the Polars types in which they are stored.
            interpret: leave what has no columnar form to the interpreter.
            one_macro: lower macros as list expressions where that can be, which serves one better than many.
            stored: other names under which columns are stored.
            finite: columns of doubles that hold no NaN.
        """
        self.schema = schema
        self.interpret = interpret
        self.one_macro = one_macro
        self.finite = finite
        self._stored = stored or {}
        self.rows = Space()
        self.reductions: list[Reduction] = []
        self.clauses: list[Clause] = []
        self._cells: dict[tuple[int, str], Cell] = {}
        self._spaces: dict[tuple[int, str], Space] = {}
        self._prefix = "#"
        while any(name.startswith(self._prefix) for name in schema.columns):
            self._prefix += "#"

    def fork(self) -> Lowering:
        """A lowering that knows what this one knows; this one takes no note of what the fork lowers."""
        fork = copy(self)
        fork.reductions, fork.clauses = list(self.reductions), list(self.clauses)
        fork._cells, fork._spaces = dict(self._cells), dict(self._spaces)
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

    def fresh_name(self, kind: str) -> str:
        """A column name that no column has."""
        return f"{self._prefix}{kind}{len(self.reductions) + len(self.clauses) + len(self._cells)}"

    def _clause(self, node: Node, place: NotLowered) -> Cell | None:
        if not self.interpret or node.origin is None or plain(known(node.type)) != BOOL:
            return None
        name = self.fresh_name("clause")
        self.clauses.append(Clause(name, node, node.origin, place.node, place.reason))
        return Cell(pl.col(name), BOOL, pl.Boolean())

    def _lower(self, node: Node, space: Space) -> Cell:
        match node:
            case Constant():
                return constant(node.value, known(node.type))
            case Column():
                stored = _column(self._stored.get(node.name, node.name))
                cell = column_cell(stored, node.type, self.schema.columns[node.name])
                return replace(cell, finite=True) if node.name in self.finite else cell
            case Local():
                return self._element(space)
            case Field():
                return self._field(node, space)
            case Has():
                return self._has(node, space)
            case Call():
                return self._call(node, space)
            case Logic():
                return _logic(node.operator, [self.lower(o, space) for o in node.operands])
            case Conditional():
                return self._conditional(node, space)
            case MakeList():
                return _make_list([self.lower(e, space) for e in node.elements], node.type)
            case MakeMap():
                raise NotLowered(node, "a map is built")
            case Comprehension():
                return self._comprehension(node, space)
            case Fail():
                for operand in node.operands:
                    self.lower(operand, space)  # the reasons of its errors come first
                return _failing(node)
            case Deferred():
                raise NotLowered(node, node.reason)

    # Spaces

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
            value = self.capture(cell.value, space)
            error = None if cell.error is None else self.capture(cell.error, space)
            captured = Cell(value, cell.type, cell.dtype, cell.fallible, error, cell.interval)
            self._cells[key] = captured
        return captured

    def capture(self, expression: pl.Expr, space: Space) -> pl.Expr:
        """An expression of the parent space as a column of the child's."""
        name = f"{self._prefix}outer{len(space.captures)}"
        space.captures[name] = expression
        return pl.col(name)

    def elements(self, range_: Node, depth: int, space: Space) -> tuple[Space, Cell]:
        """The space of the elements of a comprehension's range, and the range's cell."""
        range_cell = _as_list(self.lower(range_, space))
        key = (id(space), f"{depth}:{range_.fingerprint}")
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
        name = f"{self._prefix}{kind}{len(self.reductions)}"
        self.reductions.append(Reduction(name, space, kind, dtype, keep, value, failed))
        return pl.col(name)

    def _comprehension(self, node: Comprehension, space: Space) -> Cell:
        if self.one_macro and space is self.rows and _is_list_expression(node):
            return self._list_expression(node, space)
        filters, range_ = _through_filters(node.range)
        child, range_cell = self.elements(range_, node.depth, space)
        if node.condition is not None:
            filters.append(node.condition)
        kept = self._kept(filters, child)
        body = self.lower(node.body, child)
        fallible = may_be_null(range_cell) or (kept is not None and kept.fallible)
        logical = {"all": Kind.ALL, "exists": Kind.EXISTS, "exists_one": Kind.EXISTS_ONE}.get(node.macro)
        if logical is not None:
            value = self.reduce(child, logical, pl.Boolean(), **_decided(logical, _bool(body), kept))
            return Cell(value, BOOL, pl.Boolean(), fallible or may_be_null(body))
        if node.macro == "filter":
            element = self._element(child)
            both = self._kept([*filters, node.body], child)
            assert both is not None
            dtype = pl.List(element.dtype)
            value = self.reduce(child, Kind.LIST, dtype, keep=both.value, value=element.value, failed=element.failed())
            return Cell(value, plain(range_cell.type), dtype, fallible or both.fallible or element.fallible)
        keep = None if kept is None else kept.value
        value = self.reduce(child, Kind.LIST, pl.List(body.dtype), keep=keep, value=body.value, failed=body.failed())
        return Cell(value, ListType(body.type), pl.List(body.dtype), fallible or body.fallible)

    def _list_expression(self, node: Comprehension, space: Space) -> Cell:
        """``all`` or ``exists`` as one expression over the list, which needs no space of its own."""
        range_cell = _as_list(self.lower(node.range, space))
        child = Space(node.depth, space, range_cell, element=pl.element())
        # Kept, for the cells of a space are known by its identity.
        self._spaces[id(child), node.fingerprint] = child
        body = _bool(self.lower(node.body, child))
        # With nulls not ignored, any and all are Kleene's: a null, an error, stays unless an element decides.
        found = body.value.any(ignore_nulls=False) if node.macro == "exists" else body.value.all(ignore_nulls=False)
        fallible = may_be_null(range_cell) or may_be_null(body)
        return Cell(range_cell.value.list.agg(found), BOOL, pl.Boolean(), fallible)

    def _kept(self, filters: Sequence[Node], child: Space) -> Cell | None:
        """Which elements filters keep, one after the other; null, an error, where one of them cannot tell."""
        kept: Cell | None = None
        for condition in filters:
            cell = _bool(self.lower(condition, child))
            if kept is not None:
                value = pl.when(kept.value).then(cell.value).otherwise(kept.value)
                cell = Cell(value, BOOL, pl.Boolean(), kept.fallible or may_be_null(cell))
            kept = Cell(cell.value, BOOL, pl.Boolean(), may_be_null(cell))
        return kept

    def _membership(self, node: Call, space: Space) -> Cell:
        """``constant in list`` over the list's elements, which are flattened once for all that ask them."""
        item, range_ = node.arguments
        child, range_cell = self.elements(range_, 0, space)
        keep = equal(self._element(child), self.lower(item, child))
        return Cell(
            self.reduce(child, Kind.EXISTS, pl.Boolean(), keep=keep.value), BOOL, pl.Boolean(), may_be_null(range_cell)
        )

    def _call(self, node: Call, space: Space) -> Cell:
        if node.overload.id in _SIZES and isinstance(node.arguments[0], Comprehension):
            filters, range_ = _through_filters(node.arguments[0])
            if filters:
                # A filtered list that is only counted is never made.
                child, range_cell = self.elements(range_, node.arguments[0].depth, space)
                kept = self._kept(filters, child)
                assert kept is not None
                value = self.reduce(child, Kind.COUNT, pl.UInt32(), keep=kept.value)
                fallible = may_be_null(range_cell) or kept.fallible
                return Cell(value, INT, pl.UInt32(), fallible, interval=(0, 2**32 - 1))
        if node.overload.id == "in_list" and not self.one_macro and space is self.rows and _is_membership(node):
            return self._membership(node, space)
        return node.overload.lower(*self.arguments(node, space))

    def arguments(self, node: Call, space: Space) -> list[Cell | tuple[Cell, ...]]:
        """The cells of a call's arguments as its overload takes them.

        Raises:
            NotColumnar: for an argument of so many parts that the call, which may use it several times, would be huge.
        """
        return [
            tuple(self._argument(e, space) for e in a.elements)
            if node.overload.unpacks and isinstance(a, MakeList)
            else self._argument(a, space)
            for a in node.arguments
        ]

    def _argument(self, node: Node, space: Space) -> Cell:
        cell = self.lower(node, space)
        if isinstance(node, Call):
            uses = len(cell.value.meta.root_names())
            if uses > _MOST_PARTS or (uses == 0 and len(str(cell.value)) > _LONGEST_OF_LITERALS):
                raise NotLowered(node, "calls of calls would be copied too often")
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
        cell = self.lower(node.operand, space)
        if not isinstance(cell.dtype, pl.Struct):
            raise NotLowered(node, "the message is not a column")
        return cell

    def _has(self, node: Has, space: Space) -> Cell:
        """Whether a cell is there, be its value of use or not (a Decimal beyond int64 is there)."""
        if not isinstance(node.operand, Field):
            assert isinstance(node.operand, Column)
            return Cell(_column(node.operand.name).is_not_null(), BOOL, pl.Boolean(), fallible=False)
        message = self._message(node.operand, space)
        present = message.value.struct.field(node.operand.name).is_not_null()
        failed = message.failed()
        if failed is None:
            return Cell(present, BOOL, pl.Boolean(), fallible=False)
        return Cell(pl.when(~failed).then(present), BOOL, pl.Boolean())

    def _conditional(self, node: Conditional, space: Space) -> Cell:
        condition = _bool(self.lower(node.condition, space))
        then, otherwise = self.lower(node.then, space), self.lower(node.otherwise, space)
        if isinstance(node.then, Fail) != isinstance(node.otherwise, Fail):
            other = otherwise if isinstance(node.then, Fail) else then
            bare = other.type if other.type == NULL else plain(other.type)
            failing = Cell(pl.lit(None, dtype=other.dtype), bare, other.dtype)
            then, otherwise = (failing, other) if isinstance(node.then, Fail) else (other, failing)
        type_, dtype, first, second = _one_type(then, otherwise)
        test = condition.value
        value = pl.when(test).then(first).otherwise(second)
        if may_be_null(condition):
            value = pl.when(test.is_not_null()).then(value)
        fallible = may_be_null(condition) or then.fallible or otherwise.fallible
        error = None
        if fallible and is_nullable(type_):
            never = pl.lit(value=False)
            failed = [
                test.is_null(),
                pl.when(test).then(_or(then.failed(), never)).otherwise(_or(otherwise.failed(), never)),
            ]
            error = pl.any_horizontal(failed)
        interval = None
        if then.interval is not None and otherwise.interval is not None:
            interval = (min(then.interval[0], otherwise.interval[0]), max(then.interval[1], otherwise.interval[1]))
        return Cell(value, type_, dtype, fallible, error, interval)


def _is_membership(node: Call) -> bool:
    """Whether a constant is looked up in a column of lists of scalars."""
    item, range_ = node.arguments
    bare = plain(known(range_.type))
    return (
        isinstance(item, Constant)
        and isinstance(range_, (Column, Field))
        and isinstance(bare, ListType)
        and plain(bare.element) in _SCALARS
    )


def _is_list_expression(node: Comprehension) -> bool:
    """Whether a macro asks the elements of a list of scalars alone: Polars' list expressions know no outer columns, and
    take what is the same for each element for one element, even of an empty list.
    """
    bare = plain(known(node.range.type))
    return (
        node.macro in ("all", "exists")
        and node.body.depends == 1 << node.depth
        and isinstance(bare, ListType)
        and plain(bare.element) in _SCALARS
        and not isinstance(node.range, Comprehension)
        and _asks_elements_alone(node.body)
    )


def _asks_elements_alone(node: Node) -> bool:
    if isinstance(node, (Column, Comprehension, Fail)):
        return False
    return all(map(_asks_elements_alone, children(node)))


def _through_filters(range_: Node) -> tuple[list[Node], Node]:
    """``list.filter(x, a).filter(x, b)`` as the conditions in their order, and the list."""
    filters: list[Node] = []
    while isinstance(range_, Comprehension) and range_.macro == "filter":
        filters.insert(0, range_.body)
        range_ = range_.range
    return filters, range_


def _decided(kind: Kind, body: Cell, kept: Cell | None) -> dict[str, pl.Expr]:
    """What a logical reduction takes of the elements that are kept; the others decide nothing."""
    if kept is None:
        return {"keep": body.value}
    keep = pl.when(kept.value).then(body.value).otherwise(statement=kind is Kind.ALL)
    return {"keep": keep, "failed": kept.value.is_null()} if kept.fallible else {"keep": keep}


def column_cell(value: pl.Expr, type_: Type, dtype: pl.DataType) -> Cell:
    """The cell of a column, field or element, as it is stored."""
    match dtype:
        case pl.Array():
            return column_cell(value.arr.to_list(), type_, pl.List(dtype.inner))
        case pl.Decimal() if dtype.scale == 0:
            # A value beyond 64 bits is an error on use.
            narrow = value.cast(pl.Int64, strict=False)
            error = value.is_not_null() & narrow.is_null()
            return Cell(narrow, type_, pl.Int64(), fallible=True, error=error)
        case pl.Decimal():
            return Cell(value.cast(pl.Float64), type_, pl.Float64(), fallible=False)
        case _:
            return Cell(value, type_, dtype, fallible=False, interval=integer_range(dtype))


def _failing(node: Fail) -> Cell:
    """An error on every row; of the type that the surroundings expect, or bool where that is not known."""
    bare = plain(known(node.type))
    type_ = BOOL if isinstance(bare, Dynamic) else bare
    dtype = ticks.dtype_of(0, type_) if type_ in (TIMESTAMP, DURATION) else standard_dtype(type_)
    if dtype is None:
        raise NotLowered(node, "it is an error on every row")
    return Cell(pl.lit(None, dtype=dtype), type_, dtype)


def _column(name: str) -> pl.Expr:
    # Polars reads such names as patterns.
    pattern = name == "*" or (name.startswith("^") and name.endswith("$"))
    return cs.by_name(name).as_expr() if pattern else pl.col(name)


def _logic(operator: str, cells: list[Cell]) -> Cell:
    values = [_bool(c).value for c in cells]
    conjunction = operator == "&&"
    if len(values) <= _FEW:
        value = reduce(and_ if conjunction else or_, values)
    else:
        # A chain of operators takes Polars quadratic time, see the measurements.
        value = pl.all_horizontal(values) if conjunction else pl.any_horizontal(values)
    return Cell(value, BOOL, pl.Boolean(), any(may_be_null(c) for c in cells))


def _bool(cell: Cell) -> Cell:
    """A cell as an operand that must be bool; a null is an error."""
    if plain(cell.type) == BOOL:
        return cell
    if cell.type == NULL:
        return Cell(pl.lit(None, dtype=pl.Boolean), BOOL, pl.Boolean())
    raise NotColumnar("it is not known to be a bool")


def _make_list(cells: list[Cell], type_: Type) -> Cell:
    bare = plain(type_)
    assert isinstance(bare, ListType)
    element = bare.element
    dtype = standard_dtype(element)
    if isinstance(element, Dynamic) or dtype is None or isinstance(dtype, pl.List):
        raise NotColumnar(f"a list of {element} is built")
    value = pl.concat_list([c.standard.cast(dtype) for c in cells])
    failed = [f for f in (c.failed() for c in cells) if f is not None]
    if failed:
        value = pl.when(~pl.any_horizontal(failed)).then(value)
    return Cell(value, bare, pl.List(dtype), bool(failed))


def _as_list(cell: Cell) -> Cell:
    """The range of a comprehension: a list, or the keys of a map."""
    bare = plain(cell.type)
    if isinstance(bare, MapType) and isinstance(cell.dtype, pl.Map):
        key = data_type(cell.dtype.key)
        keys: Type = ListType(bare.key)
        if cell.nullable:
            keys = nullable(keys)
        return Cell(cell.value.map.keys(), keys, pl.List(key), cell.fallible, cell.error)
    if not isinstance(bare, ListType) or not isinstance(cell.dtype, pl.List):
        raise NotColumnar("the range is not a column")
    return cell


def _one_type(a: Cell, b: Cell) -> tuple[Type, pl.DataType, pl.Expr, pl.Expr]:
    """One type for two cells, the Polars type for both, and both as that."""
    if NULL in (a.type, b.type):
        other = b if a.type == NULL else a
        return nullable(other.type), other.dtype, a.value, b.value
    bare = plain(a.type)
    if bare != plain(b.type):
        raise NotColumnar(f"it is {bare} or {plain(b.type)}")
    type_ = nullable(bare) if a.nullable or b.nullable else bare
    if a.dtype == b.dtype:
        return type_, a.dtype, a.value, b.value
    if bare in (TIMESTAMP, DURATION):
        return type_, pl.Int128(), ticks.nanoseconds(a), ticks.nanoseconds(b)
    dtype = standard_dtype(bare)
    if dtype is None:
        raise NotColumnar(f"{bare} in two forms")
    return type_, dtype, a.standard, b.standard


def _or(expression: pl.Expr | None, otherwise: pl.Expr) -> pl.Expr:
    return otherwise if expression is None else expression
