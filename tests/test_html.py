import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import example_results as examples
import of_result as figures
import of_result as html
import of_result as sentences
import pytest

import sweep
from sweep.analysis.findings import Findings
from sweep.answer import listing
from sweep.answer.glossary import GLOSSARY
from sweep.page import html as html_page
from sweep.page import live_section
from sweep.page.drawn import Drawn, embedded
from sweep.page.html import write
from sweep.page.live_section import openings
from sweep.plots.drawing.marks import located
from sweep.plots.registry import FIGURES
from sweep.results.result import Result
from sweep.words import ordinal, percent

GATES = {"gate": ["AND", "OR", "XOR", "NOR", "XNOR", "NAND"], "learning_rate": examples.RATES, "init": examples.STARTS}
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Every element, with what is in it; fails where the tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.text.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.text[tag][-1] += data

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def drawn(result: Result) -> dict[str, Drawn]:
    svg = '<svg viewBox="0 0 691.2 400" xmlns="http://www.w3.org/2000/svg"/>'
    return {name: Drawn(*embedded(svg), located(draw(result))) for name, draw in figures.figures_for(result).items()}


def page(result: Result) -> Page:
    return Page(html.render(result, drawn(result)))


def plain(sentence: str) -> str:
    return sentence.replace("\N{NO-BREAK SPACE}", " ")


def answer(result: Result) -> list[str]:
    return [plain(sentence) for sentence in sentences.answer(result)]


def at_width_2(setting: dict[str, Any], seed: int) -> int | None:
    """From two hidden units on, in as many epochs."""
    return setting["hidden"] if setting["hidden"] > 1 else None


CASES = {
    "gates": examples.made(GATES),
    "one gate": examples.made({"gate": ["AND"], "learning_rate": [1.0]}, record_every=100),
    "a single run": examples.made({"gate": ["AND"], "learning_rate": [1.0]}, n_seeds=1),
    "all diverged": examples.made(GATES, converged_epoch=examples.never, status="diverged"),
    "nothing converged": examples.made(GATES, converged_epoch=examples.never, status="stationary"),
    "everything converged": examples.made(GATES, converged_epoch=lambda setting, seed: 7),
    "only starts": examples.made({"gate": ["AND"], "init": ["zeros", "normal(0, 1)"]}),
    "only rates": examples.made({"gate": ["AND"], "learning_rate": examples.RATES}),
    "five axes": examples.made(GATES | {"encoding": ["01", "pm1"], "hidden": [0, 1, 2]}, n_seeds=2),
    "256 gates": examples.made({"gate": [f"{table:08b}" for table in range(256)]}, n_seeds=1),
    "crowded": examples.made(GATES | {"init": [f"normal(0, {std})" for std in range(1, 31)]}, n_seeds=1),
    "a plane": examples.plane(),
}
EMPTY = examples.with_runs(CASES["gates"], CASES["gates"].runs.iloc[:0], CASES["gates"].summary.iloc[:0])


@pytest.mark.parametrize("result", [*CASES.values(), EMPTY], ids=[*CASES, "empty"])
def test_every_result_gives_a_whole_self_contained_page(result: Result) -> None:
    report = page(result)
    assert report.text["h1"] == ["Which gates?"]
    assert report.text["p"][: len(sentences.answer(result))] == sentences.answer(result)
    images = report.attributes("img")
    assert len(images) == len(figures.figures_for(result))
    assert all(str(image["src"]).startswith("data:image/svg+xml,") for image in images)
    assert all(len(image["alt"] or "") > 40 for image in images)
    assert not report.attributes("link") + report.attributes("iframe") + report.attributes("object")
    assert not any("src" in script for script in report.attributes("script"))
    assert not re.search(r"https?:|url\(|@import", html.render(result, {}))
    assert len(report.attributes("tr")) == 1 + min(len(result.summary), html.listing(result).rows.size)


def test_users_text_is_escaped() -> None:
    result = examples.made({"gate": ["<b>AND</b>", "OR"]}, question="Is <script>1 < 2 & 3</script> safe?")
    report = page(result)
    assert report.text["h1"] == ["Is <script>1 < 2 & 3</script> safe?"]
    assert len(report.attributes("script")) == len(page(CASES["gates"]).attributes("script"))
    assert not report.attributes("b")
    assert report.text["td"][0] == "<b>AND</b>"


def test_only_our_own_scripts_may_run() -> None:
    result = examples.made({"gate": ["</script><script>alert(1)</script>", "OR"]})
    report = page(result)
    data, *scripts = report.text["script"]
    assert json.loads(data)["figures"]
    (policy,) = (meta["content"] for meta in report.attributes("meta") if "http-equiv" in meta)
    sums = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
        + " ".join(f"'sha256-{one}'" for one in sums)
    )


def test_without_a_question_the_name_is_the_heading() -> None:
    assert page(examples.made({"gate": ["AND"]}, question="")).text["h1"] == ["made"]


def test_squares_have_no_unit() -> None:
    result = examples.made({"gate": ["AND", "XOR"], "loss": ["mse"]})
    assert "nats" not in " ".join([*sentences.answer(result), sentences.failures(result)])
    told = sentences.descriptions(result, sentences.answer(result))
    assert "nats" not in str(told)
    assert "0.25 is the loss of a model that answers ½" in told["final_loss"].caption
    assert (
        "50.0\N{NO-BREAK SPACE}% of all runs end at 0.25 or above, among them every run of XOR"
        in told["final_loss"].alt
    )
    single = examples.made({"gate": ["AND"], "learning_rate": [1.0], "loss": ["mse"]}, n_seeds=1)
    assert answer(single) == ["The one run converged after 20 epochs; its final loss is 0.0099."]


def test_captions_say_what_is_not_shown() -> None:
    grids = (([2, 4, 8, 16], [0.1, 0.5], False), ([1], [0.25, 1.0], True))
    made = [examples.made({"hidden": h, "learning_rate": r, "shortcut": [s]}, 2, at_width_2) for h, r, s in grids]
    told = sentences.descriptions(examples.union(*made), [])
    assert told["success_rate"].caption.endswith("Not shown, as it follows from what is: shortcut.")
    crowded = CASES["crowded"]
    assert "all values of init." in sentences.descriptions(crowded, [])["success_rate"].caption.replace("start", "init")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("diverged", "The one run diverged: a weight or the loss is no longer a finite number."),
        (
            "stationary",
            "The one run became stationary: short of the target, its weights come back every epoch; its final loss is "
            "0.7 nats.",
        ),
        ("max_epochs", "The one run had not converged after 1,000 epochs; its final loss is 0.7 nats."),
    ],
)
def test_a_single_run_that_failed_says_how(status: str, sentence: str) -> None:
    result = examples.made({"gate": ["XOR"]}, n_seeds=1, status=status)
    why = (
        "XOR cannot be learned: no straight line tells its ones from its zeros (it is not linearly separable, by a "
        "linear program), so no weights bring the loss below ln 2 ≈ 0.693 nats, and the target is 0.01 nats."
    )
    assert answer(result) == [sentence, why]


def test_an_empty_result_says_so() -> None:
    assert answer(EMPTY) == ["There are no runs, so there is no answer yet."]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (0.5, "50.0"), (0.000384, "0.04"), (0.99996, "99.996"), (1e-6, "0.0001"), (0.991, "99.10")],
)
def test_a_percentage_is_never_rounded_to_0_or_100(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_failures_line_names_the_criteria() -> None:
    result = examples.made({"gate": ["AND"]})
    result = examples.with_train(result, target_error=0.5)
    said = plain(sentences.failures(result))
    assert "its loss is below 0.01 nats and every |output − target| is below 0.5, within 1,000 epochs" in said


def test_a_target_is_told_to_its_last_digit() -> None:
    result = examples.made({"gate": ["XOR"]})
    result = examples.with_train(result, target_loss=0.693147181)
    assert "its loss is below 0.693147181 nats" in plain(sentences.failures(result))
    result = examples.with_train(result, target_loss=0.05)
    assert "its loss is below 0.05 nats" in plain(sentences.failures(result))


def test_the_table_shows_the_summary_with_censored_epochs_in_words() -> None:
    report = page(examples.made({"gate": ["AND", "XOR"]}))
    columns = len(report.text["th"])
    rows = [report.text["td"][start : start + columns] for start in range(0, 2 * columns, columns)]
    assert [plain(name) for name in report.text["th"]] == [
        *["gate", "runs", "converged", "%", "95 % interval"],
        *["epochs: 5 %", "epochs: median", "epochs: 95 %", "final loss: median", "first run"],
    ]
    assert rows == [
        ["AND", "10", "10", "100", "72.2 – 100", "20", "100", "200", "0.0099", "0"],
        ["XOR", "10", "0", "0", "0 – 27.8", "> 1,000", "> 1,000", "> 1,000", "0.7", "10"],
    ]


def test_a_long_table_is_a_coarser_grid_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = [float(rate) for rate in range(1, 51)]
    result = examples.made({"gate": ["AND", "OR"], "learning_rate": rates}, n_seeds=1)
    monkeypatch.setattr(listing, "MAX_ROWS", 40)
    report = page(result)
    cells = report.text["td"]
    columns = len(report.text["th"])
    assert [(cells[at], float(cells[at + 1])) for at in range(0, len(cells), columns)] == [
        (gate, rate) for gate in ("AND", "OR") for rate in rates[::3]
    ]
    assert "34 of 100 settings: every 3rd learning rate η. All of them are in summary.csv." in report.text["p"]


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (11, "11th"), (12, "12th"), (23, "23rd"), (111, "111th"), (24, "24th")]
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


def test_what_was_interrupted_and_what_diverged_is_said_beside_the_answer() -> None:
    result = examples.made(GATES, converged_epoch=examples.never, status="diverged")
    result.manifest.update(complete=False, n_done=480, n_runs=500)  # type: ignore[attr-defined]
    report = page(result)
    (warning,) = (text for text, attributes in paragraphs(report) if attributes.get("class") == "warning")
    assert warning == "Incomplete: the sweep was interrupted, and these are 480 of its 500 runs."
    assert [plain(item) for item in report.text["li"]] == ["480 diverged (100 %)"]


def paragraphs(report: Page) -> list[tuple[str, dict[str, str | None]]]:
    return list(zip(report.text["p"], report.attributes("p"), strict=True))


def test_the_command_that_replays_is_there_for_a_result_on_disk_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = CASES["one gate"]
    assert "sweep replay" not in "".join(page(result).text["p"])
    monkeypatch.chdir(tmp_path)
    for path, typed in (
        (tmp_path / "results" / "gates", "results/gates"),
        (Path("results/my gates"), "'results/my gates'"),
        (Path("/elsewhere"), "/elsewhere"),
    ):
        report = page(dataclasses.replace(result, path=path))
        assert report.text["code"][0] == f"sweep replay {typed} RUN"
        assert f"sweep compare {typed} " in report.text["code"][2]


def test_the_page_says_how_it_was_run() -> None:
    text = html.render(CASES["gates"], {})
    for said in ("480 runs of 48 settings", "0.5 seconds, 1 job", "A processor", "numpy 2.3.1", "SHA-256", "0" * 64):
        assert said in text


def test_write_leaves_the_page_and_the_figures_it_shows(tmp_path: Path) -> None:
    result = CASES["one gate"]
    paths = write(Findings(result), tmp_path / "new")
    names = [f"figures/{name}.{kind}" for name in figures.figures_for(result) for kind in ("svg", "png")]
    assert [path.relative_to(tmp_path / "new").as_posix() for path in paths] == ["report.html", *names]
    assert sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file()) == sorted(paths)
    text = paths[0].read_text(encoding="utf-8")
    assert len(Page(text).attributes("img")) == 5
    assert write(Findings(result), tmp_path / "again")[0].read_text(encoding="utf-8") == text


def test_a_figure_that_fails_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(findings: Findings) -> Any:
        raise ValueError("of no use")

    monkeypatch.setitem(FIGURES, "success_rate", FIGURES["success_rate"]._replace(draw=fails))
    names = [path.name for path in write(Findings(CASES["gates"]), tmp_path)]
    assert "report.html" in names and "final_loss.svg" in names and "success_rate.svg" not in names
    report = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    (warning,) = (text for text, attributes in paragraphs(report) if attributes.get("class") == "warning")
    assert warning == "The figure “Share that converged” could not be drawn and is left out: of no use."


def test_targets_between_0_and_1_are_not_told_as_ones_and_zeros() -> None:
    result = examples.made({"gate": ["soft", "AND"]}, converged_epoch=examples.never)
    result = examples.with_table(result, "soft", [[0, 0.001], [1, 0.999], [2, 0.001]])
    (said,) = (sentence for sentence in answer(result) if "cannot" in sentence)
    assert said.startswith("The gate soft cannot be learned: no weights give every row its target (it is not linearly ")


def test_words_lead_to_what_they_mean_once_each() -> None:
    report = page(CASES["gates"])
    links = [one for one in report.attributes("a") if one.get("class") == "word"]
    targets = [one["href"] for one in links]
    defined = {f"#{one['id']}" for one in report.attributes("dt") if "id" in one}
    assert sorted(map(str, targets)) == sorted(defined)
    assert {"#word-best", "#word-setting", "#word-nats", "#word-95-interval"} <= defined
    assert dict(zip(targets, links, strict=True))["#word-nats"]["title"] == GLOSSARY["nats"]


def test_pairs_are_explained_only_where_they_are_told() -> None:
    apart = examples.made({"gate": ["AND"], "init": ["a", "b"]}, 9, lambda setting, _: 1 + (setting["init"] == "b"))
    assert "Pairs have the same seed" in sentences.failures(apart)
    many = examples.made({"gate": [f"{n:08b}" for n in range(256)], "init": ["a", "b"]}, n_seeds=6)
    assert "Pairs have the same seed" not in sentences.failures(many)


def test_a_single_run_a_point_is_one() -> None:
    result = examples.made({"gate": ["AND"], "learning_rate": [1.0, 10.0]}, n_seeds=1)
    assert "from 1 run a point" in sentences.descriptions(result, [])["success_rate"].caption


def test_the_page_trains_a_run_that_converged_at_the_best_setting_of_the_smaller_network() -> None:
    def epoch(setting: dict[str, Any], seed: int) -> int | None:
        if setting["hidden"] == 3:
            return 3
        return (1 if seed == 5 else None) if setting["learning_rate"] == 2 else (9 if seed >= 2 else None)

    result = examples.made({"gate": ["XOR"], "hidden": [2, 3], "learning_rate": [2.0, 1.0]}, 12, epoch)
    (run,) = openings(Findings(result))
    found = result.runs[result.runs["run"] == run].iloc[0]
    assert (found["hidden"], found["learning_rate"], found["seed"]) == (2, 1, 2)


def test_the_page_opens_on_gates_that_are_written_as_truth_tables() -> None:
    grid = {"gate": ["0001", "0111"], "learning_rate": 10, "seeds": 3}
    findings = Findings(sweep.run({"grid": grid, "train": {"max_epochs": 1500}}))
    (run,) = openings(findings)
    assert findings.result.runs["status"][run] == "converged"


def test_a_section_that_fails_is_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("too much")

    monkeypatch.setattr(html_page, "live", fails)
    page, *_ = write(Findings(CASES["gates"]), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "The section that trains runs could not be made and is left out: too much." in text
    assert 'id="live"' not in text


def test_a_sweep_too_large_for_the_page_says_how_to_train_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_section, "MOST_BYTES", 1)
    result = sweep.run({"grid": {"gate": "AND", "learning_rate": 1, "seeds": 3}}, out=tmp_path / "small")
    page, *_ = write(result.findings, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert f"<code>sweep report {tmp_path / 'small'} --all-kernels</code>" in text
    assert "WebAssembly" not in text
    larger, *_ = write(result.findings, tmp_path, all_kernels=True)
    assert "WebAssembly" in larger.read_text(encoding="utf-8")
