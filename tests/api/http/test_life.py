"""The whole life of a segment, over real HTTP, with a real worker, on a real snapshot."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import httpx
import polars as pl
import pytest

from engine import Audience, Segment, count, members
from engine.sample import write_sample

from .running import AURORA, CONDITION, Served, client, completed, new, served

COLUMNS = "user_id,email,created_at"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("life")
    write_sample(directory / "users.parquet", users=5_000)
    write_sample(directory / "narrow.parquet", users=100)
    narrow = pl.read_parquet(directory / "narrow.parquet").drop("is_vip")
    narrow.write_parquet(directory / "narrow.parquet")
    (directory / "cellar.toml").write_text(
        'snapshot = "users.parquet"\nmember_columns = ["email", "created_at", "tags"]\npoll_seconds = 0.05\n'
        '[snapshots.candidate]\nlocation = "narrow.parquet"\n',
        encoding="utf-8",
    )
    return directory


@pytest.fixture(scope="module")
def service(directory: Path) -> Iterator[Served]:
    with served(directory) as running:
        yield running


@pytest.fixture(scope="module")
def asking(service: Served) -> Iterator[httpx.Client]:
    with client(service.url) as asking:
        yield asking


def test_the_life_of_a_segment(asking: httpx.Client, directory: Path) -> None:
    audience = Audience("any", "transactional", None, None, AURORA)
    users = directory / "users.parquet"

    checked = asking.post("/cel/validate", json={"condition": CONDITION}).json()
    assert (checked["valid"], checked["type"], checked["columns"]) == (True, "bool", ["age", "country", "is_vip"])
    tried = asking.post("/segments/preview", json={"condition": CONDITION, "organization_id": AURORA}).json()

    made = asking.post("/segments", json=new())
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    segment = made.json()
    assert path == f"/segments/{segment['id']}"
    assert (segment["status"], segment["user_count"]) == ("draft", None)
    assert asking.get(path).headers["ETag"] == made.headers["ETag"]

    asked = asking.post(f"{path}/recalculate")
    assert asked.status_code == 202
    again = asking.post(f"{path}/recalculate")
    assert again.json()["calculation_id"] == asked.json()["calculation_id"]
    done = completed(asking, segment["id"])
    (calculation,) = asking.get(f"{path}/calculations").json()["results"]
    expected = count(users, Segment(CONDITION, audience), now=calculation["now"], errors=True).results[0]
    assert done["status"] == "completed"
    assert (done["user_count"], done["error_count"]) == (expected.user_count, expected.error_count)
    assert (tried["user_count"], tried["error_count"]) == (expected.user_count, expected.error_count)
    assert (calculation["user_count"], calculation["rows"], calculation["shared"]) == (expected.user_count, 5_000, 1)
    reasons = [(one["reason"], one["rows"]) for one in calculation["reasons"]]
    assert reasons == [(one.reason, one.rows) for one in expected.reasons or ()]

    inside = members(users, Segment(CONDITION, audience), columns=COLUMNS.split(","), now=calculation["now"]).collect()
    assert inside.height == expected.user_count
    _members_as_told(asking, path, inside)

    why = asking.get(f"{path}/users/{inside.item(0, 'user_id')}").json()
    assert why["member"] is True
    assert [rule["rule"] for rule in why["rules"]] == ["organization", "any"]
    assert [part["text"] for part in why["condition"]["parts"]] == ["age > 30", 'country == "DE" || is_vip']
    assert why["now"] == calculation["now"]
    assert why["values"].keys() == {"user_id", "email"} & why["values"].keys()

    renamed = asking.patch(path, json={"name": "Renamed"}, headers={"If-Match": made.headers["ETag"]})
    assert (renamed.json()["status"], renamed.json()["name"]) == ("completed", "Renamed")
    late = asking.patch(path, json={"name": "Late"}, headers={"If-Match": made.headers["ETag"]})
    assert late.status_code == 412
    assert asking.get(f"{path}/users").status_code == 200

    edited = asking.patch(path, json={"condition": "age > 60"}).json()
    assert (edited["status"], edited["user_count"]) == ("draft", expected.user_count)
    assert asking.get(f"{path}/users").status_code == 409

    asking.post(f"{path}/recalculate")
    completed(asking, segment["id"])
    assert asking.post(f"{path}/reset").status_code == 409
    assert asking.get(f"{path}/calculations").json()["count"] == 2

    assert asking.delete(path).status_code == 204
    for gone in (path, f"{path}/calculations", f"{path}/users", f"{path}/users/usr_00000001"):
        assert asking.get(gone).status_code == 404


def _members_as_told(asking: httpx.Client, path: str, inside: pl.DataFrame) -> None:
    """The members of a segment are these, in each format."""
    as_csv = asking.get(f"{path}/users", headers={"Accept": "text/csv"}).text
    assert as_csv.splitlines() == ["user_id", *inside.get_column("user_id")]
    as_lines = asking.get(f"{path}/users?format=jsonl&columns={COLUMNS}")
    assert as_lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(line)["email"] for line in as_lines.text.splitlines()] == inside.get_column("email").to_list()
    as_parquet = asking.get(
        f"{path}/users?columns={COLUMNS}", headers={"Accept": "text/html, application/vnd.apache.parquet;q=0.9"}
    )
    assert pl.read_parquet(io.BytesIO(as_parquet.content)).equals(inside)


def test_segments_are_listed_and_recalculated_together(asking: httpx.Client) -> None:
    names = ["Bees", "ants", "Äpfel", "100%_x"]
    for number, name in enumerate(names):
        channel = "email" if number % 2 else "any"
        asking.post("/segments", json=new(name=name, communication_channel=channel)).raise_for_status()
    listed = asking.get("/segments", params={"ordering": "name", "page_size": 3}).json()
    assert [one["name"] for one in listed["results"]] == ["100%_x", "Bees", "ants"]
    assert (listed["count"], listed["previous"]) == (4, None)
    rest = asking.get(listed["next"]).json()
    assert [one["name"] for one in rest["results"]] == ["Äpfel"]
    assert rest["next"] is None
    assert asking.get(rest["previous"]).json() == listed
    for search, found in {"ÄPF": ["Äpfel"], "%_": ["100%_x"], "e": ["Bees", "Äpfel"], "zzz": []}.items():
        page = asking.get("/segments", params={"search": search, "ordering": "name"}).json()
        assert [one["name"] for one in page["results"]] == found
    asked = asking.post("/segments/recalculate", params={"communication_channel": "email"})
    assert (asked.status_code, asked.json()) == (202, {"count": 2})
    emailed = asking.get("/segments", params={"communication_channel": "email"}).json()["results"]
    for one in emailed:
        completed(asking, one["id"])
        (calculation,) = asking.get(f"/segments/{one['id']}/calculations").json()["results"]
        assert calculation["shared"] == 2
    ordered = asking.get("/segments", params={"ordering": "-user_count"}).json()["results"]
    assert [one["user_count"] is None for one in ordered] == [False, False, True, True]


def test_another_snapshot_is_checked_before_it_is_used(asking: httpx.Client) -> None:
    kept = asking.post("/segments", json=new(name="Kept", condition="age > 5")).json()["id"]
    broken = asking.post("/segments", json=new(name="Broken", condition="is_vip")).json()["id"]
    found = asking.post("/snapshots/check", json={"snapshot": "candidate"}).json()
    assert found["segments"] == asking.get("/segments").json()["count"]
    by_id = {one["id"]: one for one in found["broken"]}
    assert kept not in by_id
    (diagnostic,) = by_id[broken]["diagnostics"]
    assert (diagnostic["line"], diagnostic["column"]) == (1, 1)
    assert "undeclared reference to 'is_vip'" in diagnostic["message"]


def test_an_editor_is_told_what_there_is(asking: httpx.Client) -> None:
    found = asking.get("/cel/context").json()
    variables = {one["name"]: one for one in found["variables"]}
    assert variables["is_vip"]["values"] == ["false", "true"]
    assert 0 < variables["age"]["null_share"] < 0.2
    assert variables["email"]["values"] is None
    assert {"name": "price", "type": "double", "fields": []} in variables["purchases"]["fields"]
    functions = {one["name"] for one in found["functions"]}
    assert {"&&", "exists", "startsWith", "days"} <= functions


def test_the_service_tells_how_it_is(service: Served) -> None:
    with httpx.Client(base_url=service.url) as asking:
        assert asking.get("/healthz").json()["status"] == "ok"
        assert asking.get("/readyz").json()["checks"] == {"store": "ok", "snapshot": "ok"}
        metrics = asking.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        assert 'cellar_requests_total{method="GET",route="/healthz",status="200"}' in metrics.text
        assert 'cellar_segments{status="draft"}' in metrics.text


def test_logs_are_json_without_members_and_literals(asking: httpx.Client, service: Served) -> None:
    condition = 'email == "a.secret.person@example.org" || first_name == "Rumpelstiltskin"'
    made = asking.post("/segments", json=new(name="Hush", condition=condition)).raise_for_status().json()["id"]
    asking.post(f"/segments/{made}/recalculate").raise_for_status()
    completed(asking, made)
    asking.post("/segments", json=new(condition='agee == "Rumpelstiltskin"'))
    asking.post("/segments/preview", json={"condition": 'first_name == "Rumpelstiltskin"'}).raise_for_status()
    asking.get("/segments?search=Rumpelstiltskin").raise_for_status()
    asking.get(f"/segments/{made}/users/usr_00000017").raise_for_status()
    lines = service.log.read_text(encoding="utf-8").splitlines()[2:]
    entries = [json.loads(line) for line in lines]
    assert any(one.get("segment_id") == made and one["status"] == 202 for one in entries)
    for word in ("Rumpelstiltskin", "secret", "Hush", "usr_"):
        assert not [line for line in lines if word in line]


def test_it_stops_when_told_to(directory: Path, tmp_path: Path) -> None:
    with served(tmp_path, "--snapshot", str(directory / "users.parquet")) as running:
        with client(running.url) as asking:
            asking.post("/segments/preview", json={"condition": "true"}).raise_for_status()
        children = _children(running.process.pid)
        assert children
        running.process.terminate()
        assert running.process.wait(20) == 0
    deadline = monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert monotonic() < deadline
        sleep(0.05)


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
