"""The OpenAPI document: what FastAPI does not say by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .problems import MEDIA_TYPE, TITLES, ProblemType, status_of
from .schemas import ProblemDetails

if TYPE_CHECKING:
    from .settings import Settings

Responses = dict[int | str, dict[str, object]]
Document = dict[str, object]

ETAG: Mapping[str, object] = {
    "ETag": {
        "description": "Of this version of the segment, for If-Match: it counts the changes that people make.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    }
}
LOCATION: Mapping[str, object] = {
    "Location": {
        "description": "The path of the segment.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    }
}
_RETRY_AFTER: Mapping[str, object] = {
    "Retry-After": {"description": "In seconds.", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}
}
_CHALLENGE: Mapping[str, object] = {
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}
}
_HEADERS: Mapping[ProblemType, Mapping[str, object]] = {
    ProblemType.BUSY: _RETRY_AFTER,
    ProblemType.SNAPSHOT_UNUSABLE: _RETRY_AFTER,
    ProblemType.TOO_MANY_REQUESTS: _RETRY_AFTER,
    ProblemType.UNAUTHENTICATED: _CHALLENGE,
}
_ALWAYS = (
    ProblemType.UNAUTHENTICATED,
    ProblemType.FORBIDDEN,
    ProblemType.TOO_LARGE,
    ProblemType.BAD_REQUEST,
    ProblemType.TOO_MANY_REQUESTS,
    ProblemType.INTERNAL,
    ProblemType.BUSY,
)
_SCHEMA = {"$ref": "#/components/schemas/ProblemDetails"}


def problems(*types: ProblemType) -> Responses:
    """The responses of an operation that may end in these problems, and in those that any may end in."""
    return _responses((*types, *_ALWAYS))


def _responses(types: tuple[ProblemType, ...]) -> Responses:
    found: Responses = {}
    for type_ in types:
        status = int(status_of(type_))
        response = found.setdefault(status, {"description": "", "content": {}})
        titles = [title for title in str(response["description"]).split(". ") if title]
        response["description"] = ". ".join(dict.fromkeys([*titles, TITLES[type_]]))
        example = {
            "type": f"urn:cellar:problem:{type_}",
            "title": TITLES[type_],
            "status": status,
            "detail": _DETAILS.get(type_, TITLES[type_]),
        }
        content = response["content"]
        assert isinstance(content, dict)
        media = content.setdefault(MEDIA_TYPE, {"schema": _SCHEMA, "examples": {}})
        media["examples"][str(type_)] = {"value": example}
        if type_ in _HEADERS:
            response["headers"] = dict(_HEADERS[type_])
    return found


_DETAILS: Mapping[ProblemType, str] = {
    ProblemType.BAD_CONDITION: "1:1: undeclared reference to 'agee'",
    ProblemType.BAD_REQUEST: "nmae: there is no such field",
    ProblemType.BUSY: "nothing became free within 10 seconds",
    ProblemType.CHANGED: "the segment is at version 4, not 3; get it again, and change that",
    ProblemType.CONFLICT: "a completed segment cannot be reset: only a pending, processing or failed one",
    ProblemType.FORBIDDEN: "the key has no scope 'changes'",
    ProblemType.NOT_FOUND: "there is no such segment",
    ProblemType.TOO_EXPENSIVE: "it took more than 10 seconds",
    ProblemType.UNAUTHENTICATED: "send a key in the header: Authorization: Bearer KEY",
}


def complete(document: Document, settings: Settings) -> Document:
    """The document that FastAPI made, with what only the settings know, and without what is not so."""
    components = document.setdefault("components", {})
    assert isinstance(components, dict)
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ProblemDetails"] = _problem_schema(schemas)
    paths = document["paths"]
    assert isinstance(paths, dict)
    told = _parameters(settings)
    for operations in paths.values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"]) | told.get(parameter["name"], {})
            if "requestBody" in operation:
                operation["responses"] |= _texts(_responses((ProblemType.UNSUPPORTED_MEDIA_TYPE,)))
    sample = schemas["PreviewRequest"]["properties"]["sample"]
    sample["anyOf"] = [{"type": "integer", "minimum": 0, "maximum": settings.preview_members}, {"type": "null"}]
    return document


def _parameters(settings: Settings) -> Mapping[str, dict[str, object]]:
    """What only the settings know of parameters."""
    place = settings.snapshot_in_use()
    columns = ["user_id" if place is None else place.id_column, *settings.member_columns]
    column = "|".join(re.escape(name) for name in dict.fromkeys(columns))
    size = min(settings.page_size, settings.max_page_size)
    return {
        "page_size": {"maximum": settings.max_page_size, "default": size},
        "columns": {"pattern": f"^({column})(,({column}))*$", "example": ",".join(columns[:2])},
    }


def _without_null(schema: dict[str, object]) -> dict[str, object]:
    """The schema of a parameter, which may be left out, and is never null."""
    kinds = schema.get("anyOf")
    if not isinstance(kinds, list):
        return schema
    (kind,) = (one for one in kinds if one != {"type": "null"})
    return {**kind, **{name: value for name, value in schema.items() if name != "anyOf"}}


def _texts(responses: Responses) -> dict[str, dict[str, object]]:
    return {str(status): response for status, response in responses.items()}


def _problem_schema(schemas: dict[str, object]) -> object:
    """The schema of problems, whose parts are put beside it."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    schemas.update({name: part for name, part in schema.pop("$defs", {}).items() if name not in schemas})
    return schema
