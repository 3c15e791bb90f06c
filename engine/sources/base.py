"""What every kind of snapshot can do, and the one error that all of them raise."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import polars as pl
import polars.selectors as cs
from polars.io.plugins import register_io_source

from compiler.facts import Facts
from compiler.projection import Shape

# Polars decodes one nested column of one row group on one core: two at a time keep two cores busy.
_READS_AHEAD = 2


class SnapshotError(Exception):
    """A snapshot that is missing or cannot be read: one sentence with what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Attributes:
        readable: the Polars type of each column that Polars can read, in the table's order.
        unreadable: the table's own name for the type of each column that Polars cannot read.
    """

    readable: Mapping[str, pl.DataType]
    unreadable: Mapping[str, str] = field(default_factory=dict)


class Group(NamedTuple):
    """Rows that lie together in a source, of whose values something is known.

    Attributes:
        start: the number of rows before them.
        rows: their number, at least 1.
        facts: what is known, by column; of other columns, nothing.
    """

    start: int
    rows: int
    facts: Mapping[str, Facts]


class Source(Protocol):
    """A table of users, read column by column. Every method raises :class:`SnapshotError` for what cannot be read."""

    @property
    def name(self) -> str:
        """The location as it was given."""
        ...

    @property
    def format(self) -> str:
        """What kind of source it is, for messages: ``Parquet``, ``CSV``, ..."""
        ...

    @property
    def columns(self) -> Columns:
        """The columns and their types."""
        ...

    def count_rows(self) -> int:
        """The number of rows, from metadata where the format has it."""
        ...

    def fingerprint(self) -> str | None:
        """What the source is at this moment, as hexadecimal text; None where that cannot be told cheaply."""
        ...

    def groups(self, columns: Sequence[str]) -> Sequence[Group] | None:
        """What is known of these columns' values, in groups of all rows, in their order.

        None where the source has no statistics, and where they could not be had cheaply. They are as true as what they
        are read from is unchanged.
        """
        ...

    def scan(self, columns: Sequence[str], skip: Sequence[range] = ()) -> pl.LazyFrame:
        """A lazy frame of these columns, in this order; with no columns, of the right height all the same.

        ``skip``: rows that are left out, in ascending order: each range is that of one of the groups, or of several.
        """
        ...

    def chunks(self, columns: Sequence[str], rows: int, skip: Sequence[range] = ()) -> Iterator[pl.DataFrame]:
        """These columns, in frames of 1 to ``rows`` rows, in the order of the source.

        ``skip``: rows that are not read, as for :meth:`scan`. No frame holds rows from before and after them.
        """
        ...

    def narrowed(self, used: Mapping[str, Shape], texts: Set[str] = frozenset()) -> Source:
        """The source with ``chunks`` whose nested columns may hold only the parts used, and whose columns of ``texts``
        may come as Enum, by their distinct texts; itself, where it cannot.
        """
        ...


def project(frame: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """The columns by their exact names: ``pl.col`` would take a name such as ``^a$`` for a pattern.

    Selecting nothing gives a frame without rows; dropping everything keeps the height.
    """
    return frame.select(cs.by_name(*columns)) if columns else frame.drop(cs.all())


def ahead(reads: Iterable[Callable[[], pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """What each of the reads gives, in their order; while one is worked on, the next two are under way."""
    from concurrent.futures import Future, ThreadPoolExecutor  # one query over a file needs none

    pending: deque[Future[pl.DataFrame]] = deque()
    # Not closed when it is left early: that would wait for what is being read, and the second of the two interrupts
    # that Polars makes of one would fall into it. Its threads end when nothing holds it any more.
    pool = ThreadPoolExecutor(_READS_AHEAD)
    for read in reads:
        pending.append(pool.submit(read))
        if len(pending) > _READS_AHEAD:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
    pool.shutdown()


def slices(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """The frame in pieces of at most ``rows`` rows, without a copy."""
    for start in range(0, frame.height, rows):
        yield frame.slice(start, rows)


def kept_ranges(rows: range, skip: Sequence[range]) -> Iterator[range]:
    """What is left of a range of rows without those that are skipped, which are in ascending order."""
    start = rows.start
    for gone in skip:
        if gone.stop > start and gone.start < rows.stop:
            if gone.start > start:
                yield range(start, gone.start)
            start = gone.stop
    if start < rows.stop:
        yield range(start, rows.stop)


def lazy_batches(
    schema: Mapping[str, pl.DataType], read: Callable[[Sequence[str]], Iterator[pl.DataFrame]]
) -> pl.LazyFrame:
    """A lazy frame over batches that ``read`` yields for the columns that the plan turns out to need."""

    def batches(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch_rows: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for batch in read(list(schema) if columns is None else columns):
            kept = batch if predicate is None else batch.filter(predicate)
            yield kept if left is None else kept.head(left)
            if left is not None:
                left -= kept.height
                if left <= 0:
                    return

    return register_io_source(batches, schema=dict(schema), is_pure=True)


@contextmanager
def reading(name: str, kind: str) -> Iterator[None]:
    """Turns what libraries and the operating system raise while a source is read into one :class:`SnapshotError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise SnapshotError(f"{error.filename or name}: no such file or directory") from error
    except PermissionError as error:
        raise SnapshotError(f"{error.filename or name}: permission denied; ask its owner for read access") from error
    except pl.exceptions.DuplicateError as error:
        raise SnapshotError(f"{name}: has two columns of one name; rename one ({first_line(error)})") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, NotImplementedError) as error:
        # The last two are what pyarrow raises for invalid data and for what it lacks.
        raise SnapshotError(f"{name}: cannot be read as {kind}, it may be damaged: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without a final full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
