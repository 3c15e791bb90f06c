"""Where a snapshot is, as settings name it and as the processes that read it are told.

Apart from the settings, whose library takes a third of the time in which such a process is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine import Snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """A snapshot that the service may read.

    Attributes:
        location: as :meth:`engine.Snapshot.open` takes it.
        id_column: the column with the user's id.
        schema_overrides: for CSV, the CEL types of columns inferred wrongly.
    """

    location: str
    id_column: str = "user_id"
    schema_overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.location:
            raise ValueError("the location is empty")

    def open(self) -> Snapshot:
        """The snapshot, opened.

        Raises:
            SnapshotError: it is missing or unreadable.
        """
        return Snapshot.open(self.location, schema_overrides=self.schema_overrides, id_column=self.id_column)
