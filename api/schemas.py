"""What the service takes and gives, as pydantic models: the truth of its OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from engine import Channel, Communication

from .store.records import Status

# PostgreSQL cannot keep a NUL, and nobody needs one.
NO_NUL = r"^[^\x00]*$"
_EXAMPLE_CONDITION = 'age > 30 && country == "DE"'

Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL, examples=["Over 30 in Germany"])]
Description = Annotated[str, Field(max_length=2_000, pattern=NO_NUL)]
Condition = Annotated[
    str,
    Field(
        min_length=1,
        description="A condition of type bool, in CEL.",
        examples=[_EXAMPLE_CONDITION],
        json_schema_extra={"format": "cel"},
    ),
]
UserCount = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, description="In seconds.")]

# What pydantic says with a validator, for those who read the document: marketing needs a consent.
_MARKETING: dict[str, JsonValue] = {
    "if": {"properties": {"communication_type": {"const": "marketing"}}, "required": ["communication_type"]},
    "then": {"properties": {"consent_id": {"type": "string"}}, "required": ["consent_id"]},
}


class Taken(BaseModel):
    """What a request's body holds: known fields only."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """What a response's body holds."""

    model_config = ConfigDict(from_attributes=True, frozen=True, json_schema_serialization_defaults_required=True)


class SegmentCreation(Taken):
    """A new segment. ``organization_id`` is never changed later."""

    model_config = ConfigDict(json_schema_extra=_MARKETING)

    organization_id: Annotated[Identifier, Field(examples=["org_aurora"])]
    name: Name
    condition: Condition
    description: Description = ""
    edition_id: Identifier | None = None
    consent_id: Annotated[
        Identifier | None, Field(description="The consent that users must have given for marketing.")
    ] = None
    communication_type: Communication = Communication.TRANSACTIONAL
    communication_channel: Channel = Channel.ANY


# Of what a change may leave out; it is never read: what is left out is not in the fields that are set.
_ABSENT: Any = None


def _without_defaults(schema: dict[str, JsonValue]) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    for one in properties.values():
        assert isinstance(one, dict)
        one.pop("default", None)


class SegmentChange(Taken):
    """What is to be different; what is absent stays. A consent or an edition is taken away by null."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = _ABSENT
    condition: Condition = _ABSENT
    description: Description = _ABSENT
    edition_id: Identifier | None = _ABSENT
    consent_id: Identifier | None = _ABSENT
    communication_type: Communication = _ABSENT
    communication_channel: Channel = _ABSENT


class Segment(Given):
    """A segment, and what its last calculation came to.

    A change of whom it reaches puts it back to draft; it keeps the count until it is recalculated.
    """

    id: Annotated[str, Field(examples=["seg_01k8f3v7q2m9"])]
    organization_id: str
    edition_id: str | None
    consent_id: str | None
    name: str
    description: str
    communication_type: Communication
    communication_channel: Channel
    condition: Annotated[str, Field(examples=[_EXAMPLE_CONDITION])]
    created: AwareDatetime
    modified: AwareDatetime
    status: Status
    user_count: Annotated[UserCount | None, Field(description="Users who match and may be reached.")]
    error_count: Annotated[UserCount | None, Field(description="Users on whom the condition ended in an error.")]
    last_calculated: AwareDatetime | None
    calculation_duration: Annotated[Seconds | None, Field(description="Wall time of the scan, in seconds.")]
    calculation_id: Annotated[str | None, Field(description="The calculation asked for, or the last one.")]
    error_message: str | None
    mode: Annotated[str | None, Field(description="compiled, mixed or interpreted.")]
    snapshot: Annotated[str | None, Field(description="The snapshot that it was counted on.")]
    warnings: list[str]


class SegmentPage(Given):
    """Some of the segments."""

    count: Annotated[int, Field(ge=0, description="Of all that the filters select.")]
    next: Annotated[str | None, Field(description="The URL of the next page.")]
    previous: Annotated[str | None, Field(description="The URL of the page before.")]
    results: list[Segment]


class RecalculationRequest(Given):
    """How many segments are to be recalculated together."""

    count: Annotated[int, Field(ge=0)]


class Reason(Given):
    """Why users are errors, and on how many it is the reason."""

    reason: Annotated[str, Field(examples=["age is null in `age > 30`"])]
    rows: UserCount


class Calculation(Given):
    """What a calculation found and cost."""

    id: str
    status: Literal[Status.COMPLETED, Status.FAILED]
    finished: AwareDatetime
    snapshot: str | None
    fingerprint: Annotated[str | None, Field(description="Of the snapshot's files.")]
    now: Annotated[AwareDatetime | None, Field(description="The value of the variable now.")]
    rows: Annotated[UserCount | None, Field(description="Users in the snapshot.")]
    user_count: UserCount | None
    error_count: UserCount | None
    reasons: Annotated[list[Reason] | None, Field(description="Null where a large scan did not tell them.")]
    mode: str | None
    duration: Annotated[Seconds | None, Field(description="Wall time of the scan, in seconds.")]
    held: Annotated[bool, Field(description="Whether the count waits to be confirmed.")]
    shared: Annotated[int, Field(ge=1, description="How many segments shared the scan.")]
    warnings: list[str]
    error_message: str | None


class CalculationPage(Given):
    """Some of a segment's calculations, the newest first."""

    count: Annotated[int, Field(ge=0)]
    next: str | None
    previous: str | None
    results: list[Calculation]


def _number(value: object) -> object:
    """What JSON has as a number: pydantic takes texts and booleans for some, too."""
    if isinstance(value, (bool, str)):
        raise ValueError("must be a number")
    return value


class PreviewRequest(Taken):
    """A condition that is not saved, and whom it may reach.

    ``organization_id`` may be left out: it is then the key's, or, of a key to all organizations, any.
    """

    model_config = ConfigDict(json_schema_extra=_MARKETING)

    condition: Condition
    organization_id: Identifier | None = None
    edition_id: Identifier | None = None
    consent_id: Identifier | None = None
    communication_type: Communication = Communication.TRANSACTIONAL
    communication_channel: Channel = Channel.ANY
    sample: Annotated[
        int | None,
        Field(ge=0, description="Members to show; needs the scope members. Default: what is allowed."),
        BeforeValidator(_number),
    ] = None


class Reach(Given):
    """How many users are reached by a channel, without or with the consent."""

    channel: Channel
    consent: bool
    user_count: UserCount | None
    error: str | None


class FunnelStep(Given):
    """One of the things that a user must fulfil: a rule of the audience, or a clause of the condition."""

    kind: Literal["rule", "clause"]
    text: Annotated[str, Field(examples=["age > 30"])]
    matching: Annotated[UserCount | None, Field(description="Users who fulfil it by itself.")]
    remaining: Annotated[UserCount | None, Field(description="Users who fulfil it and all before it.")]
    errors: Annotated[UserCount | None, Field(description="Users on whom it and all before it end in an error.")]
    error: str | None


class Diagnostic(Given):
    """What is wrong, or odd, about one place of a condition."""

    severity: Literal["error", "warning"]
    message: Annotated[str, Field(examples=["undeclared reference to 'agee'"])]
    hint: Annotated[str | None, Field(examples=["did you mean 'age'?"])]
    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1, description="In code points, from 1.")]
    start: Annotated[int, Field(ge=0, description="In code points from the beginning of the text.")]
    end: Annotated[int, Field(ge=0)]
    rendered: Annotated[str, Field(description="The message with the place marked, for a terminal.")]


class Preview(Given):
    """What a segment would come to."""

    snapshot: str
    rows: UserCount
    now: AwareDatetime
    duration: Seconds
    user_count: UserCount | None
    error_count: UserCount | None
    mode: str | None
    error: Annotated[str | None, Field(description="Why there is no count.")]
    warnings: list[Diagnostic]
    reasons: list[Reason]
    reach: list[Reach]
    funnel: list[FunnelStep]
    members: Annotated[list[dict[str, JsonValue]], Field(description="The first, with the columns that are allowed.")]


class Answer(Given):
    """What a clause comes to for one user: a value, or an error."""

    value: bool | None
    error: str | None
    mode: str | None


class AnsweredClause(Given):
    """A clause with its answers, compiled and interpreted."""

    text: str
    rule: Annotated[str | None, Field(description="The name of the audience's rule that it is.")]
    operator: Annotated[Literal["&&", "||"] | None, Field(description="Of a chain, which its parts are joined by.")]
    compiled: Answer
    interpreted: Answer
    parts: list[AnsweredClause]


class Why(Given):
    """Why a user is, or is not, in a segment."""

    user_id: str
    member: bool
    snapshot: str
    now: AwareDatetime
    whole: AnsweredClause
    rules: list[AnsweredClause]
    condition: AnsweredClause
    values: Annotated[
        dict[str, str], Field(description="What the columns hold that are read and may be shown, as CEL writes it.")
    ]


class ValidationRequest(Taken):
    """A condition to be checked."""

    condition: Annotated[str, Field(description="In CEL.", examples=[_EXAMPLE_CONDITION])]


class Validation(Given):
    """What can be said of a condition before it is counted."""

    valid: bool
    type: Annotated[str | None, Field(description="Of its value, in CEL; null where it is not valid.")]
    mode: Annotated[str | None, Field(description="compiled, mixed or interpreted.")]
    columns: list[str]
    diagnostics: list[Diagnostic]


class MessageField(Given):
    """A field of a message, or of the messages in a list or map."""

    name: str
    type: str
    fields: list[MessageField]


class Variable(Given):
    """A variable of conditions."""

    name: Annotated[str, Field(description="As a condition writes it.", examples=["age", "user.`plan.name`"])]
    type: str
    null_share: Annotated[float | None, Field(ge=0, le=1, description="Of the users that the key may count.")]
    values: Annotated[list[str] | None, Field(description="What it holds, as CEL writes it, where that is little.")]
    fields: list[MessageField]


class FunctionExample(Given):
    """An expression and its value, in CEL."""

    expression: str
    value: str


class Function(Given):
    """A function, operator or macro of conditions."""

    name: str
    kind: Literal["operator", "function", "method", "macro"]
    signatures: list[str]
    documentation: str
    errors: list[str]
    examples: list[FunctionExample]


class Context(Given):
    """What an editor of conditions needs to know."""

    snapshot: str
    rows: UserCount
    variables: list[Variable]
    functions: list[Function]


class SnapshotCheckRequest(Taken):
    """A snapshot of the settings, by its name there."""

    snapshot: Annotated[Identifier, Field(examples=["candidate"])]


class BrokenSegment(Given):
    """A segment that would not compile, and why."""

    id: str
    name: str
    diagnostics: list[Diagnostic]


class SnapshotCheck(Given):
    """What would become of the stored segments on another snapshot."""

    snapshot: str
    rows: UserCount
    segments: Annotated[int, Field(ge=0, description="How many were checked.")]
    broken: list[BrokenSegment]


class Health(Given):
    """Whether a part of the service works."""

    status: Literal["ok", "unusable"]
    checks: dict[str, str]


class FieldProblem(Given):
    """What is wrong with one part of a request."""

    in_: Annotated[str, Field(alias="in", examples=["body"])]
    pointer: Annotated[str, Field(description="A JSON pointer (RFC 6901).", examples=["/name"])]
    message: str


class ProblemDetails(Given):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: Annotated[str, Field(examples=["urn:cellar:problem:bad-condition"])]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    errors: list[FieldProblem] = []
    diagnostics: list[Diagnostic] = []
