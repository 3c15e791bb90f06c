"""The elements of lists: flattened once, and what macros say of them reduced to one value for each list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.schema import data_type
from compiler.space import ELEMENT, INDEX, Computed, Kind, Reduction, Space, Step

from .evaluated import MOST_BYTES, MOST_ELEMENTS, TooManyElements, evaluated


@dataclass
class _Elements:
    """The flattened elements of a list column.

    Attributes:
        frame: one row an element.
        lengths: how many elements each list has.
        present: whether each list is there.
    """

    frame: pl.DataFrame
    lengths: NDArray[np.int64]
    present: pl.Series

    @cached_property
    def parents(self) -> NDArray[np.intp]:
        """The number of each element's list."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.cumsum(self.lengths)

    def indices(self) -> pl.Series:
        """Each element's place in its list."""
        starts = self._ends - self.lengths
        return pl.Series(INDEX, np.arange(len(self.parents)) - starts[self.parents], dtype=pl.Int64())

    def counts(self, flags: pl.Series) -> NDArray[np.int32]:
        """How many elements of each list are flagged; null is not."""
        # What was counted up to the end of a list, less what was up to its start: no element asks for its list.
        before = np.zeros(len(flags) + 1, dtype=np.int32)
        np.cumsum(_true(flags), out=before[1:])
        return before.take(self._ends) - before.take(self._ends - self.lengths)

    def any(self, flags: pl.Series) -> NDArray[np.bool_]:
        """Whether any element of each list is flagged."""
        return self.counts(flags) > 0 if flags.any() else np.zeros(len(self.lengths), dtype=np.bool_)


class Spaces:
    """The frames of the rows and of each list's elements, each made when it is first needed."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self._elements: dict[int, _Elements] = {}

    def evaluate(self, space: Space | None, expressions: Mapping[str, pl.Expr]) -> pl.DataFrame:
        """The values of expressions over a space; None is the rows."""
        if not expressions:
            return pl.DataFrame(height=self.frame(space).height)
        if space is not None:
            self._provide(space, expressions.values())
        return evaluated(self.frame(space), expressions)

    def add(self, step: Step) -> None:
        """Computes a step: a column of its space, or, of a reduction, of the space around that."""
        if isinstance(step, Computed):
            space = _or_rows(step.space)
            column = self.evaluate(space, {step.name: step.expression}).to_series()
            if step.grows and column.estimated_size() > MOST_BYTES:
                raise TooManyElements(f"a value and those of other rows take more than {MOST_BYTES:,} bytes at once")
        else:
            space = _parent(step.space)
            columns = self.evaluate(step.space, step.expressions)
            height = self.frame(space).height
            column = _reduce(columns, self._flat(step.space), step, height).alias(step.name)
        self._extend(space, self.frame(space).with_columns(column))

    def frame(self, space: Space | None) -> pl.DataFrame:
        """The columns of a space so far; None is the rows."""
        return self._rows if space is None else self._flat(space).frame

    def _extend(self, space: Space | None, frame: pl.DataFrame) -> None:
        if space is None:
            self._rows = frame
        else:
            self._flat(space).frame = frame

    def _flat(self, space: Space) -> _Elements:
        elements = self._elements.get(id(space))
        if elements is None:
            elements = self._elements[id(space)] = _flattened(*self._ranges(space))
        return elements

    def _ranges(self, space: Space) -> tuple[pl.Series, NDArray[np.intp] | None]:
        """The lists that a space has the elements of, and for each parent the place of its own among them.

        Lists from further out stay there: gathered for each parent first, they would be copied as often as they are
        flattened. The places are None where each parent has the list at its own place.
        """
        assert space.range is not None
        expression, home = space.range.value, _parent(space)
        places: NDArray[np.intp] | None = None
        while home is not None and expression.meta.is_column() and expression.meta.output_name() in home.captures:
            expression = home.captures[expression.meta.output_name()]
            parents = self._flat(home).parents
            places = parents if places is None else parents[places]
            home = _parent(home)
        return self.evaluate(home, {ELEMENT: expression}).get_column(ELEMENT), places

    def _provide(self, space: Space, expressions: Iterable[pl.Expr]) -> None:
        """Adds what expressions take besides the elements: their places, and what is gathered from outside."""
        elements = self._flat(space)
        used = {name for e in expressions for name in e.meta.root_names()} - set(elements.frame.columns)
        if INDEX in used:
            elements.frame = elements.frame.with_columns(elements.indices())
        missing = sorted(used & space.captures.keys())
        if missing:
            outer = self.evaluate(_parent(space), {name: space.captures[name] for name in missing})
            for column in outer.get_columns():
                if isinstance(column.dtype, pl.List):
                    lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
                    _bound(int(lengths[elements.parents].sum()))
            elements.frame = elements.frame.hstack(outer[elements.parents])


def _flattened(lists: pl.Series, places: NDArray[np.intp] | None) -> _Elements:
    """The elements of lists one after the other; with places, those of the list at each place."""
    lengths = lists.list.len().fill_null(0).to_numpy().astype(np.int64)
    own = lengths if places is None else lengths[places]
    total = int(own.sum())
    _bound(total)
    flat = lists.explode(empty_as_null=False, keep_nulls=False).alias(ELEMENT).to_frame()
    present = lists.is_not_null()
    if places is None:
        return _Elements(flat, own, present)
    starts, firsts = np.cumsum(lengths) - lengths, np.cumsum(own) - own
    rows = np.arange(total) + np.repeat(starts[places] - firsts, own)
    return _Elements(flat[rows], own, present.gather(places))


def _bound(elements: int) -> None:
    if elements > MOST_ELEMENTS:
        raise TooManyElements(f"nested macros come to {elements:,} elements at once; at most {MOST_ELEMENTS:,} may be")


def _parent(space: Space) -> Space | None:
    """The space around; None where that is the rows."""
    assert space.parent is not None
    return _or_rows(space.parent)


def _or_rows(space: Space) -> Space | None:
    return None if space.parent is None else space


def _reduce(columns: pl.DataFrame, elements: _Elements, reduction: Reduction, height: int) -> pl.Series:
    match reduction.kind:
        case Kind.ALL | Kind.EXISTS | Kind.EXISTS_ONE:
            truth = _logical(reduction.kind, columns, elements)
            return _masked(truth, elements.present)
        case Kind.COUNT:
            keep = columns.get_column("keep")
            counts = pl.Series(elements.counts(keep)).cast(pl.UInt32)
            return _masked(counts, elements.present & pl.Series(~elements.any(keep.is_null())))
        case Kind.LIST:
            return _lists(columns, elements, height, reduction.dtype)
        case Kind.FIRST:
            return _firsts(columns.get_column("value"), elements, height)


def _logical(kind: Kind, columns: pl.DataFrame, elements: _Elements) -> pl.Series:
    """CEL's absorption over the elements of each parent: a deciding element outweighs an error."""
    keep = columns.get_column("keep")
    failed = elements.any(keep.is_null())
    if kind is Kind.EXISTS_ONE:
        truth = elements.counts(keep) == 1
    else:
        decided = elements.any(keep if kind is Kind.EXISTS else ~keep)
        truth = decided if kind is Kind.EXISTS else ~decided
        failed &= ~decided
    if "failed" in columns.columns:
        failed |= elements.any(columns.get_column("failed"))
    return _masked(pl.Series(truth), pl.Series(~failed))


def _lists(columns: pl.DataFrame, elements: _Elements, height: int, dtype: pl.DataType) -> pl.Series:
    """The values of each parent's elements as a list again, those that ``keep`` holds for."""
    values, lengths = columns.get_column("value"), elements.lengths
    failed = np.zeros(height, dtype=np.bool_)
    if "failed" in columns.columns:
        failing = columns.get_column("failed")
        if "keep" in columns.columns:
            failing = failing & columns.get_column("keep")
        failed |= elements.any(failing)
    if "keep" in columns.columns:
        keep = columns.get_column("keep")
        failed |= elements.any(keep.is_null())
        values, lengths = values.filter(keep.fill_null(value=False)), elements.counts(keep).astype(np.int64)
    lists = _over_offsets(values.alias("value"), lengths, dtype)
    return _masked(lists, elements.present & pl.Series(~failed))


def _over_offsets(values: pl.Series, lengths: NDArray[np.int64], dtype: pl.DataType) -> pl.Series:
    """Lists of these lengths that follow each other in ``values``: only the offsets are new."""
    import pyarrow as pa

    if _holds_wide_integers(values.dtype):
        # Arrow has no 128-bit integers.
        starts = np.cumsum(lengths) - lengths
        places = pl.select(pl.int_ranges(pl.Series(starts), pl.Series(starts + lengths))).to_series()
        flat = values.implode().new_from_index(0, len(places))
        return flat.list.gather(places).cast(dtype)
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), values.rechunk().to_arrow()))
    assert isinstance(lists, pl.Series)
    return lists if lists.dtype == dtype else lists.cast(dtype)


def _holds_wide_integers(dtype: pl.DataType) -> bool:
    match dtype:
        case pl.Int128():
            return True
        case pl.List():
            return _holds_wide_integers(data_type(dtype.inner))
        case pl.Struct():
            return any(_holds_wide_integers(data_type(field.dtype)) for field in dtype.fields)
        case _:
            return False


def _firsts(values: pl.Series, elements: _Elements, height: int) -> pl.Series:
    """The first value of each parent that is not null."""
    present = values.is_not_null().to_numpy()
    parents, firsts = np.unique(elements.parents[present], return_index=True)
    places = np.full(height, len(values))
    places[parents] = np.flatnonzero(present)[firsts]
    missing = pl.Series(values.name, [None], dtype=values.dtype)
    return pl.concat([values, missing]).gather(places)


def _true(flags: pl.Series) -> NDArray[np.bool_]:
    return flags.fill_null(value=False).to_numpy()


def _masked(values: pl.Series, present: pl.Series) -> pl.Series:
    """The values where ``present``, null elsewhere."""
    if present.all():
        return values
    return pl.select(pl.when(present).then(values)).to_series()
