"""The training loop: which model is in which lane, and what is kept of it when it is done."""

import functools
import hashlib
import math
from pathlib import Path

import numba
import numpy as np

from sweep.kernel.model import advance, evaluate
from sweep.kernel.plan import Plan

CONVERGED, DIVERGED, STATIONARY, MAX_EPOCHS = range(4)
STATUSES = ("converged", "diverged", "stationary", "max_epochs")
"""Names of the status codes, in their order."""

_LONGEST_BLOCK = 64


@functools.cache
def _digest_of_sources() -> int:
    """A digest of this package's source, part of a compiled kernel's identity in Numba's cache on disk."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")


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


@functools.cache
def kernel(plan: Plan):
    """The training function compiled for a plan; its parameters are documented inside."""
    text, digest = plan.text, _digest_of_sources()
    width, n_params, n_rows, soft_targets = plan.width, plan.n_params, plan.n_rows, plan.soft_targets

    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def train(
        X,
        tables,
        table_of_run,
        starts,
        start_of_run,
        learning_rates,
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
        learning_rates : (n,) float64
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
        _ = digest
        n_runs = learning_rates.size
        w, targets = np.zeros(n_params * width), np.zeros(n_rows * width)
        rate, count, converged_epoch = np.zeros(width), np.zeros(width), np.zeros(width)
        loss, converged, finite = np.zeros(width), np.zeros(width), np.zeros(width)
        run_of, expected, recorded = np.full(width, -1), np.zeros(width), np.zeros(width, np.int64)
        next_run, n_done, n_epochs_done = 0, 0, 0

        while True:
            for lane in range(width):
                if run_of[lane] < 0 and next_run < n_runs:
                    run = next_run
                    next_run += 1
                    run_of[lane] = run
                    rate[lane], count[lane], converged_epoch[lane] = learning_rates[run] / n_rows, 0.0, -1.0
                    recorded[lane] = 0
                    for j in range(n_params):
                        w[j * width + lane] = starts[start_of_run[run], j]
                    for m in range(n_rows):
                        y = tables[table_of_run[run], m]
                        targets[m * width + lane] = y if soft_targets else math.copysign(0.0, y - 0.5)
            if n_done == n_runs:
                break

            if record_every > 0:
                evaluate(text, X, w, targets, loss_limit, error_limit, loss, converged, finite)
                for lane in range(width):
                    run = run_of[lane]
                    if run >= 0 and recorded[lane] * record_every == int(count[lane]):
                        curve_out[run, recorded[lane]] = loss[lane] if finite[lane] > 0.0 else np.inf
                        recorded[lane] += 1

            typical_epochs = (n_epochs_done + 100) / (n_done + 1)
            block = _block_length(run_of, count, recorded, max_epochs, record_every, typical_epochs)
            for lane in range(width):
                expected[lane] = count[lane] + block
            advance(text, block, X, w, targets, rate, count, converged_epoch, loss_limit, error_limit)

            anyone_done = False
            for lane in range(width):
                if run_of[lane] >= 0 and (count[lane] < expected[lane] or int(count[lane]) == max_epochs):
                    anyone_done = True
            if not anyone_done:
                continue
            evaluate(text, X, w, targets, loss_limit, error_limit, loss, converged, finite)
            for lane in range(width):
                run, epochs = run_of[lane], int(count[lane])
                if run < 0 or not (count[lane] < expected[lane] or epochs == max_epochs):
                    continue
                first = int(converged_epoch[lane])
                if first < 0 and converged[lane] > 0.0:
                    first = epochs
                if finite[lane] == 0.0:
                    status_out[run], loss[lane] = DIVERGED, np.inf
                else:
                    status_out[run] = CONVERGED if first >= 0 else MAX_EPOCHS
                epochs_out[run], converged_epoch_out[run], final_loss_out[run] = epochs, first, loss[lane]
                if weights_out.shape[0] > 0:
                    for j in range(n_params):
                        weights_out[run, j] = w[j * width + lane]
                if record_every > 0 and recorded[lane] * record_every == epochs:
                    curve_out[run, recorded[lane]] = loss[lane]
                run_of[lane], rate[lane] = -1, 0.0
                n_done += 1
                n_epochs_done += epochs

    return train
