"""The tokens of CEL and the values of its literals (CEL specification, "Syntax" and "String and Bytes Values")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from math import isinf

from .diagnostics import CompileError, Diagnostic
from .source import Source, Span, to_span
from .syntax import Literal
from .types import BOOL, BYTES, DOUBLE, INT, NULL, STRING, UINT

_TOKEN = r"""
    (?: [\t\n\f\r ]++ | //[^\r\n]*+ )*+
    (?:
        (?P<name>    (?! [bBrR]{1,2}["'] ) [A-Za-z_][A-Za-z0-9_]*+ )
      | (?P<double>  [0-9]*+ \.[0-9]++ (?: [eE][+-]?[0-9]++ )? | [0-9]++ [eE][+-]?[0-9]++ )
      | (?P<uint>    (?: 0x[0-9A-Fa-f]++ | [0-9]++ ) [uU] )
      | (?P<int>     0x[0-9A-Fa-f]++ | [0-9]++ )
      | (?P<symbol>  && | \|\| | [=!<>]= | [-+*/%<>!?:.,()\[\]{}] )
      | (?P<string>  [bB]?
            (?: \"\"\" (?: [^"\\] | \\. | "(?!"") )*+ \"\"\"
              | '''    (?: [^'\\] | \\. | '(?!'') )*+ '''
              | "(?!"") (?: [^"\\\r\n] | \\[^\r\n] )*+ "
              | '(?!'') (?: [^'\\\r\n] | \\[^\r\n] )*+ ' ) )
      | (?P<raw>     [bB]?[rR]
            (?: \"\"\" .*? \"\"\"
              | ''' .*? '''
              | "(?!"") [^"\r\n]*+ "
              | '(?!'') [^'\r\n]*+ ' ) )
      | (?P<quoted>  `[^`\x00-\x1f]++` )
      | (?P<end>     \Z )
      | (?P<invalid> . )
    )
"""

_ESCAPE = r"""
    \\ (?: (?P<octal> [0-3][0-7][0-7] )
         | [xX] (?P<byte> [0-9A-Fa-f]{2} )
         | u (?P<short> [0-9A-Fa-f]{4} )
         | U (?P<long> [0-9A-Fa-f]{8} )
         | (?P<plain> . ) )
"""

_PLAIN_ESCAPES = {
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip

_WORDS_OF_THE_SYNTAX = frozenset({"true", "false", "null", "in"})

RESERVED_WORDS = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"}
    | {"namespace", "return", "var", "void", "while"}
)
"""Words that are no identifiers, though they may follow a dot."""

INT_MAX = 2**63 - 1
UINT_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text, the last of which is ``end`` or ``invalid``.

    A kind is ``name``, ``int``, ``uint``, ``double``, ``string``, ``raw``, ``quoted`` (a field name in backticks),
    ``end`` or ``invalid`` (no token begins here; what follows is not read). The kind of a symbol, and of ``true``,
    ``false``, ``null`` and ``in``, is its text.
    """

    kinds: list[str]
    spans: list[Span]


def tokenize(text: str, start: int = 0) -> Tokens:
    """Split a text into tokens, from ``start`` on, in linear time. Never fails: see :class:`Tokens`."""
    kinds: list[str] = []
    spans: list[Span] = []
    for match in _token_pattern().finditer(text, start):
        kind = match.lastgroup or ""  # each token is of a kind
        spans.append(to_span(match.span(kind)))
        if kind == "symbol":
            kind = match[kind]
        elif kind == "name":
            word = match[kind]
            if word in _WORDS_OF_THE_SYNTAX:
                kind = word
        kinds.append(kind)
        if kind == "invalid":
            break
    return Tokens(kinds, spans)


def literal(source: Source, kind: str, span: Span, *, sign: Span | None = None) -> Literal:
    """The literal that a token stands for.

    Args:
        source: the condition.
        kind: the token's kind, one of those that begin a literal.
        span: the token's place.
        sign: the place of a minus that belongs to the number.

    Raises:
        CompileError: a number is out of its type's range, or an escape sequence is invalid.
    """
    text = source.text[span[0] : span[1]]
    match kind:
        case "int":
            return _int(source, text, span, sign)
        case "uint":
            value = _whole_number(text[:-1])
            if value > UINT_MAX:
                raise syntax_error(source, span, "the number is out of the range of uint", f"at most {UINT_MAX}u")
            return Literal(span, UINT, value)
        case "double":
            whole = span if sign is None else Span(sign.start, span.end)
            number = float(text)
            if isinf(number):
                raise syntax_error(source, whole, "the number is too large for a double")
            return Literal(whole, DOUBLE, number if sign is None else -number)
        case "string" if "\\" not in text:
            return _plain_string(text, span)
        case "string":
            return _escaped_string(source, text, span)
        case "raw":
            return _raw_string(text, span)
        case "null":
            return Literal(span, NULL, None)
        case _:
            return Literal(span, BOOL, kind == "true")


def syntax_error(source: Source, span: Span, message: str, hint: str | None = None) -> CompileError:
    """The error of a text that is no CEL expression, with one diagnostic."""
    return CompileError(source, [Diagnostic(span, message, hint)])


@cache
def _token_pattern() -> re.Pattern[str]:
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL)


@cache
def _escape_pattern() -> re.Pattern[str]:
    return re.compile(_ESCAPE, re.VERBOSE | re.DOTALL)


def _int(source: Source, text: str, span: Span, sign: Span | None) -> Literal:
    value = _whole_number(text)
    if sign is None:
        if value > INT_MAX:
            hint = f"at most {INT_MAX}; a larger number is written as a uint (such as {UINT_MAX}u) or a double (1e20)"
            raise syntax_error(source, span, "the number is out of the range of int", hint)
        return Literal(span, INT, value)
    whole = Span(sign.start, span.end)
    if value > INT_MAX + 1:
        raise syntax_error(source, whole, "the number is out of the range of int", f"at least {-INT_MAX - 1}")
    return Literal(whole, INT, -value)


def _whole_number(digits: str) -> int:
    """The value of digits, exact up to 64 bits; anything larger is larger than ``UINT_MAX``."""
    if digits.startswith("0x"):
        return int(digits, 16)
    if len(digits) > 20:  # Python refuses to convert thousands of digits
        digits = digits.lstrip("0")[:21]
    return int(digits or "0")


def _plain_string(text: str, span: Span) -> Literal:
    if text[0] in "bB":
        return Literal(span, BYTES, _newlines(_unquoted(text[1:])).encode())
    return Literal(span, STRING, _newlines(_unquoted(text)))


def _raw_string(text: str, span: Span) -> Literal:
    return _plain_string(text[0] + text[2:] if text[0] in "bB" else text[1:], span)


def _unquoted(text: str) -> str:
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    return text[quotes:-quotes]


def _newlines(text: str) -> str:
    """A text with every line break written as a line feed, as cel-go and cel-cpp read it."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _escaped_string(source: Source, text: str, span: Span) -> Literal:
    is_bytes = text[0] in "bB"
    quoted = text[1:] if is_bytes else text
    body = _unquoted(quoted)
    offset = span.end - (len(quoted) - len(body)) // 2 - len(body)
    encoded: list[bytes] = []
    position = 0
    for match in _escape_pattern().finditer(body):
        character = _unescaped(source, match, offset, is_bytes=is_bytes)
        is_octet = is_bytes and match.lastgroup in ("octal", "byte")
        encoded.append(_newlines(body[position : match.start()]).encode())
        encoded.append(character.encode("latin-1" if is_octet else "utf-8"))
        position = match.end()
    encoded.append(_newlines(body[position:]).encode())
    value = b"".join(encoded)
    return Literal(span, BYTES, value) if is_bytes else Literal(span, STRING, value.decode())


def _unescaped(source: Source, match: re.Match[str], offset: int, *, is_bytes: bool) -> str:
    """The character of an escape sequence in a string's body that begins at ``offset``."""
    kind = match.lastgroup
    assert kind is not None
    digits = match[kind]
    span = Span(offset + match.start(), offset + match.end())
    if kind == "plain":
        if digits not in _PLAIN_ESCAPES:
            hint = "a backslash is written '\\\\'; in a raw string, r'...', it stands for itself"
            raise syntax_error(source, span, f"invalid escape sequence '\\{_printable(digits)}'", hint)
        return _PLAIN_ESCAPES[digits]
    if kind == "octal":
        return chr(int(digits, 8))
    code_point = int(digits, 16)
    if kind == "byte":
        return chr(code_point)
    if is_bytes:
        message = f"'{match[0]}' names a character, and bytes have none"
        raise syntax_error(source, span, message, "write the character itself, or its octets: '\\xFF'")
    if 0xD800 <= code_point < 0xE000:
        hint = "a character beyond U+FFFF is written '\\U' and eight digits"
        raise syntax_error(source, span, f"'{match[0]}' is half of a surrogate pair, not a character", hint)
    if code_point > 0x10FFFF:
        raise syntax_error(source, span, f"'{match[0]}' is beyond the last character, U+10FFFF")
    return chr(code_point)


def _printable(character: str) -> str:
    return character if character.isprintable() else f"U+{ord(character):04X}"
