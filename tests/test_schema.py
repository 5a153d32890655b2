"""Names stated once: columns of the tables, order of parameters, places of runs."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.spec import models
from sweep.spec.experiment import load
from sweep.spec.schema import ANSWERS, CURVES, OUTCOME, QUANTILES, SUMMARY, quantile_ranks


def test_tables_have_the_columns_of_the_schema(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    columns = load(mixed).columns
    assert tuple(mixed_result.runs.columns) == ("run", *columns, "seed", *OUTCOME, ANSWERS)
    assert tuple(mixed_result.summary.columns) == (*columns, *SUMMARY)
    assert mixed_result.curves is not None
    assert tuple(mixed_result.curves.columns) == CURVES


@given(st.integers(1, 1000))
def test_a_quantile_is_the_smallest_value_that_so_many_percent_do_not_exceed(n: int) -> None:
    for percent, rank in zip(QUANTILES, quantile_ranks(n), strict=True):
        assert (rank + 1) * 100 >= percent * n > rank * 100


@given(st.integers(1, 8), st.integers(0, 32), st.booleans())
def test_parameters_follow_each_other_and_have_their_names(n_inputs: int, hidden: int, shortcut: bool) -> None:
    names = models.weight_names(n_inputs, hidden, shortcut)
    parts = models.parts(n_inputs, hidden, shortcut)
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
    assert models.n_params(n_inputs, hidden, shortcut) == len(names) == len(set(names))
    for part, first in zip(parts, ("W1[", "b1[", "w2[", "u[" if hidden else "w", "b"), strict=True):
        assert all(name.startswith(first) for name in names[part])
    assert (parts.u.stop - parts.u.start) == (n_inputs if shortcut or not hidden else 0)


def test_a_run_has_its_place_and_its_setting(mixed: dict[str, Any], mixed_result: sweep.Result) -> None:
    experiment = load(mixed)
    assert experiment.locate(0) == (0, 0, 0)
    assert experiment.locate(126) == (1, 126, 0)
    assert experiment.locate(experiment.n_runs - 1) == (3, 138, 11)
    for row in mixed_result.runs.astype(object).to_dict("records"):
        setting = experiment.setting(row["run"])
        assert {key: setting[key] for key in (*experiment.columns, "seed")} == {
            key: row[key] for key in (*experiment.columns, "seed")
        }
    for beyond in (-1, experiment.n_runs):
        with pytest.raises(ValueError, match="allowed: 0 to 149"):
            experiment.locate(beyond)


@given(st.sets(st.integers(0, 149)))
def test_runs_are_cut_by_grid(mixed: dict[str, Any], runs: set[int]) -> None:
    experiment = load(mixed)
    places = experiment.by_grid(np.array(sorted(runs), np.int64))
    located = [experiment.locate(run) for run in sorted(runs)]
    assert [(place.number, place.first, within) for place in places for within in place.within.tolist()] == located
