"""Keys: another organization's segments do not exist, scopes are kept, and without a key only this machine may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.store import KeyScope, Store, create_key, request, revoke_key
from engine.sample import write_sample
from tests.commands import finish

from .running import AURORA, MARATON, client, completed, key, new, running, served, settings

# Every operation of the document, with what another organization's key, and a key without the scope, are answered.
OPERATIONS: dict[tuple[str, str], tuple[str, int]] = {
    ("get", "/segments"): ("counts", 200),
    ("post", "/segments"): ("changes", 403),
    ("get", "/segments/{segment_id}"): ("counts", 404),
    ("patch", "/segments/{segment_id}"): ("changes", 404),
    ("delete", "/segments/{segment_id}"): ("changes", 404),
    ("post", "/segments/{segment_id}/recalculate"): ("changes", 404),
    ("post", "/segments/{segment_id}/reset"): ("changes", 404),
    ("post", "/segments/{segment_id}/confirm"): ("changes", 404),
    ("post", "/segments/recalculate"): ("changes", 202),
    ("get", "/segments/{segment_id}/calculations"): ("counts", 404),
    ("get", "/segments/{segment_id}/users"): ("members", 404),
    ("get", "/segments/{segment_id}/users/{user_id}"): ("members", 404),
    ("post", "/segments/preview"): ("counts", 403),
    ("post", "/cel/validate"): ("counts", 200),
    ("get", "/cel/context"): ("counts", 200),
    ("post", "/snapshots/check"): ("counts", 200),
}
OPEN = {("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics")}
BODIES: dict[tuple[str, str], dict[str, object]] = {
    ("post", "/segments"): new(),
    ("patch", "/segments/{segment_id}"): {"name": "Taken"},
    ("post", "/segments/preview"): {"condition": "true", "organization_id": AURORA},
    ("post", "/cel/validate"): {"condition": "true"},
    ("post", "/snapshots/check"): {"snapshot": "other"},
}


class Running:
    """A service with a segment of Aurora's."""

    def __init__(self, url: str, store: Store) -> None:
        self.url, self.store = url, store
        with client(url, key(store)) as asking:
            self.segment = asking.post("/segments", json=new()).raise_for_status().json()["id"]
        request(store, self.segment, organization=None)

    def ask(self, operation: tuple[str, str], secret: str | None) -> httpx.Response:
        method, path = operation
        filled = path.format(segment_id=self.segment, user_id="usr_00000001")
        with client(self.url, secret) as asking:
            return asking.request(method, filled, json=BODIES.get(operation))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("tenancy")
    place = {"location": str(directory / "users.parquet")}
    with running(settings(directory, snapshots={"other": place})) as (url, store):
        yield Running(url, store)


def test_every_operation_is_tried(service: Running) -> None:
    with client(service.url, key(service.store)) as asking:
        paths = asking.get("/openapi.json").json()["paths"]
    documented = {(method, path.removeprefix("/api/v1")) for path, operations in paths.items() for method in operations}
    assert documented == OPERATIONS.keys() | OPEN


@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_organization_sees_and_changes_nothing(service: Running, operation: tuple[str, str]) -> None:
    before = service.ask(("get", "/segments/{segment_id}"), key(service.store)).json()
    answered = service.ask(operation, key(service.store, MARATON))
    assert answered.status_code == OPERATIONS[operation][1], answered.text
    assert service.segment not in answered.text
    assert AURORA not in answered.text
    assert service.ask(("get", "/segments/{segment_id}"), key(service.store)).json() == before
    if operation == ("get", "/segments"):
        assert answered.json()["count"] == 0
    if operation == ("post", "/segments/recalculate"):
        assert answered.json() == {"count": 0}
    if operation == ("post", "/snapshots/check"):
        assert answered.json()["segments"] == 0


@pytest.mark.parametrize("operation", OPERATIONS)
def test_scopes_are_kept(service: Running, operation: tuple[str, str]) -> None:
    others = {scope.value for scope in KeyScope} - {OPERATIONS[operation][0]}
    answered = service.ask(operation, key(service.store, AURORA, *others))
    assert answered.status_code == 403
    assert answered.json()["detail"] == f"the key has no scope '{OPERATIONS[operation][0]}'"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_keys_are_needed_once_there_is_one(service: Running, operation: tuple[str, str]) -> None:
    revoked = create_key(service.store, "old", scopes=list(KeyScope), organization=None)
    revoke_key(service.store, revoked.key.id)
    for secret in (None, "cellar_wrong", revoked.secret):
        answered = service.ask(operation, secret)
        assert answered.status_code == 401
        assert answered.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", sorted(OPEN))
def test_whoever_runs_the_service_needs_no_key(service: Running, operation: tuple[str, str]) -> None:
    with httpx.Client(base_url=service.url) as asking:
        answered = asking.request(*operation)
    assert answered.status_code == 200
    assert AURORA not in answered.text


def test_a_user_of_another_organization_does_not_exist(service: Running) -> None:
    with client(service.url, key(service.store)) as asking:
        segments = {
            organization: asking.post("/segments", json=new(organization_id=organization, condition="true")).json()
            for organization in (AURORA, MARATON)
        }
        found = {
            user_id: asking.get(f"/segments/{segments[AURORA]['id']}/users/{user_id}").json()
            for user_id in (f"usr_{number:08}" for number in range(12))
        }
    own = {user_id: one["rules"][0]["compiled"]["value"] for user_id, one in found.items()}
    assert set(own.values()) == {True, False}
    with client(service.url, key(service.store, AURORA)) as asking:
        for user_id, is_own in own.items():
            answered = asking.get(f"/segments/{segments[AURORA]['id']}/users/{user_id}")
            assert answered.status_code == (200 if is_own else 404)
    with client(service.url, key(service.store, AURORA)) as asking:
        context = asking.get("/cel/context").json()
        preview = asking.post("/segments/preview", json={"condition": "true"}).json()
    (organizations,) = (one["values"] for one in context["variables"] if one["name"] == "organization_id")
    assert organizations == [f'"{AURORA}"']
    assert preview["funnel"][0] == preview["funnel"][0] | {"kind": "rule", "text": "organization"}
    assert preview["funnel"][0]["remaining"] < preview["rows"]


def test_samples_need_the_scope_of_members(service: Running) -> None:
    body = {"condition": "true"}
    with client(service.url, key(service.store, AURORA, "counts")) as asking:
        assert asking.post("/segments/preview", json=body).json()["members"] == []
        assert asking.post("/segments/preview", json=body | {"sample": 1}).status_code == 403
    with client(service.url, key(service.store, AURORA, "counts", "members")) as asking:
        members = asking.post("/segments/preview", json=body | {"sample": 2}).json()["members"]
    assert [set(one) for one in members] == [{"user_id", "email", "created_at", "tags"}] * 2


def test_columns_that_are_not_allowed_are_not_told(service: Running) -> None:
    with client(service.url, key(service.store)) as asking:
        made = asking.post("/segments", json=new(condition='first_name == "x" || age > 1')).json()
        why = asking.get(f"/segments/{made['id']}/users/usr_00000001").json()
    assert set(why["values"]) <= {"user_id", "email", "created_at", "tags"}


def test_the_secret_of_a_key_is_not_kept(service: Running) -> None:
    secret = key(service.store, AURORA)
    url = service.store.engine.url.database
    assert url is not None
    kept = b"".join(path.read_bytes() for path in Path(url).parent.glob("cellar.db*"))
    assert secret.removeprefix("cellar_").encode() not in kept


def test_without_a_key_only_this_machine_may_ask(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as (url, store):
        with client(url) as asking:
            assert asking.get("/segments").status_code == 200
            # A page of another site whose name leads to the loopback.
            assert asking.get("/segments", headers={"Host": "evil.example"}).status_code == 401
            assert asking.get("/segments", headers={"Host": "localhost:80"}).status_code == 200
        revoke_key(store, create_key(store, "x", scopes=[KeyScope.COUNTS], organization=None).key.id)
        with client(url) as asking:
            assert asking.get("/segments").status_code == 401


def test_without_a_key_it_does_not_listen_elsewhere(tmp_path: Path) -> None:
    write_sample(tmp_path / "users.parquet", users=10)
    code, _, errors = finish("serve", "--host", "0.0.0.0", "--snapshot", "users.parquet", cwd=tmp_path)
    assert code == 1
    assert "without a key, the service listens on this machine only, not on 0.0.0.0" in errors


def test_with_a_key_it_listens_elsewhere(tmp_path: Path) -> None:
    told = settings(tmp_path, users=100)
    with running(told) as (_, store):
        secret = key(store, AURORA)
    with served(tmp_path, "--host", "0.0.0.0", "--snapshot", "users.parquet") as service:
        url = service.url.replace("0.0.0.0", "127.0.0.1")
        with client(url) as asking:
            assert asking.get("/segments").status_code == 401
        with client(url, secret) as asking:
            made = asking.post("/segments", json=new()).raise_for_status().json()["id"]
            asking.post(f"/segments/{made}/recalculate").raise_for_status()
            assert completed(asking, made)["status"] == "completed"
        assert "There is no key" not in service.log.read_text(encoding="utf-8")
