"""The command line of Cellar. Data goes to standard output, everything else to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or a condition that does not check, 3 some of several conditions failed,
4 the snapshot is missing or unreadable; and, as shells have it, 130 after Ctrl-C and 141 when the reader of the output
has gone.

``cellar --help`` answers at once because each command imports what it needs, and no more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from cli_options import (
    LAYOUTS,
    audience_options,
    file_option,
    format_option,
    layout_option,
    now_option,
    on_snapshot,
    run_options,
)

if TYPE_CHECKING:
    from engine import CountReport, Segment, Snapshot

P = ParamSpec("P")
R = TypeVar("R")

FAILED, MISUSED, SOME_FAILED, NO_SNAPSHOT, INTERRUPTED, NO_READER = 1, 2, 3, 4, 130, 141


class _Commands(click.Group):
    """The commands, whose errors end in one message and the right exit code."""

    def invoke(self, ctx: click.Context) -> object:
        if isinstance(sys.stdout, TextIOWrapper):
            # What the terminal's encoding lacks is no reason to fail.
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Python flushes once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(NO_READER)
        except KeyboardInterrupt:
            _note("Interrupted.")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BaseException as error:
            if ctx.params["traceback"]:
                raise
            ctx.exit(_explain(error))


def _explain(error: BaseException) -> int:
    """Says what went wrong, and returns the exit code."""
    from engine import AudienceError, CompileError, SnapshotError
    from engine.conditions_file import ConditionsFileError

    match error:
        case CompileError() | ConditionsFileError() | AudienceError():
            _note(str(error) if isinstance(error, CompileError) else f"Error: {error}")
            return MISUSED
        case SnapshotError():
            _note(f"Error: {error}")
            return NO_SNAPSHOT
        case OSError():
            _note(f"Error: {error.filename or 'output'}: {error.strerror or error}")
            return FAILED
        case _:
            text = " ".join(str(error).split())
            _note(f"cellar: internal error: {type(error).__name__}: {text}")
            _note("For the details, run it again as: cellar --traceback ...")
            return FAILED


def _note(text: str) -> None:
    click.echo(text, err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--traceback", is_flag=True, help="Show where an internal error comes from.")
@click.version_option(package_name="cellar")
def cellar(traceback: bool) -> None:
    """Counts customer segments: CEL conditions over snapshots of users.

    A SNAPSHOT is a Parquet, Arrow IPC or CSV file, a directory or glob of part files, Hive-partitioned or not, Parquet
    in an object store (s3://, gs://, az://), or a table of a DuckDB database: duckdb:FILE#TABLE.
    """


@cellar.command("count")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
@audience_options
@click.option("--reach", is_flag=True, help="Also count by each channel, without and with the consent.")
@click.option("--errors", is_flag=True, help="Also show why users are errors: each reason, how many, and an example.")
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
    now: datetime | None,
    mode: str,
    format: str,
) -> None:
    """Count the users whom conditions reach."""
    from dataclasses import replace

    from engine import count
    from engine.export import encode_report
    from engine.presentation import count_table, reach_table, reasons_table, summary
    from engine.terminal import drawn, progress

    if format == "parquet" and sys.stdout is not None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: send the output to a file.")
    if format == "csv" and (errors or reach):
        what = "the reasons of errors" if errors else "the reach of segments"
        raise click.UsageError(f"CSV cannot hold {what}: use another --format.")
    asked = _asked(conditions, file, settings)
    named = dict(asked)
    with progress("Counting") as report_progress:
        report = count(
            snapshot,
            named if len(named) > 1 else asked[0][1],
            mode=mode,
            now=now,
            errors=errors,
            reach=reach,
            rules=rules,
            progress=report_progress,
        )
    if len(named) == 1:
        report = replace(report, results=(report.results[0]._replace(name=asked[0][0]),))
    by_name = {result.name: result for result in report.results}
    report = replace(report, results=tuple(by_name[name] for name, _ in asked))
    if format == "table":
        _write(drawn(count_table(report)))
        if errors:
            _write("\n" + drawn(reasons_table(report)))
        if reach:
            _write("\n" + drawn(reach_table(report)))
        _note(summary(report))
    else:
        _write(encode_report(report, format))
    for message in dict.fromkeys(cell.error for one in report.results for cell in one.reach or () if cell.error):
        _note(f"{message}")
    _tell_failures(report)


def _tell_failures(report: CountReport) -> None:
    """Says which conditions failed, and ends the command with the exit code for that."""
    failed = {result.name: result.error for result in report.results if result.error is not None}
    number = len({result.name for result in report.results})
    for error in failed.values():
        _note(f"{error}")
    if failed:
        _note(f"{len(failed)} of {number} conditions failed.")
        click.get_current_context().exit(SOME_FAILED if number > 1 else FAILED)


def _asked(conditions: Sequence[str], file: str | None, settings: Mapping[str, str]) -> list[tuple[str, Segment]]:
    """The conditions given as arguments and in a file, by name, in their order."""
    from engine import Segment
    from engine.conditions_file import audience_of, parse_conditions

    asked = [(text, Segment(text, audience_of(settings))) for text in conditions]
    if file is not None:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise click.BadParameter(f"{file}: {error.strerror}", param_hint="--file") from error
        named = parse_conditions(data, "<stdin>" if file == "-" else file, settings)
        asked += [(one.name, Segment(one.condition, one.audience)) for one in named]
    if not asked:
        raise click.UsageError("Give a CONDITION, or a FILE of them with --file.")
    by_name = dict(asked)
    for name, segment in asked:
        if by_name[name] != segment:
            raise click.UsageError(f"Two conditions are named '{name}'.")
    return asked


@cellar.command("schema")
@on_snapshot
@format_option("table", "json")
def schema_command(*, snapshot: Snapshot, format: str) -> None:
    """Show the variables of a snapshot: types, share of nulls, a few values."""
    from engine.description import describe
    from engine.presentation import description_notes, description_table
    from engine.terminal import drawn, progress

    with progress("Reading"):
        description = describe(snapshot)
    if format == "json":
        _write_json(description.to_dict())
        return
    _write(drawn(description_table(description)))
    for line in description_notes(description):
        _note(line)


@cellar.command("check")
@on_snapshot
@click.argument("condition")
@run_options
@format_option("text", "json")
def check_command(*, snapshot: Snapshot, condition: str, now: datetime | None, mode: str, format: str) -> None:
    """Check a condition: its type and the columns it reads, or what is wrong."""
    from engine.explanation import explain
    from engine.presentation import facts

    explanation = explain(snapshot, condition, mode=mode, now=now)
    if format == "json":
        known = explanation.to_dict()
        _write_json({key: known[key] for key in ("condition", "type", "mode", "columns")})
    else:
        _write_lines(facts(explanation))
    if explanation.type not in ("bool", "dyn"):
        _note(f"It is of type {explanation.type}; only a bool can be counted.")


@cellar.command("members")
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
    now: datetime | None,
    mode: str,
) -> None:
    """Write the users for whom a condition is true, or those of many segments."""
    from engine.member_files import Layout, write_members
    from engine.membership import members_of
    from engine.terminal import progress

    wanted = [snapshot.id_column] if columns is None else list(dict.fromkeys(columns.split(",")))
    unknown = [name for name in wanted if name not in snapshot.schema.columns]
    if unknown and columns is not None:
        raise click.BadParameter(f"{snapshot.name} has no column '{unknown[0]}'", param_hint="--columns")
    if output is not None and snapshot.holds(output):
        raise click.UsageError(f"{output} is the snapshot itself, or would be a part of it.")
    named = dict(_asked(conditions, file, settings))
    alone = file is None and len(named) == 1 and layout is None
    arrangement = None if alone else Layout(layout or "pairs")
    if (output is None or limit is not None) and arrangement is Layout.FILES:
        raise click.UsageError("The layout 'files' needs a directory, as -o DIRECTORY, and takes no --limit.")
    with progress("Writing", "users") as report_progress:
        stream = members_of(
            snapshot,
            next(iter(named.values())) if alone else named,
            columns=wanted,
            mode=mode,
            now=now,
            rules=rules,
            progress=None if output is None else report_progress,
        )
        try:
            written = write_members(stream, arrangement, output, limit, _write)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    report = stream.report()
    errors = f", {sum(result.error_count or 0 for result in report.results):,} errors" if limit is None else ""
    _note(f"{written:,} members{errors}" + ("" if output is None else f", written to {output}"))
    _tell_failures(report)


@cellar.command("recalculate")
@on_snapshot
@click.option("--file", metavar="FILE", required=True, help="The segments, as for count.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    required=True,
    help="Where the results are published: its link 'latest' is switched when they are complete.",
)
@layout_option("--members", is_flag=False, flag_value="pairs", help=f"Also write the members: {LAYOUTS}")
@click.option("--errors", is_flag=True, help="Also tell why users are errors.")
@click.option(
    "--keep", type=click.IntRange(1), metavar="N", help="Remove all but the newest N results. [default: none]"
)
@audience_options
@run_options
def recalculate_command(
    *,
    snapshot: Snapshot,
    file: str,
    output: Path,
    members: str | None,
    errors: bool,
    keep: int | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    now: datetime | None,
    mode: str,
) -> None:
    """Count all segments of a file, and publish the results as a whole."""
    from engine.member_files import Layout
    from engine.presentation import summary
    from engine.recalculation import recalculate
    from engine.terminal import progress

    with progress("Recalculating", "users") as report_progress:
        done = recalculate(
            snapshot,
            dict(_asked((), file, settings)),
            output,
            layout=None if members is None else Layout(members),
            errors=errors,
            mode=mode,
            now=now,
            rules=rules,
            keep=keep,
            progress=report_progress,
        )
    _note(summary(done.report))
    _note(f"{len(done.report.results):,} segments, published in {done.directory}")
    _tell_failures(done.report)


@cellar.command("bench")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
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
    sample: int,
    rounds: int,
    now: datetime | None,
    format: str,
) -> None:
    """Compare conditions compiled with the same conditions interpreted: answers and times."""
    from engine.comparison import compare_all
    from engine.presentation import comparison_summary, comparison_table
    from engine.terminal import drawn, progress

    named = {name: segment.condition for name, segment in _asked(conditions, file, {})}
    with progress("Comparing", "conditions") as report_progress:
        report = compare_all(snapshot, named, sample=sample, rounds=rounds, now=now, progress=report_progress)
    if format == "json":
        _write_json(report.to_dict())
    else:
        _write(drawn(comparison_table(report.compared)))
        _write_lines(comparison_summary(report))
    for message in report.messages():
        _note(message)
    if not report.equal or report.failed:
        click.get_current_context().exit(SOME_FAILED if report.equal and len(named) > 1 else FAILED)


@cellar.command("explain")
@on_snapshot
@click.argument("condition")
@run_options
@format_option("text", "json")
def explain_command(*, snapshot: Snapshot, condition: str, now: datetime | None, mode: str, format: str) -> None:
    """Show how a condition is answered: types, what is compiled, what is read."""
    from engine.explanation import explain
    from engine.presentation import explanation_lines

    explanation = explain(snapshot, condition, mode=mode, now=now)
    if format == "json":
        _write_json(explanation.to_dict())
        return
    _write_lines(explanation_lines(explanation))


@cellar.command("functions")
@click.argument("name", required=False)
@format_option("text", "json")
def functions_command(*, name: str | None, format: str) -> None:
    """List the functions of conditions, or show one with its signatures and examples."""
    from compiler.reference import entries_of
    from engine.presentation import entry_lines, reference_table
    from engine.terminal import drawn

    try:
        entries = entries_of(name)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from None
    if format == "json":
        _write_json([entry.to_dict() for entry in entries])
    elif name is None:
        _write(drawn(reference_table(entries)))
    else:
        _write_lines(line for entry in entries for line in entry_lines(entry))


@cellar.command("demo")
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
        _note(f"Wrote {users:,} made-up users to {path}.\n")
    with progress("Counting") as report_progress:
        report = counted(path, progress=report_progress)
    _write(drawn(count_table(report)))
    _write(f"{summary(report)}\n\n")
    with progress("Interpreting") as report_progress:
        compared = compared_conditions(path, progress=report_progress)
    _write(drawn(comparison_table(compared)))
    _write_lines(["", "Try next:", *(f"  {command}" for command in next_commands(sys.argv[0], path))])


def _write_lines(lines: Iterable[str]) -> None:
    _write("".join(f"{line}\n" for line in lines))


def _write_json(value: object) -> None:
    from json import dumps

    _write(dumps(value, ensure_ascii=False, indent=2) + "\n")


def _write(output: str | bytes) -> None:
    """Writes data to standard output: the only place that does."""
    # click would take escape sequences out of data.
    click.echo(output, nl=False, color=True)


def _unraisable(event: sys.UnraisableHookArgs) -> None:
    """An interrupt may come from Polars and from Python: the second, where nobody can catch it, is no news."""
    if event.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(event)


def main() -> None:
    """The entry point."""
    sys.unraisablehook = _unraisable
    try:
        cellar()
    except SystemExit as end:
        sys.stderr.flush()
        if isinstance(end.code, int) and _flushed():
            # Nothing is left but to free memory, which takes a while; and threads of pyarrow that are still at work on
            # a damaged file would abort an ordinary end.
            os._exit(end.code)
        raise


def _flushed() -> bool:
    """Whether standard output has taken all that was written to it."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        return False
    return True
