"""Snapshots in Azure's object store: Parquet in Azurite, its makers' own stand-in, which the tests start and stop.

Azurite is a program of its own: without it these tests say so, and are skipped.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from pyarrow import fs

from engine import Snapshot, SnapshotError, count, members
from engine.sources.objects import azure_files
from tests.commands import ROOT, run
from tests.engine.snapshots import USERS, collected, failure, parquet
from tests.engine.stand_ins import serving

CONTAINER = "cellar-tests"
ACCOUNT = "cellartests"
KEY = "Y2VsbGFyLXRlc3RzLWtleQ=="
OTHER_KEY = "YW5vdGhlci1rZXk="
PROGRAM = "azurite-blob"


class Store(NamedTuple):
    """A server of Azure's object store on this machine."""

    endpoint: str

    def files(self) -> fs.AzureFileSystem:
        return azure_files(ACCOUNT, KEY, self.endpoint)

    def put(self, key: str, data: pl.DataFrame | bytes) -> str:
        with self.files().open_output_stream(f"{CONTAINER}/{key}") as stream:
            stream.write(data if isinstance(data, bytes) else parquet(data))
        return f"az://{CONTAINER}/{key}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    own = ROOT / "build" / "azurite" / "node_modules" / ".bin"
    program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path=str(own))
    if program is None:
        pytest.skip(f"{PROGRAM} is not installed")
    place = ["--blobHost", "127.0.0.1", "--location", str(tmp_path_factory.mktemp("azurite"))]
    command = [program, *place, "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobPort"]
    environment = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with serving(lambda port: [*command, str(port)], environment, listens) as port:
        store = Store(f"http://127.0.0.1:{port}/{ACCOUNT}")
        store.files().create_dir(CONTAINER)
        yield store


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", server.endpoint)
    return server


class TestAzure:
    def test_one_object(self, store: Store) -> None:
        location = store.put("one/users.parquet", USERS)
        snapshot = Snapshot.open(location)
        assert (snapshot.name, snapshot.format, snapshot.rows) == (location, "Parquet", 5)
        assert collected(snapshot).equals(USERS, null_equal=True)
        report = count(snapshot, {"a": "user_id > 1", "b": 'tags.exists(t, t == "a")', "c": 'address.city == "Oslo"'})
        assert [result.user_count for result in report.results] == [4, 1, 2]
        assert members(snapshot, 'name == "Ann"').collect().to_series().to_list() == [1]

    @pytest.mark.parametrize("glob", ["", "/", "/*/*.parquet", "/**"])
    def test_parts(self, store: Store, glob: str) -> None:
        store.put("parts/country=DE/1.parquet", USERS.head(2))
        store.put("parts/country=AT/1.parquet", USERS.tail(3))
        snapshot = Snapshot.open(f"az://{CONTAINER}/parts{glob}")
        assert snapshot.rows == 5
        assert count(snapshot, 'country == "DE"').results[0].user_count == 2

    def test_the_fingerprint_tells_a_change(self, store: Store) -> None:
        location = store.put("changed/users.parquet", USERS)
        snapshot = Snapshot.open(location)
        assert Snapshot.open(location).fingerprint == snapshot.fingerprint
        store.put("changed/users.parquet", USERS.head(4))
        assert Snapshot.open(location).fingerprint != snapshot.fingerprint
        with pytest.raises(SnapshotError):
            count(snapshot, {"a": "user_id > 1", "b": "user_id > 2"})

    def test_the_command_line(self, store: Store) -> None:
        result = run("count", store.put("cli/users.parquet", USERS), "user_id > 1")
        assert result.exit_code == 0
        assert "user_id > 1" in result.output


class TestFailures:
    def test_what_is_not_there(self, store: Store) -> None:
        store.put("there/users.parquet", USERS)
        assert "there is no such bucket" in failure("az://no-such-container/users.parquet")
        assert "there is no such object" in failure(f"az://{CONTAINER}/there/user.parquet")
        assert "no object matches" in failure(f"az://{CONTAINER}/there/*.pq")

    def test_what_is_no_snapshot(self, store: Store) -> None:
        damaged = store.put("wrong/text.parquet", b"user_id\n1\n" * 9)
        assert "is not a Parquet file, or is damaged" in failure(damaged)

    @pytest.mark.parametrize("key", [OTHER_KEY, "no key"])
    def test_no_access(self, store: Store, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        location = store.put("denied/users.parquet", USERS)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
        assert "access is denied; check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY" in failure(location)

    @pytest.mark.usefixtures("store")
    def test_nobody_listens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}/{ACCOUNT}"
            monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", endpoint)
            text = failure(f"az://{CONTAINER}/users.parquet")
        assert "the store cannot be reached; check AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ENDPOINT" in text
