"""What Schemathesis cannot know of the service: what a condition looks like."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st

_ATOMS = (
    "age > 30",
    'country == "DE"',
    "is_vip",
    "size(tags) > 1",
    'purchases.exists(p, p.price > 20.0 && p.status == "completed")',
    'created_at > timestamp("2024-01-01T00:00:00Z")',
    '{"DE": true, "AT": false}[country]',
    "total_spent / 2.0 < 1e9",
)

_conditions = st.recursive(
    st.sampled_from(_ATOMS),
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=4,
)

schemathesis.openapi.format("cel", _conditions)
