"""Experiment files: what is read, and the one clear message for everything that is not."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweep
from sweep.errors import ExperimentError
from sweep.spec.experiment import load
from sweep.spec.keys import KEYS
from sweep.spec.schema import TAKEN

FILE = """
question = "Which gates?"
[grid]
gate = ["AND", "XOR"]
learning_rate = { from = 0.1, to = 10, num = 3, scale = "log" }
init = "uniform(0,1)"
seeds = 10
[train]
max_epochs = 100
"""
UNION = """
[[grid]]
gate = "AND"
learning_rate = [1, 2]
[[grid]]
encoding = "pm1"
learning_rate = 3
gate = "OR"
seeds = 5
"""
GRID = {"gate": "AND", "learning_rate": 1}


def written(folder: Path, text: str) -> Path:
    path = folder / "gates.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(source, overrides=()) -> str:
    with pytest.raises(ExperimentError) as caught:
        load(source, overrides)
    return str(caught.value)


def test_a_file(tmp_path: Path):
    experiment = load(written(tmp_path, FILE))
    assert experiment.name == "gates"
    assert experiment.question == "Which gates?"
    assert experiment.columns == ("gate", "learning_rate", "init")
    assert (experiment.n_points, experiment.n_runs) == (6, 60)
    assert experiment.train.model_dump() == {
        "max_epochs": 100,
        "target_loss": 0.01,
        "target_error": None,
        "early_stop": True,
        "record_every": 0,
        "detect_stationary": True,
        "restart_after": 0,
        "last_losses": 0,
    }


def test_a_dict_may_hold_numpy_and_is_not_changed():
    source = {"grid": {"gate": ("AND", "OR"), "learning_rate": np.array([1, 2]), "seeds": np.int64(3)}}
    experiment = load(source, ["seeds=4", "learning_rate=[5, 6]"])
    assert experiment.name == "sweep"
    assert experiment.grids[0].values["learning_rate"] == (5.0, 6.0)
    assert experiment.n_runs == 16
    assert source["grid"]["seeds"] == 3


def test_a_union_has_the_columns_of_all_its_grids(tmp_path: Path):
    experiment = load(written(tmp_path, UNION))
    assert experiment.columns == ("gate", "learning_rate", "encoding", "init")
    assert [grid.n_runs for grid in experiment.grids] == [2, 5]
    assert (experiment.n_points, experiment.n_runs) == (3, 7)


def test_target_loss_has_a_default_only_where_no_target_is_given():
    assert load({"grid": GRID}).train.target_loss == 0.01
    train = load({"grid": GRID, "train": {"target_error": 0.5}}).train
    assert (train.target_loss, train.target_error) == (None, 0.5)
    train = load({"grid": GRID, "train": {"target_error": 0.5, "target_loss": 0.1}}).train
    assert (train.target_loss, train.target_error) == (0.1, 0.5)


def test_a_table_of_ones_own_is_found_beside_the_file_and_kept_in_resolved(tmp_path: Path):
    (tmp_path / "points.csv").write_text("x,y\n-1.5,0\n2,0.75\n")
    text = '[tables.points]\ncsv = "points.csv"\n[grid]\ngate = ["points", "AND"]\nlearning_rate = 1\n'
    experiment = load(written(tmp_path, text))
    for one in (experiment, load(experiment.resolved())):
        assert one.grids[0].values["gate"] == ("points", "AND")
        np.testing.assert_array_equal(one.table("points", "01").inputs, [[-1.5], [2]])
        np.testing.assert_array_equal(one.table("points", "01").targets, [0, 0.75])
        np.testing.assert_array_equal(one.table("AND", "pm1").inputs[0], [-1, -1])


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path):
    path = tmp_path / "gates.toml"
    path.write_bytes(("\ufeff" + FILE.replace("\n", "\r\n")).encode())
    assert load(path).n_runs == 60


sources = st.fixed_dictionaries(
    {
        "grid": st.lists(
            st.fixed_dictionaries(
                {"learning_rate": st.sampled_from([{"from": 0.1, "to": 3, "num": 4}, [1, 2]])},
                optional={
                    "encoding": st.just("pm1"),
                    "init_scale": st.floats(0.1, 9),
                    "init": st.sampled_from(["zeros", ["he_normal", "constant(2)"]]),
                },
            ),
            min_size=1,
            max_size=3,
        )
    },
    optional={
        "question": st.text(st.characters(blacklist_categories=["Cc", "Cs"])),
        "train": st.sampled_from([{"target_error": 0.5}, {"max_epochs": 5, "record_every": 5}, {"early_stop": False}]),
        "tables": st.just({"mine": {"rows": [[0.1, 0.2, 1], [3, 4, 0]]}}),
    },
)


@given(sources, st.permutations(["all-2", "NOT", "parity-5"]))
def test_resolved_is_json_and_loads_as_the_same_experiment(source, gates):
    for grid, gate in zip(source["grid"], gates, strict=False):
        grid["gate"] = gate
    experiment = load(source)
    resolved = json.loads(json.dumps(experiment.resolved()))
    again = load(resolved)
    assert json.dumps(again.resolved()) == json.dumps(resolved)
    assert (again.grids, again.train, again.columns) == (experiment.grids, experiment.train, experiment.columns)
    assert [list(grid.values) for grid in again.grids] == [list(grid.values) for grid in experiment.grids]


@pytest.mark.parametrize(
    ("override", "place", "expected"),
    [
        ("grid.learning_rate=[0.5, 1]", ("grid", "learning_rate"), [0.5, 1.0]),
        ("learning_rate=0.1", ("grid", "learning_rate"), 0.1),
        ("learning_rate.num=2", ("grid", "learning_rate"), [0.1, 10.0]),
        ("seeds=3", ("grid", "seeds"), {"from": 0, "count": 3}),
        ("seeds={from=7, count=2}", ("grid", "seeds"), {"from": 7, "count": 2}),
        ("gate=or", ("grid", "gate"), "OR"),
        ("gate=0111", ("grid", "gate"), "0111"),
        ("gate=1001", ("grid", "gate"), "1001"),
        ('gate=["AND","OR"]', ("grid", "gate"), ["AND", "OR"]),
        ("init = uniform(0,2)", ("grid", "init"), "uniform(0, 2)"),
        ("encoding=01", ("grid", "encoding"), "01"),
        ("train.max_epochs=7", ("train", "max_epochs"), 7),
        ("target_error=0.5", ("train", "target_error"), 0.5),
        ("early_stop=false", ("train", "early_stop"), False),
        ("question=Why not?", ("question",), "Why not?"),
        ("name=2024", ("name",), "2024"),
    ],
)
def test_overrides(tmp_path: Path, override, place, expected):
    resolved = load(written(tmp_path, FILE), [override]).resolved()
    found = {**resolved, "grid": resolved["grid"][0]}
    for key in place:
        found = found[key]
    assert found == expected


def test_an_override_applies_to_every_grid(tmp_path: Path):
    experiment = load(written(tmp_path, UNION), ["seeds=2", "init=zeros", "init=he_normal"])
    assert [len(grid.seeds) for grid in experiment.grids] == [2, 2]
    assert [grid.values["init"] for grid in experiment.grids] == [("he_normal",)] * 2


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("", {"qestion": "?"}, 'qestion: unknown key (did you mean "question"?); allowed: name, question'),
        ("", {"question": 3}, "question: found 3; allowed: a text"),
        ("", {"name": "../up"}, 'name: found "../up"; allowed: letters'),
        ("", {"grid": 3}, "grid: found 3; allowed: a [grid] table"),
        ("", {"grid": []}, "grid: found []; allowed: a [grid] table"),
        ("", {"train": [1]}, "train: found [1]; allowed: a [train] table"),
        ("", {"tables": {"t": 3}}, "tables: found {t = 3}; allowed: [tables.NAME] tables"),
        ("", {"tables": {"t": {}}}, "tables.t: allowed: either csv or rows"),
        ("", {"tables": {"t": {"csv": "a", "rows": [[0, 1]]}}}, "tables.t: allowed: either csv or rows"),
        ("", {"tables": {"t": {"file": "a"}}}, "tables.t.file: unknown key"),
        ("", {"tables": {"t": {"csv": "none.csv"}}}, "tables.t.csv: none.csv: cannot be read"),
        ("", {"tables": {"t": {"rows": [[0, 1], [None, 0]]}}}, "tables.t.rows: row 2, column 1: found nothing"),
        ("", {"tables": {"Xor": {"rows": [[0, 1]]}}}, 'tables.Xor: "Xor" is the name of a gate'),
        ("", {"columns": ["gate", "init"]}, "columns: found "),
        ("", {"columns": ["gate", "rate", "init"]}, 'columns: "rate": unknown key'),
        ("grid", {"sedes": 1}, 'grid.sedes: unknown key (did you mean "seeds"?); allowed: gate, encoding'),
        ("grid", {"momentum": 0.9}, 'grid: optimizer = "gd" has no momentum'),
        ("grid", {"optimizer": ["adam", "momentum"], "beta2": 0.9}, 'grid: optimizer = "momentum" has no beta2'),
        ("grid", {"optimizer": "adamw"}, 'grid.optimizer: found "adamw"; allowed: "gd", "momentum"'),
        ("grid", {"optimizer": "adam", "beta2": 1}, "grid.beta2: found 1; allowed: a number from 0 to below 1"),
        ("grid", {"hidden": 2, "output": "linear"}, 'grid: loss = "bce" needs a probability, and output = "linear"'),
        ("grid", {"shortcut": True}, "grid: shortcut = true leads past a hidden layer, and hidden = 0 has none"),
        ("grid", {"hidden": [0, 2], "activation": ["tanh", "relu"]}, "grid: several activations of hidden units"),
        ("grid", {"hidden_learning_rate": 1}, "grid: hidden_learning_rate is the rate of a hidden layer"),
        ("grid", {"update": "epoch"}, 'grid.update: found "epoch"; allowed: "batch", "online"'),
        ("grid", {"init": "given"}, 'grid.weights: missing; init = "given" takes a list'),
        ("grid", {"weights": [1, 2, 3]}, 'grid.weights: found weights without init = "given"'),
        ("grid", {"init": "given", "weights": [1, "seeds", 2]}, 'grid.weights: found "seeds"; allowed: finite numbers'),
        ("grid", {"init": "given", "weights": [1, "run", 2], "run": 0}, 'grid.weights: found "run"; allowed: finite'),
        ("grid", {"init": "given", "weights": [1, "x", 2]}, "grid.x: missing; it takes a finite number"),
        ("grid", {"init": "given", "weights": [1, "x", 2], "x": 0, "y": 1}, "grid.y: unknown key"),
        ("grid", {"init": "given", "weights": [1, 2]}, "grid.weights: found 2 weights; "),
        ("grid", {"init": "given", "weights": [1, 2, 3], "seeds": 2}, 'grid.init: "given" ignores the seed'),
        ("grid", {"learning_rate": []}, "grid.learning_rate: found an empty list"),
        ("grid", {"learning_rate": -1}, "grid.learning_rate: found -1; allowed: a number greater than 0"),
        ("grid", {"learning_rate": 0}, "grid.learning_rate: found 0;"),
        (
            "grid",
            {"learning_rate": [1, float("nan")]},
            "found nan; allowed: a number greater than 0, from 1e-300 to 1e300 (value 2 of 2)",
        ),
        ("grid", {"learning_rate": float("inf")}, "grid.learning_rate: found inf;"),
        ("grid", {"learning_rate": 10**400}, "grid.learning_rate: found a number of more than 30 digits;"),
        ("grid", {"learning_rate": True}, "grid.learning_rate: found true;"),
        ("grid", {"learning_rate": "0.1"}, 'grid.learning_rate: found "0.1";'),
        ("grid", {"learning_rate": [[1]]}, "grid.learning_rate: found [1];"),
        ("grid", {"learning_rate": [0.1, 0.1]}, "grid.learning_rate: found 0.1 twice"),
        ("grid", {"seeds": 10**12, "gate": "all-2"}, "grid: 16,000,000,000,000 runs (gate 16 × seeds "),
        ("grid", {"seeds": 0}, "grid.seeds: found 0; allowed: a count"),
        ("grid", {"seeds": True}, "grid.seeds: found true;"),
        ("grid", {"seeds": [[1]]}, "grid.seeds: found [1];"),
        ("grid", {"seeds": {"from": 1}}, "grid.seeds.count: missing"),
        ("grid", {"seeds": {"from": -1, "count": 1}}, "grid.seeds.from: found -1;"),
        ("grid", {"seeds": {"from": 2**32 - 1, "count": 2}}, "grid.seeds: from + count goes beyond 4,294,967,295"),
        ("grid", {"gate": "XORR"}, 'grid.gate: unknown gate "XORR" (did you mean "XOR"?)'),
        ("grid", {"gate": 110}, "grid.gate: found 110; allowed: a gate (FALSE, AND"),
        ("grid", {"gate": ["XOR", "0110"]}, 'grid.gate: found "XOR" and "0110", which are the same runs'),
        ("grid", {"gate": {"from": 1}}, "grid.gate: found {from = 1};"),
        ("grid", {"encoding": "pm"}, 'grid.encoding: found "pm"; allowed: "01" (inputs 0 and 1) or "pm1"'),
        ("grid", {"hidden": 33}, "grid.hidden: found 33; allowed: an integer from 0 (logistic regression) to 32"),
        ("grid", {"hidden": False}, "grid.hidden: found false;"),
        ("grid", {"init": "uniform(1)"}, 'grid.init: found "uniform(1)" with 1 arguments'),
        ("grid", {"init": "normal(0, -1)"}, 'grid.init: found "normal(0, -1)"; allowed: normal(mean, std)'),
        ("grid", {"init": ["he_normal", "zeros"], "seeds": 100}, "100 identical runs, which are not a sample"),
        ("grid", {"init": "constant(1)", "seeds": 2}, 'grid.init: "constant(1)" ignores the seed'),
        ("grid", {"init": ["uniform(0, 1)", "uniform(0.0, 1.0)"]}, 'grid.init: found "uniform(0, 1)" twice'),
        ("grid", {"init_scale": 0}, "grid.init_scale: found 0;"),
        ("train", {"max_epoch": 5}, 'train.max_epoch: unknown key (did you mean "max_epochs"?)'),
        ("train", {"max_epochs": 0}, "train.max_epochs: found 0; allowed: an integer from 1 to 2,147,483,647"),
        ("train", {"max_epochs": 2**31}, "train.max_epochs: found 2147483648;"),
        ("train", {"max_epochs": 1e4}, "train.max_epochs: found 10000.0;"),
        ("train", {"target_loss": 0}, "train.target_loss: found 0; allowed: a number greater than 0"),
        ("train", {"target_loss": float("nan")}, "train.target_loss: found nan;"),
        ("train", {"target_error": -1}, "train.target_error: found -1;"),
        ("train", {"early_stop": 1}, "train.early_stop: found 1; allowed: true or false"),
        ("train", {"record_every": -1}, "train.record_every: found -1;"),
        ("train", {"record_every": 101, "max_epochs": 100}, "train.record_every: found 101; allowed: up to max"),
    ],
)
def test_bad_input_is_one_clear_line(part, change, said):
    source: dict = {"grid": GRID, "train": {}}
    source = {**source, part: {**source[part], **change}} if part else source | change
    message = refusal(source)
    assert message.startswith("the experiment: ")
    assert said in message
    assert len(message.splitlines()) == 1
    for jargon in ("pydantic", "validation error", "Input should", "input_value", "Traceback"):
        assert jargon not in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"num": 0}, ".num: found 0; allowed: an integer, 1 or more"),
        ({"num": 2.5}, ".num: found 2.5;"),
        ({"num": 1}, ": found num = 1; from and to differ"),
        ({"to": 1}, ": found 1.0 twice"),
        ({"n": 2}, ".n: unknown key; allowed: from, to, num, scale"),
        ({"scael": "log"}, '.scael: unknown key (did you mean "scale"?)'),
        ({"scale": "ln"}, '.scale: found "ln"; allowed: "linear" or "log"'),
        ({"from": 0}, ": found 0;"),
        ({"from": 0, "scale": "log"}, ': found from = 0.0, to = 2.0; allowed with scale = "log": both greater than 0'),
        ({"to": -1, "scale": "log"}, "both greater than 0"),
        ({"to": float("nan")}, ".to: found nan; allowed: a finite number"),
        ({"to": "2"}, '.to: found "2"; allowed: a finite number'),
        ({"num": 10**7}, ": found num = 10,000,000; allowed: up to 1,000,000 values on one axis"),
    ],
)
def test_bad_ranges(change, said):
    message = refusal({"grid": {**GRID, "learning_rate": {"from": 1, "to": 2, "num": 2, **change}}})
    assert message.startswith("the experiment: grid.learning_rate")
    assert said in message
    assert len(message.splitlines()) == 1


def test_too_many_runs_are_counted_not_built():
    grid = {"gate": "all-2", "learning_rate": {"from": 1, "to": 2, "num": 10**12}, "seeds": 3}
    assert refusal({"grid": grid}) == (
        "the experiment: grid: 48,000,000,000,000 runs (gate 16 × learning_rate 1,000,000,000,000 × seeds 3); "
        "allowed: up to 2,147,483,647 in one experiment"
    )


@pytest.mark.parametrize("missing", ["gate", "learning_rate"])
def test_required_keys(missing):
    message = refusal({"grid": {key: value for key, value in GRID.items() if key != missing}})
    assert message.startswith(f"the experiment: grid.{missing}: missing; it takes ")


def test_an_empty_experiment():
    assert refusal({}).startswith("the experiment: grid: missing; it takes a [grid] table")


def test_the_first_five_problems_are_reported():
    message = refusal({"grid": {"gate": "ANND", "learning_rate": 0, "init": "x", "init_scale": 0, "a": 1, "b": 2}})
    lines = message.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "the experiment: … and 1 more"


def test_pm1_is_not_for_tables_of_ones_own():
    source = {"grid": {**GRID, "gate": "mine", "encoding": ["01", "pm1"]}, "tables": {"mine": {"rows": [[2, 1]]}}}
    assert 'grid.encoding: "mine" is a table of this experiment' in refusal(source)


def test_gates_may_be_misspelt_tables():
    source = {"grid": {**GRID, "gate": "point"}, "tables": {"points": {"rows": [[2, 1]]}}}
    assert 'unknown gate "point" (did you mean "points"?)' in refusal(source)


def test_a_union_may_not_train_a_run_twice():
    message = refusal({"grid": [{**GRID, "seeds": 5}, {**GRID, "gate": "OR"}, {**GRID, "gate": ["NOT", "0001"]}]})
    assert message == "the experiment: grid: [[grid]] 1 and [[grid]] 3 have runs in common; allowed: each run once"


def test_a_union_counts_together_towards_the_limit():
    message = refusal({"grid": [{**GRID, "seeds": 2**30}, {**GRID, "gate": "OR", "seeds": 2**30}]})
    assert "grid: 2,147,483,648 runs ([[grid]] 1 1,073,741,824 + [[grid]] 2 1,073,741,824)" in message


def test_problems_of_one_grid_among_several_say_which():
    message = refusal({"grid": [GRID, {**GRID, "learning_rate": -1}]})
    assert message.startswith("the experiment: grid.learning_rate: found -1;")
    assert message.endswith("(in [[grid]] 2)")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("learning_rate=-1", "--set learning_rate: found -1; allowed: a number greater than 0"),
        ("learning_rate=.1", '--set learning_rate: found ".1"; allowed: a number greater than 0'),
        ("grid.gate=XORR", '--set grid.gate: unknown gate "XORR"'),
        ("learning_rate={from=1, to=2, num=0}", "--set learning_rate.num: found 0;"),
        ("max_epochs=0", "--set max_epochs: found 0;"),
        ("learnig_rate=1", '--set learnig_rate: unknown key (did you mean "learning_rate"?)'),
        ("grid.learnig_rate=1", '--set grid.learnig_rate: unknown key (did you mean "learning_rate"?)'),
        ("gate=[AND, OR]", "--set gate: found [AND, OR], which is not valid TOML"),
        ("gate", "--set gate: allowed: KEY=VALUE"),
        ("=1", "--set : unknown key"),
        ("seeds.x.count=1", "--set seeds.x.count: grid.seeds is 10, not a table"),
        ("learning_rate=1\nseeds=3", "--set learning_rate: found "),
    ],
)
def test_bad_overrides_are_named(tmp_path: Path, override, said):
    path = written(tmp_path, FILE)
    message = refusal(path, [override])
    assert message.startswith(f"{path}: {said}")
    assert len(message.splitlines()) == 1


def test_a_bad_override_of_a_union_is_said_once(tmp_path: Path):
    assert len(refusal(written(tmp_path, UNION), ["learning_rate=-1"]).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[grid\n", "not valid TOML: "),
        (b'question = "?"\n[grid]\ngate = 0110\n', "line 3"),
        (b"[grid]\n# \xff\n", "not UTF-8 text (byte 0xff in line 2)"),
        (b"", "grid: missing"),
        (b"a = " + b"9" * 5000, "too many digits"),
        (b"a = " + b"[" * 50_000, "nested too deeply"),
    ],
)
def test_broken_files(tmp_path: Path, content, said):
    path = tmp_path / "gates.toml"
    path.write_bytes(content)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    assert said in message


def test_files_that_are_none(tmp_path: Path):
    written(tmp_path, FILE)
    assert refusal(tmp_path / "gate.toml") == f'{tmp_path / "gate.toml"}: no such file (did you mean "gates.toml"?)'
    assert "found a directory" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "gates.toml" / "inner.toml")


def test_given_weights_have_axes_of_their_own():
    experiment = load(
        {
            "grid": [
                {**GRID, "init": "given", "weights": [1, "x", "y"], "y": [5, 6], "x": {"from": 0, "to": 1, "num": 3}},
                {**GRID, "init": "given", "weights": [1, 2, "z"], "z": -1},
            ]
        }
    )
    one, other = experiment.grids
    assert experiment.columns == (*GRID, "init", "y", "x", "z") and (one.n_runs, other.n_runs) == (6, 1)
    assert one.weights == (1.0, "x", "y") and [one.values[key] for key in "xyz"] == [(0, 0.5, 1), (5, 6), (None,)]
    np.testing.assert_array_equal(one.indices("x", np.arange(6)), [0, 1, 2, 0, 1, 2])
    again = load(json.loads(json.dumps(experiment.resolved())))
    assert (again.grids, again.columns) == (experiment.grids, experiment.columns)


def test_targets_beyond_0_and_1_need_another_loss():
    tables = {"t": {"rows": [[0, 1, -3.5]]}}
    with pytest.raises(ExperimentError, match=r"tables.t.rows: row 1, column 3: found -3.5; allowed: a target from 0"):
        load({"grid": {**GRID, "gate": "t"}, "tables": tables})
    experiment = load({"grid": {**GRID, "gate": "t", "loss": "mse", "output": "linear"}, "tables": tables})
    np.testing.assert_array_equal(experiment.tables["t"].targets, [-3.5])


def test_a_truth_value_can_be_set():
    experiment = load({"grid": {**GRID, "hidden": 1}}, ["shortcut=true"])
    assert experiment.grids[0].values["shortcut"] == (True,)


def test_every_column_of_the_tables_is_refused_as_the_name_of_a_weight():
    result = sweep.run({"grid": {"gate": "AND", "learning_rate": 1}, "train": {"max_epochs": 1}})
    columns = {*result.runs.columns, *result.summary.columns} - set(KEYS)
    assert columns <= set(TAKEN)


# --- rates relative to the critical one -----------------------------------------------------------------------

CRITICAL = {"of": "critical", "values": [0.5, 1]}


def test_relative_rates_are_multiples_of_each_gates_own_critical_rate():
    """2/λ by hand: 8 for XOR and parity with inputs ±1, where all weights are 0 and λ is ¼; 7.5 for the table, where
    the model gives 1/3 at x = 1 and 1/2 at x = −1, and the eigenvalues are 2 · 3/5 · 2/9 and 2 · 2/5 · 1/4."""
    table = {"rows": [[1, 1], [1, 0], [1, 0], [-1, 1], [-1, 0]]}
    axis = {"of": "critical", "from": 0.5, "to": 2, "num": 3, "scale": "log"}
    grids = [
        {
            "seeds": 2,
            "learning_rate_relative": axis,
            "encoding": "pm1",
            "gate": ["0000000110000000", "XNOR", "parity-4"],
        },
        {"gate": "own", "learning_rate_relative": CRITICAL},
    ]
    experiment = load({"grid": grids, "tables": {"own": table}})
    assert experiment.columns == ("learning_rate", "encoding", "gate", "init")
    found = [(grid.values["gate"], grid.values["learning_rate"], len(grid.seeds)) for grid in experiment.grids]
    assert found == [
        (("XNOR", "parity-4"), (4.0, 8.0, 16.0), 2),
        (("0000000110000000",), (9.14285715, 18.2857143, 36.5714286), 2),
        (("own",), (3.75, 7.5), 1),
    ]
    assert list(experiment.grids[0].values)[:3] == ["learning_rate", "encoding", "gate"]
    assert load(experiment.resolved()).resolved() == experiment.resolved()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"gate": ["XOR", "AND"]}, 'gate "AND" is separable and has no critical rate; allowed: gates that are not'),
        ({"gate": "XOR", "learning_rate": 1}, "found learning_rate as well; allowed: one of the two"),
        ({"gate": "XOR", "hidden": [0, 2]}, "hidden = [0, 2] has no critical rate; allowed: hidden = 0"),
        ({"gate": "XOR", "optimizer": "adam"}, 'optimizer = "adam" has no critical rate; allowed: optimizer = "gd"'),
        ({"gate": "XOR", "encoding": ["01", "pm1"]}, "allowed: one encoding, each in a [[grid]] of its own"),
        ({"gate": "XOR", "learning_rate_relative": 2}, "found 2; allowed: a table of of, values, from, to, num, scale"),
        ({"gate": "XOR", "learning_rate_relative": {"of": "critical", "num": 3}}, "allowed: either values, or from"),
        ({"gate": "XOR", "learning_rate_relative": {**CRITICAL, "scale": "log"}}, "allowed: either values, or from"),
        ({"learning_rate_relative": {"of": "largest", "values": [1]}}, 'of: found "largest"; allowed: "critical"'),
        ({"learning_rate_relative": {"of": "critical", "values": [0]}}, "values: found [0]; allowed: a list of"),
    ],
)  # fmt: skip
def test_where_there_is_no_critical_rate_one_line_says_so(keys: dict[str, object], said: str):
    message = refusal({"grid": {"learning_rate_relative": CRITICAL, **keys}})
    assert message.startswith("the experiment: grid.learning_rate_relative") and said in message
    assert message.count("\n") == 0


def test_grids_keep_their_numbers_where_one_becomes_several():
    relative = {"gate": ["0000000110000000", "XOR"], "encoding": "pm1", "learning_rate_relative": CRITICAL}
    message = refusal({"grid": [relative, {"gate": "XOR", "encoding": "pm1", "learning_rate": [3, 4]}]})
    assert message == "the experiment: grid: [[grid]] 1 and [[grid]] 2 have runs in common; allowed: each run once"
