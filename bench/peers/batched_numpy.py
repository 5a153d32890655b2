"""The peer of array programming: all models of a batch at once, models along the last axis.

A model that has finished is noted at its epoch and removed at the next of the looks that come every so many epochs,
so that the arrays shrink without being copied at every epoch.
"""

import numpy as np

from bench.problem import Floats, Integers, Problem

LOOK_EVERY = 32
"""Epochs between two looks for finished models."""


class BatchedNumPy:
    """Batches of models, one after the other; of `choices`, the size of a batch, the fastest is kept."""

    name = "NumPy, batched"
    cores = 1
    choices = (1_024, 1_000_000_000)

    def __init__(self, problem: Problem):
        self.problem = problem
        self.batch = self.choices[0]
        self.with_ones = np.column_stack([problem.inputs, np.ones(len(problem.inputs))])

    def choose(self, batch: int) -> str:
        """Take batches of this size; what to say of it."""
        self.batch = batch
        return f"batches of {batch:,}" if batch < len(self.problem.runs) else "one batch"

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True for gradient descent on all rows at once."""
        return problem.is_plain

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took."""
        n = len(starts)
        parts = (slice(at, at + self.batch) for at in range(0, n, self.batch))
        with np.errstate(all="ignore"):
            return np.concatenate([self._train(starts[part], part) for part in parts])

    def _train(self, starts: Floats, part: slice) -> Integers:
        problem, A = self.problem, self.with_ones
        pass_over = self._network if problem.hidden else self._logistic
        w = unpacked(starts, problem.inputs.shape[1], problem.hidden)
        y = np.ascontiguousarray(problem.targets[part].T)
        step = problem.rates[part] / len(A)
        epochs = np.full(len(starts), problem.max_epochs)
        left, done = np.arange(len(starts)), np.zeros(len(starts), bool)
        for epoch in range(problem.max_epochs):
            loss, slopes = pass_over(w, y)
            ends = ~done & ~((loss >= problem.target_loss) & (loss < np.inf))
            if ends.any():
                epochs[left[ends]] = epoch
                done |= ends
            for parameter, slope in zip(w, slopes, strict=True):
                np.multiply(slope, step, out=slope)
                np.subtract(parameter, slope, out=parameter)
            if epoch % LOOK_EVERY == 0 and done.any():
                stay = ~done
                left, y, step, done = left[stay], y[:, stay], step[stay], done[stay]
                w = [parameter[..., stay] for parameter in w]
                if not left.size:
                    break
        return epochs

    def _logistic(self, w: list[Floats], y: Floats) -> tuple[Floats, list[Floats]]:
        """Mean loss, (n,), and n_rows times the gradient."""
        loss, dz = _output(self.with_ones @ w[0], y)
        return loss, [self.with_ones.T @ dz]

    def _network(self, w: list[Floats], y: Floats) -> tuple[Floats, list[Floats]]:
        """Do the same for a hidden layer; its activations have the shape (hidden, n_rows, n)."""
        W1, w2, b2 = w
        h = self.with_ones @ W1
        np.negative(h, out=h)
        np.exp(h, out=h)
        h += 1.0
        np.reciprocal(h, out=h)
        loss, dz = _output(np.einsum("jn,jmn->mn", w2, h) + b2, y)
        dw2 = np.einsum("mn,jmn->jn", dz, h)
        da = 1.0 - h
        da *= h
        da *= w2[:, np.newaxis]
        da *= dz
        return loss, [self.with_ones.T @ da, dw2, dz.sum(0)]


def unpacked(starts: Floats, n_inputs: int, hidden: int) -> list[Floats]:
    """Parameters with the models along the last axis; a unit's weights and bias together.

    [(n_inputs + 1, n)] of logistic regression, [(hidden, n_inputs + 1, n), (hidden, n), (n,)] of a network.
    """
    if not hidden:
        return [np.ascontiguousarray(starts.T)]
    weights = starts[:, : hidden * n_inputs].reshape(-1, hidden, n_inputs)
    biases = starts[:, hidden * n_inputs : hidden * (n_inputs + 1), np.newaxis]
    W1 = np.concatenate([weights, biases], axis=2).transpose(1, 2, 0)
    w2 = starts[:, hidden * (n_inputs + 1) : -1].T
    return [np.ascontiguousarray(W1), np.ascontiguousarray(w2), starts[:, -1].copy()]


def _output(z: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Mean cross-entropy, (n,), and p − y, both from the logit and free of overflow."""
    e = np.abs(z)
    np.negative(e, out=e)
    np.exp(e, out=e)
    one_plus = 1.0 + e
    p = np.where(z >= 0.0, 1.0, e)
    p /= one_plus
    np.log(one_plus, out=one_plus)
    one_plus += np.maximum(z, 0.0)
    z *= y
    one_plus -= z
    p -= y
    return one_plus.mean(0), p
