"""What a kernel is compiled for: everything that is the same for all runs of a chunk, and nothing else."""

import functools
from dataclasses import dataclass, fields

import llvmlite.binding
from numba.core import config


def natural_width() -> int:
    """Models side by side that keep this CPU's vector units busy; a matter of speed alone.

    Four AVX registers to a value hide the latency of an arithmetic operation; AVX-512 has twice the registers, each
    of twice the size.
    """
    features = config.CPU_FEATURES
    if features is None:
        features = llvmlite.binding.get_host_cpu_features().flatten()
    return 32 if "+avx512f" in features else 16


@dataclass(frozen=True)
class Plan:
    """The choices a kernel is specialised for, as integers and short words.

    Attributes
    ----------
    n_inputs, n_rows : int
        Size of the training set.
    bits : str
        "01" or "pm1": the table is Boolean, complete and in counting order, so that its inputs are known; "": they
        are read from memory.
    soft_targets : bool
        Targets anywhere in [0, 1], not only 0 and 1.
    stop_loss, stop_error : bool
        Which criteria must hold for a run to have converged.
    early_stop : bool
        Whether a run ends when it has converged.
    width : int
        Models side by side.
    """

    n_inputs: int
    n_rows: int
    bits: str
    soft_targets: bool
    stop_loss: bool
    stop_error: bool
    early_stop: bool
    width: int

    @property
    def n_params(self) -> int:
        """Weights and bias."""
        return self.n_inputs + 1

    @property
    def text(self) -> str:
        """The plan as one line, from which `parse` makes it again."""
        return " ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self))

    @staticmethod
    @functools.cache
    def parse(text: str) -> "Plan":
        """The plan of a line made by `text`."""
        words = dict(word.split("=") for word in text.split(" "))
        values = {"True": True, "False": False}
        return Plan(**{k: v.strip("'") if "'" in v else values[v] if v in values else int(v) for k, v in words.items()})
