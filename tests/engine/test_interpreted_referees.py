"""The interpreter against the specification's conformance cases and against Google's cel-cpp."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from cel_expr_python import cel

from compiler.diagnostics import CompileError
from compiler.parse import parse
from compiler.source import Source
from compiler.values import Duration, Timestamp, Uint
from engine.interpreted import Failed, evaluate_once

CASES = Path(__file__).parents[3] / "shared" / "conformance" / "cases.jsonl"

# The files of the suite that the language covers so far, and how many of their cases may still be wrong: what is wrong
# uses type() or type values, or is one of two cases of the suite that fail on every engine.
FILES = {
    "basic": 0,
    "comparisons": 0,
    "conversions": 22,
    "fields": 0,
    "fp_math": 0,
    "integer_math": 0,
    "lists": 0,
    "logic": 0,
    "macros": 0,
    "parse": 2,
    "plumbing": 0,
    "string": 0,
    "timestamps": 2,
}

Json = Mapping[str, object]


@pytest.mark.skipif(not CASES.exists(), reason="the conformance cases are not on this machine")
def test_conformance() -> None:
    wrong: Counter[str] = Counter()
    details = []
    cases = list(cases_in_scope())
    assert len(cases) > 700
    for case in cases:
        value = outcome(case["expr"], {name: binding(v) for name, v in case["bindings"].items()})
        expected = case["expected"]
        wanted = expected.get("value") or (expected.get("typed_result") or {}).get("result")
        right = value is Failed if wanted is None else is_same(value, tagged(wanted))
        if not right:
            wrong[case["file"]] += 1
            details.append(f"{case['file']}/{case['section']}/{case['name']}: {case['expr']!r} gave {value!r}")
    assert {file: wrong[file] for file in FILES} == FILES, "\n".join(details)


def cases_in_scope() -> Iterator[dict]:  # type: ignore[type-arg]
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        skipped = case["container"] or case["disable_macros"] or case["check_only"]
        functions = any("function" in declaration for declaration in case["type_env"])
        if case["file"] in FILES and not skipped and not functions:
            yield case


def binding(value: Json) -> object:
    inner = value.get("value", value)
    assert isinstance(inner, dict)
    return tagged(inner)


def tagged(value: Json) -> object:
    """The Python value of a tagged one (see the README of the cases)."""
    ((tag, inner),) = value.items()
    match tag, inner:
        case "int64", str():
            return int(inner)
        case "uint64", str():
            return Uint(inner)
        case "double", str():
            return float(inner)
        case "bytes", str():
            return base64.b64decode(inner)
        case "list", list():
            return [tagged(element) for element in inner]
        case "map", list():
            return {tagged(key): tagged(element) for key, element in inner}
        case (("timestamp" | "duration"), dict()):
            nanoseconds = int(inner["seconds"]) * 1_000_000_000 + inner["nanos"]
            return Timestamp(nanoseconds) if tag == "timestamp" else Duration(nanoseconds)
        case "type", _:
            return value
        case _:
            return inner


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
    "{1: 2, true: 3}": "Python takes true for 1, so a map with both keys is refused",
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
