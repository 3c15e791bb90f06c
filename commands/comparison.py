"""The commands that compare compiled conditions with interpreted ones, on one's own users or on made-up ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .conditions import asked_conditions
from .options import audience_options, file_option, format_option, now_option, on_snapshot
from .output import FAILED, SOME_FAILED, note, write, write_json, write_lines

if TYPE_CHECKING:
    from engine import Snapshot


@click.command("bench")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
@audience_options
@click.option("--sample", type=click.IntRange(1), default=1_000, show_default=True, help="Users to be interpreted.")
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="Counts, of which the median is shown."
)
@now_option
@format_option("table", "json")
def bench_command(
    *,
    snapshot: Snapshot,
    conditions: tuple[str, ...],
    file: str | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    sample: int,
    rounds: int,
    now: datetime | None,
    format: str,
) -> None:
    """Compare conditions compiled and interpreted.

    Their answers are compared on a sample of the users, and the times that they take.
    """
    from engine.comparison import compare_all
    from engine.presentation import comparison_summary, comparison_table
    from engine.terminal import drawn, progress

    named = dict(asked_conditions(conditions, file, settings))
    with progress("Comparing", "conditions") as report_progress:
        report = compare_all(
            snapshot, named, sample=sample, rounds=rounds, now=now, rules=rules, progress=report_progress
        )
    if format == "json":
        write_json(report.to_dict())
    else:
        write(drawn(comparison_table(report.compared)))
        write_lines(comparison_summary(report))
    for message in report.messages():
        note(message)
    if not report.equal or report.failed:
        click.get_current_context().exit(SOME_FAILED if report.equal and len(named) > 1 else FAILED)


@click.command("demo")
@click.option("--users", type=click.IntRange(1), default=1_000_000, show_default=True, help="How many to make up.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where the snapshot is put, and found again.",
)
@click.option("--seed", type=int, default=2026, show_default=True, help="Which of many such snapshots to make.")
def demo_command(*, users: int, directory: Path, seed: int) -> None:
    """Count some twenty segments over a million made-up users."""
    from engine.demonstration import compared_conditions, counted, made, next_commands
    from engine.presentation import comparison_table, count_table, summary
    from engine.terminal import drawn, progress

    with progress("Writing the users") as report_progress:
        path, written = made(directory, users=users, seed=seed, progress=report_progress)
    if written:
        note(f"Wrote {users:,} made-up users to {path}.\n")
    with progress("Counting") as report_progress:
        report = counted(path, progress=report_progress)
    write(drawn(count_table(report)))
    write(f"{summary(report)}\n\n")
    with progress("Interpreting") as report_progress:
        compared = compared_conditions(path, progress=report_progress)
    write(drawn(comparison_table(compared)))
    write_lines(["", "Try next:", *(f"  {command}" for command in next_commands(sys.argv[0], path))])
