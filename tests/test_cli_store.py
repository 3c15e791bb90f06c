"""The commands on the store: segments kept, calculated and explained without the service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.workers import write_users

from .commands import run

FILE = """\
- {name: Adults, condition: age >= 18, description: Whoever may vote}
- {name: Young, condition: age < 10, channel: email, organization: o2}
- {name: Loyal, condition: 'true', type: marketing, consent: c1, edition: e1}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with users and the segments of a file; the store is made there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLAR_SNAPSHOT", str(write_users(tmp_path / "users.parquet")))
    (tmp_path / "segments.yaml").write_text(FILE)
    return tmp_path


def done(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def listed(*arguments: str) -> list[dict[str, object]]:
    results = json.loads(done("segments", "list", "--format", "json", *arguments))["results"]
    assert isinstance(results, list)
    return results


def create(condition: str = "age >= 18", *arguments: str) -> dict[str, object]:
    said = ("--organization", "o", "--name", "Adults", "--condition", condition, *arguments)
    segment = json.loads(done("segments", "create", "--format", "json", *said))
    assert isinstance(segment, dict)
    return segment


def test_the_life_of_a_segment(here: Path) -> None:
    segment = create()
    segment_id = str(segment["id"])
    assert segment["status"] == "draft"
    assert done("recalculate", "--all") == ""
    assert "2,460" in done("segments", "list")
    shown = done("segments", "show", segment_id)
    assert "condition     age >= 18\n" in shown
    assert "completed" in done("history", segment_id)
    calculations = json.loads(done("history", segment_id, "--format", "json"))
    assert (calculations["count"], calculations["results"][0]["user_count"]) == (1, 2_460)
    changed = json.loads(done("segments", "update", segment_id, "--condition", "age >= 90", "--format", "json"))
    assert (changed["status"], changed["user_count"], changed["condition"]) == ("draft", 2_460, "age >= 90")
    assert run("segments", "update", segment_id, "--name", "x", "--version", "1").exit_code == 1
    assert run("segments", "reset", segment_id).exit_code == 1
    assert run("segments", "confirm", segment_id).exit_code == 1
    done("segments", "delete", segment_id, "--yes")
    assert listed() == []
    assert run("segments", "show", segment_id).stderr == f"Error: there is no '{segment_id}'\n"
    assert (here / "cellar.db").exists()


def test_a_wrong_condition_is_not_kept() -> None:
    result = run("segments", "create", "--organization", "o", "--name", "n", "--condition", "agee > 1")
    assert result.exit_code == 2
    assert "did you mean 'age'?" in result.stderr
    segment_id = str(create()["id"])
    assert run("segments", "update", segment_id, "--condition", "age > 'x'").exit_code == 2
    assert run("segments", "update", segment_id, "--type", "marketing").exit_code == 2
    assert listed()[0]["condition"] == "age >= 18"


def test_without_a_snapshot_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CELLAR_SNAPSHOT")
    create("agee > 1")
    result = run("recalculate", "--all")
    assert result.exit_code == 1
    assert "CELLAR_SNAPSHOT" in result.stderr


def test_failures_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    create()
    with monkeypatch.context() as context:
        context.delenv("CELLAR_SNAPSHOT")
        create("agee > 1")
    result = run("recalculate", "--all")
    assert result.exit_code == 3
    assert "1 segments completed, 1 failed" in result.stderr
    assert [one["status"] for one in listed("--status", "failed")] == ["failed"]


def test_what_is_imported_can_be_exported(here: Path) -> None:
    result = run("segments", "import", "segments.yaml", "--organization", "o1")
    assert result.exit_code == 2
    assert "edition_ids" in result.stderr, "the snapshot lacks the columns of a rule, and nothing is kept"
    assert listed() == []
    (here / "segments.yaml").write_text("\n".join(FILE.splitlines()[:2]))
    for told in ("2 created, 0 changed, 0 as", "0 created, 0 changed, 2 as"):
        assert told in run("segments", "import", "segments.yaml", "--organization", "o1").stderr
    assert [(one["name"], one["organization_id"]) for one in listed()] == [("Adults", "o1"), ("Young", "o2")]
    exported = done("segments", "export")
    assert done("segments", "export", "--organization", "o2").startswith("- name: Young\n")
    (here / "exported.yaml").write_text(exported.replace("age < 10", "age < 11"))
    assert "0 created, 1 changed, 1 as" in run("segments", "import", "exported.yaml").stderr
    # The same file is what cellar count takes.
    assert "Young" in done("count", "users.parquet", "--file", "exported.yaml")


def test_segments_of_one_name_are_exported_apart() -> None:
    first, second = create(), create()
    exported = done("segments", "export")
    assert f"- name: Adults ({max(str(first['id']), str(second['id']))})\n" in exported
    assert "- name: Adults\n" in exported


def test_segments_are_selected_and_ordered() -> None:
    create()
    create("age > 50", "--channel", "email")
    assert [one["condition"] for one in listed("--channel", "email")] == ["age > 50"]
    assert [one["condition"] for one in listed("--ordering", "-created", "--limit", "1")] == ["age > 50"]
    assert listed("--search", "nobody") == []


def test_a_user_is_erased() -> None:
    segment_id = str(create('email == "b@example.org" || age > 50')["id"])
    assert done("erase", "b@example.org") == f"{segment_id}\n"
    assert done("erase", "nobody@example.org") == ""


def test_keys() -> None:
    created = json.loads(
        done("keys", "create", "nightly", "--scope", "counts", "--organization", "o", "--format", "json")
    )
    assert created["secret"].startswith("cellar_")
    secret = done("keys", "create", "all", "--scope", "counts", "--scope", "changes").strip()
    listed_keys = done("keys", "list")
    assert secret not in listed_keys
    assert "changes, counts" in listed_keys
    done("keys", "revoke", created["id"])
    keys = json.loads(done("keys", "list", "--format", "json"))
    assert [key["revoked"] is None for key in keys] == [False, True]
    assert run("keys", "revoke", "key_none").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recalculate"], "Name a SNAPSHOT"),
        (["recalculate", "--all", "-o", "x"], "--all takes"),
        (["worker", "--schedule", "nightly"], "no cron expression"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code in {1, 2}
    assert told in result.stderr


def test_a_store_that_cannot_be_used_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "cellar.db").write_text("no database" * 100)
    result = run("segments", "list")
    assert result.exit_code == 1
    assert result.stderr == "Error: the store cannot be used: file is not a database\n"
    monkeypatch.setenv("CELLAR_DATABASE_URL", "mysql://x")
    assert "SQLite or PostgreSQL" in run("segments", "list").stderr
    monkeypatch.setenv("CELLAR_PAGE_SISE", "1")
    monkeypatch.setenv("CELLAR_PAGE_SIZE", "0")
    assert "page_size" in run("segments", "list").stderr
