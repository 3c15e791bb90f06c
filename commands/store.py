"""What the commands on the store share: settings, the store, and what is said where these cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from api.places import Place
    from api.settings import Settings
    from api.store import NewSegment, Store

P = ParamSpec("P")
R = TypeVar("R")


class Kept(NamedTuple):
    """What a command on the store works with."""

    settings: Settings
    store: Store


config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of settings. [default: cellar.toml, if there is one]",
)


def on_store(command: Callable[P, R]) -> Callable[..., R]:
    """Gives a command the settings and the store that they name, as ``kept``."""

    @config_option
    @wraps(command)
    def with_store(config: Path | None, *args: P.args, **kwargs: P.kwargs) -> R:
        with opened_store(config) as kept:
            kwargs["kept"] = kept
            return command(*args, **kwargs)

    return with_store


@contextmanager
def opened_store(config: Path | None) -> Iterator[Kept]:
    """The settings, and the store that they name; says in one sentence what these refuse."""
    from api.settings import load_settings
    from api.store import open_store

    with explained():
        settings = load_settings(config)
        store = open_store(settings.database_url)
        try:
            yield Kept(settings, store)
        finally:
            store.close()


@contextmanager
def explained() -> Iterator[None]:
    """Says in one sentence what the settings or the store refuse."""
    from sqlalchemy.exc import SQLAlchemyError

    from api.schedule import ScheduleError
    from api.settings import ConfigurationError
    from api.store import ChangedError, NotFoundError, StatusError, StoreError, TextError

    try:
        yield
    except NotFoundError as error:
        raise click.ClickException(f"there is no '{error}'") from None
    except (ChangedError, ConfigurationError, ScheduleError, StatusError, StoreError, TextError) as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        # Its own text would quote the statement, and conditions with it.
        told = str(error.__cause__ or type(error).__name__).splitlines()[0]
        raise click.ClickException(f"the store cannot be used: {told}") from error


def snapshot_of(settings: Settings) -> Place:
    """The snapshot that segments are counted on."""
    used = settings.snapshot_in_use()
    if used is None:
        raise click.ClickException("the settings name no snapshot: set CELLAR_SNAPSHOT, or snapshot in cellar.toml")
    return used


def check_segments(settings: Settings, segments: Sequence[NewSegment]) -> None:
    """Refuses segments whose conditions do not compile on the snapshot; where there is none, nothing is checked."""
    from compiler.diagnostics import CompileError
    from engine.checking import check

    from .output import MISUSED, note

    used = settings.snapshot_in_use()
    if used is None:
        note("The settings name no snapshot: conditions are not checked.")
        return
    named = {str(number): one.in_engine() for number, one in enumerate(segments)}
    found = check(used.open(), named, rules=settings.rules)
    wrong = [(one, found[str(number)]) for number, one in enumerate(segments)]
    errors = [(one.name, error) for one, error in wrong if isinstance(error, CompileError)]
    for name, error in errors:
        note(f"{name}:\n{error}")
    if errors:
        note(f"{len(errors)} of {len(segments)} segments do not compile: nothing is kept.")
        click.get_current_context().exit(MISUSED)
