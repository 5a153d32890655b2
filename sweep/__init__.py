"""Train millions of tiny seeded models over grids of settings, and see what came out.

From Python::

    import sweep
    result = sweep.run("experiments/gates.toml")        # writes results/gates/, as the command `sweep run` does
    result = sweep.run({"grid": {...}, "train": {...}}) # a dict of the same shape: in memory, unless out= says where
    result.runs, result.summary                         # pandas DataFrames
    result = sweep.read("results/gates")                # the same, from disk
    print(result)                                       # the question and its answer
    print(sweep.replay(result, gate="XOR", seed=3))     # one run again, with its weights and its learning curve
    print(sweep.compare("results/gates", "results/gates-again"))
    sweep.draw(result)                                  # its figures and report.html, again
    sweep.figures.success_rate(result, where={"gate": "XOR"})   # one figure; see `sweep.figures`
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep import figures
    from sweep.api import SweepError, compare, draw, read, replay, run, verify
    from sweep.page.shown import Result

__all__ = ["Result", "SweepError", "compare", "draw", "figures", "read", "replay", "run", "verify"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the interface at its first use: `sweep --help` needs none of it."""
    if name == "Result":
        return importlib.import_module("sweep.page.shown").Result
    if name == "figures":
        return importlib.import_module("sweep.figures")
    if name in __all__:
        return getattr(importlib.import_module("sweep.api"), name)
    raise AttributeError(f"module 'sweep' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name the interface, also what has not been loaded yet."""
    return sorted({*globals(), *__all__})
