"""The peer: what a competent Numba user writes for the same work, one model after another on every core.

Full-batch gradient descent on binary cross-entropy in float64, with the epoch semantics of the sweep: the loss is
tested on the initial weights and after every update, and a run ends as soon as it falls below the target, is no longer
finite, or `max_epochs` updates are done. One forward pass an epoch serves the loss and the gradient. The system's exp
and log, no fastmath, no division checks, compiled code cached on disk. `parallel=True` hands each thread one block of
consecutive runs; `with numba.parallel_chunksize(256):` around a call deals them out in smaller portions.

The kernels are written out for two and for four inputs, so that weights and gradient of a logistic regression stay in
registers: a quarter faster than loops over any number of inputs. `train_any_network` serves the rest.
"""

import math
import os
from typing import Any

import numba
import numpy as np
from numba import njit, prange

from bench.problem import Floats, Integers, Problem


class ScalarNumba:
    """All runs in one call, on every core."""

    name = "Numba, scalar, prange"

    def __init__(self, problem: Problem):
        n_inputs = problem.inputs.shape[1]
        kernels: dict[tuple[int, bool], Any] = {
            (2, False): train,
            (4, False): train_four,
            (2, True): train_network,
        }
        self.problem = problem
        self.cores = len(os.sched_getaffinity(0))
        self.train = kernels.get((n_inputs, problem.hidden > 0)) if problem.is_plain else None

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True for networks of any size, and logistic regression on two and four inputs."""
        return problem.hidden > 0 or problem.inputs.shape[1] in (2, 4)

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took."""
        problem, n = self.problem, len(starts)
        weights, epochs, final_loss = np.empty_like(starts), np.empty(n, np.int64), np.empty(n)
        limits = problem.max_epochs, problem.target_loss
        with numba.parallel_chunksize(256):
            arrays = problem.inputs, problem.targets, starts, problem.rates
            if self.train is None:
                train_any_network(*arrays, *limits, problem.online, problem.adam, weights, epochs, final_loss)
            else:
                self.train(*arrays, *limits, weights, epochs, final_loss)
        return epochs


@njit(inline="always", error_model="numpy")
def sigmoid_and_loss(z: float, y: float) -> tuple[float, float]:
    """Probability σ(z) and cross-entropy in nats of the target y, both from the logit and free of overflow."""
    e = math.exp(-abs(z))
    numerator = 1.0 if z >= 0.0 else e
    positive_part = z if z >= 0.0 else 0.0
    return numerator / (1.0 + e), positive_part - z * y + math.log(1.0 + e)


@njit(parallel=True, error_model="numpy", cache=True)
def train(
    X: Floats,
    targets_of_run: Floats,
    start_weights: Floats,
    learning_rates: Floats,
    max_epochs: int,
    target_loss: float,
    weights_out: Floats,
    epochs_out: Integers,
    final_loss_out: Floats,
) -> None:
    """Train one logistic regression per run.

    Parameters
    ----------
    X : float64, (n_rows, 2), C-contiguous
    targets_of_run : float64, (n_runs, n_rows), C-contiguous
    start_weights : float64, (n_runs, 3), C-contiguous
        w1, w2, b.
    learning_rates : float64, (n_runs,)
    max_epochs : int
    target_loss : float
        Nats, mean over the rows; a run has converged where its loss is below.
    weights_out : float64, (n_runs, 3)
    epochs_out : int64, (n_runs,)
        Updates applied.
    final_loss_out : float64, (n_runs,)
        Nats; inf where the run diverged.
    """
    n_rows = X.shape[0]
    for run in prange(start_weights.shape[0]):
        w1, w2, b = start_weights[run, 0], start_weights[run, 1], start_weights[run, 2]
        y = targets_of_run[run]
        step = learning_rates[run] / n_rows
        epoch = 0
        while True:
            dw1 = dw2 = db = loss = 0.0
            for row in range(n_rows):
                z = w1 * X[row, 0] + w2 * X[row, 1] + b
                p, row_loss = sigmoid_and_loss(z, y[row])
                loss += row_loss
                dz = p - y[row]
                dw1 += dz * X[row, 0]
                dw2 += dz * X[row, 1]
                db += dz
            loss /= n_rows
            if loss < target_loss or epoch == max_epochs or not math.isfinite(loss):
                break
            w1 -= step * dw1
            w2 -= step * dw2
            b -= step * db
            epoch += 1
        weights_out[run, 0], weights_out[run, 1], weights_out[run, 2] = w1, w2, b
        epochs_out[run] = epoch
        final_loss_out[run] = loss if math.isfinite(loss) else np.inf


@njit(parallel=True, error_model="numpy", cache=True)
def train_four(
    X: Floats,
    targets_of_run: Floats,
    start_weights: Floats,
    learning_rates: Floats,
    max_epochs: int,
    target_loss: float,
    weights_out: Floats,
    epochs_out: Integers,
    final_loss_out: Floats,
) -> None:
    """Train one logistic regression on four inputs per run; arrays as in `train`, with w1 … w4, b."""
    n_rows = X.shape[0]
    for run in prange(start_weights.shape[0]):
        start, y = start_weights[run], targets_of_run[run]
        w1, w2, w3, w4, b = start[0], start[1], start[2], start[3], start[4]
        step = learning_rates[run] / n_rows
        epoch = 0
        while True:
            dw1 = dw2 = dw3 = dw4 = db = loss = 0.0
            for row in range(n_rows):
                x1, x2, x3, x4 = X[row, 0], X[row, 1], X[row, 2], X[row, 3]
                p, row_loss = sigmoid_and_loss(w1 * x1 + w2 * x2 + w3 * x3 + w4 * x4 + b, y[row])
                loss += row_loss
                dz = p - y[row]
                dw1 += dz * x1
                dw2 += dz * x2
                dw3 += dz * x3
                dw4 += dz * x4
                db += dz
            loss /= n_rows
            if loss < target_loss or epoch == max_epochs or not math.isfinite(loss):
                break
            w1 -= step * dw1
            w2 -= step * dw2
            w3 -= step * dw3
            w4 -= step * dw4
            b -= step * db
            epoch += 1
        final = weights_out[run]
        final[0], final[1], final[2], final[3], final[4] = w1, w2, w3, w4, b
        epochs_out[run] = epoch
        final_loss_out[run] = loss if math.isfinite(loss) else np.inf


@njit(parallel=True, error_model="numpy", cache=True)
def train_network(
    X: Floats,
    targets_of_run: Floats,
    start_weights: Floats,
    learning_rates: Floats,
    max_epochs: int,
    target_loss: float,
    weights_out: Floats,
    epochs_out: Integers,
    final_loss_out: Floats,
) -> None:
    """Train one 2-H-1 network of sigmoid units per run.

    Arrays are those of `train`, except that a row of `start_weights` and `weights_out` holds 4 H + 1 parameters: W1
    (unit by unit), b1, w2, b2. H follows from their number.
    """
    n_rows = X.shape[0]
    hidden = (start_weights.shape[1] - 1) // 4
    for run in prange(start_weights.shape[0]):
        W1 = start_weights[run, : 2 * hidden].copy().reshape(hidden, 2)
        b1 = start_weights[run, 2 * hidden : 3 * hidden].copy()
        w2 = start_weights[run, 3 * hidden : 4 * hidden].copy()
        b2 = start_weights[run, 4 * hidden]
        dW1, db1, dw2, a = np.empty((hidden, 2)), np.empty(hidden), np.empty(hidden), np.empty(hidden)
        y = targets_of_run[run]
        step = learning_rates[run] / n_rows
        epoch = 0
        while True:
            dW1[:], db1[:], dw2[:] = 0.0, 0.0, 0.0
            db2 = loss = 0.0
            for row in range(n_rows):
                x1, x2 = X[row, 0], X[row, 1]
                z = b2
                for j in range(hidden):
                    a[j] = 1.0 / (1.0 + math.exp(-(W1[j, 0] * x1 + W1[j, 1] * x2 + b1[j])))
                    z += w2[j] * a[j]
                p, row_loss = sigmoid_and_loss(z, y[row])
                loss += row_loss
                dz = p - y[row]
                db2 += dz
                for j in range(hidden):
                    dw2[j] += dz * a[j]
                    dz1 = dz * w2[j] * a[j] * (1.0 - a[j])
                    dW1[j, 0] += dz1 * x1
                    dW1[j, 1] += dz1 * x2
                    db1[j] += dz1
            loss /= n_rows
            if loss < target_loss or epoch == max_epochs or not math.isfinite(loss):
                break
            for j in range(hidden):
                W1[j, 0] -= step * dW1[j, 0]
                W1[j, 1] -= step * dW1[j, 1]
                b1[j] -= step * db1[j]
                w2[j] -= step * dw2[j]
            b2 -= step * db2
            epoch += 1
        weights_out[run, : 2 * hidden] = W1.ravel()
        weights_out[run, 2 * hidden : 3 * hidden] = b1
        weights_out[run, 3 * hidden : 4 * hidden] = w2
        weights_out[run, 4 * hidden] = b2
        epochs_out[run] = epoch
        final_loss_out[run] = loss if math.isfinite(loss) else np.inf


@njit(inline="always", error_model="numpy")
def add_row(x: Floats, y: float, w: Floats, hidden: int, h: Floats, slopes: Floats) -> float:
    """Loss of one row; its gradient is added to slopes. Parameters are W1 (unit by unit), b1, w2, b2."""
    n_inputs = x.size
    b1, w2 = hidden * n_inputs, hidden * (n_inputs + 1)
    z = w[-1]
    for j in range(hidden):
        a = w[b1 + j]
        for i in range(n_inputs):
            a += w[j * n_inputs + i] * x[i]
        h[j] = 1.0 / (1.0 + math.exp(-a))
        z += w[w2 + j] * h[j]
    p, loss = sigmoid_and_loss(z, y)
    dz = p - y
    slopes[-1] += dz
    for j in range(hidden):
        slopes[w2 + j] += dz * h[j]
        da = dz * w[w2 + j] * h[j] * (1.0 - h[j])
        slopes[b1 + j] += da
        for i in range(n_inputs):
            slopes[j * n_inputs + i] += da * x[i]
    return loss


@njit(inline="always", error_model="numpy")
def update(w: Floats, slopes: Floats, scale: float, rate: float, adam: bool, memory: Floats) -> None:
    """One step of gradient descent or Adam by scale · slopes, which become zeros; memory has m, s, and 1 − βᵗ."""
    if adam:
        memory[2, 0] = 0.9 * memory[2, 0] + 0.1
        memory[2, 1] = 0.999 * memory[2, 1] + 0.001
        for j in range(w.size):
            g = slopes[j] * scale
            memory[0, j] = 0.9 * memory[0, j] + 0.1 * g
            memory[1, j] = 0.999 * memory[1, j] + 0.001 * g * g
            w[j] -= rate * (memory[0, j] / memory[2, 0]) / (math.sqrt(memory[1, j] / memory[2, 1]) + 1e-8)
    else:
        for j in range(w.size):
            w[j] -= rate * scale * slopes[j]
    slopes[:] = 0.0


@njit(parallel=True, error_model="numpy", cache=True)
def train_any_network(
    X: Floats,
    targets_of_run: Floats,
    start_weights: Floats,
    learning_rates: Floats,
    max_epochs: int,
    target_loss: float,
    online: bool,
    adam: bool,
    weights_out: Floats,
    epochs_out: Integers,
    final_loss_out: Floats,
) -> None:
    """Train one network of sigmoid units per run, of any size, by either optimizer and either kind of update.

    Arrays are those of `train_network`, with (N + 2) H + 1 parameters for N inputs.
    """
    n_rows, n_inputs = X.shape
    n_params = start_weights.shape[1]
    hidden = (n_params - 1) // (n_inputs + 2)
    for run in prange(start_weights.shape[0]):
        w, y, rate = start_weights[run].copy(), targets_of_run[run], learning_rates[run]
        slopes, h, memory = np.zeros(n_params), np.empty(hidden), np.zeros((3, n_params))
        epoch = 0
        while True:
            loss = 0.0
            for row in range(n_rows):
                loss += add_row(X[row], y[row], w, hidden, h, slopes)
            loss /= n_rows
            if loss < target_loss or epoch == max_epochs or not math.isfinite(loss):
                break
            if online:
                slopes[:] = 0.0
                for row in range(n_rows):
                    add_row(X[row], y[row], w, hidden, h, slopes)
                    update(w, slopes, 1.0, rate, adam, memory)
            else:
                update(w, slopes, 1.0 / n_rows, rate, adam, memory)
            epoch += 1
        weights_out[run] = w
        epochs_out[run] = epoch
        final_loss_out[run] = loss if math.isfinite(loss) else np.inf
