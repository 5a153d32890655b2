"""Classes of Boolean functions up to negation and permutation of inputs and negation of the output."""

import itertools
import random

import pytest

from sweep.spec import classes, gates


def transformed(table: str, order: tuple[int, ...], negated: tuple[int, ...], output: str) -> str:
    """The truth table of output ⊕ f(x[order] ⊕ negated), from the definition."""
    n = len(order)
    outputs = []
    for x in itertools.product((0, 1), repeat=n):
        y = [x[order[i]] ^ negated[i] for i in range(n)]
        outputs.append(str(int(table[int("".join(map(str, y)), 2)]) ^ int(output)))
    return "".join(outputs)


def orbit(table: str) -> set[str]:
    n = len(table).bit_length() - 1
    return {
        transformed(table, order, negated, output)
        for order in itertools.permutations(range(n))
        for negated in itertools.product((0, 1), repeat=n)
        for output in "01"
    }


@pytest.mark.parametrize("n", [1, 2, 3])
def test_representatives_are_the_smallest_of_classes_found_from_the_definition(n: int) -> None:
    every = (f"{value:0{2**n}b}" for value in range(2**2**n))
    assert classes.representatives(n) == tuple(sorted({min(orbit(table)) for table in every}))


@pytest.mark.parametrize("n", range(1, 6))
def test_there_are_as_many_classes_as_published(n: int) -> None:
    found = classes.representatives(n)
    assert len(found) == len(set(found)) == classes.N_CLASSES[n] == (2, 4, 14, 222, 616_126)[n - 1]
    assert list(found) == sorted(found)


def test_the_classes_of_four_inputs_make_up_all_functions() -> None:
    members = [classes.members(table) for table in classes.representatives(4)]
    assert sum(map(len, members)) == len(set().union(*members)) == 65_536


def test_any_function_of_five_inputs_has_its_representative_in_the_family() -> None:
    family, rng = set(classes.representatives(5)), random.Random(0)
    simple = ["0" * 31 + "1", gates.truth_table("parity-5"), gates.truth_table("majority-5"), "01" * 16]
    for table in [*simple, *(f"{rng.getrandbits(32):032b}" for _ in range(12))]:
        members = classes.members(table)
        assert members & family == {min(members)}
    assert classes.members(simple[1]) == orbit(simple[1])


def test_a_family_of_classes_is_a_gate_of_an_experiment() -> None:
    assert gates.expand("classes-2") == ("0000", "0001", "0011", "0110")
    with pytest.raises(ValueError, match="classes-5 is a family of 616,126 gates"):
        gates.truth_table("classes-5")
