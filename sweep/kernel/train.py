"""The training loop: which model is in which lane, and what is kept of it when it is done."""

import functools
import hashlib
import math
import platform
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba import types

from sweep.kernel.descent import N_SETTINGS, advance, evaluate, n_state
from sweep.kernel.optimizers import OPTIMIZERS
from sweep.kernel.plan import Plan

CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS = range(4)
"""Indices into `sweep.kernel.STATUSES`."""
LONGEST_PERIOD = 16
"""Epochs within which the state of a stationary run comes back."""
_LONGEST_BLOCK = 64
_LOOKS_PER_MARK = 16

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
_FIND_STATIONARY = types.void(
    types.FunctionType(_ADVANCE),
    types.UniTuple(types.int64, 6),
    _TABLE,
    _TABLE,
    types.int64[::1],
    _TABLE,
    types.int64,
    types.float64,
    types.float64,
    _TABLE,
    types.int8[::1],
    types.int64[::1],
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


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _place(lane, width, row, values, into):
    """Put the values of a row of an array into a lane."""
    for j in range(values.shape[1]):
        into[j * width + lane] = values[row, j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _place_run(lane, sizes, run, tables, table_of_run, settings_of_run, targets, settings):
    """Put what a run is trained with into a lane: its targets and its settings."""
    width, _, _, n_rows, rate_divisor, soft_targets = sizes
    for k in range(settings_of_run.shape[1]):
        value = settings_of_run[run, k]
        settings[k * width + lane] = value / rate_divisor if k < 2 else value
    for m in range(n_rows):
        y = tables[table_of_run[run], m]
        targets[m * width + lane] = y if soft_targets else math.copysign(0.0, y - 0.5)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _same(lane, width, bits, other):
    """Whether a lane's state is the same in both, bit for bit."""
    same, j = True, lane
    while same and j < bits.size:
        same, j = bits[j] == other[j], j + width
    return same


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _skip_cycles(run_of, count, expected, bits, marked, marked_at, n_looks, max_epochs):
    """Spare runs that are back at the state marked some epochs ago all further rounds of that cycle that fit.

    From there on training would repeat itself for ever, so that the state at max_epochs is the one they reach by the
    epochs that remain. When a look comes, and whether it finds the cycle, changes the time it takes and nothing else.
    """
    width = run_of.size
    for lane in range(width):
        if run_of[lane] < 0 or count[lane] < expected[lane]:
            continue
        if n_looks[lane] % _LOOKS_PER_MARK == 0:
            for j in range(lane, bits.size, width):
                marked[j] = bits[j]
            marked_at[lane] = count[lane]
        elif _same(lane, width, bits, marked):
            cycle = int(count[lane] - marked_at[lane])
            count[lane] += (max_epochs - int(count[lane])) // cycle * cycle
            expected[lane] = count[lane]
        n_looks[lane] += 1


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
    skips_cycles,
    loss_limit,
    error_limit,
    status_out,
    epochs_out,
    converged_epoch_out,
    final_loss_out,
    state_out,
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
    skips_cycles : int64
        0 or 1: whether epochs that would only repeat earlier ones, bit for bit, are skipped.
    loss_limit, error_limit : float64
        As in `advance`.
    status_out : (n,) int8
        Index into STATUSES.
    epochs_out, converged_epoch_out : (n,) int64
        Updates applied; first epoch at which the criterion held, −1 for never.
    final_loss_out : (n,) float64
        Mean loss in nats after the last update; ∞ if diverged.
    state_out : (n, n_values) or (0, n_values) float64
        Final parameters, and what the optimizer remembers, where asked for.
    curve_out : (n, 1 + max_epochs // record_every) or (0, 0) float64
        Loss at epochs 0, record_every, …; what a run did not reach stays as it was.
    """
    width, n_params, n_values, n_rows, _, _ = sizes
    n_runs = settings_of_run.shape[0]
    state, targets, settings = np.zeros(n_values * width), np.zeros(n_rows * width), np.zeros(N_SETTINGS * width)
    count, converged_epoch = np.zeros(width), np.zeros(width)
    loss, converged, finite = np.zeros(width), np.zeros(width), np.zeros(width)
    run_of, expected, recorded = np.full(width, -1), np.zeros(width), np.zeros(width, np.int64)
    bits, marked = state.view(np.int64), np.zeros(n_values * width, np.int64)
    marked_at, n_looks = np.zeros(width), np.zeros(width, np.int64)
    next_run, n_done, n_epochs_done = 0, 0, 0

    while True:
        for lane in range(width):
            if run_of[lane] < 0 and next_run < n_runs:
                run = next_run
                next_run += 1
                run_of[lane] = run
                count[lane], converged_epoch[lane], recorded[lane] = 0.0, -1.0, 0
                n_looks[lane] = 0
                _place_run(lane, sizes, run, tables, table_of_run, settings_of_run, targets, settings)
                for j in range(n_params, n_values):
                    state[j * width + lane] = 0.0
                _place(lane, width, start_of_run[run], starts, state)
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

        if skips_cycles and record_every == 0:
            _skip_cycles(run_of, count, expected, bits, marked, marked_at, n_looks, max_epochs)
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
            if state_out.shape[0] > 0:
                for j in range(n_values):
                    state_out[run, j] = state[j * width + lane]
            if record_every > 0 and recorded[lane] * record_every == epochs:
                curve_out[run, recorded[lane]] = loss[lane]
            run_of[lane] = -1
            n_done += 1
            n_epochs_done += epochs


def _find_stationary(
    advance,
    sizes,
    X,
    tables,
    table_of_run,
    settings_of_run,
    longest_period,
    loss_limit,
    error_limit,
    states,
    status_out,
    period_out,
):
    """Tell runs whose last state comes back within `longest_period` epochs from others that reached max_epochs.

    A run that would meet the criterion on the way, at a state of its cycle that it has not come to yet, is not one.

    Parameters as in `_train`, but for `states`: (n, n_values) float64, C-contiguous, what the runs ended with.
    """
    width, _, n_values, n_rows, _, _ = sizes
    state, targets = np.zeros(n_values * width), np.zeros(n_rows * width)
    settings = np.zeros(N_SETTINGS * width)
    count, converged_epoch = np.zeros(width), np.zeros(width)
    bits = state.view(np.int64)
    runs = np.flatnonzero(status_out == MAX_EPOCHS)
    for start in range(0, runs.size, width):
        batch = runs[start : start + width]
        for lane in range(batch.size):
            _place_run(lane, sizes, batch[lane], tables, table_of_run, settings_of_run, targets, settings)
            _place(lane, width, batch[lane], states, state)
        last = bits.copy()
        converged_epoch[:] = -1.0
        for epoch in range(1, longest_period + 1):
            advance(1, X, state, targets, settings, count, converged_epoch, loss_limit, error_limit)
            for lane in range(batch.size):
                unmet = status_out[batch[lane]] == MAX_EPOCHS and converged_epoch[lane] < 0.0
                if unmet and _same(lane, width, bits, last):
                    status_out[batch[lane]], period_out[batch[lane]] = STATIONARY, epoch


@functools.cache
def _compiled_train():
    """`_train` and `_find_stationary` as machine code; made at first use, since importing this needs no compiler."""
    compiled = functools.partial(numba.njit, cache=True, nogil=True, error_model="numpy")
    return compiled(_TRAIN)(_train), compiled(_FIND_STATIONARY)(_find_stationary)


@functools.cache
def _interleave():
    """Have LLVM order instructions of independent rows next to each other; no bit depends on it.

    The window of a CPU in which it finds independent instructions is shorter than the code of one row; LLVM's default
    order leaves a tenth to a sixth of the speed unused. The option is for the whole process.
    """
    if platform.machine() == "x86_64":
        llvmlite.binding.set_option("", "-pre-RA-sched=list-ilp")


class Kernel:
    """Training compiled for a plan: the two functions that do the arithmetic, and the loops around them.

    The loops are the same machine code for every plan, and call the two through pointers, so that a plan costs the
    compilation of its arithmetic only. Calling the kernel trains; `py_func` does the same without any compiled code.
    """

    def __init__(self, plan: Plan):
        text = plan.text
        _interleave()

        @numba.njit(_ADVANCE, cache=True, nogil=True, error_model="numpy")
        @_named_for(plan)
        def advance_lanes(n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit):
            advance(text, n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit)

        @numba.njit(_EVALUATE, cache=True, nogil=True, error_model="numpy")
        @_named_for(plan)
        def evaluate_lanes(X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out):
            evaluate(text, X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out)

        self.loops, self.advance, self.evaluate = _compiled_train(), advance_lanes, evaluate_lanes
        divisor = 1 if plan.online or OPTIMIZERS[plan.optimizer].divides else plan.n_rows
        self.n_params = plan.n_params
        self.sizes = (plan.width, plan.n_params, n_state(plan), plan.n_rows, divisor, int(plan.soft_targets))

    def __call__(self, *args, **kwargs):
        """Train; parameters are those of `_work`."""
        self._work(self.loops, (self.advance, self.evaluate), *args, **kwargs)

    def py_func(self, *args, **kwargs):
        """Train as ordinary Python."""
        arithmetic = (self.advance.py_func, self.evaluate.py_func)
        self._work((_train, _find_stationary), arithmetic, *args, **kwargs)

    def _work(
        self,
        loops,
        arithmetic,
        X,
        tables,
        table_of_run,
        starts,
        start_of_run,
        settings_of_run,
        max_epochs,
        record_every,
        longest_period,
        loss_limit,
        error_limit,
        status_out,
        epochs_out,
        converged_epoch_out,
        period_out,
        final_loss_out,
        weights_out,
        curve_out,
    ):
        """Train runs, and tell which have become stationary.

        Parameters
        ----------
        longest_period : int
            A run that ends at max_epochs is stationary if its state there, weights and what the optimizer remembers,
            comes back bit for bit within so many epochs, or max_epochs if that is less. 0: no run is, and every epoch
            is trained.
        period_out : (n,) int64
            After how many epochs the state of a stationary run comes back; of others left as it was.
        weights_out : (n, P) or (0, P) float64
            Final parameters, where asked for.
        Others
            As in `_train`.
        """
        (train, find_stationary), (advance, evaluate) = loops, arithmetic
        n_values = self.sizes[2]
        states = np.empty((len(status_out) if longest_period or len(weights_out) else 0, n_values))
        train(
            advance,
            evaluate,
            self.sizes,
            X,
            tables,
            table_of_run,
            starts,
            start_of_run,
            settings_of_run,
            max_epochs,
            record_every,
            int(longest_period > 0),
            loss_limit,
            error_limit,
            status_out,
            epochs_out,
            converged_epoch_out,
            final_loss_out,
            states,
            curve_out,
        )
        if len(weights_out):
            weights_out[:] = states[:, : self.n_params]
        if longest_period:
            find_stationary(
                advance,
                self.sizes,
                X,
                tables,
                table_of_run,
                settings_of_run,
                min(longest_period, max_epochs),
                loss_limit,
                error_limit,
                states,
                status_out,
                period_out,
            )


@functools.cache
def kernel(plan: Plan) -> Kernel:
    """The kernel of a plan, made once in a process."""
    return Kernel(plan)
