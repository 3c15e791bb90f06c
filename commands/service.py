"""The command that serves segments over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from .output import note

_DEMO_DIRECTORY, _DEMO_USERS, _DEMO_SEED = Path("demo"), 1_000_000, 2026


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True, help="0 takes a free one.")
@click.option("--snapshot", metavar="SNAPSHOT", help="The users. [default: CELLAR_SNAPSHOT, else the demo's]")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of settings. [default: cellar.toml, if there is one]",
)
def serve_command(*, host: str, port: int, snapshot: str | None, config: Path | None) -> None:
    """Serve segments over HTTP, and calculate them.

    Settings come from variables CELLAR_* and from cellar.toml. With none, segments are kept in cellar.db, and the users
    are those of the demo.
    """
    from api.serving import ServingError, serve
    from api.settings import ConfigurationError, load_settings
    from api.store import StoreError

    try:
        settings = load_settings(config, **({} if snapshot is None else {"snapshot": snapshot}))
        if settings.snapshot is None:
            settings = settings.model_copy(update={"snapshot": str(_demo())})
        serve(settings, host=host, port=port, announce=note)
    except (ServingError, ConfigurationError, StoreError) as error:
        raise click.ClickException(str(error)) from None


def _demo() -> Path:
    """The demo's snapshot, made where it is missing."""
    from engine.demonstration import made
    from engine.terminal import progress

    with progress("Writing the users") as report_progress:
        path, written = made(_DEMO_DIRECTORY, users=_DEMO_USERS, seed=_DEMO_SEED, progress=report_progress)
    if written:
        note(f"Wrote {_DEMO_USERS:,} made-up users to {path}.")
    return path
