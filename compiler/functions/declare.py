"""How a function of the language is declared: once, here, for every path.

A declaration holds the signature that the checker resolves, the text that documents it, examples that run as tests on
every path, the errors it can raise, its lowering to Polars, and, where cel-python lacks the function or departs from
the specification, its Python body for the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from ..cell import Cell
from ..types import Type

Lower = Callable[..., Cell]
Body = Callable[..., object]


class EvaluationError(Exception):
    """Raised by a Python body: the CEL error of one evaluation. The message is the overload's failure message."""


class Failure(NamedTuple):
    """A way in which a function can fail although its arguments are there.

    ``when`` tells, from the arguments' cells, the rows that failed this way; of several failures the first that holds
    is the reason, and the last one needs no ``when``.
    """

    message: str
    when: Callable[..., pl.Expr] | None = None


class Overload(NamedTuple):
    """One signature of a function, named once for all (``id``, in the manner of cel-go: ``add_int64``).

    Attributes:
        parameters: for a method, the receiver first. A plain type does not accept null: a null argument is an error of
            the call. :class:`~compiler.types.Nullable` accepts it.
        lower: from the arguments' cells to the result's cell. Raises ``NotColumnar`` where it has no columnar form.
        body: from Python values (None, bool, int, float, str, bytes, list, dict; timestamps and durations as int
            nanoseconds) to one; raises ``EvaluationError``. None: cel-python's own function is right.
        failures: the errors it can raise beside null arguments.
        literals: by the argument's place, how a literal is read. It is tried before any row is, so that one which the
            function can never accept is reported by the checker; raises ``EvaluationError``.
        dynamic: the signature holds at run time only; the checker takes it just for arguments that are ``dyn``.
        unpacks: ``lower``, and ``when`` of the failures, take the elements of an argument that is written as a list one
            by one, as a tuple of cells: they may be of several types, which no column of lists can hold.
    """

    id: str
    parameters: tuple[Type, ...]
    result: Type
    lower: Lower
    body: Body | None = None
    failures: tuple[Failure, ...] = ()
    dynamic: bool = False
    literals: tuple[tuple[int, Body], ...] = ()
    unpacks: bool = False


class Function(NamedTuple):
    """A function, method or operator of the language with its overloads.

    Attributes:
        name: as calls name it; operators as in the syntax tree (``_+_``).
        method: whether it is called on a receiver: ``s.contains(t)``.
        documentation: what it does, in a sentence or two, with the section of the specification that rules it.
        examples: a condition and its value, both as CEL text; ``error`` where it is one.
    """

    name: str
    overloads: tuple[Overload, ...]
    documentation: str
    examples: tuple[tuple[str, str], ...]
    method: bool = False
