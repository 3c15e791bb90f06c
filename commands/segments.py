"""The commands on the segments in the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, BinaryIO, ParamSpec, TypeVar

import click

from .options import format_option
from .output import note, write, write_json, write_lines
from .store import Kept, check_segments, on_store

if TYPE_CHECKING:
    from api.store import SegmentFilter, StoredSegment

P = ParamSpec("P")
R = TypeVar("R")

CHANNELS = click.Choice(["any", "email", "sms", "pass_push"])
TYPES = click.Choice(["transactional", "marketing"])
_STATUSES = click.Choice(["draft", "pending", "processing", "completed", "failed"])
_ORDERED = ("created", "modified", "name", "user_count", "last_calculated")
_ORDERINGS = click.Choice([f"{sign}{name}" for name in _ORDERED for sign in ("", "-")])


def filter_options(command: Callable[P, R]) -> Callable[..., R]:
    """Gives a command the options that select segments, as ``selected``."""

    @click.option("--organization", metavar="ID", help="Only segments of this organization.")
    @click.option("--edition", metavar="ID", help="Only segments for users of this edition.")
    @click.option("--channel", type=CHANNELS, help="Only segments with this channel.")
    @click.option("--type", type=TYPES, help="Only segments of this type.")
    @click.option("--status", type=_STATUSES, help="Only segments with this status.")
    @click.option("--search", metavar="TEXT", help="Only segments whose name holds this, in upper or lower case.")
    @wraps(command)
    def with_filter(*args: P.args, **kwargs: P.kwargs) -> R:
        from api.store import SegmentFilter, Status
        from engine import Channel, Communication

        of = {name: kwargs.pop(name) for name in ("organization", "edition", "channel", "type", "status", "search")}
        kwargs["selected"] = SegmentFilter(
            communication_channel=None if of["channel"] is None else Channel(str(of["channel"])),
            communication_type=None if of["type"] is None else Communication(str(of["type"])),
            edition_id=_text(of["edition"]),
            organization_id=_text(of["organization"]),
            status=None if of["status"] is None else Status(str(of["status"])),
            search=_text(of["search"]),
        )
        return command(*args, **kwargs)

    return with_filter


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _said_options(*, required: bool) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Gives a command the options for what people say about a segment."""
    cleared = "" if required else ' "" takes it away.'

    def with_options(command: Callable[P, R]) -> Callable[P, R]:
        for option in reversed(
            [
                click.option("--name", required=required, help="Shown to people."),
                click.option("--condition", required=required, metavar="CEL", help="Who is in it."),
                click.option("--description", help="Shown to people."),
                click.option("--channel", "communication_channel", type=CHANNELS, help="How users are reached."),
                click.option("--type", "communication_type", type=TYPES, help="What they are told."),
                click.option("--consent", "consent_id", metavar="ID", help=f"The consent for marketing.{cleared}"),
                click.option("--edition", "edition_id", metavar="ID", help=f"Only users of this edition.{cleared}"),
            ]
        ):
            command = option(command)
        return command

    return with_options


@click.group("segments")
def segments_group() -> None:
    """Keep segments: what cellar serve and cellar worker calculate."""


@segments_group.command("list")
@filter_options
@click.option("--ordering", type=_ORDERINGS, default="name", show_default=True, help="- is descending.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many. [default: all]")
@format_option("table", "json")
@on_store
def list_command(*, kept: Kept, selected: SegmentFilter, ordering: str, limit: int | None, format: str) -> None:
    """List segments."""
    from api.presentation import segments_table
    from api.store import Ordering, list_segments
    from engine.terminal import drawn

    page = list_segments(kept.store, organization=None, filter=selected, ordering=Ordering(ordering), limit=limit)
    if format == "json":
        write_json({"count": page.count, "results": [_json(one) for one in page.results]})
        return
    write(drawn(segments_table(page.results)))
    note(f"{len(page.results):,} of {page.count:,} segments")


@segments_group.command("show")
@click.argument("segment", metavar="ID")
@format_option("text", "json")
@on_store
def show_command(*, kept: Kept, segment: str, format: str) -> None:
    """Show all that is known of a segment."""
    from api.store import get

    _show(get(kept.store, segment, organization=None), format)


@segments_group.command("create")
@click.option("--organization", "organization_id", required=True, metavar="ID", help="Whose it is.")
@_said_options(required=True)
@format_option("text", "json")
@on_store
def create_command(*, kept: Kept, format: str, **said: str | None) -> None:
    """Keep a new segment, as a draft. Its condition is checked against the snapshot of the settings."""
    from api.store import NewSegment, create

    segment = NewSegment(**_values(said))
    check_segments(kept.settings, [segment])
    _show(create(kept.store, segment), format)


@segments_group.command("update")
@click.argument("segment", metavar="ID")
@_said_options(required=False)
@click.option("--version", type=int, help="Only if the segment is at this version.")
@format_option("text", "json")
@on_store
def update_command(*, kept: Kept, segment: str, version: int | None, format: str, **said: str | None) -> None:
    """Change a segment. A change of who is in it puts it back to draft, with the count that it has."""
    from api.store import NewSegment, get, update

    before = get(kept.store, segment, organization=None)
    changes = _values(said)
    expected = before.version if version is None else version
    unchanged = {name: getattr(before, name) for name in NewSegment.__dataclass_fields__}
    check_segments(kept.settings, [NewSegment(**{**unchanged, **changes})])
    _show(update(kept.store, segment, organization=None, expected_version=expected, **changes), format)


@segments_group.command("delete")
@click.argument("segment", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_store
def delete_command(*, kept: Kept, segment: str, yes: bool) -> None:
    """Remove a segment and its history."""
    from api.store import delete, get

    found = get(kept.store, segment, organization=None)
    if not yes:
        click.confirm(f"Remove '{found.name}' of {found.organization_id} and its history?", abort=True, err=True)
    delete(kept.store, segment, organization=None)
    note(f"Removed {segment}.")


@segments_group.command("reset")
@click.argument("segment", metavar="ID")
@format_option("text", "json")
@on_store
def reset_command(*, kept: Kept, segment: str, format: str) -> None:
    """Put a segment that is stuck or failed back to draft."""
    from api.store import reset

    _show(reset(kept.store, segment, organization=None), format)


@segments_group.command("confirm")
@click.argument("segment", metavar="ID")
@format_option("text", "json")
@on_store
def confirm_command(*, kept: Kept, segment: str, format: str) -> None:
    """Publish the count of a segment that the guard keeps back."""
    from api.store import confirm

    _show(confirm(kept.store, segment, organization=None), format)


@segments_group.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--organization", metavar="ID", help="Whose segments are that say nothing themselves.")
@on_store
def import_command(*, kept: Kept, file: BinaryIO, organization: str | None) -> None:
    """Keep the segments of a file.

    FILE is as cellar count --file reads it; - is stdin. A segment with the name of another in its organization changes
    that one. Nothing is kept where a condition does not compile.
    """
    from api.segment_files import import_segments, read_segments

    settings = {} if organization is None else {"organization": organization}
    segments = read_segments(file.read(), file.name, settings)
    check_segments(kept.settings, segments)
    done = import_segments(kept.store, segments)
    note(f"{done.created:,} created, {done.changed:,} changed, {done.same:,} as they were")


@segments_group.command("export")
@filter_options
@on_store
def export_command(*, kept: Kept, selected: SegmentFilter) -> None:
    """Write segments as YAML.

    Both cellar count --file and cellar segments import read it.
    """
    from api.segment_files import write_segments
    from api.store import Ordering, list_segments

    page = list_segments(kept.store, organization=None, filter=selected, ordering=Ordering.NAME)
    write(write_segments(page.results))


@click.command("history")
@click.argument("segment", metavar="ID")
@click.option("--limit", type=click.IntRange(1), metavar="N", default=20, show_default=True, help="At most so many.")
@format_option("table", "json")
@on_store
def history_command(*, kept: Kept, segment: str, limit: int, format: str) -> None:
    """List the calculations of a segment, the newest first."""
    from api.presentation import history_table
    from api.schemas import Calculation
    from api.store import history
    from engine.terminal import drawn

    page = history(kept.store, segment, organization=None, limit=limit)
    if format == "json":
        results = [Calculation.model_validate(one).model_dump(mode="json") for one in page.results]
        write_json({"count": page.count, "results": results})
        return
    write(drawn(history_table(page.results)))
    note(f"{len(page.results):,} of {page.count:,} calculations; times in UTC")


def _values(said: Mapping[str, str | None]) -> dict[str, Any]:
    """What is said of a segment, as the store takes it; an empty id takes it away."""
    from engine import Channel, Communication

    values: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    for name in ("consent_id", "edition_id"):
        if name in values:
            values[name] = values[name] or None
    for name, type_ in (("communication_channel", Channel), ("communication_type", Communication)):
        if name in values:
            values[name] = type_(values[name])
    return values


def _show(segment: StoredSegment, format: str) -> None:
    from api.presentation import segment_lines

    if format == "json":
        write_json(_json(segment))
    else:
        write_lines(segment_lines(segment))


def _json(segment: StoredSegment) -> dict[str, object]:
    """A segment as the service shows it."""
    from api.schemas import Segment

    return Segment.model_validate(segment).model_dump(mode="json")
