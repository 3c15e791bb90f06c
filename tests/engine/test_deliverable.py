"""To whom a message can be delivered, against what email-validator and phonenumbers say.

Where they differ, the difference is listed with its reason; one that is gone fails its test.
"""

from __future__ import annotations

from collections.abc import Iterator

import email_validator
import phonenumbers
import polars as pl
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from engine import evaluate
from engine.deliverable import default_rules

RULES = default_rules()

ADDRESSES = (
    "simple@example.com",
    "UPPER.CASE@EXAMPLE.COM",
    "x@example.com",
    "user.name+tag+sorting@example.com",
    "name/surname@example.com",
    "mailhost!username@example.org",
    "user%example.com@example.org",
    "user-@example.org",
    "-user@example.org",
    "_@example.org",
    "ann'o@example.com",
    "ann`o@example.com",
    "{ann}@example.com",
    "ann|lee@example.com",
    "ann&lee=x^y~z?#$*@example.com",
    "ann@a.b.c.d.e.f.g.example.com",
    "ann@123.com",
    "ann@example.c",
    "ann@xn--bcher-kva.example",
    "ann@latest.contest",
    "ann@mytest",
    "",
    " ",
    "@",
    "ann",
    "ann@",
    "@example.com",
    "n/a",
    "null",
    "none@none",
    "ann@com",
    "admin@example",
    "abc.example.com",
    "a@b@c@example.com",
    'a"b(c)d,e:f;g<h>i[j\\k]l@example.com',
    'just"not"right@example.com',
    '" "@example.org',
    '"john..doe"@example.org',
    "Ann <ann@example.com>",
    "<ann@example.com>",
    "ann@example.com (Ann)",
    "(Ann)ann@example.com",
    "mailto:ann@example.com",
    "ann@example.com,bob@example.com",
    "ann@example.com;bob@example.com",
    "ann\\lee@example.com",
    "ann,lee@example.com",
    "ann:lee@example.com",
    " ann@example.com",
    "ann@example.com ",
    "ann@ example.com",
    "ann @example.com",
    "ann@example.com\n",
    "ann@example.com\r\nBcc: bob@example.com",
    "ann@exam\tple.com",
    "ann\x00@example.com",
    "ann@example.com\x00",
    ".ann@example.com",
    "ann.@example.com",
    "ann..lee@example.com",
    "ann@example..com",
    "ann@.example.com",
    "ann@example.com.",
    "ann@-example.com",
    "ann@example-.com",
    "ann@example.-com",
    "ann@example.com-",
    "ann@exa_mple.com",
    "ann@exa!mple.com",
    "ann@example.co1",
    "ann@example.123",
    "ann@1.2.3.4",
    "ann@[192.168.2.1]",
    "ann@[IPv6:2001:db8::1]",
    "ann@bücher.example",
    "ann@BÜCHER.example",
    "jörg@example.com",
    "用户@例子.广告",
    "अजय@डाटा.भारत",
    "квіточка@пошта.укр",
    "χρήστης@παράδειγμα.ελ",
    "ann@🎉.example",
    "ann\u200b@example.com",
    "ann\u00a0lee@example.com",
    "ann\u202e@example.com",
    "ann\u2028@example.com",
    "ann＠example.com",
    "e\u0301lan@example.com",
    "ann@exa\u0301mple.com",
    "ann@ß.example",
    "ann@test",
    "ann@host.test",
    "ann@HOST.LOCAL",
    "ann@host.invalid",
    "ann@a.localhost",
    "ann@x.onion",
    "ann@1.in-addr.arpa",
    f"{'a' * 64}@example.com",
    f"ann@{'a' * 63}.com",
    f"ann@{'a' * 64}.com",
    f"ann@{'.'.join(['a' * 60] * 4)}.com",
    f"ann@{'.'.join(['a' * 60] * 4)}.example",
)

ADDRESSES_THAT_DIFFER = {
    f"{'a' * 65}@example.com": "RFC 5321 has at most 64 before the @; email-validator asks that only in strict mode",
    "🎉@example.com": "of what is not ASCII, only letters, marks and digits are taken",
    "ann@example。com": "an ideographic full stop is taken for none of the dots",
    "ann@ab--cd.com": "whether two hyphens stand where only encoded labels have them is not asked",
    "\u0301lan@example.com": "a mark is taken at the beginning, too",
    "ann@\u0301lan.example": "a mark is taken at the beginning, too",
    "ann@٣.example": "the direction in which a label is written is not asked",
    f"ann@{'ü' * 63}.com": "a label is measured as it is written, not as it is encoded",
}

NUMBERS = (
    "+14155552671",
    "+1 415 555 2671",
    "+1 (415) 555-2671",
    "+1.415.555.2671",
    "+1 800 356 9377",
    "+491701234567",
    "+49 170 1234567",
    "+49 (0) 170 1234567",
    "+447911123456",
    "+44 7911 123456",
    "+44........7911123456",
    "+33612345678",
    "+33 6 12 34 56 78",
    "+33 1 23 45 67 89",
    "+393331234567",
    "+31 20 1234567",
    "+41791234567",
    "+436601234567",
    "+358401234567",
    "+7 916 123-45-67",
    "+91 98765 43210",
    "+8613812345678",
    "+5511912345678",
    "+27821234567",
    "+201001234567",
    "+1 ))((415 555 2671",
    "",
    " ",
    "+",
    "+4",
    "+49",
    "+123",
    "++",
    "123",
    "unknown",
    "n/a",
    "(415) 555-2671",
    "415-555-2671",
    "14155552671",
    "0014155552671",
    "0170 1234567",
    "0049 170 1234567",
    "+0123456789",
    "+00 49 170 1234567",
    "+1415555267",
    "+141555526711",
    "+10000000000",
    "+11234567890",
    "+11111111111",
    "+1 212 155 0000",
    "+44 791 112 345",
    "+33 6 12 34 56",
    "+49170123456789",
    "+491701234567890123",
    "+12345678901234567890",
    "+999123456789",
    "+888123456789",
    "+210 1234567",
    "+259 12345678",
    "+49 170 12a4567",
    "+1415555267O",
    "+49 170 1234567, +49 170 7654321",
    f"+{'4' * 300}",
)

NUMBERS_THAT_DIFFER = {
    "+4712345678": "only lengths are known, not which digits a number begins with",
    "+972501234567": "only lengths are known, not which digits a number begins with",
    "+24756789": "only lengths are known, not which digits a number begins with",
    "+2471234": "countries share a range of lengths where a table of each would be too long a pattern",
    "+6723456789": "countries share a range of lengths where a table of each would be too long a pattern",
    "+49 30 123456": "shorter than any mobile number of the country: no text can be sent to it",
    "+3906123456": "shorter than any mobile number of the country: no text can be sent to it",
    "+80012345678": "a free-phone number of no country: no text can be sent to it",
    "+979123456789": "a premium-rate number of no country: no text can be sent to it",
    "+883510001234567": "a number of no country without mobile numbers: no text can be sent to it",
    "+44 (0)20 7946 0018": "the (0) is dialled within the country only",
    "+33 (0)6 12 34 56 78": "the (0) is dialled within the country only",
    "+1 800 FLOWERS": "letters are for dialling by hand",
    "+1 415 555 2671 ext. 5": "no text can be sent to an extension",
    "+1 415 555 2671;ext=5": "no text can be sent to an extension",
    "tel:+1-415-555-2671": "the number alone is asked for",
    "++491701234567": "what stands around a number is not ignored",
    " +491701234567": "what stands around a number is not ignored",
    "+49 170 1234567 ": "what stands around a number is not ignored",
    "+ 49 170 1234567": "the calling code follows the plus at once",
    "+49 (0)170/1234567": "of signs between digits, only spaces, dots, hyphens and parentheses are taken",
    "+49\u00a0170\u00a01234567": "of signs between digits, only spaces, dots, hyphens and parentheses are taken",
    "+49\u2013170\u20131234567": "of signs between digits, only spaces, dots, hyphens and parentheses are taken",
    "＋491701234567": "only ASCII is taken",
    "+４９1701234567": "only ASCII is taken",
    "+٤٩1701234567": "only ASCII is taken",
    f"+49{' ' * 300}1701234567": "phonenumbers reads no more than 250 characters",
}


def ours(rule: str, column: str, values: list[str]) -> dict[str, bool]:
    evaluation = evaluate(RULES[rule], pl.DataFrame({column: values}), mode="compiled")
    assert evaluation.errors.null_count() == len(values)
    return dict(zip(values, evaluation.values, strict=True))


def is_email(address: str) -> bool:
    try:
        email_validator.validate_email(address, check_deliverability=False)
    except email_validator.EmailNotValidError:
        return False
    return True


def is_number(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def test_addresses_are_valid_where_email_validator_says_so() -> None:
    assert ours("email", "email", list(ADDRESSES)) == {address: is_email(address) for address in ADDRESSES}


@pytest.mark.parametrize("address", ADDRESSES_THAT_DIFFER)
def test_addresses_that_differ(address: str) -> None:
    assert ours("email", "email", [address]) == {address: not is_email(address)}


def test_reserved_domains_are_those_of_email_validator() -> None:
    domains = [f"ann@host.{domain}" for domain in email_validator.SPECIAL_USE_DOMAIN_NAMES]
    assert domains
    assert ours("email", "email", domains) == dict.fromkeys(domains, False)


def test_numbers_are_valid_where_phonenumbers_says_so() -> None:
    assert ours("sms", "phone_number", list(NUMBERS)) == {number: is_number(number) for number in NUMBERS}


@pytest.mark.parametrize("number", NUMBERS_THAT_DIFFER)
def test_numbers_that_differ(number: str) -> None:
    assert ours("sms", "phone_number", [number]) == {number: not is_number(number)}


def mobile_numbers() -> Iterator[phonenumbers.PhoneNumber]:
    """An example of each country's mobile numbers, and of those of no country."""
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is not None:
            yield example
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        example = phonenumbers.example_number_for_non_geo_entity(code)
        if example is not None and phonenumbers.number_type(example) is PhoneNumberType.MOBILE:
            yield example


@pytest.mark.parametrize("form", [PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL])
def test_the_mobile_numbers_of_all_countries_are_valid(form: int) -> None:
    numbers = [phonenumbers.format_number(number, form) for number in mobile_numbers()]
    assert len(numbers) > 230
    assert [number for number, valid in ours("sms", "phone_number", numbers).items() if not valid] == []


def mobile_lengths(code: int) -> set[int]:
    """How long the mobile numbers of a calling code may be, in any of the plans that share it."""
    lengths: set[int] = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ()):
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            metadata = PhoneMetadata.metadata_for_nongeo_region(code)
        else:
            metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is not None and metadata.mobile is not None:
            lengths |= {length for length in metadata.mobile.possible_length or () if length > 0}
    return lengths


def test_lengths_are_those_of_mobile_numbers() -> None:
    codes = {code: mobile_lengths(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    assert {1, 44, 49, 881} <= {code for code, lengths in codes.items() if lengths}
    lengths = range(1, 16)
    numbers = {(code, length): f"+{code}{'2' * length}" for code in codes for length in lengths}
    valid = ours("sms", "phone_number", list(numbers.values()))
    for code, expected in codes.items():
        taken = {length for length in lengths if valid[numbers[code, length]]}
        assert expected <= taken, f"+{code}"
        # Countries share ranges, which may be wider than their own lengths; a code without mobile numbers has none.
        assert bool(taken) == bool(expected), f"+{code}"


def test_no_number_has_a_calling_code_that_is_not_in_use() -> None:
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    unused = [code for code in range(200, 1000) if not {code, code // 10, code // 100} & set(codes)]
    assert len(unused) > 50
    numbers = [f"+{code}{'2' * length}" for code in unused for length in range(1, 13)]
    assert not any(ours("sms", "phone_number", numbers).values())
