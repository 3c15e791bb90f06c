"""Counting segments: snapshots, and conditions over them.

>>> import polars as pl
>>> from engine import count, evaluate
>>> users = pl.DataFrame({"user_id": [1, 2, 3], "age": [25, 41, None]})
>>> evaluate("age > 30", users).values.to_list()
[False, True, None]
>>> report = count(users, {"adults": "age > 30"})
>>> report["adults"].user_count, report["adults"].error_count
(1, 1)
"""

from __future__ import annotations

from compiler.diagnostics import CompileError

from .audience import Audience, AudienceError, Channel, Communication, Segment
from .budget import Budget
from .counting import count
from .evaluation import evaluate
from .membership import ConditionFailed, members, members_of
from .results import CountReport, CountResult, Evaluation, InterpretedClause, Mode, Reach
from .snapshot import Snapshot
from .sources.base import SnapshotError

__all__ = [
    "Audience",
    "AudienceError",
    "Budget",
    "Channel",
    "Communication",
    "CompileError",
    "ConditionFailed",
    "CountReport",
    "CountResult",
    "Evaluation",
    "InterpretedClause",
    "Mode",
    "Reach",
    "Segment",
    "Snapshot",
    "SnapshotError",
    "count",
    "evaluate",
    "members",
    "members_of",
]
