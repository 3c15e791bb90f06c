"""The types of text fields, as a CSV file has them: which type a column has, and what its values are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never, get_args

import polars as pl

FieldType = Literal["int", "uint", "double", "string", "bool", "timestamp"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)

# A leading zero or plus makes a text (a postal code, a phone number), unless the type is declared.
_INFERRED_INT = r"^-?(?:0|[1-9][0-9]*)$"
_DECLARED_INT = r"^[+-]?[0-9]+$"
_INFERRED_DOUBLE = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$|^(?i:nan|-?inf(?:inity)?)$"
_DECLARED_DOUBLE = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$|^(?i:nan|[+-]?inf(?:inity)?)$"
_BOOL = r"^(?:true|True|TRUE|false|False|FALSE)$"
_TIMESTAMP = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?"
    r"(?: ?(Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]))?)?$"
)
_MICROSECOND_DIGITS = 6
_NANOSECOND_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Field:
    """A column of text fields and how its values are read.

    Attributes:
        kind: the CEL type.
        declared: whether the type was given rather than inferred; then numbers may have leading zeros and a plus.
        nanoseconds: whether timestamps are finer than a microsecond (then they end in the year 2262).
    """

    kind: FieldType
    declared: bool = False
    nanoseconds: bool = False

    @property
    def type(self) -> pl.DataType:
        """The Polars type of the values. Timestamps without an offset are taken for UTC, dates for midnight UTC."""
        match self.kind:
            case "int":
                return pl.Int64()
            case "uint":
                return pl.UInt64()
            case "double":
                return pl.Float64()
            case "bool":
                return pl.Boolean()
            case "string":
                return pl.String()
            case "timestamp":
                return pl.Datetime("ns" if self.nanoseconds else "us", "UTC")

    @property
    def described(self) -> str:
        """The type in words, for a message about a value that is not of it."""
        match self.kind:
            case "timestamp":
                finest = "nanoseconds, 1678 to 2262" if self.nanoseconds else "microseconds"
                return f"a timestamp (ISO 8601, in {finest})"
            case _:
                return f"of the column's type {self.kind}" + ("" if self.declared else ", inferred from the first rows")

    def parse(self, texts: pl.Series) -> pl.Series:
        """The values: null where a field is empty and, for :meth:`first_wrong` to find, where it is no such value."""
        text = pl.col("text")
        match self.kind:
            case "string":
                return texts
            case "int" | "uint":
                pattern = _DECLARED_INT if self.declared else _INFERRED_INT
                values = _where(text, pattern).cast(self.type, strict=False)
            case "double":
                pattern = _DECLARED_DOUBLE if self.declared else _INFERRED_DOUBLE
                values = _where(text, pattern).cast(self.type, strict=False)
            case "bool":
                values = _where(text, _BOOL).str.to_lowercase() == "true"
            case "timestamp":
                values = _timestamps(text, self.nanoseconds)
            case _:
                assert_never(self.kind)
        return texts.to_frame("text").select(values).to_series().rename(texts.name)

    def first_wrong(self, texts: pl.Series, values: pl.Series) -> int | None:
        """The index of the first field that is no value of the type."""
        if self.kind == "string" or values.null_count() == texts.null_count():
            return None
        return (values.is_null() & (texts != "").fill_null(False)).arg_true().first()  # type: ignore[return-value]


def infer_field(texts: pl.Series, declared: str | None) -> Field:
    """The type of a column from some of its fields, unless it is declared: the first that all non-empty fields fit.

    Integers that int64 does not hold, and a column whose fields are all empty, are strings.
    """
    given = texts.drop_nulls()
    given = given.filter(given != "")
    nanoseconds = bool(given.str.extract(_TIMESTAMP, 5).str.len_bytes().gt(_MICROSECOND_DIGITS).any())
    for kind in FIELD_TYPES:
        if kind == declared:
            return Field(kind, declared=True, nanoseconds=nanoseconds)
    if given.is_empty() or given.filter(given.str.contains(_INFERRED_INT)).cast(pl.Int64, strict=False).has_nulls():
        return Field("string")
    candidates = (Field("bool"), Field("int"), Field("double"), Field("timestamp", nanoseconds=nanoseconds))
    for field in candidates:
        if not field.parse(given).has_nulls():
            return field
    return Field("string")


def _where(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)


def _timestamps(text: pl.Expr, nanoseconds: bool) -> pl.Expr:
    def group(index: int) -> pl.Expr:
        return text.str.extract(_TIMESTAMP, index)

    unit = pl.Datetime("ns" if nanoseconds else "us")
    digits = _NANOSECOND_DIGITS if nanoseconds else _MICROSECOND_DIGITS
    fraction = group(5).str.pad_end(digits, "0")
    offset = group(6).str.replace("Z", "+00:00").str.replace(":", "")
    minutes = offset.str.slice(1, 2).cast(pl.Int64) * 60 + offset.str.slice(3, 2).cast(pl.Int64)
    signed = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    seconds = (
        group(2).cast(pl.Int64).fill_null(0) * 3600
        + (group(3).cast(pl.Int64).fill_null(0) - signed) * 60
        + group(4).cast(pl.Int64).fill_null(0)
    )
    # A fraction finer than the unit leaves the value null, and so wrong: it is not to be cut off.
    exact = pl.when(fraction.str.len_bytes() == digits).then(fraction.cast(pl.Int64))
    subseconds = pl.when(fraction.is_null()).then(0).otherwise(exact)
    day = group(1).str.to_date("%Y-%m-%d", strict=False)
    in_range = day.is_between(pl.date(1678, 1, 1), pl.date(2262, 1, 1)) if nanoseconds else day.dt.year() >= 1
    since_midnight = seconds * 10**digits + subseconds
    moment = day.cast(unit).cast(pl.Int64) + since_midnight
    return pl.when(in_range).then(moment).cast(unit).dt.replace_time_zone("UTC")
