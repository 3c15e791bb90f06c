"""The commands on API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .options import format_option
from .output import note, write, write_json
from .store import Kept, on_store

if TYPE_CHECKING:
    from api.store import Key

_SCOPES = click.Choice(["counts", "members", "changes"])


@click.group("keys")
def keys_group() -> None:
    """Make and revoke the keys that open the service."""


@keys_group.command("create")
@click.argument("name")
@click.option("--organization", metavar="ID", help="Opens the segments of this organization. [default: of all]")
@click.option(
    "--scope",
    "scopes",
    type=_SCOPES,
    multiple=True,
    required=True,
    help="counts: see segments and counts; members: see who is in them; changes: change and recalculate them. "
    "Repeatable.",
)
@format_option("text", "json")
@on_store
def create_command(*, kept: Kept, name: str, organization: str | None, scopes: tuple[str, ...], format: str) -> None:
    """Make a key called NAME. Its secret is shown now, and never again."""
    from api.store import KeyScope, create_key

    key, secret = create_key(kept.store, name, scopes=[KeyScope(one) for one in scopes], organization=organization)
    if format == "json":
        write_json({**_json(key), "secret": secret})
        return
    write(f"{secret}\n")
    note(f"{key.id}: keep the secret, for nobody can tell it again. Send it as: Authorization: Bearer ...")


@keys_group.command("list")
@format_option("table", "json")
@on_store
def list_command(*, kept: Kept, format: str) -> None:
    """List all keys, without their secrets."""
    from api.presentation import keys_table
    from api.store import list_keys
    from engine.terminal import drawn

    keys = list_keys(kept.store)
    if format == "json":
        write_json([_json(key) for key in keys])
    else:
        write(drawn(keys_table(keys)))


@keys_group.command("revoke")
@click.argument("key", metavar="ID")
@on_store
def revoke_command(*, kept: Kept, key: str) -> None:
    """Make a key open nothing from now on."""
    from api.store import revoke_key

    revoked = revoke_key(kept.store, key)
    note(f"'{revoked.name}' opens nothing any more.")


def _json(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "organization_id": key.organization_id,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "revoked": None if key.revoked is None else key.revoked.isoformat(),
    }
