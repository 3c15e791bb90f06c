"""Who asks, and what he may: keys, their scopes and organizations, and how often they may ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from .problems import Problem, ProblemType
from .service import Service, ServiceDep
from .store.keys import find_key, list_keys
from .store.records import KeyScope

_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="A key, as `cellar keys create` shows it. A service on the loopback for which no key was ever made "
    "takes requests without.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        key_id: the key's; None for whoever asks a service without keys.
        organization_id: whose segments there are for him; None is all.
        scopes: what he may.
    """

    key_id: str | None
    organization_id: str | None
    scopes: frozenset[KeyScope]

    def organization_for(self, asked: str | None) -> str | None:
        """The organization that a request is about.

        Raises:
            Problem: it is another one than the key's.
        """
        if self.organization_id is None or asked is None:
            return asked if self.organization_id is None else self.organization_id
        if asked != self.organization_id:
            raise Problem(ProblemType.FORBIDDEN, "the key is bound to another organization")
        return asked


def _authenticated(
    request: Request,
    service: ServiceDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """Finds out who asks, and takes one of his requests."""
    caller = _caller(request, service, credentials)
    request.state.caller = caller
    wait = service.requests.take(caller.key_id or "")
    if wait:
        raise Problem(
            ProblemType.TOO_MANY_REQUESTS,
            f"more than {service.settings.requests_per_minute:,} requests a minute",
            headers={"Retry-After": str(wait)},
        )
    return caller


def _caller(request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    if credentials is not None:
        key = find_key(service.store, credentials.credentials)
        if key is None:
            raise _unauthenticated("the key is unknown, or was revoked")
        return Caller(key.id, key.organization_id, key.scopes)
    if "authorization" in request.headers:
        raise _unauthenticated("a key goes into the header as: Authorization: Bearer KEY")
    if service.keyless and _local(request) and not list_keys(service.store):
        return Caller(None, None, frozenset(KeyScope))
    raise _unauthenticated("send a key in the header: Authorization: Bearer KEY")


def _unauthenticated(detail: str) -> Problem:
    return Problem(ProblemType.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": "Bearer"})


def _local(request: Request) -> bool:
    """Whether a request comes from this machine and was meant for it: a web page elsewhere may have a name of its own
    lead to the loopback.
    """
    return request.client is not None and is_loopback(request.client.host) and is_loopback(request.url.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is one of this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(urlsplit(f"//{host}").hostname or host if host.startswith("[") else host).is_loopback
    except ValueError:
        return False


def _with(scope: KeyScope) -> Callable[[Caller], Caller]:
    def allowed(caller: Annotated[Caller, Depends(_authenticated)]) -> Caller:
        if scope not in caller.scopes:
            raise Problem(ProblemType.FORBIDDEN, f"the key has no scope '{scope}'")
        return caller

    return allowed


CountsCaller = Annotated[Caller, Depends(_with(KeyScope.COUNTS))]
"""Somebody who may see counts."""

MembersCaller = Annotated[Caller, Depends(_with(KeyScope.MEMBERS))]
"""Somebody who may see who is in segments."""

ChangesCaller = Annotated[Caller, Depends(_with(KeyScope.CHANGES))]
"""Somebody who may change segments."""
