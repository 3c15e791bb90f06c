"""Whom a segment may reach: rules that are conditions themselves, asked together with the segment's own condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from compiler.check import NOW, ROW
from compiler.condition import Condition, combine, compile_condition
from compiler.diagnostics import CompileError, Diagnostic
from compiler.functions import NAMESPACES
from compiler.messages import missing_column
from compiler.schema import Schema
from compiler.source import Span
from compiler.syntax import Comprehension, Has, Name, Select, Syntax

from .deliverable import default_rules

_CONFIGURATION = Path("cellar.toml")

SEGMENT = "segment"
"""The variable of the rules: the segment's settings."""


class AudienceError(ValueError):
    """Settings of an audience, or rules, that cannot be: one sentence that says what is wrong."""


class Channel(StrEnum):
    """How users are spoken to. ``any``: by at least one of the others."""

    ANY = "any"
    EMAIL = "email"
    SMS = "sms"
    PASS_PUSH = "pass_push"


class Communication(StrEnum):
    """What users are told. ``marketing`` needs their consent."""

    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a segment may reach, whatever its condition; everyone, unless something is set.

    Attributes:
        channel: only users who can be reached by it; None asks for no channel.
        type: ``marketing`` is for users with the consent ``consent_id`` only.
        consent_id: the consent that marketing needs.
        edition_id: only users of that edition.
        organization_id: only users of that organization.

    Raises:
        AudienceError: ``channel`` or ``type`` has no such value, or marketing has no consent.
    """

    channel: Channel | str | None = None
    type: Communication | str = Communication.TRANSACTIONAL
    consent_id: str | int | None = None
    edition_id: str | int | None = None
    organization_id: str | int | None = None

    def __post_init__(self) -> None:
        for name, values, value in (("channel", Channel, self.channel), ("type", Communication, self.type)):
            if value is not None and value not in list(values):
                raise AudienceError(f"the {name} must be one of {', '.join(values)}, not '{value}'")
        if self.type == Communication.MARKETING and self.consent_id is None:
            raise AudienceError("marketing needs a consent: name the one that users must have given")

    def settings(self) -> dict[str, str | int]:
        """What is set, under the keys of a file of segments."""
        type_ = None if self.type == Communication.TRANSACTIONAL else str(self.type)
        channel = None if self.channel is None else str(self.channel)
        ids = {"consent": self.consent_id, "edition": self.edition_id, "organization": self.organization_id}
        named = {"channel": channel, "type": type_, **ids}
        return {key: value for key, value in named.items() if value is not None}

    def rules(self) -> tuple[tuple[str, ...], ...]:
        """The names of the rules that it needs: one of each group must hold."""
        groups: list[tuple[str, ...]] = []
        if self.organization_id is not None:
            groups.append(("organization",))
        if self.edition_id is not None:
            groups.append(("edition",))
        if self.type == Communication.MARKETING:
            groups.append(("marketing",))
        if self.channel == Channel.ANY:
            groups.append(tuple(c.value for c in Channel if c is not Channel.ANY))
        elif self.channel is not None:
            groups.append((str(self.channel),))
        return tuple(groups)

    def reach(self) -> Iterator[tuple[Channel, bool, Audience]]:
        """Each channel without consent and, where there is one to ask for, with it."""
        types = [Communication.TRANSACTIONAL] + ([] if self.consent_id is None else [Communication.MARKETING])
        for type_ in types:
            for channel in Channel:
                yield channel, type_ is Communication.MARKETING, replace(self, channel=channel, type=type_)


EVERYONE = Audience()
"""Of an audience that asks for nothing."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A condition, in CEL, and whom it may reach."""

    condition: str
    audience: Audience = EVERYONE


def by_name(conditions: str | Segment | Mapping[str, str | Segment]) -> dict[str, Segment]:
    """Conditions as segments, by name; one without a name is called by its text."""
    match conditions:
        case Mapping():
            return {name: one if isinstance(one, Segment) else Segment(one) for name, one in conditions.items()}
        case Segment():
            return {conditions.condition: conditions}
        case _:
            return {conditions: Segment(conditions)}


class _Key(NamedTuple):
    """A rule, and the values of the settings that it mentions."""

    rule: str
    values: tuple[str | int | None, ...]


class Rules:
    """The rules of audiences, each compiled once for all segments whose settings it reads alike."""

    def __init__(
        self, rules: Mapping[str, str] | None, audiences: Iterable[Audience], schema: Schema, *, now: int
    ) -> None:
        """The rules that any of the audiences needs.

        Args:
            rules: texts by name, instead of the default ones.
            audiences: of the segments that are run together.
            schema: the columns that there are.
            now: the time of the run, in nanoseconds since the epoch.

        Raises:
            AudienceError: there is no rule of a name in ``rules``.
        """
        self._texts = complete_rules(rules or {})
        self._schema = schema
        self._now = now
        needed = {name for audience in audiences for group in audience.rules() for name in group}
        self._before: dict[str, str] = {}
        self.text = ""
        for name, text in self._texts.items():
            if name in needed:
                self._before[name] = self.text
                self.text += f"{text}\n"
        self._compiled: dict[_Key, Condition | CompileError] = {}
        self._restrictions: dict[Audience, Condition] = {}

    def restrict(self, condition: Condition, audience: Audience) -> Condition:
        """``rules && condition``, for a condition that was compiled with ``before=text``.

        Raises:
            CompileError: of a rule, which its source names.
        """
        if audience == EVERYONE:
            return condition
        restriction = self._restrictions.get(audience)
        if restriction is None:
            groups = [combine("||", [self._rule(name, audience) for name in group]) for group in audience.rules()]
            if not groups:
                return condition
            restriction = self._restrictions[audience] = combine("&&", groups)
        return combine("&&", [restriction, condition])

    def _rule(self, name: str, audience: Audience) -> Condition:
        settings = {
            "organization_id": audience.organization_id,
            "edition_id": audience.edition_id,
            "consent_id": audience.consent_id,
        }
        text = self._texts[name]
        key = _Key(name, tuple(value for setting, value in settings.items() if setting in text))
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(name, settings)
        if isinstance(found, CompileError):
            raise found
        return found

    def _compile(self, name: str, settings: Mapping[str, str | int | None]) -> Condition | CompileError:
        """A rule for the settings; an id that is a whole number may be given as text, and the other way round."""
        try:
            return self._compile_as(name, settings)
        except CompileError as error:
            try:
                return self._compile_as(name, {setting: _other(value) for setting, value in settings.items()})
            except CompileError:
                return error

    def _compile_as(self, name: str, settings: Mapping[str, str | int | None]) -> Condition:
        try:
            return compile_condition(
                self._texts[name],
                self._schema,
                now=self._now,
                name=f"audience rule '{name}'",
                segment=True,
                before=self._before[name],
                constants={SEGMENT: settings},
            )
        except CompileError as error:
            raise self._missing_columns(error) or error from None

    def _missing_columns(self, error: CompileError) -> CompileError | None:
        """The error that says which columns a rule lacks, if it lacks any."""
        from compiler.parse import parse

        try:
            tree = parse(error.source)
        except CompileError:
            return None
        columns = self._schema.types
        missing = {name: span for name, span in _columns(tree) if name not in columns}
        if not missing:
            return None
        found = [Diagnostic(span, *missing_column(name, list(columns))) for name, span in missing.items()]
        return CompileError(error.source, found)


def complete_rules(rules: Mapping[str, str]) -> dict[str, str]:
    """All rules, the default ones but for those given.

    Raises:
        AudienceError: there is no rule of that name.
    """
    known = default_rules()
    for name in rules:
        if name not in known:
            raise AudienceError(f"there is no audience rule '{name}'; the rules are {', '.join(known)}")
    return {**known, **rules}


def configured_rules(path: Path | None) -> dict[str, str] | None:
    """The rules in a configuration file; None stands for ``cellar.toml``, and gives None where there is no such file.

    Raises:
        AudienceError: as for :func:`read_rules`.
        OSError: the file cannot be read.
    """
    if path is None and not _CONFIGURATION.exists():
        return None
    return read_rules(path or _CONFIGURATION)


def read_rules(path: Path) -> dict[str, str]:
    """The rules in the table ``[audience]`` of a configuration file, and the default ones for the rest.

    Raises:
        AudienceError: the file is no TOML, a rule is unknown, or none.
        OSError: the file cannot be read.
    """
    import tomllib  # only configured rules need it

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("audience", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AudienceError(f"{path}: is no TOML: {error}") from error
    if not isinstance(table, dict):
        raise AudienceError(f"{path}: 'audience' must be a table of rules")
    for name, rule in table.items():
        if not isinstance(rule, str):
            raise AudienceError(f"{path}: the audience rule '{name}' must be a condition in quotes, not {rule}")
    try:
        return complete_rules(table)
    except AudienceError as error:
        raise AudienceError(f"{path}: {error}") from None


def _other(value: str | int | None) -> str | int | None:
    if isinstance(value, int):
        return str(value)
    return int(value) if value is not None and value.isdecimal() and str(int(value)) == value else value


def _columns(tree: Syntax) -> Iterator[tuple[str, Span]]:
    """The columns that a condition names, the last place first; the names of macros' variables are not among them."""
    variables = {NOW, ROW, SEGMENT, *NAMESPACES}
    found: list[tuple[str, Span]] = []
    pending: list[object] = [tree]
    while pending:
        node = pending.pop()
        match node:
            case Select(operand=Name(name=name)) | Has(operand=Name(name=name)) if name == ROW:
                found.append((node.field, node.field_span))
            case Name():
                found.append((node.name, node.span))
            case Comprehension():
                variables.update(node.variables)
                pending.extend(node)
            case tuple():
                pending.extend(node)
            case _:
                pass
    yield from sorted(((n, s) for n, s in found if n not in variables), key=lambda one: one[1], reverse=True)
