"""What the checker says, in one place: each message says what is wrong, each hint what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from . import habits, hints
from .facts import Facts
from .functions.declare import Function
from .functions.ticks import RANGES
from .functions.time_text import format_timestamp
from .types import TIMESTAMP, UINT, ListType, MapType, Type, plain

RUN_TIME_TYPE = "its type is known at run time only"
ROW_ALONE = "'user' is the whole row: select a field of it, as in user.age"
UNSUPPORTED_MESSAGE = "messages cannot be built in a condition"

MACRO_FORMS = {
    "has": ("has(user.field)",),
    "all": ("list.all(x, condition)",),
    "exists": ("list.exists(x, condition)",),
    "exists_one": ("list.exists_one(x, condition)",),
    "existsOne": ("list.existsOne(x, condition)",),
    "filter": ("list.filter(x, condition)",),
    "map": ("list.map(x, value)", "list.map(x, condition, value)"),
    "transformList": ("list.transformList(index, x, value)", "list.transformList(index, x, condition, value)"),
    "transformMap": ("list.transformMap(key, x, value)", "list.transformMap(key, x, condition, value)"),
    "transformMapEntry": ("list.transformMapEntry(key, x, {key: value})",),
    "bind": ("cel.bind(x, value, expression)",),
    "optMap": ("user.?field.optMap(x, value)",),
    "optFlatMap": ("user.?field.optFlatMap(x, optional)",),
    "sortBy": ("list.sortBy(x, key)",),
}
"""How the macros are written."""

_OPERATORS = {"@in": "in", "_[_]": "[]", "_[?_]": "[?]", "-_": "-", "!_": "!"}


def shown_name(function: Function) -> str:
    """A function's name as it is written in a condition."""
    name = function.name
    return _OPERATORS.get(name) or name.strip("_@")


def undeclared(name: str, names: Sequence[str]) -> tuple[str, str | None]:
    """No variable has the name; ``names`` are those that there are."""
    hint = habits.variable(name) or _nearest(name, names)
    if hint is None and names:
        hint = f'a text stands in quotes: "{name}"; the variables are {_listed(names)}'
    return f"undeclared reference to '{name}'", hint


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


def no_fields(type_: Type, field: str = "", text: str = "", *, method: bool = False) -> tuple[str, str | None]:
    """A field is selected from what has none. ``method``: there is a method of that name."""
    return f"a value of type {type_} has no fields to select", hints.field(field, plain(type_), text, method=method)


def unusable(name: str, column_type: str) -> str:
    """A column of a type that CEL has no counterpart for."""
    return f"'{name}' is of type {column_type}, which no CEL type corresponds to"


def undeclared_function(
    name: str,
    near: Iterable[str],
    every: Iterable[str],
    *,
    method: bool,
    other: bool,
    fits: bool = True,
    text: str = "x",
) -> tuple[str, str | None]:
    """No function has the name.

    Args:
        name: of the function that is called.
        near: the names of those that can be called so.
        every: the names of all.
        method: whether it is called on a receiver.
        other: there is one that is called the other way.
        fits: it takes these arguments.
        text: the receiver, or the first argument.
    """
    known = [n for n in near if n[0].isalpha()]
    hint = habits.function(name, every, text) or _nearest(name, known)
    if not other:
        return f"undeclared function '{name}'", hint
    if fits:
        hint = f"write {name}({text})" if method else f"write {text}.{name}(...)"
    return f"'{name}' is {'not a method' if method else 'a method'}", hint


def no_macro(name: str, receiver: str, arguments: Sequence[str], *, known: bool) -> tuple[str, str | None]:
    """What is called with a variable and what is made of it is no macro; ``known``: but a method."""
    variable, *_, body = arguments
    if known:
        return f"{name}() takes no variable", f"write {receiver}.map({variable}, {body}).{name}()"
    hint = habits.function(name, (), receiver)
    if hint is not None:
        hint = hint.replace("(e, condition)", f"({variable}, {body})")
    macros = [macro for macro in MACRO_FORMS if macro not in ("has", "bind")]
    return f"undeclared macro '{name}'", hint or _nearest(name, macros)


def macro_misused(name: str, receiver: str | None) -> tuple[str, str | None]:
    """A macro is called with a receiver, or arguments, that it does not take."""
    forms = " or ".join(MACRO_FORMS[name])
    shown = "cel.bind" if name == "bind" else name
    return (
        f"{shown}() takes other arguments",
        f"write {forms if receiver is None else forms.replace('list.', f'{receiver}.')}",
    )


def no_overload(function: Function, types: Sequence[Type], texts: Sequence[str]) -> tuple[str, str | None]:
    """The function is not declared for arguments of these types."""
    shown = shown_name(function)
    if function.name in hints.EQUALITIES and len(types) == 2:
        return f"{types[0]} and {types[1]} are never equal", hints.call(function, types, texts)
    listed = ", ".join(map(str, types))
    if function.method:
        receiver, *rest = map(str, types)
        message = f"no method {receiver}.{shown}({', '.join(rest)})"
    elif function.name.startswith(("_", "@", "-", "!")):
        message = f"no operator '{shown}' for ({listed})"
    else:
        message = f"no function {shown}({listed})"
    return message, hints.call(function, types, texts) or _signatures(function)


def bad_literal(function: Function, problem: str, text: str) -> tuple[str, str | None]:
    """A literal argument that its function can never accept."""
    return f"{shown_name(function)}: {problem}", hints.literal(function.name, problem, text)


def not_bool(type_: Type, text: str) -> tuple[str, str | None]:
    """A condition was expected."""
    return f"expected a bool, found {type_}", hints.condition(type_, text)


def not_a_segment(type_: Type, text: str, after: str = "") -> tuple[str, str | None]:
    """A whole condition that is not bool; ``after`` is what the text goes on with."""
    message, hint = not_bool(type_, text)
    if "//" in after:
        hint = "what follows '//' is a comment; a division is written '/'"
    return message.replace("expected a bool", "a condition must be a bool"), hint


def not_optional(type_: str, text: str) -> tuple[str, str | None]:
    """An element or entry with '?' that is no optional."""
    return f"after '?' an optional is expected, found {type_}", f"leave out the '?', or write optional.of({text})"


def branches(then: str, otherwise: str) -> tuple[str, str | None]:
    """The two branches of a conditional are of different types."""
    return f"the branches are of different types, {then} and {otherwise}", "convert one, or put both in dyn()"


def no_entry(type_: str, text: str) -> tuple[str, str | None]:
    """A body of ``transformMapEntry`` that is no map."""
    return f"transformMapEntry() needs a map with one entry, found {type_}", f"write '{{key: {text}}}'"


def not_iterable(type_: str, text: str, macro: str) -> tuple[str, str | None]:
    """A macro over what is neither list nor map."""
    hint = f"'{text}' is one value: compare it directly" if type_ in ("int", "string", "double", "bool") else None
    if type_ == "struct":
        hint = "a struct has no elements: select a field of it"
    return f"{macro}() needs a list or a map, found {type_}", hint


class Selected(NamedTuple):
    """A column as it is written in a condition, and as a field of the user."""

    text: str
    field: str


def always(text: str, outcome: str, why: str) -> tuple[str, str | None]:
    """A clause that the values of its column decide; ``outcome`` is what it always is."""
    hint = "ask for another column" if outcome == "an error" else "leave it out, or compare with another value"
    return f"`{text}` is always {outcome}: {why}", hint


def held(subject: str, facts: Facts, type_: Type) -> str:
    """What a column holds."""
    if not facts.present:
        return f"{subject} is null for every user"
    if facts.low is not None and facts.low == facts.high:
        return f"{subject} is {_shown_value(facts.low, type_)} wherever it is not null"
    if facts.low is None or facts.high is None:
        return f"so it is for every value of {subject}"
    return f"{subject} is between {_shown_value(facts.low, type_)} and {_shown_value(facts.high, type_)}"


def never_held(subject: str, value: str, values: Sequence[str]) -> tuple[str, str | None]:
    """A text that a column of few texts never holds; ``values`` are those that it does hold."""
    nearest = _nearest_text(value, values)
    hint = f"did you mean {_quoted(nearest)}?" if nearest else f"it holds {_listed(list(map(_quoted, values)))}"
    return f"{subject} is never {_quoted(value)}", hint if values else None


def never_together(other: str | None, text: str) -> tuple[str, str | None]:
    """Clauses joined by ``&&`` of which one excludes the other, or all those before it together."""
    both = f"`{other}` and `{text}`" if other is not None else f"`{text}` and the clauses before it"
    return f"{both} are never true together", "join them by ||, or change one"


def always_either(other: str | None, text: str, *, fails: bool) -> tuple[str, str | None]:
    """Clauses joined by ``||`` of which one is always true; ``fails``: but where they are errors."""
    either = f"`{other}` or `{text}`" if other is not None else f"`{text}` or one of the clauses before it"
    return f"{either} is always true{', or an error' if fails else ''}", "join them by &&, or change one"


def negated_null(column: Selected, count: int, text: str, *, decides: bool) -> tuple[str, str | None]:
    """A negation that is an error on nulls; ``decides``: so that the whole is never true."""
    so = "they are not members" if decides else "they are members only where another clause decides"
    message = f"{column.text} is null for {_users(count)}, on whom this negation is an error: {so}"
    negation = f"!{text}" if text == column.text else f"!({text})"
    present = f"has({column.field})"
    return message, f"to take them in, write !{present} || {negation}; to leave them out, {present} && {negation}"


def null_differs(column: Selected, count: int, text: str) -> tuple[str, str | None]:
    """An inequality, which is true of nulls."""
    message = f"also true for {_users(count)} whose {column.text} is null"
    return message, f"to leave them out, write has({column.field}) && {text}"


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count:,} users"


def _quoted(text: str) -> str:
    from json import dumps  # whose escapes are CEL's

    return dumps(text, ensure_ascii=False)


def _shown_value(value: object, type_: Type) -> str:
    """A value as a condition may have it."""
    match plain(type_), value:
        case bare, int() if bare == TIMESTAMP:
            low, high = RANGES[TIMESTAMP]
            known = low <= value <= high
            return f'timestamp("{format_timestamp(value)}")' if known else "a time beyond the years of CEL"
        case _, bool():
            return str(value).lower()
        case _, str():
            return _quoted(value)
        case bare, int() if bare == UINT:
            return f"{value}u"
        case _:
            return str(value)


def _nearest_text(text: str, texts: Sequence[str]) -> str | None:
    from difflib import get_close_matches

    folded = {t.casefold(): t for t in texts}
    found = get_close_matches(text.casefold(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def _nearest(name: str, names: Sequence[str]) -> str | None:
    from difflib import get_close_matches  # only what is wrong needs it

    by_folded = {n.casefold().replace("_", ""): n for n in names}
    found = get_close_matches(name.casefold().replace("_", ""), list(by_folded), n=1, cutoff=0.7)
    return f"did you mean '{by_folded[found[0]]}'?" if found else None


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return f"{shown}, ..." if len(names) > most else shown


def _signatures(function: Function, most: int = 4) -> str:
    overloads = [o for o in function.overloads if not o.dynamic]
    shown = [_shown_signature(function, [_shown_type(p) for p in o.parameters]) for o in overloads]
    return f"there is {', '.join(shown[:most])}{', ...' if len(shown) > most else ''}"


def _shown_signature(function: Function, types: Sequence[str]) -> str:
    name = shown_name(function)
    match types:
        case [receiver, *rest] if function.method:
            return f"{receiver}.{name}({', '.join(rest)})"
        case [operand] if function.name in _OPERATORS:
            return f"{name}{operand}"
        case [left, right] if function.name.startswith("_"):
            return f"{left} {name} {right}"
        case _:
            return f"{name}({', '.join(types)})"


def _shown_type(type_: Type) -> str:
    match plain(type_):
        case ListType(element=element):
            return f"list({_shown_type(element)})"
        case MapType(key=key, value=value):
            return f"map({_shown_type(key)}, {_shown_type(value)})"
        case bare:
            return str(bare)
