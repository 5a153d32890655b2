"""The page about scale: its example runs, its numbers are those measured, simulated workers wait as real ones do."""

import re
import tomllib

import pytest

import sweep
from bench import many_cores, scale, tables
from sweep.spec.experiment import load


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", scale.PAGE.read_text(), re.DOTALL)
    experiment = tomllib.loads(example)
    assert load(experiment).n_runs == 10**9
    result = sweep.run(experiment, overrides=["seeds=1000"])
    assert result.counts["n"].sum() == 1000


def test_the_page_has_what_was_measured() -> None:
    costs = tables.read_rows(scale.TABLE, scale.Cost)
    text = scale.PAGE.read_text()
    assert scale.with_block(text, scale.block(costs)) == text
    assert len(costs) == len(scale.EXPERIMENTS) * len(scale.KEPT)


def test_workers_share_chunks_and_wait_for_writers() -> None:
    recorded = many_cores.Recorded([1.0] * 8, [0.25] * 8, 3.0)
    one = many_cores.simulated(recorded, 1)
    assert one.seconds == pytest.approx(8 + 0.25 + 3)
    assert one.limit == "training"
    assert many_cores.simulated(recorded, 2).seconds == pytest.approx(4 + 0.25 + 3)
    many = many_cores.simulated(recorded, 8)
    assert many.seconds == pytest.approx(1 + 0.25 + 3)
    assert many.limit == "tables"
    sixteen = many_cores.simulated(many_cores.Recorded([1.0] * 16, [0.25] * 16, 3.0), 16)
    assert sixteen.seconds == pytest.approx(1 + 2 * 0.25 + 3)


def test_finished_chunks_that_wait_for_the_writer_hold_workers_up() -> None:
    recorded = many_cores.Recorded([1.0] * 12, [10.0] * 12, 0.0)
    found = many_cores.simulated(recorded, 1)
    assert found.seconds == pytest.approx(1 + 12 * 10)
    assert found.limit == "writing chunks"
