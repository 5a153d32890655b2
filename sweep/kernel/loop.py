"""The training loop: which run is in which lane, and what is kept of it when it ends.

Everything here is ordinary Python that Numba compiles as well, and the same for every plan: the arithmetic comes in as
the two functions `advance` and `evaluate`.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.kernel.machine import inlined
from sweep.spec.schema import status_code

CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS = map(status_code, ("converged", "diverged", "stationary", "max_epochs"))
LONGEST_PERIOD = 16
"""Epochs within which the state of a stationary run comes back."""
_LONGEST_BLOCK = 64
_LOOKS_PER_MARK = 16


class Shape(NamedTuple):
    """Sizes of a plan.

    Attributes
    ----------
    width
        Lanes.
    n_params, n_values
        Parameters of a model; and the same with what the optimizer remembers.
    n_rows
        Of a training set.
    rate_divisor
        Learning rates are divided by it.
    soft_targets
        0 or 1: targets are signs, or numbers.
    """

    width: int
    n_params: int
    n_values: int
    n_rows: int
    rate_divisor: int
    soft_targets: int


class Runs(NamedTuple):
    """Runs to train, n of them; every array is C-contiguous.

    Attributes
    ----------
    X : (M, N) float64
        Inputs of the rows.
    tables : (n_tables, M) float64
        Targets.
    table_of, start_of : (n,) int64
        Rows of `tables` and `starts` for each run.
    starts : (n_starts, P) float64
        Initial parameters.
    settings : (n, N_SETTINGS) float64
        The hidden layer's and the output layer's learning rate, momentum (β₁), β₂, ε.
    """

    X: NDArray[np.float64]
    tables: NDArray[np.float64]
    table_of: NDArray[np.int64]
    starts: NDArray[np.float64]
    start_of: NDArray[np.int64]
    settings: NDArray[np.float64]


class Limits(NamedTuple):
    """When a run ends, and how often its loss is recorded.

    Attributes
    ----------
    max_epochs
    record_every
        Epochs from one recorded loss to the next; 0 records none.
    longest_period
        A run that ends at max_epochs is stationary if its state there, weights and what the optimizer remembers, comes
        back bit for bit within so many epochs, or max_epochs if that is less; epochs that would only repeat earlier
        ones are skipped. 0: no run is, and every epoch is trained.
    loss_limit, error_limit
        As in `descent.advance`.
    """

    max_epochs: int
    record_every: int
    longest_period: int
    loss_limit: float
    error_limit: float


class Output(NamedTuple):
    """Arrays that training writes, an entry for each of n runs; those of shape (0, …) are left out.

    Attributes
    ----------
    status : (n,) int8
        Index into STATUSES.
    epochs, converged_epoch : (n,) int64
        Updates applied; first epoch at which the criterion held, −1 for never.
    period : (n,) int64
        Epochs after which the state of a stationary run comes back; of others left as it was.
    final_loss : (n,) float64
        Mean loss in nats after the last update; ∞ if diverged.
    weights : (n, P) or (0, P) float64, C-contiguous
        Final parameters. In this module: (n, n_values), the optimizer's memory behind them.
    curves : (n, 1 + max_epochs // record_every) or (n, 0) float64, C-contiguous
        Loss at epochs 0, record_every, …; what a run did not reach stays as it was.
    sums : (n, SUMS) or (0, SUMS) float64, C-contiguous
        `descent.SUMS` of plans that keep them.
    answers : (n, M or more) or (0, …) uint8, C-contiguous
        What the final parameters answer to each row, the character 0 or 1; of a diverged run left as it was.
    """

    status: NDArray[np.int8]
    epochs: NDArray[np.int64]
    converged_epoch: NDArray[np.int64]
    period: NDArray[np.int64]
    final_loss: NDArray[np.float64]
    weights: NDArray[np.float64]
    curves: NDArray[np.float64]
    sums: NDArray[np.float64]
    answers: NDArray[np.uint8]


class Lanes(NamedTuple):
    """Runs at work, one in each lane.

    Attributes
    ----------
    state, targets, settings, epochs, converged_epoch
        As `descent.advance` takes them.
    loss, converged, finite, sides
        As `descent.evaluate` gives them.
    run : (width,) int64
        Number of the run; −1 for none.
    expected : (width,) float64
        Epochs that a run has after a block unless it ends before.
    bits, marked : (n_values * width,) int64
        The bits of `state`, now and at the mark.
    marked_at : (width,) float64
        Epochs at the mark.
    n_looks : (width,) int64
        Looks for a cycle.
    """

    state: NDArray[np.float64]
    targets: NDArray[np.float64]
    settings: NDArray[np.float64]
    epochs: NDArray[np.float64]
    converged_epoch: NDArray[np.float64]
    loss: NDArray[np.float64]
    converged: NDArray[np.float64]
    finite: NDArray[np.float64]
    sides: NDArray[np.float64]
    run: NDArray[np.int64]
    expected: NDArray[np.float64]
    bits: NDArray[np.int64]
    marked: NDArray[np.int64]
    marked_at: NDArray[np.float64]
    n_looks: NDArray[np.int64]


def empty_lanes(shape, n_settings):
    """Make room for runs at work, where none is yet."""
    width = shape.width
    state = np.zeros(shape.n_values * width)
    return Lanes(
        state,
        np.zeros(shape.n_rows * width),
        np.zeros(n_settings * width),
        *np.zeros((5, width)),
        np.zeros(shape.n_rows * width),
        np.full(width, -1),
        np.zeros(width),
        state.view(np.int64),
        np.zeros(shape.n_values * width, np.int64),
        np.zeros(width),
        np.zeros(width, np.int64),
    )


@inlined
def _place_run(lane, width, start, settings_of_run, targets_of_run, shape, state, settings, targets):
    """Put what a run is trained with into a lane."""
    for j in range(shape.n_values):
        state[j * width + lane] = start[j] if j < start.size else 0.0
    for k in range(settings_of_run.size):
        settings[k * width + lane] = settings_of_run[k] / shape.rate_divisor if k < 2 else settings_of_run[k]
    for m in range(targets_of_run.size):
        y = targets_of_run[m]
        targets[m * width + lane] = y if shape.soft_targets else math.copysign(0.0, y - 0.5)


@inlined
def _fill(next_run, shape, runs, lanes):
    """Give empty lanes the next runs; returns the number of the run after these."""
    _, tables, table_of, starts, start_of, settings_of = runs
    state, targets, settings, epochs, converged_epoch, run_of, n_looks = (
        lanes.state, lanes.targets, lanes.settings, lanes.epochs, lanes.converged_epoch, lanes.run, lanes.n_looks,
    )  # fmt: skip
    for lane in range(run_of.size):
        if run_of[lane] < 0 and next_run < table_of.size:
            run = next_run
            run_of[lane], epochs[lane], converged_epoch[lane], n_looks[lane] = run, 0.0, -1.0, 0
            start, targets_of_run = starts[start_of[run]], tables[table_of[run]]
            _place_run(lane, run_of.size, start, settings_of[run], targets_of_run, shape, state, settings, targets)
            next_run += 1
    return next_run


@inlined
def _record(lanes, limits, out):
    """Write the losses of the runs that are at an epoch to record."""
    run_of, epochs, loss, finite, curves = lanes.run, lanes.epochs, lanes.loss, lanes.finite, out.curves
    for lane in range(run_of.size):
        if run_of[lane] >= 0 and int(epochs[lane]) % limits.record_every == 0:
            k = int(epochs[lane]) // limits.record_every
            curves[run_of[lane], k] = loss[lane] if finite[lane] > 0.0 else np.inf


@inlined
def _expect(lanes, limits, n_done, n_epochs_done):
    """Choose the epochs until the next look at the lanes, and note what each run will have then.

    A look costs about as much as two epochs, and a finished lane waits half a block for it, so that a block near
    2·√(epochs of a typical run) wastes least; runs at work count with the epochs that they have. A block ends where a
    run reaches max_epochs or an epoch to record.
    """
    run_of, epochs, expected = lanes.run, lanes.epochs, lanes.expected
    n, total, longest = n_done + 1, n_epochs_done + 100.0, limits.max_epochs
    for lane in range(run_of.size):
        if run_of[lane] >= 0:
            n, total = n + 1, total + epochs[lane]
            longest = min(longest, limits.max_epochs - int(epochs[lane]))
            if limits.record_every > 0:
                longest = min(longest, limits.record_every - int(epochs[lane]) % limits.record_every)
    block = min(1 + 2 * int(math.sqrt(total / n)), _LONGEST_BLOCK, longest)
    for lane in range(run_of.size):
        expected[lane] = epochs[lane] + block
    return block


@inlined
def _same(lane, width, bits, other):
    """Return True if both arrays hold the same bits for a lane."""
    same, j = True, lane
    while same and j < bits.size:
        same, j = bits[j] == other[j], j + width
    return same


@inlined
def _skip_cycles(lanes, max_epochs):
    """Spare runs that are back at the state marked some epochs ago all further rounds of that cycle that fit.

    From there on training would repeat itself for ever, so that the state at max_epochs is the one they reach by the
    epochs that remain. When a look comes, and whether it finds the cycle, changes the time it takes and nothing else.
    """
    run_of, epochs, expected, bits = lanes.run, lanes.epochs, lanes.expected, lanes.bits
    marked, marked_at, n_looks = lanes.marked, lanes.marked_at, lanes.n_looks
    width = run_of.size
    for lane in range(width):
        if run_of[lane] < 0 or epochs[lane] < expected[lane]:
            continue
        if n_looks[lane] % _LOOKS_PER_MARK == 0:
            for j in range(lane, bits.size, width):
                marked[j] = bits[j]
            marked_at[lane] = epochs[lane]
        elif _same(lane, width, bits, marked):
            cycle = int(epochs[lane] - marked_at[lane])
            epochs[lane] += (max_epochs - int(epochs[lane])) // cycle * cycle
            expected[lane] = epochs[lane]
        n_looks[lane] += 1


@inlined
def _any_ends(lanes, max_epochs):
    """Return True if a run has ended, before a block did or at max_epochs."""
    run_of, epochs, expected = lanes.run, lanes.epochs, lanes.expected
    ended = False
    for lane in range(run_of.size):
        if run_of[lane] >= 0 and (epochs[lane] < expected[lane] or int(epochs[lane]) == max_epochs):
            ended = True
    return ended


@inlined
def _write(lanes, limits, out):
    """Write what became of the runs that have ended, and empty their lanes; returns their number and their epochs."""
    run_of, epochs_of, expected, first_of = lanes.run, lanes.epochs, lanes.expected, lanes.converged_epoch
    loss, converged, finite, state, sides = lanes.loss, lanes.converged, lanes.finite, lanes.state, lanes.sides
    n_ended, n_epochs = 0, 0
    for lane in range(run_of.size):
        run, epochs, first = run_of[lane], int(epochs_of[lane]), int(first_of[lane])
        if run < 0 or not (epochs_of[lane] < expected[lane] or epochs == limits.max_epochs):
            continue
        if first < 0 and converged[lane] > 0.0:
            first = epochs
        if finite[lane] == 0.0 or not math.isfinite(loss[lane]):
            out.status[run], loss[lane] = DIVERGED, np.inf
        else:
            out.status[run] = CONVERGED if first >= 0 else MAX_EPOCHS
            if out.answers.shape[0] > 0:
                for m in range(sides.size // run_of.size):
                    out.answers[run, m] = 49 if sides[m * run_of.size + lane] > 0.0 else 48
        out.epochs[run], out.converged_epoch[run], out.final_loss[run] = epochs, first, loss[lane]
        if out.weights.shape[0] > 0:
            for j in range(out.weights.shape[1]):
                out.weights[run, j] = state[j * run_of.size + lane]
        if limits.record_every > 0 and epochs % limits.record_every == 0:
            out.curves[run, epochs // limits.record_every] = loss[lane]
        run_of[lane] = -1
        n_ended, n_epochs = n_ended + 1, n_epochs + epochs
    return n_ended, n_epochs


def train(advance, evaluate, shape, runs, limits, lanes, out):
    """Train runs 0 … n − 1 from start to end, `width` at a time; a lane that is done takes the next run.

    Parameters
    ----------
    advance, evaluate
        Those of `descent`, for the plan.
    shape : Shape
    runs : Runs
    limits : Limits
    lanes : Lanes
        Empty ones.
    out : Output
    """
    X, loss_limit, error_limit = runs.X, limits.loss_limit, limits.error_limit
    state, targets, settings, epochs, first = lanes[:5]
    loss, converged, finite, sides = lanes[5:9]
    next_run, n_done, n_epochs_done = 0, 0, 0
    while n_done < out.status.size:
        next_run = _fill(next_run, shape, runs, lanes)
        if limits.record_every > 0:
            evaluate(X, state, targets, loss_limit, error_limit, loss, converged, finite, sides)
            _record(lanes, limits, out)
        block = _expect(lanes, limits, n_done, n_epochs_done)
        advance(block, X, state, targets, settings, epochs, first, loss_limit, error_limit)
        if limits.longest_period > 0 and limits.record_every == 0:
            _skip_cycles(lanes, limits.max_epochs)
        if _any_ends(lanes, limits.max_epochs):
            evaluate(X, state, targets, loss_limit, error_limit, loss, converged, finite, sides)
            ended, n_epochs = _write(lanes, limits, out)
            n_done, n_epochs_done = n_done + ended, n_epochs_done + n_epochs


def find_stationary(advance, shape, runs, limits, lanes, ended, out):
    """Tell stationary runs from others that reached max_epochs.

    A run that would meet the criterion on the way, at a state of its cycle that it has not come to yet, is not one.

    Parameters are those of `train`; `ended` has the numbers of the runs in question, and `out.weights` the states that
    runs ended with.
    """
    X, tables, table_of, _, _, settings_of = runs
    state, targets, settings, epochs, first = lanes[:5]
    bits, last, width, status, states = lanes.bits, lanes.marked, shape.width, out.status, out.weights
    for at in range(0, ended.size, width):
        batch = ended[at : at + width]
        first[:] = -1.0
        for lane in range(batch.size):
            run = batch[lane]
            targets_of_run = tables[table_of[run]]
            _place_run(lane, width, states[run], settings_of[run], targets_of_run, shape, state, settings, targets)
        last[:] = bits
        for epoch in range(1, min(limits.longest_period, limits.max_epochs) + 1):
            advance(1, X, state, targets, settings, epochs, first, limits.loss_limit, limits.error_limit)
            for lane in range(batch.size):
                unmet = status[batch[lane]] == MAX_EPOCHS and first[lane] < 0.0
                if unmet and _same(lane, width, bits, last):
                    status[batch[lane]], out.period[batch[lane]] = STATIONARY, epoch
