"""Files of conditions: ``.cel``, one condition a line, and ``.yaml``, a list of named segments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from .audience import EVERYONE, Audience, AudienceError

if TYPE_CHECKING:
    import yaml

_DEEPEST = 16
_IDS = ("consent", "edition", "organization")
_AUDIENCE_KEYS = ("channel", "type", *_IDS)
_KEYS = ("name", "condition", "description", *_AUDIENCE_KEYS)
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
        audience: whom it may reach.
    """

    name: str
    condition: str
    description: str = ""
    audience: Audience = EVERYONE


def parse_conditions(
    data: bytes, file: str, settings: Mapping[str, str | int] | None = None
) -> tuple[NamedCondition, ...]:
    """Reads the content of a file of conditions.

    ``.yaml`` and ``.yml`` files are lists of mappings with the keys ``name``, ``condition`` and, optionally,
    ``description``, ``channel``, ``type``, ``consent``, ``edition`` and ``organization``; the names are distinct.
    ``.cel`` files have one condition a line; blank lines and lines that begin with ``//`` are skipped. Of any other
    file, standard input among them, the content tells.

    Args:
        data: the content, in UTF-8.
        file: its name, for messages and for the extension.
        settings: of audiences, by those keys: for what a segment does not say itself.

    Returns:
        The conditions in their order; at least one.

    Raises:
        ConditionsFileError: the content is malformed, or there is no condition, or a segment's audience cannot be.
        AudienceError: ``settings`` alone make no audience.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConditionsFileError(f"{file}:{line}: is not UTF-8; convert the file to UTF-8") from error
    suffix = PurePath(file).suffix.lower()
    as_yaml = suffix in (".yaml", ".yml") or (suffix != ".cel" and _FIRST_ENTRY.match(text) is not None)
    conditions = _segments(text, file, settings or {}) if as_yaml else _lines(text, audience_of(settings or {}))
    if not conditions:
        raise ConditionsFileError(f"{file}: holds no conditions")
    return conditions


def audience_of(settings: Mapping[str, str | int]) -> Audience:
    """The audience that settings under the keys of a file make.

    Raises:
        AudienceError: they make none.
    """
    channel, type_ = settings.get("channel"), settings.get("type")
    return Audience(
        channel=None if channel is None else str(channel),
        type="transactional" if type_ is None else str(type_),
        consent_id=settings.get("consent"),
        edition_id=settings.get("edition"),
        organization_id=settings.get("organization"),
    )


def _lines(text: str, audience: Audience) -> tuple[NamedCondition, ...]:
    stripped = (line.strip() for line in text.split("\n"))
    return tuple(
        NamedCondition(line, line, audience=audience) for line in stripped if line and not line.startswith("//")
    )


def _segments(text: str, file: str, settings: Mapping[str, str | int]) -> tuple[NamedCondition, ...]:
    import yaml

    # The loader in C is ten times as fast, which a thousand segments are worth.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, Loader=loader), file)
        entries = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        hint = "a condition that begins with a quote, '!' or '[', or holds ': ' or ' #', must be quoted as a whole"
        raise ConditionsFileError(f"{file}{_place(error.problem_mark)}: is no YAML: {error.problem}; {hint}") from error
    except ConditionsFileError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise ConditionsFileError(f"{file}: is no YAML: {str(error).splitlines()[0]}") from error
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise ConditionsFileError(f"{file}: must be a list of segments, each with a name and a condition")
    segments = [_segment(entry, f"{file}: segment {number}", settings) for number, entry in enumerate(entries, 1)]
    numbers: dict[str, int] = {}
    for number, segment in enumerate(segments, 1):
        earlier = numbers.setdefault(segment.name, number)
        if earlier != number:
            raise ConditionsFileError(f"{file}: segments {earlier} and {number} are both named '{segment.name}'")
    return tuple(segments)


@dataclass(slots=True)
class _Mapping:
    """A mapping while it is read: its keys so far, and whether the next node is one."""

    keys: set[str] = field(default_factory=set)
    key_next: bool = True


def _check_events(events: Iterable[yaml.Event], file: str) -> None:
    """Refuses nesting that would end the process, since the loader recurses, and keys of which it takes the last."""
    from yaml import CollectionEndEvent, CollectionStartEvent, MappingStartEvent, NodeEvent, ScalarEvent

    open_: list[_Mapping | None] = []  # None for a list
    for event in events:
        if isinstance(event, CollectionEndEvent):
            open_.pop()
        inside = open_[-1] if open_ else None
        if isinstance(event, NodeEvent) and inside is not None:
            if inside.key_next and isinstance(event, ScalarEvent):
                if event.value in inside.keys:
                    place = _place(event.start_mark)
                    raise ConditionsFileError(f"{file}{place}: the key '{event.value}' is there twice")
                inside.keys.add(event.value)
            inside.key_next = not inside.key_next
        if isinstance(event, CollectionStartEvent):
            open_.append(_Mapping() if isinstance(event, MappingStartEvent) else None)
            if len(open_) > _DEEPEST:
                raise ConditionsFileError(f"{file}: must be a list of segments, and nested less deep")


class _Mark(Protocol):
    """A place in a YAML text: lines and columns from 0."""

    line: int
    column: int


def _place(mark: _Mark | None) -> str:
    return "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"


def _segment(entry: object, place: str, settings: Mapping[str, str | int]) -> NamedCondition:
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
        if not isinstance(value, str) and not (key in _IDS and type(value) is int):
            raise ConditionsFileError(f"{place}: the {key} must be a text, not {value}; put it in quotes")
    own = {key: entry[key] for key in _AUDIENCE_KEYS if key in entry}
    try:
        audience = audience_of({**settings, **own})
    except AudienceError as error:
        raise ConditionsFileError(f"{place}: {error}") from None
    return NamedCondition(entry["name"], entry["condition"].strip(), entry.get("description", ""), audience)
