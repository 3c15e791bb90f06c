"""The default rules of audiences: to whom a message can be delivered, as conditions in CEL.

Validity is a matter of form, without a look at any network or directory. That is what columns can answer, and what the
packages email-validator and phonenumbers are asked in the tests, where each known difference stands with its reason.
"""

from __future__ import annotations

_WORD = r"\pL\pM\pN"
"""Letters, marks and digits of any script: addresses may be international (RFC 6531)."""

_ATOM = rf"[{_WORD}!#-'*+/=?^_`{{-~-]+"
"""What stands between the dots of a local part (RFC 5322, section 3.2.3)."""

_LABEL = rf"[{_WORD}]+(-+[{_WORD}]+)*"
"""What stands between the dots of a domain (RFC 1123, section 2.1)."""

_SPECIAL_DOMAINS = "arpa|invalid|local|localhost|onion|test"
"""Domains to which no mail is sent, whatever stands before them (RFC 6761)."""

_DIGIT = r"([ ().-]*\d)"
"""A digit of a telephone number with what people write before it."""

_MOBILE_NUMBERS = (
    ("2(47|90)|500|6(77|8[23]|90)", "4,7"),
    ("27|358|43|685|882|95", "5,13"),
    ("29[89]|6(72|8[178])", "6,7"),
    ("2(20|31|43|52)|3(54|76)|423|508", "6,9"),
    ("2(3[89]|4[68]|69|9[17])|5(01|9[27])|6(7[34689]|80|9[12])|960", "7"),
    ("241|372|5(07|99)|961", "7,8"),
    (
        "2(16|2[23678]|3[0256]|5[37]|6[678])|3(5[067]|7[01348]|8[2369])|4[57]|5(0[2-69]|3|9[18])|6(5|7[05]|8[69])"
        "|85[23]|9(6[58]|7[3-6]|93)",
        "8",
    ),
    ("3(59|77|8[57])|855", "8,9"),
    ("381|64", "8,10"),
    (
        "2(1[1238]|2[14]|3[37]|4[02459]|5[014568]|6[0-5])|3([2346]|5[1235]|75|80)|4([0168]|2[01])|5([16]|9[03-6])|6[16]"
        "|8(4|86)|9([34]|6[2367]|7[012]|9[24568])",
        "9",
    ),
    ("39|60|8(2|56|81)", "9,10"),
    ("31|62|870", "9,12"),
    ("7|2(0|2[59]|34)|30|44|5[278]|63|8(1|[58]0)|9([0128]|64|77)", "10"),
    ("49|5[45]|86", "10,11"),
)
"""Calling codes (ITU-T E.164), as a pattern, and how many digits follow in the mobile numbers of their countries."""

_NORTH_AMERICA = rf"1[ ().-]*[2-9]{_DIGIT}{{2}}[ ().-]*[2-9]{_DIGIT}{{6}}"
"""The one plan in which mobile numbers look like all others: neither area nor exchange begins with 0 or 1."""


def default_rules() -> dict[str, str]:
    """The default rules, by name, in the order in which they are asked.

    - ``email``: a local part of at most 64 characters and a domain of at least two labels of at most 63, the last of
      which ends in a letter; at most 254 characters in all (RFC 5321, section 4.5.3.1). Letters and digits may be of
      any script. What else the standards allow (quoted local parts, comments, hosts in brackets, a name before the
      address) is refused, and so are domains that are reserved for what is no mail.
    - ``sms``: ``+``, a calling code in use, and as many digits as the mobile numbers of its countries have, wherever
      spaces, dots, hyphens or parentheses stand between them.

    Each asks ``has()`` first: a user of whom nothing is known is not reached, and is no error.
    """
    numbers = "|".join(f"({codes}){_DIGIT}{{{digits}}}" for codes, digits in _MOBILE_NUMBERS)
    return {
        "organization": "organization_id == segment.organization_id",
        "edition": "has(user.edition_ids) && segment.edition_id in edition_ids",
        "marketing": "has(user.consent_ids) && segment.consent_id in consent_ids",
        "email": (
            "has(user.email)\n"
            rf'&& email.matches(r"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+([{_WORD}]+-+)*[{_WORD}]*[\pL\pM]$")'
            "\n"
            r'&& size(email) <= 254 && !email.matches(r"^[^@]{65}") && !email.matches(r"[@.][^@.]{64}")'
            "\n"
            rf'&& !email.matches(r"(?i)[@.]({_SPECIAL_DOMAINS})$")'
        ),
        "sms": rf'has(user.phone_number) && phone_number.matches(r"^\+({_NORTH_AMERICA}|{numbers})$")',
        "pass_push": "has(user.active_passes) && active_passes > 0",
    }
