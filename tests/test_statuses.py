"""A status stated in the schema is told in every place: tried with one more, in a copy of the package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUCK = '"stuck": Status("stuck", "got stuck", "#123456", "of no gradient left", "no gradient is left", is_early=True),'
TOLD = """
import json
import example_results as examples
import numpy as np
import of_result
from sweep import words
from sweep.analysis.findings import Findings
from sweep.answer import glossary
from sweep.answer.listing import columns
from sweep.engine.outcome import Outcome
from sweep.page import kernels
from sweep.progress import by_status
from sweep.spec import schema

one, many = (examples.made({"gate": ["AND", "XOR"][-n:]}, n_seeds, status="stuck") for n, n_seeds in ((1, 1), (2, 10)))
codes = [np.full(1, schema.status_code("stuck"), np.int8), *np.array([[3], [-1], [-1]])]
outcome = Outcome(np.arange(1), *codes, np.ones(1), *np.empty((2, 1, 0)), np.zeros(1, "S1"))
print(json.dumps({
    "answers": [of_result.answer(one)[0], of_result.answer(many)[-1]],
    "run": words.outcome(one.runs.iloc[0]),
    "columns": {column.key: column.name for column in columns(Findings(many), np.arange(2))},
    "page": of_result.render(many, {}),
    "legend": [text.get_text() for text in of_result.final_loss(many).legends[0].get_texts()],
    "glossary": glossary.explained(["3 runs got stuck"]),
    "statuses": json.loads(json.dumps(kernels._described(many.experiment)["statuses"])),
    "progress": by_status(outcome.status_counts),
    "problem": outcome.problem(many.experiment.train),
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What is said of results in which XOR got stuck."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "sweep", copy / "sweep", ignore=shutil.ignore_patterns("__pycache__"))
    schema = copy / "sweep" / "spec" / "schema.py"
    before = schema.read_text(encoding="utf-8")
    schema.write_text(before.replace("STATUS = {\n", f"STATUS = {{\n    {STUCK}\n"), encoding="utf-8")
    paths = os.pathsep.join([str(copy), str(ROOT / "tests")])
    command = [sys.executable, "-c", TOLD]
    environment = {**os.environ, "PYTHONPATH": paths}
    return json.loads(subprocess.check_output(command, cwd=copy, env=environment, text=True))


def test_the_answer_and_tables_of_runs_tell_it(told: dict) -> None:
    assert told["answers"][0] == "The one run got stuck: no gradient is left; its final loss is 0.7\xa0nats."
    assert told["answers"][1].endswith("10 (50.0\xa0%) got stuck.")
    assert told["run"] == ["stuck after 1,000 epochs", "loss 0.7"]
    assert told["progress"] == ["stuck 1"]
    assert told["columns"]["n_stuck"] == "stuck"
    assert told["glossary"]["stuck"] == "of no gradient left"


def test_the_figure_and_the_page_show_it_in_its_colour(told: dict) -> None:
    assert "stuck" in told["legend"]
    bar = told["page"].partition('<div class="outcomes">')[2]
    assert "stuck" in bar and "#123456" in bar


def test_the_kernel_in_a_page_knows_its_words(told: dict) -> None:
    assert told["statuses"]["stuck"] == {"term": "stuck", "because": "no gradient is left"}


def test_a_chunk_may_hold_it(told: dict) -> None:
    assert told["problem"] == ""
