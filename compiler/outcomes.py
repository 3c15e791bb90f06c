"""What a condition can come to on rows of whose values something is known: true, false, an error.

Outcomes are sets, as bits of an int. They may hold more than what occurs, never less. The same walk the other way round
tells what is known of values on the rows on which a condition is true, or false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

from .facts import UNKNOWN, Facts, Value
from .ir import Bind, Call, Column, Constant, Fail, Field, Has, Logic, Node
from .types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    Dynamic,
    ListType,
    Type,
    plain,
)

TRUE, FALSE, ERROR = 1, 2, 4
"""The outcomes."""
ANY = TRUE | FALSE | ERROR

FactsOf = Mapping[str, Facts]
"""What is known of the values of nodes, by their fingerprints."""

_NEGATED = (0, FALSE, TRUE, FALSE | TRUE, ERROR, ERROR | FALSE, ERROR | TRUE, ANY)
_ORDERINGS = {"less": "<", "less_equals": "<=", "greater": ">", "greater_equals": ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FAMILIES: dict[Type, Type] = {
    **dict.fromkeys(NUMBERS, DOUBLE),
    **{type_: type_ for type_ in (BOOL, STRING, BYTES, TIMESTAMP, DURATION)},
}
"""The types whose values have an order, each with one that stands for all that it can be compared with."""
_DISCRETE = (INT, UINT, TIMESTAMP, DURATION)
_EXACT_DOUBLES = 2**53


class Test(NamedTuple):
    """A comparison of something with a constant: the atoms of which most conditions consist.

    Attributes:
        subject: what is compared.
        symbol: ``<``, ``<=``, ``>``, ``>=``, ``==``, ``!=``, ``in`` or ``not in``, the subject on its left.
        value: the constant; of ``in``, a tuple of such; None is null.
    """

    subject: Node
    symbol: str
    value: Value | tuple[Value | None, ...] | None


def outcomes(node: Node, facts: FactsOf) -> int:
    """What a bool can come to on a row, as the bits TRUE, FALSE and ERROR."""
    match node:
        case Logic(operator="&&", operands=operands):
            return _conjunction([outcomes(operand, facts) for operand in operands])
        case Logic(operands=operands):
            return _NEGATED[_conjunction([_NEGATED[outcomes(operand, facts)] for operand in operands])]
        case Bind():
            return outcomes(node.body, facts)
        case Call() if node.overload.id == "logical_not":
            return _NEGATED[outcomes(node.arguments[0], facts)]
        case Call():
            test = test_of(node)
            return ANY if test is None else decided(test, facts.get(test.subject.fingerprint, UNKNOWN))
        case Column() | Field() if plain(node.type) == BOOL:
            return decided(Test(node, "==", value=True), facts.get(node.fingerprint, UNKNOWN), null=ERROR)
        case Has():
            known = facts.get(node.operand.fingerprint, UNKNOWN)
            return known.present * TRUE | known.null * FALSE | (known is UNKNOWN) * ERROR
        case Constant(value=value):
            return TRUE if value is True else FALSE if value is False else ERROR
        case Fail():
            return ERROR
        case _:
            return ANY


def _conjunction(operands: list[int]) -> int:
    every = reduce(operator.and_, operands)
    some = reduce(operator.or_, operands)
    possible = (every & TRUE) | (some & FALSE)
    if some & ERROR and all(one & (TRUE | ERROR) for one in operands):
        possible |= ERROR
    return possible


def test_of(node: Call) -> Test | None:
    """A call as a comparison with a constant; None where it is none whose outcome is known from bounds."""
    if len(node.arguments) != 2:
        return None
    left, right = node.arguments
    name = node.overload.id
    if name == "in_list":
        return _membership(left, right)
    symbol = {"equals": "==", "not_equals": "!="}.get(name) or _ordering(name)
    if symbol is None:
        return None
    if isinstance(left, Constant):
        left, right, symbol = right, left, _MIRRORED[symbol]
    if isinstance(left, Constant) or not isinstance(right, Constant) or isinstance(right.value, tuple):
        return None
    if not (right.type == NULL or _comparable(left.type, right.type)):
        return None
    return Test(left, symbol, right.value)  # type: ignore[arg-type]  # of a constant that is no list


def _ordering(overload: str) -> str | None:
    """The symbol of an overload of an ordering: ``less_int``, ``greater_equals_int_double``, ..."""
    name, _, rest = overload.partition("_")
    if name not in _ORDERINGS:
        return None
    return _ORDERINGS[f"{name}_equals" if rest.startswith("equals_") else name]


def _membership(subject: Node, range_: Node) -> Test | None:
    if isinstance(subject, Constant) or not isinstance(range_, Constant) or not isinstance(range_.value, tuple):
        return None
    type_ = plain(range_.type)
    element = type_.element if isinstance(type_, ListType) else type_
    if not (_comparable(subject.type, element) or element == NULL) or any(isinstance(v, tuple) for v in range_.value):
        return None
    return Test(subject, "in", range_.value)


def _comparable(left: Type, right: Type) -> bool:
    family = None if isinstance(left, Dynamic) else _FAMILIES.get(plain(left))
    return family is not None and _FAMILIES.get(plain(right)) == family


def decided(test: Test, facts: Facts, null: int | None = None) -> int:
    """What a comparison can come to, given what is known of its subject; ``null``: on a null of it."""
    possible = ERROR if facts.fails else 0
    if facts.null:
        possible |= _on_null(test) if null is None else null
    if not facts.present:
        return possible
    double = plain(test.subject.type) == DOUBLE
    match test.symbol, test.value:
        case ("in" | "not in") as symbol, tuple() as values:
            found = [_on_present("==", facts, value, double=double) for value in values if value is not None]
            here = _NEGATED[_conjunction([_NEGATED[one] for one in found])] if found else FALSE
            if facts.choices is not None and facts.choices <= set(values) and not (double and facts.nan):
                here = TRUE
            return possible | (here if symbol == "in" else _NEGATED[here])
        case "==", None:
            return possible | FALSE
        case "!=", None:
            return possible | TRUE
        case "!=", value:
            return possible | _NEGATED[_on_present("==", facts, value, double=double)]
        case symbol, value:
            return possible | _on_present(symbol, facts, value, double=double)


def _on_null(test: Test) -> int:
    match test.symbol, test.value:
        case "==", value:
            return TRUE if value is None else FALSE
        case "!=", value:
            return FALSE if value is None else TRUE
        case "in", tuple() as values:
            return TRUE if None in values else FALSE
        case "not in", tuple() as values:
            return FALSE if None in values else TRUE
        case _:
            return ERROR


def _on_present(symbol: str, facts: Facts, value: object, *, double: bool) -> int:
    """An ordering or ``==`` with a constant, of a value that is there. Bounds suffice, for each is monotonic."""
    low: Any = facts.low
    high: Any = facts.high
    choices: frozenset[Any] | None = facts.choices
    other: Any = value
    possible = FALSE if double and facts.nan else 0
    if double or isinstance(other, float):
        # The specification compares int and uint with double as doubles.
        low, high, other = (None if one is None else float(one) for one in (low, high, other))
        choices = None if choices is None else frozenset(map(float, choices))
        if other != other:
            return FALSE
    if symbol == "==":
        outside = (low is not None and other < low) or (high is not None and other > high)
        if outside or (choices is not None and other not in choices):
            return possible | FALSE
        return possible | (TRUE if low is not None and low == other == high else TRUE | FALSE)
    compare = _COMPARE[symbol]
    rising = symbol in (">", ">=")
    most, least = (high, low) if rising else (low, high)
    if most is None or compare(most, other):
        possible |= TRUE
    if least is None or not compare(least, other):
        possible |= FALSE
    return possible


def assume(node: Node, facts: FactsOf, *, true: bool) -> FactsOf:
    """What is known on those rows on which a bool is true, or false, and no error."""
    match node:
        case Logic(operator=symbol, operands=operands):
            if (symbol == "&&") is true:
                return reduce(lambda known, operand: assume(operand, known, true=true), operands, facts)
            return facts
        case Call() if node.overload.id == "logical_not":
            return assume(node.arguments[0], facts, true=not true)
        case Call():
            test = test_of(node)
            if test is None:
                return facts
            return _with(facts, test.subject, test if true else test._replace(symbol=_OPPOSITE[test.symbol]), true=true)
        case Column() | Field() if plain(node.type) == BOOL:
            known = _with(facts, node, Test(node, "==", true), true=true)
            return {**known, node.fingerprint: known[node.fingerprint]._replace(null_count=0)}
        case Has():
            known_of = facts.get(node.operand.fingerprint, UNKNOWN)._replace(fails=False)
            changed = known_of._replace(null_count=0) if true else known_of._replace(present=False)
            return {**facts, node.operand.fingerprint: changed}
        case _:
            return facts


def _with(facts: FactsOf, subject: Node, test: Test, *, true: bool) -> FactsOf:
    """What is known where a comparison holds. ``true``: it was not made by negating one that is false."""
    known = facts.get(subject.fingerprint, UNKNOWN)._replace(fails=False)
    null_possible = known.null and _on_null(test) == TRUE
    known = known._replace(null_count=None if null_possible else 0)
    double = plain(subject.type) == DOUBLE
    constants = _usable(test)
    match test.symbol, constants:
        case _, None:
            pass
        case ("==" | "in") as symbol, values:
            known = _among(known, values)._replace(nan=False)
            if symbol == "==" and test.value is None:
                known = known._replace(present=False)
        case (("!=" | "not in"), values):
            known = _without(known, values, nan=double and known.nan)
        case symbol, values:
            if true or not (double and known.nan):
                (value,) = values
                known = _bounded(known, symbol, value, subject.type)
            if true:
                known = known._replace(nan=False)
    return {**facts, subject.fingerprint: known}


def _usable(test: Test) -> frozenset[Value] | None:
    """The constants as values that the subject can have, null apart; None where they stand for more than themselves, as
    a double does for several int beyond 53 bits.
    """
    values = [v for v in (test.value if isinstance(test.value, tuple) else (test.value,)) if v is not None]
    if plain(test.subject.type) == DOUBLE:
        values = [float(v) for v in values]
    elif any(isinstance(v, float) and not abs(v) < _EXACT_DOUBLES for v in values):
        return None
    return None if any(v != v for v in values) else frozenset(values)


def _among(facts: Facts, values: frozenset[Value]) -> Facts:
    kept = values if facts.choices is None else values & facts.choices
    kept = frozenset(v for v in kept if _on_present("==", facts, v, double=False) & TRUE)
    if not kept:
        return facts._replace(present=False, choices=kept)
    low: Any = min(kept)
    high: Any = max(kept)
    return facts._replace(low=low, high=high, choices=kept)


def _without(facts: Facts, gone: frozenset[Value], *, nan: bool) -> Facts:
    if facts.choices is None:
        alone = facts.low is not None and facts.low == facts.high
        return facts._replace(present=nan) if alone and facts.low in gone else facts
    kept = facts.choices - gone
    return facts._replace(choices=kept, present=bool(kept) or nan)


def _bounded(facts: Facts, symbol: str, value: Any, type_: Type) -> Facts:
    """What is known where an ordering holds."""
    discrete = plain(type_) in _DISCRETE and not isinstance(value, float)
    if symbol in (">", ">="):
        low = value + 1 if symbol == ">" and discrete else value
        facts = facts._replace(low=low if facts.low is None else max(low, facts.low))
    else:
        high = value - 1 if symbol == "<" and discrete else value
        facts = facts._replace(high=high if facts.high is None else min(high, facts.high))
    low_: Any = facts.low
    high_: Any = facts.high
    if low_ is not None and high_ is not None and low_ > high_:
        return facts._replace(present=False)
    if facts.choices is not None:
        kept = frozenset(v for v in facts.choices if _COMPARE[symbol](v, value))
        return facts._replace(choices=kept, present=bool(kept))
    return facts
