"""The peer of transformations: one model's training as a `lax.while_loop`, batched by `jax.vmap`, jitted, in float64.

A batch goes on until its slowest run has ended, so that one batch of everything wastes most of its work; batches of
neighbouring runs, on as many Python threads as there are cores, waste less. The rows, units and inputs of a model
are written out and so is the gradient, which leaves XLA one loop of element-wise operations to fuse: several times
faster than matrices of this size and `jax.value_and_grad`. `_forward` serves the loss and the gradient.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from bench.problem import Floats, Integers, Problem

jax.config.update("jax_enable_x64", True)


class VmapJax:
    """Batches of models; of `choices`, the size of a batch, the fastest is kept."""

    name = "JAX, vmap of while_loop"
    choices = (64, 512, 1_000_000_000)

    def __init__(self, problem: Problem):
        self.problem = problem
        self.cores = len(os.sched_getaffinity(0))
        self.pool = ThreadPoolExecutor(self.cores)
        self.compile_seconds = 0.0

    def choose(self, batch: int) -> str:
        """Compile for batches of this size; what to say of it."""
        n = len(self.problem.runs)
        self.batch = min(batch, n)
        shapes = [(self.batch, *array.shape[1:]) for array in (self.problem.targets, self.problem.rates)]
        shapes.insert(0, (self.batch, _n_params(self.problem)))
        began = time.perf_counter()
        arguments = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes]
        self.compiled = jax.jit(jax.vmap(_trainer(self.problem))).lower(*arguments).compile()
        self.compile_seconds = time.perf_counter() - began
        size = f"batches of {self.batch:,}" if self.batch < n else "one batch"
        return f"{size}; compiled in {self.compile_seconds:.1f} s, not counted"

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took."""
        n = len(starts)
        padded = np.minimum(np.arange(-(-n // self.batch) * self.batch), n - 1).reshape(-1, self.batch)
        arrays = [starts[padded], self.problem.targets[padded], self.problem.rates[padded]]
        batches = zip(*arrays, strict=True)
        epochs = self.pool.map(lambda batch: np.asarray(self.compiled(*batch)), batches)
        return np.concatenate(list(epochs))[:n]


def _n_params(problem: Problem) -> int:
    n_inputs = problem.inputs.shape[1]
    return problem.hidden * (n_inputs + 2) + 1 if problem.hidden else n_inputs + 1


def _trainer(problem: Problem) -> Any:
    """train(start, targets, rate) → epochs of one model."""
    pass_over = _pass_over(problem.inputs.tolist(), problem.hidden)
    max_epochs, target_loss = problem.max_epochs, problem.target_loss

    def train(start: Any, y: Any, rate: Any) -> Any:
        def goes_on(state: Any) -> Any:
            _, _, loss, epoch = state
            return (loss >= target_loss) & (loss < jnp.inf) & (epoch < max_epochs)

        def update(state: Any) -> Any:
            w, slopes, _, epoch = state
            w = [parameter - rate * slope for parameter, slope in zip(w, slopes, strict=True)]
            loss, slopes = pass_over(w, y)
            return w, slopes, loss, epoch + 1

        w = [start[j] for j in range(_n_params(problem))]
        loss, slopes = pass_over(w, y)
        return lax.while_loop(goes_on, update, (w, slopes, loss, 0))[3]

    return train


def _pass_over(rows: list[list[float]], hidden: int) -> Any:
    """(mean loss, gradient) of one model as scalars, inputs of 0 and 1 being known while compiling."""
    n_rows, n_inputs = len(rows), len(rows[0])
    b1, w2 = hidden * n_inputs, hidden * (n_inputs + 1)

    def pass_over(w: list[Any], y: Any) -> tuple[Any, list[Any]]:
        slopes: list[Any] = [0.0] * len(w)
        total: Any = 0.0
        for m, x in enumerate(rows):
            h = [_sigmoid(w[b1 + j] + _dot(w[j * n_inputs : (j + 1) * n_inputs], x)) for j in range(hidden)]
            z = w[-1] + (sum(w[w2 + j] * h[j] for j in range(hidden)) if hidden else _dot(w[:-1], x))
            e = jnp.exp(-jnp.abs(z))
            total += jnp.maximum(z, 0.0) - z * y[m] + jnp.log(1.0 + e)
            dz = (jnp.where(z >= 0.0, 1.0, e) / (1.0 + e) - y[m]) / n_rows
            slopes[-1] += dz
            _add_products(slopes, 0, dz if not hidden else 0.0, [] if hidden else x)
            for j in range(hidden):
                slopes[w2 + j] += dz * h[j]
                da = dz * w[w2 + j] * h[j] * (1.0 - h[j])
                slopes[b1 + j] += da
                _add_products(slopes, j * n_inputs, da, x)
        return total / n_rows, [slope + jnp.zeros_like(total) for slope in slopes]

    return pass_over


def _sigmoid(a: Any) -> Any:
    return 1.0 / (1.0 + jnp.exp(-a))


def _dot(weights: list[Any], x: list[float]) -> Any:
    return sum(
        (weight * value if value != 1.0 else weight for weight, value in zip(weights, x, strict=True) if value), 0.0
    )


def _add_products(slopes: list[Any], at: int, slope: Any, x: list[float]) -> None:
    for i, value in enumerate(x):
        if value:
            slopes[at + i] += slope * value if value != 1.0 else slope
