"""The command line of Cellar. Data goes to standard output, everything else to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or a condition that does not check, 3 some of several conditions failed,
4 the snapshot is missing or unreadable; and, as shells have it, 130 after Ctrl-C and 141 when the reader of the output
has gone.

``cellar --help`` answers at once because each command imports what it needs, and no more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from engine import CountReport, Snapshot
    from engine.comparison import Comparison

P = ParamSpec("P")
R = TypeVar("R")
Progress = Callable[[int, int], None]

FAILED, MISUSED, SOME_FAILED, NO_SNAPSHOT, INTERRUPTED, NO_READER = 1, 2, 3, 4, 130, 141

_SHOW_PROGRESS_AFTER = 0.5
_DEMO_COMPARED = ("Over 30", "Students", "Larger than usual", "Frequent refunds")


class _Commands(click.Group):
    """The commands, whose errors end in one message and the right exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(NO_READER)
        except KeyboardInterrupt:
            _note("Interrupted.")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BaseException as error:
            if ctx.params["traceback"]:
                raise
            ctx.exit(_explain(error))
        return result


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


def _schema_option(
    _ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    overrides = {}
    for value in values:
        name, separator, type_ = value.rpartition("=")
        if not (name and separator and type_):
            raise click.BadParameter(f"'{value}' is not of the form COLUMN=TYPE, such as age=int")
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
def cellar(traceback: bool) -> None:  # noqa: ARG001
    """Counts customer segments: CEL conditions over snapshots of users.

    A SNAPSHOT is a Parquet, Arrow IPC or CSV file, a directory or glob of part files, Hive-partitioned or not, or a table
    of a DuckDB database: duckdb:FILE#TABLE.
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
@_run_options
@_format_option("table", "json", "jsonl", "csv", "parquet")
def count_command(
    snapshot: Snapshot, conditions: tuple[str, ...], file: str | None, now: datetime | None, mode: str, format: str
) -> None:
    """Count the users whom conditions reach."""
    from dataclasses import replace

    from engine import count
    from engine.export import encode_report

    asked = [(text, text) for text in conditions] + _conditions_of(file)
    if not asked:
        raise click.UsageError("Give a CONDITION, or a FILE of them with --file.")
    if format == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: send the output to a file.")
    named = dict(asked)
    for name, text in asked:
        if named[name] != text:
            raise click.UsageError(f"Two conditions are named '{name}'.")
    with _progress("Counting") as progress:
        if len(named) == 1:
            [(name, text)] = named.items()
            report = count(snapshot, text, mode=mode, now=now, progress=progress)
            report = replace(report, results=(replace(report.results[0], name=name),))
        else:
            report = count(snapshot, named, mode=mode, now=now, progress=progress)
    by_name = {result.name: result for result in report.results}
    report = replace(report, results=tuple(by_name[name] for name, _ in asked))
    if format == "table":
        _write(_count_table(report))
        _note(_summary(report))
    else:
        _write(encode_report(report, format))
    failed = {result.name: result for result in report.results if result.error is not None}
    for result in failed.values():
        _note(f"{result.error}")
    if failed:
        _note(f"{len(failed)} of {len(named)} conditions failed.")
        click.get_current_context().exit(SOME_FAILED)


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
def demo_command(users: int, directory: Path, seed: int) -> None:
    """Count some twenty segments over a million made-up users."""
    from engine import Snapshot, count
    from engine.comparison import compare
    from engine.sample import SAMPLE_NOW, sample_segments, write_sample

    path = directory / f"users-{users}-seed-{seed}.parquet"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with _progress("Writing the users") as progress:
            write_sample(path, users=users, seed=seed, progress=progress)
        _note(f"Wrote {users:,} made-up users to {path}.\n")
    snapshot = Snapshot.open(path)
    segments = {segment.name: segment.condition for segment in sample_segments()}
    with _progress("Counting") as progress:
        report = count(snapshot, segments, now=SAMPLE_NOW, progress=progress)
    _write(_count_table(report))
    _write(f"{_summary(report)}\n\n")
    with _progress("Interpreting") as progress:
        compared = {}
        for done, name in enumerate(_DEMO_COMPARED, 1):
            compared[name] = compare(snapshot, segments[name], now=SAMPLE_NOW)
            if progress is not None:
                progress(done, len(_DEMO_COMPARED))
    _write(_comparison_table(compared))
    now = f"--now {SAMPLE_NOW:%Y-%m-%dT%H:%M:%SZ}"
    _write(
        "\nTry next:\n"
        f"  cellar schema {path}\n"
        f"  cellar count {path} 'country == \"DE\" && total_spent > 500.0' {now}\n"
        f"  cellar explain {path} 'purchases.exists(p, p.price > 100.0)'\n"
    )


def _count_table(report: CountReport) -> str:
    rows = [
        (
            result.name,
            "-" if result.user_count is None else f"{result.user_count:,}",
            "-" if result.error_count is None else f"{result.error_count:,}",
            result.mode or "failed",
            f"{result.duration * 1_000:,.1f}",
        )
        for result in report.results
    ]
    return _table(("segment", "users>", "errors>", "mode", "ms>"), rows)


def _summary(report: CountReport) -> str:
    now = f"{report.now:%Y-%m-%dT%H:%M:%SZ}"
    return f"{report.rows:,} users in {report.snapshot}, now {now}, {report.duration:.2f} s"


def _comparison_table(compared: Mapping[str, Comparison]) -> str:
    rows = [
        (
            name,
            f"{one.sampled:,}",
            f"{one.interpreted:.2f}",
            f"{one.interpreted_per_user * 1e6:,.1f}",
            f"{one.users:,}",
            f"{one.compiled:.2f}",
            f"{one.compiled_per_user * 1e6:,.3f}",
            "-" if one.factor is None else f"{one.factor:,.0f} x",
            "yes" if one.equal else "NO",
        )
        for name, one in compared.items()
    ]
    columns = ("segment", "interpreted>", "s>", "µs/user>", "compiled>", "s>", "µs/user>", "factor>", "equal")
    return _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text; a column whose name ends in ``>`` is aligned to the right. Nothing is ever cut off."""
    from io import StringIO

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=box.SIMPLE_HEAD if terminal else None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column.rstrip(">")), justify="right" if column.endswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    text = StringIO()
    console = Console(file=text, force_terminal=terminal, width=None if terminal else 1_000_000)
    console.print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().split("\n"))


def _write(output: str | bytes) -> None:
    """Writes data to standard output: the only place that does."""
    click.echo(output, nl=False)


@contextmanager
def _progress(label: str) -> Iterator[Progress | None]:
    """A bar on standard error, where that is a terminal, for work that lasts."""
    if not sys.stderr.isatty():
        yield None
        return
    from threading import Lock, Timer

    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=None)
    lock = Lock()
    timer = Timer(_SHOW_PROGRESS_AFTER, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        timer.cancel()
        with lock:
            bar.stop()


def main() -> None:
    """The entry point."""
    cellar()
