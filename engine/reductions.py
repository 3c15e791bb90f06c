"""Which of the reductions that a lowering has made an expression needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from compiler.space import Reduction, Space


def needed(names: set[str], reductions: Sequence[Reduction]) -> tuple[tuple[Reduction, ...], set[str]]:
    """The reductions among ``names``, with those that they need in turn, in their order; and all names then used."""
    found: list[Reduction] = []
    names = set(names)
    for reduction in reversed(reductions):
        if reduction.name in names:
            found.append(reduction)
            names |= _reads(reduction)
    return tuple(reversed(found)), names


def _reads(reduction: Reduction) -> set[str]:
    names = _roots(e for e in (reduction.keep, reduction.value, reduction.failed) if e is not None)
    space: Space | None = reduction.space
    while space is not None:
        names |= _roots(expression for name, expression in space.captures.items() if name in names)
        if space.range is not None:
            names |= _roots([space.range.value])
        space = space.parent
    return names


def _roots(expressions: Iterable[pl.Expr]) -> set[str]:
    return {name for expression in expressions for name in expression.meta.root_names()}
