"""Files of conditions: what is read from them, and the one message for what cannot be."""

from __future__ import annotations

import pytest

from engine import Audience, AudienceError
from engine.conditions_file import ConditionsFileError, NamedCondition, parse_conditions


def test_lines() -> None:
    text = '\ufeff// people\r\nage > 30\r\n\n  country == "http://de" // not a name\n//\n'
    assert [one.condition for one in parse_conditions(text.encode(), "f.cel")] == [
        "age > 30",
        'country == "http://de" // not a name',
    ]


def test_the_name_of_a_line_is_its_text() -> None:
    assert parse_conditions(b"age > 30", "f.cel") == (NamedCondition("age > 30", "age > 30"),)


SEGMENTS = """# segments
- name: adults
  condition: age > 30
  description: who they are
- {name: Ärzte, condition: '"a" in tags'}
"""


@pytest.mark.parametrize("file", ["f.yaml", "f.YML", "<stdin>", "/dev/fd/63"])
def test_segments(file: str) -> None:
    assert parse_conditions(SEGMENTS.encode(), file) == (
        NamedCondition("adults", "age > 30", "who they are"),
        NamedCondition("Ärzte", '"a" in tags'),
    )


AUDIENCES = """
- {name: a, condition: x, channel: sms, type: marketing, consent: c1, edition: 2026, organization: o1}
- {name: b, condition: x, channel: email}
- {name: c, condition: x, type: transactional}
"""


def test_audiences() -> None:
    assert [one.audience for one in parse_conditions(AUDIENCES.encode(), "f.yaml")] == [
        Audience("sms", "marketing", "c1", 2026, "o1"),
        Audience("email"),
        Audience(),
    ]


def test_what_a_segment_does_not_say_itself_is_given_from_outside() -> None:
    given = {"type": "marketing", "consent": "c9", "channel": "any"}
    assert [one.audience for one in parse_conditions(AUDIENCES.encode(), "f.yaml", given)] == [
        Audience("sms", "marketing", "c1", 2026, "o1"),
        Audience("email", "marketing", "c9"),
        Audience("any", "transactional", "c9"),
    ]
    (line,) = parse_conditions(b"age > 3", "f.cel", given)
    assert line.audience == Audience("any", "marketing", "c9")
    with pytest.raises(AudienceError, match="marketing needs a consent"):
        parse_conditions(b"age > 3", "f.cel", {"type": "marketing"})


@pytest.mark.parametrize("text", ["- age > 3", "-age > 3", "[1, 2].exists(x, x == age)", '{"a": 1}.a == 1', "age > 3"])
def test_conditions_on_standard_input_are_no_yaml(text: str) -> None:
    assert parse_conditions(text.encode(), "<stdin>") == (NamedCondition(text, text),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml: holds no conditions"),
        ("[]", "f.yaml: holds no conditions"),
        ("name: a\ncondition: b", "f.yaml: must be a list of segments, each with a name and a condition"),
        ("- age > 3", "f.yaml: segment 1: must have a name and a condition"),
        ("- name: a", "f.yaml: segment 1 ('a'): has no condition"),
        ("- name: a\n  condition: '  '", "f.yaml: segment 1 ('a'): has no condition"),
        ("- condition: a", "f.yaml: segment 1: has no name"),
        (
            "- {name: a, condition: b, chanel: sms}",
            "f.yaml: segment 1 ('a'): unknown key 'chanel'; the keys are name, condition, description, channel, type, "
            "consent, edition, organization",
        ),
        (
            "- {name: a, condition: true}",
            "f.yaml: segment 1 ('a'): the condition must be a text, not True; put it in quotes",
        ),
        ("- {name: 7, condition: a}", "f.yaml: segment 1: the name must be a text, not 7; put it in quotes"),
        (
            "- {name: a, condition: b, channel: fax}",
            "f.yaml: segment 1 ('a'): the channel must be one of any, email, sms, pass_push, not 'fax'",
        ),
        (
            "- {name: a, condition: b, type: marketing}",
            "f.yaml: segment 1 ('a'): marketing needs a consent: name the one that users must have given",
        ),
        (
            "- {name: a, condition: b, edition: 1.5}",
            "f.yaml: segment 1 ('a'): the edition must be a text, not 1.5; put it in quotes",
        ),
        (
            "- {name: a, condition: b, organization: true}",
            "f.yaml: segment 1 ('a'): the organization must be a text, not True; put it in quotes",
        ),
        (
            "- {name: a, condition: b}\n- {name: c, condition: d}\n- {name: a, condition: e}",
            "f.yaml: segments 1 and 3 are both named 'a'",
        ),
    ],
)
def test_malformed_segments(text: str, message: str) -> None:
    with pytest.raises(ConditionsFileError) as raised:
        parse_conditions(text.encode(), "f.yaml")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ('- name: a\n  condition: "x" in tags', "f.yaml:2:18: is no YAML: "),
        ("- name: a\n  condition: !newsletter", "f.yaml:2:14: is no YAML: "),
        ("- name: a\n  condition: x ? 'a: b' : c: d", "f.yaml:2:20: is no YAML: "),
        ("- name: 2026-13-01\n  condition: a", "f.yaml: is no YAML: "),
        ("- name: \x00", "f.yaml: is no YAML: "),
        ("- " * 100_000, "f.yaml: must be a list of segments"),
    ],
)
def test_what_is_no_yaml(text: str, beginning: str) -> None:
    with pytest.raises(ConditionsFileError) as raised:
        parse_conditions(text.encode(), "f.yaml")
    assert str(raised.value).startswith(beginning)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("file", ["f.cel", "f.yaml"])
def test_what_is_no_text(file: str) -> None:
    with pytest.raises(ConditionsFileError, match=f"{file}:2: is not UTF-8"):
        parse_conditions(b"a\n\xff\n", file)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- name: a\n  condition: x\n  condition: y\n", "f.yaml:3:3: the key 'condition' is there twice"),
        ("- {name: a, condition: x, name: b}\n", "f.yaml:1:27: the key 'name' is there twice"),
        ("- name: a\n  condition: x\n- name: b\n  condition: x\n  'name': c\n", "f.yaml:5:3: the key 'name'"),
    ],
)
def test_a_key_that_is_there_twice_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(ConditionsFileError) as raised:
        parse_conditions(text.encode(), "f.yaml")
    assert str(raised.value).startswith(problem)


def test_values_may_repeat_keys() -> None:
    (one,) = parse_conditions(b"- name: name\n  condition: condition\n  description: name\n", "f.yaml")
    assert (one.name, one.condition, one.description) == ("name", "condition", "name")
