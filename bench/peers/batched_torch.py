"""The peer of tensors: all models of a batch at once on the CPU, in float64, as in `batched_numpy`.

Gradients are written out, which spares what `torch.autograd` keeps and looks up for each operation. One thread: on
arrays of some ten thousand numbers, more threads mostly wait for one another at the end of each of the many operations.
"""

from typing import Any

import numpy as np
import torch
from torch.nn.functional import softplus

from bench.peers.batched_numpy import LOOK_EVERY, unpacked
from bench.problem import Floats, Integers, Problem

_NEVER_LINEAR = 1e4
"""Beyond this PyTorch takes softplus(z) for z, which it is."""


class BatchedTorch:
    """All models in one batch."""

    name = "PyTorch, batched"
    cores = 1

    def __init__(self, problem: Problem):
        self.problem = problem
        self.with_ones = torch.from_numpy(np.column_stack([problem.inputs, np.ones(len(problem.inputs))]))
        self.transposed = self.with_ones.T.contiguous()

    @staticmethod
    def can(problem: Problem) -> bool:
        """Return True for gradient descent on all rows at once."""
        return problem.is_plain

    def __call__(self, starts: Floats) -> Integers:
        """Train every run; how many updates each took."""
        torch.set_num_threads(1)
        with torch.inference_mode():
            return self._train(starts)

    def _train(self, starts: Floats) -> Integers:
        problem = self.problem
        pass_over = self._network if problem.hidden else self._logistic
        w = [torch.from_numpy(part) for part in unpacked(starts, problem.inputs.shape[1], problem.hidden)]
        y = torch.from_numpy(problem.targets).T.contiguous()
        step = torch.from_numpy(problem.rates) / len(self.with_ones)
        epochs = torch.full((len(starts),), problem.max_epochs)
        left, done = torch.arange(len(starts)), torch.zeros(len(starts), dtype=torch.bool)
        for epoch in range(problem.max_epochs):
            loss, slopes = pass_over(w, y)
            ends = ~done & ~((loss >= problem.target_loss) & (loss < torch.inf))
            if ends.any():
                epochs[left[ends]] = epoch
                done |= ends
            for parameter, slope in zip(w, slopes, strict=True):
                parameter.sub_(slope.mul_(step))
            if epoch % LOOK_EVERY == 0 and done.any():
                stay = ~done
                left, y, step, done = left[stay], y[:, stay], step[stay], done[stay]
                w = [parameter[..., stay] for parameter in w]
                if not len(left):
                    break
        return epochs.numpy()

    def _logistic(self, w: list[Any], y: Any) -> tuple[Any, list[Any]]:
        """Mean loss, (n,), and n_rows times the gradient."""
        loss, dz = _output(self.with_ones @ w[0], y)
        return loss, [self.transposed @ dz]

    def _network(self, w: list[Any], y: Any) -> tuple[Any, list[Any]]:
        """Do the same for a hidden layer; its activations have the shape (hidden, n_rows, n)."""
        W1, w2, b2 = w
        h = (self.with_ones @ W1).sigmoid_()
        loss, dz = _output((w2.unsqueeze(1) * h).sum(0).add_(b2), y)
        dw2 = (dz * h).sum(1)
        da = (1.0 - h).mul_(h).mul_(w2.unsqueeze(1)).mul_(dz)
        return loss, [self.transposed @ da, dw2, dz.sum(0)]


def _output(z: Any, y: Any) -> tuple[Any, Any]:
    """Mean cross-entropy, (n,), and p − y, both from the logit and free of overflow."""
    p = torch.sigmoid(z)
    loss = softplus(z, threshold=_NEVER_LINEAR).sub_(z.mul_(y)).mean(0)
    return loss, p.sub_(y)
