"""The house's rules on files and imports (design, section 5): imports only point down, and no file grows too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# From the lowest floor to the highest; a module belongs to the longest name that it starts with. What the functions are
# declared with lies below them, though it is part of the compiler.
FLOORS = (
    ("compiler.cell", "compiler.diagnostics", "compiler.source", "compiler.types", "compiler.values"),
    ("compiler.functions",),
    ("compiler",),
    ("engine",),
    ("api",),
    ("cli", "commands"),
)
LEVELS = {name: level for level, names in enumerate(FLOORS) for name in names}
PACKAGES = ("api", "commands", "compiler", "engine")

MOST_LINES = 600


@dataclass(frozen=True, slots=True)
class Import:
    """One module imported by another; ``running`` unless it is for the type checker alone."""

    importer: str
    place: str
    target: str
    relative: bool
    running: bool


def test_imports_only_point_down() -> None:
    imports = list(all_imports(ROOT))
    assert {"compiler", "compiler.functions"} <= {i.importer.rpartition(".")[0] for i in imports}, "found no imports"
    assert broken_import_rules(imports) == []


def test_no_module_imports_itself_through_others() -> None:
    assert import_cycle(all_imports(ROOT)) == []


def test_no_file_is_too_long() -> None:
    assert long_files(ROOT) == []


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        pytest.param(
            {"compiler/check.py": "from .ir import Call", "compiler/ir.py": "from .functions.declare import Overload"},
            [],
            id="downwards",
        ),
        pytest.param(
            {"compiler/check.py": "import engine.plan"},
            ["compiler/check.py:1 imports engine.plan, which is on a higher floor"],
            id="upwards",
        ),
        pytest.param(
            {"engine/plan.py": "def f():\n    from api import settings"},
            ["engine/plan.py:2 imports api, which is on a higher floor"],
            id="upwards in a function",
        ),
        pytest.param(
            {"api/app.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cli"},
            ["api/app.py:3 imports cli, which is on a higher floor"],
            id="upwards for the type checker",
        ),
        pytest.param(
            {"compiler/functions/strings.py": "from ..ir import Call", "compiler/ir.py": ""},
            ["compiler/functions/strings.py:1 imports compiler.ir, which is on a higher floor"],
            id="from the functions into the compiler",
        ),
        pytest.param(
            {
                "compiler/functions/strings.py": "from .. import types, lower",
                "compiler/types.py": "",
                "compiler/lower.py": "",
            },
            ["compiler/functions/strings.py:1 imports compiler.lower, which is on a higher floor"],
            id="modules of a package",
        ),
        pytest.param(
            {"compiler/types.py": "from .functions import CATALOGUE"},
            ["compiler/types.py:1 imports compiler.functions, which is on a higher floor"],
            id="from what declares functions to them",
        ),
        pytest.param(
            {"compiler/check.py": "from compiler.ir import Call"},
            ["compiler/check.py:1 imports compiler.ir by its absolute name, inside its own package"],
            id="absolute inside a package",
        ),
        pytest.param(
            {"engine/plan.py": "from ..compiler import ir", "compiler/ir.py": ""},
            ["engine/plan.py:1 imports compiler.ir by a relative name, across floors"],
            id="relative across floors",
        ),
    ],
)
def test_broken_import_rules_are_found(tmp_path: Path, files: Mapping[str, str], broken: list[str]) -> None:
    write(tmp_path, files)
    assert broken_import_rules(all_imports(tmp_path)) == broken


@pytest.mark.parametrize(
    ("files", "cycle"),
    [
        pytest.param(
            {"engine/a.py": "from . import b", "engine/b.py": "def f():\n    from .a import x"},
            {"engine.a", "engine.b"},
            id="two modules",
        ),
        pytest.param(
            {"engine/__init__.py": "from .a import x", "engine/a.py": "import engine"},
            {"engine", "engine.a"},
            id="a package and its module",
        ),
        pytest.param(
            {
                "engine/a.py": "import typing\nif typing.TYPE_CHECKING:\n    from . import b",
                "engine/b.py": "from . import a",
            },
            set(),
            id="not when running",
        ),
    ],
)
def test_cycles_are_found(tmp_path: Path, files: Mapping[str, str], cycle: set[str]) -> None:
    write(tmp_path, files)
    assert set(import_cycle(all_imports(tmp_path))) == cycle


def test_long_files_are_found(tmp_path: Path) -> None:
    write(tmp_path, {"cli.py": "x = 1\n" * (MOST_LINES + 1), "tests/test_cli.py": "x = 1\n" * MOST_LINES})
    assert long_files(tmp_path) == [f"cli.py has {MOST_LINES + 1} lines"]


def all_imports(root: Path) -> Iterator[Import]:
    """Every import of the house's own modules by each other, wherever in a file it stands."""
    paths = {module_name(root, path): path for path in sources(root, *PACKAGES)}
    for importer, path in paths.items():
        package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
        for node, running in import_statements(ast.parse(path.read_text(encoding="utf-8")), running=True):
            place = f"{path.relative_to(root)}:{node.lineno}"
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            else:
                base = absolute_name(package, node)
                parts = [f"{base}.{alias.name}".removeprefix(".") for alias in node.names]
                targets = sorted({part if part in paths else base for part in parts})
            relative = isinstance(node, ast.ImportFrom) and node.level > 0
            for target in targets:
                if level(target) is not None:
                    yield Import(importer, place, target, relative, running)


def import_statements(node: ast.AST, *, running: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """The import statements under a node, and whether each is carried out when the program runs."""
    for field, value in ast.iter_fields(node):
        guarded = isinstance(node, ast.If) and field == "body" and is_type_checking(node.test)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Import | ast.ImportFrom):
                yield child, running and not guarded
            elif isinstance(child, ast.AST):
                yield from import_statements(child, running=running and not guarded)


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def absolute_name(package: str, node: ast.ImportFrom) -> str:
    """The absolute name of the module that a ``from`` import names; each dot after the first goes up by one package."""
    kept = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
    return ".".join([*kept, *([node.module] if node.module else [])])


def broken_import_rules(imports: Iterator[Import] | list[Import]) -> list[str]:
    """What breaks the rules: down only, relative inside a package, absolute across."""
    broken = []
    for i in imports:
        inside = i.importer.partition(".")[0] == i.target.partition(".")[0]
        if (level(i.target) or 0) > (level(i.importer) or 0):
            broken.append(f"{i.place} imports {i.target}, which is on a higher floor")
        if inside and not i.relative:
            broken.append(f"{i.place} imports {i.target} by its absolute name, inside its own package")
        if i.relative and not inside:
            broken.append(f"{i.place} imports {i.target} by a relative name, across floors")
    return broken


def import_cycle(imports: Iterator[Import]) -> list[str]:
    """The modules of one cycle of imports that are carried out when the program runs; empty if there is none."""
    graph: dict[str, set[str]] = {}
    for i in imports:
        if i.running and i.target != i.importer:
            graph.setdefault(i.importer, set()).add(i.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def long_files(root: Path) -> list[str]:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(root, *PACKAGES, "benchmarks", "tests")
    }
    return [f"{path.relative_to(root)} has {lines} lines" for path, lines in lengths.items() if lines > MOST_LINES]


def level(module: str) -> int | None:
    """The floor of a module; None for one that is not of this house."""
    while module:
        if module in LEVELS:
            return LEVELS[module]
        module = module.rpartition(".")[0]
    return None


def module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(root: Path, *folders: str) -> list[Path]:
    """The Python files of the folders, and the modules beside them."""
    return sorted([*root.glob("*.py"), *(path for folder in folders for path in (root / folder).rglob("*.py"))])


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
