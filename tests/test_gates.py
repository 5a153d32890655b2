"""Gates, families, truth tables and tables of one's own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.spec import gates, training_sets

MEANING = {
    "FALSE": lambda a, b: False,
    "AND": lambda a, b: a and b,
    "A_AND_NOT_B": lambda a, b: a and not b,
    "A": lambda a, b: a,
    "NOT_A_AND_B": lambda a, b: not a and b,
    "B": lambda a, b: b,
    "XOR": lambda a, b: a != b,
    "OR": lambda a, b: a or b,
    "NOR": lambda a, b: not (a or b),
    "XNOR": lambda a, b: a == b,
    "NOT_B": lambda a, b: not b,
    "A_OR_NOT_B": lambda a, b: a or not b,
    "NOT_A": lambda a, b: not a,
    "NOT_A_OR_B": lambda a, b: not a or b,
    "NAND": lambda a, b: not (a and b),
    "TRUE": lambda a, b: True,
}


@pytest.mark.parametrize("gate", MEANING)
def test_two_input_gates_mean_what_their_names_say(gate):
    table = training_sets.boolean_table(gate, "01")
    np.testing.assert_array_equal(table.inputs, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(table.targets, [MEANING[gate](a == 1, b == 1) for a, b in table.inputs])
    assert table.inputs.dtype == table.targets.dtype == np.float64
    assert table.inputs.flags.c_contiguous


def test_not_is_the_gate_of_one_input():
    table = training_sets.boolean_table("not", "01")
    np.testing.assert_array_equal(table.inputs, [[0], [1]])
    np.testing.assert_array_equal(table.targets, [1, 0])


def test_pm1_changes_the_inputs_only():
    table = training_sets.boolean_table("AND", "pm1")
    np.testing.assert_array_equal(table.inputs, [[-1, -1], [-1, 1], [1, -1], [1, 1]])
    np.testing.assert_array_equal(table.targets, [0, 0, 0, 1])


@pytest.mark.parametrize(
    ("written", "reported"),
    [
        ("xor", "XOR"),
        ("implies", "NOT_A_OR_B"),
        ("Imply", "NOT_A_OR_B"),
        ("NIMPLY", "A_AND_NOT_B"),
        ("a and not b", "A_AND_NOT_B"),
        ("nxor", "XNOR"),
        ("Parity-3", "parity-3"),
        ("ALL-2", "all-2"),
        ("0110", "0110"),
    ],
)
def test_names_are_reported_in_one_spelling(written, reported):
    assert gates.canonical(written) == reported


def test_every_alias_leads_to_a_gate():
    for alias in gates._ALIASES:
        assert len(gates.truth_table(alias)) == 4


def test_families_hold_each_function_once_in_counting_order():
    assert list(gates.expand("all-2")) == list(MEANING)
    assert list(gates.expand("all-1")) == ["00", "01", "10", "11"]
    for n in (1, 2, 3, 4):
        numbers = [int(gates.truth_table(gate), 2) for gate in gates.expand(f"all-{n}")]
        assert numbers == list(range(2**2**n))


def test_parity_and_majority():
    assert gates.truth_table("parity-2") == gates.truth_table("XOR")
    assert gates.expand("parity-3") == ("parity-3",)
    for n in range(2, 9):
        table = training_sets.boolean_table(f"parity-{n}", "01")
        np.testing.assert_array_equal(table.targets, table.inputs.sum(axis=1) % 2)
    for n in (3, 5, 7):
        table = training_sets.boolean_table(f"majority-{n}", "01")
        np.testing.assert_array_equal(table.targets, table.inputs.sum(axis=1) > n / 2)


@given(st.integers(1, 8).flatmap(lambda n: st.text("01", min_size=2**n, max_size=2**n)))
def test_truth_tables_list_the_targets_with_the_first_input_most_significant(outputs):
    table = training_sets.boolean_table(outputs, "01")
    n = gates.n_inputs(outputs)
    assert table.inputs.shape == (2**n, n)
    np.testing.assert_array_equal(table.inputs @ 2.0 ** np.arange(n)[::-1], np.arange(2**n))
    assert "".join(f"{target:.0f}" for target in table.targets) == outputs


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("XORR", 'unknown gate "XORR" (did you mean "XOR"?); allowed:'),
        ("nandd", 'did you mean "NAND"'),
        ("all-5", 'did you mean "all-4"'),
        ("majority-4", 'unknown gate "majority-4"'),
        ("", 'unknown gate ""'),
        ("0", "has 1 outputs"),
        ("011", 'the truth table "011" has 3 outputs'),
        ("01" * 256, "has 512 outputs"),
    ],
)
def test_unknown_gates(name, said):
    with pytest.raises(ValueError) as caught:
        gates.expand(name)
    assert said in str(caught.value)


def test_a_family_has_no_truth_table():
    with pytest.raises(ValueError, match="all-4 is a family of 65,536 gates"):
        gates.truth_table("all-4")


@pytest.mark.parametrize("text", ["x,y\n0.5,1\n-2e3,0.25\n", "0.5,1\n\n-2e3,0.25", "\ufeff0.5, 1\r\n-2e3, 0.25\r\n"])
def test_csv_tables(tmp_path: Path, text):
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode())
    table = training_sets.table_from_csv(path)
    np.testing.assert_array_equal(table.inputs, [[0.5], [-2000]])
    np.testing.assert_array_equal(table.targets, [1, 0.25])
    assert table.inputs.flags.c_contiguous and table.targets.flags.c_contiguous


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x,y\n0,1\n,0\n", "points.csv, line 3, column 1: empty; a table has no holes"),
        (b"0,1\n1,\n", "points.csv, line 2, column 2: empty"),
        (b"0,1\nzero,1\n", 'points.csv, line 2, column 1: found "zero"; allowed: a number'),
        (b"x,1\n0,1\n", 'points.csv, line 1, column 1: found "x"'),
        (b"1_0,1\n0,1\n", 'points.csv, line 1, column 1: found "1_0"'),
        (b"0,1\n0,0,1\n", "points.csv, line 2: found 3 columns, but "),
        (b"0\n1\n", "found 1 column; a row needs"),
        (b"0,1\nnan,1\n", "points.csv, line 2, column 1: found nan; allowed: a finite number"),
        (b"0,1\n1e999,1\n", "column 1: found inf"),
        (b"0,1\n0,2\n", "points.csv, line 2, column 2: found 2.0; allowed: a target from 0 to 1"),
        (b"", "no rows"),
        (b"x,y\n", "no rows"),
        (b"\xff\xfe", "not UTF-8"),
        (b"0,1\n" + b"0" * 200_000, "not a CSV file"),
    ],
)
def test_broken_csv_tables(tmp_path: Path, content, said):
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        training_sets.table_from_csv(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_csv_table_that_is_not_there(tmp_path: Path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read"):
        training_sets.table_from_csv(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[0, 1], [True, 1]], "row 2, column 1: found true"),
        ([[0, "1"]], 'row 1, column 2: found "1"'),
        ([[10**400, 1]], "row 1, column 1: found a number of more than 30 digits"),
        ([[0, -0.5]], "row 1, column 2: found -0.5; allowed: a target from 0 to 1"),
    ],
)
def test_broken_rows(rows, said):
    with pytest.raises(ValueError) as caught:
        training_sets.table_from_rows(rows)
    assert said in str(caught.value)


@given(targets=st.lists(st.sampled_from([0.0, 0.2, 0.5, 1.0]), min_size=4, max_size=4))
def test_no_outputs_have_a_smaller_loss_than_the_least(targets):
    """Rows 0 and 1 have the same inputs; every output is tried to a thousandth."""
    table = training_sets.table_from_rows([[0, targets[0]], [0, targets[1]], [1, targets[2]], [2, targets[3]]])
    outputs = np.linspace(0, 1, 1001)[:, np.newaxis]
    with np.errstate(divide="ignore"):
        bce = -np.nan_to_num(np.log([1 - outputs, outputs]), neginf=-1e300)
    for loss, each in (
        ("bce", bce[1] * table.targets + bce[0] * (1 - table.targets)),
        ("mse", (outputs - table.targets) ** 2),
    ):
        tried = min(each[:, 0] + each[:, 1]) + min(each[:, 2]) + min(each[:, 3])
        assert table.least_loss(loss) == pytest.approx(tried / 4, abs=1e-12)
