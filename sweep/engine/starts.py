"""Initial weights of many runs at once: the fast way to what `sweep.spec.inits.draw` defines."""

import numpy as np
from numpy.typing import NDArray

from sweep.kernel.draws import standard_normals, standard_uniforms
from sweep.spec import inits, models
from sweep.spec.inits import Init


def draw_starts(
    init: Init, seeds: NDArray[np.int64], n_inputs: int, hidden: int = 0, shortcut: bool = False
) -> NDArray[np.float64]:
    """Draw the start of each seed, 0 ≤ seed < 2³², bit for bit as `sweep.spec.inits.draw` does.

    Returns float64, shape (n, n_params), C-contiguous.
    """
    n_params = models.n_params(n_inputs, hidden, shortcut)
    match init:
        case Init("uniform", (low, high)):
            return low + (high - low) * standard_uniforms(seeds, n_params)
        case Init("normal", (mean, std)):
            with np.errstate(over="ignore"):
                return mean + std * standard_normals(seeds, n_params)
    rngs = (np.random.default_rng(int(seed)) for seed in seeds)
    return np.array([inits.draw(init, rng, n_inputs, hidden, shortcut) for rng in rngs])
