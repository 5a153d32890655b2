"""What it costs to keep chunks on disk as they are finished: the same training with and without, in turn.

python bench/durability.py [EXPERIMENT] [ROUNDS]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sweep.engine import runner
from sweep.engine.chunks import chunks_of
from sweep.engine.work import Work
from sweep.spec.experiment import Experiment, load


def kept(experiment: Experiment) -> float:
    """Seconds to train every chunk and keep it."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        work = Work(experiment, Path(directory), print)
        began = time.perf_counter()
        work.train(work.remaining())
        return time.perf_counter() - began


def dropped(experiment: Experiment) -> float:
    """Seconds to train every chunk."""
    began = time.perf_counter()
    for _ in runner.train(experiment, [(chunk, None) for chunk in chunks_of(experiment)]):
        pass
    return time.perf_counter() - began


def main() -> None:
    """Print both medians and the median of the rounds' ratios."""
    path = sys.argv[1] if len(sys.argv) > 1 else "experiments/gates.toml"
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    experiment = load(path)
    dropped(experiment)
    rounds = [(kept(experiment), dropped(experiment)) for _ in range(n_rounds)]
    ratios = sorted(one / other for one, other in rounds)
    with_chunks, without = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{path}: {with_chunks:.2f} s with chunks on disk, {without:.2f} s without; ", end="")
    print(f"ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} – {ratios[-1]:.3f}) over {n_rounds} rounds")


if __name__ == "__main__":
    main()
