"""The conditions that a command is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine import Segment


def asked_conditions(
    conditions: Sequence[str], file: str | None, settings: Mapping[str, str]
) -> list[tuple[str, Segment]]:
    """The conditions given as arguments and in a file, by name, in their order."""
    from engine import Segment
    from engine.conditions_file import audience_of, parse_conditions

    asked = [(text, Segment(text, audience_of(settings))) for text in conditions]
    if file is not None:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise click.BadParameter(f"{file}: {error.strerror}", param_hint="--file") from error
        named = parse_conditions(data, "<stdin>" if file == "-" else file, settings)
        asked += [(one.name, Segment(one.condition, one.audience)) for one in named]
    if not asked:
        raise click.UsageError("Give a CONDITION, or a FILE of them with --file.")
    by_name = dict(asked)
    for name, segment in asked:
        if by_name[name] != segment:
            raise click.UsageError(f"Two conditions are named '{name}'.")
    return asked
