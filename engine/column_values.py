"""The values that columns hold, where they are few: what somebody who writes a condition chooses from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from compiler.types import BOOL, INT, STRING, ListType, Type, Unusable, plain

from .audience import EVERYONE, Audience, Segment
from .description import literal
from .membership import members
from .snapshot import Snapshot

MOST_VALUES = 50
"""Distinct values that are listed; a column with more has too many to choose from."""

FEWEST_USERS = 5
"""Users who must share a value for it to be listed: one that fewer have could tell who they are."""

_LONGEST = 200
_SAMPLED_ROWS = 20_000


class ColumnValues(NamedTuple):
    """What a column holds.

    Attributes:
        null_share: of the users, from 0 to 1; None where there are none.
        values: the distinct values that at least ``FEWEST_USERS`` users have, as CEL writes them, in rising order; of a
            list column, of its elements. None where they are too many or too rare, or of a type that nobody lists.
    """

    null_share: float | None
    values: tuple[str, ...] | None


def column_values(
    snapshot: Snapshot, audience: Audience = EVERYONE, *, rules: Mapping[str, str] | None = None
) -> dict[str, ColumnValues]:
    """The values of all columns that can be read and used, of the users of an audience only.

    Args:
        snapshot: the users.
        audience: whose values are told.
        rules: whom audiences reach, by name, in CEL, instead of the default rules.

    Raises:
        AudienceError: there is no rule of a name in ``rules``.
        CompileError: a rule that the audience needs does not compile.
        SnapshotError: the snapshot cannot be read; for an audience, it has no ids, or they are not unique.
    """
    types = {
        name: plain(type_) for name, type_ in snapshot.schema.types.items() if not isinstance(plain(type_), Unusable)
    }
    if audience == EVERYONE:
        users = snapshot.scan(list(types))
    else:
        users = members(snapshot, Segment("true", audience), columns=list(types), rules=rules)
    listed = [name for name, type_ in types.items() if _listed(type_)]
    with snapshot.reading():
        first = users.select(cs.by_name(*listed)).head(_SAMPLED_ROWS).collect()
        few = [name for name in listed if _distinct(first.get_column(name)).height <= MOST_VALUES]
        nulls = users.select(pl.len().alias("rows"), pl.struct(cs.by_name(*types).null_count()).alias("nulls"))
        rows, counts = nulls.collect(engine="streaming").row(0)
        distinct = {
            name: _distinct(users.select(cs.by_name(name)).collect(engine="streaming").to_series()) for name in few
        }
    return {
        name: ColumnValues(counts[name] / rows if rows else None, _values(distinct.get(name), type_))
        for name, type_ in types.items()
    }


def _listed(type_: Type) -> bool:
    match type_:
        case ListType(element=element):
            return plain(element) == STRING
        case _:
            return type_ in (BOOL, INT, STRING)


def _distinct(values: pl.Series) -> pl.DataFrame:
    """The distinct values of a column, of lists those of their elements, and how many users have each."""
    users = pl.DataFrame({"value": values, "user": pl.int_range(values.len(), eager=True)})
    flat = users.explode("value", empty_as_null=False) if values.dtype.is_nested() else users
    return flat.drop_nulls().group_by("value").agg(pl.col("user").n_unique())


def _values(distinct: pl.DataFrame | None, type_: Type) -> tuple[str, ...] | None:
    if distinct is None or distinct.height > MOST_VALUES:
        return None
    element = type_.element if isinstance(type_, ListType) else type_
    shared = distinct.filter(pl.col("user") >= FEWEST_USERS).get_column("value")
    texts = tuple(literal(value, element) for value in sorted(shared.to_list()))
    return None if not texts or any(len(text) > _LONGEST for text in texts) else texts
