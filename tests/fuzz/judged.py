"""What cel-cpp can judge of expressions by chance: tests/fuzz/judged.yaml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from compiler import ir
from compiler.condition import Condition
from compiler.types import ListType, MapType, StructType, is_nullable, plain

_TABLE = Path(__file__).with_name("judged.yaml")


class _Table(NamedTuple):
    overloads: frozenset[str]
    except_: re.Pattern[str]


def is_judged(condition: Condition) -> bool:
    """Whether the table says that cel-cpp can judge each call in a condition, and all of its text."""
    table = _table()
    if isinstance(plain(condition.type), ListType | MapType | StructType):
        # The referee reads no times within lists.
        return False
    if table.except_.search(condition.source.own):
        return False
    pending = [condition.checked]
    while pending:
        node = pending.pop()
        if isinstance(node, ir.Call):
            if node.overload.id not in table.overloads:
                return False
            if node.overload.id == "in_map" and is_nullable(node.arguments[0].type):
                # A null is no key of any map, so it is not among the keys; cel-cpp errs.
                return False
        if isinstance(node, ir.Comprehension) and node.variables > 1:
            return False
        if isinstance(node, ir.Conditional) and _holds(node.condition, ir.Comprehension) and _holds(node, ir.Bind):
            # cel-cpp fails at what is bound in a branch that a macro has chosen (exceptions.yaml).
            return False
        pending += ir.children(node)
    return True


def _holds(node: ir.Node, kind: type[ir.Node]) -> bool:
    return isinstance(node, kind) or any(_holds(child, kind) for child in ir.children(node))


def judged_overloads() -> frozenset[str]:
    """The ids of the overloads that cel-cpp can judge."""
    return _table().overloads


@cache
def _table() -> _Table:
    table = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    overloads = [name for group in table["overloads"].values() for name in group.split()]
    assert len(overloads) == len(set(overloads))
    return _Table(frozenset(overloads), re.compile("|".join(entry["text"] for entry in table["except"])))
