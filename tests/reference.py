"""The oracle: the models, losses, gradients and update rules of the contract in plain NumPy, one model at a time.

Slow and obvious on purpose; it imports nothing of the package under test. Every network is

    Z1 = X W1ᵀ + b1,   A = φ(Z1),   z = A w2 + X u + b2                                                    (1)

with the direct weights u present in a network with shortcuts, and logistic regression the case of no hidden unit at
all: z = X u + b2. The parameters of a model are one float64 vector, in the order W1 (row by row), b1, w2, u, b2.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Activation = Literal["sigmoid", "tanh", "relu", "identity"]
Rule = Literal["gd", "momentum", "nesterov", "adam", "rmsprop", "quickprop", "delta_bar_delta", "rprop"]
Status = Literal["converged", "diverged", "max_epochs"]


@dataclass(frozen=True)
class Model:
    """A network with one hidden layer and one output; `hidden = 0` is a single unit on the inputs."""

    n_inputs: int
    hidden: int = 0
    activation: Activation = "sigmoid"
    output: Literal["sigmoid", "linear"] = "sigmoid"
    loss: Literal["bce", "mse"] = "bce"
    shortcut: bool = False

    def __post_init__(self) -> None:
        if self.loss == "bce" and self.output == "linear":
            raise ValueError("binary cross-entropy needs a sigmoid output, not a linear one")
        if self.shortcut and self.hidden == 0:
            raise ValueError("a shortcut leads past a hidden layer, and this model has none")

    @property
    def n_direct(self) -> int:
        """Number of weights that lead straight from the inputs to the output."""
        return self.n_inputs if self.shortcut or self.hidden == 0 else 0

    @property
    def n_params(self) -> int:
        """Number of parameters, biases included."""
        return self.hidden * (self.n_inputs + 1) + self.hidden + self.n_direct + 1


@dataclass(frozen=True)
class Run:
    """What one training run reports; `curve` holds (epoch, loss) pairs."""

    status: Status
    epochs: int
    converged_epoch: int | None
    final_loss: float
    params: Array
    curve: list[tuple[int, float]]


def truth_table_rows(table: str, encoding: Literal["01", "pm1"] = "01") -> tuple[Array, Array]:
    """Inputs (2ⁿ, n) in counting order, first input most significant, and the targets (2ⁿ,) that `table` lists."""
    n_inputs = len(table).bit_length() - 1
    if len(table) != 2**n_inputs or set(table) - {"0", "1"}:
        raise ValueError(f"a truth table is a string of 2ⁿ zeros and ones, not {table!r}")
    low, high = {"01": (0.0, 1.0), "pm1": (-1.0, 1.0)}[encoding]
    X = np.array(list(itertools.product([low, high], repeat=n_inputs)))
    return X, np.array([float(bit) for bit in table])


def draw(init: str, seed: int, model: Model) -> Array:
    """Initial parameters, drawn one by one from a fresh generator in the order of the parameter vector.

    The xavier (Glorot & Bengio 2010, eq. 16) and he (He et al. 2015, eq. 10) schemes draw weights only; biases are
    zero. Shortcuts belong to the output layer and count in its fan-in.
    """
    rng = np.random.default_rng(seed)
    name, _, rest = init.rstrip(")").partition("(")
    arguments = [float(argument) for argument in rest.split(",")] if rest else []
    if name == "zeros":
        return np.zeros(model.n_params)
    if name == "constant":
        return np.full(model.n_params, arguments[0])
    if name == "uniform":
        return np.array([rng.uniform(arguments[0], arguments[1]) for _ in range(model.n_params)])
    if name == "normal":
        return np.array([rng.normal(arguments[0], arguments[1]) for _ in range(model.n_params)])

    scheme, distribution = name.split("_")
    params: list[float] = []
    n_out = model.hidden + model.n_direct
    for n_weights, n_biases, fan_in, fan_out in [
        (model.hidden * model.n_inputs, model.hidden, model.n_inputs, model.hidden),
        (n_out, 1, n_out, 1),
    ]:
        variance = {"xavier": 2 / (fan_in + fan_out), "he": 2 / fan_in}[scheme]
        for _ in range(n_weights):
            if distribution == "uniform":
                params.append(rng.uniform(-math.sqrt(3 * variance), math.sqrt(3 * variance)))
            else:
                params.append(rng.normal(0.0, math.sqrt(variance)))
        params += [0.0] * n_biases
    return np.array(params)


def unpack(model: Model, params: Array) -> tuple[Array, Array, Array, Array, float]:
    """W1 (hidden, n_inputs), b1 (hidden,), w2 (hidden,), u (n_inputs,; zero where there are none) and b2."""
    if params.shape != (model.n_params,):
        raise ValueError(f"{model} has {model.n_params} parameters, not {params.shape}")
    H, N = model.hidden, model.n_inputs
    W1, b1, w2, u, b2 = np.split(params, np.cumsum([H * N, H, H, model.n_direct]))
    return W1.reshape(H, N), b1, w2, u if model.n_direct else np.zeros(N), float(b2[0])


def sigmoid(z: Array) -> Array:
    """1 / (1 + e⁻ᶻ), by way of e^−|z|, which never overflows."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def activate(activation: Activation, z: Array) -> Array:
    """φ(z)."""
    if activation == "sigmoid":
        return sigmoid(z)
    if activation == "tanh":
        return np.tanh(z)
    if activation == "identity":
        return z
    return np.maximum(z, 0.0)


def activation_slope(activation: Activation, z: Array) -> Array:
    """φ′(z), with relu′(0) = 0."""
    if activation == "sigmoid":
        return sigmoid(z) * (1 - sigmoid(z))
    if activation == "tanh":
        return 1 - np.tanh(z) ** 2
    if activation == "identity":
        return np.ones_like(z)
    return np.where(z > 0, 1.0, 0.0)


def logits(model: Model, params: Array, X: Array) -> Array:
    """z of every row, equation (1)."""
    W1, b1, w2, u, b2 = unpack(model, params)
    A = activate(model.activation, X @ W1.T + b1)
    return A @ w2 + X @ u + b2


def outputs(model: Model, params: Array, X: Array) -> Array:
    """The output of every row: σ(z), or z where the output is linear."""
    z = logits(model, params, X)
    return sigmoid(z) if model.output == "sigmoid" else z


def loss(model: Model, params: Array, X: Array, y: Array) -> float:
    """Mean over the rows: cross-entropy in nats, from the logit, or the squared difference without a factor 1/2."""
    if model.loss == "bce":
        z = logits(model, params, X)
        return float(np.mean(np.maximum(z, 0.0) - z * y + np.log1p(np.exp(-np.abs(z)))))
    return float(np.mean((outputs(model, params, X) - y) ** 2))


def gradient(model: Model, params: Array, X: Array, y: Array) -> Array:
    """∂loss/∂params by the chain rule, in the order of the parameter vector."""
    W1, b1, w2, _, _ = unpack(model, params)
    Z1 = X @ W1.T + b1
    A = activate(model.activation, Z1)
    p = outputs(model, params, X)

    if model.loss == "bce":
        dz = p - y
    elif model.output == "sigmoid":
        dz = 2 * (p - y) * p * (1 - p)
    else:
        dz = 2 * (p - y)
    dz = dz / len(X)

    dw2 = A.T @ dz
    du = X.T @ dz if model.n_direct else np.zeros(0)
    db2 = dz.sum()
    dZ1 = np.outer(dz, w2) * activation_slope(model.activation, Z1)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return np.concatenate([dW1.ravel(), db1, dw2, du, [db2]])


class Optimizer:
    """One update rule and its memory: `step` turns parameters and their gradient into the next parameters.

    momentum: classical (Polyak 1964). nesterov: Sutskever et al. 2013, eqs. 3–4, rewritten for the point θ + βv at
    which the gradient is taken (as in Keras; PyTorch's form is the same with v = −ηb). adam: Kingma & Ba 2015,
    algorithm 1. rmsprop: Tieleman & Hinton 2012, with ε outside the square root as in PyTorch. quickprop: Fahlman 1988.
    delta_bar_delta: Jacobs 1988. rprop: Riedmiller & Braun 1993. The last three work on each parameter by itself.
    """

    def __init__(
        self, rule: Rule, learning_rate: Array, momentum: float | None, beta2: float | None, epsilon: float,
        growth: float = 0.0, shrink: float = 0.0, decay: float = 0.0, max_step: float = 0.0, min_step: float = 0.0,
    ) -> None:  # fmt: skip
        self.growth, self.shrink, self.decay = growth, shrink, decay
        self.max_step, self.min_step = max_step, min_step
        self.sizes = np.array(learning_rate)
        self.before = np.zeros_like(learning_rate)
        self.rule = rule
        self.learning_rate = learning_rate
        self.beta1 = momentum if momentum is not None else 0.9 if rule == "adam" else 0.0
        self.beta2 = beta2 if beta2 is not None else 0.99 if rule == "rmsprop" else 0.999
        self.epsilon = epsilon
        self.t = 0
        self.v = np.zeros_like(learning_rate)
        self.s = np.zeros_like(learning_rate)
        if rule in ("gd", "rmsprop") and self.beta1 != 0:
            raise ValueError(f"{rule} has no momentum, and {momentum} was given")

    def step(self, w: Array, g: Array) -> Array:
        """Parameters after one update from w, where the gradient is g."""
        eta, beta1, beta2 = self.learning_rate, self.beta1, self.beta2
        self.t += 1
        if self.rule in ("quickprop", "delta_bar_delta", "rprop"):
            return np.array([getattr(self, f"_{self.rule}")(j, float(w[j]), float(g[j])) for j in range(len(w))])
        if self.rule == "gd":
            return w - eta * g
        if self.rule == "momentum":
            self.v = beta1 * self.v - eta * g
            return w + self.v
        if self.rule == "nesterov":
            self.v = beta1 * self.v - eta * g
            return w + beta1 * self.v - eta * g
        self.s = beta2 * self.s + (1 - beta2) * g**2
        if self.rule == "rmsprop":
            return w - eta * g / (np.sqrt(self.s) + self.epsilon)
        self.v = beta1 * self.v + (1 - beta1) * g
        v_hat = self.v / (1 - beta1**self.t)
        s_hat = self.s / (1 - beta2**self.t)
        return w - eta * v_hat / (np.sqrt(s_hat) + self.epsilon)

    def _quickprop(self, j: int, w: float, g: float) -> float:
        slope, before, last = -g - self.decay * w, self.before[j], self.v[j]
        step = 0.0
        if last == 0:
            step = self.learning_rate[j] * slope
        else:
            if last * slope > 0:
                step += self.learning_rate[j] * slope
            limit = self.growth / (1 + self.growth) * before
            if (last > 0 and slope > limit) or (last < 0 and slope < limit):
                step += self.growth * last
            elif before != slope:
                step += last * slope / (before - slope)
        self.before[j], self.v[j] = slope, step
        return w + step

    def _delta_bar_delta(self, j: int, w: float, g: float) -> float:
        if self.v[j] * g > 0:
            self.sizes[j] += self.growth
        elif self.v[j] * g < 0:
            self.sizes[j] *= 1 - self.shrink
        self.v[j] = (1 - self.beta1) * g + self.beta1 * self.v[j]
        return w - float(self.sizes[j]) * g

    def _rprop(self, j: int, w: float, g: float) -> float:
        if self.before[j] * g > 0:
            self.sizes[j] = min(self.sizes[j] * self.growth, self.max_step)
        elif self.before[j] * g < 0:
            self.sizes[j] = max(self.sizes[j] * self.shrink, self.min_step)
            self.before[j] = 0.0
            self.v[j] = -self.v[j]
            return w + float(self.v[j])
        self.before[j], self.v[j] = g, -math.copysign(self.sizes[j], g) if g else 0.0
        return w + float(self.v[j])


def train(
    model: Model,
    params: Array,
    X: Array,
    y: Array,
    *,
    learning_rate: float,
    max_epochs: int,
    target_loss: float | None = None,
    target_error: float | None = None,
    early_stop: bool = True,
    record_every: int = 0,
    optimizer: Rule = "gd",
    momentum: float | None = None,
    beta2: float | None = None,
    epsilon: float = 1e-8,
    update: Literal["batch", "online"] = "batch",
    hidden_learning_rate: float | None = None,
    fixed: Array | None = None,
    **settings: float,
) -> Run:
    """Train from `params` until the criterion holds, the run diverges, or `max_epochs` passes over the rows are done.

    The criterion (loss < target_loss; |output − target| < target_error on every row; both where both are given) is
    tested at epoch 0 and after every epoch. A batch epoch is one update, an online epoch one update per row in table
    order. A run has diverged where a parameter or the loss is not finite; its final loss is inf. `momentum` is β1 to
    adam; left out, `momentum` and `beta2` are the published 0.9 and 0.999 of adam, 0.99 of rmsprop, and no momentum
    elsewhere; `settings` are those of the other rules. Parameters marked in `fixed` stay. A run that has become
    stationary simply goes on to `max_epochs` here.
    """
    rates = np.full(model.n_params, learning_rate)
    if hidden_learning_rate is not None:
        rates[: model.hidden * (model.n_inputs + 1)] = hidden_learning_rate
    rule = Optimizer(optimizer, rates, momentum, beta2, epsilon, **settings)
    moves = np.ones(model.n_params) if fixed is None else 1.0 - fixed
    batches = [slice(None)] if update == "batch" else [slice(row, row + 1) for row in range(len(X))]

    def criterion_holds(w: Array, current_loss: float) -> bool:
        loss_reached = target_loss is None or current_loss < target_loss
        error_reached = target_error is None or bool(np.all(np.abs(outputs(model, w, X) - y) < target_error))
        return loss_reached and error_reached and not (target_loss is None and target_error is None)

    w = params
    converged_epoch = None
    curve = []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(max_epochs + 1):
            if epoch > 0:
                for rows in batches:
                    after = rule.step(w, gradient(model, w, X[rows], y[rows]))
                    w = np.where(moves > 0, after, w)
            current_loss = loss(model, w, X, y)
            if not (np.all(np.isfinite(w)) and math.isfinite(current_loss)):
                current_loss = math.inf
            if record_every and epoch % record_every == 0:
                curve.append((epoch, current_loss))
            if current_loss == math.inf:
                return Run("diverged", epoch, converged_epoch, current_loss, w, curve)
            if converged_epoch is None and criterion_holds(w, current_loss):
                converged_epoch = epoch
                if early_stop:
                    break
    return Run("max_epochs" if converged_epoch is None else "converged", epoch, converged_epoch, current_loss, w, curve)
