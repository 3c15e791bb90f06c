"""cel-go's strings extension, without ``format``: parts of strings, search by position, replacement, lists of strings.

Positions are in code points, from 0 to the size of the string; a position beyond is an error everywhere, as in cel-cpp
and in the specification's suite (cel-go's own functions differ in it among themselves). An empty string has no parts
when it is split by the empty string, as in cel-go (cel-cpp: one, empty).
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from ..cell import Cell, NotColumnar, may_be_null, result
from ..types import INT, STRING, ListType, Nullable, Type
from . import generated
from .aggregates import NULL_ELEMENT, null_elements
from .collections import INDEX_OUT_OF_RANGE
from .declare import EvaluationError, Failure, Function, Overload

END_BEFORE_START = "the end is before the start"

_LONGEST = 2**32 - 1

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_TO_LOWER, _TO_UPPER = str.maketrans(_UPPER, _LOWER), str.maketrans(_LOWER, _UPPER)

# Unicode's White_Space, which Rust's and Go's trim remove, too. Python's takes U+001C to U+001F for white space.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)

_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
    '"': r"\"",
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


def functions() -> tuple[Function, ...]:
    """``charAt``, ``substring``, ``indexOf``, ``lastIndexOf``, ``replace``, ``split``, ``join``, ``trim``, ..."""
    beyond = Failure(INDEX_OUT_OF_RANGE)
    long = (generated.FAILURE,)
    texts = ListType(Nullable(STRING))
    null_element = Failure(NULL_ELEMENT, _has_null)
    return (
        _method(
            "charAt",
            (Overload("string_char_at_int", (STRING, INT), STRING, _char_at, _character_at, (beyond,)),),
            "The character at a position; the empty string at the string's end. An error beyond.",
            (('"tacocat".charAt(3)', '"o"'), ('"taco".charAt(4)', '""'), ('"taco".charAt(5)', "error")),
        ),
        _method(
            "substring",
            (
                Overload("string_substring_int", (STRING, INT), STRING, _substring, _part, (beyond,)),
                Overload(
                    "string_substring_int_int",
                    (STRING, INT, INT),
                    STRING,
                    lower=_substring,
                    body=_part,
                    failures=(Failure(END_BEFORE_START, lambda _, start, end: start.standard > end.standard), beyond),
                ),
            ),
            "The part from a start on, up to an end where one is given, which is not part of it. An error where one is "
            "beyond the string or the end before the start.",
            (
                ('"tacocat".substring(4)', '"cat"'),
                ('"tacocat".substring(0, 4)', '"taco"'),
                ('"tacocat".substring(4, 3)', "error"),
                ('"taco".substring(0, 5)', "error"),
            ),
        ),
        _method(
            "indexOf",
            (
                Overload("string_index_of_string", (STRING, STRING), INT, _index_of, str.find),
                Overload("string_index_of_string_int", (STRING, STRING, INT), INT, _index_of, _found, (beyond,)),
            ),
            "The position at which a string first occurs, at or after a start where one is given; -1 where it does not "
            "occur.",
            (
                ('"hello mellow".indexOf("ello")', "1"),
                ('"hello mellow".indexOf("ello", 2)', "7"),
                ('"hello mellow".indexOf("jello")', "-1"),
                ('"hello".indexOf("l", 6)', "error"),
            ),
        ),
        _method(
            "lastIndexOf",
            (
                Overload("string_last_index_of_string", (STRING, STRING), INT, _last_index_of, str.rfind),
                Overload(
                    "string_last_index_of_string_int",
                    (STRING, STRING, INT),
                    INT,
                    _last_index_of,
                    _found_last,
                    (beyond,),
                ),
            ),
            "The position at which a string last occurs, at or before a start where one is given; -1 where it does not "
            "occur.",
            (
                ('"hello mellow".lastIndexOf("ello")', "7"),
                ('"hello mellow".lastIndexOf("ello", 6)', "1"),
                ('"hello mellow".lastIndexOf("jello")', "-1"),
                ('"hello".lastIndexOf("l", -1)', "error"),
            ),
        ),
        _method(
            "lowerAscii",
            (Overload("string_lower_ascii", (STRING,), STRING, _lower, lambda text: text.translate(_TO_LOWER)),),
            "The string with its ASCII letters in lower case; other letters stay.",
            (('"TacoCat".lowerAscii()', '"tacocat"'), ('"ÉTÉ A".lowerAscii()', '"ÉtÉ a"')),
        ),
        _method(
            "upperAscii",
            (Overload("string_upper_ascii", (STRING,), STRING, _upper, lambda text: text.translate(_TO_UPPER)),),
            "The string with its ASCII letters in upper case; other letters stay.",
            (('"TacoCat".upperAscii()', '"TACOCAT"'), ('"été a".upperAscii()', '"éTé A"')),
        ),
        _method(
            "trim",
            (Overload("string_trim", (STRING,), STRING, _trim, lambda text: text.strip(_WHITE_SPACE)),),
            "The string without Unicode's white space at its ends.",
            (('"  \\ttrim\\n ".trim()', '"trim"'), ('"\\u00a0a b\\u3000".trim()', '"a b"')),
        ),
        _method(
            "reverse",
            (Overload("string_reverse", (STRING,), STRING, _reverse, lambda text: text[::-1]),),
            "The code points of the string from the last to the first.",
            (('"gums".reverse()', '"smug"'), ('"".reverse()', '""')),
        ),
        _method(
            "replace",
            (
                Overload("string_replace_string_string", (STRING,) * 3, STRING, _replace, _replaced, long),
                Overload("string_replace_string_string_int", (*(STRING,) * 3, INT), STRING, _replace, _replaced, long),
            ),
            "The string with all occurrences of the first argument replaced by the second; as many of them, from the "
            "left, as a third one says, unless it is negative. The empty string occurs before each character and at "
            f"the end. An error where the string grows beyond {generated.LONGEST:,} bytes.",
            (
                ('"hello hello".replace("he", "we")', '"wello wello"'),
                ('"hello hello".replace("he", "we", 1)', '"wello hello"'),
                ('"ab".replace("", "-", -1)', '"-a-b-"'),
            ),
        ),
        _method(
            "split",
            (
                Overload("string_split_string", (STRING, STRING), ListType(STRING), _split, _pieces),
                Overload("string_split_string_int", (STRING, STRING, INT), ListType(STRING), _split, _pieces),
            ),
            "The parts of the string between the occurrences of a separator, or its characters where that is empty; "
            "at most as many as a limit says, the last of them then with what remains, unless it is negative.",
            (
                ('"a,b,c".split(",")', '["a", "b", "c"]'),
                ('"a,b,c".split(",", 2)', '["a", "b,c"]'),
                ('"a,b".split(",", 0)', "[]"),
                ('"été".split("")', '["é", "t", "é"]'),
            ),
        ),
        _method(
            "join",
            (
                Overload("list_join", (texts,), STRING, _join, _joined, (null_element, *long)),
                Overload("list_join_string", (texts, STRING), STRING, _join, _joined, (null_element, *long)),
            ),
            "The strings of a list one after the other, with a separator between them where one is given. An error "
            f"where one of them is null, and where there are more than {generated.LONGEST:,} bytes.",
            (
                ("['x', 'y'].join()", '"xy"'),
                ("['x', 'y'].join('-')", '"x-y"'),
                ("[].join('-')", '""'),
                ("['x', null].join()", "error"),
            ),
        ),
        Function(
            "strings.quote",
            (Overload("strings_quote", (STRING,), STRING, _quote, _quoted, long),),
            'The string between double quotes, with its \\, " and the control characters that have an escape of one '
            "letter escaped. (cel-go: strings extension)",
            (("strings.quote('a \"b\"')", r"'\"a \\\"b\\\"\"'"), (r'strings.quote("a\n")', r"'\"a\\n\"'")),
        ),
    )


def _method(
    name: str, overloads: tuple[Overload, ...], documentation: str, examples: tuple[tuple[str, str], ...]
) -> Function:
    return Function(name, overloads, f"{documentation} (cel-go: strings extension)", examples, method=True)


def _receiver(receiver: Cell, *others: Cell) -> pl.Expr:
    """The values of the receiver. One for all rows is repeated for each row of the others, which Polars' functions of
    strings do not do."""
    columns = [other.value for other in others if not _is_scalar(other)]
    if not columns or not _is_scalar(receiver):
        return receiver.standard
    return pl.when(pl.all_horizontal([column.is_not_null() for column in columns])).then(receiver.standard)


def _is_scalar(cell: Cell) -> bool:
    return cell.constant is not None or not cell.value.meta.root_names()


def _present(value: pl.Expr, *arguments: Cell) -> pl.Expr:
    """The value where all arguments are there."""
    there = [a.value.is_not_null() for a in arguments if may_be_null(a)]
    return pl.when(pl.all_horizontal(there)).then(value) if there else value


def _size(text: pl.Expr) -> pl.Expr:
    return text.str.len_chars().cast(pl.Int64)


def _char_at(text: Cell, index: Cell) -> Cell:
    characters = _receiver(text, index)
    position = pl.when(index.standard.is_between(0, _size(characters))).then(index.standard)
    return result(STRING, characters.str.slice(position, 1), text, index)


def _character_at(text: str, index: int) -> str:
    _check_position(index, text)
    return text[index : index + 1]


def _check_position(position: int, text: str) -> None:
    if not 0 <= position <= len(text):
        raise EvaluationError(INDEX_OUT_OF_RANGE)


def _substring(text: Cell, start: Cell, end: Cell | None = None) -> Cell:
    if end is None:
        characters = _receiver(text, start)
        first = pl.when(start.standard.is_between(0, _size(characters))).then(start.standard)
        return result(STRING, characters.str.slice(first), text, start)
    characters = _receiver(text, start, end)
    inside = (start.standard >= 0) & (start.standard <= end.standard) & (end.standard <= _size(characters))
    first, length = (pl.when(inside).then(value) for value in (start.standard, end.standard - start.standard))
    return result(STRING, characters.str.slice(first, length), text, start, end)


def _part(text: str, start: int, end: int | None = None) -> str:
    if end is not None:
        if start > end:
            raise EvaluationError(END_BEFORE_START)
        _check_position(end, text)
    _check_position(start, text)
    return text[start:end]


def _index_of(text: Cell, part: Cell, start: Cell | None = None) -> Cell:
    if start is None:
        found = _before_first(_receiver(text, part), part.standard).fill_null(-1)
        return _position(_present(found, text, part), text, part)
    characters = _receiver(text, part, start)
    first = pl.when(start.standard.is_between(0, _size(characters))).then(start.standard)
    found = (_before_first(characters.str.slice(first), part.standard) + first).fill_null(-1)
    return _position(_present(pl.when(first.is_not_null()).then(found), text, part), text, part, start)


def _before_first(text: pl.Expr, part: pl.Expr) -> pl.Expr:
    """Code points before the first occurrence; null where there is none. Polars counts bytes."""
    return _size(text.cast(pl.Binary).bin.head(text.str.find(part, literal=True)).cast(pl.String))


def _position(value: pl.Expr, *arguments: Cell) -> Cell:
    fallible = len(arguments) > 2 or any(map(may_be_null, arguments))
    return Cell(value, INT, pl.Int64(), fallible, interval=(-1, _LONGEST))


def _found(text: str, part: str, start: int) -> int:
    _check_position(start, text)
    return text.find(part, start)


def _last_index_of(text: Cell, part: Cell, start: Cell | None = None) -> Cell:
    if start is None:
        found = _before_last(_receiver(text, part), part).fill_null(-1)
        return _position(_present(found, text, part), text, part)
    characters = _receiver(text, part, start)
    last = pl.when(start.standard.is_between(0, _size(characters))).then(start.standard)
    found = _before_last(characters.str.head(last + _size(part.standard)), part).fill_null(-1)
    return _position(_present(pl.when(last.is_not_null()).then(found), text, part), text, part, start)


def _before_last(text: pl.Expr, part: Cell) -> pl.Expr:
    """Code points before the last occurrence; null where there is none."""
    if part.constant is not None:
        (constant,) = part.constant
        escaped = "".join(rf"\x{{{ord(character):x}}}" for character in str(constant))
        return _size(text.str.extract(f"(?s)^(.*){escaped}"))
    return _size(text) - _size(part.standard) - _before_first(_reversed(text), _reversed(part.standard))


def _found_last(text: str, part: str, start: int) -> int:
    _check_position(start, text)
    return text.rfind(part, 0, start + len(part))


def _lower(text: Cell) -> Cell:
    return _with_ascii_case(text, lambda characters: characters.str.to_lowercase(), _UPPER, _LOWER)


def _upper(text: Cell) -> Cell:
    return _with_ascii_case(text, lambda characters: characters.str.to_uppercase(), _LOWER, _UPPER)


def _with_ascii_case(text: Cell, convert: Callable[[pl.Expr], pl.Expr], letters: str, others: str) -> Cell:
    """``convert`` is Unicode's, and faster: it serves where a string is ASCII."""
    characters = text.standard
    is_ascii = characters.str.len_bytes() == characters.str.len_chars()
    rest = pl.when(~is_ascii).then(characters).str.replace_many(list(letters), list(others))
    return result(STRING, pl.when(is_ascii).then(convert(characters)).otherwise(rest), text, fails=False)


def _trim(text: Cell) -> Cell:
    return result(STRING, text.standard.str.strip_chars(), text, fails=False)


def _reverse(text: Cell) -> Cell:
    return result(STRING, _reversed(text.standard), text, fails=False)


def _reversed(text: pl.Expr) -> pl.Expr:
    # Polars' own reverse keeps grapheme clusters.
    return text.str.split("").list.reverse().list.join("")


def _replace(text: Cell, old: Cell, new: Cell, limit: Cell | None = None) -> Cell:
    others = (old, new) if limit is None else (old, new, limit)
    fixed = (-1,) if limit is None else limit.constant
    characters, grows = _within_bounds(_receiver(text, *others), old, new, None if limit is None else limit.standard)
    all_of_them = fixed is not None and isinstance(fixed[0], int) and fixed[0] < 0
    if all_of_them and old.constant is not None:
        # Polars refuses a null here where it is the only value, as all is of what a conditional does not choose.
        replacement = new.standard if new.constant is not None else new.standard.fill_null("")
        value = characters.str.replace_all(old.standard, replacement, literal=True)
    elif fixed is not None and fixed[0] == 0:
        value = characters
    elif fixed is not None and old.constant is not None and new.constant is not None:
        value = characters.str.replace(old.standard, new.standard, literal=True, n=int(str(fixed[0])))
    else:
        parts = _parts(characters, old.standard)
        if limit is None or all_of_them:
            value = parts.list.join(new.standard)
        else:
            times = pl.when(limit.standard.is_between(0, _LONGEST)).then(limit.standard).otherwise(_LONGEST)
            # The rest begins with what stands before the first separator to stay: nothing.
            rest = pl.concat_list(pl.lit(""), parts.list.slice(times + 1))
            value = parts.list.head(times + 1).list.join(new.standard) + rest.list.join(old.standard)
    return result(STRING, _present(value, *others), text, *others, fails=grows)


def _within_bounds(text: pl.Expr, old: Cell, new: Cell, limit: pl.Expr | None) -> tuple[pl.Expr, bool]:
    """The text where replacing will not make it too long, and whether that can happen at all."""
    if old.constant is not None and new.constant is not None:
        shorter = generated.size(str(new.constant[0])) <= generated.size(str(old.constant[0]))
        if shorter:
            return text, False
    added = _bytes(new.standard) - _bytes(old.standard)
    # Occurrences are counted only where, at one for each byte, they could be too many.
    suspicious = (_bytes(text) + 1).cast(pl.Float64) * _bytes(new.standard).cast(pl.Float64) > generated.LONGEST
    count = pl.when(suspicious).then(text).str.count_matches(old.standard, literal=True).cast(pl.Int64).fill_null(0)
    if limit is not None:
        count = pl.when(limit.is_between(0, count)).then(limit).otherwise(count)
    growth = count * added
    return pl.when((growth <= 0) | (_bytes(text) + growth <= generated.LONGEST)).then(text), True


def _bytes(text: pl.Expr) -> pl.Expr:
    return text.str.len_bytes().cast(pl.Int64)


def _parts(text: pl.Expr, separator: pl.Expr) -> pl.Expr:
    """What is before, between and after the occurrences of the separator; the empty one occurs at either end, too."""
    end = pl.when(text.is_not_null() & (separator == "")).then(pl.lit(""))
    parts = text.str.split(separator)
    return pl.when(separator == "").then(pl.concat_list(end, parts, end)).otherwise(parts)


def _replaced(text: str, old: str, new: str, limit: int = -1) -> str:
    count = text.count(old)
    growth = (count if limit < 0 else min(limit, count)) * (generated.size(new) - generated.size(old))
    if growth > 0 and generated.size(text) + growth > generated.LONGEST:
        raise EvaluationError(generated.TOO_LONG)
    return text.replace(old, new, max(limit, -1))


def _split(text: Cell, separator: Cell, limit: Cell | None = None) -> Cell:
    others = (separator,) if limit is None else (separator, limit)
    parts = _receiver(text, *others).str.split(separator.standard)
    if limit is not None:
        most = limit.standard
        rest = parts.list.slice(most - 1).list.join(separator.standard)
        shortened = pl.concat_list(parts.list.head(pl.max_horizontal(most - 1, pl.lit(0, dtype=pl.Int64))), rest)
        parts = (
            pl.when((most < 0) | (most >= parts.list.len()))
            .then(parts)
            .when(most == 0)
            .then(parts.list.head(0))
            .otherwise(shortened)
        )
    type_: Type = ListType(STRING)
    return result(type_, _present(parts, text, *others), text, *others, fails=False)


def _pieces(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator:
        return text.split(separator, max(limit - 1, -1))
    if not 0 < limit < len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def _join(strings: Cell, separator: Cell | None = None) -> Cell:
    arguments = (strings,) if separator is None else (strings, separator)
    if strings.constant == ((),):
        return result(STRING, _present(pl.lit(""), *arguments), *arguments, fails=False)
    if not isinstance(strings.dtype, pl.List):
        raise NotColumnar("the list is not a column")
    between = pl.lit("") if separator is None else separator.standard
    texts = _receiver(strings, *arguments[1:])
    sizes = texts.list.eval(pl.element().str.len_bytes().cast(pl.Int64)).list.sum()
    separators = pl.max_horizontal(texts.list.len().cast(pl.Int64) - 1, pl.lit(0, dtype=pl.Int64))
    short = pl.when(sizes + separators * _bytes(between) <= generated.LONGEST).then(texts)
    return result(STRING, _present(short.list.join(between, ignore_nulls=False), *arguments), *arguments)


def _has_null(strings: Cell, _: Cell | None = None) -> pl.Expr:
    return pl.lit(value=False) if strings.constant == ((),) else null_elements(strings)


def _joined(strings: list[str | None], separator: str = "") -> str:
    texts = [text for text in strings if text is not None]
    if len(texts) < len(strings):
        raise EvaluationError(NULL_ELEMENT)
    if sum(map(generated.size, texts)) + generated.size(separator) * (len(texts) - 1) > generated.LONGEST:
        raise EvaluationError(generated.TOO_LONG)
    return separator.join(texts)


def _quote(text: Cell) -> Cell:
    escaped = text.standard.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return result(STRING, generated.bounded_column(pl.concat_str(pl.lit('"'), escaped, pl.lit('"'))), text)


def _quoted(text: str) -> str:
    return generated.bounded(f'"{text.translate(_ESCAPE_TABLE)}"')
