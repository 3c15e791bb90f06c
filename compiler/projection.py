"""Which parts of nested columns conditions use, so that nothing else is carried along.

A list of purchases with ten fields, asked for two of them, is cut to these two before it is flattened, gathered or
captured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from .ir import Bind, Bound, Call, Column, Comprehension, Conditional, Constant, Field, Local, Logic, Node, children
from .schema import Schema, data_type

Shape = dict[str, "Shape"] | None
"""The fields that are used of a struct, or of the elements of a list of structs; None is all of it."""

_Elements = dict[int | str, Shape]
"""What is used of the elements of the macros around, by depth, and of the variables of ``cel.bind``."""

_OF_LISTS = frozenset({"size_list", "list_size"})


def shapes(nodes: Iterable[Node]) -> dict[str, Shape]:
    """The parts that conditions use of the columns that they read."""
    used: dict[str, Shape] = {}
    for node in nodes:
        _collect(node, None, used, {})
    return used


def narrowed(schema: Schema, used: Mapping[str, Shape]) -> Schema:
    """The schema as it is once the columns are projected. The CEL types stay: what is cut is not used."""
    columns = {name: cut(dtype, used[name]) if name in used else dtype for name, dtype in schema.columns.items()}
    return Schema(columns, schema.types)


def project(frame: pl.DataFrame, used: Mapping[str, Shape]) -> pl.DataFrame:
    """The frame with its nested columns cut to the parts used; those that are cut already stay."""
    schema = frame.schema
    wide = {name: shape for name, shape in used.items() if name in schema and cut(schema[name], shape) != schema[name]}
    expressions = [_projected(pl.col(name), schema[name], shape).alias(name) for name, shape in wide.items()]
    return frame.with_columns(expressions) if expressions else frame


def cut(dtype: pl.DataType, shape: Shape) -> pl.DataType:
    """A column's type without the fields that are not used."""
    match dtype:
        case pl.List() if shape is not None:
            return pl.List(cut(data_type(dtype.inner), shape))
        case pl.Struct() if shape is not None:
            return pl.Struct({name: cut(inner, shape.get(name)) for name, inner in _kept_fields(dtype, shape)})
        case _:
            return dtype


def kept(names: Sequence[str], shape: dict[str, Shape]) -> list[str]:
    """The fields of a struct that are used, in its own order; of a struct that is only counted, one."""
    return [name for name in names if name in shape] or list(names[:1])


def _collect(node: Node, shape: Shape, used: dict[str, Shape], elements: _Elements) -> None:
    """Adds what a node uses, of which ``shape`` is used in turn."""
    match node:
        case Column():
            used[node.name] = None if shape is None else _union(used.get(node.name, {}), shape)
        case Constant():
            pass
        case Logic():
            for operand in node.operands:
                _collect(operand, None, used, elements)
        case Call():
            whole, counted = node.arguments, node.overload.id in _OF_LISTS
            if counted or node.overload.id == "index_list":
                _collect(node.arguments[0], {} if counted else shape, used, elements)
                whole = node.arguments[1:]
            for argument in whole:
                _collect(argument, None, used, elements)
        case Local():
            depth = node.depends.bit_length() - 1
            elements[depth] = _union(elements.get(depth, {}), _of_element(node, shape))
        case Bound():
            elements[node.fingerprint] = _union(elements.get(node.fingerprint, {}), shape)
        case Bind():
            _collect(node.body, shape, used, elements)
            # A value that nothing uses is lowered all the same.
            _collect(node.value, elements.get(node.variable, {}), used, elements)
        case Field():
            _collect(node.operand, {node.name: shape}, used, elements)
        case Comprehension():
            _collect_macro(node, shape, used, elements)
        case Conditional():
            _collect(node.condition, None, used, elements)
            _collect(node.then, shape, used, elements)
            _collect(node.otherwise, shape, used, elements)
        case _:
            for child in children(node):
                _collect(child, None, used, elements)


def _collect_macro(node: Comprehension, shape: Shape, used: dict[str, Shape], elements: _Elements) -> None:
    inside = {depth: s for depth, s in elements.items() if depth != node.depth}
    if node.condition is not None:
        _collect(node.condition, None, used, inside)
    _collect(node.body, shape if node.macro == "map" else None, used, inside)
    element: Shape = inside.pop(node.depth, {})
    if node.macro == "filter":
        element = _union(element, shape)
    elements.update(inside)
    _collect(node.range, element, used, elements)


def _of_element(node: Local, shape: Shape) -> Shape:
    """What a variable of a macro uses of an element: of its index nothing, of an entry all."""
    match node.part:
        case "element":
            return shape
        case "index":
            return {}
        case "key" | "value":
            return None


def _union(a: Shape, b: Shape) -> Shape:
    if a is None or b is None:
        return None
    return {
        name: _union(a[name], b[name]) if name in a and name in b else a.get(name, b.get(name)) for name in {**a, **b}
    }


def _projected(value: pl.Expr, dtype: pl.DataType, shape: Shape) -> pl.Expr:
    if shape is None or cut(dtype, shape) == dtype:
        return value
    match dtype:
        case pl.List():
            return value.list.eval(_projected(pl.element(), data_type(dtype.inner), shape))
        case pl.Struct():
            return pl.struct(
                _projected(value.struct.field(name), inner, shape.get(name)).alias(name)
                for name, inner in _kept_fields(dtype, shape)
            )
        case _:
            return value


def _kept_fields(dtype: pl.Struct, shape: dict[str, Shape]) -> list[tuple[str, pl.DataType]]:
    fields = {field.name: data_type(field.dtype) for field in dtype.fields}
    return [(name, fields[name]) for name in kept(list(fields), shape)]
