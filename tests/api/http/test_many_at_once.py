"""Two services and two workers on one store, under a mix of requests: no update is lost, and nothing fails."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from sqlalchemy import make_url

from engine import Audience, Segment, count

from .running import AURORA, client, completed, new, served, settings

CLIENTS, COUNTED = 8, 6
REQUESTS = {"postgresql": 400, "sqlite": 240}
"""Of a store: SQLite writes one after the other, so that less can come in between."""
CONDITIONS = ("age > 30", "age > 50 && is_vip", 'country == "DE"', "total_spent > 100.0", "size(tags) > 1")

# What each request may be answered when others change the same segments at the same time.
ALLOWED = {
    "create": {201},
    "increment": {200, 412},
    "recalculate": {202, 404},
    "recalculate all": {202},
    "reset": {200, 404, 409},
    "edit": {200, 404},
    "delete": {204, 404},
    "get": {200, 404},
    "list": {200},
    "history": {200, 404},
    "members": {200, 404, 409},
    "preview": {200},
}
_WEIGHTS = (8, 30, 8, 1, 4, 8, 3, 15, 15, 5, 2, 1)


def test_nothing_is_lost_and_nothing_fails(tmp_path: Path, database_url: str) -> None:
    settings(tmp_path, users=500)
    requests = REQUESTS[make_url(database_url).get_backend_name()]
    told = {"CELLAR_DATABASE_URL": database_url, "CELLAR_REQUESTS_PER_MINUTE": "1000000", "CELLAR_POLL_SECONDS": "0.1"}
    with (
        served(tmp_path, "--snapshot", "users.parquet", **told) as first,
        served(tmp_path, "--snapshot", "users.parquet", **told) as second,
    ):
        urls = [first.url, second.url]
        with client(first.url) as asking:
            counters = [
                asking.post("/segments", json=new(name="Counter", description="0")).json()["id"] for _ in range(COUNTED)
            ]
        with ThreadPoolExecutor(CLIENTS) as threads:
            share = requests // CLIENTS
            done = list(threads.map(lambda seed: _ask(urls, counters, seed, share), range(CLIENTS)))
        answered = sum((one[0] for one in done), Counter[tuple[str, int]]())
        incremented = sum((one[1] for one in done), Counter[str]())
        with client(second.url) as asking:
            found = {one: asking.get(f"/segments/{one}").json() for one in counters}
            left = asking.get("/segments", params={"page_size": 1_000}).json()["results"]
            left = [completed(asking, str(one["id"])) for one in left]
        failures = [
            line for one in (first, second) for line in one.log.read_text("utf-8").splitlines() if '"error"' in line
        ]
    strange = {key: number for key, number in answered.items() if key[1] not in ALLOWED[key[0]]}
    assert not strange, strange
    assert sum(answered.values()) >= requests
    assert {what for what, _ in answered} == set(ALLOWED)
    assert {one: int(segment["description"]) for one, segment in found.items()} == {
        one: incremented[one] for one in counters
    }
    assert not failures, failures[:5]
    audience = Audience(channel="any", organization_id=AURORA)
    counts = count(tmp_path / "users.parquet", {text: Segment(text, audience) for text in CONDITIONS})
    finished = [one for one in left if one["status"] == "completed" and one["condition"] in CONDITIONS]
    assert finished
    for one in finished:
        assert one["user_count"] == counts[str(one["condition"])].user_count
    assert {str(one["status"]) for one in left} <= {"draft", "completed"}


def _ask(urls: list[str], counters: list[str], seed: int, number: int) -> tuple[Counter[tuple[str, int]], Counter[str]]:
    """So many requests, now to one service and now to the other.

    Returns:
        How often each was answered with each status, and how often each counter was incremented.
    """
    draw = random.Random(seed)
    answered, incremented = Counter[tuple[str, int]](), Counter[str]()
    own: list[str] = []
    with client(urls[0]) as one, client(urls[1]) as other:
        for step in range(number):
            # Each client asks for each thing at least once.
            what = list(ALLOWED)[step] if step < len(ALLOWED) else draw.choices(list(ALLOWED), _WEIGHTS)[0]
            asking = draw.choice([one, other])
            if what == "increment":
                which = draw.choice(counters)
                response = _increment(asking, which)
                incremented[which] += response.status_code == 200
            else:
                response = _request(asking, what, draw, own)
            answered[what, response.status_code] += 1
    return answered, incremented


def _increment(asking: httpx.Client, segment: str) -> httpx.Response:
    """Reads a number and writes the next one, unless somebody else did meanwhile."""
    before = asking.get(f"/segments/{segment}").raise_for_status()
    following = str(int(before.json()["description"]) + 1)
    return asking.patch(
        f"/segments/{segment}", json={"description": following}, headers={"If-Match": before.headers["ETag"]}
    )


def _request(asking: httpx.Client, what: str, draw: random.Random, own: list[str]) -> httpx.Response:
    path = f"/segments/{draw.choice(own)}" if own else "/segments/seg_none"
    match what:
        case "create":
            response = asking.post("/segments", json=new(condition=draw.choice(CONDITIONS)))
            own.append(response.json()["id"])
            return response
        case "recalculate" | "reset":
            return asking.post(f"{path}/{what}")
        case "recalculate all":
            return asking.post("/segments/recalculate")
        case "edit":
            return asking.patch(path, json={"condition": draw.choice(CONDITIONS)})
        case "delete":
            return asking.delete(path)
        case "get":
            return asking.get(path)
        case "list":
            return asking.get("/segments", params={"ordering": "-user_count", "page_size": 10})
        case "history":
            return asking.get(f"{path}/calculations")
        case "members":
            return asking.get(f"{path}/users")
        case _:
            return asking.post("/segments/preview", json={"condition": draw.choice(CONDITIONS)})
