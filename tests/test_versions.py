"""Versions of other packages: the ranges of pyproject.toml, and the lock within them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CLONE = Path(__file__).parents[1]
LOCKS = sorted(CLONE.glob("requirements-*.lock"))


def requirements(*extras: str) -> list[Requirement]:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    return [
        Requirement(text) for text in (*project["dependencies"], *(text for name in extras for text in optional[name]))
    ]


def test_every_requirement_of_a_run_and_of_the_tests_has_a_lowest_version() -> None:
    for requirement in requirements("dask", "test"):
        assert [bound.operator for bound in requirement.specifier].count(">=") == 1, requirement


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_one_version_of_every_package_and_no_address(lock: Path) -> None:
    comment, *lines = lock.read_text().splitlines()
    assert comment.startswith("#")
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    locked = {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}
    assert len(locked) == len(lines)
    for requirement in requirements("dask", "test", "check"):
        assert requirement.specifier.contains(locked[requirement.name]), requirement


def test_numba_is_allowed_up_to_the_newest_minor_version_of_a_lock() -> None:
    (numba,) = (requirement.specifier for requirement in requirements() if requirement.name == "numba")
    newest = max(int(minor) for lock in LOCKS for minor in re.findall(r"^numba==0\.(\d+)", lock.read_text(), re.M))
    assert numba.contains(f"0.{newest}.9") and not numba.contains(f"0.{newest + 1}.0")
