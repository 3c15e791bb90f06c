"""The interpreter against the specification's conformance cases and against Google's cel-cpp."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from cel_expr_python import cel

from compiler.diagnostics import CompileError
from compiler.parse import parse
from compiler.source import Source
from compiler.values import Duration, Timestamp, Uint
from engine.interpreted import Failed, evaluate_once
from tests.conformance.suite import PATH, cases


@pytest.mark.skipif(not PATH.exists(), reason="the conformance cases are not on this machine")
def test_conformance() -> None:
    """Without a schema, and to the bit; ``tests/conformance`` asks the rest."""
    wrong = {}
    judged = [case for case in cases() if not case.check_only]
    assert len(judged) > 1_000
    for case in judged:
        value = outcome(case.expression, {variable.name: variable.value for variable in case.variables})
        if not (value is Failed if case.errs else is_same(value, case.value)):
            wrong[case.id] = f"{case.expression!r} gave {value!r}"
    assert not wrong


def outcome(text: str, bindings: Mapping[str, object]) -> object:
    """The value of a condition, or ``Failed`` itself."""
    source = Source(text)
    try:
        value = evaluate_once(parse(source), source, bindings, now=0)
    except CompileError:
        return Failed
    return Failed if isinstance(value, Failed) else value


def is_same(a: object, b: object) -> bool:
    """Whether two values are the same in type and to the bit."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and isinstance(b, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(is_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(any(is_same(k, m) and is_same(v, b[m]) for m in b) for k, v in a.items())
    return a == b


HOSTILE = (
    "null", "true", "0", "1", "-1", "9223372036854775807", "(-9223372036854775808)", "0u", "18446744073709551615u",
    "(-0.0)", "1.0", "1.5", "9223372036854775808.0", "(0.0/0.0)", "(-1.0/0.0)", "''", "'1'", "'é😀'", "b'\\xff'",
    "[]", "[1.0]", "[null, 'a']", "{}", "{'a': 1}", "{1u: null}", "timestamp('9999-12-31T23:59:59Z')", "duration('1s')",
    "(1/0)",
)  # fmt: skip
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "&&", "||")
SHAPES = (
    "size({})", "{}.size()", "-{}", "!{}", "{} ? 1 : 2", "has({}.a)", "{}.a", "int({})", "uint({})", "double({})",
    "string({})", "bool({})", "bytes({})", "timestamp({})", "duration({})", "dyn({})", "{}.exists(x, x == 1)",
    "{}.all(x, x == 1)", "{}.map(x, x).size()", "{}.filter(x, x == 1).size()", "{}.exists_one(x, x == 1)",
    "[1, 2].exists(x, {})", "[1, 2].all(x, {})", "[1, 2].filter(x, {}).size()", "[1, 2].exists_one(x, {})",
    "[1, 2].map(x, x == 1, {}).size()", "[true, false].exists(x, x ? {} : true)", "[false, true].exists(x, x || {})",
    "[true, false].all(x, x ? {} : false)", "{{'k': {}}}.size()", "{{{}: 1}}.size()", "[{}, 1/0]", "[{}].size()",
    "{}.matches('1')", "{}.startsWith('')", "{}.endsWith('1')", "{}.contains('a')", "'a'.contains({})",
    "{}.getFullYear()", "{}.getSeconds()", "{}.getMilliseconds()", "{}.getHours('Europe/Berlin')", "{}.nope()",
    "nope({})", "true ? 1 : {}", "[1, 2][{}]", "{{'a': 1}}[{}]", "{}[0]", "{{1: 2, true: 3}}[{}]",
)  # fmt: skip
# Where cel-cpp is not the specification's measure, by what the probe starts or ends with.
EXCEPTIONS = {
    "int(true)": "cel-cpp converts a bool to int; the specification has no such overload",
    "string((0.0/0.0))": "cel-cpp writes the sign of NaN",
}


def probes() -> Iterator[str]:
    for operator in OPERATORS:
        for a, b in product(HOSTILE, HOSTILE):
            if operator == "in" and a.startswith(("[", "{", "b'", "time", "dur", "(0.0", "null")) and b.startswith("{"):
                continue  # cel-cpp errs for what can be no key, the specification says false
            yield f"{a} {operator} {b}"
    for shape, value in product(SHAPES, HOSTILE):
        yield shape.format(value)


def test_hostile_probes_agree_with_cel_cpp() -> None:
    environment = cel.NewEnv()
    disagreements = []
    count = 0
    for text in probes():
        count += 1
        if any(text.startswith(exception) for exception in EXCEPTIONS):
            continue
        mine = outcome(text, {})
        try:
            result = environment.compile(text, disable_check=True).eval(data={})
        except Exception:
            theirs: object = Failed
        else:
            theirs = Failed if result.type().name() == "ERROR" else judged(result.value())
        if isinstance(mine, list | dict):
            mine, theirs = type(mine), type(mine)
        if not same_judgement(mine, theirs):
            disagreements.append(f"{text}: {mine!r}, cel-cpp {theirs!r}")
    assert count > 12_000
    assert not disagreements, "\n".join(disagreements)


def judged(value: object) -> object:
    """A value of cel-cpp's package: it has no uint of its own, and times in microseconds."""
    match value:
        case bytearray():
            return bytes(value)
        case datetime():
            utc = value if value.tzinfo else value.replace(tzinfo=UTC)
            return Timestamp((utc - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000)
        case timedelta():
            return Duration(value // timedelta(microseconds=1) * 1_000)
        case _:
            return value


def same_judgement(mine: object, theirs: object) -> bool:
    return is_same(int(mine) if isinstance(mine, Uint) else mine, theirs)
