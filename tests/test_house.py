"""Sizes of files, functions and folders in `sweep/`: what a reader holds in mind at once."""

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "sweep"
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60
FILES_OF_A_FOLDER = 12
SOURCES = {".py", ".js", ".css", ".html", ".mplstyle"}

Measure = Callable[[Path], dict[str, int]]

# Exceptions, each with its reason; one that is no longer needed fails.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {"cli.py: run": "options of a command are its parameters, each with its help"}
FULL_FOLDERS: dict[str, str] = {}


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Count lines of code: neither those of the docstring, nor blank ones, nor comments."""
    documented = ast.get_docstring(function) is not None
    text = range(function.body[0].lineno, (function.body[0].end_lineno or 0) + 1) if documented else range(0)
    numbers = range(function.lineno, (function.end_lineno or 0) + 1)
    return sum(
        bool(line := source[number - 1].strip()) and not line.startswith("#")
        for number in numbers
        if number not in text
    )


def files(root: Path) -> dict[str, int]:
    return {
        path.relative_to(root).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in root.rglob("*.py")
    }


def functions(root: Path) -> dict[str, int]:
    found: Counter[str] = Counter()
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{path.relative_to(root).as_posix()}: {node.name}"
                found[name] = max(found[name], lines(node, text.splitlines()))
    return found


def folders(root: Path) -> dict[str, int]:
    return Counter(
        path.parent.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.suffix in SOURCES and path.name != "__init__.py"  # which only says what the room is for
    )  # of sweep/ itself: "."


MEASURES = [
    (files, LINES_OF_A_FILE, LONG_FILES),
    (functions, LINES_OF_A_FUNCTION, LONG_FUNCTIONS),
    (folders, FILES_OF_A_FOLDER, FULL_FOLDERS),
]


@pytest.mark.parametrize(("measure", "limit", "exceptions"), MEASURES)
def test_nothing_is_too_large_but_for_what_is_named_with_its_reason(
    measure: Measure, limit: int, exceptions: dict[str, str]
) -> None:
    too_large = {name: size for name, size in measure(HOUSE).items() if size > limit}
    assert too_large.keys() == exceptions.keys(), too_large


@pytest.mark.parametrize(("measure", "limit"), [limited[:2] for limited in MEASURES])
def test_one_more_than_is_allowed_is_found(measure: Measure, limit: int, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    body = '    """One.\n\n    Two.\n    """\n\n    # three\n' + "    pass\n" * (LINES_OF_A_FUNCTION - 1)
    comments = "#\n" * (LINES_OF_A_FILE - LINES_OF_A_FUNCTION - 6)
    (tmp_path / "room/code.py").write_text(f"def function():\n{body}{comments}")
    for number in range(FILES_OF_A_FOLDER - 1):
        (tmp_path / f"room/{number}.js").touch()
    assert max(measure(tmp_path).values()) == limit
    text = (tmp_path / "room/code.py").read_text()
    (tmp_path / "room/code.py").write_text(text.replace("pass\n", "pass\n    pass\n", 1))
    (tmp_path / "room/page.css").touch()
    assert max(measure(tmp_path).values()) == limit + 1
