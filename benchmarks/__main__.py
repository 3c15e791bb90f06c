"""``make bench``: the benchmarks in one table, JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from .compiling import compile_times
from .many import many, snapshot
from .measure import Timing
from .processes import processes


@click.command()
@click.option("--users", default=1_000_000, show_default=True, help="Users in the snapshot.")
@click.option("--conditions", "numbers", multiple=True, type=int, default=(1, 10, 100, 1_000), show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Rounds of each comparison; medians are shown.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
def main(users: int, numbers: tuple[int, ...], rounds: int, folder: Path) -> None:
    """Measure Cellar beside its peers; every ratio is taken within one run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = snapshot(folder, users)
    rows = [(f"{number} conditions", many(path, number, rounds)) for number in numbers]
    rows += [(f"process: {condition}", timings) for condition, timings in processes(path, rounds).items()]
    console = Console()
    console.print(_compared(rows, users))
    compiling = compile_times()
    console.print(_compiling(compiling))
    written = folder / "benchmarks.json"
    written.write_text(json.dumps({"users": users, "timings": _plain(rows), "compiling": compiling}, indent=1))
    console.print(f"The figures are in {written}.")


def _compared(rows: list[tuple[str, dict[str, Timing]]], users: int) -> Table:
    table = Table("what", "who", "median s", "times Cellar", title=f"{users:,} users")
    for name, timings in rows:
        ours = timings["cellar"]
        for who, timing in timings.items():
            table.add_row(name, who, f"{timing.median:.3f}", f"{ours.ratio(timing):.2f}")
    return table


def _compiling(times: dict[str, tuple[float, float]]) -> Table:
    table = Table("condition", "Cellar, text to expressions, ms", "cel-cpp, compile, ms", title="Compiling")
    for name, (ours, theirs) in times.items():
        table.add_row(name, f"{ours * 1e3:.3f}", f"{theirs * 1e3:.3f}")
    return table


def _plain(rows: list[tuple[str, dict[str, Timing]]]) -> dict[str, dict[str, tuple[float, ...]]]:
    return {name: {who: timing.seconds for who, timing in timings.items()} for name, timings in rows}


if __name__ == "__main__":
    main()
