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
    entries = [entry_of(function) for function in named_functions()]
    operators = [entry for entry in entries if entry.kind == "operator"]
    others = [entry for entry in entries if entry.kind != "operator"]
    return (*_LOGIC, *operators, *_MACROS, *sorted(others, key=lambda e: (e.name.casefold(), e.kind)))


def named_functions() -> tuple[Function, ...]:
    """The functions that a condition can call: not those that only macros call."""
    return tuple(f for f in catalogue().values() if not f.name.startswith("@") or shown_name(f) == "in")


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
        (
            "list(T).all(x, bool) -> bool",
            "map(K, V).all(k, bool) -> bool",
            "list(T).all(index, x, bool) -> bool",
            "map(K, V).all(k, v, bool) -> bool",
        ),
        "True when the condition holds for every element of a list, or key of a map; true for an empty one. One false "
        'makes it false, whatever errors there are. (Specification: "Macros")',
        (),
        (
            ("[1, 2, 3].all(x, x > 0)", "true"),
            ("[1, 0].all(x, 1 / x > 1)", "false"),
            ("[].all(x, false)", "true"),
            ("[5, 6].all(i, x, x == i + 5)", "true"),
        ),
    ),
    Entry(
        "exists",
        "macro",
        (
            "list(T).exists(x, bool) -> bool",
            "map(K, V).exists(k, bool) -> bool",
            "list(T).exists(index, x, bool) -> bool",
            "map(K, V).exists(k, v, bool) -> bool",
        ),
        "True when the condition holds for an element of a list, or key of a map; false for an empty one. One true "
        'makes it true, whatever errors there are. (Specification: "Macros")',
        (),
        (
            ("[1, 2, 3].exists(x, x > 2)", "true"),
            ("[0, 1].exists(x, 1 / x > 0)", "true"),
            ("[].exists(x, true)", "false"),
            ('{"a": 1}.exists(k, v, k == "a" && v > 1)', "false"),
        ),
    ),
    Entry(
        "exists_one",
        "macro",
        (
            "list(T).exists_one(x, bool) -> bool",
            "map(K, V).exists_one(k, bool) -> bool",
            "list(T).exists_one(index, x, bool) -> bool",
            "map(K, V).exists_one(k, v, bool) -> bool",
        ),
        "True when the condition holds for exactly one element. Any error is an error. It may be written existsOne, "
        'too. (Specification: "Macros")',
        (),
        (
            ("[1, 2, 3].exists_one(x, x > 2)", "true"),
            ("[1, 2, 3].exists_one(x, x > 1)", "false"),
            ("[1, 1].existsOne(i, x, x > i)", "true"),
        ),
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
    Entry(
        "transformList",
        "macro",
        (
            "list(T).transformList(index, x, U) -> list(U)",
            "list(T).transformList(index, x, bool, U) -> list(U)",
            "map(K, V).transformList(k, v, U) -> list(U)",
        ),
        "The value of the expression for each element and its index, or for each key and its value; with a condition, "
        "for those for which it holds. Any error is an error. (cel-go: comprehensions of two variables)",
        (),
        (("[5, 6].transformList(i, x, x * i)", "[0, 6]"), ("[5, 6].transformList(i, x, i > 0, x)", "[6]")),
    ),
    Entry(
        "transformMap",
        "macro",
        (
            "map(K, V).transformMap(k, v, U) -> map(K, U)",
            "map(K, V).transformMap(k, v, bool, U) -> map(K, U)",
            "list(T).transformMap(index, x, U) -> map(int, U)",
        ),
        "A map with the same keys, or the indices of a list, and the value of the expression for each; with a "
        "condition, for those for which it holds. Any error is an error. (cel-go: comprehensions of two variables)",
        (),
        (
            ('{"a": 1}.transformMap(k, v, v * 2)["a"]', "2"),
            ("[5, 6].transformMap(i, x, x > 5, x).size()", "1"),
            ('{"a": 0}.transformMap(k, v, 1 / v).size()', "error"),
        ),
    ),
    Entry(
        "transformMapEntry",
        "macro",
        (
            "map(K, V).transformMapEntry(k, v, map(L, U)) -> map(L, U)",
            "map(K, V).transformMapEntry(k, v, bool, map(L, U)) -> map(L, U)",
            "list(T).transformMapEntry(index, x, map(L, U)) -> map(L, U)",
        ),
        "A map of the entries that the expression gives, {key: value} for each; an error where two have the same key. "
        "(cel-go: comprehensions of two variables)",
        (),
        (
            ('{"a": 1}.transformMapEntry(k, v, {v: k})[1]', '"a"'),
            ('["x", "x"].transformMapEntry(i, x, {x: i}).size()', "error"),
        ),
    ),
    Entry(
        "sortBy",
        "macro",
        ("list(T).sortBy(x, U) -> list(T)",),
        "The elements in ascending order of the value of the expression for each; equals stay in their order. The "
        "values are bools, numbers, strings, bytes, timestamps or durations; an error where one is null, and where "
        "one of several is NaN, which is in no order. (cel-go, lists)",
        (),
        (
            ("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]"),
            ('["ccc", "a", "bb", "d"].sortBy(s, s.size())', '["a", "d", "bb", "ccc"]'),
            ("[1, 0].sortBy(x, 1 / x)", "error"),
        ),
    ),
    Entry(
        "cel.bind",
        "macro",
        ("cel.bind(x, T, U) -> U",),
        "The value of the last expression, in which the variable stands for the value of the one before. That is "
        "evaluated once, however often the variable is used; its error is one where the variable is used. (cel-go: "
        "bindings)",
        (),
        (
            ("cel.bind(x, 3 + 4, x * x)", "49"),
            ("cel.bind(x, 1 / 0, true || x > 1)", "true"),
            ("cel.bind(x, 1 / 0, x > 1)", "error"),
        ),
    ),
    Entry(
        "optMap",
        "macro",
        ("optional_type(T).optMap(x, U) -> optional_type(U)",),
        "The optional of the value of the expression for what an optional holds; nothing where that holds nothing. "
        "(cel-go: optional types)",
        (),
        (("optional.of(3).optMap(x, x * 2).value()", "6"), ("[7][?1].optMap(x, x * 2).hasValue()", "false")),
    ),
    Entry(
        "optFlatMap",
        "macro",
        ("optional_type(T).optFlatMap(x, optional_type(U)) -> optional_type(U)",),
        "What the expression gives for what an optional holds, which is an optional itself; nothing where that holds "
        "nothing. (cel-go: optional types)",
        (),
        (
            ("optional.of([7]).optFlatMap(x, x[?0]).value()", "7"),
            ("optional.of([7]).optFlatMap(x, x[?1]).hasValue()", "false"),
        ),
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
