"""Optional values (cel-go's optional types): a value that may be missing, and what to take instead.

``user.?age`` holds the field where it is there, that is, where ``has(user.age)``: never null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ..cell import Cell, NotColumnar, column_cell, may_be_null, optional_cell, presence
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NOTHING,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    Nullable,
    OptionalType,
    Parameter,
    StructType,
    is_nullable,
    nullable,
    plain,
)
from ..values import NONE, Message, Optional
from . import ticks
from .choice import both_intervals, one_type, or_never
from .collections import element_at, list_item, map_item, value_at
from .comparison import map_size, may_be_nan
from .declare import Body, EvaluationError, Failure, Function, Overload

NO_VALUE = "optional.none() holds no value"
NO_SUCH_OVERLOAD = "no such overload"

_LookUp = Callable[[Cell, Cell], Cell]

_ANYTHING = Nullable(Parameter("A"))
_OPTIONAL = OptionalType(_ANYTHING)


def functions() -> tuple[Function, ...]:
    """``optional.of``, ``optional.none``, ``optional.ofNonZeroValue``, the methods of optionals, and ``[?]``."""
    return (
        Function(
            "optional.of",
            (Overload("optional_of", (_ANYTHING,), _OPTIONAL, lower=_of, body=Optional),),
            "The optional that holds a value, be it null. (cel-go: optional types)",
            (("optional.of(1).hasValue()", "true"), ("optional.of(1 / 0).hasValue()", "error")),
        ),
        Function(
            "optional.none",
            (Overload("optional_none", (), OptionalType(Parameter("A")), lower=_none, body=lambda: NONE),),
            "The optional that holds nothing. (cel-go: optional types)",
            (("optional.none().hasValue()", "false"), ("optional.none() == optional.of(1)", "false")),
        ),
        Function(
            "optional.ofNonZeroValue",
            (Overload("optional_of_non_zero_value", (_ANYTHING,), _OPTIONAL, lower=_of_non_zero, body=_non_zero),),
            'The optional that holds a value, or nothing where it is null, false, 0, "", an empty list or map, or the '
            "like. (cel-go: optional types)",
            (
                ('optional.ofNonZeroValue("").orValue("unknown")', '"unknown"'),
                ("optional.ofNonZeroValue(5).orValue(1)", "5"),
            ),
        ),
        Function(
            "hasValue",
            (Overload("optional_has_value", (_OPTIONAL,), BOOL, lower=_has_value, body=lambda o: o.present),),
            "Whether an optional holds a value. (cel-go: optional types)",
            (("{'a': 1}.?a.hasValue()", "true"), ("[7][?1].hasValue()", "false")),
            method=True,
        ),
        Function(
            "value",
            (
                Overload(
                    "optional_value", (_OPTIONAL,), _ANYTHING, lower=_value, body=_held, failures=(Failure(NO_VALUE),)
                ),
            ),
            "What an optional holds; an error where it holds nothing. (cel-go: optional types)",
            (("optional.of(7).value()", "7"), ("[7][?1].value() == 7", "error")),
            method=True,
        ),
        Function(
            "orValue",
            (Overload("optional_or_value", (_OPTIONAL, _ANYTHING), _ANYTHING, lower=_or_value, body=_or_value_of),),
            "What an optional holds, or else another value, which is not evaluated where it is not needed. (cel-go: "
            "optional types)",
            (
                ("{'a': 1}.?b.orValue(0)", "0"),
                ("[7][?0].orValue(1 / 0)", "7"),
                ("optional.none().orValue(1 / 0) == 1", "error"),
            ),
            method=True,
        ),
        Function(
            "or",
            (Overload("optional_or", (_OPTIONAL, _OPTIONAL), _OPTIONAL, lower=_or, body=_or_of),),
            "An optional that holds a value, or else another optional, which is not evaluated where it is not needed. "
            "(cel-go: optional types)",
            (("[7][?1].or([7][?0]).orValue(0)", "7"), ("optional.none().or(optional.none()).hasValue()", "false")),
            method=True,
        ),
        Function(
            "_[?_]",
            _indexing(),
            "The element of a list at a position, or the value of a map at a key, as an optional: nothing where there "
            "is none. An optional list or map is asked for what it holds. (cel-go: optional types)",
            (
                ("[7, 8][?1].orValue(0)", "8"),
                ("[7, 8][?2].orValue(0)", "0"),
                ("{'a': 1}[?'b'].hasValue()", "false"),
                ("optional.of([[7]])[?0][0].value()", "7"),
            ),
        ),
    )


def select_present() -> Overload:
    """``operand.?field`` of a message: the optional of a field, which holds nothing where the field is null."""
    return Overload("select_optional_field", (_ANYTHING,), _OPTIONAL, lower=present_field)


def select_field() -> Overload:
    """``operand.field`` and ``operand.?field`` of an optional message; the second argument is the field's name."""
    return Overload("optional_select_field", (_OPTIONAL, STRING), _OPTIONAL, lower=_field)


def _indexing() -> tuple[Overload, ...]:
    key, value = Parameter("K"), Nullable(Parameter("V"))
    list_type, map_type = ListType(_ANYTHING), MapType(key, value)
    found: list[Overload] = []
    for prefix, wrap in (("", False), ("optional_", True)):
        lists, maps = (OptionalType(t) if wrap else t for t in (list_type, map_type))
        failures = (Failure(NO_SUCH_OVERLOAD),) if wrap else ()
        body_of_list, body_of_map = (_lenient(b, unwrap=wrap) for b in (list_item, map_item))
        for index, name in ((INT, ""), (UINT, "_uint"), (DOUBLE, "_double")):
            overload_id = f"{prefix}optional_index_list{name}"
            found.append(
                Overload(overload_id, (lists, index), _OPTIONAL, _element, body_of_list, failures, dynamic=index != INT)
            )
        of_value = OptionalType(value)
        overload_id = f"{prefix}optional_index_map"
        found.append(Overload(overload_id, (maps, Nullable(key)), of_value, _entry, body_of_map, failures))
    return tuple(found)


# Columnar


def _of(cell: Cell) -> Cell:
    failed = cell.failed()
    present = pl.lit(value=True) if failed is None else pl.when(~failed).then(statement=True)
    return optional_cell(present, _without_errors(cell), fallible=cell.fallible)


def _none() -> Cell:
    nothing = Cell(pl.lit(None), NOTHING, pl.Null(), fallible=False)
    return optional_cell(pl.lit(value=False), nothing, fallible=False)


def present_field(cell: Cell) -> Cell:
    """The optional of a field's cell: nothing where it is null."""
    failed = cell.failed()
    present = cell.value.is_not_null()
    if failed is not None:
        present = pl.when(~failed).then(present)
    return optional_cell(present, replace(_without_errors(cell), type=plain(cell.type)), fallible=cell.fallible)


def _of_non_zero(cell: Cell) -> Cell:
    failed = cell.failed()
    present = ~_is_zero(cell)
    if cell.nullable:
        present = present.fill_null(value=False)
    if failed is not None:
        present = pl.when(~failed).then(present)
    type_ = NOTHING if cell.type == NULL else plain(cell.type)
    value = replace(_without_errors(cell), expression=pl.when(present).then(cell.value), type=type_, constant=None)
    return optional_cell(present, value, fallible=cell.fallible)


def _is_zero(cell: Cell) -> pl.Expr:
    match plain(cell.type):
        case bare if bare == NULL:
            return pl.lit(value=True)
        case bare if bare == BOOL:
            return ~cell.value
        case bare if bare in (INT, UINT, DOUBLE):
            return cell.value == 0
        case bare if bare in (STRING, BYTES):
            return cell.standard.bin.size() == 0 if bare == BYTES else cell.standard == ""
        case bare if bare in (TIMESTAMP, DURATION):
            return ticks.ticks(cell) == 0
        case ListType() if isinstance(cell.dtype, pl.List):
            return cell.value.list.len() == 0
        case MapType():
            empty = map_size(cell) == 0
            return pl.when(cell.value.is_not_null()).then(empty) if may_be_null(cell) else empty
        case StructType() if isinstance(cell.dtype, pl.Struct):
            if not cell.dtype.fields:
                return pl.lit(value=True)
            return pl.all_horizontal(cell.value.struct.field(field.name).is_null() for field in cell.dtype.fields)
        case OptionalType():
            return ~presence(cell).present
        case bare:
            raise NotColumnar(f"{bare} is asked whether it is zero")


def _has_value(cell: Cell) -> Cell:
    return Cell(presence(cell).present, BOOL, pl.Boolean(), may_be_null(cell))


def _value(cell: Cell) -> Cell:
    present, value = presence(cell)
    error = ~present.fill_null(value=False) if value.nullable else None
    return replace(value, fallible=True, error=error, constant=None)


def _or_value(cell: Cell, default: Cell) -> Cell:
    present, held = presence(cell)
    type_, dtype, first, second = one_type(held, default)
    taken = pl.when(present).then(first).otherwise(second) if held.nullable else pl.coalesce(first, second)
    if may_be_null(cell):
        taken = pl.when(present.is_not_null()).then(taken)
    fallible = may_be_null(cell) or default.fallible
    error = None
    if fallible and is_nullable(type_):
        error = pl.any_horizontal(present.is_null(), ~present & or_never(default.failed()))
    finite = not may_be_nan(held) and not may_be_nan(default)
    return Cell(taken, type_, dtype, fallible, error, both_intervals(held, default), finite=finite)


def _or(cell: Cell, other: Cell) -> Cell:
    present, held = presence(cell)
    other_present, other_held = presence(other)
    type_, dtype, first, second = one_type(held, other_held)
    taken = pl.when(present).then(first).otherwise(second) if held.nullable else pl.coalesce(first, second)
    either = present | other_present
    if may_be_null(cell):
        either, taken = (pl.when(present.is_not_null()).then(e) for e in (either, taken))
    value = Cell(taken, type_, dtype, fallible=False, interval=both_intervals(held, other_held))
    return optional_cell(either, value, fallible=may_be_null(cell) or may_be_null(other))


def _element(container: Cell, index: Cell) -> Cell:
    return _indexed(container, index, element_at, _null_or_failed(index))


def _entry(container: Cell, key: Cell) -> Cell:
    # A null key is one that the map does not have.
    return _indexed(container, key, value_at, key.failed())


def _indexed(container: Cell, index: Cell, look_up: _LookUp, refused: pl.Expr | None) -> Cell:
    """What a list or map, or an optional one, holds at an index; ``refused``: where it can hold nothing there."""
    if not isinstance(plain(container.type), OptionalType):
        item = look_up(container, index)
        return _found(item, [_null_or_failed(container), refused])
    outer, held = presence(container)
    errors = [outer.is_null() if may_be_null(container) else None, index.failed()]
    if held.type == NOTHING:
        return _found(Cell(held.value, NOTHING, held.dtype, error=pl.lit(value=True)), errors)
    # Of nothing, every index is nothing; what is held is asked, null (then an error) or not.
    errors += [
        outer & wrong for wrong in (refused, held.value.is_null() if held.nullable else None) if wrong is not None
    ]
    return _found(look_up(held, index), errors)


def _found(item: Cell, errors: Sequence[pl.Expr | None]) -> Cell:
    """The optional of an item: nothing where there is none, and an error where ``errors``."""
    assert item.error is not None
    present = ~item.error
    failed = [error for error in errors if error is not None]
    value = item.value
    if failed:
        # The parts of a map written out have values, though the map be an error.
        present, value = (pl.when(~pl.any_horizontal(failed)).then(e) for e in (present, value))
    return optional_cell(present, replace(item, expression=value, fallible=False, error=None), fallible=bool(failed))


def _null_or_failed(cell: Cell) -> pl.Expr | None:
    return cell.value.is_null() if may_be_null(cell) else None


def _field(cell: Cell, name: Cell) -> Cell:
    """The field of an optional message, which holds nothing where the message is null or not there, or has it not."""
    present, held = presence(cell)
    bare = plain(held.type)
    if not isinstance(held.dtype, pl.Struct) or not isinstance(bare, StructType) or name.constant is None:
        raise NotColumnar("the message is not a column")
    field = str(name.constant[0])
    dtype = next(f.dtype for f in held.dtype.fields if f.name == field)
    type_ = bare.field(field)
    assert type_ is not None
    assert isinstance(dtype, pl.DataType)
    selected = present_field(column_cell(held.value.struct.field(field), nullable(type_), dtype))
    found, value = presence(selected)
    fallible = may_be_null(cell) or selected.fallible
    if may_be_null(cell):
        found = pl.when(present.is_not_null()).then(found)
    return optional_cell(found, value, fallible=fallible)


def _without_errors(cell: Cell) -> Cell:
    """The values alone, as an optional holds them: its own presence tells the errors."""
    return replace(cell, fallible=False, error=None)


# Interpreted


def _lenient(body: Body, *, unwrap: bool) -> Body:
    """A body of ``[]`` as one of ``[?]``: nothing where it fails."""

    def look_up(container: Any, index: object) -> Optional:
        if unwrap:
            if not container.present:
                return NONE
            container = container.value
        try:
            return Optional(body(container, index))
        except EvaluationError:
            return NONE

    return look_up


def _or_value_of(optional: Optional, default: object) -> object:
    return optional.value if optional.present else default


def _or_of(optional: Optional, other: Optional) -> Optional:
    return optional if optional.present else other


def _held(optional: Optional) -> object:
    if not optional.present:
        raise EvaluationError(NO_VALUE)
    return optional.value


def _non_zero(value: object) -> Optional:
    if isinstance(value, Message):
        return Optional(value) if any(v is not None for v in value.values()) else NONE
    return NONE if value is None or value in (False, "", b"", [], {}, NONE) else Optional(value)
