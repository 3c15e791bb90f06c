"""Typed expressions by chance: whatever the catalogue declares is called, over columns of its types."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from compiler.columnar_forms import call_text
from compiler.condition import compile_condition
from compiler.diagnostics import CompileError
from compiler.functions import catalogue
from compiler.functions.declare import Function, Overload
from compiler.schema import Schema
from compiler.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    Dynamic,
    ListType,
    MapType,
    Nullable,
    OptionalType,
    Parameter,
    StructType,
    Type,
    TypeOf,
    plain,
)
from tests.fuzz.literals import ARGUMENTS, LITERALS
from tests.hostile.rows import hostile_rows

SCHEMA = Schema.of(hostile_rows().schema)
_SCALARS = (INT, UINT, DOUBLE, STRING, BOOL, TIMESTAMP, DURATION, BYTES)
_COMPARING = ("_==_", "_!=_", "@in", "_[_]")
_FORMS = {
    "optional": "user.?i.hasValue()",
    "bind": "cel.bind(a, 1, a) == 1",
    "two": "[1].all(k, v, v == 1)",
    "list": "[1].transformList(k, v, v) == [1]",
}
"""Forms that are no functions, each with a condition that shows whether there is one."""


class UnmakeableError(Exception):
    """There is no expression of a type."""


class Call(NamedTuple):
    """An overload whose result fits a type, with what its type parameters then stand for."""

    function: Function
    overload: Overload
    bindings: Mapping[str, Type]


def roots() -> tuple[Call, ...]:
    """Every overload of the catalogue, to be called at least once."""
    return tuple(Call(function, overload, {}) for function in catalogue().values() for overload in function.overloads)


def expressions(seed: str, number: int) -> list[str]:
    """That many expressions. Each calls the next overload of the catalogue, somewhere in it."""
    wanted = roots()
    start = random.Random(seed).randrange(len(wanted))
    made: list[str] = []
    turn = 0
    while len(made) < number:
        author = _Author(random.Random(f"{seed}:{turn}"))
        root = wanted[(start + turn) % len(wanted)]
        turn += 1
        try:
            made.append(author.around(root))
        except UnmakeableError:
            continue
    return made


@cache
def has_form(name: str) -> bool:
    """Whether the language has a form."""
    try:
        compile_condition(_FORMS[name], SCHEMA, now=0)
    except CompileError:
        return False
    return True


class _Author:
    """Writes one expression. Whatever is not a name, a literal or a call stands in parentheses."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.scope: list[tuple[str, Type]] = []

    def around(self, root: Call) -> str:
        """A call of an overload, sometimes as a part of something larger."""
        text, type_ = self.call(root, self.chance.choice((0, 0, 1, 1, 2)))
        if isinstance(type_, TypeOf):
            return f"{text} == {self.call(root, 0)[0]}"
        if isinstance(type_, OptionalType):
            return f"{text}.{self.chance.choice(('hasValue()', f'orValue({self.leaf(type_.of)})'))}"
        if isinstance(root.overload.result, Dynamic):
            return f"({text} == {self.leaf(self.chance.choice(NUMBERS))})"
        if self.chance.random() < 0.3:
            return text
        bools = [call for call in _calls(BOOL) if call.function.name in ("_==_", "_<_", "_>=_", "_!=_")]
        match self.chance.randrange(5):
            case 0 if type_ == BOOL:
                return f"{text} {self.chance.choice(('&&', '||'))} {self.of(BOOL, 1)}"
            case 1:
                return f"({self.of(BOOL, 1)} ? {text} : {self.leaf(type_)})"
            case 2:
                outer = self.chance.choice(bools)
                if _unified(outer.overload.parameters[0], type_, {}):
                    return f"{text} {outer.function.name.strip('_')} {self.leaf(type_)}"
                return text
            case 3:
                return f"[{text}].exists(w, w == {self.leaf(type_)})" if type_ in _SCALARS else text
            case _:
                return text

    def of(self, type_: Type, depth: int) -> str:
        """An expression of a type."""
        type_ = plain(type_)
        if depth <= 0 or self.chance.random() < 0.2:
            return self.leaf(type_)
        makers: list[Callable[[Type, int], str]] = [self.called, self.called, self.called, self.form]
        self.chance.shuffle(makers)
        for make in makers:
            try:
                text = make(type_, depth)
            except UnmakeableError:
                continue
            return f"dyn({text})" if self.chance.random() < 0.03 else text
        return self.leaf(type_)

    # Calls

    def called(self, type_: Type, depth: int) -> str:
        by_function: dict[tuple[str, bool], list[Call]] = {}
        for call in _calls(type_):
            by_function.setdefault((call.function.name, call.function.method), []).append(call)
        if not by_function:
            raise UnmakeableError
        return self.call(self.chance.choice(self.chance.choice(list(by_function.values()))), depth - 1)[0]

    def call(self, call: Call, depth: int) -> tuple[str, Type]:
        """A call, and the type of its result."""
        function, overload = call.function, call.overload
        bindings = dict(call.bindings)
        written = self.format() if function.name == "format" else None
        if written is not None:
            return written, STRING
        types = [self.bound(parameter, bindings) for parameter in overload.parameters]
        if function.name == "@sortBy":
            return self.sorted(types[0], types[1], depth), types[0]
        if function.name in _COMPARING and types[0] in NUMBERS and self.chance.random() < 0.2:
            types[0] = self.chance.choice(NUMBERS)
        texts = [self.argument(function, place, type_, depth) for place, type_ in enumerate(types)]
        if function.name in ("_==_", "_!=_") and self.chance.random() < 0.1:
            texts[1] = "null"
        if overload.dynamic:
            texts = [f"dyn({text})" for text in texts]
        return _written(function, texts), self.bound(overload.result, bindings)

    def sorted(self, list_: Type, keys: Type, depth: int) -> str:
        """``list.sortBy(x, key)``, the macro behind a function that no condition can name."""
        assert isinstance(list_, ListType)
        assert isinstance(keys, ListType)
        body = self.within({self.fresh(): plain(list_.element)}, lambda: self.of(plain(keys.element), depth))
        return f"{self.of(list_, depth)}.sortBy({body})"

    def argument(self, function: Function, place: int, type_: Type, depth: int) -> str:
        texts = ARGUMENTS.get((function.name, place))
        if texts and type_ == STRING and self.chance.random() < 0.8:
            return self.chance.choice(texts)
        return self.of(type_, depth)

    def bound(self, type_: Type, bindings: dict[str, Type]) -> Type:
        """A type with its parameters replaced; one that stands for nothing yet is chosen."""
        match type_:
            case Parameter(name=name):
                if name not in bindings:
                    bindings[name] = (
                        self.chance.choice((*_SCALARS, INT, STRING))
                        if name != "K"
                        else self.chance.choice((STRING, INT))
                    )
                return bindings[name]
            case Nullable(of=of):
                return self.bound(of, bindings)
            case ListType(element=element):
                return ListType(self.bound(element, bindings))
            case MapType(key=key, value=value):
                return MapType(self.bound(key, bindings), self.bound(value, bindings))
            case OptionalType(of=of):
                return OptionalType(self.bound(of, bindings))
            case Dynamic():
                return self.chance.choice(_SCALARS)
            case _:
                return type_

    def format(self) -> str:
        clauses, values = [], []
        for clause, type_ in self.chance.choices(_CLAUSES, k=self.chance.choice((1, 1, 2, 3))):
            clauses.append(clause)
            values.append(self.leaf(type_))
        return f'"{"-".join(clauses)}".format([{", ".join(values)}])'

    # Forms that are no functions

    def form(self, type_: Type, depth: int) -> str:
        forms: list[Callable[[], str]] = [lambda: self.conditional(type_, depth), lambda: self.index(type_, depth)]
        if has_form("bind"):
            forms.append(lambda: self.bind(type_, depth))
        if type_ == BOOL:
            forms += [lambda: self.logic(depth), lambda: self.logic(depth), self.has]
            forms += [lambda: self.quantifier(depth)] * 3
        if isinstance(type_, ListType):
            element = plain(type_.element)
            forms += [
                lambda: self.filter(type_, depth),
                lambda: self.map(element, depth),
                lambda: self.literal(element, depth),
            ]
        return self.chance.choice(forms)()

    def conditional(self, type_: Type, depth: int) -> str:
        return f"({self.of(BOOL, depth - 1)} ? {self.of(type_, depth - 1)} : {self.of(type_, depth - 1)})"

    def index(self, type_: Type, depth: int) -> str:
        if self.chance.random() < 0.3 and type_ in _SCALARS:
            return f"{{{self.leaf(STRING)}: {self.of(type_, depth - 1)}}}[{self.leaf(STRING)}]"
        return f"{self.of(ListType(type_), depth - 1)}[{self.chance.choice(('0', '0', '1', 'k'))}]"

    def logic(self, depth: int) -> str:
        operator = self.chance.choice(("&&", "||"))
        return f"({self.of(BOOL, depth - 1)} {operator} {self.of(BOOL, depth - 1)})"

    def has(self) -> str:
        names = [n for n in SCHEMA.columns if n.isidentifier()]
        places = [
            f"user.{self.chance.choice(names)}",
            "address.city",
            "user.address.geo",
            "labels.a",
            "orders[0].price",
        ]
        places += [f"{name}.{field}" for name, field, _ in self.fields()]
        return f"has({self.chance.choice(places)})"

    def quantifier(self, depth: int) -> str:
        macro = self.chance.choice(("all", "exists", "exists", "exists_one"))
        if has_form("two") and self.chance.random() < 0.2:
            element = self.element()
            range_ = self.of(ListType(element), depth - 1)
            with_both = self.within({self.fresh(): INT, f"{self.fresh()}v": element}, lambda: self.of(BOOL, depth - 1))
            return f"{range_}.{macro}({with_both})"
        range_, element = self.range(depth)
        return f"{range_}.{macro}({self.within({self.fresh(): element}, lambda: self.of(BOOL, depth - 1))})"

    def filter(self, type_: ListType, depth: int) -> str:
        element = plain(type_.element)
        range_ = self.of(type_, depth - 1)
        return f"{range_}.filter({self.within({self.fresh(): element}, lambda: self.of(BOOL, depth - 1))})"

    def map(self, result: Type, depth: int) -> str:
        range_, element = self.range(depth)

        def body() -> str:
            value = self.of(result, depth - 1)
            return f"{self.of(BOOL, depth - 1)}, {value}" if self.chance.random() < 0.3 else value

        if has_form("list") and self.chance.random() < 0.2:
            range_ = self.of(ListType(element), depth - 1)
            both = {self.fresh(): INT, f"{self.fresh()}v": element}
            return f"{range_}.transformList({self.within(both, body)})"
        return f"{range_}.map({self.within({self.fresh(): element}, body)})"

    def literal(self, element: Type, depth: int) -> str:
        elements = [self.of(element, depth - 1) for _ in range(self.chance.choice((0, 1, 1, 2, 3)))]
        if elements and self.chance.random() < 0.1:
            elements.append("null")
        return f"[{', '.join(elements)}]"

    def bind(self, type_: Type, depth: int) -> str:
        value = self.chance.choice(_SCALARS)
        bound = self.of(value, depth - 1)
        name = self.fresh()
        body = self.within({name: value}, lambda: self.of(type_, depth - 1))
        return f"cel.bind({name}, {bound}, {body.partition(', ')[2]})"

    def range(self, depth: int) -> tuple[str, Type]:
        """What a macro of one variable goes over, and the type of its elements."""
        if self.chance.random() < 0.3:
            return self.chance.choice(
                (("orders", _element_of("orders")), ("nested", ListType(INT)), ("labels", STRING))
            )
        element = self.element()
        return self.of(ListType(element), depth - 1), element

    def element(self) -> Type:
        return self.chance.choice((INT, INT, STRING, STRING, DOUBLE, UINT, BOOL, TIMESTAMP))

    def within(self, variables: Mapping[str, Type], body: Callable[[], str]) -> str:
        """The names of variables, and an expression in their scope."""
        self.scope += variables.items()
        try:
            return ", ".join((*variables, body()))
        finally:
            del self.scope[len(self.scope) - len(variables) :]

    def fresh(self) -> str:
        return f"e{len(self.scope)}"

    # Leaves

    def leaf(self, type_: Type) -> str:
        """A variable, a column, a field or a literal of a type."""
        bare = plain(type_)
        choices: list[Sequence[str]] = []
        if local := [*self.locals(bare)]:
            choices += [local, local, local]
        if columns := _columns(bare):
            choices += [columns, columns]
        if literals := LITERALS.get(bare):
            choices.append(literals)
        if choices:
            return self.chance.choice(self.chance.choice(choices))
        match bare:
            case ListType(element=element):
                return f"[{self.leaf(element)}]"
            case MapType(key=key, value=value):
                return f"{{{self.leaf(key)}: {self.leaf(value)}}}"
            case OptionalType(of=of):
                return self.optional(of)
            case TypeOf(of=of) if not isinstance(of, Parameter):
                return f"type({self.leaf(of)})"
            case _:
                raise UnmakeableError

    def optional(self, of: Type) -> str:
        columns = [name for name, type_ in SCHEMA.types.items() if plain(type_) == plain(of) and name.isidentifier()]
        if columns and has_form("optional") and self.chance.random() < 0.6:
            return f"user.?{self.chance.choice(columns)}"
        return f"optional.of({self.leaf(of)})"

    def locals(self, type_: Type) -> Iterator[str]:
        for name, held in self.scope:
            if plain(held) == type_:
                yield name
        for name, field, held in self.fields():
            if held == type_:
                yield f"{name}.{field}"

    def fields(self) -> Iterator[tuple[str, str, Type]]:
        """The fields of the structs among the variables."""
        for name, held in self.scope:
            bare = plain(held)
            if isinstance(bare, StructType):
                yield from ((name, field, plain(type_)) for field, type_ in bare.fields)


_CLAUSES: tuple[tuple[str, Type], ...] = (
    ("%s", STRING), ("%s", INT), ("%s", DOUBLE), ("%s", BOOL), ("%s", TIMESTAMP), ("%s", BYTES), ("%s", ListType(INT)),
    ("%d", INT), ("%d", UINT), ("%f", DOUBLE), ("%.2f", DOUBLE), ("%e", DOUBLE), ("%x", INT), ("%X", STRING),
    ("%o", INT), ("%b", INT), ("%b", BOOL), ("%%", INT),
)  # fmt: skip


@cache
def _calls(type_: Type) -> tuple[Call, ...]:
    """The overloads whose result is of a type; those of run time only are called for themselves."""
    found = []
    for call in roots():
        bindings: dict[str, Type] = {}
        if not call.overload.dynamic and _unified(call.overload.result, type_, bindings):
            found.append(call._replace(bindings=bindings))
    return tuple(found)


def _unified(pattern: Type, type_: Type, bindings: dict[str, Type]) -> bool:
    """Whether a type is an instance of a pattern; ``bindings`` takes what the parameters stand for."""
    pattern, type_ = plain(pattern), plain(type_)
    match pattern, type_:
        case Parameter(name=name), _:
            return bindings.setdefault(name, type_) == type_
        case ListType(element=a), ListType(element=b):
            return _unified(a, b, bindings)
        case MapType(key=k, value=v), MapType(key=l, value=w):
            return _unified(k, l, bindings) and _unified(v, w, bindings)
        case OptionalType(of=a), OptionalType(of=b):
            return _unified(a, b, bindings)
        case _:
            return pattern == type_


@cache
def _element_of(column: str) -> Type:
    bare = plain(SCHEMA.types[column])
    assert isinstance(bare, ListType)
    return plain(bare.element)


@cache
def _columns(type_: Type) -> tuple[str, ...]:
    """The columns of a type, and the fields of structs, as they are written."""
    found: list[str] = []
    for name, held in SCHEMA.types.items():
        bare = plain(held)
        if _alike(bare, type_) and name != "row":
            if name.isidentifier() and name not in ("user", "now"):
                found += [name, name, f"user.{name}"]
            else:
                found.append(f"user.`{name}`" if not name.isidentifier() else f"user.{name}")
        if isinstance(bare, StructType):
            found += [f"{name}.{field}" for field, of in bare.fields if _alike(plain(of), type_)]
            found += [
                f"{name}.{field}.{inner}"
                for field, of in bare.fields
                if isinstance(struct := plain(of), StructType)
                for inner, type_of_inner in struct.fields
                if _alike(plain(type_of_inner), type_)
            ]
    return tuple(found)


def _alike(a: Type, b: Type) -> bool:
    """Whether types are the same but for where nulls may be."""
    return _unified(a, b, {}) and type(a) is type(b)


def _written(function: Function, arguments: Sequence[str]) -> str:
    text = call_text(function, arguments)
    name = function.name
    operator = name in ("@in", "!_", "-_") or (name.startswith("_") and not name.startswith("_["))
    return f"({text})" if operator and not function.method else text
