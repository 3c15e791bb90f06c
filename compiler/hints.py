"""What to write instead, for types that do not go together: the second line of the checker's messages.

A hint is given only where what it says would check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import habits
from .functions.declare import Function
from .types import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    OptionalType,
    StructType,
    Type,
    TypeOf,
    plain,
)

EQUALITIES = ("_==_", "_!=_")
_ORDERINGS = ("_<_", "_<=_", "_>_", "_>=_")
_ARITHMETIC = ("_+_", "_-_", "_*_", "_/_", "_%_")
_ASK_FOR_NULL = "ask for null with == null, or with has()"
_DURATION = 'a duration is written days(30) or duration("36h")'
_TIME = 'a time is written timestamp("2026-01-31T00:00:00Z")'
_DURATION_TEXT = 'a duration is written "36h", "1h30m" or "1.5s"; for days there is days(30)'
_TIME_TEXT = 'a time is written "2026-01-31T12:00:00Z", or with an offset: "2026-01-31T12:00:00+01:00"'

_PATTERNS = {
    "missing )": "a parenthesis that stands for itself is written \\\\(, or \\( in a raw string",
    "missing ]": "a bracket that stands for itself is written \\\\[, or \\[ in a raw string",
    "no argument for repetition": "any text is written .*; a sign that stands for itself has two backslashes before it",
    "bad repetition operator": "RE2 has no possessive repetition",
    "invalid repetition size": "a part is repeated at most 1000 times, and from the smaller number to the larger",
    "trailing \\": "a backslash that stands for itself is written four times, or twice in a raw string",
}

_QUOTED = re.compile(r"""(["'])(.*)\1""", re.DOTALL)
_NUMERAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}:[0-9]{2}))?(Z|[+-][0-9]{2}:[0-9]{2})?")
_DAYS = re.compile(r"([0-9]{1,6}) ?(?:d|days?)", re.IGNORECASE)
_SPAN = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|m|s|ms|us|ns))+")


def condition(type_: Type, text: str) -> str | None:
    """How a value becomes a condition."""
    match plain(type_):
        case ListType() | MapType():
            return f"ask for its size, as in size({text}) > 0"
        case StructType(fields=((field, _), *_)):
            return f"select a field of it, as in {text}.{field}"
        case OptionalType(of=of):
            return f"{text}.orValue(false)" if plain(of) == BOOL else f"ask whether it is there: {text}.hasValue()"
        case bare if bare == TIMESTAMP:
            return f"compare it, as in {text} < now" if text != "now" else "compare a time with it"
        case bare if bare == DURATION:
            return f"compare it, as in {text} > days(30)"
        case bare if bare in (STRING, *NUMBERS) and _is_literal(text):
            return f"a value alone is no condition: write x == {text}, or x in [{text}, ...]"
        case bare:
            zero = _ZEROS.get(str(bare))
            return None if zero is None else f"compare it, as in {text} != {zero}"


def call(function: Function, types: Sequence[Type], texts: Sequence[str]) -> str | None:
    """For arguments that no overload takes."""
    bare = [plain(type_) for type_ in types]
    for type_, text in zip(bare, texts, strict=True):
        if isinstance(type_, OptionalType) and not _takes_optionals(function):
            return f"take what it holds, or another value: {text}.orValue(...)"
    if function.method and _takes_optionals(function) and not isinstance(bare[0], OptionalType):
        column = texts[0].removeprefix("user.")
        field = column if column.isidentifier() else "field"
        return (
            f"only an optional has it, such as that of a field which may be missing: user.?{field}.{function.name}(...)"
        )
    match function.name, bare:
        case "!_", [operand]:
            hint = condition(operand, texts[0])
            return None if hint is None else hint.replace("!=", "==").replace("> 0", "== 0")
        case name, [_, _] if name in EQUALITIES or name in _ORDERINGS:
            return _comparison(name, bare, texts)
        case "@in", [item, range_]:
            return _membership(item, range_, texts)
        case "_[_]" | "_[?_]", [operand, index]:
            return _index(operand, index, texts)
        case name, [_, _] if name in _ARITHMETIC:
            return _arithmetic(name, bare, texts)
        case "@sortBy", _:
            return "a key is a bool, a number, a string, bytes, a timestamp or a duration"
        case "contains", [ListType(), _]:
            return f"ask whether the list holds it: {texts[1]} in {texts[0]}"
        case "duration", [number] if number == INT:
            return f'write days({texts[0]}), or duration("{_unsigned(texts[0]) or 36}h")'
        case name, [ListType(element=element), *_] if function.method and isinstance(plain(element), StructType):
            if any(isinstance(o.parameters[0], ListType) for o in function.overloads):
                return f"take a field of each element first: {texts[0]}.map(x, x.field).{name}()"
            return None
        case _:
            return None


def _takes_optionals(function: Function) -> bool:
    return any(isinstance(plain(p), OptionalType) for overload in function.overloads for p in overload.parameters)


def literal(function: str, problem: str, text: str) -> str | None:
    """For a literal that a function can never accept. ``problem`` is what the function says of it."""
    quoted = _QUOTED.fullmatch(text)
    content = quoted[2] if quoted else ""
    if function == "timestamp":
        whole = _whole_moment(content)
        return f'write "{whole}"' if whole not in (None, content) else _TIME_TEXT
    if function == "duration":
        days = _DAYS.fullmatch(content)
        return f"write days({int(days[1])})" if days else _DURATION_TEXT
    if function.startswith("get"):
        return 'a time zone is written "Europe/Berlin" or "+02:00"'
    if function == "matches":
        if re.search(r"\(\?<?[=!]", content):
            return "RE2 has no look-around: ask with two patterns, joined with '&&' or '!'"
        if re.search(r"\\[1-9]", content):
            return "RE2 has no references to groups"
        return next((hint for found, hint in _PATTERNS.items() if found in problem), None)
    return None


def field(name: str, type_: Type, text: str, *, method: bool) -> str | None:
    """For a field selected from what has none. ``method``: there is a method of that name."""
    if method:
        return f"it is a method: {text}.{name}()"
    if isinstance(type_, ListType) and isinstance(struct := plain(type_.element), StructType):
        if struct.field(name) is not None:
            return f"select it of each element: {text}.map(x, x.{name}), or {text}.exists(x, x.{name} == ...)"
        return habits.field(name, text) if name in ("length", "size", "count", "len") else None
    if name == "value" and "?" in text:
        return f"it is a method: {text}.value()"
    hint = habits.field(name, text)
    if hint is None or ("size(" in hint) != (isinstance(type_, ListType | MapType) or type_ == STRING):
        return None
    return hint if ("get" not in hint) or type_ == TIMESTAMP else None


_ZEROS = {"int": "0", "uint": "0u", "double": "0.0", "string": '""', "bytes": 'b""'}


def _comparison(function: str, types: Sequence[Type], texts: Sequence[str]) -> str:
    """For two sides that are of different types, or of one that has no order."""
    (a, b), (left, right) = types, texts
    operator = function.strip("_")
    equality = function in EQUALITIES
    if not equality and a == BOOL and b not in (BOOL, NULL):
        return f"a chain of comparisons is written with '&&': a {operator} x && x {operator} b"
    found = _side(a, b, left, right, equality=equality) or _side(b, a, right, left, equality=equality)
    if found is None and a == b:
        return f"values of type {a} have no order"
    return found or f"'{operator}' compares values of one type"


def _side(mine: Type, other: Type, text: str, other_text: str, *, equality: bool) -> str | None:
    """What to do with one side of a comparison."""
    match mine:
        case ListType(element=element):
            if equality:
                return f"ask whether the list holds it: {other_text} in {text}" if plain(element) == other else None
            if other not in NUMBERS:
                return None
            parts = f"{text}.sum() or size({text})" if plain(element) in NUMBERS else f"size({text})"
            return f"compare one number of it: {parts}"
        case StructType(fields=((field, _), *_)):
            return f"compare one of its fields, as in {text}.{field}"
        case _ if mine == NULL:
            return "the other side is never null" if equality else _ASK_FOR_NULL
        case _ if mine == BOOL and other in NUMBERS:
            return "a bool stands alone, or is compared with true or false"
        case _ if mine == INT and other == TIMESTAMP:
            return f"convert the seconds since 1970: timestamp({text})"
        case _ if mine == INT and other == DURATION:
            return f"compare it with a duration, as in days({text})"
        case TypeOf(of=of) if other == STRING:
            return f"write the type without quotes: {text} == {plain(of)}"
        case _ if mine == STRING:
            return _text_side(other, text, other_text, equality=equality)
        case _:
            return None


def _text_side(other: Type, text: str, other_text: str, *, equality: bool) -> str | None:
    quoted = _QUOTED.fullmatch(text)
    content = quoted[2] if quoted else None
    if other in NUMBERS:
        if content is not None:
            return f"write the number without quotes: {content}" if _NUMERAL.fullmatch(content) else None
        if equality and _NUMERAL.fullmatch(other_text):
            return f'write the number as a text: "{other_text}"'
        return f"convert the text: {other}({text})"
    if other == BOOL and content is not None and content.lower() in ("true", "false"):
        return f"write {content.lower()}, without quotes"
    if other == TIMESTAMP:
        return _as_time(text, content)
    if other == DURATION:
        return _as_duration(text, content)
    return None


def _membership(item: Type, range_: Type, texts: Sequence[str]) -> str:
    left, right = texts
    match range_:
        case ListType() if isinstance(item, ListType):
            return f"the left side is a list, too: write {left}.exists(x, x in {right})"
        case ListType(element=element):
            return f"the list holds {plain(element)}, not {item}"
        case MapType(key=key):
            return f"the keys of the map are {plain(key)}, not {item}"
        case _ if range_ == STRING and item == STRING:
            return f"for a part of a text write {right}.contains({left})"
        case _:
            return "the right side must be a list or a map"


def _index(operand: Type, index: Type, texts: Sequence[str]) -> str | None:
    text, chosen = texts
    match operand:
        case ListType():
            return (
                f"an element is chosen by its place, as in {text}[0]; all of them are asked with {text}.exists(x, ...)"
            )
        case MapType(key=key):
            return f"the keys of the map are {plain(key)}, not {index}"
        case StructType():
            quoted = _QUOTED.fullmatch(chosen)
            return f"a field is selected with a dot: {text}.{quoted[2] if quoted else 'field'}"
        case _ if operand == STRING:
            return f"a part of a text is {text}.charAt(0) or {text}.substring(0, 3)"
        case _:
            return "only lists and maps have elements"


def _arithmetic(function: str, types: Sequence[Type], texts: Sequence[str]) -> str | None:
    (a, b), (left, right) = types, texts
    if NULL in types:
        return _ASK_FOR_NULL
    if {a, b} <= set(NUMBERS) and a != b:
        return _one_number_type(types, texts)
    for mine, other, text, other_text in ((a, b, left, right), (b, a, right, left)):
        if mine == TIMESTAMP and function not in ("_+_", "_-_"):
            return "times are only added to durations and subtracted: put what is multiplied or divided in parentheses"
        if mine == TIMESTAMP or (mine == DURATION and function in ("_+_", "_-_")):
            return _added_to_time(other, other_text)
        if isinstance(mine, ListType) and plain(mine.element) == other and function == "_+_":
            return f"put it into a list: [{other_text}]"
        if isinstance(mine, StructType):
            return f"select a field of it, as in {text}.{mine.fields[0][0]}" if mine.fields else None
    if STRING in (a, b) and a != b and function == "_+_":
        other, text = (a, left) if b == STRING else (b, right)
        return None if isinstance(other, ListType | MapType) else f"convert it to a string: string({text})"
    return None


def _one_number_type(types: Sequence[Type], texts: Sequence[str]) -> str:
    wider = DOUBLE if DOUBLE in types else INT
    type_, text = (types[0], texts[0]) if types[0] != wider else (types[1], texts[1])
    digits = text.rstrip("uU")
    if _unsigned(digits) is not None:
        return f"both sides must be of one type: write {digits}.0" if wider == DOUBLE else f"write {digits}"
    if wider == INT and type_ == UINT and _unsigned(texts[1] if text is texts[0] else texts[0]) is not None:
        number = texts[1] if text is texts[0] else texts[0]
        return f"both sides must be of one type: write {number}u"
    return f"both sides must be of one type: write {wider}({text})"


def _added_to_time(other: Type, text: str) -> str:
    if other == INT and _unsigned(text) is not None:
        return f"write a duration: days({text})"
    if other == STRING:
        quoted = _QUOTED.fullmatch(text)
        return _as_duration(text, quoted[2] if quoted else None)
    return "add or subtract a duration, as in now - days(30)"


def _as_time(text: str, content: str | None) -> str:
    if content is None:
        return f"convert the text: timestamp({text})"
    whole = _whole_moment(content)
    return f'write timestamp("{whole}")' if whole is not None else _TIME


def _as_duration(text: str, content: str | None) -> str:
    if content is None:
        return f"convert the text: duration({text})"
    if days := _DAYS.fullmatch(content):
        return f"write days({int(days[1])})"
    return f"write duration({text})" if _SPAN.fullmatch(content) else _DURATION


def _whole_moment(text: str) -> str | None:
    """A date, or a date and time, with what it lacks."""
    moment = _MOMENT.fullmatch(text)
    return None if moment is None else f"{moment[1]}T{moment[2] or '00:00:00'}{moment[3] or 'Z'}"


def _is_literal(text: str) -> bool:
    return _QUOTED.fullmatch(text) is not None or _NUMERAL.fullmatch(text.rstrip("u")) is not None


def _unsigned(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
