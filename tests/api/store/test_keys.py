"""API keys: shown once, kept as digests."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from api.store import KeyScope, NotFoundError, Store, any_keys, create_key, find_key, list_keys, revoke_key


def test_a_key_opens_until_it_is_revoked(store: Store) -> None:
    assert not any_keys(store)
    key, secret = create_key(store, "nightly", scopes=[KeyScope.COUNTS, KeyScope.CHANGES], organization="o1")
    assert find_key(store, secret) == key
    assert find_key(store, f"{secret}x") is None
    assert find_key(store, "") is None
    assert find_key(store, "\0\ud800") is None
    assert list_keys(store) == (key,)
    revoked = revoke_key(store, key.id)
    assert revoked.revoked is not None
    assert revoke_key(store, key.id) == revoked
    assert find_key(store, secret) is None
    assert not any_keys(store)
    with pytest.raises(NotFoundError):
        revoke_key(store, "key_none")


def test_no_secret_is_kept(store: Store) -> None:
    _, secret = create_key(store, "nightly", scopes=[KeyScope.COUNTS], organization=None)
    with store.reading() as connection:
        kept = str(connection.execute(sa.text("SELECT * FROM keys")).all())
    assert secret not in kept
    assert secret.removeprefix("cellar_") not in kept
