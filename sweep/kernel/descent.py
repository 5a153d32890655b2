"""Descent: epochs of training, and the look at a model between them; all lanes at once."""

from sweep.kernel.lanes import select, traced
from sweep.kernel.model import inputs_of, is_unrolled, through_row, through_table
from sweep.kernel.optimizers import OPTIMIZERS, Settings
from sweep.kernel.plan import Plan

N_SETTINGS = 5
"""Rows of `settings`: the hidden layer's rate, the output layer's rate, momentum (β₁), β₂, ε."""


@traced(Plan.parse)
def advance(plan, n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit):
    """Train for n epochs; a lane whose run has converged (with early stop) or is no longer finite stays as it is.

    Parameters
    ----------
    n_epochs : int
    X : (M, N) float64
        Read only where the plan does not know the table.
    state : (n_state * width,) float64, lanes
        Parameters, then the optimizer's memory; updated.
    targets : (M * width,) float64, lanes
        y if the plan has soft targets, else its sign: +0.0 for y = 1, −0.0 for y = 0.
    settings : (N_SETTINGS * width,) float64, lanes
        Rates are divided by M unless the optimizer divides.
    epochs, converged_epoch : (width,) float64, lanes
        Epochs so far; the first at which the criterion held, −1 for none: both updated.
    loss_limit, error_limit : float64
        exp(−M · target_loss), or M · target_loss for soft targets; target_error.
    """
    P, S, thresholds = plan.n_params, n_state(plan), (loss_limit, error_limit)
    kept = state.local(S + 2)
    for j in range(S):
        kept[j] = state[j]
    kept[S], kept[S + 1] = epochs[0], converged_epoch[0]

    def epoch(_):
        before = [kept[j] for j in range(P)]
        now = through_table(plan, X, before, targets, thresholds, with_loss=False)
        count, first = kept[S], kept[S + 1]
        going_on = now.finite
        if plan.early_stop:
            going_on = going_on & ~now.converged
        else:
            kept[S + 1] = select(now.converged & (first < 0.0), count, first)
        if plan.online:
            _update_after_each_row(plan, X, kept, targets, settings)
        else:
            _update(plan, kept, now.ascent, settings)
        for j in range(P):
            kept[j] = select(going_on, kept[j], before[j])
        kept[S] = count + select(going_on, 1.0, 0.0)

    state.repeat(n_epochs, epoch)
    for j in range(S):
        state[j] = kept[j]
    epochs[0], converged_epoch[0] = kept[S], kept[S + 1]


def n_state(plan):
    """Parameters, and what the optimizer remembers of each."""
    return plan.n_params * (1 + OPTIMIZERS[plan.optimizer].n_memory)


def _update_after_each_row(plan, X, kept, targets, settings):
    P, x = plan.n_params, inputs_of(plan, X)

    def update(m):
        w = [kept[j] for j in range(P)]
        row = through_row(plan, w, [x(m, i) for i in range(plan.n_inputs)], targets[m], [0.0] * P, with_loss=False)
        _update(plan, kept, row.ascent, settings)

    if is_unrolled(plan):
        for m in range(plan.n_rows):
            update(m)
    else:
        targets.repeat(plan.n_rows, update)


def _update(plan, kept, ascent, settings):
    """One step of the optimizer for every parameter."""
    rule, P = OPTIMIZERS[plan.optimizer], plan.n_params
    for j in range(P):
        rate = settings[0 if j < plan.n_hidden_params else 1]
        places = [P + j * rule.n_memory + k for k in range(rule.n_memory)]
        direction = ascent[j] / float(plan.n_rows) if rule.divides and not plan.online else ascent[j]
        kept[j], memory = rule.step(
            kept[j], direction, [kept[k] for k in places], Settings(rate, settings[2], settings[3], settings[4])
        )
        for k, value in zip(places, memory, strict=True):
            kept[k] = value


@traced(Plan.parse)
def evaluate(plan, X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out):
    """Compute the loss (3), and as 1.0 or 0.0 whether the criterion holds and whether the model is finite.

    Parameters as in `advance`; the last three are (width,) float64, lanes.
    """
    w = [state[j] for j in range(plan.n_params)]
    now = through_table(plan, X, w, targets, (loss_limit, error_limit), with_loss=True)
    loss_out[0] = now.total_loss / float(plan.n_rows)
    converged_out[0] = select(now.converged, 1.0, 0.0)
    finite_out[0] = select(now.finite, 1.0, 0.0)
