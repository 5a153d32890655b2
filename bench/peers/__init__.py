"""Other ways to do the work, each as a class: made for a problem, called with starts, it gives every run's epochs.

`choices` are ways to set a peer up between which `choose` decides; the fastest is measured. A peer whose library is not
installed is left out by name.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol, runtime_checkable

from bench.problem import Floats, Integers, Problem


class Peer(Protocol):
    """One way to train the runs of a problem."""

    name: ClassVar[str]
    cores: int

    def __init__(self, problem: Problem): ...

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True if this peer is written for such models."""

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took: int64, shape (n,)."""


@runtime_checkable
class Adjustable(Peer, Protocol):
    """A peer that leaves something open."""

    choices: ClassVar[tuple[Any, ...]]

    def choose(self, choice: Any) -> str:
        """Set it up in one way; what to say of it, up to a semicolon the same where the way is."""


_PEERS = {
    "python_loop": ("PythonLoop", None),
    "batched_numpy": ("BatchedNumPy", "numpy"),
    "scalar_numba": ("ScalarNumba", "numba"),
    "vmap_jax": ("VmapJax", "jax"),
    "batched_torch": ("BatchedTorch", "torch"),
}


def installed() -> tuple[list[type[Peer]], list[str]]:
    """The peers that can be run here, and the libraries that are not installed."""
    present: list[type[Peer]] = []
    missing = []
    for module, (name, library) in _PEERS.items():
        if library is None or find_spec(library):
            present.append(getattr(import_module(f"bench.peers.{module}"), name))
        else:
            missing.append(library)
    return present, missing
