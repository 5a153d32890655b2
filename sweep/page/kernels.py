"""What a page needs to train runs itself: an experiment, compiled for WebAssembly."""

import base64
import collections
import gzip
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from sweep.engine import training
from sweep.kernel import draws, retarget
from sweep.kernel.compiled import Kernel
from sweep.kernel.machine import kept
from sweep.kernel.plan import Plan
from sweep.spec import gates, inits, models
from sweep.spec.experiment import Experiment
from sweep.spec.grid import Grid
from sweep.spec.keys import KEYS, REQUIRED
from sweep.spec.schema import STATUS

MOST_KERNELS = 24
MOST_HIDDEN = 32
MOST_BYTES = 280_000
"""Of all kernels of a page, packed; with the scripts it grows by less than 400 kB."""
MOST_KNOWN = 16_384
"""Runs of which a page can tell whether an outcome is the sweep's."""
_SCRIPTS = ("kernel", "random", "experiment", "api", "draw", "bench", "live")
_HERE = Path(__file__).with_name("live")


class Kind(NamedTuple):
    """A kernel, and what its runs have in common beside it.

    Attributes
    ----------
    plan
    loss_limit
        In the terms of the kernel.
    bits
        The encoding of Boolean inputs; "" for a table of one's own.
    update
        "batch" or "online".
    """

    plan: Plan
    loss_limit: float
    bits: str
    update: str


def script(*more: str) -> str:
    """Join the scripts, and more of them, to one that defines `window.sweep` and fills the section `live` of a page."""
    texts = ((_HERE / f"{name}.js").read_text("utf-8") for name in (*_SCRIPTS, *more))
    return f'(() => {{\n"use strict";\n{"".join(texts)}}})();\n'


def kinds(experiment: Experiment) -> list[Kind]:
    """The kinds of runs of an experiment, the commonest first."""
    counts: collections.Counter[Kind] = collections.Counter()
    for grid in experiment.grids:
        n_each = grid.n_runs // len(grid.values["gate"])
        n_gates = collections.Counter(training.inputs_of(experiment, gate) for gate in grid.values["gate"])
        examples = {training.inputs_of(experiment, gate): gate for gate in grid.values["gate"]}
        for gate, values in itertools.product(
            examples.values(), itertools.product(*(grid.values[key] for key in training.CHOICES))
        ):
            kind = _kind(experiment, {"gate": gate, **dict(zip(training.CHOICES, values, strict=True))})
            n_choices = math.prod(len(grid.values[key]) for key in training.CHOICES)
            counts[kind] += n_each * n_gates[training.inputs_of(experiment, gate)] // n_choices
    return [kind for kind, _ in counts.most_common()]


def _kind(experiment: Experiment, setting: Mapping[str, Any]) -> Kind:
    """Return the kind of a run by its gate and the choices of its kernel."""
    bits = "" if setting["gate"] in experiment.tables else setting["encoding"]
    plan, limit = training.plan_for(experiment, setting)
    return Kind(replace(plan, width=1), limit, bits, setting["update"])


class Known(NamedTuple):
    """Knowledge of a page of a result beside the experiment.

    Attributes
    ----------
    replay
        What to type, but for a run's number, to replay it; None where there is no result.
    more
        What to type for a page with every kernel; None where there is no result.
    file
        The experiment's file, for runs off the grid.
    openings
        Runs, or settings, that the page opens on: one or two.
    points
        For each setting n runs, `converged` of them, and the median of their epochs; see `points_of`.
    sums
        See `fingerprints`.
    """

    replay: str | None = None
    more: str | None = None
    file: str | None = None
    openings: Sequence[int | Mapping[str, Any]] = (0,)
    points: Mapping[str, Sequence[Any]] | None = None
    sums: Mapping[str, Any] | None = None


def data(experiment: Experiment, known: Known, whole: bool = False) -> str:
    """An experiment and its kernels, as JSON for the page's script.

    Parameters
    ----------
    experiment, known
    whole
        True for all kernels; else those of the runs to open on and of most runs, MOST_KERNELS and MOST_BYTES at most.
    """
    opening = [_kind(experiment, experiment.setting(run)) for run in known.openings if isinstance(run, int)]
    every = list(dict.fromkeys([*opening, *kinds(experiment)]))
    chosen = every if whole else every[:MOST_KERNELS]
    chosen = chosen + [kind for kind in wider(chosen) if kind not in every][: max(MOST_KERNELS - len(chosen), 0)]
    compiled = [(kind, _compiled(kind.plan)) for kind in chosen]
    code = _packed(b"".join(code for _, code in compiled))
    while not whole and len(code) > MOST_BYTES:
        compiled.pop()
        code = _packed(b"".join(code for _, code in compiled))
    ends = itertools.accumulate(len(code) for _, code in compiled)
    described = [
        {**shape_of(kind), "at": end - len(code), "size": len(code)}
        for (kind, code), end in zip(compiled, ends, strict=True)
    ]
    lacking = [shape_of(kind) for kind in every[len(compiled) :]]
    content = {**_described(experiment), **_known(known), "kernels": described, "lacking": lacking}
    text = json.dumps(content, separators=(",", ":"))
    return json.dumps({"experiment": _packed(text.encode()), "code": code})


def _compiled(plan: Plan) -> bytes:
    return kept("wasm32", plan.text, lambda: retarget.compiled(plan, retarget.TARGETS["wasm32"]))


def _known(known: Known) -> dict[str, Any]:
    return {**known._asdict(), "sums": None, "known": known.sums}


def _described(experiment: Experiment) -> dict[str, Any]:
    """The experiment as the script takes it."""
    return {
        "name": experiment.name,
        "train": experiment.train.model_dump(),
        "keys": {
            key: {
                "allowed": each.allowed,
                "type": TypeAdapter(each.type).json_schema(),
                "required": each.default is REQUIRED,
                **({} if each.default is REQUIRED else {"default": each.default}),
            }
            for key, each in KEYS.items()
        },
        "statuses": {name: {"term": status.term, "because": status.because} for name, status in STATUS.items()},
        "controls": _controls(experiment),
        "inits": re.findall(r"\w+(?:\(.*?\))?", inits.ALLOWED),
        "rules": {name: rule._asdict() for name, rule in models.OPTIMIZERS.items()},
        "gates": gates.NAMES,
        "aliases": gates.ALIASES,
        "tables": {
            name: np.column_stack([table.inputs, table.targets]).tolist() for name, table in experiment.tables.items()
        },
        "grids": [_grid(grid) for grid in experiment.grids],
        "ziggurat": {"edge": _base64(draws.LAYER_EDGE.astype(float)), "scale": _base64(draws.LAYER_SCALE)},
    }


def wider(kinds: Sequence[Kind]) -> list[Kind]:
    """The same with one hidden unit more; of logistic regression with one and with two."""
    return [
        kind._replace(plan=replace(kind.plan, hidden=kind.plan.hidden + more))
        for kind in kinds
        for more in ((1,) if kind.plan.hidden else (1, 2))
        if kind.plan.hidden + more <= MOST_HIDDEN
    ]


def _controls(experiment: Experiment) -> list[str]:
    """Keys that can be changed: those that vary, and what every run has."""
    given = all(grid.weights for grid in experiment.grids)
    always = ("gate", "hidden", "learning_rate", *(() if given else ("init",)))
    keys = dict.fromkeys(key for grid in experiment.grids for key in grid.values)

    def varies(key: str) -> bool:
        return len({value for grid in experiment.grids for value in grid.values.get(key, ()) if value is not None}) > 1

    shown = [key for key in keys if key in always or varies(key)]
    shown.insert(shown.index("init" if "init" in shown else "learning_rate") + 1, "seed")
    return shown


def fingerprints(runs: Sequence[NDArray[Any]], stride: int) -> dict[str, Any]:
    """Return what `fingerprint` of experiment.js gives for runs 0, `stride`, 2 `stride`, …

    Parameters
    ----------
    runs
        Columns of these runs: code of the status, epochs, converged epoch or −1, period or 0, final loss.
    stride : int
    """
    *integers, loss = runs
    words = [np.asarray(column).astype(np.int32).view(np.uint32) for column in integers]
    halves = np.ascontiguousarray(loss, "<f8").view("<u4").reshape(-1, 2)
    sums = np.full(len(halves), 0x811C9DC5, np.uint32)
    for word in (*words, *halves.T):
        for shift in range(0, 32, 8):
            sums = (sums ^ (word >> np.uint32(shift) & np.uint32(255))) * np.uint32(0x01000193)
    return {"stride": stride, "sums": _base64(sums)}


def stride_of(n_runs: int, n_seeds: int) -> int:
    """A step between the runs that are known; where it can it divides the seeds, so that each setting has some."""
    least = -(-n_runs // MOST_KNOWN)
    return next((step for step in range(least, n_seeds + 1) if n_seeds % step == 0), least)


def shape_of(kind: Kind) -> dict[str, Any]:
    """Describe a kernel as the page's script takes it."""
    plan, sizes = kind.plan, Kernel(kind.plan).shape._asdict()
    names = ("n_inputs", "hidden", "activation", "output", "loss", "optimizer", "shortcut", "bias")
    return {
        **sizes,
        **{name: getattr(plan, name) for name in names},
        "soft_targets": plan.soft_targets,
        "bits": kind.bits,
        "update": kind.update,
        "loss_limit": kind.loss_limit,
    }


def _grid(grid: Grid) -> dict[str, Any]:
    seeds = grid.seeds
    return {
        "values": {**grid.values, "gate": _gates(grid.values["gate"])},
        "seeds": {"from": seeds.start, "count": len(seeds)} if isinstance(seeds, range) else list(seeds),
        "weights": list(grid.weights) or None,
    }


def _gates(names: Iterable[str]) -> list[str | dict[str, Any]]:
    """Names of gates; of truth tables, read as binary numbers, the steps from one to the next, which pack well."""
    written: list[str | dict[str, Any]] = []
    for size, group in itertools.groupby(names, lambda name: 0 if name.strip("01") or len(name) > 32 else len(name)):
        if size:
            steps = np.diff(np.array([int(outputs, 2) for outputs in group], "<u4"), prepend=np.uint32(0))
            written.append({"size": size, "steps": _packed(steps.tobytes())})
        else:
            written += group
    return written


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def _base64(numbers: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<")).tobytes()).decode()
