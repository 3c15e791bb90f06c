"""The parameters of requests, and what is checked of every request before its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import StringConvertor, register_url_convertor

from engine import Channel, Communication

from .problems import FieldError, Problem, ProblemType
from .schemas import NO_NUL, Identifier
from .store import Ordering, SegmentFilter, Status

PREFIX = "/api/v1"
"""Of all paths but those for whoever runs the service."""


class _SegmentConvertor(StringConvertor):
    """The id of a segment in a path."""

    regex = "seg_[^/]+"


# Paths that name it are compiled where they are declared.
register_url_convertor("segment", _SegmentConvertor())

SEGMENT_PATH = "/segments/{segment_id:segment}"
"""A segment's path. Its ids are told from the names of what else is below ``/segments``."""

MOST_PAGES = 1_000_000

ENTITY_TAG = r'^(\*|"[0-9]{1,18}")$'
"""What If-Match may be: any version, or one."""

_JSON = re.compile(r"application/([\w.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)

SegmentId = Annotated[str, Path(pattern=r"^seg_[A-Za-z0-9_-]+$", max_length=100, examples=["seg_01k8f3v7q2m9"])]


class SegmentFilters(BaseModel):
    """Which segments: those for which all that is set is so."""

    model_config = ConfigDict(extra="forbid")

    communication_channel: Channel | None = None
    communication_type: Communication | None = None
    edition_id: Identifier | None = None
    organization_id: Identifier | None = None
    status: Status | None = None
    search: Annotated[
        str | None, Field(description="A part of the name, in upper or lower case.", max_length=200, pattern=NO_NUL)
    ] = None

    def filter(self) -> SegmentFilter:
        """As the store takes it."""
        return SegmentFilter(
            communication_channel=self.communication_channel,
            communication_type=self.communication_type,
            edition_id=self.edition_id,
            organization_id=self.organization_id,
            status=self.status,
            search=self.search,
        )


class PageParameters(BaseModel):
    """Which page, and how long pages are."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=MOST_PAGES)] = 1
    page_size: Annotated[int | None, Field(ge=1)] = None


class SegmentListParameters(SegmentFilters, PageParameters):
    """Which segments, in which order."""

    ordering: Annotated[Ordering, Field(description="Ties are broken by id; segments without the value come last.")] = (
        Ordering.CREATED_DESCENDING
    )


Filters = Annotated[SegmentFilters, Query()]
Listing = Annotated[SegmentListParameters, Query()]
Paging = Annotated[PageParameters, Query()]


def check_request(request: Request) -> None:
    """Refuses parameters that the OpenAPI document does not know or that are given twice, and bodies that are no JSON.

    Raises:
        Problem: there is one.
    """
    path = getattr(request.scope.get("route"), "path_format", "")
    operation = request.app.openapi()["paths"].get(path, {}).get(request.method.lower())
    if operation is None:
        return
    known = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    for name in request.query_params:
        if name not in known:
            hint = f"; there are {', '.join(sorted(known))}" if known else ""
            raise _bad_parameter(name, f"there is no such parameter{hint}")
        if len(request.query_params.getlist(name)) > 1:
            raise _bad_parameter(name, "is given twice")
    if "requestBody" in operation:
        type_ = request.headers.get("content-type")
        has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
        if has_body and (type_ is None or _JSON.fullmatch(type_.strip()) is None):
            raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")


def _bad_parameter(name: str, message: str) -> Problem:
    return Problem(ProblemType.BAD_REQUEST, f"{name}: {message}", [FieldError(("query", name), message)])


def page_size_of(asked: int | None, default: int, most: int) -> int:
    """The length of a page.

    Raises:
        Problem: it is longer than is allowed.
    """
    if asked is not None and asked > most:
        raise _bad_parameter("page_size", f"is at most {most:,}")
    return min(default, most) if asked is None else asked


def links(request: Request, page: int, page_size: int, count: int) -> Mapping[str, str | None]:
    """The URLs of the pages after and before.

    Raises:
        Problem: there is no such page.
    """
    pages = max(1, -(-count // page_size))
    if page > pages:
        raise Problem(ProblemType.NOT_FOUND, f"there is no page {page}: the last is {pages}")
    url = request.url
    return {
        "next": str(url.include_query_params(page=page + 1)) if page < pages else None,
        "previous": str(url.include_query_params(page=page - 1)) if page > 1 else None,
    }


def entity_tag(version: int) -> str:
    """The ETag of a version of a segment."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int | None:
    """The version that a change is meant for; None is any (RFC 9110, section 13.1.1)."""
    return None if if_match in (None, "*") else int(str(if_match).strip('"'))
