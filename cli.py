"""The command line of Cellar. Data goes to standard output, everything else to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or a condition that does not check, 3 some of several conditions failed,
4 the snapshot is missing or unreadable; and, as shells have it, 130 after Ctrl-C and 141 when the reader of the output
has gone.

``cellar --help`` answers at once because each command imports what it needs, and no more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from engine import Snapshot

P = ParamSpec("P")
R = TypeVar("R")

FAILED, MISUSED, SOME_FAILED, NO_SNAPSHOT, INTERRUPTED, NO_READER = 1, 2, 3, 4, 130, 141

_DEMO_COMPARED = ("Over 30", "Students", "Larger than usual", "Frequent refunds")


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
    from engine import CompileError, SnapshotError
    from engine.conditions_file import ConditionsFileError

    match error:
        case CompileError():
            _note(str(error))
            return MISUSED
        case ConditionsFileError():
            _note(f"Error: {error}")
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


def _schema_option(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    overrides = {}
    types = ("int", "uint", "double", "string", "bool", "timestamp")
    for value in values:
        name, separator, type_ = value.rpartition("=")
        if not (name and separator):
            raise click.BadParameter(f"'{value}' is not of the form COLUMN=TYPE, such as age=int")
        if type_ not in types:
            raise click.BadParameter(f"'{type_}' is none of the types {', '.join(types)}")
        overrides[name] = type_
    return overrides


def _time_option(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"'{value}' is no time in ISO 8601, such as 2026-05-01T12:00:00Z") from None


def _on_snapshot(command: Callable[P, R]) -> Callable[..., R]:
    """Gives a command the argument SNAPSHOT, opened, and the options on how to read it."""

    @click.argument("location", metavar="SNAPSHOT")
    @click.option(
        "--schema",
        "overrides",
        metavar="COLUMN=TYPE",
        multiple=True,
        callback=_schema_option,
        help="Set the type of a column of a CSV file: int, uint, double, string, bool or timestamp. Repeatable.",
    )
    @click.option(
        "--id-column", metavar="NAME", default="user_id", show_default=True, help="The column with the user's id."
    )
    @wraps(command)
    def with_snapshot(
        location: str, overrides: Mapping[str, str], id_column: str, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        from engine import Snapshot

        kwargs["snapshot"] = Snapshot.open(location, schema_overrides=overrides, id_column=id_column)
        return command(*args, **kwargs)

    return with_snapshot


def _run_options(command: Callable[P, R]) -> Callable[P, R]:
    """Gives a command the options ``--now`` and ``--mode``."""
    now = click.option(
        "--now",
        metavar="TIME",
        callback=_time_option,
        help="The value of the variable now, in ISO 8601; without a zone it is UTC. [default: this moment]",
    )
    mode = click.option(
        "--mode",
        type=click.Choice(["auto", "compiled", "interpreted"]),
        default="auto",
        show_default=True,
        help="auto: compile what can be compiled; compiled: refuse the rest; interpreted: compile nothing.",
    )
    return now(mode(command))


def _format_option(*formats: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return click.option("--format", type=click.Choice(formats), default=formats[0], show_default=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--traceback", is_flag=True, help="Show where an internal error comes from.")
@click.version_option(package_name="cellar")
def cellar(traceback: bool) -> None:
    """Counts customer segments: CEL conditions over snapshots of users.

    A SNAPSHOT is a Parquet, Arrow IPC or CSV file, a directory or glob of part files, Hive-partitioned or not, or a
    table of a DuckDB database: duckdb:FILE#TABLE.
    """


@cellar.command("count")
@_on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@click.option(
    "--file",
    "file",
    metavar="FILE",
    help="A .cel file with one condition a line, or a .yaml list of segments with name and condition; - is stdin.",
)
@click.option("--errors", is_flag=True, help="Also show why users are errors: each reason, how many, and an example.")
@_run_options
@_format_option("table", "json", "jsonl", "csv", "parquet")
def count_command(
    *,
    snapshot: Snapshot,
    conditions: tuple[str, ...],
    file: str | None,
    errors: bool,
    now: datetime | None,
    mode: str,
    format: str,
) -> None:
    """Count the users whom conditions reach."""
    from dataclasses import replace

    from engine import count
    from engine.export import encode_report
    from engine.presentation import count_table, reasons_table, summary
    from engine.terminal import drawn, progress

    asked = [(text, text) for text in conditions] + _conditions_of(file)
    if not asked:
        raise click.UsageError("Give a CONDITION, or a FILE of them with --file.")
    if format == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: send the output to a file.")
    if format == "csv" and errors:
        raise click.UsageError("CSV cannot hold the reasons of errors: use another --format.")
    named = dict(asked)
    for name, text in asked:
        if named[name] != text:
            raise click.UsageError(f"Two conditions are named '{name}'.")
    with progress("Counting") as report_progress:
        if len(named) == 1:
            [(name, text)] = named.items()
            report = count(snapshot, text, mode=mode, now=now, errors=errors, progress=report_progress)
            report = replace(report, results=(replace(report.results[0], name=name),))
        else:
            report = count(snapshot, named, mode=mode, now=now, errors=errors, progress=report_progress)
    by_name = {result.name: result for result in report.results}
    report = replace(report, results=tuple(by_name[name] for name, _ in asked))
    if format == "table":
        _write(drawn(count_table(report)))
        if errors:
            _write("\n" + drawn(reasons_table(report)))
        _note(summary(report))
    else:
        _write(encode_report(report, format))
    failed = {result.name: result for result in report.results if result.error is not None}
    for result in failed.values():
        _note(f"{result.error}")
    if failed:
        _note(f"{len(failed)} of {len(named)} conditions failed.")
        click.get_current_context().exit(SOME_FAILED if len(named) > 1 else FAILED)


def _conditions_of(file: str | None) -> list[tuple[str, str]]:
    if file is None:
        return []
    from engine.conditions_file import parse_conditions

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="--file") from error
    named = parse_conditions(data, "<stdin>" if file == "-" else file)
    return [(one.name, one.condition) for one in named]


@cellar.command("schema")
@_on_snapshot
@_format_option("table", "json")
def schema_command(*, snapshot: Snapshot, format: str) -> None:
    """Show the variables of a snapshot: types, share of nulls, a few values."""
    from engine.description import describe
    from engine.presentation import description_table
    from engine.terminal import drawn, progress

    with progress("Reading"):
        description = describe(snapshot)
    if format == "json":
        _write_json(description.to_dict())
        return
    _write(drawn(description_table(description)))
    _note(f"{description.rows:,} users in {description.snapshot}, {description.format}")
    for column in description.columns:
        if column.type is None:
            _note(f"The column '{column.name}' is of type {column.column_type}: conditions cannot use it.")
        elif column.variable is None:
            _note(f"The column '{column.name}' cannot be written in a condition: rename it.")
    if description.format == "CSV":
        _note("The types are inferred. Set one that is wrong with --schema COLUMN=TYPE, such as --schema age=int.")


@cellar.command("check")
@_on_snapshot
@click.argument("condition")
@_run_options
@_format_option("text", "json")
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
@_on_snapshot
@click.argument("condition")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where they are written: .parquet, .csv, .jsonl or .arrow. [default: CSV on standard output]",
)
@click.option("--columns", metavar="A,B", help="What to write of each user. [default: the id]")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="Write the first N only.")
@_run_options
def members_command(
    *,
    snapshot: Snapshot,
    condition: str,
    output: Path | None,
    columns: str | None,
    limit: int | None,
    now: datetime | None,
    mode: str,
) -> None:
    """Write the users for whom a condition is true."""
    from engine.export import check_format, csv_texts, write_frames
    from engine.member_stream import MemberStream, first
    from engine.terminal import progress

    wanted = [snapshot.id_column] if columns is None else list(dict.fromkeys(columns.split(",")))
    unknown = [name for name in wanted if name not in snapshot.schema.columns]
    if unknown and columns is not None:
        raise click.BadParameter(f"{snapshot.name} has no column '{unknown[0]}'", param_hint="--columns")
    if output is not None and output.exists() and Path(snapshot.name).exists() and output.samefile(snapshot.name):
        raise click.UsageError(f"{output} is the snapshot itself.")
    stream = MemberStream.open(snapshot, condition, columns=wanted, mode=mode, now=now)
    try:
        check_format(stream.schema, output)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    frames = first(stream.frames(), limit)
    if output is None:
        for text in csv_texts(frames, stream.schema):
            _write(text)
    else:
        with progress("Writing"):
            write_frames(frames, stream.schema, output)
    written = stream.members if limit is None else min(stream.members, limit)
    errors = f", {stream.errors:,} errors" if limit is None else ""
    _note(f"{written:,} members{errors}" + ("" if output is None else f", written to {output}"))


@cellar.command("explain")
@_on_snapshot
@click.argument("condition")
@_run_options
@_format_option("text", "json")
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
@_format_option("text", "json")
def functions_command(*, name: str | None, format: str) -> None:
    """List the functions of conditions, or show one with its signatures and examples."""
    from difflib import get_close_matches

    from compiler.reference import reference
    from engine.presentation import entry_lines, reference_table
    from engine.terminal import drawn

    entries = [entry for entry in reference() if name in (None, entry.name)]
    if not entries:
        assert name is not None
        near = get_close_matches(name, [entry.name for entry in reference()], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "; all of them: cellar functions"
        raise click.UsageError(f"There is no function '{name}'{hint}")
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
    from engine import Snapshot, count
    from engine.comparison import compare
    from engine.presentation import comparison_table, count_table, summary
    from engine.sample import SAMPLE_NOW, sample_segments, write_sample
    from engine.terminal import drawn, progress

    path = directory / f"users-{users}-seed-{seed}.parquet"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with progress("Writing the users") as report_progress:
            write_sample(path, users=users, seed=seed, progress=report_progress)
        _note(f"Wrote {users:,} made-up users to {path}.\n")
    snapshot = Snapshot.open(path)
    segments = {segment.name: segment.condition for segment in sample_segments()}
    with progress("Counting") as report_progress:
        report = count(snapshot, segments, now=SAMPLE_NOW, progress=report_progress)
    _write(drawn(count_table(report)))
    _write(f"{summary(report)}\n\n")
    with progress("Interpreting") as report_progress:
        compared = {}
        for done, name in enumerate(_DEMO_COMPARED, 1):
            compared[name] = compare(snapshot, segments[name], now=SAMPLE_NOW)
            if report_progress is not None:
                report_progress(done, len(_DEMO_COMPARED))
    _write(drawn(comparison_table(compared)))
    _write_lines(["", "Try next:", *(f"  {command}" for command in _next_commands(path, SAMPLE_NOW))])


def _next_commands(path: Path, now: datetime) -> list[str]:
    """Commands to be copied: the program as it can be called from here, over the demo's snapshot."""
    from shlex import quote
    from shutil import which

    program = "cellar" if which("cellar") == sys.argv[0] else quote(os.path.relpath(sys.argv[0]))
    file = quote(str(path))
    return [
        f"{program} schema {file}",
        f"{program} count {file} 'country == \"DE\" && total_spent > 500.0' --now {now:%Y-%m-%dT%H:%M:%SZ}",
        f"{program} explain {file} 'purchases.exists(p, p.price > 100.0)'",
        f"{program} functions",
    ]


def _write_lines(lines: Iterable[str]) -> None:
    _write("".join(f"{line}\n" for line in lines))


def _write_json(value: object) -> None:
    from json import dumps

    _write(dumps(value, ensure_ascii=False, indent=2) + "\n")


def _write(output: str | bytes) -> None:
    """Writes data to standard output: the only place that does."""
    click.echo(output, nl=False)


def main() -> None:
    """The entry point."""
    cellar()
