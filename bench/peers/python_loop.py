"""The peer that needs nothing: loops in plain Python over models, rows, units and inputs."""

import math

import numpy as np

from bench.problem import Floats, Integers, Problem


class PythonLoop:
    """One model after the other."""

    name = "Python loop"
    cores = 1

    def __init__(self, problem: Problem):
        self.problem = problem
        self.rows = [tuple(row) for row in problem.inputs.tolist()]

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True for gradient descent on all rows at once, of models that it ends with in seconds."""
        return problem.is_plain and problem.n_units <= 100

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took."""
        train = _train_network if self.problem.hidden else _train
        runs = zip(self.problem.targets.tolist(), starts.tolist(), self.problem.rates.tolist(), strict=True)
        limits = self.problem.max_epochs, self.problem.target_loss
        with np.errstate(all="ignore"):
            return np.array([train(self.rows, y, w, rate, *limits) for y, w, rate in runs])


def _sigmoid_and_loss(z: float, y: float) -> tuple[float, float]:
    if z >= 0.0:
        e = math.exp(-z)
        return 1.0 / (1.0 + e), z - z * y + math.log(1.0 + e)
    e = math.exp(z)
    return e / (1.0 + e), math.log(1.0 + e) - z * y


def _train(
    X: list[tuple[float, ...]], y: list[float], start: list[float], rate: float, max_epochs: int, target_loss: float
) -> int:
    """Logistic regression; the number of updates."""
    *w, b = start
    n_rows = len(X)
    step = rate / n_rows
    data = list(zip(X, y, strict=True))
    for epoch in range(max_epochs + 1):
        dw, db, loss = [0.0] * len(w), 0.0, 0.0
        for x, target in data:
            z = b
            for weight, value in zip(w, x, strict=True):
                z += weight * value
            p, row_loss = _sigmoid_and_loss(z, target)
            loss += row_loss
            dz = p - target
            db += dz
            for i, value in enumerate(x):
                dw[i] += dz * value
        loss /= n_rows
        if loss < target_loss or not math.isfinite(loss):
            return epoch
        if epoch < max_epochs:
            w = [weight - step * slope for weight, slope in zip(w, dw, strict=True)]
            b -= step * db
    return max_epochs


def _hidden_sigmoid(a: float) -> float:
    return 1.0 / (1.0 + math.exp(-a)) if a > -700.0 else 0.0


def _train_network(
    X: list[tuple[float, ...]], y: list[float], start: list[float], rate: float, max_epochs: int, target_loss: float
) -> int:
    """One hidden layer of sigmoids; the number of updates."""
    n_rows, n_inputs = len(X), len(X[0])
    hidden = (len(start) - 1) // (n_inputs + 2)
    W1 = [start[j * n_inputs : (j + 1) * n_inputs] for j in range(hidden)]
    b1 = start[hidden * n_inputs : hidden * (n_inputs + 1)]
    w2, b2 = start[hidden * (n_inputs + 1) : -1], start[-1]
    step = rate / n_rows
    for epoch in range(max_epochs + 1):
        dW1 = [[0.0] * n_inputs for _ in range(hidden)]
        db1, dw2, db2, loss = [0.0] * hidden, [0.0] * hidden, 0.0, 0.0
        for x, target in zip(X, y, strict=True):
            h = []
            z = b2
            for weights, bias, out in zip(W1, b1, w2, strict=True):
                a = bias
                for weight, value in zip(weights, x, strict=True):
                    a += weight * value
                activation = _hidden_sigmoid(a)
                h.append(activation)
                z += out * activation
            p, row_loss = _sigmoid_and_loss(z, target)
            loss += row_loss
            dz = p - target
            db2 += dz
            for j, activation in enumerate(h):
                dw2[j] += dz * activation
                da = dz * w2[j] * activation * (1.0 - activation)
                db1[j] += da
                slopes = dW1[j]
                for i, value in enumerate(x):
                    slopes[i] += da * value
        loss /= n_rows
        if loss < target_loss or not math.isfinite(loss):
            return epoch
        if epoch < max_epochs:
            for weights, slopes in zip(W1, dW1, strict=True):
                for i, slope in enumerate(slopes):
                    weights[i] -= step * slope
            b1 = [bias - step * slope for bias, slope in zip(b1, db1, strict=True)]
            w2 = [weight - step * slope for weight, slope in zip(w2, dw2, strict=True)]
            b2 -= step * db2
    return max_epochs
