"""The commands that count segments and write their members."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .conditions import asked_conditions
from .options import (
    LAYOUTS,
    audience_options,
    budget_options,
    file_option,
    format_option,
    layout_option,
    on_snapshot,
    run_options,
)
from .output import cleared_when_terminated, note, tell_failures, write

if TYPE_CHECKING:
    from engine import Budget, Snapshot
    from engine.reporting import Announce, PlannedInterpretation


_MOST_WARNED = 100
"""Conditions of which warnings are told: of more, it would take a part of the time that counting takes."""


@click.command("count")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
@audience_options
@click.option("--reach", is_flag=True, help="Also count by each channel, without and with the consent.")
@click.option("--errors", is_flag=True, help="Also show why users are errors: each reason, how many, and an example.")
@budget_options
@run_options
@format_option("table", "json", "jsonl", "csv", "parquet")
def count_command(
    *,
    snapshot: Snapshot,
    conditions: tuple[str, ...],
    file: str | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    reach: bool,
    errors: bool,
    budget: Budget,
    now: datetime | None,
    mode: str,
    format: str,
) -> None:
    """Count the users whom conditions reach."""
    from dataclasses import replace

    from engine import count
    from engine.export import encode_report
    from engine.presentation import count_table, reach_table, reasons_table, summary, warning_lines
    from engine.terminal import drawn, progress

    if format == "parquet" and sys.stdout is not None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: send the output to a file.")
    if format == "csv" and (errors or reach):
        what = "the reasons of errors" if errors else "the reach of segments"
        raise click.UsageError(f"CSV cannot hold {what}: use another --format.")
    asked = asked_conditions(conditions, file, settings)
    named = dict(asked)
    with progress("Counting", "users") as report_progress:
        report = count(
            snapshot,
            named if len(named) > 1 else asked[0][1],
            mode=mode,
            now=now,
            errors=errors,
            reach=reach,
            rules=rules,
            budget=budget,
            announce=announcing(snapshot, budget),
            progress=report_progress,
            warnings=len(named) <= _MOST_WARNED,
        )
    if len(named) == 1:
        report = replace(report, results=(report.results[0]._replace(name=asked[0][0]),))
    by_name = {result.name: result for result in report.results}
    report = replace(report, results=tuple(by_name[name] for name, _ in asked))
    if format == "table":
        write(drawn(count_table(report)))
        if errors:
            write("\n" + drawn(reasons_table(report)))
        if reach:
            write("\n" + drawn(reach_table(report)))
        note(summary(report))
    else:
        write(encode_report(report, format))
    for message in dict.fromkeys(cell.error for one in report.results for cell in one.reach or () if cell.error):
        note(f"{message}")
    for line in warning_lines([warning for one in report.results for warning in one.warnings]):
        note(line)
    tell_failures(report)


@click.command("members")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
@audience_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where they are written: .parquet, .csv, .jsonl or .arrow. [default: CSV on standard output]",
)
@click.option("--columns", metavar="A,B", help="What to write of each user. [default: the id]")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="Write the first N only.")
@layout_option("--layout", help=f"Of many segments: {LAYOUTS} [default: pairs]")
@budget_options
@run_options
def members_command(
    *,
    snapshot: Snapshot,
    conditions: tuple[str, ...],
    file: str | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    output: Path | None,
    columns: str | None,
    limit: int | None,
    layout: str | None,
    budget: Budget,
    now: datetime | None,
    mode: str,
) -> None:
    """Write the users for whom conditions are true."""
    from engine.member_files import Layout, write_members
    from engine.membership import members_of
    from engine.terminal import progress

    wanted = [snapshot.id_column] if columns is None else list(dict.fromkeys(columns.split(",")))
    unknown = [name for name in wanted if name not in snapshot.schema.columns]
    if unknown and columns is not None:
        raise click.BadParameter(f"{snapshot.name} has no column '{unknown[0]}'", param_hint="--columns")
    if output is not None and snapshot.holds(output):
        raise click.UsageError(f"{output} is the snapshot itself, or would be a part of it.")
    named = dict(asked_conditions(conditions, file, settings))
    alone = file is None and len(named) == 1 and layout is None
    arrangement = None if alone else Layout(layout or "pairs")
    if (output is None or limit is not None) and arrangement is Layout.FILES:
        raise click.UsageError("The layout 'files' needs a directory, as -o DIRECTORY, and takes no --limit.")
    with progress("Writing", "users") as report_progress, cleared_when_terminated():
        stream = members_of(
            snapshot,
            next(iter(named.values())) if alone else named,
            columns=wanted,
            mode=mode,
            now=now,
            rules=rules,
            budget=budget,
            announce=announcing(snapshot, budget),
            progress=None if output is None else report_progress,
        )
        try:
            written = write_members(stream, arrangement, output, limit, write)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    report = stream.report()
    errors = f", {sum(result.error_count or 0 for result in report.results):,} errors" if limit is None else ""
    what = "users" if arrangement is Layout.USERS else "members"
    note(f"{written:,} {what}{errors}" + ("" if output is None else f", written to {output}"))
    tell_failures(report)


def announcing(snapshot: Snapshot, budget: Budget) -> Announce:
    """Says what will be interpreted, and how much it may cost, before it is."""
    from engine.presentation import interpretation_lines

    def announce(interpreted: Sequence[PlannedInterpretation]) -> None:
        for line in interpretation_lines(interpreted, snapshot.rows, budget):
            note(line)

    return announce
