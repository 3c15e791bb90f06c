"""Macros: calls that are no functions (CEL specification, "Macros"; the two-variable and optional ones as cel-go).

A call is a macro by its name, its style (with a receiver or without) and the number of its arguments; a call of the
same name in another shape is an ordinary call.
"""

from __future__ import annotations

from .lex import syntax_error
from .source import Source, Span
from .syntax import Bind, Call, Comprehension, Conditional, Has, Name, Select, Syntax

# How many variables a comprehension declares, by its name and its number of arguments.
_VARIABLES = {
    ("all", 2): 1,
    ("exists", 2): 1,
    ("exists_one", 2): 1,
    ("existsOne", 2): 1,
    ("filter", 2): 1,
    ("map", 2): 1,
    ("map", 3): 1,
    ("all", 3): 2,
    ("exists", 3): 2,
    ("exists_one", 3): 2,
    ("existsOne", 3): 2,
    ("transformList", 3): 2,
    ("transformList", 4): 2,
    ("transformMap", 3): 2,
    ("transformMap", 4): 2,
    ("transformMapEntry", 3): 2,
    ("transformMapEntry", 4): 2,
}

MACROS = frozenset(
    {"has", "bind", "greatest", "least", "optMap", "optFlatMap", "sortBy", *(name for name, _ in _VARIABLES)}
)
"""The names under which a call may be a macro."""

OPTIONAL_OPERAND = "@operand"
"""The variable that holds the receiver of ``optMap`` and ``optFlatMap``; no condition can spell it."""

SORTED_LIST = "@list"
"""The variable that holds the receiver of ``sortBy``."""


def expand(source: Source, call: Call) -> Syntax:
    """The tree of a call that may be a macro; the call itself where it is none.

    Raises:
        CompileError: an argument that names a variable is no simple name; ``has`` is asked about something that is no
            field selection; the two variables of a comprehension are the same.
    """
    arguments = call.arguments
    match call.function, call.target, len(arguments):
        case "has", None, 1:
            return _has(source, call)
        case "bind", Name(name="cel", absolute=False), 3:
            return Bind(call.span, _variable(source, call, 0), arguments[1], arguments[2])
        case "greatest" | "least", Name(name="math"), count if count > 2:
            return _extreme(call)
        case "optMap" | "optFlatMap", target, 2 if target is not None:
            return _optional(source, call, target)
        case "sortBy", target, 2 if target is not None:
            return _sorted(source, call, target)
        case name, target, count if target is not None and (name, count) in _VARIABLES:
            return _comprehension(source, call, target, _VARIABLES[name, count])
        case _:
            return call


def _has(source: Source, call: Call) -> Has:
    match call.arguments[0]:
        case Select(operand=operand, field=field, field_span=field_span, optional=False):
            return Has(call.span, operand, field, field_span)
        case Select(span=span):
            hint = "write 'user.?field.hasValue()', or 'has(user.field)' without the question mark"
            raise syntax_error(source, span, "has() takes a selection without '?'", hint)
        case Name(span=span, name=name):
            message = "has() takes a field selection, not a name"
            field = "field" if name == "user" else name
            raise syntax_error(source, span, message, f"write 'has(user.{field})'")
        case argument:
            message = "has() takes a field selection, such as 'has(user.email)'"
            raise syntax_error(source, argument.span, message)


def _comprehension(source: Source, call: Call, target: Syntax, count: int) -> Comprehension:
    variables = tuple(_variable(source, call, place) for place in range(count))
    if len(set(variables)) < count:
        message = f"the two variables of {call.function}() have the same name, '{variables[0]}'"
        raise syntax_error(source, call.arguments[1].span, message)
    macro = "exists_one" if call.function == "existsOne" else call.function
    return Comprehension(call.span, macro, call.function_span, target, variables, call.arguments[count:])


def _extreme(call: Call) -> Call:
    """``math.greatest(a, b, c, d)`` → ``math.greatest(math.greatest(a, b), math.greatest(c, d))``.

    cel-go makes a list of three arguments or more, which costs columns more. In halves, the tree is not deep.
    """
    arguments = call.arguments
    if len(arguments) <= 2:
        return call
    middle = (len(arguments) + 1) // 2
    halves = (arguments[:middle], arguments[middle:])
    parts = tuple(h[0] if len(h) == 1 else _extreme(call._replace(arguments=h)) for h in halves)
    return call._replace(arguments=parts)


def _optional(source: Source, call: Call, target: Syntax) -> Bind:
    """``o.optMap(x, f)`` → ``bind(@operand, o, @operand.hasValue() ? optional.of(bind(x, @operand.value(), f)) :
    optional.none())``; ``optFlatMap`` has no ``optional.of``.

    cel-go copies the receiver instead; bound, it is evaluated once, and a chain does not grow exponentially.
    """
    variable = _variable(source, call, 0)
    span, place = call.span, call.function_span
    operand = Name(target.span, OPTIONAL_OPERAND)
    then: Syntax = Bind(span, variable, _method(operand, "value", place), call.arguments[1])
    if call.function == "optMap":
        then = _method(Name(place, "optional"), "of", place, then)
    none = _method(Name(place, "optional"), "none", place)
    return Bind(span, OPTIONAL_OPERAND, target, Conditional(span, _method(operand, "hasValue", place), then, none))


def _sorted(source: Source, call: Call, target: Syntax) -> Bind:
    """``l.sortBy(x, key)`` → ``bind(@list, l, @list.@sortBy(@list.map(x, key)))``, as in cel-go."""
    variables = (_variable(source, call, 0),)
    span, place = call.span, call.function_span
    operand = Name(target.span, SORTED_LIST)
    keys = Comprehension(span, "map", place, operand, variables, (call.arguments[1],))
    return Bind(span, SORTED_LIST, target, Call(span, "@sortBy", place, operand, (keys,)))


def _method(target: Name, function: str, place: Span, *arguments: Syntax) -> Call:
    return Call(place, function, place, target, arguments)


def _variable(source: Source, call: Call, place: int) -> str:
    match call.arguments[place]:
        case Name(name=name, absolute=False):
            return name
        case argument:
            ordinal = ("first", "second")[place]
            message = f"the {ordinal} argument of {call.function}() must be a simple name"
            raise syntax_error(source, argument.span, message, "it names the variable of the expressions after it")
