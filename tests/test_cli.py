"""The commands of the command line: what each prints, and what it answers to bad input."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.commands import ROOT, USERS, finish, names, run, write_users

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".csv": pl.read_csv,
    ".jsonl": pl.read_ndjson,
    ".arrow": pl.read_ipc,
}


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


TIMES = ("compile", "scan", "interpretation")


@pytest.fixture
def users(tmp_path: Path) -> str:
    return write_users(tmp_path)


class TestCount:
    def test_one_condition(self, users: str) -> None:
        result = run("count", users, "age > 30", "--now", "2026-05-01")
        assert result.exit_code == 0
        head, row = rows(result.stdout)
        assert head == ["segment", "users", "share", "errors", "mode", "own", "ms"]
        assert row[:-1] == ["age", ">", "30", "2", "50.0", "%", "1", "compiled"]
        assert result.stderr.startswith(f"4 users in {users}; now 2026-05-01T00:00:00Z; ")

    def test_json_is_exactly_as_specified(self, users: str) -> None:
        arguments = (
            "count",
            users,
            "age > 30",
            "agee > 30",
            "--now",
            "2026-05-01T12:00:00.5+02:00",
            "--format",
            "json",
        )
        result = run(*arguments)
        assert result.exit_code == 3
        report = json.loads(result.stdout)
        assert list(report) == ["snapshot", "rows", "now", "duration", *TIMES, "results"]
        assert (report["snapshot"], report["rows"], report["now"]) == (users, 4, "2026-05-01T10:00:00.500000Z")
        first, second = report["results"]
        keys = ["name", "condition", "user_count", "error_count", "mode", "duration", "error", *TIMES, "shared_by"]
        assert (list(first), list(second)) == (keys, keys)
        durations = [report["duration"], first.pop("duration"), second.pop("duration")]
        assert all(isinstance(duration, float) and 0 < duration < 30 for duration in durations)
        assert [(one.pop("shared_by"), one.pop("interpretation")) for one in (first, second)] == [(1, 0.0), (0, 0.0)]
        assert second.pop("scan") == 0.0
        assert durations[1] + durations[2] == pytest.approx(
            first.pop("compile") + first.pop("scan") + second.pop("compile"), abs=1e-5
        )
        assert first == {
            "name": "age > 30",
            "condition": "age > 30",
            "user_count": 2,
            "error_count": 1,
            "mode": "compiled",
            "error": None,
        }
        error = "ERROR: <input>:1:1: undeclared reference to 'agee'\n | agee > 30\n | ^^^^\n = did you mean 'age'?"
        assert second == {
            "name": "agee > 30",
            "condition": "agee > 30",
            "user_count": None,
            "error_count": None,
            "mode": None,
            "error": error,
        }
        assert error in result.stderr
        assert "1 of 2 conditions failed." in result.stderr

    def test_other_formats_have_the_same_results(self, users: str) -> None:
        def output(format: str) -> bytes:
            return run("count", users, "age > 30", 'country.contains("é")', "x", "--format", format).stdout_bytes

        expected = json.loads(output("json"))["results"]
        in_lines = [json.loads(line) for line in output("jsonl").splitlines()]
        in_parquet = pl.read_parquet(BytesIO(output("parquet"))).to_dicts()
        in_csv = list(csv.DictReader(StringIO(output("csv").decode())))
        for found in (in_lines, in_parquet, in_csv):
            assert [list(row) for row in found] == [list(row) for row in expected]
        for row in (*expected, *in_lines, *in_parquet):
            for key in ("duration", *TIMES):
                del row[key]
        assert in_lines == expected
        assert in_parquet == expected
        assert [[row[key] for key in ("condition", "user_count", "error")] for row in in_csv] == [
            [str(value) if (value := row[key]) is not None else "" for key in ("condition", "user_count", "error")]
            for row in expected
        ]

    def test_results_are_in_the_order_asked_repetitions_included(self, users: str) -> None:
        conditions = ["age > 50", "age > 30", "age > 50"]
        report = json.loads(run("count", users, *conditions, "--format", "json").stdout)
        assert [(r["name"], r["user_count"]) for r in report["results"]] == [
            ("age > 50", 1),
            ("age > 30", 2),
            ("age > 50", 1),
        ]

    @pytest.mark.parametrize("mode", ["auto", "compiled", "interpreted"])
    def test_modes(self, users: str, mode: str) -> None:
        report = json.loads(run("count", users, "age > 30", "--mode", mode, "--format", "json").stdout)
        [result] = report["results"]
        assert (result["user_count"], result["error_count"]) == (2, 1)
        assert result["mode"] == ("compiled" if mode == "auto" else mode)

    def test_now_is_what_was_given(self, users: str) -> None:
        def count(now: str) -> int:
            condition = 'now < timestamp("2026-05-01T00:00:00Z")'
            report = json.loads(run("count", users, condition, "--now", now, "--format", "json").stdout)
            found = report["results"][0]["user_count"]
            assert isinstance(found, int)
            return found

        assert [count("2026-04-30T23:59:59.999999"), count("2026-05-01"), count("2026-05-01T01:00:00+02:00")] == [
            4,
            0,
            4,
        ]

    def test_a_file_of_lines(self, users: str, tmp_path: Path) -> None:
        file = tmp_path / "f.cel"
        file.write_text('// comment\nage > 30\n\ncountry == "DE"\n')
        result = run("count", users, "--file", str(file), "--format", "jsonl")
        assert [json.loads(line)["user_count"] for line in result.stdout.splitlines()] == [2, 2]

    @pytest.mark.parametrize("conditions", [1, 2])
    def test_segments_keep_their_names(self, users: str, conditions: int) -> None:
        segments = "- {name: adults, condition: age > 30}\n- {name: vips, condition: '\"vip\" in tags'}\n"
        text = "".join(segments.splitlines(keepends=True)[:conditions])
        result = run("count", users, "--file", "-", "--format", "jsonl", stdin=text.encode())
        assert [json.loads(line)["name"] for line in result.stdout.splitlines()] == ["adults", "vips"][:conditions]

    def test_conditions_from_both(self, users: str) -> None:
        result = run("count", users, "age > 50", "--file", "-", "--format", "jsonl", stdin=b"age > 30\n")
        assert [json.loads(line)["user_count"] for line in result.stdout.splitlines()] == [1, 2]

    def test_one_condition_that_does_not_check(self, users: str) -> None:
        result = run("count", users, "country == 5 && agee > 3")
        assert (result.exit_code, result.stdout) == (2, "")
        assert [line for line in result.stderr.splitlines() if line.startswith("ERROR")] == [
            "ERROR: <input>:1:9: string and int are never equal",
            "ERROR: <input>:1:17: undeclared reference to 'agee'",
        ]

    def test_a_condition_that_cannot_be_compiled(self, users: str) -> None:
        result = run("count", users, "country.matches(country)", "--mode", "compiled")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "cannot be compiled" in result.stderr

    def test_long_names_and_large_numbers_are_whole_where_there_is_no_terminal(self, users: str) -> None:
        condition = " || ".join(f"age > {number}" for number in range(200))
        result = run("count", users, condition)
        assert condition in result.stdout
        assert "…" not in result.stdout

    def test_brackets_in_conditions_are_no_markup(self, users: str) -> None:
        assert "[bold]" in run("count", users, '"[bold]" == country').stdout

    def test_an_empty_snapshot_counts_zero(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.parquet"
        USERS.clear().write_parquet(path)
        result = run("count", str(path), "age > 30", "--format", "json")
        report = json.loads(result.stdout)
        assert (result.exit_code, report["rows"], report["results"][0]["user_count"]) == (0, 0, 0)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["count"], "Give a CONDITION, or a FILE of them with --file."),
            (["count", "--file", "missing.cel"], "missing.cel: No such file or directory"),
            (["count", "age > 1", "--now", "soon"], "'soon' is no time in ISO 8601, such as 2026-05-01T12:00:00Z"),
            (["count", "age > 1", "--now", "0001-01-01T00:00+05:00"], "is no time in ISO 8601"),
            (["count", "age > 1", "--mode", "fast"], "'fast' is not one of 'auto', 'compiled', 'interpreted'"),
            (["count", "age > 1", "--schema", "age"], "'age' is not of the form COLUMN=TYPE, such as age=int"),
            (["count", "age > 1", "--schema", "age=number"], "'number' is none of the types int, uint, double"),
            (["count", "age > 1", "--nonsense"], "No such option"),
            (["check", "age >"], "ERROR: <input>:1:6"),
            (["check", ""], "the condition is empty"),
            (["check", "x" * 10_001], "10,001 bytes; at most 10,000"),
            (["explain", "country == 5"], "string and int are never equal"),
            (["members", "age"], "a condition must be a bool, found int"),
            (["members", "age > 1", "--columns", "agee"], "has no column 'agee'"),
            (["members", "age > 1", "--columns", "tags"], "CSV cannot hold the column 'tags' of type List(String)"),
            (["members", "age > 1", "-o", "x.txt"], "the file must end in .parquet, .csv, .jsonl, .arrow"),
        ],
    )
    def test_usage(self, users: str, arguments: list[str], message: str) -> None:
        command, *rest = arguments
        result = run(command, users, *rest)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"// nothing\n", "Error: <stdin>: holds no conditions"),
            (b"- name: a\n", "Error: <stdin>: segment 1 ('a'): has no condition"),
            (b"a\xff", "Error: <stdin>:1: is not UTF-8"),
        ],
    )
    def test_malformed_files_of_conditions(self, users: str, text: bytes, message: str) -> None:
        result = run("count", users, "--file", "-", stdin=text)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(message)

    def test_two_conditions_of_one_name(self, users: str) -> None:
        text = b"- {name: age > 1, condition: age > 2}"
        result = run("count", users, "age > 1", "--file", "-", stdin=text)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "Two conditions are named 'age > 1'." in result.stderr

    def test_snapshots_that_cannot_be_read(self, users: str, tmp_path: Path) -> None:
        truncated = tmp_path / "truncated.parquet"
        truncated.write_bytes(Path(users).read_bytes()[:-100])
        ragged = tmp_path / "ragged.csv"
        ragged.write_text("user_id,age\n1,2\n3,4,5\n")
        for location in (tmp_path / "missing.parquet", truncated, ragged, tmp_path / "no-such-glob*.parquet"):
            for command in ("count", "check", "explain", "members"):
                result = run(command, str(location), "age > 30")
                assert (result.exit_code, result.stdout) == (4, ""), location
                assert result.stderr.startswith("Error: ")
                assert result.stderr.count("\n") == 1
            assert run("schema", str(location)).exit_code == 4

    def test_a_database_that_is_being_written(self, tmp_path: Path) -> None:
        file = tmp_path / "users.duckdb"
        with duckdb.connect(str(file)) as connection:
            connection.execute("CREATE TABLE users AS SELECT 1 AS user_id, 40 AS age")
            code, output, errors = finish("count", f"duckdb:{file}#users", "age > 30")
        assert (code, output) == (4, "")
        assert "has the database open for writing" in errors
        assert errors.count("\n") == 1
        assert finish("count", f"duckdb:{file}#users", "age > 30")[0] == 0

    def test_a_column_of_an_unusable_type(self, tmp_path: Path) -> None:
        path = tmp_path / "users.parquet"
        pl.DataFrame({"age": [40], "at": [1]}).with_columns(pl.col("at").cast(pl.Time)).write_parquet(path)
        assert run("count", str(path), "age > 30").exit_code == 0
        result = run("count", str(path), "at == null")
        assert result.exit_code == 2
        assert "'at' is of type Time, which no CEL type corresponds to" in result.stderr

    def test_an_internal_error_is_one_line(self, users: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("first\nsecond")

        monkeypatch.setattr("engine.count", broken)
        result = run("count", users, "age > 30")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.splitlines() == [
            "cellar: internal error: RuntimeError: first second",
            "For the details, run it again as: cellar --traceback ...",
        ]
        with pytest.raises(RuntimeError):
            run("--traceback", "count", users, "age > 30")


class TestCheckAndExplain:
    def test_check(self, users: str) -> None:
        result = run("check", users, "age > 30 && size(tags) > 0")
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "type     bool",
            "mode     compiled",
            "columns  age (int), tags (list(string))",
        ]

    def test_an_expression_that_is_no_condition_has_a_type(self, users: str) -> None:
        result = run("check", users, "age + 1", "--format", "json")
        assert (result.exit_code, result.stderr) == (0, "It is of type int; only a bool can be counted.\n")
        assert json.loads(result.stdout) == {
            "condition": "age + 1",
            "type": "int",
            "mode": "compiled",
            "columns": [{"name": "age", "column_type": "Int64", "type": "int"}],
            "warnings": [],
        }

    CONDITION = "age > 30 && (tags.exists(t, size(t) > age) || country.matches(country))"

    def test_explain(self, users: str) -> None:
        lines = run("explain", users, self.CONDITION).stdout.splitlines()
        assert lines[:3] == [
            "type     bool",
            "mode     mixed",
            "columns  age (int), tags (list(string)), country (string)",
        ]
        assert "  ├─ age > 30 : bool  [greater_int]" in lines
        assert "  │  ├─ age : int  [column]" in lines
        assert lines[lines.index("Interpreted") + 1] == "  country.matches(country)"
        assert '(col("age")) > (dyn int: 30)' in lines[-1]

    def test_explain_as_json(self, users: str) -> None:
        explanation = json.loads(run("explain", users, self.CONDITION, "--format", "json").stdout)
        assert [clause["clause"] for clause in explanation["interpreted"]] == ["country.matches(country)"]
        assert explanation["interpreted"][0]["reason"]
        [reduction] = explanation["reductions"]
        assert (reduction["kind"], reduction["over"]) == ("exists", 'col("tags")')
        tree = explanation["tree"]
        assert (tree["text"], tree["type"], tree["kind"], tree["interpreted"]) == (self.CONDITION, "bool", "&&", None)
        last = tree["children"][1]["children"][1]
        assert last["interpreted"] == explanation["interpreted"][0]["reason"]

    def test_what_is_interpreted_as_a_whole(self, users: str) -> None:
        explanation = json.loads(run("explain", users, "age > 1", "--mode", "interpreted", "--format", "json").stdout)
        assert (explanation["mode"], explanation["expression"]) == ("interpreted", None)
        assert explanation["tree"]["interpreted"] == "the interpreter was asked for"


class TestSchema:
    def test_table(self, users: str) -> None:
        result = run("schema", users)
        assert result.exit_code == 0
        assert [line.split(maxsplit=1)[0] for line in result.stdout.splitlines()] == [
            "variable",
            "user_id",
            "age",
            "country",
            "tags",
            "user.`plan.name`",
        ]
        assert "25.0 %  25, 41, 60" in result.stdout
        assert result.stderr == f"4 users in {users}, Parquet\n"

    def test_csv_types_are_shown_and_set(self, tmp_path: Path) -> None:
        path = tmp_path / "users.csv"
        path.write_text("user_id,age,zip\n1,30,0123\n2,,9\n")
        shown = run("schema", str(path))
        assert rows(shown.stdout)[2][:4] == ["age", "int", "50.0", "%"]
        assert "--schema age=int" in shown.stderr
        changed = json.loads(run("schema", str(path), "--schema", "age=double", "--format", "json").stdout)
        assert [(c["name"], c["type"]) for c in changed["columns"]] == [
            ("user_id", "int"),
            ("age", "double"),
            ("zip", "string"),
        ]
        assert run("count", str(path), "age > 20.5", "--schema", "age=double").exit_code == 0

    def test_unusable_columns_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "users.parquet"
        frame = pl.DataFrame({"at": [1], "a`b": [1]}).with_columns(pl.col("at").cast(pl.Time))
        frame.write_parquet(path)
        result = run("schema", str(path))
        assert "The column 'at' is of type Time: conditions cannot use it." in result.stderr
        assert "The column 'a`b' cannot be written in a condition: rename it." in result.stderr


class TestMembers:
    def test_standard_output(self, users: str) -> None:
        result = run("members", users, "age > 30")
        assert (result.exit_code, result.stdout) == (0, "user_id\n2\n4\n")
        assert result.stderr == "2 members, 1 errors\n"

    def test_columns_and_limit(self, users: str) -> None:
        result = run("members", users, "age > 30", "--columns", "country,age", "--limit", "1")
        assert result.stdout == "country,age\nAT,41\n"

    @pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow"])
    @pytest.mark.parametrize("mode", ["compiled", "interpreted"])
    def test_files(self, users: str, tmp_path: Path, suffix: str, mode: str) -> None:
        path = tmp_path / f"members{suffix}"
        path.write_text("what was there before")
        result = run("members", users, "age > 30", "-o", str(path), "--columns", "user_id,age", "--mode", mode)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr.splitlines()[-1] == f"2 members, 1 errors, written to {path}"
        assert READERS[suffix](path).rows() == [(2, 41), (4, 60)]
        assert names(tmp_path) == sorted([path.name, "users.parquet"])

    @pytest.mark.parametrize("location", ["", "/*.parquet", "/users.parquet"], ids=["directory", "glob", "file"])
    @pytest.mark.parametrize("name", ["users.parquet", "new.parquet"])
    def test_no_file_of_the_snapshot_is_written(self, tmp_path: Path, location: str, name: str) -> None:
        source = tmp_path / "users.parquet"
        pl.DataFrame({"user_id": [1]}).write_parquet(source)
        before = source.read_bytes()
        result = run("members", f"{tmp_path}{location}", "true", "-o", str(tmp_path / name))
        # Beside a snapshot of one file there may be others.
        assert result.exit_code == (0 if location == "/users.parquet" and name == "new.parquet" else 2)
        assert source.read_bytes() == before

    @pytest.mark.parametrize("bytes_", [[b"a"], [[b"a"]], [{"b": b"a"}]], ids=["bytes", "list", "struct"])
    @pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
    def test_bytes_are_not_written_as_text(self, tmp_path: Path, bytes_: list[object], suffix: str) -> None:
        path = tmp_path / "users.parquet"
        pl.DataFrame({"user_id": [1], "b": bytes_}).write_parquet(path)
        result = run("members", str(path), "true", "--columns", "user_id,b", "-o", str(tmp_path / f"out{suffix}"))
        assert result.exit_code == 2
        assert "cannot hold the column 'b'" in result.stderr

    def test_ids_are_written_as_they_are(self, tmp_path: Path) -> None:
        path = tmp_path / "users.parquet"
        pl.DataFrame({"user_id": ["a\x1b[31mb"]}).write_parquet(path)
        assert run("members", str(path), "true").stdout == "user_id\na\x1b[31mb\n"

    def test_a_failure_leaves_the_file_as_it_was(self, tmp_path: Path) -> None:
        snapshot = tmp_path / "users.csv"
        snapshot.write_text("user_id,age\n" + "1,2\n" * 20_000 + "1,x\n")
        path = tmp_path / "members.csv"
        path.write_text("what was there before")
        result = run("members", str(snapshot), "age > 1", "-o", str(path))
        assert result.exit_code == 4
        assert path.read_text() == "what was there before"
        assert names(tmp_path) == ["members.csv", "users.csv"]

    def test_no_ids(self, users: str) -> None:
        result = run("members", users, "age > 30", "--id-column", "id")
        assert result.exit_code == 4
        assert "has no column 'id'" in result.stderr
        assert run("members", users, "age > 30", "--id-column", "country").exit_code == 4

    def test_a_place_that_cannot_be_written(self, users: str, tmp_path: Path) -> None:
        result = run("members", users, "age > 30", "-o", str(tmp_path / "missing" / "m.csv"))
        assert result.exit_code == 1
        assert "No such file or directory" in result.stderr
        assert result.stderr.count("\n") == 1

    def test_the_snapshot_itself_is_not_overwritten(self, users: str) -> None:
        before = Path(users).read_bytes()
        assert run("members", users, "age > 30", "-o", users).exit_code == 2
        assert Path(users).read_bytes() == before


class TestFunctions:
    def test_list(self) -> None:
        result = run("functions")
        assert {"matches", "exists", "getDayOfWeek", "&&", "in"} <= {row[0] for row in rows(result.stdout)}

    def test_one(self) -> None:
        result = run("functions", "contains")
        assert result.stdout.startswith("contains (method)\n  string.contains(string) -> bool\n")
        assert '"Straße".contains("aß")' in result.stdout

    def test_json(self) -> None:
        [entry] = json.loads(run("functions", "contains", "--format", "json").stdout)
        assert list(entry) == ["name", "kind", "signatures", "documentation", "errors", "examples"]

    def test_unknown(self) -> None:
        result = run("functions", "contain")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "There is no function 'contain'; did you mean 'contains'?" in result.stderr


class TestDemo:
    def test_counts_can_be_repeated(self, tmp_path: Path) -> None:
        def counts() -> list[list[str]]:
            result = run("demo", "--users", "3000", "--directory", str(tmp_path / "demo"))
            assert result.exit_code == 0
            table, _, rest = result.stdout.partition("3,000 users in ")
            assert " NO" not in rest
            assert rest.count(" yes\n") >= 3
            return [line.split("compiled")[0].split() for line in table.splitlines()[1:]]

        first = counts()
        assert len(first) > 20
        assert counts() == first
        assert names(tmp_path / "demo") == ["users-3000-seed-2026.parquet"]

    def test_what_it_says_to_try_next_can_be_copied(self, tmp_path: Path) -> None:
        _, output, _ = finish("demo", "--users", "200", "--directory", str(tmp_path / "a demo"))
        lines = output.partition("Try next:\n")[2].splitlines()
        assert len(lines) >= 3
        program = " ".join(["PYTHONPATH=" + str(ROOT), sys.executable, "-c", "'from cli import main; main()'"])
        for line in lines:
            command = program + line.partition("-c")[2]
            assert subprocess.run(["sh", "-c", command], capture_output=True, check=False).returncode == 0, command
