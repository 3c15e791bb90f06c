"""Snapshots in object stores: Parquet in a stand-in for S3, which the tests start and stop."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Protocol, cast
from urllib.error import URLError
from urllib.request import urlopen

import polars as pl
import pytest
from pyarrow import fs

from engine import Snapshot, SnapshotError, count, members
from engine.sources import objects
from tests.commands import finish
from tests.engine.snapshots import USERS, collected, failure, parquet
from tests.engine.stand_ins import serving

BUCKET = "cellar-tests"


class Client(Protocol):
    """What the tests ask of boto3's client."""

    def create_bucket(self, *, Bucket: str) -> object: ...  # noqa: N803
    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> object: ...  # noqa: N803
    def delete_object(self, *, Bucket: str, Key: str) -> object: ...  # noqa: N803


class Store:
    """A server of S3 on this machine."""

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self) -> Client:
        import boto3

        return cast(
            Client,
            boto3.client(
                "s3",
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            ),
        )

    def put(self, key: str, data: pl.DataFrame | bytes, row_group: int = 2) -> str:
        body = data if isinstance(data, bytes) else parquet(data, row_group)
        self.client().put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"


def serve(*, authenticated: bool) -> Iterator[Store]:
    program = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p"]
    # Requests that are let through before credentials are asked for.
    environment = {"INITIAL_NO_AUTH_ACTION_COUNT": "2" if authenticated else "inf"}
    with serving(lambda port: [*program, str(port)], environment, answers) as port:
        store = Store(f"http://127.0.0.1:{port}")
        store.client().create_bucket(Bucket=BUCKET)
        yield store


def answers(port: int) -> bool:
    try:
        urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5).close()
    except (URLError, ConnectionError):
        return False
    return True


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    yield from serve(authenticated=False)


@pytest.fixture(autouse=True)
def no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    enter(monkeypatch, server.url)
    return server


def enter(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


class TestObjects:
    def test_one_object(self, store: Store) -> None:
        location = store.put("one/users.parquet", USERS)
        snapshot = Snapshot.open(location)
        assert (snapshot.name, snapshot.format, snapshot.rows) == (location, "Parquet", 5)
        assert snapshot.schema.columns == USERS.schema
        assert collected(snapshot).equals(USERS, null_equal=True)
        assert collected(snapshot, ["tags", "user_id"]).equals(USERS.select("tags", "user_id"))
        assert collected(snapshot, []).height == 5
        report = count(snapshot, {"a": "user_id > 1", "b": 'tags.exists(t, t == "a")', "c": 'address.city == "Oslo"'})
        assert [result.user_count for result in report.results] == [4, 1, 2]
        assert members(snapshot, 'name == "Ann"').collect().to_series().to_list() == [1]

    def test_chunks_lie_along_row_groups(self, store: Store) -> None:
        frame = pl.DataFrame({"user_id": range(1_000), "text": [str(n) for n in range(1_000)]})
        snapshot = Snapshot.open(store.put("large/users.parquet", frame, 300))
        assert [chunk.height for chunk in snapshot.chunks(["user_id"], 650)] == [600, 400]
        assert [chunk.height for chunk in snapshot.chunks(["user_id"], 250)] == [250, 50, 250, 50, 250, 50, 100]
        assert pl.concat(snapshot.chunks(["text", "user_id"], 250)).equals(frame.select("text", "user_id"))

    @pytest.mark.parametrize("location", ["parts", "parts/", "parts/*.parquet", "parts/part-[0-9]*", "p?rts/**"])
    def test_parts(self, store: Store, location: str) -> None:
        store.put("parts/part-2.parquet", USERS.tail(2).select(reversed(USERS.columns)))
        store.put("parts/part-10.parquet", USERS.head(3).with_columns(pl.col("user_id").cast(pl.Int32)))
        store.put("parts/_SUCCESS", b"")
        store.put("parts/_temporary/x.parquet", b"unfinished")
        snapshot = Snapshot.open(f"s3://{BUCKET}/{location}")
        assert snapshot.rows == 5
        assert collected(snapshot).equals(USERS, null_equal=True), "in the order of their names, widened"

    def test_hive(self, store: Store) -> None:
        for country in ("DE", "AT", "__HIVE_DEFAULT_PARTITION__", "a b%2Fc"):
            for day in ("2026-01-01", "2026-01-02"):
                frame = pl.DataFrame({"user_id": [f"{country}{day}"]})
                store.put(f"hive/country={country}/day={day}/part.parquet", frame)
        for location, rows in (("hive", 8), ("hive/country=DE", 2), ("hive/*/day=2026-01-02/*.parquet", 4)):
            assert Snapshot.open(f"s3://{BUCKET}/{location}").rows == rows
        snapshot = Snapshot.open(f"s3://{BUCKET}/hive")
        assert snapshot.schema.columns == {"user_id": pl.String(), "country": pl.String(), "day": pl.Date()}
        found = count(snapshot, {"de": 'country == "DE"', "null": "country == null", "odd": 'country == "a b/c"'})
        assert [result.user_count for result in found.results] == [2, 2, 2]
        assert count(snapshot, 'day > timestamp("2026-01-01T12:00:00Z")').results[0].user_count == 4

    def test_the_fingerprint_tells_a_change(self, store: Store) -> None:
        location = store.put("change/users.parquet", USERS)
        first, second = Snapshot.open(location), Snapshot.open(location)
        assert first.fingerprint == second.fingerprint is not None
        first.check_unchanged()
        store.put("change/users.parquet", USERS.head(4))
        with pytest.raises(SnapshotError, match="was changed while it was read"):
            first.check_unchanged()
        assert Snapshot.open(location).fingerprint != first.fingerprint

    def test_rows_are_not_read_to_open_and_to_count(self, store: Store) -> None:
        """The size of what is asked for, from the outside: a proxy that counts bytes."""
        users = 500_000
        frame = pl.DataFrame({"user_id": range(users), "noise": os.urandom(users * 8).hex(" ", 8).split()})
        size = len(parquet(frame, 100_000))
        location = store.put("big/users.parquet", frame, 100_000)
        with Proxy(store.url) as proxy, pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", proxy.url)
            snapshot = Snapshot.open(location)
            assert snapshot.rows == users
            assert 0 < proxy.received < size // 8
            before = proxy.received
            assert count(snapshot, "user_id >= 100").results[0].user_count == users - 100
            assert before < proxy.received < size // 2

    def test_the_command_line(self, store: Store) -> None:
        location = store.put("cli/users.parquet", USERS)
        code, output, _ = finish("count", location, "user_id > 1", "--format", "csv", env={**os.environ, **PYTHON})
        assert (code, output.splitlines()[1].split(",")[2]) == (0, "4")


class TestFailures:
    def test_what_is_not_there(self, store: Store) -> None:
        store.put("there/users.parquet", USERS)
        assert failure("s3://no-such-bucket/users.parquet").startswith(
            "s3://no-such-bucket/users.parquet: there is no such bucket"
        )
        assert "there is no such bucket" in failure("s3://no-such-bucket/*.parquet")
        assert "there is no such object" in failure(f"s3://{BUCKET}/there/user.parquet")
        assert "there is no such object" in failure(f"s3://{BUCKET}/elsewhere/")
        assert "no object matches" in failure(f"s3://{BUCKET}/there/*.pq")
        assert "names no bucket" in failure("s3:///users.parquet")

    def test_what_is_no_snapshot(self, store: Store) -> None:
        assert "only Parquet" in failure(store.put("wrong/users.csv", b"user_id\n1\n"))
        assert "is not a Parquet file, or is damaged" in failure(store.put("wrong/text.parquet", b"user_id\n1\n" * 9))
        assert "is not a Parquet file, or is damaged" in failure(store.put("wrong/empty.parquet", b""))
        assert "is not a Parquet file, or is damaged" in failure(store.put("wrong/cut.parquet", parquet(USERS)[:-100]))
        store.put("odd//1.parquet", USERS)
        assert "no path" in failure(f"s3://{BUCKET}/odd/")
        store.put("differ/1.parquet", USERS)
        store.put("differ/2.parquet", USERS.drop("score"))
        assert "2.parquet lacks the column 'score'" in failure(f"s3://{BUCKET}/differ")
        assert "types can be set only for CSV" in failure(f"s3://{BUCKET}/x.parquet", schema_overrides={"a": "int"})

    def test_an_object_that_goes_away(self, store: Store) -> None:
        snapshot = Snapshot.open(store.put("gone/users.parquet", USERS))
        store.client().delete_object(Bucket=BUCKET, Key="gone/users.parquet")
        with pytest.raises(SnapshotError, match="gone"):
            count(snapshot, {"a": "user_id > 1", "b": "user_id > 2"})

    @pytest.mark.parametrize("credentials", [True, False])
    def test_no_access(self, monkeypatch: pytest.MonkeyPatch, credentials: bool) -> None:
        for store in serve(authenticated=True):
            enter(monkeypatch, store.url)
            if not credentials:
                monkeypatch.delenv("AWS_ACCESS_KEY_ID")
                monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
            text = failure(f"s3://{BUCKET}/users.parquet")
            assert ("access is denied; check AWS_ACCESS_KEY_ID" in text) is credentials
            assert ("no credentials were found: set AWS_ACCESS_KEY_ID and" in text) is not credentials

    def test_nobody_listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            enter(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}")
            began = monotonic()
            assert "the store cannot be reached; check AWS_ENDPOINT_URL" in failure(f"s3://{BUCKET}/users.parquet")
        assert monotonic() - began < 15

    def test_somebody_listens_and_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(objects, "REQUEST_SECONDS", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            enter(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
            began = monotonic()
            assert "the store cannot be reached; check AWS_ENDPOINT_URL" in failure(f"s3://{BUCKET}/users.parquet")
        assert monotonic() - began < 15

    def test_azure_without_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "cellar")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:9/cellar")
        monkeypatch.setenv("PATH", "")
        assert "no credentials were found: set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY" in failure(
            "az://container/users.parquet"
        )

    def test_azure_without_an_account(self) -> None:
        assert "no credentials; set AZURE_STORAGE_ACCOUNT_NAME" in failure("az://container/users.parquet")

    @pytest.mark.parametrize(
        ("endpoint", "blob", "dfs"),
        [
            ("https://cellar.blob.core.windows.net", ".blob.core.windows.net", ".dfs.core.windows.net"),
            ("https://cellar.blob.core.example/", ".blob.core.example", ".dfs.core.example"),
            ("http://127.0.0.1:10000/cellar", "127.0.0.1:10000", "127.0.0.1:10000"),
        ],
    )
    def test_azure_elsewhere(self, endpoint: str, blob: str, dfs: str) -> None:
        scheme = endpoint.partition(":")[0]
        assert objects.azure_files("cellar", "bm8=", endpoint) == fs.AzureFileSystem(
            "cellar",
            account_key="bm8=",
            blob_storage_scheme=scheme,
            blob_storage_authority=blob,
            dfs_storage_scheme=scheme,
            dfs_storage_authority=dfs,
        )


PYTHON = {"PYTHONPATH": str(Path(__file__).parents[2])}


class Proxy:
    """Hands requests on to a server, and counts what comes back."""

    def __init__(self, target: str) -> None:
        host, port = re.fullmatch(r"http://(.+):(\d+)", target).groups()  # type: ignore[union-attr]
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.received = 0

    def __enter__(self) -> Proxy:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            there = socket.create_connection(self._target)
            Thread(target=self._copy, args=(here, there, False), daemon=True).start()
            Thread(target=self._copy, args=(there, here, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(65_536):
                self.received += len(data) if counted else 0
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            target.close()
