"""Rows of lists of every type of elements: null, empty, long, with null elements, and with values at the limits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

import polars as pl

ROWS = 240

_NAN, _INF = float("nan"), float("inf")
_INT64, _UINT64 = (-(2**63), 2**63 - 1), 2**64 - 1

_POOLS: dict[str, tuple[pl.DataType, Sequence[object]]] = {
    "ints": (pl.Int64(), (0, 1, 2, 3, -1, 7, 2**53 + 1, _INT64[0], _INT64[1], 2**62, -(2**62))),
    "smalls": (pl.Int64(), (0, 1, 2, 3, -1, -2)),
    "bytes": (pl.Int8(), (0, 1, -1, 127, -128)),
    "uints": (pl.UInt64(), (0, 1, 2, 3, 2**63, _UINT64)),
    "doubles": (pl.Float64(), (0.0, -0.0, 0.1, 0.2, 0.3, 1.0, -1.5, 1e16, -1e16, 1e300, _NAN, _INF, -_INF)),
    "prices": (pl.Float64(), (0.1, 0.2, 0.3, 19.99, 5.0, 1e9, 1e-9, 0.0, -0.0)),
    "floats": (pl.Float32(), (0.1, 0.25, -1.5, 0.0)),
    "texts": (pl.String(), ("", "a", "b", "B", "é", "e\u0301", "\U0001f600", "ab", "a\x00")),
    "names": (pl.Categorical(), ("z", "a", "b", "", "é")),
    "flags": (pl.Boolean(), (True, False)),
    "blobs": (pl.Binary(), (b"", b"a", b"\xff", b"\x00", b"ab")),
    "days": (pl.Date(), (0, 1, -1, 19_000, 2_932_896)),
    "moments": (pl.Datetime("us"), (0, 1, -1, 1_700_000_000_000_000, 253_402_300_799_999_999)),
    "instants": (pl.Datetime("ns", "UTC"), (0, 1, -1, 1_700_000_000_000_000_000)),
    "spans": (pl.Duration("us"), (0, 1, -1, 86_400_000_000, 9_223_372_036_854_775, -9_223_372_036_854_775)),
    "waits": (pl.Duration("ms"), (0, 1, -1, 9_223_372_036_854, 9_223_372_036_855, 2**62)),
    "ticks": (pl.Duration("ns"), (0, 1, -1, _INT64[0], _INT64[1])),
}


@cache
def list_rows() -> pl.DataFrame:
    """A column of lists for each type of elements, lists of lists, of structs, and single values beside."""
    deal = random.Random(7)
    columns = [pl.Series("row", range(ROWS), dtype=pl.Int64)]
    for name, (dtype, pool) in _POOLS.items():
        storage = pl.Int64() if dtype.is_temporal() else dtype
        lists = _lists(deal, pool)
        columns.append(pl.Series(name, lists, dtype=pl.List(storage)).cast(pl.List(dtype)))
        values = [deal.choice((*pool, None)) for _ in range(ROWS)]
        columns.append(pl.Series(f"one_{name}", values, dtype=storage).cast(dtype))
    nested = [None if n is None else _lists(deal, (1, 2, None))[: len(n)] for n in _lists(deal, (1,))]
    columns.append(pl.Series("nested", nested, dtype=pl.List(pl.List(pl.Int64))))
    structs = [None if n is None else [{"n": v, "at": v} for v in n] for n in _lists(deal, (1, 2, None))]
    columns.append(pl.Series("structs", structs, dtype=pl.List(pl.Struct({"n": pl.Int64, "at": pl.Int32}))))
    columns.append(pl.Series("n", [deal.choice((None, 0, 1, 2, 3, -1, 5, 2000)) for _ in range(ROWS)], dtype=pl.Int64))
    return pl.DataFrame(columns)


def _lists(deal: random.Random, pool: Sequence[object]) -> list[list[object] | None]:
    lists: list[list[object] | None] = [None, [], [None], [pool[0]], list(pool), list(reversed(pool)), [*pool, None]]
    small = pool[:3]
    # Polars adds the elements of lists from 128 on in another order, if there are nulls about.
    lists += [[deal.choice(pool) for _ in range(300)], [deal.choice(small) for _ in range(129)]]
    while len(lists) < ROWS:
        chosen = [deal.choice(small if deal.random() < 0.5 else pool) for _ in range(deal.randrange(5))]
        lists.append([*chosen, None] if deal.random() < 0.1 else chosen)
    deal.shuffle(lists)
    return lists
