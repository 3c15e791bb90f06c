"""Settings: variables before the file, the file before defaults; what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import ConfigurationError, load_settings

FILE = """
page_size = 7
max_page_size = 8
snapshot = "today"

[snapshots.today]
location = "users.parquet"
id_column = "id"

[audience]
email = "has(user.mail)"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_any(here: Path) -> None:
    settings = load_settings()
    assert settings.database_url == "sqlite:///cellar.db"
    assert settings.snapshot_in_use() is None
    assert settings.rules is None
    assert list(here.iterdir()) == []


def test_variables_come_before_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "cellar.toml").write_text(FILE)
    monkeypatch.setenv("CELLAR_PAGE_SIZE", "9")
    settings = load_settings(preview_members=3)
    assert (settings.page_size, settings.max_page_size, settings.preview_members) == (9, 8, 3)
    used = settings.snapshot_in_use()
    assert used is not None
    assert (used.location, used.id_column) == ("users.parquet", "id")
    assert settings.rules == {"email": "has(user.mail)"}
    monkeypatch.setenv("CELLAR_SNAPSHOT", "other.parquet")
    other = load_settings().snapshot_in_use()
    assert other is not None
    assert other.location == "other.parquet"


def test_another_file(here: Path) -> None:
    (here / "other.toml").write_text(FILE)
    assert load_settings(here / "other.toml").page_size == 7
    with pytest.raises(FileNotFoundError):
        load_settings(here / "missing.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("page_sise = 7", "'page_sise'"),
        ("page_size = 0", "'page_size'"),
        ("page_size = ", "no TOML"),
        ("[audience]\nmail = 'true'", "no audience rule 'mail'"),
        ("[snapshots.today]\nplace = 'x'", "'snapshots.today.place'"),
    ],
)
def test_what_is_wrong_is_said(here: Path, text: str, message: str) -> None:
    (here / "cellar.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        load_settings()
