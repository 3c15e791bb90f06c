"""What ``evaluate`` gives, whichever way an expression is answered."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from engine import Mode, evaluate

MODES = (Mode.AUTO, Mode.INTERPRETED)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("texts", "unit", "values"),
    [
        (["2020-01-01T00:00:00Z", None, "never"], "us", [datetime(2020, 1, 1, tzinfo=UTC), None, None]),
        (["2020-01-01T00:00:00.000000001Z"], "ns", [datetime(2020, 1, 1, tzinfo=UTC)]),
        ([None, "never"], "us", [None, None]),
        ([], "us", []),
    ],
)
def test_times_are_in_microseconds_where_that_is_exact(
    texts: list[str | None], unit: str, values: list[datetime | None], mode: Mode
) -> None:
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    evaluation = evaluate("timestamp(t)", frame, mode=mode)
    assert evaluation.values.dtype == pl.Datetime(unit, "UTC")  # type: ignore[arg-type]
    assert evaluation.values.to_list() == values
    assert evaluation.errors.is_null().to_list() == [v is not None for v in values]
