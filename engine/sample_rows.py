"""The rows of the sample snapshot: who the users are, what they bought, and the columns that follow from it.

Numbers are drawn as integers or as fractions of 24 bits and combined by exact operations only, so that a seed gives
the same rows on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa

from .sample_vocabulary import Choice, Doubles, Integers, Mask, Names, Vocabulary, falling, lognormal

SAMPLE_NOW = datetime(2026, 6, 1, tzinfo=UTC)
"""When the snapshot was taken. No time in it is later."""
LONGEST_HISTORY = 40
"""The most purchases that one user has."""

# Times are in microseconds since 1970.
_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY
_NOW = int(SAMPLE_NOW.timestamp()) * _SECOND
_OPENING = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) * _SECOND
_TIMESTAMP = pl.Datetime("us", "UTC")

_STATUSES = pl.Series(["completed", "refunded", "cancelled", "pending"])
_COMPLETED, _REFUNDED, _CANCELLED, _PENDING = range(4)


class Dice:
    """The random draws of one row group."""

    def __init__(self, seed: int, start: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64([seed, start]))

    def fraction(self, *shape: int) -> Doubles:
        """Uniform values in [0, 1), of 24 bits each."""
        return self._generator.random(shape, dtype=np.float32).astype(np.float64)

    def chance(self, probability: float | Doubles, size: int) -> Mask:
        """Whether something of the given probability happens."""
        return self.fraction(size) < probability

    def below(self, bound: int | Integers, size: int) -> Integers:
        """Uniform integers from 0 up to, but not including, the bound."""
        return (self.fraction(size) * bound).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Users:
    """What the other columns follow from. ``engagement`` is the user's rank among all, from 0 to 1."""

    size: int
    created: Integers
    engagement: Doubles
    country: Integers
    organization: Integers
    purchases_known: Mask


@dataclass(frozen=True, slots=True)
class _Purchases:
    """All purchases of a row group end to end. ``user`` is the row that a purchase belongs to, in rising order."""

    user: Integers
    product: Integers
    status: Integers
    cents: Integers
    quantity: Integers
    at: Integers
    edition: Integers
    price_known: Mask
    quantity_known: Mask
    time_known: Mask
    of_edition: Mask


def row_group(vocabulary: Vocabulary, seed: int, start: int, size: int, users: int) -> pl.DataFrame:
    """Rows ``start`` to ``start + size`` of a snapshot of ``users`` rows, in the order in which the users signed up."""
    dice = Dice(seed, start)
    people = _users(vocabulary, dice, start, size, users)
    bought = _purchases(vocabulary, dice, people)
    return pl.DataFrame(
        {
            "user_id": pl.select("usr_" + pl.int_range(start, start + size).cast(pl.String).str.zfill(8)).to_series(),
            "organization_id": vocabulary.organizations.gather(people.organization),
            **_memberships(vocabulary, dice, people, bought),
            **_person(vocabulary, dice, people),
            **_activity(dice, people, bought),
            **_extras(vocabulary, dice, people),
            "purchases": _purchase_lists(vocabulary, dice, people, bought),
        }
    )


def _users(vocabulary: Vocabulary, dice: Dice, start: int, size: int, users: int) -> _Users:
    signed_up = (np.arange(start, start + size) + dice.fraction(size)) / users
    return _Users(
        size=size,
        # Sign-ups grow steadily, so that their number is the square of the time since the opening.
        created=_OPENING + ((_NOW - _OPENING) * np.sqrt(signed_up)).astype(np.int64),
        engagement=dice.fraction(size),
        country=vocabulary.country.draw(dice.fraction(size)),
        organization=Choice.of(falling(len(vocabulary.organizations))).draw(dice.fraction(size)),
        purchases_known=~dice.chance(0.05, size),
    )


def _purchases(vocabulary: Vocabulary, dice: Dice, people: _Users) -> _Purchases:
    histories = Choice.of([0.35, *(1 / (count * (count + 2)) for count in range(1, LONGEST_HISTORY + 1))])
    count = np.where(people.purchases_known, histories.draw(people.engagement), 0)
    user = np.repeat(np.arange(people.size), count)
    size = len(user)

    product = vocabulary.product.draw(dice.fraction(size))
    # The keenest customers buy what is meant for VIPs far more often than the others do.
    vip = np.flatnonzero(vocabulary.products_with("category", "vip"))
    keen = (people.engagement[user] > 0.9) & dice.chance(0.12, size)
    product = np.where(keen, vip[dice.below(len(vip), size)], product)
    factors = lognormal(0.6)
    factor = factors[dice.below(len(factors), people.size)][user]
    cents = vocabulary.products["price"].to_numpy()[product] * factor // 10_000 * 10

    at = _purchase_times(dice, people, user)
    status = np.array([_COMPLETED, _REFUNDED, _CANCELLED])[Choice.of([90, 6, 4]).draw(dice.fraction(size))]
    status = np.where((at > _NOW - 10 * _DAY) & dice.chance(0.5, size), _PENDING, status)
    months = at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    # From October on, sales are for the edition of the following year.
    year = np.minimum((months + 3) // 12 + 1970, SAMPLE_NOW.year)
    years = SAMPLE_NOW.year - vocabulary.first_edition + 1
    is_ticket = vocabulary.products_with("type", "ticket")[product]
    return _Purchases(
        user=user,
        product=product,
        status=status,
        cents=cents,
        quantity=Choice.of([50, 35, 6, 6, 2, 1]).draw(dice.fraction(size)) + 1,
        at=at,
        edition=people.organization[user] * years + year - vocabulary.first_edition,
        price_known=~dice.chance(0.02, size),
        quantity_known=~dice.chance(0.03, size),
        time_known=~dice.chance(0.01, size),
        of_edition=dice.chance(np.where(is_ticket, 0.97, 0.6), size),
    )


def _purchase_times(dice: Dice, people: _Users, user: Integers) -> Integers:
    """Times between each user's sign-up and last activity, mostly in the evening, in rising order for each user."""
    active = np.where(dice.chance(0.4, people.size), 1.0, dice.fraction(people.size))
    span = ((_NOW - people.created) * active).astype(np.int64)
    at = people.created[user] + (span[user] * dice.fraction(len(user))).astype(np.int64)
    hours = [3, 2, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 12, 10, 9, 9, 10, 13, 17, 20, 20, 16, 10, 6]
    hour = Choice.of(hours).draw(dice.fraction(len(user)))
    at = at - at % _DAY + hour * _HOUR + dice.below(_HOUR // 1000, len(user)) * 1000
    # A row and the milliseconds since the opening share one integer: sorting those sorts the times within each row.
    milliseconds = np.clip(at, people.created[user], _NOW - _SECOND) // 1000 - _OPENING // 1000
    keys = np.sort((user << 40) | milliseconds)
    sorted_at: Integers = (keys & ((1 << 40) - 1)) * 1000 + _OPENING
    return np.maximum(sorted_at, people.created[user])


def _memberships(vocabulary: Vocabulary, dice: Dice, people: _Users, bought: _Purchases) -> dict[str, pl.Series]:
    size, completed = people.size, bought.status == _COMPLETED
    editions = np.unique((bought.user * len(vocabulary.editions) + bought.edition)[bought.of_edition])
    edition_user, edition = np.divmod(editions, len(vocabulary.editions))
    consented = dice.fraction(size, 4) < [0.55, 0.3, 0.15, 0.2]
    consents_known = ~dice.chance(0.07, size)
    consent_user, consent = np.nonzero(consented & consents_known[:, None])
    newsletter_known = consents_known & ~dice.chance(0.06, size)
    bought_vip = _count(people, bought, completed & vocabulary.products_with("category", "vip")[bought.product]) > 0
    vip = (bought_vip & ~dice.chance(0.2, size)) | dice.chance(0.004, size)
    is_pass = vocabulary.products_with("category", "vip", "season", "festival")[bought.product]
    passes = _count(people, bought, completed & is_pass & (bought.at > _NOW - _YEAR))
    return {
        "edition_ids": _lists(edition_user, vocabulary.editions.gather(edition), people.purchases_known),
        "consent_ids": _lists(consent_user, vocabulary.consents.gather(consent), consents_known),
        "newsletter": _known(pl.Series(consented[:, 0]), newsletter_known),
        "is_vip": _known(pl.Series(vip), ~dice.chance(0.015, size)),
        "active_passes": _known(pl.Series(passes, dtype=pl.Int16), ~dice.chance(0.22, size)),
    }


def _person(vocabulary: Vocabulary, dice: Dice, people: _Users) -> dict[str, pl.Series]:
    size = people.size
    culture = vocabulary.culture[people.country]
    given, family = (_draw_name(names, dice, culture) for names in (vocabulary.given, vocabulary.family))
    domain = vocabulary.mail_domains.gather(Choice.of(falling(len(vocabulary.mail_domains))).draw(dice.fraction(size)))
    words = pl.DataFrame(
        {
            "written": vocabulary.given.written.gather(given),
            "given": vocabulary.given.romanised.gather(given),
            "family": vocabulary.family.romanised.gather(family),
            "domain": domain,
            "number": dice.below(10_000, size),
            "style": dice.fraction(size),
            "fault": dice.fraction(size),
            "calling": vocabulary.countries["calling"].gather(people.country),
            "digits": vocabulary.countries["digits"].gather(people.country),
            "subscriber": dice.below(10_000, size) * 10_000 + dice.below(10_000, size),
            "phone_fault": dice.fraction(size),
            "emoji": dice.fraction(size),
        }
    )
    given_name, family_name, style, fault = pl.col("given"), pl.col("family"), pl.col("style"), pl.col("fault")
    local = (
        pl.when(style < 0.5).then(given_name + "." + family_name)
        .when(style < 0.7).then(given_name.str.slice(0, 1) + "." + family_name)
        .when(style < 0.9).then(given_name + "_" + family_name)
        .otherwise(given_name)
    ) + pl.col("number").cast(pl.String)  # fmt: skip
    email = (
        pl.when(fault < 0.1).then(pl.lit(None, pl.String))
        .when(fault < 0.104).then(local + " at " + pl.col("domain"))
        .when(fault < 0.108).then(local + "@")
        .when(fault < 0.111).then(local + "..@" + pl.col("domain"))
        .when(fault < 0.113).then(pl.lit("n/a"))
        .when(fault < 0.114).then(pl.lit(""))
        .when(fault < 0.134).then((local + "@" + pl.col("domain")).str.to_uppercase())
        .otherwise(local + "@" + pl.col("domain"))
    )  # fmt: skip
    subscriber = pl.col("subscriber").cast(pl.String).str.zfill(8)
    national = subscriber.str.slice(0, pl.col("digits"))
    phone_fault = pl.col("phone_fault")
    phone = (
        pl.when(phone_fault < 0.25).then(pl.lit(None, pl.String))
        .when(phone_fault < 0.26).then("0" + subscriber)
        .when(phone_fault < 0.265).then(pl.col("calling"))
        .when(phone_fault < 0.27).then(pl.col("calling").str.replace("+", "00", literal=True) + " " + national)
        .when(phone_fault < 0.272).then(pl.lit("unknown"))
        .otherwise(pl.col("calling") + national)
    )  # fmt: skip
    emoji = pl.col("emoji")
    first_name = (
        pl.when(emoji < 0.002).then(pl.col("written") + " 🎉")
        .when(emoji < 0.003).then(pl.col("written") + " 👩\u200d🎤")
        .when(emoji < 0.02).then(pl.col("written").str.to_uppercase())
        .otherwise(pl.col("written"))
    )  # fmt: skip
    contact = words.select(email=email, phone_number=phone, first_name=first_name)
    country = vocabulary.countries["code"].gather(people.country)
    abroad = dice.chance(0.06, size)
    origin = np.where(abroad, vocabulary.country.draw(dice.fraction(size)), people.country)
    language = vocabulary.countries["language"].gather(origin)
    city = vocabulary.city.draw(dice.fraction(size), people.country)
    return {
        **contact.to_dict(),
        "first_name": _known(contact["first_name"], ~dice.chance(0.03, size)),
        "last_name": _known(vocabulary.family.written.gather(family), ~dice.chance(0.03, size)),
        "country": _known(country, ~dice.chance(0.02, size)),
        "city": _known(vocabulary.cities.gather(city), ~dice.chance(0.05, size)),
        "language": _known(language, ~dice.chance(0.04, size)),
        **_ages(dice, people),
        "address": _addresses(vocabulary, dice, people, city),
    }


def _draw_name(names: Names, dice: Dice, culture: Integers) -> Integers:
    return names.choice.draw(dice.fraction(len(culture)), culture)


def _ages(dice: Dice, people: _Users) -> dict[str, pl.Series]:
    """Birth dates, some of them a form's placeholder, and the ages in years that follow from them."""
    weights = [max(1, 30 - abs(age - 29)) + max(0, 12 - abs(age - 48)) for age in range(16, 90)]
    days = (Choice.of(weights).draw(dice.fraction(people.size)) + 16) * 1461 // 4 + dice.below(365, people.size)
    placeholder = dice.chance(0.004, people.size)
    today = np.datetime64(SAMPLE_NOW.date(), "D")
    born = np.where(placeholder, np.datetime64("1900-01-01", "D"), today - days)
    birth_date = _known(pl.Series("birth_date", born), ~dice.chance(0.1, people.size))
    month_and_day = pl.col("birth_date").dt.month().cast(pl.Int32) * 100 + pl.col("birth_date").dt.day()
    before_birthday = month_and_day > SAMPLE_NOW.month * 100 + SAMPLE_NOW.day
    age = (SAMPLE_NOW.year - pl.col("birth_date").dt.year() - before_birthday.cast(pl.Int32)).cast(pl.Int16)
    return birth_date.to_frame().with_columns(age=age).to_dict()


def _addresses(vocabulary: Vocabulary, dice: Dice, people: _Users, city: Integers) -> pl.Series:
    """Postal addresses, a few of them in another city than the user's own."""
    size = people.size
    moved = vocabulary.city.draw(dice.fraction(size), people.country)
    street = vocabulary.street.draw(dice.fraction(size), vocabulary.culture[people.country])
    number = pl.Series(dice.below(180, size) + 1).cast(pl.String)
    postal_digits = vocabulary.countries["postal"].gather(people.country)
    postal_code = pl.Series(dice.below(10_000_000, size)).cast(pl.String).str.zfill(7).str.slice(0, postal_digits)
    fields = pl.DataFrame(
        {
            "city": vocabulary.cities.gather(np.where(dice.chance(0.08, size), moved, city)),
            "street": _known(vocabulary.streets.gather(street) + " " + number, ~dice.chance(0.03, size)),
            "postal_code": _known(postal_code, (postal_digits > 0).to_numpy() & ~dice.chance(0.05, size)),
        }
    )
    return _known(fields.to_struct(), ~dice.chance(0.35, size))


def _activity(dice: Dice, people: _Users, bought: _Purchases) -> dict[str, pl.Series]:
    """What the purchases add up to. Users whose purchases are unknown have no totals either."""
    completed = bought.status == _COMPLETED
    paid = completed & bought.price_known & bought.quantity_known
    cents = np.bincount(bought.user[paid], (bought.cents * bought.quantity)[paid], people.size)
    ordered = bought.status != _CANCELLED
    orders = _count(people, bought, ordered)
    dated = ordered & bought.time_known
    last_row = np.cumsum(_count(people, bought, dated))
    has_order = np.diff(last_row, prepend=0) > 0
    last_order = np.zeros(people.size, np.int64)
    last_order[has_order] = bought.at[dated][last_row[has_order] - 1]
    since = np.maximum(last_order, people.created)
    last_login = since + ((_NOW - since) * dice.fraction(people.size)).astype(np.int64)
    points = (cents // 100).astype(np.int64) * 2 + dice.below(500, people.size)
    return {
        "created_at": _times(people.created),
        "last_order_at": _known(_times(last_order), has_order),
        "last_login_at": _known(_times(last_login), ~dice.chance(0.15, people.size)),
        "total_spent": _known(pl.Series(cents / 100), people.purchases_known),
        "order_count": _known(pl.Series(orders, dtype=pl.Int32), people.purchases_known),
        "points": _known(pl.Series(points), ~dice.chance(0.03, people.size)),
    }


def _extras(vocabulary: Vocabulary, dice: Dice, people: _Users) -> dict[str, pl.Series]:
    size = people.size
    tags_known = ~dice.chance(0.04, size)
    tag_count = Choice.of([24, 27, 22, 14, 8, 5]).draw(dice.fraction(size)) * tags_known
    tag_user = np.repeat(np.arange(size), tag_count)
    tag = Choice.of(falling(len(vocabulary.tags), 2)).draw(dice.fraction(len(tag_user)))
    tag_user, tag = np.divmod(np.unique(tag_user * len(vocabulary.tags) + tag), len(vocabulary.tags))

    attributes_known = ~dice.chance(0.2, size)
    answered = dice.fraction(size, len(vocabulary.attributes)) < [0.8, 0.5, 0.4, 0.25, 0.2, 0.3]
    attribute_user, attribute = np.nonzero(answered & attributes_known[:, None])
    value = vocabulary.attribute_value.draw(dice.fraction(len(attribute)), attribute)
    entries = pl.DataFrame(
        {"key": vocabulary.attributes.gather(attribute), "value": vocabulary.attribute_values.gather(value)}
    )
    entries = entries.with_columns(_known(entries["value"], ~dice.chance(0.01, len(attribute))))
    return {
        "tags": _lists(tag_user, vocabulary.tags.gather(tag), tags_known),
        "attributes": _lists(attribute_user, entries.to_struct(), attributes_known).cast(pl.Map(pl.String, pl.String)),
    }


def _purchase_lists(vocabulary: Vocabulary, dice: Dice, people: _Users, bought: _Purchases) -> pl.Series:
    size = len(bought.user)
    products = vocabulary.products[bought.product]
    fields = pl.DataFrame(
        {
            "product": _known(products["product"], ~dice.chance(0.005, size)),
            "type": _known(products["type"], ~dice.chance(0.005, size)),
            "category": _known(products["category"], ~dice.chance(0.04, size)),
            "status": _known(_STATUSES.gather(bought.status), ~dice.chance(0.01, size)),
            "price": _known(pl.Series(bought.cents / 100), bought.price_known),
            "quantity": _known(pl.Series(bought.quantity, dtype=pl.Int16), bought.quantity_known),
            "purchased_at": _known(_times(bought.at), bought.time_known),
            "edition_id": _known(vocabulary.editions.gather(bought.edition), bought.of_edition),
        }
    )
    return _lists(bought.user, fields.to_struct(), people.purchases_known)


def _count(people: _Users, bought: _Purchases, which: Mask) -> Integers:
    """How many of the chosen purchases each user has."""
    return np.bincount(bought.user[which], minlength=people.size)


def _times(microseconds: Integers) -> pl.Series:
    return pl.Series(microseconds).cast(_TIMESTAMP)


def _known(values: pl.Series, known: Mask) -> pl.Series:
    """The values, with null where they are not known."""
    return pl.select(pl.when(pl.Series(known)).then(values).alias(values.name)).to_series()


def _lists(row: Integers, elements: pl.Series, known: Mask) -> pl.Series:
    """One list for each row, of the elements whose ``row`` it is (in rising order), and null where it is not known."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(known)))])
    values = elements.to_arrow(compat_level=pl.CompatLevel.newest())
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values, mask=pa.array(~known))
    return pl.Series(pl.from_arrow(lists))
