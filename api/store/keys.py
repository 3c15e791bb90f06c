"""API keys: shown once when they are made, and kept as digests only."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa

from .database import Store
from .identifiers import new_id, now
from .records import Key, KeyScope, NotFoundError
from .tables import KEYS

_PREFIX = "cellar_"
_RANDOM_BYTES = 32
_COLUMNS = [KEYS.c[name] for name in Key.__dataclass_fields__]


class CreatedKey(NamedTuple):
    """A new key, and its secret, which nobody can tell again."""

    key: Key
    secret: str


def create_key(store: Store, name: str, *, scopes: Collection[KeyScope], organization: str | None) -> CreatedKey:
    """Makes a key; ``organization`` None opens all of them."""
    secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    key = Key(
        id=new_id("key"),
        name=name,
        organization_id=organization,
        scopes=frozenset(scopes),
        created=now(),
        revoked=None,
    )
    with store.writing() as connection:
        connection.execute(
            sa.insert(KEYS).values(
                id=key.id,
                name=key.name,
                digest=_digest(secret),
                organization_id=key.organization_id,
                scopes=sorted(key.scopes),
                created=key.created,
            )
        )
    return CreatedKey(key, secret)


def list_keys(store: Store) -> tuple[Key, ...]:
    """All keys, revoked ones too, the oldest first."""
    with store.reading() as connection:
        rows = connection.execute(sa.select(*_COLUMNS).order_by(KEYS.c.created, KEYS.c.id)).all()
    return tuple(_key(row) for row in rows)


def any_keys(store: Store) -> bool:
    """Whether there is a key that opens anything."""
    with store.reading() as connection:
        return connection.execute(sa.select(KEYS.c.id).where(KEYS.c.revoked.is_(None)).limit(1)).first() is not None


def revoke_key(store: Store, key_id: str) -> Key:
    """Makes a key open nothing from now on; one that was revoked already stays so since then.

    Raises:
        NotFoundError: there is no such key.
    """
    with store.writing() as connection:
        row = connection.execute(sa.select(*_COLUMNS).where(KEYS.c.id == key_id)).one_or_none()
        if row is None:
            raise NotFoundError(key_id)
        key = _key(row)
        if key.revoked is not None:
            return key
        revoked = now()
        connection.execute(sa.update(KEYS).where(KEYS.c.id == key_id).values(revoked=revoked))
        return replace(key, revoked=revoked)


def find_key(store: Store, secret: str) -> Key | None:
    """The key with that secret; None where there is none, or it was revoked."""
    query = sa.select(*_COLUMNS).where(KEYS.c.digest == _digest(secret), KEYS.c.revoked.is_(None))
    with store.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _key(row)


def _digest(secret: str) -> str:
    """A secret is random and long: a slow digest would protect it no better."""
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _key(row: sa.Row[Any]) -> Key:
    values = dict(row._mapping)
    return Key(**{**values, "scopes": frozenset(KeyScope(scope) for scope in values["scopes"])})
