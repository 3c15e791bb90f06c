"""cel-go's encoders extension: bytes as text in base64 (RFC 4648, section 4)."""

from __future__ import annotations

import binascii
import re

import polars as pl

from ..cell import Cell, result
from ..types import BYTES, STRING
from . import generated
from .declare import EvaluationError, Failure, Function, Overload

INVALID_BASE64 = "the text is not base64"

# The padding may be left out, but not by half; line ends may stand anywhere.
_BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$"
_VALID = re.compile(_BASE64.removesuffix("$") + r"\Z")
_LINE_ENDS = re.compile("[\r\n]")


def functions() -> tuple[Function, ...]:
    """``base64.encode`` and ``base64.decode``."""
    return (
        Function(
            "base64.encode",
            (Overload("base64_encode_bytes", (BYTES,), STRING, _encode, _encoded, (generated.FAILURE,)),),
            "The bytes as text in base64, with padding. (cel-go: encoders extension)",
            (("base64.encode(b'hello')", '"aGVsbG8="'), ("base64.encode(b'')", '""')),
        ),
        Function(
            "base64.decode",
            (
                Overload(
                    "base64_decode_string",
                    (STRING,),
                    BYTES,
                    lower=_decode,
                    body=_decoded,
                    failures=(Failure(INVALID_BASE64),),
                    literals=((0, _decoded),),
                ),
            ),
            "The bytes of a text in base64. The padding may be missing, and line ends are passed over. (cel-go: "
            "encoders extension)",
            (
                ("base64.decode('aGVsbG8=')", "b'hello'"),
                ("base64.decode('aGVsbG8')", "b'hello'"),
                ("base64.decode(string('a===')) == b''", "error"),
            ),
        ),
    )


def _encode(value: Cell) -> Cell:
    return result(STRING, generated.bounded_column(value.standard.bin.encode("base64")), value)


def _encoded(value: bytes) -> str:
    return generated.bounded(binascii.b2a_base64(value, newline=False).decode())


def _decode(text: Cell) -> Cell:
    characters = text.standard.str.replace_all("[\r\n]", "")
    digits = pl.when(characters.str.contains(_BASE64)).then(characters.str.strip_chars_end("="))
    missing = (-digits.str.len_bytes().cast(pl.Int64)) % 4
    # The digits are filled up with zeros, for Polars reads whole quanta only; the bytes of those are cut off again.
    filled = pl.concat_str(digits, pl.lit("AAA").str.head(missing))
    value = filled.str.decode("base64", strict=False)
    return result(BYTES, value.bin.head(value.bin.size().cast(pl.Int64) - missing), text)


def _decoded(text: str) -> bytes:
    characters = _LINE_ENDS.sub("", text)
    if _VALID.match(characters) is None:
        raise EvaluationError(INVALID_BASE64)
    digits = characters.rstrip("=")
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))
