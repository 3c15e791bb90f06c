"""Conditions before they are saved: previews, checks, and what an editor needs."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from compiler.diagnostics import CompileError, Diagnostic
from compiler.reference import reference
from compiler.source import Source
from compiler.types import ListType, MapType, StructType, Type, Unusable, plain
from engine import Audience, Channel, Segment, Snapshot
from engine.checking import Checked, check
from engine.column_values import ColumnValues
from engine.description import variable

from .. import schemas
from ..documentation import problems
from ..evaluations import list_values, preview_segment
from ..parameters import PREFIX
from ..problems import FieldError, Problem, ProblemType, diagnostic_dict
from ..security import Caller, CountsCaller
from ..service import Service, ServiceDep
from ..store import KeyScope, list_segments
from .segments import check_length

router = APIRouter(prefix=PREFIX, tags=["conditions"])

_UNKNOWN = ColumnValues(None, None)


@router.post(
    "/segments/preview",
    responses=problems(ProblemType.BAD_CONDITION, ProblemType.TOO_EXPENSIVE, ProblemType.SNAPSHOT_UNUSABLE),
)
def preview(service: ServiceDep, caller: CountsCaller, body: schemas.PreviewRequest) -> schemas.Preview:
    """Count an unsaved condition: reasons of errors, reach, where users are lost on the way, a few members."""
    check_length(service, body.condition)
    snapshot = service.snapshots.current()
    segment = _segment(caller, body)
    found = service.previews.call(
        service.settings.preview_seconds,
        preview_segment,
        service.snapshots.place(),
        segment,
        columns=list(dict.fromkeys([snapshot.id_column, *service.settings.member_columns])),
        sample=_sample(service, caller, body.sample),
        rules=service.settings.rules,
    )
    checked = _checked(service, caller, segment)
    report, result = found.report, found.result
    return schemas.Preview(
        snapshot=report.snapshot,
        rows=report.rows,
        now=report.now,
        duration=report.duration,
        user_count=result.user_count,
        error_count=result.error_count,
        mode=result.mode,
        error=result.error,
        warnings=[_diagnostic(one, checked.source) for one in checked.warnings] if isinstance(checked, Checked) else [],
        reasons=[schemas.Reason.model_validate(reason) for reason in result.reasons or ()],
        reach=[
            schemas.Reach(
                channel=Channel(cell.channel), consent=cell.consent, user_count=cell.user_count, error=cell.error
            )
            for cell in result.reach or ()
        ],
        funnel=[schemas.FunnelStep.model_validate(step) for step in found.funnel],
        members=[dict(user) for user in found.sample],  # type: ignore[arg-type]  # they come from JSON
    )


@router.post("/cel/validate", responses=problems(ProblemType.SNAPSHOT_UNUSABLE))
def validate(service: ServiceDep, caller: CountsCaller, body: schemas.ValidationRequest) -> schemas.Validation:
    """Check a condition: what is wrong with it, or its type and the columns that it reads."""
    check_length(service, body.condition)
    found = _checked(service, caller, Segment(body.condition))
    if isinstance(found, CompileError):
        diagnostics = [_diagnostic(one, found.source) for one in found.diagnostics]
        return schemas.Validation(valid=False, type=None, mode=None, columns=[], diagnostics=diagnostics)
    return schemas.Validation(
        valid=True,
        type=found.type,
        mode=found.mode,
        columns=list(found.columns),
        diagnostics=[_diagnostic(one, found.source) for one in found.warnings],
    )


@router.get("/cel/context", responses=problems(ProblemType.SNAPSHOT_UNUSABLE, ProblemType.TOO_EXPENSIVE))
def context(service: ServiceDep, caller: CountsCaller) -> schemas.Context:
    """List variables, the values of those that hold few, and functions: what an editor needs."""
    snapshot = service.snapshots.current()
    values = service.snapshots.values.get(
        (snapshot.name, snapshot.fingerprint, caller.organization_id),
        lambda: service.previews.call(
            service.settings.preview_seconds,
            list_values,
            service.snapshots.place(),
            caller.organization_id,
            service.settings.rules,
        ),
    )
    return schemas.Context(
        snapshot=snapshot.name,
        rows=snapshot.rows,
        variables=_variables(snapshot, values),
        functions=[schemas.Function.model_validate(entry.to_dict()) for entry in reference()],
    )


@router.post(
    "/snapshots/check", tags=["snapshots"], responses=problems(ProblemType.NOT_FOUND, ProblemType.SNAPSHOT_UNUSABLE)
)
def check_snapshot(
    service: ServiceDep, caller: CountsCaller, body: schemas.SnapshotCheckRequest
) -> schemas.SnapshotCheck:
    """Check all segments against another snapshot's columns, before that is put to use."""
    try:
        snapshot = service.snapshots.named(body.snapshot)
    except KeyError:
        raise Problem(ProblemType.NOT_FOUND, f"the settings name no snapshot '{body.snapshot}'") from None
    stored = list_segments(service.store, organization=caller.organization_id).results
    found = check(snapshot, {one.id: one.in_engine() for one in stored}, rules=service.settings.rules)
    broken = [
        schemas.BrokenSegment(
            id=one.id, name=one.name, diagnostics=[_diagnostic(d, error.source) for d in error.diagnostics]
        )
        for one in stored
        if isinstance(error := found[one.id], CompileError)
    ]
    return schemas.SnapshotCheck(snapshot=body.snapshot, rows=snapshot.rows, segments=len(stored), broken=broken)


def _checked(service: Service, caller: Caller, segment: Segment) -> Checked | CompileError:
    """What can be said of a segment. What the statistics of all users tell is for those who may count all of them."""
    (found,) = check(
        service.snapshots.current(),
        {segment.condition: segment},
        rules=service.settings.rules,
        statistics=caller.organization_id is None,
    ).values()
    return found


def _segment(caller: Caller, body: schemas.PreviewRequest) -> Segment:
    audience = Audience(
        channel=body.communication_channel,
        type=body.communication_type,
        consent_id=body.consent_id,
        edition_id=body.edition_id,
        organization_id=caller.organization_for(body.organization_id),
    )
    return Segment(body.condition, audience)


def _sample(service: Service, caller: Caller, asked: int | None) -> int:
    """How many members a preview shows.

    Raises:
        Problem: they may not be seen, or are too many.
    """
    most = service.settings.preview_members
    if KeyScope.MEMBERS not in caller.scopes:
        if asked:
            raise Problem(ProblemType.FORBIDDEN, f"a sample needs the scope '{KeyScope.MEMBERS}'")
        return 0
    if asked is not None and asked > most:
        message = f"is at most {most}"
        raise Problem(ProblemType.BAD_REQUEST, f"sample: {message}", [FieldError(("body", "sample"), message)])
    return most if asked is None else asked


def _diagnostic(diagnostic: Diagnostic, source: Source) -> schemas.Diagnostic:
    return schemas.Diagnostic.model_validate(diagnostic_dict(diagnostic, source))


def _variables(snapshot: Snapshot, values: Mapping[str, ColumnValues]) -> list[schemas.Variable]:
    """The columns that conditions can name."""
    return [
        schemas.Variable(
            name=shown,
            type=str(type_),
            null_share=values.get(name, _UNKNOWN).null_share,
            values=None if (held := values.get(name, _UNKNOWN).values) is None else list(held),
            fields=_fields(type_),
        )
        for name, wrapped in snapshot.schema.types.items()
        if not isinstance(type_ := plain(wrapped), Unusable) and (shown := variable(name)) is not None
    ]


def _fields(type_: Type) -> list[schemas.MessageField]:
    """The fields of a message, or of the messages in a list or map."""
    match plain(type_):
        case StructType(fields=fields):
            return [schemas.MessageField(name=name, type=str(inner), fields=_fields(inner)) for name, inner in fields]
        case ListType(element=inner) | MapType(value=inner):
            return _fields(inner)
        case _:
            return []
