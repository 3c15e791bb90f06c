"""Parquet in object stores: ``s3://``, ``gs://`` and ``az://``.

Names, sizes, times and footers come through pyarrow, which can list; the rows through Polars, which reads no more of an
object than the row groups and columns asked for. Both take their credentials from the environment.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from .base import Columns, Group, SnapshotError, first_line, reading
from .files import GLOB, Part, one_partitioning, partition_of
from .footers import row_groups
from .formats import PARQUET
from .parquet import along_row_groups
from .parts import PartsSource, Pieces, TableFile

CONNECT_SECONDS = 5
REQUEST_SECONDS = 30
_ATTEMPTS = 2
_FOOTERS_AT_ONCE = 16

_NO_BUCKET = "there is no such bucket"
_DENIED = "access is denied"
_UNREACHABLE = "the store cannot be reached"

# What a store's answer means, by what pyarrow's message holds of it.
_MEANINGS: Mapping[str, tuple[str, ...]] = {
    _NO_BUCKET: ("NO_SUCH_BUCKET", "NoSuchBucket", "ContainerNotFound", "bucket does not exist"),
    _DENIED: (
        "ACCESS_DENIED",
        "INVALID_ACCESS_KEY_ID",
        "INVALID_CLIENT_TOKEN_ID",
        "SIGNATURE_DOES_NOT_MATCH",
        "UNRECOGNIZED_CLIENT",
        "HTTP response code 401",
        "HTTP response code 403",
        "HTTP status 401",
        "HTTP status 403",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "AuthorizationFailure",
        "AuthenticationFailed",
        "Base64 encoded string",
        "AuthenticationException",
    ),
    _UNREACHABLE: (
        "NETWORK_CONNECTION",
        "REQUEST_TIMEOUT",
        "curlCode",
        "UNAVAILABLE",
        "DEADLINE_EXCEEDED",
        "Retry policy exhausted",
        "Fail to get a new connection",
        "could not resolve",
        "Couldn't resolve",
    ),
}
_CREDENTIALS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "az": ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY"),
}
_ENDPOINTS = {
    "s3": "AWS_ENDPOINT_URL",
    "gs": "the network",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ENDPOINT",
}


@dataclass(frozen=True, slots=True)
class _Store:
    """One kind of store, as the environment sets it up.

    Attributes:
        options: Polars' own settings for it.
    """

    scheme: str
    files: fs.FileSystem
    options: dict[str, str | int]

    def url(self, path: str) -> str:
        return f"{self.scheme}://{path}"

    def scan(self, paths: Sequence[str]) -> pl.LazyFrame:
        return pl.scan_parquet(
            [self.url(path) for path in paths],
            glob=False,
            hive_partitioning=False,
            extra_columns="ignore",
            storage_options=self.options,
            credential_provider=None,
        )


@dataclass(frozen=True, slots=True)
class ParquetObject:
    """A Parquet object.

    Attributes:
        path: the bucket and the key.
        metadata: its footer.
    """

    path: Path
    columns: Columns
    metadata: pq.FileMetaData
    store: _Store

    @classmethod
    def open(cls, path: str, store: _Store) -> ParquetObject:
        """Reads the footer."""
        with _asking(store, path):
            try:
                metadata = pq.read_metadata(path, filesystem=store.files)
            except pa.ArrowInvalid as error:
                raise SnapshotError(f"{store.url(path)}: is not a Parquet file, or is damaged") from error
        with reading(store.url(path), PARQUET):
            return cls(Path(path), Columns(store.scan([path]).collect_schema()), metadata, store)

    def rows(self) -> int:
        """The number of rows, from the footer."""
        return int(self.metadata.num_rows)

    def scan(self) -> pl.LazyFrame:
        """All columns."""
        return self.store.scan([str(self.path)])

    @property
    def pieces(self) -> Pieces | None:
        """Row groups together up to a number of rows, larger ones in pieces."""
        return partial(
            along_row_groups, [self.metadata.row_group(g).num_rows for g in range(self.metadata.num_row_groups)]
        )

    def groups(self, columns: Sequence[str]) -> Sequence[Group] | None:
        """What the footer tells of each row group."""
        return list(row_groups(self.metadata, {name: self.columns.readable[name] for name in columns}))


def open_objects(location: str) -> PartsSource:
    """Opens an object, all objects below a prefix, or those that a glob matches, as one table.

    Names that begin with a point or an underscore are no part of it; ``key=value/`` in names gives columns (Hive).

    Raises:
        SnapshotError: nothing is there, it may not be read, it is no Parquet, or the store cannot be reached.
    """
    scheme, _, path = location.partition("://")
    bucket, _, key = path.partition("/")
    if not bucket:
        raise SnapshotError(f"{location}: names no bucket; write {scheme}://BUCKET/NAME")
    store = _store(scheme, location)
    parts = _find(store, location, bucket, key)
    for part in parts:
        if part.path.suffix.lower() not in (".parquet", ".pq"):
            raise SnapshotError(f"{store.url(str(part.path))}: only Parquet (.parquet, .pq) is read from object stores")
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        files = list(pool.map(lambda part: ParquetObject.open(str(part.path), store), parts))

    def scan_alike(alike: Sequence[TableFile]) -> pl.LazyFrame | None:
        return store.scan([str(file.path) for file in alike]) if alike else None

    def identify() -> str:
        return _fingerprint(store, location, parts)

    return PartsSource.of(location, PARQUET, parts, files, scan_alike=scan_alike, identify=identify)


def _find(store: _Store, location: str, bucket: str, key: str) -> tuple[Part, ...]:
    path = f"{bucket}/{key}".rstrip("/")
    with _asking(store, path):
        if not GLOB & set(key):
            (found,) = store.files.get_file_info([path])
            if found.type == fs.FileType.File and not key.endswith("/"):
                return (Part(Path(path)),)
            if found.type == fs.FileType.NotFound:
                (above,) = store.files.get_file_info([bucket])
                missing = _NO_BUCKET if above.type == fs.FileType.NotFound else "there is no such object"
                raise SnapshotError(f"{location}: {missing}, or it may not be listed")
            names = _list(store, path)
            below = path.count("/") + 1
        else:
            components = path.split("/")
            below = next(place for place, component in enumerate(components) if GLOB & set(component))
            matches = re.compile(_pattern(components)).fullmatch
            names = [name for name in _list(store, "/".join(components[:below])) if matches(name)]
    parts = []
    for name in names:
        if Path(name).as_posix() != name:
            raise SnapshotError(f"{store.url(name)}: has a name that is no path; copy it to another")
        components = name.split("/")[below:]
        if not any(component.startswith((".", "_")) for component in components):
            pairs = tuple(pair for component in components[:-1] for pair in partition_of(component))
            parts.append(Part(Path(name), pairs))
    if not parts:
        raise SnapshotError(f"{location}: {'no object matches' if GLOB & set(key) else 'holds no part files'}")
    return one_partitioning(location, tuple(sorted(parts, key=lambda part: part.path)))


def _list(store: _Store, path: str) -> list[str]:
    found = store.files.get_file_info(fs.FileSelector(path, recursive=True))
    return [info.path for info in found if info.type == fs.FileType.File]


def _pattern(components: Sequence[str]) -> str:
    """A glob as a regular expression: ``**`` is any number of levels, ``*`` and ``?`` stay within one."""
    parts = []
    for place, component in enumerate(components):
        last = place == len(components) - 1
        if component == "**":
            parts.append(".*" if last else "(?:[^/]+/)*")
            continue
        text = re.escape(component).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        text = re.sub(r"\\\[(\\?!|!)?(.+?)\\\]", lambda m: f"[{'^' if m[1] else ''}{m[2].replace(chr(92), '')}]", text)
        parts.append(text if last else f"{text}/")
    return "".join(parts)


def _fingerprint(store: _Store, location: str, parts: Sequence[Part]) -> str:
    """What identifies the objects as they are now: names, sizes and modification times."""
    with _asking(store, location.partition("://")[2]):
        infos = store.files.get_file_info([str(part.path) for part in parts])
    digest = hashlib.sha256()
    for part, info in zip(parts, infos, strict=True):
        if info.type == fs.FileType.NotFound:
            raise SnapshotError(f"{store.url(str(part.path))}: there is no such object")
        digest.update(f"{part.path}\0{part.partition}\0{info.size}\0{info.mtime_ns}\0".encode())
    return digest.hexdigest()[:32]


def _store(scheme: str, location: str) -> _Store:
    options: dict[str, str | int] = {"max_retries": _ATTEMPTS, "connect_timeout": f"{CONNECT_SECONDS}s"}
    environment = os.environ
    try:
        match scheme:
            case "s3":
                endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
                region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
                options["aws_region"] = region
                if endpoint is not None:
                    options |= {"aws_endpoint_url": endpoint, "aws_allow_http": str(endpoint.startswith("http:"))}
                files = fs.S3FileSystem(
                    region=region,
                    endpoint_override=endpoint,
                    connect_timeout=CONNECT_SECONDS,
                    request_timeout=REQUEST_SECONDS,
                    retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
                )
            case "gs":
                files = fs.GcsFileSystem(retry_time_limit=timedelta(seconds=CONNECT_SECONDS))
            case _:
                account = environment.get("AZURE_STORAGE_ACCOUNT_NAME")
                if account is None:
                    raise SnapshotError(f"{location}: no credentials; set {' and '.join(_CREDENTIALS[scheme])}")
                endpoint = environment.get("AZURE_STORAGE_ENDPOINT")
                if endpoint is not None:
                    options |= {"azure_endpoint": endpoint, "azure_allow_http": str(endpoint.startswith("http:"))}
                files = azure_files(account, environment.get("AZURE_STORAGE_ACCOUNT_KEY"), endpoint)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SnapshotError(f"{location}: the store cannot be set up: {first_line(error)}") from error
    return _Store(scheme, files, options)


def azure_files(account: str, key: str | None, endpoint: str | None) -> fs.AzureFileSystem:
    """An account's files, at another place than Azure's public one where there is an ``endpoint``."""
    if endpoint is None:
        return fs.AzureFileSystem(account, account_key=key)
    scheme, authority, *_ = urlsplit(endpoint)
    # An authority that begins with a dot is a domain of accounts; another serves all accounts, by the path.
    if authority.startswith(f"{account}."):
        authority = authority.removeprefix(account)
    return fs.AzureFileSystem(
        account,
        account_key=key,
        blob_storage_scheme=scheme,
        blob_storage_authority=authority,
        dfs_storage_scheme=scheme,
        dfs_storage_authority=authority.replace(".blob.", ".dfs.", 1),
    )


@contextmanager
def _asking(store: _Store, path: str) -> Iterator[None]:
    """Turns what a store answers into one :class:`SnapshotError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise SnapshotError(f"{store.url(path)}: there is no such object") from error
    except (OSError, pa.ArrowException) as error:
        text = str(error)
        meaning = next((m for m, marks in _MEANINGS.items() if any(mark in text for mark in marks)), None)
        problem = meaning or f"cannot be read: {first_line(error)}"
        credentials = " and ".join(_CREDENTIALS[store.scheme])
        if meaning == _UNREACHABLE:
            problem += f"; check {_ENDPOINTS[store.scheme]}"
        elif meaning != _NO_BUCKET and not _has_credentials(store.scheme):
            problem += f"; no credentials were found: set {credentials}"
        elif meaning == _DENIED:
            problem += f"; check {credentials}"
        raise SnapshotError(f"{store.url(path)}: {problem}") from error


def _has_credentials(scheme: str) -> bool:
    if scheme == "s3":
        names = (
            "AWS_ACCESS_KEY_ID",
            "AWS_PROFILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        )
        return any(os.environ.get(name) for name in names) or (Path.home() / ".aws" / "credentials").exists()
    *_, secret = _CREDENTIALS[scheme]
    return bool(os.environ.get(secret))
