"""The words and weights of the sample snapshot, read from ``sample_vocabulary.yaml`` into arrays to draw from."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Letters that Unicode does not decompose into an ASCII letter and a mark.
_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "ı": "i", "đ": "d"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Weighted draws of an index. Sets of weights lie end to end; an index counts from the first set's start.

    ``cumulative`` holds the cumulative weights of each set, scaled to 1 and raised by the set's number. Only sums,
    divisions and comparisons are involved, all of which IEEE 754 fixes to the bit: the draws are the same everywhere.
    """

    cumulative: Doubles

    @classmethod
    def of(cls, *sets: Sequence[float]) -> Choice:
        """A choice among sets of positive weights."""
        sums = [np.cumsum(np.asarray(weights, np.float64)) for weights in sets]
        return cls(np.concatenate([number + cumulative / cumulative[-1] for number, cumulative in enumerate(sums)]))

    def draw(self, uniform: Doubles, sets: Integers | None = None) -> Integers:
        """The indexes that ``uniform`` values in [0, 1), of at most 24 bits each, stand for in the given sets."""
        return np.searchsorted(self.cumulative, uniform if sets is None else sets + uniform, side="right")


def falling(size: int, offset: int = 1) -> list[float]:
    """Weights by Zipf's law, ``1 / (rank + offset)`` with ranks from 0."""
    return [1 / (rank + offset) for rank in range(size)]


def lognormal(sigma: float, size: int = 4096) -> Integers:
    """Equally likely factors, in thousandths, of a lognormal distribution whose median is 1.

    They are rounded to integers, so that a last bit on which mathematical libraries differ cannot show.
    """
    normal = NormalDist(sigma=sigma)
    return np.array([round(1000 * math.exp(normal.inv_cdf((rank + 0.5) / size))) for rank in range(size)], np.int64)


@dataclass(frozen=True, slots=True)
class Names:
    """Personal names of all cultures end to end: as written, and as their owners write them in an e-mail address."""

    written: pl.Series
    romanised: pl.Series
    choice: Choice


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that rows are drawn from. What a choice draws is an index into the column or frame before it."""

    countries: pl.DataFrame
    country: Choice
    culture: Integers
    given: Names
    family: Names
    cities: pl.Series
    city: Choice
    streets: pl.Series
    street: Choice
    mail_domains: pl.Series
    organizations: pl.Series
    editions: pl.Series
    first_edition: int
    consents: pl.Series
    tags: pl.Series
    attributes: pl.Series
    attribute_values: pl.Series
    attribute_value: Choice
    products: pl.DataFrame
    product: Choice

    def products_with(self, field: str, *values: str) -> Mask:
        """For each product, whether the field has one of the values."""
        return self.products[field].is_in(values).to_numpy()


def read_vocabulary(last_edition: int) -> Vocabulary:
    """The vocabulary, with editions up to the given year."""
    document = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    countries, cultures = document["countries"], document["cultures"]
    culture_names = list(cultures)
    cities = [_cities(country["cities"], cultures[country["culture"]]) for country in countries]
    streets = [culture["streets"] for culture in cultures.values()]
    years = range(document["first_edition"], last_edition + 1)
    attributes = document["attributes"]
    return Vocabulary(
        countries=pl.DataFrame(countries).select("code", "language", "calling", "digits", "postal"),
        country=Choice.of([country["weight"] for country in countries]),
        culture=np.array([culture_names.index(country["culture"]) for country in countries], np.int64),
        given=_names(culture["given"] for culture in cultures.values()),
        family=_names(culture["family"] for culture in cultures.values()),
        cities=_strings(cities),
        city=Choice.of(*(falling(len(names)) for names in cities)),
        streets=_strings(streets),
        street=Choice.of(*(falling(len(names)) for names in streets)),
        mail_domains=pl.Series(document["mail_domains"]),
        organizations=pl.Series([f"org_{name}" for name in document["organizations"]]),
        editions=pl.Series([f"{name}-{year}" for name in document["organizations"] for year in years]),
        first_edition=document["first_edition"],
        consents=pl.Series(document["consents"]),
        tags=pl.Series(document["tags"]),
        attributes=pl.Series(list(attributes)),
        attribute_values=_strings(attributes.values()),
        attribute_value=Choice.of(*([1.0] * len(values) for values in attributes.values())),
        products=pl.DataFrame(document["products"]),
        product=Choice.of([product["weight"] for product in document["products"]]),
    )


def _cities(known: list[str], culture: dict[str, list[str]]) -> list[str]:
    towns = [stem + ending for ending in culture["endings"] for stem in culture["stems"]]
    return list(dict.fromkeys(known + towns))


def _strings(groups: Iterable[list[str]]) -> pl.Series:
    return pl.Series([name for group in groups for name in group])


def _names(groups: Iterable[list[str]]) -> Names:
    sets = [[name.partition("/") for name in group] for group in groups]
    names = [name for group in sets for name in group]
    return Names(
        written=pl.Series([written for written, _, _ in names]),
        romanised=pl.Series([_romanised(roman or written) for written, _, roman in names]),
        choice=Choice.of(*(falling(len(group), 6) for group in sets)),
    )


def _romanised(name: str) -> str:
    return re.sub("[^a-z-]", "", unicodedata.normalize("NFKD", name.lower().translate(_FOLDED)))
