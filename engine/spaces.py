"""The elements of lists: flattened once, and what macros say of them reduced to one value for each list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from compiler.schema import data_type
from compiler.space import ELEMENT, INDEX, Computed, Kind, Reduction, Space, Step

from .evaluated import MOST_BYTES, TooManyElements, evaluated
from .flattened import Flattened, Lists, bound, flattened
from .steps import columns_read


class Spaces:
    """The frames of the rows and of each list's elements, each made when it is first needed."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self._elements: dict[int, Flattened] = {}
        self._columns: dict[str, Flattened] = {}

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
            column = _reduce(columns, self._flat(step.space).lists, step, height).alias(step.name)
        self._extend(space, self.frame(space).with_columns(column))

    def frame(self, space: Space | None) -> pl.DataFrame:
        """The columns of a space so far; None is the rows."""
        return self._rows if space is None else self._flat(space).frame

    def _extend(self, space: Space | None, frame: pl.DataFrame) -> None:
        if space is None:
            self._rows = frame
        else:
            self._elements[id(space)] = self._flat(space)._replace(frame=frame)

    def _flat(self, space: Space) -> Flattened:
        elements = self._elements.get(id(space))
        if elements is None:
            elements = self._elements[id(space)] = self._flattened(space)
        return elements

    def _flattened(self, space: Space) -> Flattened:
        """The elements of a space's lists. Those of a column of the rows are flattened once for all spaces."""
        assert space.range is not None
        range_ = space.range.value
        if _parent(space) is not None or not range_.meta.is_column():
            return flattened(*self._ranges(space))
        column = range_.meta.output_name()
        known = self._columns.get(column)
        if known is None:
            known = self._columns[column] = flattened(self._rows.get_column(column))
        return known

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
            parents = self._flat(home).lists.parents
            places = parents if places is None else parents[places]
            home = _parent(home)
        return self.evaluate(home, {ELEMENT: expression}).get_column(ELEMENT), places

    def _provide(self, space: Space, expressions: Iterable[pl.Expr]) -> None:
        """Adds what expressions take besides the elements: their places, and what is gathered from outside."""
        frame, lists = self._flat(space)
        used = columns_read(expressions) - set(frame.columns)
        if INDEX in used:
            frame = frame.with_columns(_indices(lists))
        missing = sorted(used & space.captures.keys())
        if missing:
            outer = self.evaluate(_parent(space), {name: space.captures[name] for name in missing})
            for column in outer.get_columns():
                if isinstance(column.dtype, pl.List):
                    lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
                    bound(int(lengths[lists.parents].sum()))
            frame = frame.hstack(outer[lists.parents])
        self._extend(space, frame)


def _indices(lists: Lists) -> pl.Series:
    """Each element's place in its list."""
    starts = lists.ends - lists.lengths
    return pl.Series(INDEX, np.arange(len(lists.parents)) - starts[lists.parents], dtype=pl.Int64())


def _parent(space: Space) -> Space | None:
    """The space around; None where that is the rows."""
    assert space.parent is not None
    return _or_rows(space.parent)


def _or_rows(space: Space) -> Space | None:
    return None if space.parent is None else space


def _reduce(columns: pl.DataFrame, lists: Lists, reduction: Reduction, height: int) -> pl.Series:
    match reduction.kind:
        case Kind.ALL | Kind.EXISTS | Kind.EXISTS_ONE:
            truth = _logical(reduction.kind, columns, lists)
            return masked(truth, lists.present)
        case Kind.COUNT:
            keep = columns.get_column("keep")
            counts = pl.Series(lists.counts(keep)).cast(pl.UInt32)
            return masked(counts, lists.present & pl.Series(~lists.any(keep.is_null())))
        case Kind.LIST:
            return _lists(columns, lists, height, reduction.dtype)
        case Kind.FIRST:
            return _firsts(columns.get_column("value"), lists, height)


def _logical(kind: Kind, columns: pl.DataFrame, lists: Lists) -> pl.Series:
    """CEL's absorption over the elements of each parent: a deciding element outweighs an error."""
    keep = columns.get_column("keep")
    failed = lists.any(keep.is_null())
    if kind is Kind.EXISTS_ONE:
        truth = lists.counts(keep) == 1
    else:
        decided = lists.any(keep if kind is Kind.EXISTS else ~keep)
        truth = decided if kind is Kind.EXISTS else ~decided
        failed &= ~decided
    if "failed" in columns.columns:
        failed |= lists.any(columns.get_column("failed"))
    return masked(pl.Series(truth), pl.Series(~failed))


def _lists(columns: pl.DataFrame, lists: Lists, height: int, dtype: pl.DataType) -> pl.Series:
    """The values of each parent's elements as a list again, those that ``keep`` holds for."""
    values, lengths = columns.get_column("value"), lists.lengths
    failed = np.zeros(height, dtype=np.bool_)
    if "failed" in columns.columns:
        failing = columns.get_column("failed")
        if "keep" in columns.columns:
            failing = failing & columns.get_column("keep")
        failed |= lists.any(failing)
    if "keep" in columns.columns:
        keep = columns.get_column("keep")
        failed |= lists.any(keep.is_null())
        values, lengths = values.filter(keep.fill_null(value=False)), lists.counts(keep).astype(np.int64)
    made = over_offsets(values.alias("value"), lengths, dtype)
    return masked(made, lists.present & pl.Series(~failed))


def over_offsets(values: pl.Series, lengths: NDArray[np.int64], dtype: pl.DataType) -> pl.Series:
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


def _firsts(values: pl.Series, lists: Lists, height: int) -> pl.Series:
    """The first value of each parent that is not null."""
    present = values.is_not_null().to_numpy()
    parents, firsts = np.unique(lists.parents[present], return_index=True)
    places = np.full(height, len(values))
    places[parents] = np.flatnonzero(present)[firsts]
    missing = pl.Series(values.name, [None], dtype=values.dtype)
    return pl.concat([values, missing]).gather(places)


def masked(values: pl.Series, present: pl.Series) -> pl.Series:
    """The values where ``present``, null elsewhere."""
    if present.all():
        return values
    return pl.select(pl.when(present).then(values)).to_series()
