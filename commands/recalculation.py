"""The command that counts all segments: of a file into a directory, or of the store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .conditions import asked_conditions
from .counting import announcing
from .options import LAYOUTS, audience_options, budget_options, layout_option, on_snapshot_if_given, run_options
from .output import SOME_FAILED, note, tell_failures
from .store import opened_store, snapshot_of

if TYPE_CHECKING:
    from engine import Snapshot
    from engine.budget import Budget


@click.command("recalculate")
@on_snapshot_if_given
@click.option("--all", "all_", is_flag=True, help="All segments of the store, over the snapshot of the settings.")
@click.option("--file", metavar="FILE", help="The segments, as for count.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Where the results are published: its link 'latest' is switched when they are complete.",
)
@layout_option("--members", is_flag=False, flag_value="pairs", help=f"Also write the members: {LAYOUTS}")
@click.option("--errors", is_flag=True, help="Also tell why users are errors.")
@click.option(
    "--keep", type=click.IntRange(1), metavar="N", help="Remove all but the newest N results. [default: none]"
)
@audience_options
@budget_options
@run_options
def recalculate_command(
    *,
    snapshot: Snapshot | None,
    all_: bool,
    file: str | None,
    output: Path | None,
    members: str | None,
    errors: bool,
    keep: int | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    budget: Budget,
    now: datetime | None,
    mode: str,
) -> None:
    """Count all segments, and publish the results as a whole.

    Of a file, over a SNAPSHOT; or, with --all, all segments of the store.
    """
    if all_:
        if snapshot is not None or file is not None or output is not None:
            raise click.UsageError("--all takes segments, users and settings from the store and from cellar.toml.")
        _recalculate_store(click.get_current_context().params["config"])
        return
    if snapshot is None or file is None or output is None:
        raise click.UsageError("Name a SNAPSHOT, a --file of segments and an --output, or --all segments of the store.")
    if snapshot.holds(output) or snapshot.holds(output / "run" / "members.parquet"):
        raise click.UsageError(f"{output} is the snapshot itself, or what is written there would be a part of it.")
    from engine.member_files import Layout
    from engine.presentation import summary
    from engine.recalculation import recalculate
    from engine.terminal import progress

    with progress("Recalculating", "users") as report_progress:
        done = recalculate(
            snapshot,
            dict(asked_conditions((), file, settings)),
            output,
            layout=None if members is None else Layout(members),
            errors=errors,
            mode=mode,
            now=now,
            rules=rules,
            budget=budget,
            announce=announcing(snapshot, budget),
            keep=keep,
            progress=report_progress,
        )
    note(summary(done.report))
    note(f"{len(done.report.results):,} segments, published in {done.directory}")
    tell_failures(done.report)


def _recalculate_store(config: Path | None) -> None:
    """Calculates all segments of the store, with the help of other workers where there are any."""
    from api.logs import set_up_logs
    from api.store import Status, request_many
    from api.worker import Worker, work_until_done, worker_name

    with opened_store(config) as kept:
        worker = Worker(kept.store, kept.settings, snapshot_of(kept.settings), worker_name())
        set_up_logs()
        request_many(kept.store, organization=None)
        counts = work_until_done(worker)
        completed, failed = counts.get(Status.COMPLETED, 0), counts.get(Status.FAILED, 0)
        note(f"{completed:,} segments completed, {failed:,} failed")
        if failed:
            note("cellar segments list --status failed says which.")
            click.get_current_context().exit(SOME_FAILED)
