"""Files of conditions: ``.cel``, one condition a line, and ``.yaml``, a list of named segments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

_DEEPEST = 16
_KEYS = ("name", "condition", "description")
_FIRST_ENTRY = re.compile(r"(?:\s*(?:#.*)?\n|---[^\n]*\n)*\s*-\s+\{?\s*[\w'\"]+\s*:")


class ConditionsFileError(ValueError):
    """A file of conditions that cannot be read: one sentence with the place and what is wrong."""


@dataclass(frozen=True, slots=True)
class NamedCondition:
    """A condition as a file has it.

    Attributes:
        name: of a condition without a name, its text.
        condition: in CEL.
        description: what a ``.yaml`` file says about it; empty where it says nothing.
    """

    name: str
    condition: str
    description: str = ""


def parse_conditions(data: bytes, file: str) -> tuple[NamedCondition, ...]:
    """Reads the content of a file of conditions.

    ``.yaml`` and ``.yml`` files are lists of mappings with the keys ``name``, ``condition`` and, optionally,
    ``description``; the names are distinct. ``.cel`` files have one condition a line; blank lines and lines that begin
    with ``//`` are skipped. Of any other file, standard input among them, the content tells.

    Args:
        data: the content, in UTF-8.
        file: its name, for messages and for the extension.

    Returns:
        The conditions in their order; at least one.

    Raises:
        ConditionsFileError: the content is malformed, or there is no condition.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConditionsFileError(f"{file}:{line}: is not UTF-8; convert the file to UTF-8") from error
    suffix = PurePath(file).suffix.lower()
    as_yaml = suffix in (".yaml", ".yml") or (suffix != ".cel" and _FIRST_ENTRY.match(text) is not None)
    conditions = _segments(text, file) if as_yaml else _lines(text)
    if not conditions:
        raise ConditionsFileError(f"{file}: holds no conditions")
    return conditions


def _lines(text: str) -> tuple[NamedCondition, ...]:
    stripped = (line.strip() for line in text.split("\n"))
    return tuple(NamedCondition(line, line) for line in stripped if line and not line.startswith("//"))


def _segments(text: str, file: str) -> tuple[NamedCondition, ...]:
    import yaml

    # The loader in C is ten times as fast, which a thousand segments are worth.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Deep nesting would end the process: that loader recurses.
        entries = yaml.load(text, Loader=loader) if _depth(yaml.parse(text, Loader=loader)) <= _DEEPEST else text
    except yaml.MarkedYAMLError as error:
        place = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}:{error.problem_mark.column + 1}"
        hint = "a condition that begins with a quote, '!' or '[', or holds ': ' or ' #', must be quoted as a whole"
        raise ConditionsFileError(f"{file}{place}: is no YAML: {error.problem}; {hint}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConditionsFileError(f"{file}: is no YAML: {str(error).splitlines()[0]}") from error
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ConditionsFileError(f"{file}: must be a list of segments, each with a name and a condition")
    segments = [_segment(entry, f"{file}: segment {number}") for number, entry in enumerate(entries, 1)]
    numbers: dict[str, int] = {}
    for number, segment in enumerate(segments, 1):
        earlier = numbers.setdefault(segment.name, number)
        if earlier != number:
            raise ConditionsFileError(f"{file}: segments {earlier} and {number} are both named '{segment.name}'")
    return tuple(segments)


def _depth(events: Iterable[yaml.Event]) -> int:
    from yaml import CollectionEndEvent, CollectionStartEvent

    depth = deepest = 0
    for event in events:
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        deepest = max(deepest, depth)
    return deepest


def _segment(entry: object, place: str) -> NamedCondition:
    if not isinstance(entry, dict):
        raise ConditionsFileError(f"{place}: must have a name and a condition")
    name = entry.get("name")
    if isinstance(name, str):
        place = f"{place} ('{name}')"
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise ConditionsFileError(f"{place}: unknown key '{unknown[0]}'; the keys are {', '.join(_KEYS)}")
    for key in ("name", "condition"):
        if not str(entry.get(key) or "").strip():
            raise ConditionsFileError(f"{place}: has no {key}")
    for key, value in entry.items():
        if not isinstance(value, str):
            raise ConditionsFileError(f"{place}: the {key} must be a text, not {value}; put it in quotes")
    return NamedCondition(entry["name"], entry["condition"].strip(), entry.get("description", ""))
