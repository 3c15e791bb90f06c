"""What the checker says, in one place: each message says what is wrong, each hint what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .functions.declare import Function
from .types import NULL, NUMBERS, STRING, TIMESTAMP, ListType, StructType, Type, plain

RUN_TIME_TYPE = "its type is known at run time only"
ROW_ALONE = "'user' is the whole row: select a field of it, as in user.age"
UNSUPPORTED_BIND = "cel.bind is not supported"
UNSUPPORTED_MESSAGE = "messages cannot be built in a condition"
UNSUPPORTED_OPTIONAL = "optional syntax ('?') is not supported"
UNSUPPORTED_TWO_VARIABLES = "macros with two variables are not supported"

_OPERATORS = {"@in": "in", "_[_]": "[]", "-_": "-", "!_": "!"}
_EQUALITIES = ("_==_", "_!=_")


def shown_name(function: Function) -> str:
    """A function's name as it is written in a condition."""
    name = function.name
    return _OPERATORS.get(name) or (name.strip("_") if name.startswith("_") else name)


def undeclared(name: str, names: Sequence[str]) -> tuple[str, str | None]:
    """No variable has the name; ``names`` are those that there are."""
    return f"undeclared reference to '{name}'", _nearest(name, names)


def no_such_field(name: str, operand: str, names: Sequence[str]) -> tuple[str, str | None]:
    """A message has no such field."""
    return f"{operand} has no field '{name}'", _nearest(name, names) or f"its fields are {_listed(names)}"


def missing_column(name: str, columns: Sequence[str]) -> tuple[str, str | None]:
    """The snapshot lacks a column that something other than the user's own condition needs."""
    return f"the snapshot has no column '{name}'", _nearest(name, columns)


def constant_alone(name: str, fields: Sequence[str]) -> tuple[str, str | None]:
    """A constant with fields stands for itself."""
    return f"'{name}' has no value of its own: select a field of it, as in {name}.{fields[0]}", None


def constant_unset(name: str, field: str) -> tuple[str, str | None]:
    """A field of a constant has no value."""
    return f"{name}.{field} has no value here", None


def no_fields(type_: str) -> tuple[str, str | None]:
    """A field is selected from what has none."""
    return f"a value of type {type_} has no fields to select", None


def unusable(name: str, column_type: str) -> str:
    """A column of a type that CEL has no counterpart for."""
    return f"'{name}' is of type {column_type}, which no CEL type corresponds to"


def undeclared_function(name: str, names: Iterable[str], *, method: bool, other: bool) -> tuple[str, str | None]:
    """No function has the name; ``other``: but one that is called the other way, as a method or not."""
    if other:
        hint: str | None = f"write {name}(x)" if method else f"write x.{name}(...)"
        return f"'{name}' is {'not a method' if method else 'a method'}", hint
    return f"undeclared function '{name}'", _nearest(name, [n for n in names if n[0].isalpha()])


def no_overload(function: Function, types: Sequence[Type], texts: Sequence[str]) -> tuple[str, str | None]:
    """The function is not declared for arguments of these types."""
    shown = shown_name(function)
    if function.name in _EQUALITIES and len(types) == 2:
        message = f"{types[0]} and {types[1]} are never equal"
        return message, _convert(types, texts, shown)
    listed = ", ".join(map(str, types))
    if function.method:
        receiver, *rest = map(str, types)
        return f"no method {receiver}.{shown}({', '.join(rest)})", _signatures(function)
    if function.name.startswith(("_", "@", "-", "!")):
        return f"no operator '{shown}' for ({listed})", _operator_hint(function, types, texts) or _signatures(function)
    return f"no function {shown}({listed})", _signatures(function)


def bad_literal(function: Function, problem: str) -> str:
    """A literal argument that its function can never accept."""
    return f"{shown_name(function)}: {problem}"


def not_bool(type_: str, text: str) -> tuple[str, str | None]:
    """A condition was expected."""
    hints = {
        "int": f"compare it, as in {text} != 0",
        "uint": f"compare it, as in {text} != 0u",
        "double": f"compare it, as in {text} != 0.0",
        "string": f'compare it, as in {text} != ""',
    }
    hint = f"ask for its size, as in size({text}) > 0" if type_.startswith(("list", "map")) else hints.get(type_)
    return f"expected a bool, found {type_}", hint


def not_a_segment(type_: str, text: str) -> tuple[str, str | None]:
    """A whole condition that is not bool."""
    message, hint = not_bool(type_, text)
    return message.replace("expected a bool", "a condition must be a bool"), hint


def branches(then: str, otherwise: str) -> tuple[str, str | None]:
    """The two branches of a conditional are of different types."""
    return f"the branches are of different types, {then} and {otherwise}", "convert one, or put both in dyn()"


def not_iterable(type_: str, text: str, macro: str) -> tuple[str, str | None]:
    """A macro over what is neither list nor map."""
    hint = f"'{text}' is one value: compare it directly" if type_ in ("int", "string", "double", "bool") else None
    return f"{macro}() needs a list or a map, found {type_}", hint


def _nearest(name: str, names: Sequence[str]) -> str | None:
    from difflib import get_close_matches  # only what is wrong needs it

    by_folded = {n.casefold().replace("_", ""): n for n in names}
    found = get_close_matches(name.casefold().replace("_", ""), list(by_folded), n=1, cutoff=0.7)
    return f"did you mean '{by_folded[found[0]]}'?" if found else None


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, ..." if len(names) > most else shown


def _signatures(function: Function, most: int = 4) -> str:
    shown = [", ".join(map(_shown_type, o.parameters)) for o in function.overloads if not o.dynamic]
    return f"it takes ({') or ('.join(shown[:most])}{') or ...' if len(shown) > most else ')'}"


def _shown_type(type_: Type) -> str:
    bare = plain(type_)
    if isinstance(bare, ListType):
        return f"list({_shown_type(bare.element)})"
    return str(bare)


def _convert(types: Sequence[Type], texts: Sequence[str], operator: str) -> str | None:
    a, b = map(plain, types)
    if STRING in (a, b) and (a in NUMBERS or b in NUMBERS):
        number = texts[0] if a in NUMBERS else texts[1]
        if number.replace(".", "").lstrip("-").isdigit():
            return f'write the number as a string: "{number}"'
        return f"convert the number: string({number})"
    if TIMESTAMP in (a, b) and STRING in (a, b):
        text = texts[0] if a == STRING else texts[1]
        return f"convert the text: timestamp({text})"
    if isinstance(a, ListType):
        return f"ask whether the list holds it: {texts[1]} in {texts[0]}"
    if NULL in (a, b):
        return "the other side is never null"
    if isinstance(a, StructType):
        return "compare one of its fields"
    return f"'{operator}' compares values of one type"


def _operator_hint(function: Function, types: Sequence[Type], texts: Sequence[str]) -> str | None:
    if len(types) != 2:
        return None
    a, b = map(plain, types)
    if function.name in ("_<_", "_<=_", "_>_", "_>=_"):
        if NULL in (a, b):
            return "ask for null with == null, or with has()"
        return _convert(types, texts, shown_name(function)) if a != b else None
    if function.name == "@in":
        if isinstance(b, ListType) and not isinstance(a, ListType):
            return f"the list holds {plain(b.element)}, not {a}"
        if b == STRING:
            return f"for a part of a text write {texts[1]}.contains({texts[0]})"
        return "the right side must be a list or a map"
    if function.name in ("_+_", "_-_", "_*_", "_/_", "_%_"):
        if {a, b} <= set(NUMBERS) and a != b:
            wider = "double" if "double" in (str(a), str(b)) else "int"
            narrow = texts[0] if str(a) != wider else texts[1]
            return f"both sides must be of one type: write {wider}({narrow})"
        if STRING in (a, b):
            other = texts[0] if a != STRING else texts[1]
            return f"convert it to a string: string({other})"
        if TIMESTAMP in (a, b):
            return 'add or subtract a duration, as in now - duration("24h")'
    return None
