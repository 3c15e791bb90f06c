"""What a text that is no CEL expression most likely meant: messages and hints for syntax errors."""

from __future__ import annotations

import re
from unicodedata import category

from .diagnostics import CompileError
from .lex import Tokens, syntax_error
from .source import Source, Span

_EQUALITY = "'==' compares for equality; there is no assignment"
_NULL = "a missing value is asked for with 'x == null' or '!has(user.x)', a present one with 'has(user.x)'"
_PATTERN = "write x.startsWith('...'), x.endsWith('...'), x.contains('...') or x.matches('...')"

# Words of other languages that stand where an operator should, in lower case.
_WORDS_FOR_OPERATORS = {
    "and": "write '&&' for 'and'",
    "or": "write '||' for 'or'",
    "not": "write '!' for 'not': '!(x in [...])'",
    "is": _NULL,
    "isnull": _NULL,
    "notnull": _NULL,
    "in": "'in' is written in lower case",
    "like": _PATTERN,
    "ilike": _PATTERN,
    "rlike": _PATTERN,
    "similar": _PATTERN,
    "between": "write 'a <= x && x <= b'",
    "eq": "write '=='",
    "ne": "write '!='",
    "lt": "write '<'",
    "le": "write '<='",
    "gt": "write '>'",
    "ge": "write '>='",
    "mod": "write '%'",
    "then": "write 'condition ? then : otherwise'",
    "contains": "it is a method: x.contains('...')",
    "startswith": "it is a method: x.startsWith('...')",
    "endswith": "it is a method: x.endsWith('...')",
    "matches": "it is a method: x.matches('...')",
}

_RESERVED_HINTS = {
    "if": "write 'condition ? then : otherwise'",
    "else": "write 'condition ? then : otherwise'",
    "let": "write 'cel.bind(x, value, expression)'",
    "var": "write 'cel.bind(x, value, expression)'",
    "for": "write 'list.all(x, ...)', 'list.exists(x, ...)', 'list.filter(x, ...)' or 'list.map(x, ...)'",
}

# Operators of other languages; the first that the text begins with counts.
_OPERATORS = {
    "===": "write '=='",
    "!==": "write '!='",
    "=>": "write '>='",
    "=<": "write '<='",
    "=~": "write x.matches('...')",
    "=": _EQUALITY,
    "&": "write '&&' for a logical and; there are no operators on bits",
    "|": "write '||' for a logical or; there are no operators on bits",
    "^": "there is neither a power nor an operator on bits",
    "~": "there are no operators on bits; a pattern is tested with x.matches('...')",
}
_SIGNS = {
    ";": "a condition is one expression",
    "#": "a comment begins with '//'",
    "$": "a variable is written as its name alone",
    "@": "a variable is written as its name alone",
    "\\": "a condition may go on in the next line without a sign",
    "≥": "write '>='",
    "≤": "write '<='",
    "≠": "write '!='",
    "−": "write '-'",
    "–": "write '-'",
    "×": "write '*'",
    "÷": "write '/'",
}
_OPERATORS_ACROSS_TOKENS = {"<>": "write '!='", "?.": "write 'a.?b'", "??": "write 'user.?x.orValue(y)'"}

_LONGEST_SHOWN = 40
_QUOTES = "‘’‚‛“”„‟«»‹›＇＂´"
_STRING_START = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')")

_NUMBERS = ("int", "uint", "double")
_STRINGS = ("string", "raw")


def empty(source: Source) -> CompileError:
    """The error of a text with no token in it."""
    return syntax_error(source, Span(source.start, source.start), "the condition is empty")


def reserved(source: Source, span: Span, word: str) -> CompileError:
    """The error of a reserved word in the place of a variable or function."""
    hint = _RESERVED_HINTS.get(word, f"a column of this name is written 'user.{word}'")
    return syntax_error(source, span, f"'{word}' is a reserved word", hint)


def unexpected(source: Source, tokens: Tokens, at: int, expected: str, opening: int | None = None) -> CompileError:
    """The error of a token that the grammar does not allow in its place.

    Args:
        source: the condition.
        tokens: its tokens.
        at: the token's index.
        expected: what the grammar asks for, as it is to be read after "expected".
        opening: the index of the bracket, or question mark, that still waits for its counterpart.
    """
    kind, span = tokens.kinds[at], tokens.spans[at]
    if kind == "invalid":
        return _invalid(source, tokens, at)
    if kind == "end":
        last = tokens.spans[at - 1].end
        span, found = Span(last, last), "the condition ends"
    else:
        found = f"found {_described(source, kind, span)}"
    if kind in (")", "]", "}") and opening is None and expected == "an operator":
        return syntax_error(source, span, f"'{kind}' closes nothing", "remove it, or add its opening counterpart")
    message = f"expected {expected}"
    if opening is not None:
        place = source.position(tokens.spans[opening].start)
        message += f" to match '{tokens.kinds[opening]}' at {place.line}:{place.column}"
    return syntax_error(source, span, f"{message}, but {found}", _hint(source, tokens, at, expected, opening))


def _described(source: Source, kind: str, span: Span) -> str:
    text = source.slice(span)
    if kind in _STRINGS or kind == "quoted":
        noun = "the name" if kind == "quoted" else "the string"
        return f"{noun} {text}" if len(text) <= _LONGEST_SHOWN and text.isprintable() else noun
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    if kind in _NUMBERS:
        return f"the number '{shown}'"
    return f"the name '{shown}'" if kind == "name" else f"'{shown}'"


def _hint(source: Source, tokens: Tokens, at: int, expected: str, opening: int | None) -> str | None:
    kind, span = tokens.kinds[at], tokens.spans[at]
    before = tokens.kinds[at - 1] if at else ""
    joined = source.text[tokens.spans[at - 1].start : span.end] if at else ""
    if joined in _OPERATORS_ACROSS_TOKENS:
        return _OPERATORS_ACROSS_TOKENS[joined]
    if opening is not None and tokens.kinds[opening : opening + 2] == ["?", "."]:
        return _OPERATORS_ACROSS_TOKENS["?."]
    if expected == "a field name":
        return _field_hint(source, tokens, at)
    if expected == "an expression":
        return _operand_hint(kind, before)
    if kind == "?":
        return "put a conditional between '?' and ':' in parentheses"
    if kind == "," and opening is not None and tokens.kinds[opening] == "(":
        return "a list is written with brackets: [a, b]"
    if kind == "{":
        return "only the name of a message type can stand before '{'"
    if kind == "(":
        return "only a name can be called, a method's after a dot"
    if tokens.kinds[at : at + 2] == ["!", "in"]:
        return _WORDS_FOR_OPERATORS["not"]
    return _operator_hint(source, tokens, at)


def _field_hint(source: Source, tokens: Tokens, at: int) -> str | None:
    kind = tokens.kinds[at]
    if kind in ("true", "false", "null", "in"):
        return f"a field of this name is written `{kind}`, in backticks"
    if at >= 2 and tokens.kinds[at - 2] == "int":
        number = source.slice(tokens.spans[at - 2])
        return f"write {number}.0"
    return None


def _operand_hint(kind: str, before: str) -> str | None:
    if kind == "quoted":
        return "a name in backticks follows a dot: user.`plan.name`"
    if before == "," and kind == ")":
        return "remove the comma"
    if {before, kind} == {"!", "-"}:
        return "put the inner one in parentheses"
    if before == "*" and kind == "*":
        return "there is no power operator"
    if before == "+" and kind == "+":
        return "a plus sign stands between two numbers only"
    return None


def _operator_hint(source: Source, tokens: Tokens, at: int) -> str | None:
    kind, span = tokens.kinds[at], tokens.spans[at]
    before, span_before = tokens.kinds[at - 1], tokens.spans[at - 1]
    word = source.slice(span)
    if before == "name" and source.slice(span_before).lower() == "not":
        return "write '!' for 'not'"
    if span_before.end < span.start:
        return _WORDS_FOR_OPERATORS.get(word.lower()) if kind == "name" else None
    if before in _STRINGS and kind == "name":
        return "a quote inside a string is written with a backslash before it"
    if before in _NUMBERS and kind == "name":
        if word.startswith("_"):
            return "digits are written without separators"
        if word[0] in "xX":
            return "a hexadecimal number begins with '0x' and has at least one digit"
        return "a name cannot begin with a digit"
    if kind == "double" and word.startswith("."):
        return "an element of a list is written a[1]"
    return None


def _invalid(source: Source, tokens: Tokens, at: int) -> CompileError:
    """The error of a place at which no token begins."""
    start = tokens.spans[at].start
    rest = source.text[start:]
    character = rest[0]
    if string := _STRING_START.match(rest):
        return _unreadable_string(source, start, string)
    if character == "`":
        message = "a name in backticks is not empty, stands on one line, and has a closing backtick"
        return syntax_error(source, Span(start, _line_end(source, start)), message)
    if character in _QUOTES:
        hint = "a string is written in straight quotes: 'text' or \"text\""
        return syntax_error(source, Span(start, start + 1), f"'{character}' is a typographic quote", hint)
    if at and tokens.spans[at - 1].end == start and tokens.kinds[at - 1] in ("==", "!="):
        start, rest = start - 2, tokens.kinds[at - 1] + rest
    for operator, hint in _OPERATORS.items():
        if rest.startswith(operator):
            return syntax_error(source, Span(start, start + len(operator)), f"'{operator}' is not an operator", hint)
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    if character.isalpha():
        hint = "a name has ASCII letters, digits and '_'; a text stands in quotes"
        return syntax_error(source, Span(start, start + 1), f"{shown} cannot stand in a name", hint)
    if character in _SIGNS:
        return syntax_error(source, Span(start, start + 1), f"unexpected {shown}", _SIGNS[character])
    invisible = "it looks like a space, and is none" if category(character) in ("Zs", "Zl", "Zp", "Cf") else None
    return syntax_error(source, Span(start, start + 1), f"unexpected character {shown}", invisible)


def _unreadable_string(source: Source, start: int, string: re.Match[str]) -> CompileError:
    prefix, quotes = string.groups()
    if prefix.lower() not in ("", "b", "r", "br"):
        hint = "a string's prefix is b (bytes), r (raw) or br (raw bytes)"
        return syntax_error(source, Span(start, start + len(prefix)), f"'{prefix}' is no prefix of a string", hint)
    if len(quotes) == 3:
        message = f"the string is not closed by {quotes}"
        return syntax_error(source, Span(start, _line_end(source, start)), message)
    message = f"the string is not closed by {quotes} on its line"
    hint = f"a text of several lines stands in {quotes * 3}; a quote inside a string is written \\{quotes}"
    return syntax_error(source, Span(start, _line_end(source, start)), message, hint)


def _line_end(source: Source, start: int) -> int:
    end = source.text.find("\n", start)
    return len(source.text) if end < 0 else end
