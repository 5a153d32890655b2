"""Theory of logistic regression on a table: how fast it learns, or the rate up to which training is stable.

Full-batch gradient descent on the mean cross-entropy, the bias b one of the weights: w = (w1, …, wN, b) and x̃ = (x, 1).
A target y of 0 or 1 makes one signed row a = (2y − 1) x̃ of weight c = 1/M, a target in between makes both, of weights
y/M and (1 − y)/M. The loss is then, in nats,

    L(w) = Σ c_i log(1 + exp(−a_i·w))                                                   (1)

A direction v with a_i·v ≥ 0 for all i never raises it, and rows with a_i·v > 0 cost nothing in the end. If one v does
so for all rows, the table is separable and the infimum of L is 0, which no w attains. Otherwise rows are left that no
such v moves; L over these alone has a minimiser, and its value there is the infimum of L (Ji & Telgarsky 2019, The
implicit bias of gradient descent on nonseparable data, arXiv 1803.07300).
"""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sweep.spec.training_sets import TrainingSet

_MAX_NEWTON_STEPS = 1000
_MAX_PERCEPTRON_STEPS = 100
_CARRIES = 1e-9
"""Part of the largest u below which a value is taken for rounding in a row that carries nothing."""
_ON_MARGIN = 1.0 - 1e-9
_FEW_ROWS = 4
"""Rows all of whose subsets are tried."""


@dataclass(frozen=True, eq=False)
class Separable:
    """Prediction for a separable table: every constant learning rate leads to loss 0 in the end, along one direction.

    With η the learning rate and L_t the loss after t epochs,

        η t L_t → 1/γ²                                                                  (2)

    (Soudry et al. 2018, arXiv 1710.10345; Wu et al. 2024, arXiv 2402.15926, for every η). It is a limit, and says
    little of the first epochs, of which there are more at rates above about 10. It is approached like log(t)/t as a
    rule, but like 1/log(t)² where rows lie on the margin without carrying it, as in TRUE with inputs 0 and 1: there
    η t L_t γ² is 0.978 after 100,000 epochs at rate 1.

    Attributes
    ----------
    rows : float64 array, shape (n_rows, n_inputs + 1)
        The a_i.
    monotone_learning_rate : float
        2/β, β = ¼ λ the largest that any eigenvalue of the Hessian of (1) can be, λ that of Σ c_i a_i a_iᵀ. Below it
        the loss falls in every epoch, from any start (Soudry et al. 2018); above it, first come epochs of
        another kind, which (2) does not count.
    """

    rows: NDArray[np.float64]
    monotone_learning_rate: float

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """The w of smallest norm with a_i·w ≥ 1 for all i, the bias last: w_t/‖w_t‖ goes where it points."""
        return _hard_margin(self.rows)

    @property
    def margin(self) -> float:
        """γ = max over ‖w‖ = 1 of min a_i·w, the bias counted as a weight, the rows not normalised."""
        return 1.0 / float(np.linalg.norm(self.weights))

    def epochs(self, learning_rate: ArrayLike, target_loss: ArrayLike) -> NDArray[np.float64]:
        """Epochs until the loss is `target_loss` nats, 1/(γ² η target) by (2); the two are broadcast."""
        return np.asarray(1.0 / (self.margin**2 * np.multiply(learning_rate, target_loss)), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class NotSeparable:
    """Prediction for any other table: the loss stays above an infimum, and large learning rates never reach it.

    Gradient descent is stable at the minimiser below the critical learning rate 2/λ, λ the largest eigenvalue of the
    Hessian there; period-doubling begins beyond it, and runs end in cycles (Meng et al. 2024, arXiv 2406.05033). The
    statement is local: for some tables, runs that start far away end in cycles below it as well.

    Attributes
    ----------
    infimum : float
        Of the loss, in nats.
    weights : float64 array, shape (n_inputs + 1,)
        The minimiser of (1) over the rows of `overlap`, the bias last; of several, the one of smallest norm. It is the
        minimiser of the whole loss where that is attained; otherwise descent adds to it what grows without bound.
    hessian : float64 array, shape (n_inputs + 1, n_inputs + 1)
        Σ c_i p_i (1 − p_i) a_i a_iᵀ over the rows of `overlap`: the others add nothing in the limit.
    overlap : bool array, shape (n_rows,)
        The table's rows whose loss cannot be brought to 0 without cost elsewhere.
    """

    infimum: float
    weights: NDArray[np.float64]
    hessian: NDArray[np.float64]
    overlap: NDArray[np.bool_]

    @property
    def critical_learning_rate(self) -> float:
        """2/λ, λ the largest eigenvalue of `hessian`."""
        return 2.0 / float(np.linalg.eigvalsh(self.hessian)[-1])


def predict(table: TrainingSet) -> Separable | NotSeparable:
    """Predict how logistic regression learns a table, whatever the encoding of its inputs; targets anywhere in [0, 1].

    ``ArithmeticError`` if the table's numbers are too far apart to tell in float64.
    """
    A, c, row = _signed_rows(table)
    escapes = _escaping(A)
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            if escapes.all():
                found = Separable(A, 8.0 / float(np.linalg.eigvalsh((A.T * c) @ A)[-1]))
                if not _is_boolean(A):
                    assert found.margin  # which raises an error where numbers are too far apart
                return found
            A, c = A[~escapes], c[~escapes]
            w = _minimiser(A, c)
            p = _probability_of_error(A @ w)
            overlap = np.isin(np.arange(table.targets.size), row[~escapes])
            return NotSeparable(_loss(A, c, w), w, (A.T * (c * p * (1.0 - p))) @ A, overlap)
    except (np.linalg.LinAlgError, RuntimeError) as error:
        raise ArithmeticError(f"the table's numbers are too far apart to tell ({error})") from None


def _signed_rows(table: TrainingSet) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return the rows a_i and weights c_i of (1), and the row of the table that each is from."""
    y = table.targets
    X = np.column_stack([table.inputs, np.ones(y.size)])
    ones, zeros = np.flatnonzero(y > 0.0), np.flatnonzero(y < 1.0)
    row = np.concatenate([ones, zeros])
    return np.concatenate([X[ones], -X[zeros]]), np.concatenate([y[ones], 1.0 - y[zeros]]) / y.size, row


def _escaping(A: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find the rows with a_i·v > 0 for some v that has a_i·v ≥ 0 for all i.

    One linear program finds all of them: maximise Σ t_i subject to A v ≥ t and 0 ≤ t ≤ 1. Such v can be added and
    enlarged, so that every t_i of the solution is 0 or 1. Columns may be scaled first.
    """
    if (seen := _seen(A)) is not None:
        return seen
    from scipy.optimize import linprog

    n_rows, n_weights = A.shape
    largest = np.abs(A).max(axis=0)
    is_t = np.repeat([False, True], [n_weights, n_rows])
    solution = linprog(
        np.where(is_t, -1.0, 0.0),
        A_ub=np.column_stack([-A / np.where(largest > 0.0, largest, 1.0), np.eye(n_rows)]),
        b_ub=np.zeros(n_rows),
        bounds=np.column_stack([np.where(is_t, 0.0, -np.inf), np.where(is_t, 1.0, np.inf)]),
    )
    if not solution.success:
        raise ArithmeticError(f"the linear program for separability failed ({solution.message})")
    t: NDArray[np.float64] = solution.x[is_t]
    if (np.minimum(t, 1.0 - t) > 1e-3).any():
        raise ArithmeticError("separable or not: the table's numbers are too far apart to tell")
    return t > 0.5


def _is_boolean(A: NDArray[np.float64]) -> bool:
    """Return True if sums of rows are exact, and never far apart."""
    return bool((np.abs(A) <= 1.0).all() and (np.rint(A) == A).all())


def _seen(A: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Solve the linear program of a Boolean table where its solution can be seen; None if it cannot.

    Where Σ a_i = 0, as for XOR, Σ a_i·v = 0 for every v, so that no row escapes. Where a perceptron finds a v with
    a_i·v > 0 for all i, every row does.
    """
    if not _is_boolean(A):
        return None
    v = A.sum(axis=0)
    if not v.any():
        return np.zeros(len(A), np.bool_)
    for _ in range(_MAX_PERCEPTRON_STEPS):
        worst = np.argmin(A @ v)
        if A[worst] @ v > 0.0:
            return np.ones(len(A), np.bool_)
        v = v + A[worst]
    return None


def _hard_margin(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the w of smallest norm with A w ≥ 1, which is (direction)/γ.

    A least-distance problem: the rows that carry it are those with u_i > 0 in the u ≥ 0 that minimises
    ‖Aᵀu‖² + (Σ u_i − 1)² (Lawson & Hanson 1974, Solving Least Squares Problems, chapter 23); w is then the solution of
    smallest norm of a_i·w = 1 for these.
    """
    scale = float(np.abs(A).max())
    B = A / scale
    w = _nearest(B) if len(B) <= _FEW_ROWS else _on_rows(B, _carrying(B))
    if not (B @ w).min() >= _ON_MARGIN:
        raise ArithmeticError("the largest margin: the table's numbers are too far apart to tell")
    return np.asarray(w / scale)


def _nearest(B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the smallest of all w with B w ≥ 1 that lie on the margin of some rows, by trying all.

    For two-input gates this spares the import of a solver, which takes longer than the gates.
    """
    subsets = itertools.chain.from_iterable(itertools.combinations(range(len(B)), n + 1) for n in range(len(B)))
    found = [_on_rows(B, list(rows)) for rows in subsets]
    return min((w for w in found if (B @ w).min() >= _ON_MARGIN), key=np.linalg.norm, default=found[-1])


def _on_rows(B: NDArray[np.float64], rows: Any) -> NDArray[np.float64]:
    """Solve B w = 1 for some rows, with the smallest w."""
    return np.asarray(np.linalg.lstsq(B[rows], np.ones(len(B[rows])))[0])


def _carrying(B: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find the rows that carry the margin."""
    from scipy.optimize import lsq_linear  # its nnls ends at wrong places where several u are optimal

    E, f = np.vstack([B.T, np.ones(len(B))]), np.repeat([0.0, 1.0], [B.shape[1], 1])
    u = lsq_linear(E, f, bounds=(0.0, np.inf), method="bvls", tol=1e-15).x
    return np.asarray(u > _CARRIES * u.max())


def _minimiser(A: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the minimiser of (1) of smallest norm by Newton's method with backtracking in the rows' span."""
    _, sizes, rows = np.linalg.svd(A, full_matrices=False)
    span = rows[sizes > sizes[0] * max(A.shape) * np.finfo(np.float64).eps].T
    B = A @ span
    q = np.zeros(B.shape[1])
    for _ in range(_MAX_NEWTON_STEPS):
        p = _probability_of_error(B @ q)
        step = np.linalg.solve((B.T * (c * p * (1.0 - p))) @ B, B.T @ (c * p))
        decrease = float((c * p) @ (B @ step))
        before, size = _loss(B, c, q), 1.0
        if decrease <= 1e-18 * before:
            return np.asarray(span @ (q + step))
        while size > 1e-12 and _loss(B, c, q + size * step) > before - 0.25 * size * decrease + 1e-15 * before:
            size /= 2.0
        q += size * step
    raise ArithmeticError(f"the minimiser of the loss: not found in {_MAX_NEWTON_STEPS} steps of Newton's method")


def _loss(A: NDArray[np.float64], c: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """Evaluate (1)."""
    return float(c @ np.logaddexp(0.0, -(A @ w)))


def _probability_of_error(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1/(1 + exp(z)), the probability that the model gives to the wrong answer."""
    return np.asarray(np.exp(-np.logaddexp(0.0, z)))
