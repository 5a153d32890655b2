"""Runs trained by a page in chromium: the same starts, the same bits, the same words as the sweep's."""

import base64
import math
import os
import random
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import browser
import golden_runs as golden
import numpy as np
import pandas as pd
import pytest
from conftest import EXPERIMENTS, TINY
from numpy.typing import NDArray
from playwright.sync_api import Browser, Error, Page
from test_golden import check, exact_fma, triples, wanted

import sweep
from sweep.engine import training
from sweep.kernel import retarget
from sweep.page import kernels
from sweep.spec import inits
from sweep.spec.experiment import load
from sweep.spec.schema import RESTARTS as RESTARTED
from sweep.spec.schema import SUMS

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        browser.CHROMIUM is None and "NEED_CHROMIUM" not in os.environ,
        reason="no chromium here: apt-get install chromium fonts-dejavu-core",
    ),
]
EXPERIMENT = {
    "grid": [
        {
            "gate": ["AND", "XOR", "own"],
            "learning_rate": [0.01, 1, 40, 1e6],
            "init": ["uniform(-5, 5)", "normal(0, 10)", "he_normal"],
            "seeds": {"from": 3, "count": 5},
        },
        {"gate": "XOR", "hidden": 2, "activation": "tanh", "init_scale": [1, 2], "learning_rate": 1, "seeds": 5},
        {
            "gate": "XOR", "hidden": 2, "output": "linear", "loss": "mse", "optimizer": "rmsprop", "beta2": [0.9, 0.99],
            "hidden_learning_rate": 0.02, "learning_rate": [0.05, 1e300], "update": "online", "init": "xavier_uniform",
            "seeds": 3,
        },
        {
            "gate": "XOR", "learning_rate": 0.5, "init": "given", "weights": [1, "x", -2.5],
            "x": {"from": -1, "to": 1, "num": 3},
        },
        {
            "gate": ["XOR", "NOR"], "hidden": 2, "activation": ["sigmoid", "identity"], "bias": [True, False],
            "optimizer": ["quickprop", "delta_bar_delta"], "growth": [0.5, 1.75], "learning_rate": [0.5, 4], "seeds": 2,
        },
        {
            "gate": "OR", "bias": False, "optimizer": "rprop", "max_step": [0.5, 50], "shrink": [0.3, None],
            "learning_rate": [0.1, 1], "seeds": 4,
        },
    ],
    "train": {"max_epochs": 300},
    "tables": {"own": {"rows": [[0.5, -1, 0.25], [2, 3, 1], [-1, 0, 0.5]]}},
}  # fmt: skip
RESTARTS = {
    "grid": [
        {
            "gate": "XOR", "hidden": 2, "loss": "mse", "optimizer": "quickprop", "learning_rate": [1, 8],
            "init": "uniform(-1, 1)", "init_scale": [0.5, 2], "seeds": {"from": 9, "count": 8},
        },
        {"gate": "AND", "output": "linear", "loss": "mse", "learning_rate": [0.1, 1, 1e300], "seeds": [3, 1, 700]},
        {"gate": "AND", "learning_rate": [20, 40], "init": "zeros"},
    ],
    "train": {"max_epochs": 430, "target_error": 0.4, "restart_after": 20},
}  # fmt: skip
LAST_LOSSES = {
    "grid": [
        {
            "gate": ["XOR", "own"], "hidden": 2, "output": "linear", "loss": "mse", "bias": [True, False],
            "activation": ["tanh", "identity"], "learning_rate": [0.1, 2, 20, 1e3], "seeds": 4,
        },
        {"gate": "XOR", "learning_rate": [1, 300, 1e300], "optimizer": ["gd", "adam"], "seeds": 3},
    ],
    "train": {"max_epochs": 60, "last_losses": 7},
    "tables": {"own": {"rows": [[0.5, -1, 0.25], [2, 3, 1], [-1, 0, 0.5]]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as started:
        yield started


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Page:
    return browser.training_page(chromium, EXPERIMENT)


def numbers(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), "<f8")


def encoded(array: NDArray[np.float64]) -> str:
    return base64.b64encode(array.astype("<f8").tobytes()).decode()


CODEC = """
const decoded = (text) => new Float64Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const encoded = (numbers) => {
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
};
"""


# --- arithmetic -----------------------------------------------------------------------------------------------


def test_webassembly_gives_the_golden_bits(page: Page) -> None:
    done = f"""async ({{ code, jobs }}) => {{
      {CODEC}
      const module = await WebAssembly.compile(Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0)));
      return Promise.all(jobs.map(async ({{ memory, calls }}) => {{
        const start = decoded(memory);
        const {{ call, numbers }} = await inside.instantiate(module, start.length);
        numbers.set(start);
        for (const [name, args] of calls) {{
          call[name](...args.map(({{ at, n, x }}) => x ?? (n === undefined ? inside.STACK + 8 * at : BigInt(n))));
        }}
        return encoded(numbers.slice(0, start.length));
      }}));
    }}"""

    def argument(work: golden.Job, a: int | str | float) -> dict[str, Any]:
        return {"at": work.parts[a].at} if isinstance(a, str) else {"n": a} if isinstance(a, int) else {"x": a}

    def listed(work: golden.Job) -> list[Any]:
        return [[name, [argument(work, a) for a in arguments]] for name, arguments in golden.calls(work)]

    def train(work: golden.Job) -> NDArray[np.float64]:
        jobs = golden.single(work)
        code = base64.b64encode(retarget.compiled(jobs[0].plan, retarget.TARGETS["wasm32"])).decode()
        given = [{"memory": encoded(one.memory), "calls": listed(one)} for one in jobs]
        return golden.joined(work, map(numbers, page.evaluate(done, {"code": code, "jobs": given})))

    check(wanted(2), train)


def test_extreme_exponents_are_multiplied_and_added_exactly(page: Page) -> None:
    cases = triples(4_000)
    done = f"""(text) => {{
      {CODEC}
      const given = decoded(text);
      const length = given.length / 3;
      return encoded(Array.from({{ length }}, (_, k) => inside.exactFma(...given.subarray(3 * k, 3 * k + 3))));
    }}"""
    found = numbers(page.evaluate(done, encoded(np.array(cases).ravel())))
    for (x, y, z), value in zip(cases, found.tolist(), strict=True):
        expected = exact_fma(x, y, z)
        same = struct.pack("d", value) == struct.pack("d", expected)
        assert same or (math.isnan(value) and math.isnan(expected)), (x, y, z)


INITS = (
    "uniform(-5, 5)",
    "normal(0, 1)",
    "constant(2)",
    "zeros",
    "xavier_uniform",
    "xavier_normal",
    "he_uniform",
    "he_normal",
)


@pytest.mark.parametrize("init", INITS)
def test_ten_thousand_seeds_start_as_numpy_says(page: Page, init: str) -> None:
    seeds = [*range(9_990), 2**31 - 1, 2**31, 2**32 - 1, 123456789, *(7**k for k in range(6))]
    shape = (2, 2, True)
    done = f"""async ({{ seeds, init }}) => {{
      {CODEC}
      const experiment = await inside.thisExperiment();
      const parsed = inside.parsedInit(init, experiment.inits);
      const shape = {{ n_inputs: 2, hidden: 2, shortcut: true }};
      return encoded(seeds.flatMap((seed) => inside.drawn(parsed, seed, shape, experiment.ziggurat)));
    }}"""
    found = numbers(page.evaluate(done, {"seeds": seeds, "init": init})).reshape(len(seeds), -1)
    expected = np.array([inits.draw(inits.parse(init), np.random.default_rng(seed), *shape) for seed in seeds])
    np.testing.assert_array_equal(found.view(np.uint64), expected.view(np.uint64))


# --- runs -----------------------------------------------------------------------------------------------------

COLUMNS = ("run", "status", "epochs", "converged_epoch", "period", "final_loss")


def plain(value: Any) -> Any:
    """A value of a table as JSON has it; None where it is missing."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def as_json(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the table of runs as `sweep.train` gives them."""
    columns = [*COLUMNS, *(key for key in (*RESTARTED, *SUMS) if key in runs)]
    return [
        {key: plain(value) for key, value in zip(columns, row, strict=True)}
        for row in runs[columns].itertuples(index=False, name=None)
    ]


def trained(page: Page, settings: Sequence[Any], prepare: str = "settings") -> list[dict[str, Any]]:
    """What the page's `sweep.train` gives for some settings, or numbers of runs prepared by a script."""
    done = f"""async (settings) => Promise.all((await {prepare}).map(async (given) => {{
      const {{ initial_weights, final_weights, curve, ...outcome }} = await sweep.train(given);
      return outcome;
    }}))"""
    found = [row for first in range(0, len(settings), 20) for row in page.evaluate(done, settings[first : first + 20])]
    real = ("final_loss", *SUMS)  # JSON has whole numbers as integers
    return [row | {key: float(row[key]) for key in real if row.get(key) is not None} for row in found]


def of_runs(page: Page, runs: Sequence[int]) -> list[dict[str, Any]]:
    return trained(page, runs, "Promise.all(settings.map(sweep.setting))")


def test_every_run_ends_as_in_the_sweep(page: Page) -> None:
    result = sweep.run(EXPERIMENT, say=lambda _: None)
    found = of_runs(page, list(range(len(result.runs))))
    assert found == as_json(result.runs)
    assert {row["status"] for row in found} == {"converged", "diverged", "stationary", "max_epochs"}
    assert any(row["period"] == 2 for row in found)


@pytest.mark.parametrize(("experiment", "counted"), [(RESTARTS, "restarts"), (LAST_LOSSES, "mean_of_last")])
def test_runs_that_begin_again_and_runs_judged_by_their_last_losses_end_as_in_the_sweep(
    chromium: Browser, experiment: dict[str, Any], counted: str
) -> None:
    result = sweep.run(experiment)
    page = browser.training_page(chromium, experiment)
    assert of_runs(page, list(range(len(result.runs)))) == as_json(result.runs)
    assert result.runs[counted].nunique() > 4
    assert set(result.runs["status"]) == {"converged", "diverged", "max_epochs"}
    off = {**experiment["grid"][0], "learning_rate": 3, "seed": 77}
    off = {key: value[0] if isinstance(value, list) else value for key, value in off.items() if key != "seeds"}
    (found,) = trained(page, [off])
    grid = {**{key: value for key, value in off.items() if key != "seed"}, "seeds": {"from": 77, "count": 1}}
    (expected,) = as_json(sweep.run({"grid": grid, "train": experiment["train"]}).runs)
    assert found == {**expected, "run": None}


def test_a_page_names_every_gate_of_a_family_in_the_order_of_the_runs(chromium: Browser) -> None:
    names = ["classes-4", "XOR", "all-3", "own", "11", "00", "parity-5", "0" * 31 + "1", "1" * 31 + "0", "1" + "0" * 63]
    grid = {"gate": names, "learning_rate": 1}
    experiment = {"grid": grid, "tables": {"own": {"rows": [[0, 1], [1, 0]]}}}
    page = browser.training_page(chromium, experiment)
    found = page.evaluate("inside.thisExperiment().then(({ grids: [{ values }] }) => values.gate)")
    assert found == list(load(experiment).grids[0].values["gate"])


def test_a_page_has_room_for_every_gate_of_five_inputs() -> None:
    experiment = load(EXPERIMENTS / "five_inputs.toml")
    assert len(kernels.script()) + len(kernels.data(experiment, kernels.Known())) < 300_000


def test_a_gate_has_its_run_by_any_of_its_names(chromium: Browser) -> None:
    grid = {"gate": ["classes-2", "parity-3", "NOR"], "learning_rate": 1, "init": "zeros"}
    page = browser.training_page(chromium, {"grid": grid, "train": {"max_epochs": 3}})
    names = ["0110", "parity-2", "xor", "01101001", "1000", "XNOR"]
    found = trained(page, [{"gate": name} for name in names])
    assert [row["run"] for row in found] == [3, 3, 3, 4, 5, None]


def test_a_run_off_the_grid_is_the_one_that_sweep_run_trains(page: Page) -> None:
    setting = {"gate": "XOR", "hidden": 2, "activation": "tanh", "learning_rate": 0.37, "init": "normal(0.5, 2)"}
    (found,) = trained(page, [{**setting, "seed": 77}])
    grid = {**setting, "seeds": {"from": 77, "count": 1}}
    (expected,) = as_json(sweep.run({"grid": grid, "train": EXPERIMENT["train"]}).runs)
    assert found == {**expected, "run": None}


def test_weights_and_the_curve_come_along(page: Page) -> None:
    given = {"gate": "AND", "learning_rate": 1, "init": "uniform(-5, 5)", "seed": 3}
    found = page.evaluate("(given) => sweep.train(given)", given)
    trained = training.train_one(load(EXPERIMENT), 0, 0, found["run"])
    assert found["initial_weights"] == trained.initial[0].tolist()
    assert found["final_weights"] == trained.final[0].tolist()
    epochs = found["curve"]["epoch"]
    assert epochs[:33] == list(range(33)) and epochs == sorted(set(epochs))
    assert (epochs[-1], found["curve"]["loss"][-1]) == (found["epochs"], found["final_loss"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gate": "XOR", "learning_rate": 0}, "learning_rate: found 0; allowed: a number greater than 0"),
        ({"gate": "XOR", "learning_rate": "abc"}, 'learning_rate: found "abc"; allowed: a number greater than 0'),
        ({"gate": "XOR"}, "learning_rate: found nothing; allowed: a number greater than 0"),
        ({"gate": "XOR", "learning_rate": 1, "seed": -1}, "seed: found -1; allowed: an integer from 0 to"),
        ({"gate": "XOR", "learning_rate": 1, "lr": 1}, 'unknown key "lr"; allowed: gate, '),
        ({"gate": "XORR", "learning_rate": 1}, 'gate: unknown gate "XORR"; allowed: '),
        ({"gate": "XOR", "learning_rate": 1, "hidden": 5}, "no kernel in this page for 2-5-1 sigmoid 01"),
        ({"gate": "XOR", "learning_rate": 1, "hidden": 2.5}, "hidden: found 2.5; allowed: an integer from 0"),
        ({"gate": "XOR", "learning_rate": 1, "init": "uniform(2, 1)"}, "init: found "),
        ({"gate": "XOR", "learning_rate": 1, "momentum": 0.9}, "momentum: optimizer = "),
        ({"gate": "XOR", "learning_rate": 1, "weights": [1, 2, 3]}, 'weights: found weights without init = "given"'),
        ({"gate": "XOR", "learning_rate": 1, "init": "given", "weights": [1]}, "weights: found 1 weights; "),
        ({"gate": "XOR", "learning_rate": 1, "init": "given", "weights": [1, "x", 2], "x": None}, "x: found nothing"),
    ],
)  # fmt: skip
def test_what_is_impossible_is_refused(page: Page, given: dict[str, Any], said: str) -> None:
    with pytest.raises(Error, match=re.escape(said)):
        page.evaluate("(given) => sweep.train(given)", given)


# --- the report ------------------------------------------------------------------------------------------------


@pytest.fixture
def directory(committed: Callable[[str], Path]) -> Callable[[str], Path]:
    """The result of a committed experiment: whole where LIVE_RESULTS names the directory of all, else a part."""
    whole = os.environ.get("LIVE_RESULTS")
    return lambda name: Path(whole, name).absolute() if whole else committed(name)


@pytest.fixture
def report(chromium: Browser, directory: Callable[[str], Path]) -> Iterator[Callable[..., Page]]:
    """Opens the report of a committed experiment; nothing may go wrong in it, and nothing be fetched."""
    with browser.quiet_pages(chromium) as opened:
        yield lambda name, *address, **options: opened(directory(name) / "report.html", *address, **options)


@pytest.mark.parametrize("name", TINY)
def test_random_runs_trained_by_the_report_are_those_of_its_table(
    name: str, report: Callable[..., Page], directory: Callable[[str], Path]
) -> None:
    runs = sweep.read(directory(name)).runs
    n = min(len(runs), 1000 if name == "xor" and "LIVE_RESULTS" in os.environ else 200)
    chosen = sorted(random.Random(name).sample(range(len(runs)), n))
    assert of_runs(report(name), chosen) == as_json(runs.iloc[chosen])


def test_fifty_settings_off_the_grid_end_as_sweep_run_says(report: Callable[..., Page]) -> None:
    draw = random.Random(50)
    settings = [
        {
            "gate": draw.choice(["AND", "XOR", "0111", "NAND"]),
            "hidden": hidden,
            "learning_rate": round(10 ** draw.uniform(-2, 2), draw.randrange(2, 9)),
            "init": draw.choice(["normal(0.1, 2)", "uniform(-3, 1.5)", "xavier_normal", "he_uniform", "constant(0.3)"]),
            "init_scale": draw.choice([1, 0.37, 5.5]),
            "seed": draw.randrange(2**32),
        }
        for hidden in (0, 2)
        for _ in range(25)
    ]
    grids = [dict(setting) for setting in settings]
    for grid in grids:
        grid["seeds"] = {"from": grid.pop("seed"), "count": 1}
    result = sweep.run({"grid": grids, "train": {"max_epochs": 10_000, "target_loss": 0.01}})
    found = trained(report("gates"), settings)
    assert [row.pop("run") for row in found] == [None] * 50
    assert found == [{key: row[key] for key in COLUMNS[1:]} for row in as_json(result.runs)]
