"""The command that takes a user out of the store."""

from __future__ import annotations

import click

from .output import note, write_lines
from .store import Kept, on_store


@click.command("erase")
@click.argument("user", metavar="USER_ID")
@on_store
def erase_command(*, kept: Kept, user: str) -> None:
    """Take a user out of what the store keeps.

    These are messages of calculations that quote the id. Writes the ids of segments that name the user, which only
    people can change. The snapshot, and files that other commands have written, are not the store's.
    """
    from api.store import erase_user

    erased = erase_user(kept.store, user)
    write_lines(erased.segments)
    note(f"{erased.calculations:,} calculations quoted the id, and do no longer.")
    if erased.segments:
        note(f"{len(erased.segments):,} segments name the user: change or delete them.")
