"""Which of the steps that a lowering has made an expression needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from compiler.space import Space, Step


def needed(names: set[str], steps: Sequence[Step]) -> tuple[tuple[Step, ...], set[str]]:
    """The steps among ``names``, with those that they need in turn, in their order; and all names then used."""
    found: list[Step] = []
    names = set(names)
    for step in reversed(steps):
        if step.name in names:
            found.append(step)
            names |= _reads(step)
    return tuple(reversed(found)), names


def _reads(step: Step) -> set[str]:
    names = columns_read(step.expressions.values())
    space: Space | None = step.space
    while space is not None:
        names |= columns_read(expression for name, expression in space.captures.items() if name in names)
        if space.range is not None:
            names |= columns_read([space.range.value])
        space = space.parent
    return names


def columns_read(expressions: Iterable[pl.Expr]) -> set[str]:
    """The names of the columns that expressions read."""
    return {name for expression in expressions for name in expression.meta.root_names()}
