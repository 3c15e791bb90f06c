"""The language reference as a page in Markdown: docs/language.md, made from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compiler.columnar_forms import columnar_arguments
from compiler.functions.declare import Function
from compiler.reference import Entry, entry_of, macros, named_functions, special_operators
from compiler.types import ListType, MapType, OptionalType, Parameter, Type, plain

_INTRODUCTION = """\
# The language of conditions

Every operator, macro and function, with its signatures, examples and errors. This page is made from the catalogue: the
declarations that the checker, the compiler and the interpreter read. `make docs` writes it, and a test runs every
example on every path.

A condition is an expression in [CEL](https://github.com/google/cel-spec/blob/master/doc/langdef.md). Its value must be
a `bool` where users are counted. Every column of the snapshot is a variable, `user` is the whole row
(`has(user.age)`), and `now` is the time of the run. [For people who know SQL](sql.md) and
[worked segments](segments.md) show how conditions are put together.

In the signatures, `A`, `K`, `V`, `T` and `U` stand for any type. An argument that is null is an error, unless it is
said otherwise, and so is one that is an error itself. Where the value of an example is `error`, the users for whom this
is evaluated are counted as errors; a literal that can never be right is refused before any user is read.

*Columnar* says for which arguments a call runs over whole columns. The rest is interpreted: user by user, and only
where the other parts of the condition have not decided yet. The answer is the same, and takes longer. `cellar explain`
shows how a condition is answered.
"""

_MACROS = """\
A macro evaluates an expression for each element of a list, or for each key of a map. Macros are columnar over lists and
maps that are columns, up to three of them nested, and their expressions may use other columns.
"""


def language_page() -> str:
    """The page."""
    functions = list(named_functions())
    operators = [f for f in functions if entry_of(f).kind == "operator"]
    others = sorted((f for f in functions if f not in operators), key=lambda f: (f.name.casefold(), f.method))
    parts = [_INTRODUCTION, *_index(others), "## Operators\n"]
    parts += [_section(entry, None) for entry in special_operators()]
    parts += [_section(entry_of(f), f) for f in operators]
    parts += ["## Macros\n", _MACROS, *(_section(entry, None) for entry in macros())]
    parts += ["## Functions\n", *(_section(entry_of(f), f) for f in others)]
    return "\n".join(parts)


def _index(functions: Iterable[Function]) -> Iterator[str]:
    """The functions by the type of what they are first of all about."""
    by_kind: dict[str, list[str]] = {}
    for function in functions:
        for overload in function.overloads:
            kind = _kind(overload.parameters[0]) if overload.parameters else "anything"
            link = f"[{function.name}](#{_anchor(function)})"
            if not overload.dynamic and link not in by_kind.setdefault(kind, []):
                by_kind[kind].append(link)
    yield "| of | functions |\n|---|---|"
    yield "\n".join(f"| {kind} | {', '.join(links)} |" for kind, links in sorted(by_kind.items())) + "\n"


def _kind(type_: Type) -> str:
    match plain(type_):
        case ListType():
            return "lists"
        case MapType():
            return "maps"
        case OptionalType():
            return "optionals"
        case Parameter():
            return "anything"
        case bare:
            return str(bare)


def _anchor(function: Function) -> str:
    return _title(entry_of(function)).lower().replace(".", "").replace(" ", "-").replace("(", "").replace(")", "")


def _title(entry: Entry) -> str:
    return f"{entry.name} ({entry.kind})" if entry.kind in ("method", "function") else entry.name


def _section(entry: Entry, function: Function | None) -> str:
    title = f"`{entry.name}`" if entry.kind in ("operator", "macro") else _title(entry)
    lines = [f"### {title}", "", entry.documentation, "", "```", *entry.signatures, "```", ""]
    lines += ["| example | value |", "|---|---|"]
    lines += [f"| {_code(expression)} | {_code(value)} |" for expression, value in entry.examples]
    lines += ["", *(["Errors: " + "; ".join(entry.errors) + ".", ""] if entry.errors else [])]
    if function is not None:
        lines += [f"Columnar: {_columnar(function)}", ""]
    return "\n".join(lines)


def _code(text: str) -> str:
    """A text as code in a table, where a bar would end the cell."""
    fence = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    return f"{fence}{space}{text.replace('|', chr(92) + '|')}{space}{fence}"


def _columnar(function: Function) -> str:
    """For which arguments the overloads of a function are compiled."""
    signatures: dict[str, list[str]] = {}
    for overload in function.overloads:
        if not overload.dynamic:
            places = columnar_arguments(function, overload)
            signature = entry_of(function._replace(overloads=(overload,))).signatures[0]
            signatures.setdefault(_condition(function, places, len(overload.parameters)), []).append(signature)
    if len(signatures) == 1:
        return f"{next(iter(signatures))}."
    parts = [f"{condition}: {', '.join(f'`{s}`' for s in found)}" for condition, found in signatures.items()]
    return "; ".join(parts) + "."


def _condition(function: Function, places: tuple[int, ...] | None, arguments: int) -> str:
    if places == ():
        return "yes"
    if places is None or (len(places) == arguments and arguments > 1 and function.name != "format"):
        return "no, it is interpreted"
    named = [_place(function, place, arguments) for place in places]
    return f"yes, where {' and '.join(named)} {'is a literal' if len(named) == 1 else 'are literals'}"


def _place(function: Function, place: int, arguments: int) -> str:
    if function.method and place == 0:
        return "the receiver"
    if arguments == 1 + function.method:
        return "the argument"
    return f"the {('first', 'second', 'third', 'fourth')[place - function.method]} argument"
