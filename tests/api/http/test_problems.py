"""What is wrong with a request is a problem, with its status, and is never passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx
import pytest

from api.store import NewSegment, Store, create
from api.store import delete as store_delete

from .running import AURORA, client, key, new, running, settings


class Bad(NamedTuple):
    """A request, and the problem that it is."""

    method: str
    path: str
    given: Mapping[str, object]
    status: int
    type: str
    detail: str


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, Store]]:
    told = settings(tmp_path_factory.mktemp("problems"), body_bytes=5_000, condition_bytes=1_000, max_page_size=50)
    with running(told) as (url, store), client(url) as asking:
        yield asking, store


@pytest.fixture(scope="module")
def segment(service: tuple[httpx.Client, Store]) -> str:
    made = service[0].post("/segments", json=new())
    assert made.status_code == 201
    return str(made.json()["id"])


JSON = {"content-type": "application/json"}
CASES = [
    Bad("GET", "/segments?pag=1", {}, 422, "bad-request", "pag: there is no such parameter"),
    Bad("GET", "/segments?page=1&page=2", {}, 422, "bad-request", "page: is given twice"),
    Bad("GET", "/segments?page=0", {}, 422, "bad-request", "page: "),
    Bad("GET", "/segments?page=one", {}, 422, "bad-request", "page: "),
    Bad("GET", "/segments?page=2", {}, 404, "not-found", "there is no page 2: the last is 1"),
    Bad("GET", "/segments?page_size=51", {}, 422, "bad-request", "page_size: is at most 50"),
    Bad("GET", "/segments?page_size=0", {}, 422, "bad-request", "page_size: "),
    Bad("GET", "/segments?ordering=size", {}, 422, "bad-request", "ordering: input should be 'created'"),
    Bad("GET", "/segments?status=done", {}, 422, "bad-request", "status: input should be 'draft'"),
    Bad("GET", "/segments?search=a%00b", {}, 422, "bad-request", "search: holds a character that cannot be kept"),
    Bad("GET", "/segments/seg_unknown", {}, 404, "not-found", "there is no such segment"),
    Bad("GET", "/segments/seg_%00", {}, 404, "not-found", "there is no such thing"),
    Bad("GET", "/segments/other", {}, 404, "not-found", "nothing is served here"),
    Bad("GET", "/nothing", {}, 404, "not-found", "nothing is served here"),
    Bad("PUT", "/segments", {}, 405, "method-not-allowed", "the method is not allowed here"),
    Bad("GET", "/segments/preview", {}, 405, "method-not-allowed", "the method is not allowed here"),
    Bad("POST", "/segments", {"json": new(nmae="x")}, 422, "bad-request", "nmae: there is no such field"),
    Bad("POST", "/segments", {"json": {"name": "x"}}, 422, "bad-request", "organization_id: is missing"),
    Bad("POST", "/segments", {"json": new(name="")}, 422, "bad-request", "name: "),
    Bad("POST", "/segments", {"json": new(name="a\0")}, 422, "bad-request", "name: holds a character that cannot"),
    Bad("POST", "/segments", {"json": new(name=5)}, 422, "bad-request", "name: "),
    Bad("POST", "/segments", {"json": [1]}, 422, "bad-request", "must be a JSON object"),
    Bad("POST", "/segments", {"json": new(communication_type="marketing")}, 422, "bad-request", "marketing needs"),
    Bad("POST", "/segments", {"json": new(communication_channel="fax")}, 422, "bad-request", "communication_channel"),
    Bad("POST", "/segments", {"json": new(condition="agee > 1")}, 422, "bad-condition", "1:1: undeclared reference"),
    Bad("POST", "/segments", {"json": new(condition="age")}, 422, "bad-condition", "1:1: a condition must be a bool"),
    Bad("POST", "/segments", {"json": new(condition="1 < " * 999 + "2")}, 422, "bad-request", "condition: has 3,997"),
    Bad("POST", "/segments", {"content": b"{", "headers": JSON}, 422, "bad-request", "is no JSON"),
    Bad("POST", "/segments", {"content": b"[" * 4_000, "headers": JSON}, 422, "bad-request", ""),
    Bad("POST", "/segments", {"content": b'{"name": "\xff"}', "headers": JSON}, 422, "bad-request", ""),
    Bad("POST", "/segments", {"content": b'{"name": "\\ud800"}', "headers": JSON}, 422, "bad-request", ""),
    Bad("POST", "/segments", {"content": b" " * 5_001, "headers": JSON}, 413, "too-large", "the body is too long"),
    Bad(
        "POST", "/segments", {"content": iter([b" " * 3_000] * 2), "headers": JSON}, 413, "too-large", "the body is too"
    ),
    Bad(
        "POST", "/segments", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "unsupported-media", ""
    ),
    Bad("POST", "/segments", {"content": b"{}"}, 415, "unsupported-media", "send the body as application/json"),
    Bad(
        "POST", "/segments/preview", {"json": {"condition": "true", "sample": 99}}, 422, "bad-request", "sample: is at"
    ),
    Bad("POST", "/segments/preview", {"json": {"condition": "x ="}}, 422, "bad-condition", "1:3: "),
    Bad("POST", "/cel/validate", {"json": {}}, 422, "bad-request", "condition: is missing"),
    Bad(
        "POST",
        "/cel/validate?x=1",
        {"json": {"condition": "true"}},
        422,
        "bad-request",
        "x: there is no such parameter",
    ),
    Bad("POST", "/snapshots/check", {"json": {"snapshot": "/etc/passwd"}}, 404, "not-found", "the settings name no"),
    Bad("GET", "/healthz?x=1", {}, 422, "bad-request", "x: there is no such parameter"),
]


@pytest.mark.parametrize("bad", CASES)
def test_a_bad_request_is_a_problem(service: tuple[httpx.Client, Store], bad: Bad) -> None:
    answered = service[0].request(bad.method, bad.path, **bad.given)  # type: ignore[arg-type]
    assert answered.status_code == bad.status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    problem = answered.json()
    assert problem["type"].startswith(f"urn:cellar:problem:{bad.type}")
    assert problem["status"] == bad.status
    assert problem["detail"].startswith(bad.detail), problem["detail"]


OF_SEGMENT = [
    Bad("PATCH", "", {"json": {"name": "b"}, "headers": {"If-Match": '"99"'}}, 412, "changed", "the segment is at"),
    Bad(
        "PATCH",
        "",
        {"json": {"name": "b"}, "headers": {"If-Match": "junk"}},
        422,
        "bad-request",
        "if-match: is not of the form",
    ),
    Bad("PATCH", "", {"json": {"organization_id": "o"}}, 422, "bad-request", "organization_id: there is no such field"),
    Bad("PATCH", "", {"json": {"status": "completed"}}, 422, "bad-request", "status: there is no such field"),
    Bad("PATCH", "", {"json": {"name": None}}, 422, "bad-request", "name: "),
    Bad("PATCH", "", {"json": {"communication_type": "marketing"}}, 422, "bad-request", "marketing needs a consent"),
    Bad("PATCH", "", {"json": {"condition": "agee"}}, 422, "bad-condition", "1:1: undeclared reference"),
    Bad("DELETE", "", {"headers": {"If-Match": '"99"'}}, 412, "changed", "the segment is at"),
    Bad("POST", "/confirm", {}, 409, "conflict", "no count of the segment waits to be confirmed"),
    Bad("POST", "/reset", {}, 409, "conflict", "a draft segment cannot be reset"),
    Bad("GET", "/users", {}, 409, "conflict", "the segment was never calculated"),
    Bad("GET", "/users?format=xml", {}, 422, "bad-request", "format: "),
    Bad("GET", "/users", {"headers": {"Accept": "text/html"}}, 406, "not-acceptable", "there are text/csv"),
    Bad("GET", "/users/nobody", {}, 404, "not-found", "there is no such user"),
    Bad("GET", "/calculations?page=7", {}, 404, "not-found", "there is no page 7"),
]


@pytest.mark.parametrize("bad", OF_SEGMENT)
def test_a_bad_request_to_a_segment_is_a_problem(service: tuple[httpx.Client, Store], segment: str, bad: Bad) -> None:
    test_a_bad_request_is_a_problem(service, bad._replace(path=f"/segments/{segment}{bad.path}"))


def test_conditions_have_positions(service: tuple[httpx.Client, Store]) -> None:
    problem = service[0].post("/segments", json=new(condition="age > 1 &&\n  agee > 2")).json()
    (found,) = problem["diagnostics"]
    assert (found["line"], found["column"], found["start"], found["end"]) == (2, 3, 13, 17)
    assert found["hint"] == "did you mean 'age'?"
    assert found["rendered"].splitlines()[1:3] == [" |   agee > 2", " |   ^^^^"]


def test_fields_have_pointers(service: tuple[httpx.Client, Store]) -> None:
    problem = service[0].post("/segments", json={"name": "", "a/b~c": 1}).json()
    pointers = {(error["in"], error["pointer"]) for error in problem["errors"]}
    assert pointers == {("body", "/organization_id"), ("body", "/name"), ("body", "/condition"), ("body", "/a~1b~0c")}


def test_methods_that_are_allowed_are_told(service: tuple[httpx.Client, Store], segment: str) -> None:
    assert service[0].put("/segments").headers["Allow"] == "GET, POST"
    assert service[0].post(f"/segments/{segment}").headers["Allow"] == "DELETE, GET, PATCH"


def test_requests_have_ids(service: tuple[httpx.Client, Store]) -> None:
    named = service[0].get("/healthz", headers={"X-Request-ID": "mine-1"}).headers["X-Request-ID"]
    assert named == "mine-1"
    strange = service[0].get("/healthz", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"]
    assert strange != "a b"


def test_keys_ask_so_often(tmp_path_factory: pytest.TempPathFactory) -> None:
    told = settings(tmp_path_factory.mktemp("often"), requests_per_minute=3)
    with running(told) as (url, store):
        secrets = [key(store), key(store, AURORA)]
        for secret in secrets:
            with client(url, secret) as asking:
                answers = [asking.get("/segments") for _ in range(4)]
            assert [one.status_code for one in answers] == [200, 200, 200, 429]
            assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20


def test_a_name_is_changed_whatever_the_condition_has_become(service: tuple[httpx.Client, Store]) -> None:
    asking, store = service
    stale = create(store, NewSegment(organization_id=AURORA, name="Old", condition="gone > 1"))
    assert asking.patch(f"/segments/{stale.id}", json={"name": "New"}).json()["name"] == "New"
    assert asking.patch(f"/segments/{stale.id}", json={"communication_channel": "sms"}).status_code == 422
    store_delete(store, stale.id, organization=AURORA)
