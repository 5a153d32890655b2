"""The training loop: which model is in which lane, and what is kept of it when it is done."""

import functools
import hashlib
import math
from pathlib import Path

import numba
import numpy as np
from numba import types

from sweep.kernel.descent import N_SETTINGS, advance, evaluate, n_state
from sweep.kernel.optimizers import OPTIMIZERS
from sweep.kernel.plan import Plan

CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS = range(4)
"""Indices into `sweep.kernel.STATUSES`."""
_LONGEST_BLOCK = 64

_LANES, _TABLE = types.float64[::1], types.float64[:, ::1]
_ADVANCE = types.void(types.intp, _TABLE, *[_LANES] * 5, types.float64, types.float64)
_EVALUATE = types.void(_TABLE, _LANES, _LANES, types.float64, types.float64, *[_LANES] * 3)
_TRAIN = types.void(
    types.FunctionType(_ADVANCE),
    types.FunctionType(_EVALUATE),
    types.UniTuple(types.int64, 6),
    _TABLE,
    _TABLE,
    types.int64[::1],
    _TABLE,
    types.int64[::1],
    _TABLE,
    types.int64,
    types.int64,
    types.float64,
    types.float64,
    types.int8[::1],
    types.int64[::1],
    types.int64[::1],
    _LANES,
    _TABLE,
    _TABLE,
)


@functools.cache
def _sources() -> bytes:
    """This package's source."""
    return b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))


def _named_for(plan: Plan):
    """Give a function a name of its own for each plan and each state of this package's source.

    Numba's cache on disk tells functions apart by name, signature and what they close over, and notices changes of the
    file that defines them only; and the linker knows them by name alone. Without this, code of two plans that was
    cached by two processes would meet under one name in a third.
    """
    digest = hashlib.sha256(plan.text.encode() + _sources()).hexdigest()

    def rename(function):
        function.__name__ = function.__qualname__ = f"{function.__name__}_{digest[:20]}"
        return function

    return rename


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _block_length(run_of, count, recorded, max_epochs, record_every, typical_epochs):
    """Epochs until the next look at the lanes.

    A look costs about as much as two epochs, and a finished lane waits half a block for it, so that a block near
    2·√(epochs of a typical run) wastes least. It ends where a run reaches max_epochs or an epoch to record.
    """
    block = min(1 + 2 * int(math.sqrt(typical_epochs)), _LONGEST_BLOCK)
    for lane in range(run_of.size):
        if run_of[lane] >= 0:
            epochs = int(count[lane])
            block = min(block, max_epochs - epochs)
            if record_every > 0:
                block = min(block, recorded[lane] * record_every - epochs)
    return block


def _train(
    advance,
    evaluate,
    sizes,
    X,
    tables,
    table_of_run,
    starts,
    start_of_run,
    settings_of_run,
    max_epochs,
    record_every,
    loss_limit,
    error_limit,
    status_out,
    epochs_out,
    converged_epoch_out,
    final_loss_out,
    weights_out,
    curve_out,
):
    """Train runs 0 … n − 1 from start to end, `width` at a time; a lane that is done takes the next run.

    Parameters
    ----------
    X : (M, N) float64, C-contiguous
        Inputs of the table's rows.
    tables : (n_tables, M) float64, C-contiguous
        Targets.
    table_of_run, start_of_run : (n,) int64
        Rows of `tables` and `starts` for each run.
    starts : (n_starts, P) float64, C-contiguous
        Initial parameters.
    settings_of_run : (n, N_SETTINGS) float64, C-contiguous
        The hidden layer's and the output layer's learning rate, momentum (β₁), β₂, ε.
    max_epochs, record_every : int64
        Epochs; record_every = 0 records nothing.
    loss_limit, error_limit : float64
        As in `advance`.
    status_out : (n,) int8
        Index into STATUSES.
    epochs_out, converged_epoch_out : (n,) int64
        Updates applied; first epoch at which the criterion held, −1 for never.
    final_loss_out : (n,) float64
        Mean loss in nats after the last update; ∞ if diverged.
    weights_out : (n, P) or (0, P) float64
        Final parameters, where asked for.
    curve_out : (n, 1 + max_epochs // record_every) or (0, 0) float64
        Loss at epochs 0, record_every, …; what a run did not reach stays as it was.
    """
    width, n_params, n_values, n_rows, rate_divisor, soft_targets = sizes
    n_runs = settings_of_run.shape[0]
    state, targets, settings = np.zeros(n_values * width), np.zeros(n_rows * width), np.zeros(N_SETTINGS * width)
    count, converged_epoch = np.zeros(width), np.zeros(width)
    loss, converged, finite = np.zeros(width), np.zeros(width), np.zeros(width)
    run_of, expected, recorded = np.full(width, -1), np.zeros(width), np.zeros(width, np.int64)
    next_run, n_done, n_epochs_done = 0, 0, 0

    while True:
        for lane in range(width):
            if run_of[lane] < 0 and next_run < n_runs:
                run = next_run
                next_run += 1
                run_of[lane] = run
                count[lane], converged_epoch[lane], recorded[lane] = 0.0, -1.0, 0
                for k in range(N_SETTINGS):
                    value = settings_of_run[run, k]
                    settings[k * width + lane] = value / rate_divisor if k < 2 else value
                for j in range(n_values):
                    state[j * width + lane] = starts[start_of_run[run], j] if j < n_params else 0.0
                for m in range(n_rows):
                    y = tables[table_of_run[run], m]
                    targets[m * width + lane] = y if soft_targets else math.copysign(0.0, y - 0.5)
        if n_done == n_runs:
            break

        if record_every > 0:
            evaluate(X, state, targets, loss_limit, error_limit, loss, converged, finite)
            for lane in range(width):
                run = run_of[lane]
                if run >= 0 and recorded[lane] * record_every == int(count[lane]):
                    curve_out[run, recorded[lane]] = loss[lane] if finite[lane] > 0.0 else np.inf
                    recorded[lane] += 1

        typical_epochs = (n_epochs_done + 100) / (n_done + 1)
        block = _block_length(run_of, count, recorded, max_epochs, record_every, typical_epochs)
        for lane in range(width):
            expected[lane] = count[lane] + block
        advance(block, X, state, targets, settings, count, converged_epoch, loss_limit, error_limit)

        anyone_done = False
        for lane in range(width):
            if run_of[lane] >= 0 and (count[lane] < expected[lane] or int(count[lane]) == max_epochs):
                anyone_done = True
        if not anyone_done:
            continue
        evaluate(X, state, targets, loss_limit, error_limit, loss, converged, finite)
        for lane in range(width):
            run, epochs = run_of[lane], int(count[lane])
            if run < 0 or not (count[lane] < expected[lane] or epochs == max_epochs):
                continue
            first = int(converged_epoch[lane])
            if first < 0 and converged[lane] > 0.0:
                first = epochs
            if finite[lane] == 0.0 or not math.isfinite(loss[lane]):
                status_out[run], loss[lane] = DIVERGED, np.inf
            else:
                status_out[run] = CONVERGED if first >= 0 else MAX_EPOCHS
            epochs_out[run], converged_epoch_out[run], final_loss_out[run] = epochs, first, loss[lane]
            if weights_out.shape[0] > 0:
                for j in range(n_params):
                    weights_out[run, j] = state[j * width + lane]
            if record_every > 0 and recorded[lane] * record_every == epochs:
                curve_out[run, recorded[lane]] = loss[lane]
            run_of[lane] = -1
            n_done += 1
            n_epochs_done += epochs


@functools.cache
def _compiled_train():
    """`_train` as machine code; made at its first use, since importing this module needs no compiler."""
    return numba.njit(_TRAIN, cache=True, nogil=True, error_model="numpy")(_train)


class Kernel:
    """Training compiled for a plan: the two functions that do the arithmetic, and the loop around them.

    The loop is the same machine code for every plan, and calls the two through pointers, so that a plan costs the
    compilation of its arithmetic only. Calling the kernel trains; `py_func` does the same without any compiled code.
    Parameters of both are those of `_train` from `X` on.
    """

    def __init__(self, plan: Plan):
        text = plan.text

        @numba.njit(_ADVANCE, cache=True, nogil=True, error_model="numpy")
        @_named_for(plan)
        def advance_lanes(n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit):
            advance(text, n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit)

        @numba.njit(_EVALUATE, cache=True, nogil=True, error_model="numpy")
        @_named_for(plan)
        def evaluate_lanes(X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out):
            evaluate(text, X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out)

        self.train, self.advance, self.evaluate = _compiled_train(), advance_lanes, evaluate_lanes
        divisor = 1 if plan.online or OPTIMIZERS[plan.optimizer].divides else plan.n_rows
        self.sizes = (plan.width, plan.n_params, n_state(plan), plan.n_rows, divisor, int(plan.soft_targets))

    def __call__(self, *args):
        """Train."""
        self.train(self.advance, self.evaluate, self.sizes, *args)

    def py_func(self, *args):
        """Train as ordinary Python."""
        _train(self.advance.py_func, self.evaluate.py_func, self.sizes, *args)


@functools.cache
def kernel(plan: Plan) -> Kernel:
    """The kernel of a plan, made once in a process."""
    return Kernel(plan)
