"""Results as people read them: tables and lines of text, whoever prints them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten, wrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    # Only what is presented has been imported by whoever made it.
    from compiler.reference import Entry

    from .budget import Budget
    from .comparison import Comparison, ComparisonReport
    from .description import Description, FieldDescription
    from .explanation import ExplainedNode, Explanation
    from .plan_explanation import PlanExplanation
    from .reporting import PlannedInterpretation
    from .results import ConditionWarning, CountReport

_LINE = 100
_MOST_CLAUSES = 10


class TableColumn(NamedTuple):
    """The head of a column; ``number``: its texts are aligned to the right."""

    name: str
    number: bool = False


class Table(NamedTuple):
    """A table of texts."""

    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[str, ...], ...]


def count_table(report: CountReport) -> Table:
    """The results of a count, each with the time that it took by itself. Of a condition that failed, only that it did:
    its message has lines of its own.
    """
    rows = [
        (
            " ".join(result.name.split()),
            _number(result.user_count),
            "" if result.user_count is None else _share(result.user_count, report.rows),
            _number(result.error_count),
            result.mode or "failed",
            f"{(result.compile + result.interpretation) * 1e3:,.1f}",
        )
        for result in report.results
    ]
    return _table(("segment", "users#", "share#", "errors#", "mode", "own ms#"), rows)


def reasons_table(report: CountReport) -> Table:
    """Why users are errors, of a report that was asked for it."""
    rows = [
        (
            " ".join(result.name.split()) if place == 0 else "",
            _number(reason.rows),
            reason.reason,
            f"row {reason.row:,}" if reason.user_id is None else str(reason.user_id),
        )
        for result in report.results
        for place, reason in enumerate(result.reasons or ())
    ]
    return _table(("segment", "errors#", "reason", "for example"), rows)


def reach_table(report: CountReport) -> Table:
    """The reach matrices, of a report that was asked for them: a row without consent, and one with it."""
    rows = []
    for result in report.results:
        for consent in (False, True):
            counts = {cell.channel: _number(cell.user_count) for cell in result.reach or () if cell.consent is consent}
            if counts:
                name = "" if consent else " ".join(result.name.split())
                rows.append((name, "with" if consent else "without", *counts.values()))
    return _table(("segment", "consent", "any#", "email#", "sms#", "pass push#"), rows)


def summary(report: CountReport) -> str:
    """What a report's counts belong to, and where the time went: compiling, the scan that all share, interpreting."""
    now = report.now.isoformat().replace("+00:00", "Z")
    shared = max((result.shared_by for result in report.results), default=0)
    scan = f"one scan for all {shared:,} {report.scan:.2f} s" if shared > 1 else f"scan {report.scan:.2f} s"
    times = [f"compiling {report.compile:.2f} s", scan]
    if report.interpretation:
        times.append(f"interpreting {report.interpretation:.2f} s")
    whole = f"{report.rows:,} users in {report.snapshot}; now {now}"
    return f"{whole}; {report.duration:.2f} s: {', '.join(times)}"


def interpretation_lines(
    interpreted: Sequence[PlannedInterpretation], rows: int, budget: Budget, most: int = _MOST_CLAUSES
) -> list[str]:
    """What will be interpreted, on how many users at most, and what that may cost; of many clauses the first."""
    by_clause: dict[tuple[str, str], list[str]] = {}
    for one in interpreted:
        by_clause.setdefault((one.clause, one.reason), []).append(one.name)
    conditions = len({one.name for one in interpreted})
    subject = f"{conditions:,} conditions are" if conditions > 1 else "A condition is"
    lines = [f"{subject} interpreted in part or whole, on at most {rows:,} users each; the budget of each: {budget}."]
    for (clause, reason), names in list(by_clause.items())[:most]:
        lines.append(f"  {_of_names(names, clause)}`{_on_one_line(clause)}`, since {reason}")
    if len(by_clause) > most:
        lines.append(f"  and {len(by_clause) - most:,} more clauses; cellar explain --file shows all")
    return lines


def _of_names(names: Sequence[str], clause: str) -> str:
    """In which conditions a clause stands; nothing where it is the whole of one that has no name."""
    if list(names) == [clause]:
        return ""
    first = _on_one_line(names[0])
    return f"{first}: " if len(names) == 1 else f"{first} and {len(names) - 1:,} more: "


def _on_one_line(text: str) -> str:
    return shorten(text, _LINE, placeholder=" …")


def comparison_table(compared: Mapping[str, Comparison]) -> Table:
    """Conditions, by name, interpreted and compiled."""
    rows = [
        (
            " ".join(name.split()),
            one.mode,
            f"{one.sampled:,}",
            f"{one.interpreted:.2f}",
            f"{one.interpreted_per_user * 1e6:,.1f}",
            f"{one.users:,}",
            f"{one.compiled:.2f}",
            f"{one.compiled_per_user * 1e6:,.3f}",
            "" if one.factor is None else f"{one.factor:,.0f} x",
            "yes" if one.equal else "NO",
        )
        for name, one in compared.items()
    ]
    heads = ("segment", "mode", "interpreted#", "s#", "µs/user#", "counted#", "s#", "µs/user#", "factor#", "equal")
    return _table(heads, rows)


def comparison_summary(report: ComparisonReport) -> list[str]:
    """What a comparison comes to for all conditions and users."""
    now = report.now.isoformat().replace("+00:00", "Z")
    lines = [f"{report.rows:,} users in {report.snapshot}; now {now}"]
    if report.together is not None:
        lines.append(
            f"All {len(report.compared):,} in one pass: {report.together:.2f} s; the interpreter, at the pace of the "
            f"samples: {report.interpreting_all:,.0f} s, which is {report.interpreting_all / report.together:,.0f} x."
        )
    return lines


def description_table(description: Description) -> Table:
    """The variables of a snapshot, and below each the fields of its structs."""
    rows: list[tuple[str, ...]] = []
    for column in description.columns:
        nulls = "" if column.nulls is None else _share(column.nulls, description.rows)
        type_ = column.type or f"unusable: {column.column_type}"
        rows.append((column.variable or column.name, type_, nulls, ", ".join(column.examples)))
        rows += _field_rows(column.fields)
    return _table(("variable", "type", "nulls#", "examples"), rows)


def description_notes(description: Description) -> list[str]:
    """What there is to know besides the table: what the snapshot is, and which columns conditions cannot use."""
    lines = [f"{description.rows:,} users in {description.snapshot}, {description.format}"]
    for column in description.columns:
        if column.type is None:
            lines.append(f"The column '{column.name}' is of type {column.column_type}: conditions cannot use it.")
        elif column.variable is None:
            lines.append(f"The column '{column.name}' cannot be written in a condition: rename it.")
    if description.format == "CSV":
        lines.append(
            "The types are inferred. Set one that is wrong with --schema COLUMN=TYPE, such as --schema age=int."
        )
    return lines


def _field_rows(fields: Sequence[FieldDescription], depth: int = 1) -> list[tuple[str, ...]]:
    from .description import field_name

    rows: list[tuple[str, ...]] = []
    for field in fields:
        rows.append(
            (f"{'  ' * depth}.{field_name(field.name) or field.name}", field.type, "", ", ".join(field.examples))
        )
        rows += _field_rows(field.fields, depth + 1)
    return rows


def facts(explanation: Explanation) -> list[str]:
    """What an explanation comes to: the type, the mode and the columns read."""
    columns = ", ".join(f"{name} ({type_})" for name, _, type_ in explanation.columns)
    return [f"type     {explanation.type}", f"mode     {explanation.mode}", f"columns  {columns or 'none'}"]


def warning_lines(warnings: Sequence[ConditionWarning]) -> list[str]:
    """Warnings, each after an empty line."""
    return [line for warning in warnings for line in ("", *warning.text.splitlines())]


def explanation_lines(explanation: Explanation, rows: int, budget: Budget) -> list[str]:
    """The whole of an explanation, over so many users."""
    lines = [*facts(explanation), *warning_lines(explanation.warnings)]
    lines += ["", "Typed tree", *(f"  {line}" for line in _tree_lines(explanation.tree))]
    if explanation.interpreted:
        lines += ["", "Interpreted"]
    for clause in explanation.interpreted:
        place = "" if clause.place == clause.text else f", in: {clause.place}"
        lines += [f"  {clause.text}", f"    because {clause.reason}{place}"]
    if explanation.interpreted:
        lines.append(f"  on at most {rows:,} users; the budget: {budget}")
    if explanation.expression is None:
        return lines
    lines += ["", "Polars expressions"]
    for reduction in explanation.reductions:
        lines.append(f"  {reduction.name} is {reduction.kind} over {reduction.over}")
        lines += [f"    {name}: {text}" for name, text in reduction.expressions.items()]
    lines.append(f"  value: {explanation.expression}")
    return lines if explanation.error is None else [*lines, f"  error: {explanation.error}"]


def _tree_lines(node: ExplainedNode, before: str = "", below: str = "") -> list[str]:
    why = "" if node.interpreted is None else f"  interpreted: {node.interpreted}"
    lines = [f"{before}{node.text} : {node.type}  [{node.kind}]{why}"]
    for place, child in enumerate(node.children, 1):
        last = place == len(node.children)
        lines += _tree_lines(child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))
    return lines


_WAYS = {
    "dictionary": "by their distinct texts",
    "elements": "by the elements of their lists, all at once",
    "thresholds": "by the ranges that the constants make",
    "narrowing": "in the narrowest type that holds the values",
}


def plan_lines(plan: PlanExplanation) -> list[str]:
    """How conditions are answered in one pass, in words."""
    conditions = sum(plan.modes.values()) + len(plan.refused)
    modes = [f"{count:,} {mode}" for mode, count in plan.modes.items()]
    if plan.refused:
        modes.append(f"{len(plan.refused):,} refused")
    lines = [
        f"{_counted(conditions, 'condition')} over {plan.rows:,} users in {plan.snapshot}: {', '.join(modes)}.",
    ]
    if plan.atoms:
        lines.append(
            f"The compiled ones are made of {_counted(plan.atom_uses, 'comparison')} and calls, {plan.atoms:,} of them "
            "distinct: each is answered once."
        )
    if plan.shared_atoms:
        lines.append(f"{plan.shared_atoms:,} are shared by several conditions, such as:")
        lines += [f"  by {atom.conditions:,}: {atom.text}" for atom in plan.most_shared]
    lines.append(f"{_counted(len(plan.columns), 'column')} of {plan.all_columns:,} are read, once for all conditions:")
    lines += [f"  {one.name}" + (f": only {', '.join(one.parts)}" if one.parts else "") for one in plan.columns]
    by_way: dict[str, list[str]] = {}
    for encoding in plan.encodings:
        by_way.setdefault(encoding.way, []).append(encoding.column)
    lines += [f"Answered {_WAYS.get(way, way)}: {', '.join(columns)}." for way, columns in by_way.items()]
    lines += [
        f"The lists of {one.column} are flattened once, for {_counted(one.macros, 'macro')}." for one in plan.lists
    ]
    if plan.interpreted:
        lines += interpretation_lines(plan.interpreted, plan.rows, plan.budget, len(plan.interpreted))
    if plan.refused:
        lines.append("Not compiled:")
        lines += [f"  {line}" for message in plan.refused.values() for line in message.splitlines()]
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def reference_table(entries: Iterable[Entry]) -> Table:
    """Functions, each with the first sentence of its documentation."""
    rows = [(entry.name, entry.kind, f"{entry.documentation.split('. ')[0].rstrip('.')}.") for entry in entries]
    return _table(("name", "kind", "what it does"), rows)


def entry_lines(entry: Entry) -> list[str]:
    """All that there is to know about one function."""
    lines = [f"{entry.name} ({entry.kind})", *(f"  {signature}" for signature in entry.signatures), ""]
    lines += [f"  {line}" for line in wrap(entry.documentation, _LINE)]
    if entry.errors:
        lines += ["", "  Errors", *(f"    {error}" for error in entry.errors)]
    if entry.examples:
        width = max(len(expression) for expression, _ in entry.examples)
        lines += ["", "  Examples", *(f"    {expression:{width}}  = {value}" for expression, value in entry.examples)]
    return [*lines, ""]


def _table(heads: Sequence[str], rows: Iterable[tuple[str, ...]]) -> Table:
    """A table; a head that ends in ``#`` is that of numbers."""
    return Table(tuple(TableColumn(head.rstrip("#"), head.endswith("#")) for head in heads), tuple(rows))


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _share(part: int, whole: int) -> str:
    """A share in percent: 0 only where there is nothing, and 100 only where it is all."""
    if not part or not whole:
        return "0 %"
    percent = 100 * part / whole
    return "100 %" if part == whole else "<0.1 %" if percent < 0.1 else f"{min(percent, 99.9):.1f} %"
