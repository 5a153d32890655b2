"""Kernels: the training loop and a plan's arithmetic as machine code, with their signatures and names."""

import functools
import threading

import numba
import numpy as np
from numba import types

from sweep.kernel import loop
from sweep.kernel.descent import N_SETTINGS, advance, evaluate, n_state
from sweep.kernel.draws import standard_normals, standard_uniforms
from sweep.kernel.loop import Limits, Output, Runs, Shape
from sweep.kernel.machine import jit, name_of, on_disk
from sweep.kernel.optimizers import OPTIMIZERS
from sweep.kernel.plan import Plan

_LANES, _TABLE = types.float64[::1], types.float64[:, ::1]
_ADVANCE = types.void(types.intp, _TABLE, *[_LANES] * 5, types.float64, types.float64)
_EVALUATE = types.void(_TABLE, _LANES, _LANES, types.float64, types.float64, *[_LANES] * 4)
_COUNTS, _NUMBERS, _ROWS = np.empty(0, np.int64), np.empty(0), np.empty((0, N_SETTINGS))
_CODES, _TEXTS = np.empty(0, np.int8), np.empty((0, 1), np.uint8)
_LOOP = [
    numba.typeof(Shape(1, 1, 1, 1, 1, 1)),
    numba.typeof(Runs(_ROWS, _ROWS, _COUNTS, _ROWS, _COUNTS, _ROWS)),
    numba.typeof(Limits(1, 1, 1, 1.0, 1.0)),
    numba.typeof(loop.empty_lanes(Shape(1, 1, 1, 1, 1, 1), 1)),
]
_OUT = numba.typeof(Output(_CODES, _COUNTS, _COUNTS, _COUNTS, _NUMBERS, _ROWS, _ROWS, _ROWS, _TEXTS))
_TRAIN = types.void(types.FunctionType(_ADVANCE), types.FunctionType(_EVALUATE), *_LOOP, _OUT)
_FIND = types.void(types.FunctionType(_ADVANCE), *_LOOP, numba.typeof(_COUNTS), _OUT)


_compiling = threading.Lock()


def _once(make):
    """Decorate a function that compiles: what it has made is kept, and threads that want it at a time wait for one."""
    made = functools.cache(make)

    @functools.wraps(make)
    def make_once(*args):
        with _compiling:
            return made(*args)

    return make_once


@_once
def _training():
    """The loop that trains; compiled at first use, as importing this needs no compiler."""
    return jit(_TRAIN)(loop.train)


@_once
def _finding():
    """The loop that finds stationary runs; compiled where they are looked for."""
    return jit(_FIND)(loop.find_stationary)


def _arithmetic(plan):
    """`advance` and `evaluate` of a plan."""
    text = plan.text

    @jit(_ADVANCE, text)
    def advance_lanes(n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit):
        advance(text, n_epochs, X, state, targets, settings, epochs, converged_epoch, loss_limit, error_limit)

    @jit(_EVALUATE, text)
    def evaluate_lanes(X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out, sides_out):
        evaluate(text, X, state, targets, loss_limit, error_limit, loss_out, converged_out, finite_out, sides_out)

    return advance_lanes, evaluate_lanes


class Kernel:
    """Training for a plan: the two functions that do the arithmetic, and the loops around them.

    The loops are the same machine code for every plan, and call the two through pointers, so that a plan costs the
    compilation of its arithmetic only. Calling the kernel trains; `py_func` does the same as ordinary Python.

    Both take `loop.Runs`, `loop.Limits` and `loop.Output`.
    """

    def __init__(self, plan: Plan):
        divisor = 1 if plan.online or OPTIMIZERS[plan.optimizer].divides else plan.n_rows
        self.plan = plan
        self.shape = Shape(plan.width, plan.n_params, n_state(plan), plan.n_rows, divisor, int(plan.soft_targets))

    @functools.cached_property
    def code(self):
        """(advance, evaluate), compiled."""
        return _arithmetic(self.plan)

    def __call__(self, runs: Runs, limits: Limits, out: Output) -> None:
        """Train."""
        self._train(_training, _finding, self.code, runs, limits, out)

    def py_func(self, runs: Runs, limits: Limits, out: Output) -> None:
        """Train without compiled arithmetic."""
        text = self.plan.text
        arithmetic = tuple(functools.partial(function.in_python, text) for function in (advance, evaluate))
        self._train(lambda: loop.train, lambda: loop.find_stationary, arithmetic, runs, limits, out)

    def _train(self, training, finding, arithmetic, runs, limits, out):
        advance, evaluate = arithmetic
        keeps_states = limits.longest_period > 0 or len(out.weights) > 0 or len(out.sums) > 0
        states = np.empty((len(out.status) if keeps_states else 0, self.shape.n_values))
        with_states = out._replace(weights=states)
        lanes = loop.empty_lanes(self.shape, runs.settings.shape[1])
        training()(advance, evaluate, self.shape, runs, limits, lanes, with_states)
        out.weights[:] = states[: len(out.weights), : self.shape.n_params]
        if len(out.sums):
            out.sums[:] = states[:, self.shape.n_values - out.sums.shape[1] :]
        if limits.longest_period:
            lanes = loop.empty_lanes(self.shape, runs.settings.shape[1])
            ended = np.flatnonzero(out.status == loop.MAX_EPOCHS)
            finding()(advance, self.shape, runs, limits, lanes, ended, with_states)


@_once
def kernel(plan: Plan) -> Kernel:
    """The kernel of a plan, made and compiled once in a process."""
    made = Kernel(plan)
    assert made.code
    return made


def uncompiled(plans, finds_stationary, draws):
    """List what is to be compiled, as functions that compile a piece each and keep it on disk; the longest first.

    Parameters
    ----------
    plans : sequence of Plan
    finds_stationary : bool
        Whether stationary runs are looked for.
    draws : bool
        Whether starts are drawn.
    """
    pieces = [("train", "", _training)]
    if finds_stationary:
        pieces.append(("find_stationary", "", _finding))
    if draws:
        pieces.append(("_draw_normals", "", _draw))
    pieces += [("evaluate_lanes", plan.text, functools.partial(kernel, plan)) for plan in plans]
    there = on_disk()
    return [functools.partial(_only, compiles) for name, text, compiles in pieces if name_of(name, text) not in there]


def _only(compiles):
    """Compile, and return nothing: code goes from one process to another by the disk alone."""
    compiles()


def _draw():
    one = np.zeros(1, np.int64)
    standard_uniforms(one, 1)
    standard_normals(one, 1)
