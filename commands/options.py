"""The options that commands have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")


def _schema_option(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    from engine.arguments import column_types

    try:
        return column_types(values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _time_option(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    from engine.arguments import run_moment

    try:
        return None if value is None else run_moment(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _snapshot_options(*, required: bool) -> Callable[[Callable[P, R]], Callable[..., R]]:
    def decorate(command: Callable[P, R]) -> Callable[..., R]:
        @click.argument("location", metavar="SNAPSHOT" if required else "[SNAPSHOT]", required=required)
        @click.option(
            "--schema",
            "overrides",
            metavar="COLUMN=TYPE",
            multiple=True,
            callback=_schema_option,
            help="Set the type of a column of a CSV file: int, uint, double, string, bool or timestamp. Repeatable.",
        )
        @click.option(
            "--id-column", metavar="NAME", default="user_id", show_default=True, help="The column with the user's id."
        )
        @wraps(command)
        def with_snapshot(
            location: str | None, overrides: Mapping[str, str], id_column: str, *args: P.args, **kwargs: P.kwargs
        ) -> R:
            from engine import Snapshot

            kwargs["snapshot"] = None
            if location is not None:
                kwargs["snapshot"] = Snapshot.open(location, schema_overrides=overrides, id_column=id_column)
            return command(*args, **kwargs)

        return with_snapshot

    return decorate


on_snapshot = _snapshot_options(required=True)
"""Gives a command the argument SNAPSHOT, opened, and the options on how to read it."""

on_snapshot_if_given = _snapshot_options(required=False)
"""The same for a command that can do without: its snapshot may be None."""

now_option = click.option(
    "--now",
    metavar="TIME",
    callback=_time_option,
    help="The value of the variable now, in ISO 8601; without a zone it is UTC. [default: this moment]",
)


def run_options(command: Callable[P, R]) -> Callable[P, R]:
    """Gives a command the options ``--now`` and ``--mode``."""
    mode = click.option(
        "--mode",
        type=click.Choice(["auto", "compiled", "interpreted"]),
        default="auto",
        show_default=True,
        help="auto: compile what can be compiled; compiled: refuse the rest; interpreted: compile nothing.",
    )
    return now_option(mode(command))


def audience_options(command: Callable[P, R]) -> Callable[..., R]:
    """Gives a command the options on whom conditions may reach, as ``settings``, and their ``rules``."""

    @click.option(
        "--channel",
        type=click.Choice(["any", "email", "sms", "pass_push"]),
        help="Only users who can be reached by it; any: by at least one of the others.",
    )
    @click.option(
        "--type",
        type=click.Choice(["transactional", "marketing"]),
        help="Marketing is for users who have given the consent.",
    )
    @click.option("--consent", metavar="ID", help="The consent that marketing needs.")
    @click.option("--edition", metavar="ID", help="Only users of this edition.")
    @click.option("--organization", metavar="ID", help="Only users of this organization.")
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The file that sets the rules behind these options. [default: cellar.toml, if there is one]",
    )
    @wraps(command)
    def with_audience(config: Path | None, *args: P.args, **kwargs: P.kwargs) -> R:
        from engine.audience import configured_rules

        keys = ("channel", "type", "consent", "edition", "organization")
        kwargs["settings"] = {key: value for key in keys if (value := kwargs.pop(key)) is not None}
        kwargs["rules"] = configured_rules(config)
        return command(*args, **kwargs)

    return with_audience


def budget_options(command: Callable[P, R]) -> Callable[..., R]:
    """Gives a command the options on what interpreting a condition may cost, as ``budget``."""

    @click.option(
        "--budget-rows",
        type=click.IntRange(0),
        metavar="N",
        help="Distinct combinations of values that a condition may have interpreted; 0: any number. [default: 1000000]",
    )
    @click.option(
        "--budget-seconds",
        type=click.FloatRange(0),
        metavar="S",
        help="Seconds that interpreting a condition may take; 0: any time. [default: 60]",
    )
    @wraps(command)
    def with_budget(budget_rows: int | None, budget_seconds: float | None, *args: P.args, **kwargs: P.kwargs) -> R:
        from engine.budget import DEFAULT_BUDGET, Budget

        rows = DEFAULT_BUDGET.rows if budget_rows is None else budget_rows or None
        seconds = DEFAULT_BUDGET.seconds if budget_seconds is None else budget_seconds or None
        kwargs["budget"] = Budget(rows, seconds)
        return command(*args, **kwargs)

    return with_budget


file_option = click.option(
    "--file",
    metavar="FILE",
    help="A .cel file with one condition a line, or a .yaml list of segments with name and condition; - is stdin.",
)


LAYOUTS = "a row for each segment and member; a file for each segment; a row for each user, with his segments."
layout_option = partial(click.option, type=click.Choice(["pairs", "files", "users"]))


def format_option(*formats: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Gives a command the option ``--format``; the first is the default."""
    return click.option("--format", type=click.Choice(formats), default=formats[0], show_default=True)
