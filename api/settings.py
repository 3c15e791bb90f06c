"""What the service and its commands are told: by ``CELLAR_*`` variables, by ``cellar.toml``, by defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from engine.audience import complete_rules

from .places import Place

CONFIGURATION = Path("cellar.toml")
"""The file that is read where no other is named, if it is there."""

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class ConfigurationError(ValueError):
    """Settings that cannot be: one sentence for each that is wrong."""


class Settings(BaseSettings):
    """The settings; :func:`load_settings` reads them.

    Attributes:
        database_url: where segments are kept: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
        snapshot: the users that segments are counted on: a name among ``snapshots``, or a location. None: the demo's.
        snapshots: snapshots by name, for checks before one is put to use.
        audience: rules of audiences by name, instead of the default ones.
        member_columns: what may be told of a member besides his id.
        body_bytes: the longest body of a request.
        condition_bytes: the longest condition, in UTF-8.
        page_size: segments of a page where a request names no other size.
        max_page_size: the largest size that a request may name.
        preview_seconds: after which a preview is ended.
        preview_megabytes: of memory that a preview may take.
        preview_workers: previews at a time.
        preview_members: users that a preview shows.
        export_seconds: after which the writing of members is ended.
        export_workers: writers of members at a time.
        requests_per_minute: of one key.
        retention_days: after which calculations are forgotten; None keeps all.
        guard_factor: a count, or the number of users, that changes by more is marked with a warning.
        guard_minimum: counts that are smaller before and after are not compared.
        guard_confirmation: a count that is marked is not published before somebody confirms it.
        most_segments_with_reasons: a scan of more segments counts errors, but does not tell their reasons.
        interpretation_seconds: that interpreting a segment may take before it fails alone; None is without bound.
        interpretation_rows: how often its interpreted clauses may be evaluated; None is without bound.
        lease_seconds: after which a worker that does not report is taken for dead.
        poll_seconds: between a worker's looks for work.
        scan_threads: that a scan runs on; None: one for each core.
        scan_niceness: by how much a scan gives way to what else the machine does.
    """

    model_config = SettingsConfigDict(env_prefix="CELLAR_", toml_file=CONFIGURATION, extra="forbid", frozen=True)

    database_url: Annotated[str, Field(min_length=1)] = "sqlite:///cellar.db"
    snapshot: str | None = None
    snapshots: Mapping[str, Place] = {}
    audience: Mapping[str, str] = {}
    member_columns: tuple[str, ...] = ()

    body_bytes: Count = 65_536
    condition_bytes: Count = 10_000
    page_size: Count = 100
    max_page_size: Count = 1_000
    preview_seconds: Seconds = 10.0
    preview_megabytes: Count = 4_096
    preview_workers: Count = 1
    preview_members: Annotated[int, Field(ge=0)] = 5
    export_seconds: Seconds = 600.0
    export_workers: Count = 2
    requests_per_minute: Count = 1_200

    retention_days: Count | None = 90
    guard_factor: Annotated[float, Field(gt=1)] = 5.0
    guard_minimum: Annotated[int, Field(ge=0)] = 100
    guard_confirmation: bool = False

    most_segments_with_reasons: Annotated[int, Field(ge=0)] = 1_000
    interpretation_seconds: Seconds | None = 60.0
    interpretation_rows: Count | None = 1_000_000
    lease_seconds: Seconds = 30.0
    poll_seconds: Seconds = 1.0
    scan_threads: Count | None = None
    scan_niceness: Annotated[int, Field(ge=0, le=19)] = 10

    @field_validator("audience")
    @classmethod
    def _known_rules(cls, rules: Mapping[str, str]) -> Mapping[str, str]:
        complete_rules(rules)
        return rules

    @property
    def rules(self) -> Mapping[str, str] | None:
        """The rules of audiences as the engine takes them."""
        return self.audience or None

    def snapshot_named(self, name: str) -> Place:
        """A snapshot by its name.

        Raises:
            KeyError: there is none of that name.
        """
        return self.snapshots[name]

    def snapshot_in_use(self) -> Place | None:
        """The snapshot that segments are counted on; None where the settings name none."""
        if self.snapshot is None:
            return None
        return self.snapshots.get(self.snapshot) or Place(location=self.snapshot)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the name is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(configuration: Path | None = None, **given: object) -> Settings:
    """The settings.

    Args:
        configuration: the file to read instead of ``cellar.toml``.
        given: settings by name, before variables and file.

    Raises:
        ConfigurationError: a setting is unknown or cannot be, or the file is no TOML.
        OSError: the file cannot be read.
    """
    import tomllib

    file = configuration or CONFIGURATION
    if configuration is not None or file.exists():
        # Read here too, for pydantic would not say which file is no TOML.
        try:
            tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: is no TOML: {error}") from error

    class Loaded(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    try:
        return Loaded.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_sentence(e["loc"], e["msg"]) for e in error.errors())) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    told = message.removeprefix("Value error, ")
    return f"setting '{'.'.join(map(str, place))}': {told}" if place else f"settings: {told}"
