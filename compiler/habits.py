"""What other languages call things, with what a condition says instead. Names are in lower case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_SIZE = "write size({x})"
_CONDITIONAL = "write condition ? then : otherwise"
_LOWER, _UPPER = "write {x}.lowerAscii()", "write {x}.upperAscii()"
_CONVERSION = "write int({x}), double({x}), string({x}), timestamp({x}) or duration({x})"
_NOW = "write now, a variable: it is the time of the run"
_TIME = 'write timestamp("2026-01-31T00:00:00Z")'
_DIFFERENCE = "times are subtracted, and the durations between them compared: now - x > days(30)"
_PART_OF_TIME = (
    "write {x}.getFullYear(), .getMonth() (January is 0), .getDate(), .getDayOfWeek() (Sunday is 0) or .getHours()"
)
_HOLDS = "write {x}.contains('...') of a text, '...' in {x} of a list"
_EXISTS, _ALL = "write {x}.exists(e, condition)", "write {x}.all(e, condition)"
_IS_NULL = "write {x} == null"
_OTHERWISE = "write user.?x.orValue(y)"
_PATTERN = "write {x}.matches('...')"
_SUM, _AVERAGE = "write {x}.sum()", "write {x}.avg()"


def _by_name(hints: Mapping[str, str]) -> dict[str, str]:
    return {name: hint for names, hint in hints.items() for name in names.split()}


_FUNCTIONS = _by_name(
    {
        "count len length cardinality array_length": _SIZE,
        "sum": _SUM,
        "avg average mean": _AVERAGE,
        "coalesce ifnull nvl": _OTHERWISE,
        "if iif iff": _CONDITIONAL,
        "lower lcase tolower tolowercase lowercase": _LOWER,
        "upper ucase toupper touppercase uppercase": _UPPER,
        "cast convert str tostring float number integer tonumber parseint parsefloat": _CONVERSION,
        "now today getdate sysdate current_date current_timestamp": _NOW,
        "date datetime to_date todate to_timestamp strptime": _TIME,
        "days getdays todays indays totaldays datediff date_diff dateadd date_add date_sub timestampdiff": _DIFFERENCE,
        "year month day hour weekday dow dayofweek extract date_part getyear getday": _PART_OF_TIME,
        "containsall containsany": "write sets.contains({x}, [...]) or sets.intersects({x}, [...])",
        "includes in_array instr strpos position icontains": _HOLDS,
        "some any exists": _EXISTS,
        "every": _ALL,
        "isnull is_null isna isnone isempty": _IS_NULL,
        "notnull isnotnull": "write {x} != null",
        "substr left right mid": "write {x}.substring(start, end)",
        "ltrim rtrim strip": "write {x}.trim()",
        "concat": "texts are joined with '+'",
        "regexp regexp_like regexp_matches regex match search test": _PATTERN,
        "startswith starts_with": "write {x}.startsWith('...')",
        "endswith ends_with": "write {x}.endsWith('...')",
        "sorted order_by": "write {x}.sort()",
        "unique": "write {x}.distinct()",
    }
)

_OF_MATH = _by_name({"max maximum": "write math.greatest(...)", "min minimum": "write math.least(...)"})

_VARIABLES = _by_name(
    {
        "true": "write true",
        "false": "write false",
        "null none nil undefined": "write null",
        "nan": "write 0.0 / 0.0; whether a value is NaN is asked with math.isNaN(x)",
        "today current_date current_timestamp sysdate": "write now: it is the time of the run",
    }
)

_FIELDS = _by_name(
    {
        "length size count len": "write size({x})",
        "year": "write {x}.getFullYear()",
        "month": "write {x}.getMonth(): January is 0",
        "day date": "write {x}.getDate()",
        "weekday dayofweek": "write {x}.getDayOfWeek(): Sunday is 0",
        "hour": "write {x}.getHours()",
        "value": "write {x} alone",
    }
)


def function(name: str, functions: Iterable[str], argument: str) -> str | None:
    """What is written for a function of another language, among those that there are.

    ``argument`` is the text of its receiver, or its first argument.
    """
    folded = name.rpartition(".")[2].casefold()
    extension = {one.casefold(): one for one in functions if one.startswith("math.")}.get(f"math.{folded}")
    if extension:
        return f"write {extension}(...)"
    if name.startswith("math."):
        return _OF_MATH.get(folded)
    if "." in name:
        return None
    hint = _FUNCTIONS.get(folded)
    return None if hint is None else hint.replace("{x}", argument)


def variable(name: str) -> str | None:
    """What is written for a constant of another language."""
    return _VARIABLES.get(name.casefold())


def field(name: str, operand: str) -> str | None:
    """What is written for a property that objects of other languages have."""
    hint = _FIELDS.get(name.casefold())
    return None if hint is None else hint.replace("{x}", operand)
