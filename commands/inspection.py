"""The commands that show what there is and how conditions are answered, and count nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from .conditions import asked_conditions
from .options import audience_options, budget_options, file_option, format_option, on_snapshot, run_options
from .output import note, write, write_json, write_lines

if TYPE_CHECKING:
    from engine import Budget, Snapshot


@click.command("schema")
@on_snapshot
@format_option("table", "json")
def schema_command(*, snapshot: Snapshot, format: str) -> None:
    """Show the variables of a snapshot: types, nulls, a few values."""
    from engine.description import describe
    from engine.presentation import description_notes, description_table
    from engine.terminal import drawn, progress

    with progress("Reading"):
        description = describe(snapshot)
    if format == "json":
        write_json(description.to_dict())
        return
    write(drawn(description_table(description)))
    for line in description_notes(description):
        note(line)


@click.command("check")
@on_snapshot
@click.argument("condition")
@run_options
@format_option("text", "json")
def check_command(*, snapshot: Snapshot, condition: str, now: datetime | None, mode: str, format: str) -> None:
    """Check a condition: its type and columns, or what is wrong."""
    from engine.explanation import explain
    from engine.presentation import facts, warning_lines

    explanation = explain(snapshot, condition, mode=mode, now=now)
    if format == "json":
        known = explanation.to_dict()
        write_json({key: known[key] for key in ("condition", "type", "mode", "columns", "warnings")})
    else:
        write_lines([*facts(explanation), *warning_lines(explanation.warnings)])
    if explanation.type not in ("bool", "dyn"):
        note(f"It is of type {explanation.type}; only a bool can be counted.")


@click.command("explain")
@on_snapshot
@click.argument("conditions", metavar="[CONDITION]...", nargs=-1)
@file_option
@audience_options
@budget_options
@run_options
@format_option("text", "json")
def explain_command(
    *,
    snapshot: Snapshot,
    conditions: tuple[str, ...],
    file: str | None,
    settings: Mapping[str, str],
    rules: Mapping[str, str] | None,
    budget: Budget,
    now: datetime | None,
    mode: str,
    format: str,
) -> None:
    """Show how conditions are answered.

    Of one, its types and what is compiled; of many, what they share and read.
    """
    from engine.explanation import explain
    from engine.plan_explanation import explain_plan
    from engine.presentation import explanation_lines, plan_lines

    if len(conditions) == 1 and file is None and not settings:
        explanation = explain(snapshot, conditions[0], mode=mode, now=now)
        if format == "json":
            write_json({**explanation.to_dict(), "rows": snapshot.rows, "budget": budget.to_dict()})
        else:
            write_lines(explanation_lines(explanation, snapshot.rows, budget))
        return
    named = dict(asked_conditions(conditions, file, settings))
    plan = explain_plan(snapshot, named, mode=mode, now=now, rules=rules, budget=budget)
    if format == "json":
        write_json(plan.to_dict())
    else:
        write_lines(plan_lines(plan))


@click.command("functions")
@click.argument("name", required=False)
@format_option("text", "json", "markdown")
def functions_command(*, name: str | None, format: str) -> None:
    """List the functions of conditions, or show one.

    One is shown with its signatures and examples.
    """
    from compiler.reference import entries_of
    from engine.presentation import entry_lines, reference_table
    from engine.terminal import drawn

    try:
        entries = entries_of(name)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from None
    if format == "markdown":
        from engine.language_page import language_page

        if name is not None:
            raise click.UsageError("The page is of all functions: leave out the NAME.")
        write(language_page())
    elif format == "json":
        write_json([entry.to_dict() for entry in entries])
    elif name is None:
        write(drawn(reference_table(entries)))
    else:
        write_lines(line for entry in entries for line in entry_lines(entry))
