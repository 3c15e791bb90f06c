"""One user taken out of whatever the store keeps."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import sqlalchemy as sa

from .database import Store
from .tables import CALCULATIONS, SEGMENTS

_ERASED = "[erased]"
_QUOTING = ("reasons", "warnings", "error_message")


class Erased(NamedTuple):
    """What the store had of a user.

    Attributes:
        calculations: how many quoted his id, and do no longer.
        segments: the ids of those whose condition, name or description names him: only people can say what they ought
            to be without.
    """

    calculations: int
    segments: tuple[str, ...]


def erase_user(store: Store, user_id: str) -> Erased:
    """Takes a user out of the store, which keeps nobody's id, but for what people write and messages quote."""
    if not user_id:
        raise ValueError("there is no user without an id")
    # As texts have it, and as JSON has it.
    spellings = sorted({user_id, json.dumps(user_id)[1:-1]})
    whole = re.compile("|".join(rf"(?<!\w){re.escape(spelling)}(?!\w)" for spelling in spellings))
    with store.writing(bulk=True) as connection:
        changed = _redact(connection, CALCULATIONS, _QUOTING, spellings, whole)
        _redact(connection, SEGMENTS, ("warnings", "error_message"), spellings, whole)
        said = ("condition", "name", "description")
        texts = [SEGMENTS.c[name] for name in said]
        rows = connection.execute(sa.select(SEGMENTS.c.id, *texts).where(_mentions(texts, spellings))).all()
    naming = tuple(row.id for row in rows if any(whole.search(getattr(row, name)) for name in said))
    return Erased(changed, naming)


def _redact(
    connection: sa.Connection, table: sa.Table, names: tuple[str, ...], spellings: list[str], whole: re.Pattern[str]
) -> int:
    columns = [table.c[name] for name in names]
    changes = []
    for row in connection.execute(sa.select(table.c.id, *columns).where(_mentions(columns, spellings))):
        before = {name: getattr(row, name) for name in names}
        after = {name: _without(value, whole) for name, value in before.items()}
        if after != before:
            changes.append({"which": row.id, **after})
    if changes:
        connection.execute(sa.update(table).where(table.c.id == sa.bindparam("which")), changes)
    return len(changes)


def _mentions(columns: list[sa.Column[Any]], spellings: list[str]) -> sa.ColumnElement[bool]:
    texts = [sa.cast(column, sa.Text) for column in columns]
    return sa.or_(*(text.contains(spelling, autoescape=True) for text in texts for spelling in spellings))


def _without(value: Any, whole: re.Pattern[str]) -> Any:
    match value:
        case str():
            return whole.sub(_ERASED, value)
        case list():
            return [_without(one, whole) for one in value]
        case dict():
            return {name: _without(one, whole) for name, one in value.items()}
        case _:
            return value
