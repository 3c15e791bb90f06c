"""Lists: the list extension of cel-go, and the aggregates of Kubernetes' CEL.

An aggregate is an error where an element is null. ``sum`` and ``avg`` add from left to right: ``list.sum`` of Polars
does just that, to the last bit, as long as no element is null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from ..cell import Cell, NotColumnar, may_be_null, result
from ..types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NUMBERS,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    Nullable,
    Parameter,
    Type,
    nullable,
    plain,
)
from . import aggregates, constants
from .aggregates import EMPTY, NAN, NULL_ELEMENT, null_elements
from .bounds import GENERATED_ELEMENTS
from .comparison import equal, equal_values
from .declare import EvaluationError, Failure, Function, Overload

NEGATIVE_INDEX = "negative index"
INDICES_OUT_OF_ORDER = "the start is beyond the end"
SLICE_OUT_OF_RANGE = "the end is beyond the list"
NEGATIVE_DEPTH = "negative depth"
NEGATIVE_SIZE = "negative size"
TOO_LONG = f"more than {GENERATED_ELEMENTS:,} elements"

COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)
"""The types that have an order."""

_ELEMENT = pl.element()
