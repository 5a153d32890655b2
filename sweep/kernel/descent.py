"""Descent: epochs of training, and the look at a model between them; all lanes at once."""

from sweep.kernel.lanes import select, traced
from sweep.kernel.model import inputs_of, is_unrolled, through_row, through_table
from sweep.kernel.optimizers import OPTIMIZERS, Settings
from sweep.kernel.plan import Plan
from sweep.spec import models

N_SETTINGS = 5
"""Rows of `settings`: the hidden layer's rate, the output layer's rate, momentum (β₁), β₂, ε; rules with settings of
other names have all of `models.SETTINGS` after the rates."""
SUMS = 4
"""Values kept behind the optimizer's memory: the loss at the start, Σ vₜ, Σ 1/vₜ, and Σ vₜ from epoch `loss_limit` on.
vₜ is the loss after t epochs over that at the start, 10⁶ at most. The last epoch is not counted."""
LARGEST = 1e6


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
        now = through_table(plan, X, before, targets, thresholds, with_loss=plan.sums)
        count, first = kept[S], kept[S + 1]
        going_on = now.finite
        if plan.sums:
            _add_losses(kept, S - SUMS, count, now.total_loss / float(plan.n_rows), going_on, loss_limit)
        elif plan.early_stop:
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
    """Parameters, what the optimizer remembers of each, and sums of losses if they are kept."""
    return plan.n_params * (1 + OPTIMIZERS[plan.optimizer].n_memory) + (SUMS if plan.sums else 0)


def _add_losses(kept, at, count, loss, going_on, window):
    """Add a loss to the sums of a run that is still finite."""
    first = select(count == 0.0, loss, kept[at])
    relative = loss / first
    relative = select(relative > LARGEST, LARGEST, relative)
    kept[at] = first
    kept[at + 1] = kept[at + 1] + select(going_on, relative, 0.0)
    kept[at + 2] = kept[at + 2] + select(going_on, 1.0 / relative, 0.0)
    kept[at + 3] = kept[at + 3] + select(going_on, select(count < window, 0.0, relative), 0.0)


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
    default = models.OPTIMIZERS[plan.optimizer]
    used = [k for k in range(len(default)) if k < N_SETTINGS - 2 or default[k] is not None]
    given = {models.SETTINGS[k]: settings[2 + k] for k in used}
    fixed = set() if plan.bias else set(models.biases(plan.n_inputs, plan.hidden, plan.shortcut))
    for j in range(P):
        if j in fixed:
            continue
        rate = settings[0 if j < plan.n_hidden_params else 1]
        places = [P + j * rule.n_memory + k for k in range(rule.n_memory)]
        direction = ascent[j] / float(plan.n_rows) if rule.divides and not plan.online else ascent[j]
        kept[j], memory = rule.step(kept[j], direction, [kept[k] for k in places], Settings(rate, **given))
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
