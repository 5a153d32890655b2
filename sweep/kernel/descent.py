"""Descent: epochs of training, and the look at a model between them; all lanes at once."""

from sweep.kernel.lanes import Values, absolute, canonical, select, traced
from sweep.kernel.model import check, inputs_of, through_rows, through_table
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
SMALL = 1e100


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
    S, thresholds = n_state(plan), (loss_limit, error_limit)
    kept = state.local(S + 3)
    loop = _parameters(plan, state)
    loop.repeat(S, lambda j: kept.__setitem__(j, state[j]))
    kept[S], kept[S + 1] = epochs[0], converged_epoch[0]

    def epoch(_):
        if plan.checks_ahead:
            state.repeat(singly, check_now)
        w, checked = _parameters(plan, kept), kept[S + 2] if plan.checks_ahead else None
        now = through_table(plan, X, w, targets, thresholds, plan.sums, not plan.online, checked=checked)
        count, first = kept[S], kept[S + 1]
        going_on = now.finite
        if plan.sums:
            _add_losses(kept, S - SUMS, count, now.total_loss / float(plan.n_rows), going_on, loss_limit)
        elif plan.early_stop:
            going_on = going_on & ~now.converged
        else:
            kept[S + 1] = select(now.converged & (first < 0.0), count, first)
        if plan.online:
            _update_after_each_row(plan, X, kept, targets, settings, going_on)
        else:
            _update(plan, kept, now.ascent, settings, going_on)
        kept[S] = count + select(going_on, 1.0, 0.0)

    def check_now(_):
        kept[S + 2] = check(plan, _parameters(plan, kept), state.number(0.0))

    if plan.checks_ahead:
        check_now(0)
        stays = _stays_finite(plan, _parameters(plan, kept), settings) | ~(kept[S + 2] == 0.0)
        singly = stays.all() * -1 + 1
    state.repeat(n_epochs, epoch)
    loop.repeat(S, lambda j: state.__setitem__(j, canonical(kept[j])))
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


def _stays_finite(plan, w, settings):
    """Tell in which lanes no parameter or logit becomes infinite, in a trillion epochs of a plan that checks ahead.

    A row changes a weight of the output by at most the rate, one of a hidden unit by at most the rate times a weight of
    the output. Where all of these begin below 10¹⁰⁰, they end below 10²⁵⁰.
    """
    small = (absolute(settings[0]) < SMALL) & (absolute(settings[1]) < SMALL)
    for j in range(plan.n_params):
        small = small & (absolute(w[j]) < SMALL)
    return small


def _parameters(plan, kept):
    """The parameters, read once where the loops over units are written out; else where they are kept."""
    return Values(kept[j] for j in range(plan.n_params)) if plan.units_are_straight else kept


def _update_after_each_row(plan, X, kept, targets, settings, going_on):
    """Steps of the optimizer after every row; a lane that does not go on takes none."""
    P = plan.n_params
    before = kept.local(P)
    loop = _parameters(plan, kept)
    loop.repeat(P, lambda j: before.__setitem__(j, kept[j]))

    def row(m):
        w = _parameters(plan, kept)
        sums = w.local(P + 4)
        for k, number in enumerate((1.0, 0.0, 0.0, 0.0)):
            sums[P + k] = number
        through_rows(plan, w, inputs_of(plan, X, m, 1), [targets[m]], sums, with_loss=False, fresh=True)
        _update(plan, kept, sums, settings)

    (Values() if plan.is_straight else targets).repeat(plan.n_rows, row)
    loop.repeat(P, lambda j: kept.__setitem__(j, select(going_on, kept[j], before[j])))


def _update(plan, kept, ascent, settings, going_on=None):
    """One step of the optimizer for every parameter; parameters of lanes that do not go on stay as they are."""
    rule, P, H = OPTIMIZERS[plan.optimizer], plan.n_params, plan.n_hidden_params
    default = models.OPTIMIZERS[plan.optimizer]
    used = [k for k in range(len(default)) if k < N_SETTINGS - 2 or default[k] is not None]
    given = {models.SETTINGS[k]: settings[2 + k] for k in used}
    n_hidden = H if plan.bias else plan.hidden * plan.n_inputs

    def step(j, rate):
        places = [j * rule.n_memory + (P + k) for k in range(rule.n_memory)]
        direction = ascent[j] / float(plan.n_rows) if rule.divides and not plan.online else ascent[j]
        w = kept[j]
        stepped, memory = rule.step(w, direction, [kept[k] for k in places], Settings(rate, **given))
        kept[j] = stepped if going_on is None else select(going_on, stepped, w)
        for k, value in zip(places, memory, strict=True):
            kept[k] = value

    ascent.repeat(n_hidden, lambda j: step(j, settings[0]))
    ascent.repeat(P - H if plan.bias else P - H - 1, lambda j: step(j + H, settings[1]))


@traced(Plan.parse)
def evaluate(plan, X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out, sides_out=None):
    """Compute the loss (3), and as 1.0 or 0.0 whether the criterion holds and whether the model is finite.

    Parameters as in `advance`; `loss_out`, `converged_out` and `finite_out` are (width,) float64, lanes, and so is
    `sides_out`, (M * width,), which may be left out: above 0 where the answer to a row is 1.
    """
    thresholds = loss_limit, error_limit
    now = through_table(plan, X, _parameters(plan, state), targets, thresholds, True, False, sides_out)
    loss_out[0] = canonical(now.total_loss / float(plan.n_rows))
    converged_out[0] = select(now.converged, 1.0, 0.0)
    finite_out[0] = select(now.finite, 1.0, 0.0)
