"""The language as documentation: every function of the catalogue, and the forms that are no functions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from .functions import catalogue
from .functions.declare import Function, Overload
from .messages import shown_name


@dataclass(frozen=True, slots=True)
class Entry:
    """What there is to know about one function, operator or macro.

    Attributes:
        name: as it is written in a condition.
        kind: ``operator``, ``function``, ``method`` or ``macro``.
        signatures: with the types of the arguments and of the result.
        documentation: what it does.
        errors: the errors it can end in, beside null arguments.
        examples: expressions with their values, in CEL; ``error`` where it is one.
    """

    name: str
    kind: str
    signatures: tuple[str, ...]
    documentation: str
    errors: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, object]:
        """The entry as JSON has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "signatures": list(self.signatures),
            "documentation": self.documentation,
            "errors": list(self.errors),
            "examples": [{"expression": expression, "value": value} for expression, value in self.examples],
        }


def reference() -> tuple[Entry, ...]:
    """The operators, then the macros, then the functions and methods by name."""
    entries = [entry_of(function) for function in catalogue().values()]
    operators = [entry for entry in entries if entry.kind == "operator"]
    others = [entry for entry in entries if entry.kind != "operator"]
    return (*_LOGIC, *operators, *_MACROS, *sorted(others, key=lambda e: (e.name.casefold(), e.kind)))


def entries_of(name: str | None) -> tuple[Entry, ...]:
    """The entries of a name; None is all.

    Raises:
        LookupError: there is none; its text names the nearest.
    """
    entries = tuple(entry for entry in reference() if name in (None, entry.name))
    if not entries and name is not None:
        near = get_close_matches(name, [entry.name for entry in reference()], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "; all of them: cellar functions"
        raise LookupError(f"There is no function '{name}'{hint}")
    return entries


_LOGIC = (
    Entry(
        "&&",
        "operator",
        ("bool && bool -> bool",),
        "True when both are true. False when one is false, whatever the other is, an error included. "
        '(Specification: "Logical Operators")',
        (),
        (("true && 1 > 2", "false"), ("1 / 0 > 1 && false", "false"), ("1 / 0 > 1 && true", "error")),
    ),
    Entry(
        "||",
        "operator",
        ("bool || bool -> bool",),
        "True when one is true, whatever the other is, an error included; false when both are false. "
        '(Specification: "Logical Operators")',
        (),
        (("false || 2 > 1", "true"), ("1 / 0 > 1 || true", "true"), ("1 / 0 > 1 || false", "error")),
    ),
    Entry(
        "?:",
        "operator",
        ("bool ? T : T -> T",),
        "The second where the first is true, the third where it is false; the other one is not evaluated. "
        '(Specification: "Logical Operators")',
        (),
        (("2 > 1 ? 10 : 20", "10"), ("false ? 1 / 0 : 20", "20")),
    ),
    Entry(
        ".?",
        "operator",
        (
            "message.?field -> optional_type(A)",
            "map(string, V).?key -> optional_type(V)",
            "optional_type(A).?field -> optional_type(B)",
        ),
        "The optional of a field or of a key's value, which holds nothing where the field is null or the key is not "
        "there; what is selected from an optional in turn is one, too. `user.?age.orValue(0) > 18` is never an error. "
        "(cel-go: optional types)",
        (),
        (("{'a': 1}.?a.orValue(0)", "1"), ("{'a': 1}.?b.orValue(0)", "0"), ("{'a': {}}.?a.b.hasValue()", "false")),
    ),
)

_MACROS = (
    Entry(
        "has",
        "macro",
        ("has(message.field) -> bool",),
        "True when a field is not null; of a column, has(user.age). An empty text or list is not null. Of a map, true "
        'when it has the key. (Specification: "Macros")',
        (),
        (('has({"a": 1}.a)', "true"), ('has({"a": 1}.b)', "false")),
    ),
    Entry(
        "all",
        "macro",
        ("list(T).all(x, bool) -> bool", "map(K, V).all(k, bool) -> bool"),
        "True when the condition holds for every element of a list, or key of a map; true for an empty one. One false "
        'makes it false, whatever errors there are. (Specification: "Macros")',
        (),
        (("[1, 2, 3].all(x, x > 0)", "true"), ("[1, 0].all(x, 1 / x > 1)", "false"), ("[].all(x, false)", "true")),
    ),
    Entry(
        "exists",
        "macro",
        ("list(T).exists(x, bool) -> bool", "map(K, V).exists(k, bool) -> bool"),
        "True when the condition holds for an element of a list, or key of a map; false for an empty one. One true "
        'makes it true, whatever errors there are. (Specification: "Macros")',
        (),
        (
            ("[1, 2, 3].exists(x, x > 2)", "true"),
            ("[0, 1].exists(x, 1 / x > 0)", "true"),
            ("[].exists(x, true)", "false"),
        ),
    ),
    Entry(
        "exists_one",
        "macro",
        ("list(T).exists_one(x, bool) -> bool", "map(K, V).exists_one(k, bool) -> bool"),
        'True when the condition holds for exactly one element. Any error is an error. (Specification: "Macros")',
        (),
        (("[1, 2, 3].exists_one(x, x > 2)", "true"), ("[1, 2, 3].exists_one(x, x > 1)", "false")),
    ),
    Entry(
        "filter",
        "macro",
        ("list(T).filter(x, bool) -> list(T)", "map(K, V).filter(k, bool) -> list(K)"),
        'The elements for which the condition holds. Any error is an error. (Specification: "Macros")',
        (),
        (("[1, 2, 3].filter(x, x > 1)", "[2, 3]"),),
    ),
    Entry(
        "map",
        "macro",
        ("list(T).map(x, U) -> list(U)", "list(T).map(x, bool, U) -> list(U)", "map(K, V).map(k, U) -> list(U)"),
        "The value of the expression for each element; with a condition, for those for which it holds. Any error is an "
        'error. (Specification: "Macros")',
        (),
        (("[1, 2, 3].map(x, x * 10)", "[10, 20, 30]"), ("[1, 2, 3].map(x, x > 1, x * 10)", "[20, 30]")),
    ),
)


def special_operators() -> tuple[Entry, ...]:
    """The operators that are no functions, since they do not evaluate all of their operands."""
    return _LOGIC


def macros() -> tuple[Entry, ...]:
    """The macros."""
    return _MACROS


def entry_of(function: Function) -> Entry:
    """The entry of a function of the catalogue."""
    name = shown_name(function)
    kind = "method" if function.method else "function" if name[0].isalpha() and name != "in" else "operator"
    overloads = [overload for overload in function.overloads if not overload.dynamic]
    signatures = tuple(dict.fromkeys(_signature(name, kind, overload) for overload in overloads))
    errors = dict.fromkeys(failure.message for overload in function.overloads for failure in overload.failures)
    return Entry(name, kind, signatures, function.documentation, tuple(errors), function.examples)


def _signature(name: str, kind: str, overload: Overload) -> str:
    types = [str(parameter) for parameter in overload.parameters]
    result = str(overload.result)
    match kind, types:
        case "operator", [operand]:
            return f"{name}{operand} -> {result}"
        case "operator", [left, right] if name == "[]":
            return f"{left}[{right}] -> {result}"
        case "operator", [left, right] if name == "[?]":
            return f"{left}[?{right}] -> {result}"
        case "operator", [left, right]:
            return f"{left} {name} {right} -> {result}"
        case "method", [receiver, *arguments]:
            return f"{receiver}.{name}({', '.join(arguments)}) -> {result}"
        case _:
            return f"{name}({', '.join(types)}) -> {result}"
