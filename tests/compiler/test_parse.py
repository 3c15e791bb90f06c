"""The parser against trees written by hand, the conformance suite, and cel-cpp."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import assert_never

import pytest
from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional
from hypothesis import given
from hypothesis import strategies as st

from compiler.diagnostics import CompileError
from compiler.parse import parse
from compiler.source import Source
from compiler.syntax import (
    Bind,
    Call,
    Comprehension,
    Conditional,
    Has,
    Index,
    ListLiteral,
    Literal,
    Logic,
    MapLiteral,
    MessageLiteral,
    Name,
    Select,
    Syntax,
)
from compiler.types import BYTES, UINT

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "parse.txt"
CONFORMANCE = ROOT.parent / "shared" / "conformance" / "cases.jsonl"


def render(node: Syntax) -> str:
    """A tree on one line: ``(function arguments)``, ``(:method target arguments)``, ``(macro [names] range body)``."""
    match node:
        case Literal(type=kind, value=value):
            if isinstance(value, float):
                return repr(value)
            return (
                repr(value) if kind == BYTES else json.dumps(value, ensure_ascii=False) + ("u" if kind == UINT else "")
            )
        case Name(name=name, absolute=absolute):
            return f".{name}" if absolute else name
        case Select(operand=operand, field=field, optional=optional):
            return f"(.{'?' * optional} {render(operand)} {_word(field)})"
        case Has(operand=operand, field=field):
            return f"(has {render(operand)} {_word(field)})"
        case Index(operand=operand, index=index, optional=optional):
            return f"([{'?' * optional}] {render(operand)} {render(index)})"
        case Call(function=function, target=None, arguments=arguments):
            return _application(function, *arguments)
        case Call(function=function, target=target, arguments=arguments):
            assert target is not None
            return _application(f":{function}", target, *arguments)
        case Logic(operator=operator, operands=operands):
            return _application(operator, *operands)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return _application("?", condition, then, otherwise)
        case ListLiteral(elements=elements, optional=places):
            return f"[{' '.join('?' * (i in places) + render(e) for i, e in enumerate(elements))}]"
        case MapLiteral(entries=entries):
            return _braces("", [(e.optional, render(e.key), e.value) for e in entries])
        case MessageLiteral(name=name, fields=fields):
            return _braces(name, [(f.optional, _word(f.name), f.value) for f in fields])
        case Comprehension(macro=macro, range=over, variables=variables, arguments=arguments):
            return _application(f"{macro} [{' '.join(variables)}]", over, *arguments)
        case Bind(variable=variable, value=value, body=body):
            return _application(f"bind {variable}", value, body)
        case _:
            assert_never(node)


def _word(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _application(head: str, *operands: Syntax) -> str:
    return f"({' '.join((head, *map(render, operands)))})"


def _braces(name: str, entries: list[tuple[bool, str, Syntax]]) -> str:
    inner = ", ".join(f"{'?' * optional}{key}: {render(value)}" for optional, key, value in entries)
    return f"{name}{{{inner}}}"


def children(node: Syntax) -> tuple[Syntax, ...]:
    match node:
        case Literal() | Name():
            return ()
        case Select(operand=operand) | Has(operand=operand):
            return (operand,)
        case Index(operand=operand, index=index):
            return (operand, index)
        case Call(target=target, arguments=arguments):
            return arguments if target is None else (target, *arguments)
        case Logic(operands=operands):
            return operands
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case ListLiteral(elements=elements):
            return elements
        case MapLiteral(entries=entries):
            return tuple(child for entry in entries for child in (entry.key, entry.value))
        case MessageLiteral(fields=fields):
            return tuple(field.value for field in fields)
        case Comprehension(range=over, arguments=arguments):
            return (over, *arguments)
        case Bind(value=value, body=body):
            return (value, body)
        case _:
            assert_never(node)


def every_node(tree: Syntax) -> Iterator[Syntax]:
    yield tree
    for child in children(tree):
        yield from every_node(child)


def tree_cases() -> list[tuple[str, str]]:
    lines = [line for line in FIXTURE.read_text("utf-8").splitlines() if line and not line.startswith("# ")]
    assert all(
        not text.startswith(" ") and tree.startswith("    ") for text, tree in zip(lines[::2], lines[1::2], strict=True)
    )
    return [(text, tree.strip()) for text, tree in zip(lines[::2], lines[1::2], strict=True)]


def refusal(text: str) -> str | None:
    """What is said of a text that does not parse."""
    try:
        parse(Source(text))
    except CompileError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("text", "tree"), tree_cases())
def test_tree(text: str, tree: str) -> None:
    assert render(parse(Source(text))) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'''a\nb'''", "a\nb"),
        ("'''a\r\nb\rc'''", "a\nb\nc"),
        ("'''\\t\r\n\\r\\n'''", "\t\n\r\n"),
        ('"""\n"""', "\n"),
        ("r'''\\\n'''", "\\\n"),
        ("b'''\n'''", b"\n"),
        ("'\x00\x0b\x7f'", "\x00\x0b\x7f"),
        ("\t\n\f\r 1 // one\n", 1),
        ("// one\r1", 1),
        ("0" * 9_000 + "7", 7),
    ],
)
def test_literals_that_take_no_single_line(text: str, value: object) -> None:
    literal = parse(Source(text))
    assert isinstance(literal, Literal)
    assert literal.value == value


@pytest.mark.parametrize("text", [text for text, _ in tree_cases() if "opt" not in text and text != "--1"])
def test_a_span_covers_exactly_the_text_of_its_node(text: str) -> None:
    source = Source(text)
    for node in every_node(parse(source)):
        written = source.slice(node.span)
        assert render(parse(Source(written))) == render(node)
        assert written == written.strip()
        if isinstance(node, (Select, Has)):
            assert source.slice(node.field_span).strip("`") == node.field
        if isinstance(node, Call):
            assert source.slice(node.function_span) == node.function.strip("_@")
        for child in children(node):
            assert node.span.start <= child.span.start <= child.span.end <= node.span.end


def test_a_parent_begins_at_the_parenthesis_of_its_first_operand() -> None:
    product = parse(Source(" (a + b) * (c)"))
    assert isinstance(product, Call)
    assert product.span == (1, 14)
    assert [operand.span for operand in product.arguments] == [(2, 7), (12, 13)]


def test_optional_macros_point_into_the_text() -> None:
    source = Source("user.?name.optMap(n, n.size())")
    for node in every_node(parse(source)):
        assert 0 <= node.span.start < node.span.end <= len(source.text)


def conformance_cases() -> list[tuple[str, str]]:
    if not CONFORMANCE.exists():
        return []
    cases = [json.loads(line) for line in CONFORMANCE.read_text("utf-8").splitlines()]
    return [("/".join((c["file"], c["section"], c["name"])), c["expr"]) for c in cases if c["file"] != "block_ext"]


@pytest.mark.skipif(
    not CONFORMANCE.exists(), reason="the conformance cases lie beside the project, and are absent here"
)
def test_conformance() -> None:
    """Every expression of the suite is valid CEL: where one must fail, it fails when evaluated.

    The file block_ext is no CEL that people write: it holds the internal form of an optimiser.
    """
    cases = conformance_cases()
    assert len(cases) > 1_000
    assert [name for name, text in cases if refusal(text)] == []


# Where this parser and cel-cpp's differ: a part of the message of the one that refuses, and the reason.
DIFFERENCES = {
    "must be a simple name": "cel-cpp's package has no two-variable comprehensions, so there these are ordinary calls",
    "have the same name": "cel-go refuses two variables of one name; cel-cpp has no two-variable comprehensions",
    "too large for a double": "cel-go refuses 1e999; cel-cpp reads it as infinity",
    "is a reserved word": "the specification reserves the word; cel-cpp lets it begin the name of a message type",
    "levels deep": "a limit of ours",
    "token recognition error at: '`": "backticks reach any column; cel-cpp takes ASCII letters, digits and _.-/ only",
    "String must end with": "cel-cpp takes a backslash at the end of a raw string for an escape; the grammar does not",
}

ATOMS = [
    *("a", "b.c", ".d", "user", "a.`b c`", "a.as", "a.?b", "a[?0]", "f()", "has(a.b)", "[]", "[?a]", "{}", "T{}"),
    *("1", "-1", "0x1F", "2u", "1.5", ".5", "1e3", "true", "false", "null"),
    *("'x'", '"y"', "'\\n'", "r'\\d'", "b'z'", "'''q'''"),
]
SHAPES = [
    *("{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} % {}", "{} == {}", "{} != {}", "{} < {}", "{} >= {}", "{} in {}"),
    *("{} && {}", "{} || {}", "{} ? {} : {}", "({})", "!{}", "-{}", "{} // note\n"),
    *("[{}, {}]", "[{},]", "{{{}: {}}}", "{{?{}: {}}}", "T{{x: {}}}", "f({}, {})", "({}).g({})", "({})[{}]", "({}).?i"),
    *("({}).all(x, {})", "({}).map(x, {}, {})", "({}).exists_one(x, {})", "({}).filter(x, {})", "has(({}).h)"),
    *("cel.bind(y, {}, {})", "({}).optMap(z, {})"),
]
# No carriage return: it ends a comment by the specification, and not in cel-cpp.
SCRAPS = [
    *"+-*/%<>=!&|?:.,()[]{}`'\"\\ \n\t\x00;#$@1u_xé",
    *("==", "&&", "||", "in", "null", "if", "0x", "1e", ".5", "//", "'''", "r'", 'b"', "-9223372036854775808", "1e999"),
]


def random_text(random: Random, depth: int) -> str:
    if depth == 0:
        return random.choice(ATOMS)
    shape = random.choice(SHAPES)
    return shape.format(*(random_text(random, random.randrange(depth)) for _ in range(shape.count("{}"))))


def mangled(random: Random, text: str) -> str:
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(["", random.choice(SCRAPS)]) + text[at + random.randrange(3) :]
    return text


def refusal_of_cel_cpp(env: cel.Env, text: str) -> str | None:
    try:
        env.compile(text, disable_check=True)
    except RuntimeError as error:
        return str(error)
    return None


def test_cel_cpp_accepts_and_refuses_the_same_texts() -> None:
    random = Random(2)
    env = cel.NewEnv(extensions=[ext_optional.ExtOptional(), ext_bindings.ExtBindings()])
    texts = [text for text, _ in tree_cases() if "(k, v" not in text and "(i, v" not in text]  # it has no such macros
    texts += [random_text(random, random.randrange(1, 5)) for _ in range(400)]
    texts += [mangled(random, random.choice(texts)) for _ in range(1_600)]
    accepted, differences = 0, []
    for text in texts:
        theirs = refusal_of_cel_cpp(env, text)
        ours = refusal(text)
        accepted += ours is None
        known = any(part in f"{ours} {theirs}" for part in DIFFERENCES)
        if (ours is None) != (theirs is None) and not known:
            differences.append((text, ours, theirs))
    assert differences == []
    assert len(texts) * 0.2 < accepted < len(texts) * 0.8


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda octets: octets.decode("utf-8", "surrogateescape")))
def test_any_text_ends_in_a_tree_or_an_error(text: str) -> None:
    refusal(text)


@given(st.lists(st.sampled_from([*ATOMS, *SCRAPS]), max_size=60).map("".join))
def test_any_tokens_end_in_a_tree_or_an_error(text: str) -> None:
    refusal(text)
