"""What a text that is no CEL expression most likely meant: messages and hints for syntax errors."""

from __future__ import annotations

import re
from unicodedata import category, name, normalize

from .diagnostics import CompileError
from .lex import Tokens, syntax_error
from .source import Source, Span

_EQUALITY = "'==' compares for equality; there is no assignment"
_NULL = "a missing value is asked for with '{x} == null', a present one with '{x} != null'"
_PATTERN = "write {x}.startsWith('...'), {x}.endsWith('...'), {x}.contains('...') or {x}.matches('...')"
_CONDITIONAL = "write 'condition ? then : otherwise'"
_JOINED = "two conditions are joined with '&&' or '||'"
_LIST = "a list is written with brackets: [a, b]"
_LOOP = "write list.all(x, condition), list.exists(x, condition), list.filter(x, condition) or list.map(x, value)"

# Words of other languages that stand where an operator should, in lower case; {x} is the name before.
_WORDS_FOR_OPERATORS = {
    "and": "write '&&' for 'and'",
    "or": "write '||' for 'or'",
    "not": "write '!' for 'not': '!({x} in [...])'",
    "is": _NULL,
    "isnull": _NULL,
    "notnull": _NULL,
    "in": "'in' is written in lower case, and the list after it with brackets: {x} in [a, b]",
    "like": _PATTERN,
    "ilike": _PATTERN,
    "rlike": _PATTERN,
    "similar": _PATTERN,
    "between": "write 'a <= {x} && {x} <= b'",
    "eq": "write '=='",
    "ne": "write '!='",
    "lt": "write '<'",
    "le": "write '<='",
    "gt": "write '>'",
    "ge": "write '>='",
    "mod": "write '%'",
    "then": _CONDITIONAL,
    "if": _CONDITIONAL,
    "else": _CONDITIONAL,
    "for": _LOOP,
    "as": "a value is converted by int(x), double(x), string(x), timestamp(x) or duration(x)",
    "contains": "it is a method: {x}.contains('...')",
    "startswith": "it is a method: {x}.startsWith('...')",
    "endswith": "it is a method: {x}.endsWith('...')",
    "matches": "it is a method: {x}.matches('...')",
}

# Words of other languages that stand before an operand, in lower case.
_WORDS_BEFORE_OPERANDS = {
    "not": "write '!' for 'not'",
    "date": 'write timestamp("2026-01-31T00:00:00Z")',
    "timestamp": 'write timestamp("2026-01-31T00:00:00Z")',
    "interval": 'write a duration: days(30) or duration("36h")',
    "case": _CONDITIONAL,
    "when": _CONDITIONAL,
    "select": "a condition is one expression over the columns of a user, without SELECT and WHERE",
    "where": "a condition is one expression over the columns of a user, without SELECT and WHERE",
    "distinct": "write list.distinct()",
    "exists": "write list.exists(x, condition)",
    "typeof": "write type(x)",
    "lambda": "a macro names its variable first: list.exists(x, condition)",
    "new": "nothing is constructed with 'new'",
}

_RESERVED_HINTS = {
    "if": _CONDITIONAL,
    "else": _CONDITIONAL,
    "return": "a condition is one expression, without 'return'",
    "let": "write 'cel.bind(x, value, expression)'",
    "var": "write 'cel.bind(x, value, expression)'",
    "for": _LOOP,
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
_OPERATORS_ACROSS_TOKENS = {
    "<>": "write '!='",
    "??": "write user.?x.orValue(y)",
    "**": "there is no power operator",
    "++": "a plus sign stands between two numbers only",
}

_INVISIBLE = "it looks like a space, or like nothing, and is neither"
_KINDS_OF_CHARACTERS = {
    **dict.fromkeys(("Zs", "Zl", "Zp", "Cf"), _INVISIBLE),
    "Sc": "an amount is written as a number alone",
}

_LONGEST_SHOWN = 40
_QUOTES = "‘’‚‛“”„‟«»‹›＇＂´"
_STRING_START = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')")

_NUMBERS = ("int", "uint", "double")
_STRINGS = ("string", "raw")
_OPERANDS = (*_NUMBERS, *_STRINGS, "name", "true", "false", "null")


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
    if (foreign := _foreign(source, tokens, at, opening)) is not None:
        return foreign
    message = f"expected {expected}"
    if opening is not None:
        place = source.position(tokens.spans[opening].start)
        message += f" to match '{tokens.kinds[opening]}' at {place.line}:{place.column}"
    return syntax_error(source, span, f"{message}, but {found}", _hint(source, tokens, at, expected, opening))


def _foreign(source: Source, tokens: Tokens, at: int, opening: int | None) -> CompileError | None:
    """The error of an operator, or a word, of another language, where that is what a token reveals."""
    kind, span, before = tokens.kinds[at], tokens.spans[at], tokens.spans[at - 1]
    joined = source.text[before.start : span.end] if at else ""
    if joined in _OPERATORS_ACROSS_TOKENS:
        place = Span(before.start, span.end)
        return syntax_error(source, place, f"'{joined}' is not an operator", _OPERATORS_ACROSS_TOKENS[joined])
    if opening is not None and tokens.kinds[opening : opening + 2] == ["?", "."]:
        place = Span(tokens.spans[opening].start, tokens.spans[opening + 1].end)
        return syntax_error(source, place, "'?.' is not an operator", "write 'a.?b'")
    if at and tokens.kinds[at - 1] == "name" and kind in _OPERANDS and before.end < span.start:
        word = source.slice(before)
        hint = _WORDS_BEFORE_OPERANDS.get(word.lower())
        if hint is not None:
            return syntax_error(source, before, f"there is no '{word}' in CEL", hint)
    if kind in _OPERANDS and source.slice(span).lower() not in _WORDS_FOR_OPERATORS:
        line = source.text.rfind("\n", 0, span.start) + 1
        dashes = source.text.find("--", line, span.start)
        if any(one.start == dashes for one in tokens.spans[:at]):
            return syntax_error(
                source, Span(dashes, dashes + 2), "'--' begins no comment", "a comment begins with '//'"
            )
    return None


def _name_before(source: Source, tokens: Tokens, at: int) -> str:
    """The name, or the selection, that ends before a token; x where there is none."""
    first = at - 1
    while first >= 2 and tokens.kinds[first - 1] == "." and tokens.kinds[first - 2] == "name":
        first -= 2
    named = first >= 0 and tokens.kinds[first] == tokens.kinds[at - 1] == "name"
    return source.text[tokens.spans[first].start : tokens.spans[at - 1].end] if named else "x"


def _invalid_equals(source: Source, tokens: Tokens, at: int) -> bool:
    """Whether a token is an equals sign alone."""
    return tokens.kinds[at] == "invalid" and source.text[tokens.spans[at].start] == "="


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
    kind, before = tokens.kinds[at], tokens.kinds[at - 1] if at else ""
    if expected == "a field name":
        return _field_hint(source, tokens, at)
    if expected == "an expression":
        return _operand_hint(kind, before, source.slice(tokens.spans[at]))
    if kind == "?":
        return "put a conditional between '?' and ':' in parentheses"
    if expected == "':'" and opening is None and kind in (",", "}"):
        return _LIST
    if kind == ":" and opening is not None and tokens.kinds[opening] == "[":
        return "a part of a list is x.slice(0, 2), a part of a text x.substring(0, 2)"
    if kind == ",":
        return _comma_hint(tokens, at, opening)
    if kind == "!" and tokens.kinds[at : at + 2] != ["!", "in"]:
        return "'!=' is written without a space" if _invalid_equals(source, tokens, at + 1) else _JOINED
    if kind == "{":
        return "only the name of a message type can stand before '{'"
    if kind == "(":
        return "only a name can be called, a method's after a dot"
    if tokens.kinds[at : at + 2] == ["!", "in"]:
        return _WORDS_FOR_OPERATORS["not"].replace("{x}", _name_before(source, tokens, at))
    return _operator_hint(source, tokens, at, expected)


def _field_hint(source: Source, tokens: Tokens, at: int) -> str | None:
    kind = tokens.kinds[at]
    if kind in ("true", "false", "null", "in"):
        return f"a field of this name is written `{kind}`, in backticks"
    if at >= 2 and tokens.kinds[at - 2] == "int":
        number = source.slice(tokens.spans[at - 2])
        return f"write {number}.0"
    return None


def _operand_hint(kind: str, before: str, text: str) -> str | None:
    if kind == "quoted":
        return f"a name in backticks follows a dot: user.{text}; a text stands in quotes"
    if before == "," and kind == ")":
        return "remove the comma"
    if {before, kind} == {"!", "-"}:
        return "put the inner one in parentheses"
    if before == "%" and kind == "end":
        return "'%' is the remainder of a division: a share is written as a number, as in 0.3"
    return None


def _comma_hint(tokens: Tokens, at: int, opening: int | None) -> str | None:
    before, after = tokens.spans[at - 1], tokens.spans[min(at + 1, len(tokens.spans) - 1)]
    numbers = tokens.kinds[at - 1] in _NUMBERS and tokens.kinds[at + 1 : at + 2] in (["int"], ["double"])
    if numbers and before.end == tokens.spans[at].start and after.start == tokens.spans[at].end and opening is None:
        return "digits are written without separators, and the decimal sign is '.': 1000.50"
    return _JOINED if opening is None else _LIST if tokens.kinds[opening] in ("(", "{") else None


def _operator_hint(source: Source, tokens: Tokens, at: int, expected: str) -> str | None:
    kind, span = tokens.kinds[at], tokens.spans[at]
    before, span_before = tokens.kinds[at - 1], tokens.spans[at - 1]
    word = source.slice(span)
    if span_before.end < span.start:
        hint = _WORDS_FOR_OPERATORS.get(word.lower()) if kind == "name" else None
        if hint is not None:
            return hint.replace("{x}", _name_before(source, tokens, at))
        if expected != "an operator" or kind not in _OPERANDS:
            return None
        return f"{_JOINED}; a name has no spaces" if before == kind == "name" else _JOINED
    if before == "name" and kind in _STRINGS:
        return "a string's prefix is b (bytes), r (raw) or br (raw bytes); texts are joined with '+'"
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
    if character == "=" and (apart := _apart(source, tokens, at)) is not None:
        return apart
    for operator, hint in _OPERATORS.items():
        if rest.startswith(operator):
            return syntax_error(source, Span(start, start + len(operator)), f"'{operator}' is not an operator", hint)
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    plain = normalize("NFKC", character)
    if character.isalpha():
        letter = name(character, "")
        alike = "" if letter.startswith("LATIN") or not letter else f" ({letter})"
        hint = "a name has ASCII letters, digits and '_'; a text stands in quotes; other columns are user.`...`"
        return syntax_error(source, Span(start, start + 1), f"{shown}{alike} cannot stand in a name", hint)
    if character in _SIGNS:
        return syntax_error(source, Span(start, start + 1), f"unexpected {shown}", _SIGNS[character])
    hint_of_kind = _KINDS_OF_CHARACTERS.get(category(character))
    if plain != character and plain.isascii() and plain.isprintable() and plain.strip():
        hint_of_kind = f"it only looks like '{plain}'"
    return syntax_error(source, Span(start, start + 1), f"unexpected character {shown}", hint_of_kind)


def _apart(source: Source, tokens: Tokens, at: int) -> CompileError | None:
    """The error of an operator of two signs with a space between them, the second or the first of which is ``=``."""
    start = tokens.spans[at].start
    before, kind = tokens.spans[at - 1], tokens.kinds[at - 1] if at else ""
    after = source.text[start + 1 :].lstrip(" ")
    if kind in ("<", ">", "!") and before.end < start:
        place = Span(before.start, start + 1)
        return syntax_error(source, place, f"'{kind} =' is not an operator", f"write '{kind}=', without a space")
    if after[:1] == ">" and source.text[start + 1] == " ":
        place = Span(start, len(source.text) - len(after) + 1)
        return syntax_error(source, place, "'= >' is not an operator", "write '>='")
    if kind == "name" and after[:1] == ">" and at >= 2 and tokens.kinds[at - 2] == "(":
        hint = f"a macro names its variable first: list.exists({source.slice(before)}, condition)"
        return syntax_error(source, Span(start, start + 2), "'=>' is not an operator", hint)
    return None


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
