"""Whom a segment may reach: the rules, what they are asked of, and how they are combined with a condition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from engine import (
    Audience,
    AudienceError,
    Channel,
    Communication,
    CompileError,
    Reach,
    Segment,
    Snapshot,
    count,
    evaluate,
    members,
)
from engine.audience import complete_rules, read_rules
from engine.deliverable import default_rules
from engine.sample import SAMPLE_NOW, write_sample

USERS = pl.DataFrame(
    {
        "user_id": [1, 2, 3, 4, 5, 6],
        "age": [25, 41, None, 60, 33, 52],
        "organization_id": ["o1", "o1", "o2", "o1", None, "o2"],
        "edition_ids": [["e1"], ["e1", "e2"], [], None, ["e2"], ["e1"]],
        "consent_ids": [["c1"], [], ["c1", "c2"], ["c1"], None, ["c1"]],
        "email": ["a@b.example", None, "c@d.example", "nowhere", "e@f.example", "g@h.example"],
        "phone_number": [None, "+4915112982024", "0151", "+14155552671", None, "unknown"],
        "active_passes": [0, 2, None, 0, 1, 0],
        "segment": ["s", "t", "s", "s", "t", "s"],
    }
)
EMAIL, SMS = Audience("email"), Audience("sms")


def reached(segment: Segment, users: pl.DataFrame = USERS, rules: Mapping[str, str] | None = None) -> list[int]:
    """The members, who are the same on every path, and as many as are counted."""
    found: list[int] = members(users, segment, rules=rules).collect().get_column("user_id").to_list()
    for mode in ("auto", "interpreted"):
        assert found == members(users, segment, rules=rules, mode=mode).collect().get_column("user_id").to_list()
        [alone] = count(users, segment, rules=rules, mode=mode).results
        [together, _] = count(users, {"a": segment, "b": "age > 0"}, rules=rules, mode=mode).results
        assert alone.user_count == together.user_count == len(found)
        assert alone.error_count == together.error_count
    return found


@pytest.mark.parametrize(
    ("audience", "users"),
    [
        (Audience(), [1, 2, 3, 4, 5, 6]),
        (Audience("email"), [1, 3, 5, 6]),
        (Audience("sms"), [2, 4]),
        (Audience("pass_push"), [2, 5]),
        (Audience("any"), [1, 2, 3, 4, 5, 6]),
        (Audience(type="marketing", consent_id="c1"), [1, 3, 4, 6]),
        (Audience(type="transactional", consent_id="c1"), [1, 2, 3, 4, 5, 6]),
        (Audience(edition_id="e1"), [1, 2, 6]),
        (Audience(organization_id="o1"), [1, 2, 4]),
        (Audience("email", "marketing", "c1", "e1", "o1"), [1]),
        (Audience(Channel.ANY, Communication.MARKETING, consent_id="c2"), [3]),
    ],
)
def test_each_setting_asks_for_its_rule(audience: Audience, users: list[int]) -> None:
    assert reached(Segment("true", audience)) == users


def test_unreachable_by_any_channel() -> None:
    users = USERS.with_columns(email=pl.lit("nowhere"), active_passes=pl.lit(0))
    assert reached(Segment("true", Audience("any")), users) == [2, 4]


def test_a_user_whom_a_rule_excludes_is_no_error() -> None:
    [everyone] = count(USERS, Segment("age > 30")).results
    assert (everyone.user_count, everyone.error_count) == (4, 1)
    [by_sms] = count(USERS, Segment("age > 30", SMS)).results
    assert (by_sms.user_count, by_sms.error_count) == (2, 0)
    [by_email] = count(USERS, Segment("age > 30", EMAIL), errors=True).results
    assert (by_email.user_count, by_email.error_count) == (2, 1)
    assert by_email.reasons is not None
    assert [(reason.reason, reason.user_id) for reason in by_email.reasons] == [("age is null in `age > 30`", 3)]


def test_a_condition_that_excludes_a_user_absorbs_the_error_of_a_rule() -> None:
    rules = {"organization": "organization_id.startsWith(segment.organization_id)"}
    audience = Audience(organization_id="o")
    [result] = count(USERS, Segment("age > 40", audience), rules=rules, errors=True).results
    # User 5 has no organization, but is 33; of user 3 the age is not known.
    assert (result.user_count, result.error_count) == (3, 1)
    [result] = count(USERS, Segment("age > 30", audience), rules=rules, errors=True).results
    assert result.reasons is not None
    assert [(reason.reason, reason.user_id) for reason in result.reasons] == [
        ("age is null in `age > 30`", 3),
        ("organization_id is null in `organization_id.startsWith(segment.organization_id)`", 5),
    ]


def test_the_rules_come_first_in_the_order_of_the_source() -> None:
    rules = {"organization": "organization_id.startsWith(segment.organization_id)"}
    segment = Segment("age + 1 > 30 && size(organization_id) > 0", Audience(organization_id="o"))
    for mode in ("auto", "interpreted"):
        [result] = count(USERS.filter(pl.col("user_id") == 5), segment, rules=rules, errors=True, mode=mode).results
        assert result.reasons is not None
        assert [reason.reason for reason in result.reasons] == [
            "organization_id is null in `organization_id.startsWith(segment.organization_id)`"
        ]


def test_a_column_named_segment_stays_the_condition_s_own() -> None:
    assert reached(Segment('segment == "t"', Audience(organization_id="o1"))) == [2]
    rules = {"organization": "organization_id == segment.organization_id && user.segment == 's'"}
    assert reached(Segment("true", Audience(organization_id="o1")), rules=rules) == [1, 4]


def test_an_interpreted_rule_and_condition() -> None:
    rules = {"organization": '["o1", organization_id].exists_one(x, x == segment.organization_id)'}
    segment = Segment('dyn(segment) == "s" && {"a": age}["a"] > 20', Audience(organization_id="o1"))
    assert reached(segment, rules=rules) == [6]


@pytest.mark.parametrize(
    ("column", "given"),
    [([7, 8], 7), ([7, 8], "7"), (["7", "8"], 7), (["7", "8"], "7")],
)
def test_ids_that_are_numbers_may_be_given_as_text(column: list[object], given: str | int) -> None:
    users = pl.DataFrame({"user_id": [1, 2], "organization_id": column, "edition_ids": [[c] for c in column]})
    for audience in (Audience(organization_id=given), Audience(edition_id=given)):
        assert reached(Segment("user_id > 0", audience), users.with_columns(age=1)) == [1]


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"type": "marketing"}, "marketing needs a consent: name the one that users must have given"),
            ({"channel": "fax"}, "the channel must be one of any, email, sms, pass_push, not 'fax'"),
            ({"type": "spam"}, "the type must be one of transactional, marketing, not 'spam'"),
        ],
    )
    def test_settings(self, settings: dict[str, str], message: str) -> None:
        with pytest.raises(AudienceError) as raised:
            Audience(**settings)
        assert str(raised.value) == message

    def test_a_missing_column_is_named_with_the_rule_that_needs_it(self) -> None:
        users = USERS.rename({"phone_number": "phone_numbers"}).drop("active_passes")
        with pytest.raises(CompileError) as raised:
            count(users, Segment("age > 30", SMS))
        first, _, _, hint = str(raised.value).splitlines()
        assert first == "ERROR: audience rule 'sms':1:10: the snapshot has no column 'phone_number'"
        assert hint == " = did you mean 'phone_numbers'?"

    def test_a_missing_column_stops_only_the_segments_that_need_it(self) -> None:
        users = USERS.drop("phone_number", "edition_ids")
        segments = {
            "fine": Segment("age > 30", Audience("email", organization_id="o1")),
            "by sms": Segment("age > 30", SMS),
            "by any": Segment("age > 30", Audience("any")),
            "of an edition": Segment("age > 30", Audience(edition_id="e1")),
            "wrong": Segment("agee > 30", SMS),
        }
        report = count(users, segments)
        assert report["fine"].user_count == 0
        assert [str(report[name].error).splitlines()[0] for name in list(segments)[1:]] == [
            "ERROR: by sms: audience rule 'sms':1:10: the snapshot has no column 'phone_number'",
            "ERROR: by any: audience rule 'sms':1:10: the snapshot has no column 'phone_number'",
            "ERROR: of an edition: audience rule 'edition':1:10: the snapshot has no column 'edition_ids'",
            "ERROR: wrong:1:1: undeclared reference to 'agee'",
        ]

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            ("organization_id ==", "1:19: expected an expression, but the condition ends"),
            ("organization_id == segment.edition_id", "1:20: segment.edition_id has no value here"),
            ("organization_id == segment.name", "1:28: segment has no field 'name'"),
            (
                "organization_id == segment",
                "1:20: 'segment' has no value of its own: select a field of it, as in segment.organization_id",
            ),
            ("organization_id", "1:1: a condition must be a bool, found string"),
            ("age == segment.organization_id", "1:5: int and string are never equal"),
            ("\n\nyears == segment.organization_id", "3:1: the snapshot has no column 'years'"),
        ],
    )
    def test_a_rule_that_does_not_compile(self, rule: str, message: str) -> None:
        segment = Segment("agee > 30 || true", Audience(organization_id="o1"))
        good = Segment("age > 30", Audience(organization_id="o1"))
        with pytest.raises(CompileError) as raised:
            count(USERS, good, rules={"organization": rule})
        assert str(raised.value).splitlines()[0] == f"ERROR: audience rule 'organization':{message}"
        with pytest.raises(CompileError, match="<input>:1:1: undeclared reference to 'agee'"):
            count(USERS, segment, rules={"organization": rule})

    def test_the_condition_keeps_its_own_places(self) -> None:
        with pytest.raises(CompileError) as raised:
            count(USERS, Segment("true &&\n  agee > 30", Audience("any", organization_id="o1")))
        assert str(raised.value).splitlines() == [
            "ERROR: <input>:2:3: undeclared reference to 'agee'",
            " |   agee > 30",
            " |   ^^^^",
            " = did you mean 'age'?",
        ]

    def test_what_cannot_be_compiled_is_named_where_it_stands(self) -> None:
        rules = {"organization": "dyn(organization_id) == dyn(segment.organization_id) && math.greatest(age, 1.5) > 3"}
        with pytest.raises(CompileError, match="audience rule 'organization':1:57: cannot be compiled"):
            count(USERS, Segment("age > 3", Audience(organization_id="o1")), rules=rules, mode="compiled")

    def test_unknown_rules(self) -> None:
        names = "organization, edition, marketing, email, sms, pass_push"
        with pytest.raises(AudienceError, match=f"there is no audience rule 'fax'; the rules are {names}"):
            count(USERS, "age > 30", rules={"fax": "true"})


class TestReach:
    def test_it_is_what_the_channels_count(self) -> None:
        segment = Segment("age > 30", Audience("sms", "marketing", "c1", organization_id="o1"))
        [result] = count(USERS, segment, reach=True).results
        assert result.reach is not None
        assert result.user_count == 1
        expected = [
            Reach(channel.value, consent, count(USERS, Segment("age > 30", audience)).results[0].user_count)
            for channel, consent, audience in segment.audience.reach()
        ]
        assert list(result.reach) == expected
        assert {(cell.channel, cell.consent): cell.user_count for cell in result.reach} == {
            ("any", False): 2,
            ("email", False): 0,
            ("sms", False): 2,
            ("pass_push", False): 1,
            ("any", True): 1,
            ("email", True): 0,
            ("sms", True): 1,
            ("pass_push", True): 0,
        }

    def test_without_a_consent_there_is_nothing_to_ask_for(self) -> None:
        [result] = count(USERS, "age > 30", reach=True).results
        assert result.reach is not None
        assert [cell.consent for cell in result.reach] == [False] * 4
        assert count(USERS, "age > 30").results[0].reach is None

    def test_a_cell_whose_column_is_missing_says_so(self) -> None:
        report = count(USERS.drop("active_passes"), {"a": "age > 30", "b": "agee > 3"}, reach=True)
        assert report["a"].user_count == 4
        any_, email, sms, pass_push = report["a"].reach or ()
        assert (email.user_count, sms.user_count) == (2, 2)
        for cell in (any_, pass_push):
            assert cell.user_count is None
            assert "audience rule 'pass_push':1:10: the snapshot has no column 'active_passes'" in str(cell.error)
        assert report["b"].reach == ()

    def test_reasons_are_those_of_the_segment_itself(self) -> None:
        [result] = count(USERS, Segment("age > 30", SMS), reach=True, errors=True).results
        assert result.reasons == ()


class TestConfiguration:
    def write(self, directory: Path, text: str) -> Path:
        path = directory / "cellar.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def test_rules_replace_the_default_ones(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "[audience]\nemail = 'has(user.email)'\n\n[api]\nport = 1\n")
        rules = read_rules(path)
        assert rules == {**default_rules(), "email": "has(user.email)"}
        assert reached(Segment("true", EMAIL), rules=rules) == [1, 3, 4, 5, 6]

    def test_a_file_without_rules(self, tmp_path: Path) -> None:
        assert read_rules(self.write(tmp_path, "")) == complete_rules({}) == default_rules()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[audience]\nfax = 'true'", "there is no audience rule 'fax'"),
            ("[audience]\nsms = true", "the audience rule 'sms' must be a condition in quotes, not True"),
            ("audience = 1", "'audience' must be a table of rules"),
            ("[audience\n", "is no TOML"),
        ],
    )
    def test_malformed(self, tmp_path: Path, text: str, message: str) -> None:
        path = self.write(tmp_path, text)
        with pytest.raises(AudienceError) as raised:
            read_rules(path)
        assert str(raised.value).startswith(f"{path}: {message}")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    path = tmp_path_factory.mktemp("sample") / "users.parquet"
    write_sample(path, users=4_000)
    return Snapshot.open(path)


@pytest.fixture(scope="module")
def sample(snapshot: Snapshot) -> pl.DataFrame:
    return snapshot.scan(list(snapshot.schema.columns)).collect()


class TestSample:
    """The sample's users, whose counts are compared with Polars written by hand."""

    CONDITION = "total_spent > 50.0"

    def by_hand(self, users: pl.DataFrame, audience: Audience) -> tuple[int, int]:
        """Members and errors: a null is an error unless a rule is false, as in Kleene's logic."""
        rules = {
            "email": evaluate(default_rules()["email"], users).values,
            "sms": evaluate(default_rules()["sms"], users).values,
            "pass_push": users.select((pl.col("active_passes") > 0).fill_null(value=False)).to_series(),
        }
        allowed = pl.select(pl.repeat(value=True, n=users.height)).to_series()
        if audience.channel == "any":
            allowed &= rules["email"] | rules["sms"] | rules["pass_push"]
        elif audience.channel is not None:
            allowed &= rules[audience.channel]
        asked = []
        if audience.organization_id is not None:
            asked.append((pl.col("organization_id") == audience.organization_id).fill_null(value=False))
        if audience.edition_id is not None:
            asked.append(pl.col("edition_ids").list.contains(audience.edition_id).fill_null(value=False))
        if audience.type == "marketing":
            asked.append(pl.col("consent_ids").list.contains(audience.consent_id).fill_null(value=False))
        for expression in asked:
            allowed &= users.select(expression).to_series()
        found = users.filter(allowed).get_column("total_spent") > 50
        return int(found.sum()), found.null_count()

    def test_counts_and_errors(self, snapshot: Snapshot, sample: pl.DataFrame) -> None:
        audiences = {
            f"{channel} {consent} {edition} {organization}": Audience(
                channel,
                "transactional" if consent is None else "marketing",
                consent_id=consent,
                edition_id=edition,
                organization_id=organization,
            )
            for channel in (None, *Channel)
            for consent in (None, "newsletter", "sms-offers")
            for edition in (None, "aurora-2025")
            for organization in (None, "org_aurora", "org_nowhere")
        }
        segments = {name: Segment(self.CONDITION, audience) for name, audience in audiences.items()}
        report = count(snapshot, segments, now=SAMPLE_NOW)
        expected = {name: self.by_hand(sample, audience) for name, audience in audiences.items()}
        assert {r.name: (r.user_count, r.error_count) for r in report.results} == expected
        assert {r.mode for r in report.results} == {"compiled"}
        assert len({members for members, _ in expected.values()}) > 40

    def test_interpreted(self, sample: pl.DataFrame) -> None:
        audience = Audience("any", "marketing", "newsletter", "aurora-2025", "org_aurora")
        few = sample.head(400)
        [result] = count(few, Segment(self.CONDITION, audience), mode="interpreted").results
        assert (result.user_count, result.error_count) == self.by_hand(few, audience)
        assert result.user_count

    def test_the_rules_are_asked_once_for_all_segments(self, snapshot: Snapshot) -> None:
        from engine.batch import batch
        from engine.plan import Planned, plan
        from engine.results import Mode, run_time

        segments = {f"s{n}": Segment(f"total_spent > {n}.0", Audience("any")) for n in range(50)}
        planning = plan(segments, snapshot.schema, now=run_time(SAMPLE_NOW), mode=Mode.COMPILED)
        planned = [one for one in planning.planned if isinstance(one, Planned)]
        atoms = batch(planned, planning.lowering).skeletons.atoms
        alone = plan({"s": segments["s0"]}, snapshot.schema, now=run_time(SAMPLE_NOW), mode=Mode.COMPILED)
        [one] = [one for one in alone.planned if isinstance(one, Planned)]
        assert len(atoms) == len(batch([one], alone.lowering).skeletons.atoms) + 49
