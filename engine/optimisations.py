"""What a run may do to be fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Optimisations:
    """What a run may do to be fast; the answers are the same with each on and off.

    Attributes:
        dictionaries: evaluate conditions on one column of texts on its distinct texts.
        elements: evaluate ``exists`` and ``all`` over a column of lists together, many of texts on the distinct texts.
        thresholds: put the values of a column into the classes that the constants make with which it is compared.
        narrowing: compare numbers in the narrowest type that holds a chunk's values.
        proofs: leave out checks for what the snapshot's statistics rule out: nulls, and overflow.
        skipping: neither read nor evaluate what the statistics of groups of rows decide.
    """

    dictionaries: bool = True
    elements: bool = True
    thresholds: bool = True
    narrowing: bool = True
    proofs: bool = True
    skipping: bool = True
