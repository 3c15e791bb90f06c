"""The command line of Cellar. Data goes to standard output, everything else to standard error.

Exit codes: 0 done, 1 failed, 2 wrong usage or a condition that does not check, 3 some of several conditions failed,
4 the snapshot is missing or unreadable; and, as shells have it, 130 after Ctrl-C, 141 when the reader of the output
has gone, and 143 after SIGTERM.

``cellar --help`` answers at once because each command imports what it needs, and no more.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

import click

from commands.comparison import bench_command, demo_command
from commands.counting import count_command, members_command
from commands.erasure import erase_command
from commands.inspection import check_command, explain_command, functions_command, schema_command
from commands.keys import keys_group
from commands.output import FAILED, INTERRUPTED, MISUSED, NO_READER, NO_SNAPSHOT, note
from commands.recalculation import recalculate_command
from commands.segments import history_command, segments_group
from commands.service import serve_command
from commands.worker import worker_command

COMMANDS = (
    count_command,
    members_command,
    recalculate_command,
    schema_command,
    check_command,
    explain_command,
    functions_command,
    bench_command,
    demo_command,
    serve_command,
    worker_command,
    segments_group,
    history_command,
    keys_group,
    erase_command,
)


class _Commands(click.Group):
    """The commands, whose errors end in one message and the right exit code."""

    def invoke(self, ctx: click.Context) -> object:
        from commands.memory import keep_memory

        keep_memory()
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
            note("Interrupted.")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BaseException as error:
            if ctx.params["traceback"]:
                raise
            ctx.exit(_explain(error))


def _explain(error: BaseException) -> int:
    """Says what went wrong, and returns the exit code."""
    from engine import AudienceError, CompileError, ConditionFailed, SnapshotError
    from engine.conditions_file import ConditionsFileError

    match error:
        case CompileError() | ConditionsFileError() | AudienceError():
            note(str(error) if isinstance(error, CompileError) else f"Error: {error}")
            return MISUSED
        case SnapshotError():
            note(f"Error: {error}")
            return NO_SNAPSHOT
        case ConditionFailed():
            note(str(error))
            return FAILED
        case OSError():
            note(f"Error: {error.filename or 'output'}: {error.strerror or error}")
            return FAILED
        case _:
            text = " ".join(str(error).split())
            note(f"cellar: internal error: {type(error).__name__}: {text}")
            note("For the details, run it again as: cellar --traceback ...")
            return FAILED


@click.group(cls=_Commands, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--traceback", is_flag=True, help="Show where an internal error comes from.")
@click.version_option(package_name="cellar")
def cellar(traceback: bool) -> None:
    """Counts customer segments: CEL conditions over snapshots of users.

    A SNAPSHOT is a Parquet, Arrow IPC or CSV file, a directory or glob of part files, Hive-partitioned or not, Parquet
    in an object store (s3://, gs://, az://), or a table of a DuckDB database: duckdb:FILE#TABLE.
    """


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


if __name__ == "__main__":
    main()
