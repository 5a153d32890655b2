"""Warnings that fail a test: those of our own modules, however they are attributed, and of no other package."""

import warnings

import pytest

OURS = ("sweep", "sweep.spec.grid", "bench.tables", "test_warnings", "/home/sweep/sweep/kernel/plan", "sweep/api")
OTHERS = (
    "pyparsing.core",
    "sweepstakes",
    "distributed.test_client",
    "/home/sweep/.venv/lib/python3.11/site-packages/numba/core",
)


@pytest.mark.parametrize("module", OURS)
def test_a_warning_of_ours_is_an_error(module: str) -> None:
    with pytest.raises(DeprecationWarning, match="old"):
        warnings.warn_explicit("old", DeprecationWarning, "file", 1, module)


@pytest.mark.parametrize("module", OTHERS)
def test_a_warning_of_another_package_is_only_reported(module: str) -> None:
    with warnings.catch_warnings(record=True) as reported:
        warnings.warn_explicit("old", DeprecationWarning, "file", 1, module)
    assert len(reported) == 1


def test_a_warning_is_attributed_to_the_module_that_it_is_raised_in() -> None:
    with pytest.raises(DeprecationWarning, match="old"):
        exec("import warnings; warnings.warn('old', DeprecationWarning)", {"__name__": "sweep.api"})
    with warnings.catch_warnings(record=True) as reported:
        exec("import warnings; warnings.warn('old', DeprecationWarning)", {"__name__": "pyparsing"})
    assert len(reported) == 1
