"""The peer of transformations: one model's training as a `lax.while_loop`, batched by `jax.vmap`, jitted, in float64.

A batch goes on until its slowest run has ended, so that one batch of everything wastes most of its work; batches of
neighbouring runs, on as many Python threads as there are cores, waste less. Small models have their rows, units and
inputs written out, and so is the gradient, which leaves XLA one loop of element-wise operations to fuse: several times
faster than matrices of this size. Large ones are matrices; in between the faster of the two is taken.
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

_SMALL, _LARGE = 40, 100
"""Units × rows: up to the one a model is written out, above the other it is matrices."""
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8


class VmapJax:
    """Batches of models; of `choices`, size of a batch and way to write a model, the fastest is kept."""

    name = "JAX, vmap of while_loop"
    choices = tuple((batch, way) for batch in (16, 64, 512, 1_000_000_000) for way in ("written out", "matrices"))

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True for all models but large ones with updates after every row."""
        return not problem.online or problem.n_units <= _SMALL

    def __init__(self, problem: Problem):
        self.problem = problem
        self.cores = len(os.sched_getaffinity(0))
        self.pool = ThreadPoolExecutor(self.cores)
        self.compile_seconds, self.note, self.chosen = 0.0, "", (0, "")

    def choose(self, choice: tuple[int, str]) -> str:
        """Compile for batches of this size; what to say of it."""
        n, n_units = len(self.problem.runs), self.problem.n_units
        way = "matrices" if n_units > _LARGE else "written out" if n_units <= _SMALL else choice[1]
        batch = max(choice[0], 64) if n_units <= _SMALL else choice[0]
        if (min(batch, n), way) == self.chosen:
            return self.note
        self.batch = min(batch, n)
        self.chosen = self.batch, way
        shapes = [(self.batch, *array.shape[1:]) for array in (self.problem.targets, self.problem.rates)]
        shapes.insert(0, (self.batch, _n_params(self.problem)))
        began = time.perf_counter()
        arguments = [jax.ShapeDtypeStruct(shape, jnp.float64) for shape in shapes]
        self.compiled = jax.jit(jax.vmap(_trainer(self.problem, way))).lower(*arguments).compile()
        self.compile_seconds = time.perf_counter() - began
        size = f"batches of {self.batch:,}" if self.batch < n else "one batch"
        self.note = f"{size}, {way}; compiled in {self.compile_seconds:.1f} s, not counted"
        return self.note

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


def _trainer(problem: Problem, way: str) -> Any:
    """train(start, targets, rate) → epochs of one model."""
    rows, H, N = problem.inputs.tolist(), problem.hidden, problem.inputs.shape[1]
    max_epochs, target_loss = problem.max_epochs, problem.target_loss
    matrices = way == "matrices" and H > 0
    pass_over = _pass_of_matrices(problem.inputs) if matrices else _pass_over(rows, H)
    row_passes = [_pass_over([row], H) for row in rows] if problem.online else []
    step = _adam if problem.adam else _descend

    def train(start: Any, y: Any, rate: Any) -> Any:
        def goes_on(state: Any) -> Any:
            _, _, _, loss, epoch = state
            return (loss >= target_loss) & (loss < jnp.inf) & (epoch < max_epochs)

        def update(state: Any) -> Any:
            w, memory, slopes, _, epoch = state
            if problem.online:
                for m, row_pass in enumerate(row_passes):
                    w, memory = step(w, memory, row_pass(w, y[m : m + 1])[1], rate)
            else:
                w, memory = step(w, memory, slopes, rate)
            loss, slopes = pass_over(w, y)
            return w, memory, slopes, loss, epoch + 1

        if matrices:
            w = [start[: H * N].reshape(H, N), start[H * N : H * N + H], start[H * N + H : -1], start[-1]]
        else:
            w = [start[j] for j in range(_n_params(problem))]
        zeros = [jnp.zeros_like(parameter) for parameter in w]
        memory = (zeros, zeros, jnp.zeros_like(rate), jnp.zeros_like(rate)) if problem.adam else ()
        loss, slopes = pass_over(w, y)
        return lax.while_loop(goes_on, update, (w, memory, slopes, loss, 0))[4]

    return train


def _descend(w: list[Any], memory: Any, slopes: list[Any], rate: Any) -> tuple[list[Any], Any]:
    return [parameter - rate * slope for parameter, slope in zip(w, slopes, strict=True)], memory


def _adam(w: list[Any], memory: Any, slopes: list[Any], rate: Any) -> tuple[list[Any], Any]:
    """Kingma & Ba 2015, algorithm 1."""
    means, squares, c1, c2 = memory
    means = [_BETA1 * m + (1 - _BETA1) * g for m, g in zip(means, slopes, strict=True)]
    squares = [_BETA2 * s + (1 - _BETA2) * g * g for s, g in zip(squares, slopes, strict=True)]
    c1, c2 = _BETA1 * c1 + (1 - _BETA1), _BETA2 * c2 + (1 - _BETA2)
    moved = zip(w, means, squares, strict=True)
    return [v - rate * (m / c1) / (jnp.sqrt(s / c2) + _EPSILON) for v, m, s in moved], (means, squares, c1, c2)


def _pass_of_matrices(inputs: Floats) -> Any:
    """(mean loss, gradient) of one network as arrays W1, b1, w2, b2."""
    X, n_rows = jnp.asarray(inputs), len(inputs)

    def pass_over(w: list[Any], y: Any) -> tuple[Any, list[Any]]:
        W1, b1, w2, b2 = w
        h = _sigmoid(X @ W1.T + b1)
        z = h @ w2 + b2
        e = jnp.exp(-jnp.abs(z))
        loss = (jnp.maximum(z, 0.0) - z * y + jnp.log(1.0 + e)).mean()
        dz = (jnp.where(z >= 0.0, 1.0, e) / (1.0 + e) - y) / n_rows
        da = dz[:, None] * w2 * h * (1.0 - h)
        return loss, [da.T @ X, da.sum(0), h.T @ dz, dz.sum()]

    return pass_over


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
