"""From the typed tree to one in normal form, so that equal conditions look equal and the lowering sees fewer forms.

The rules are plain functions in one tuple, applied from the leaves up. Each keeps the value, the error and the reason
of every row: where operands change their order, their spans still tell the order of the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter, is_not, lt

from .check import logic
from .functions import catalogue
from .functions.constants import type_of
from .functions.declare import EvaluationError
from .ir import (
    Bind,
    Bound,
    Call,
    Column,
    Comprehension,
    Conditional,
    Constant,
    Fail,
    Field,
    Has,
    Local,
    Logic,
    MakeList,
    MakeMap,
    Node,
    children,
)
from .source import Span
from .types import BOOL, DOUBLE, DURATION, TIMESTAMP, UINT, ListType, MapType, Primitive, Type, is_nullable, plain
from .values import Duration, Optional, Timestamp, TypeValue, Uint

Rule = Callable[[Node], Node]

_LEAVES = (Column, Constant, Local)

_WRAPPERS: dict[Type, Callable[[int], int]] = {UINT: Uint, TIMESTAMP: Timestamp, DURATION: Duration}

_OPPOSITES = {
    "_<_": "_>=_",
    "_<=_": "_>_",
    "_>_": "_<=_",
    "_>=_": "_<_",
    "_==_": "_!=_",
    "_!=_": "_==_",
}


def normalize(node: Node) -> Node:
    """The normal form of a tree; equal to it on every row."""
    return _normal(node, {})


def _normal(node: Node, constants: Mapping[str, Constant]) -> Node:
    """The normal form; ``constants`` are the variables of ``cel.bind`` that stand for one."""
    # The commonest first: each pattern costs.
    match node:
        case Call() | Logic():
            pass
        case Column() | Constant() | Local():
            return node
        case Bound():
            constant = constants.get(node.fingerprint)
            return node if constant is None else constant._replace(span=node.span, origin=node.origin)
        case Bind():
            value = _normal(node.value, constants)
            inner = {**constants, node.variable: value} if isinstance(value, Constant) else constants
            body = _normal(node.body, inner)
            return node._replace(value=value, body=body, fingerprint=body.fingerprint)
        case _:
            pass
    below = children(node)
    # Most nodes are leaves, which are normal as they are.
    normal = tuple([child if isinstance(child, _LEAVES) else _normal(child, constants) for child in below])
    if any(map(is_not, normal, below)):
        node = _with_children(node, normal)
    for rule, kinds in RULES:
        if isinstance(node, kinds):
            node = rule(node)
    return node


def folded(node: Node) -> Node:
    """A tree with its constants folded, and else as it is written."""
    below = children(node)
    if not below and not isinstance(node, MakeList):
        return node
    new = tuple(map(folded, below))
    if any(a is not b for a, b in zip(new, below, strict=True)):
        node = _with_children(node, new)
    return fold_constants(node)


def fold_constants(node: Node) -> Node:
    """``duration("1h") + duration("1m")`` → the duration; ``[1, 2]`` → the list; ``1 / 0`` → the error."""
    match node:
        case MakeList():
            values = _values(node.elements)
            if values is None:
                return node
            return Constant(node.span, node.type, values, node.fingerprint, origin=node.origin)
        case Call(overload=overload, arguments=arguments) if overload.body is not None:
            values = _values(arguments)
            if values is None or None in values or any(map(_is_other, overload.parameters, values)):
                return node
            try:
                value = overload.body(*values)
            except EvaluationError as error:
                fingerprint = f"fail({str(error)!r},{node.fingerprint})"
                return Fail(node.span, node.type, str(error), arguments, fingerprint, 0, node.origin)
            if value is None or isinstance(value, (list, dict, Optional)):
                return node
            return Constant(node.span, node.type, value, f"{node.type}:{value!r}", origin=node.origin)
        case _:
            return node


def _is_other(parameter: Type, value: object) -> bool:
    """Whether a constant is not of the kind expected: the checker did not know what a mixed list holds where."""
    match plain(parameter):
        case Primitive() as expected:
            return isinstance(value, (tuple, TypeValue)) or type_of(value) != expected
        case ListType():
            return not isinstance(value, tuple)
        case MapType():
            return True
        case _:
            return False


def _values(nodes: Iterable[Node]) -> tuple[object, ...] | None:
    """The values of constants; None where something else is among them."""
    values: list[object] = []
    for node in nodes:
        if not isinstance(node, Constant):
            return None
        values.append(_value(node))
    return tuple(values)


def _value(constant: Constant) -> object:
    """A constant's value that tells its type by itself, as one of a list of several types must."""
    wrap = _WRAPPERS.get(constant.type)
    return constant.value if wrap is None or not isinstance(constant.value, int) else wrap(constant.value)


def flatten(node: Node) -> Node:
    """``a && (b && c)`` → ``a && b && c``; the same for ``||``."""
    assert isinstance(node, Logic)
    if not any(isinstance(o, Logic) and o.operator == node.operator for o in node.operands):
        return node
    operands: list[Node] = []
    for operand in node.operands:
        if isinstance(operand, Logic) and operand.operator == node.operator:
            operands.extend(operand.operands)
        else:
            operands.append(operand)
    return logic(node.span, node.operator, tuple(operands), node.origin)


def push_negation(node: Node) -> Node:
    """``!(a && b)`` → ``!a || !b``, ``!(a == b)`` → ``a != b``; ``!(a < b)`` → ``a >= b`` unless of doubles."""
    if not (isinstance(node, Call) and node.overload.id == "logical_not"):
        return node
    (operand,) = node.arguments
    match operand:
        case Logic(operator=operator):
            opposite = "||" if operator == "&&" else "&&"
            return logic(operand.span, opposite, tuple(map(_negated, operand.operands)), node.origin)
        case Call(overload=inner) if inner.id == "logical_not" and not is_nullable(operand.arguments[0].type):
            return operand.arguments[0]
        case Call() if _opposite(operand) is not None:
            return _negated(operand)
        case _:
            return node


def membership(node: Node) -> Node:
    """``x == 1 || x == 2`` → ``x in [1, 2]``; ``x != 1 && x != 2`` → ``!(x in [1, 2])``."""
    assert isinstance(node, Logic)
    overload = "equals" if node.operator == "||" else "not_equals"
    tests = [o for o in node.operands if _constant_test(o, overload) is not None]
    if len(tests) < 2:
        return node
    by_subject: dict[str, list[Call]] = {}
    for test in tests:
        assert isinstance(test, Call)
        subject = _constant_test(test, overload)
        assert subject is not None
        by_subject.setdefault(f"{subject.fingerprint}|{plain(test.arguments[1].type)}", []).append(test)
    merged = {group[0].fingerprint: group for group in by_subject.values() if len(group) > 1}
    if not merged:
        return node
    gone = {id(t) for group in merged.values() for t in group[1:]}
    operands = tuple(
        _as_membership(merged[o.fingerprint], negated=node.operator == "&&") if o.fingerprint in merged else o
        for o in node.operands
        if id(o) not in gone
    )
    if len(operands) == 1:
        return operands[0]
    return logic(node.span, node.operator, operands, node.origin)


def order_operands(node: Node) -> Node:
    """``b && a && a`` → ``a && b``: operands in the order of their fingerprints, each once."""
    assert isinstance(node, Logic)
    operands = node.operands
    fingerprints = [operand.fingerprint for operand in operands]
    if all(map(lt, fingerprints, fingerprints[1:])):
        return node
    unique: dict[str, Node] = {}
    for operand in sorted(operands, key=attrgetter("fingerprint", "span")):
        unique.setdefault(operand.fingerprint, operand)
    first, *others = unique.values()
    if not others:
        return first if not is_nullable(first.type) else node
    return logic(node.span, node.operator, (first, *others), node.origin)


RULES: tuple[tuple[Rule, type[Node] | tuple[type[Node], ...]], ...] = (
    (fold_constants, (Call, MakeList)),
    (push_negation, Call),
    (flatten, Logic),
    (membership, Logic),
    (order_operands, Logic),
)
"""The rules in their order, each with the nodes that it knows."""


def _constant_test(node: Node, overload: str) -> Node | None:
    """The subject of ``subject == constant``."""
    if isinstance(node, Call) and node.overload.id == overload:
        subject, constant = node.arguments
        if isinstance(constant, Constant) and not isinstance(subject, Constant):
            simple = constant.value is not None and not isinstance(constant.value, tuple)
            return subject if simple else None
    return None


def _as_membership(tests: list[Call], *, negated: bool) -> Node:
    constants = tuple(t.arguments[1] for t in tests)
    values = tuple(c.value for c in constants if isinstance(c, Constant))
    span = Span(tests[0].span.start, tests[-1].span.end)
    fingerprint = f"[{','.join(sorted(c.fingerprint for c in constants))}]"
    choices = Constant(span, ListType(plain(constants[0].type)), values, fingerprint)
    subject = tests[0].arguments[0]
    overload = next(o for o in catalogue()["@in", False].overloads if o.id == "in_list")
    inner = f"{overload.id}({subject.fingerprint},{fingerprint})"
    node = Call(tests[0].span, BOOL, overload, (subject, choices), inner, subject.depends)
    return _not(node, node.span) if negated else node


def _negated(node: Node) -> Node:
    opposite = _opposite(node)
    if opposite is not None and isinstance(node, Call):
        inner = ",".join(a.fingerprint for a in node.arguments)
        fingerprint = f"{opposite.overload.id}({inner})"
        return Call(node.span, BOOL, opposite.overload, node.arguments, fingerprint, node.depends)
    # Of the operand's own span: a null is its own, whoever asks.
    return push_negation(_not(node, node.span))


def _not(node: Node, span: Span) -> Call:
    (overload,) = catalogue()["!_", False].overloads
    return Call(span, BOOL, overload, (node,), f"{overload.id}({node.fingerprint})", node.depends)


def _opposite(node: Node) -> Call | None:
    """The call that is true just where this one is false; NaN is in no order, so orderings of doubles have none."""
    if not isinstance(node, Call):
        return None
    name = next((n for n in _OPPOSITES if _declares(n, node)), None)
    if name is None or (name not in ("_==_", "_!=_") and DOUBLE in node.overload.parameters):
        return None
    opposite = catalogue()[_OPPOSITES[name], False]
    overload = next(o for o in opposite.overloads if o.parameters == node.overload.parameters)
    return node._replace(overload=overload)


def _declares(name: str, node: Call) -> bool:
    return any(o is node.overload for o in catalogue()[name, False].overloads)


def _with_children(node: Node, below: tuple[Node, ...]) -> Node:
    match node:
        case Field() | Has():
            return node._replace(operand=below[0])
        case Call():
            return node._replace(arguments=below)
        case Logic():
            return logic(node.span, node.operator, below, node.origin)
        case Conditional():
            return node._replace(condition=below[0], then=below[1], otherwise=below[2])
        case MakeList():
            return node._replace(elements=below)
        case MakeMap():
            return node._replace(keys=below[::2], values=below[1::2])
        case Comprehension():
            return node._replace(range=below[0], condition=below[1] if len(below) == 3 else None, body=below[-1])
        case Fail():
            normal = dict(zip(map(id, node.operands), below, strict=True))
            return node._replace(operands=below, needed=tuple(normal[id(n)] for n in node.needed))
        case _:
            return node
