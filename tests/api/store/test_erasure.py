"""One user taken out of the store."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from api.store import Guard, NewSegment, Store, claim, complete, create, erase_user, history, request
from engine import Channel, count

USERS = pl.DataFrame({"organization_id": ["o"], "email": ["a@example.org"], "nickname": [None]}).cast(pl.String)


@pytest.mark.parametrize("user", ["ann", "a.n", "änn", 'a"n', "100%"])
def test_a_user_is_erased(store: Store, user: str) -> None:
    literal = user.replace('"', '\\"')
    naming, other = (
        create(
            store,
            NewSegment(
                organization_id="o",
                name="n",
                condition=f'nickname.startsWith("{text}")',
                communication_channel=Channel.EMAIL,
            ),
        )
        for text in (literal, f"{literal}other")
    )
    for segment in (naming, other):
        request(store, segment.id, organization="o")
    work = claim(store, "worker", lease=timedelta(seconds=60))
    assert work is not None
    segments = {name: one.segment for name, one in work.work.items()}
    complete(store, work, count(USERS, segments, errors=True), Guard())
    kept = history(store, other.id, organization="o")
    assert "other" in str(kept.results[0].reasons)
    quoted = 0 if '"' in user else 1
    assert erase_user(store, user).calculations == quoted
    if quoted:
        assert erase_user(store, user).segments == (naming.id,)
        reasons = history(store, naming.id, organization="o").results[0].reasons
        assert reasons is not None
        assert user not in reasons[0].reason
        assert "[erased]" in reasons[0].reason
        assert erase_user(store, user).calculations == 0
    assert history(store, other.id, organization="o") == kept


def test_nobody_has_no_id(store: Store) -> None:
    with pytest.raises(ValueError, match="without an id"):
        erase_user(store, "")
