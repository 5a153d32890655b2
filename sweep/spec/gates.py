"""Boolean gates by name, family or truth table.

A truth table is the string of a gate's outputs for its inputs in counting order, the first input most significant:
for two inputs 00, 01, 10, 11, so that AND is "0001" and XOR "0110". Rows of a training set are in that order.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from sweep.spec.classes import N_CLASSES, representatives
from sweep.spec.messages import did_you_mean, show

MAX_INPUTS = 8

_TWO_INPUTS = {
    "FALSE": "0000",
    "AND": "0001",
    "A_AND_NOT_B": "0010",
    "A": "0011",
    "NOT_A_AND_B": "0100",
    "B": "0101",
    "XOR": "0110",
    "OR": "0111",
    "NOR": "1000",
    "XNOR": "1001",
    "NOT_B": "1010",
    "A_OR_NOT_B": "1011",
    "NOT_A": "1100",
    "NOT_A_OR_B": "1101",
    "NAND": "1110",
    "TRUE": "1111",
}
_NAMED = _TWO_INPUTS | {"NOT": "10"}
_NAME_OF = {outputs: name for name, outputs in _TWO_INPUTS.items()}
_ALIASES = {
    "CONTRADICTION": "FALSE",
    "INHIBIT": "A_AND_NOT_B",
    "NIMPLY": "A_AND_NOT_B",
    "NOT_B_AND_A": "A_AND_NOT_B",
    "B_AND_NOT_A": "NOT_A_AND_B",
    "EXOR": "XOR",
    "NXOR": "XNOR",
    "IFF": "XNOR",
    "EQUIV": "XNOR",
    "CONVERSE": "A_OR_NOT_B",
    "NOT_B_OR_A": "A_OR_NOT_B",
    "IF": "A_OR_NOT_B",
    "B_OR_NOT_A": "NOT_A_OR_B",
    "IMPLY": "NOT_A_OR_B",
    "IMPLIES": "NOT_A_OR_B",
    "TAUTOLOGY": "TRUE",
}


def _outputs(n: int, holds: Callable[[int], bool]) -> str:
    return "".join("01"[holds(row.bit_count())] for row in range(2**n))


def _parity(ones: int) -> bool:
    return ones % 2 == 1


_SYMMETRIC = {f"parity-{n}": _outputs(n, _parity) for n in range(2, MAX_INPUTS + 1)} | {
    f"majority-{n}": _outputs(n, (n // 2).__lt__) for n in (3, 5, 7)
}
NAMES, ALIASES = _NAMED | _SYMMETRIC, _ALIASES
"""Name → truth table; other name → name."""
FAMILIES = {f"all-{n}": 2**2**n for n in range(1, 5)} | {f"classes-{n}": size for n, size in N_CLASSES.items()}
"""Name → number of gates."""

ALLOWED = (
    f"a gate ({', '.join(_NAMED)}), parity-n (n = 2 … 8), majority-n (n = 3, 5, 7), families all-n (n = 1 … 4) "
    "and classes-n (n = 1 … 5), "
    'or a truth table of 2, 4, 8, … or 256 outputs, such as "0110"'
)


def canonical(gate: str, tables: Iterable[str] = ()) -> str:
    """Return the name under which a gate, family or table is reported: `canonical("implies")` is "NOT_A_OR_B".

    Truth tables and the names in `tables` are kept as they are. ``ValueError`` names the nearest to one that is none.
    """
    tables = list(tables)
    if gate in tables or is_truth_table(gate):
        return gate
    name = gate.strip().upper().replace(" ", "_").replace("-", "_")
    name = _ALIASES.get(name, name)
    if name in _NAMED:
        return name
    family = gate.strip().lower()
    if family in FAMILIES or family in _SYMMETRIC:
        return family
    if gate and not gate.strip("01"):
        raise ValueError(
            f"the truth table {show(gate)} has {len(gate)} outputs; n inputs need 2^n, so 2, 4, 8, … or 2^{MAX_INPUTS}"
        )
    near = did_you_mean(gate, [*tables, *_NAMED, *_ALIASES, *FAMILIES, *_SYMMETRIC])
    own = f"; or a table of this experiment ({', '.join(tables)})" if tables else ""
    raise ValueError(f"unknown gate {show(gate)}{near}; allowed: {ALLOWED}{own}")


def expand(name: str) -> Sequence[str]:
    """Return the gates that a name stands for: all of a family in counting order, or the one gate itself."""
    name = canonical(name)
    return _family(name) if name in FAMILIES else (name,)


def truth_table(gate: str) -> str:
    """Return the outputs of a gate in counting order: `truth_table("XOR")` is "0110"; ``ValueError`` for a family."""
    if is_truth_table(gate):
        return gate
    name = canonical(gate)
    if name in FAMILIES:
        raise ValueError(f"{name} is a family of {FAMILIES[name]:,} gates, not one truth table")
    return _NAMED.get(name) or _SYMMETRIC[name]


def same(one: str, other: str) -> bool:
    """Return True if two names or truth tables mean one gate; False if either means none, such as a family."""
    try:
        return truth_table(one) == truth_table(other)
    except ValueError:
        return False


def shown(text: str) -> str:
    """Return the name of a gate of two inputs that is written as a truth table; any other text as it is."""
    return _NAME_OF.get(text, text)


def n_inputs(gate: str) -> int:
    """Return the number of inputs of a gate, 1 to 8."""
    return len(truth_table(gate)).bit_length() - 1


@cache
def _family(name: str) -> tuple[str, ...]:
    kind, n = name[:-2], int(name[-1])
    if kind == "classes":
        return representatives(n)
    return tuple(_TWO_INPUTS) if n == 2 else tuple(f"{outputs:0{2**n}b}" for outputs in range(2**2**n))


def is_truth_table(gate: str) -> bool:
    """Return True for a text of 2, 4, 8, … or 256 outputs, each 0 or 1."""
    size = len(gate)
    return 2 <= size <= 2**MAX_INPUTS and size & (size - 1) == 0 and not gate.strip("01")
