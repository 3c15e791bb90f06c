"""``make bench``: the benchmarks in tables, with JSON and plots beside them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import perf_counter

import click
from rich.console import Console

from commands.memory import keep_memory

from . import agreement, compiling, growth, interpreted, many, memory, nested, plain, processes, report, switches
from .bars import verdicts
from .measure import Figure, Setting
from .plots import write_plot

SERIES: Mapping[str, Callable[[Setting], Iterable[Figure]]] = {
    many.SERIES: many.many,
    growth.SERIES: growth.growth,
    plain.SERIES: plain.plain,
    nested.SERIES: nested.nested,
    interpreted.SERIES: interpreted.interpreted,
    switches.SERIES: switches.switches,
    compiling.SERIES: compiling.compiling,
    processes.SERIES: processes.processes,
    memory.SERIES: memory.memory,
    agreement.SERIES: agreement.agreement,
}
_WIDTH = 150
"""Characters of a line where no terminal tells how many it has."""
PEERS = ("polars", "duckdb", "datafusion", "pycel2sql", "cel-python", "cel-cpp")


@click.command()
@click.option("--only", type=click.Choice(list(SERIES)), multiple=True, help="Series to run.  [default: all]")
@click.option("--users", type=click.IntRange(1), multiple=True, default=(100_000, 1_000_000), show_default=True)
@click.option(
    "--conditions", type=click.IntRange(1), multiple=True, default=(1, 10, 100, 1_000, 10_000), show_default=True
)
@click.option(
    "--peers", type=click.Choice(PEERS), multiple=True, default=PEERS, help="Who is compared.  [default: all]"
)
@click.option("--sample", type=click.IntRange(1), default=100, show_default=True, help="Users for cel-python and -cpp.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Of which medians are shown.")
@click.option("--patience", default=5.0, show_default=True, help="Seconds; of what takes longer, one run is enough.")
@click.option(
    "--longest", default=120.0, show_default=True, help="Seconds; what is expected to take longer is left out."
)
@click.option("--snapshots", type=click.Path(path_type=Path), default=Path("demo"), show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path), default=Path("demo/benchmarks"), show_default=True, help="Folder."
)
def main(  # noqa: PLR0917  (click gives them by their names)
    only: tuple[str, ...],
    users: tuple[int, ...],
    conditions: tuple[int, ...],
    peers: tuple[str, ...],
    sample: int,
    rounds: int,
    patience: float,
    longest: float,
    snapshots: Path,
    output: Path,
) -> None:
    """Measure Cellar beside its peers; every ratio is taken within one run."""
    keep_memory()
    for folder in (snapshots, output):
        folder.mkdir(parents=True, exist_ok=True)
    setting = Setting(
        snapshots, tuple(sorted(users)), tuple(sorted(conditions)), frozenset(peers), sample, rounds, patience, longest
    )
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    console.print(f"On {report.measured_on()}.")
    figures: list[Figure] = []
    for name in only or SERIES:
        start = perf_counter()
        found = list(SERIES[name](setting))
        figures += found
        console.print(report.table(name, found))
        console.print(f"{name}: {perf_counter() - start:.0f} s")
        write_plot(name, found, output)
        _write(output / "figures.json", figures)
    console.print(report.bars(verdicts(figures)))
    console.print(f"The figures and plots are in {output}.")


def _write(path: Path, figures: list[Figure]) -> None:
    path.write_text(json.dumps(report.as_json(figures, verdicts(figures)), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
