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

from sweep.answer import listing
from sweep.plots.drawing.marks import located
from sweep.results.result import Result
from sweep.words import ordinal

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


def svgs(result: Result) -> dict[str, str]:
    return dict.fromkeys(
        figures.figures_for(result), '<svg viewBox="0 0 691.2 400" xmlns="http://www.w3.org/2000/svg"/>'
    )


def marked(result: Result) -> dict[str, Any]:
    return {name: located(draw(result)) for name, draw in figures.figures_for(result).items()}


def page(result: Result) -> Page:
    return Page(html.render(result, svgs(result)))


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
    assert all(str(image["src"]).startswith("data:image/svg+xml;base64,") for image in images)
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
    report = Page(html.render(result, svgs(result), marks=marked(result)))
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


def test_answer_groups_the_gates_that_say_the_same() -> None:
    result = CASES["gates"]
    n_and = int(result.summary.query("gate == 'AND'")["n_converged"].sum())
    assert 0 < n_and < 80
    rate = f"{100 * n_and / 80:.1f} %"
    assert answer(result) == [
        "XOR and XNOR: 0 of 80 runs each converged.",
        f"AND, OR, NOR and NAND: {n_and} of 80 runs each converged ({rate}); "
        "every run did at every learning rate η from 1 to 10.",
        "XOR and XNOR cannot be learned: no straight line tells their ones from their zeros (they are not linearly "
        "separable, by a linear program), so no weights bring the loss below ln 2 ≈ 0.693 nats, and the target is "
        "0.01 nats.",
        "All four gates that are linearly separable were learned, in some runs or in all.",
        "At the fastest setting of each gate, half of the runs converged within 10 epochs; of XOR and XNOR, at no "
        "setting did half.",
        f"Of all 480 runs, {4 * n_and} ({100 * 4 * n_and / 480:.1f} %) converged "
        f"and {480 - 4 * n_and} ({100 - 100 * 4 * n_and / 480:.1f} %) had not converged after 1,000 epochs.",
        "Same seeds, all else equal: start makes no difference to when a run converges, in any of 240 pairs.",
    ]


def test_two_separable_gates_are_both() -> None:
    said = answer(examples.made({"gate": ["AND", "OR", "XOR"], "learning_rate": [1.0]}))
    assert "Both gates that are linearly separable were learned, in some runs or in all." in said


def test_hidden_units_are_told_before_other_settings() -> None:
    result = examples.made({"hidden": [1, 2, 3], "gate": ["AND"], "activation": ["tanh", "relu"]}, 5, at_width_2)
    assert answer(result)[:3] == [
        "hidden units = 1: 0 of 10 runs converged.",
        "hidden units = 2 and hidden units = 3: all 10 runs each converged.",
        "At the fastest setting of each number of hidden units, half of the runs converged within "
        "2 epochs (hidden units = 2) to 3 epochs (hidden units = 3); of hidden units = 1, at no setting did half.",
    ]


def test_hidden_units_are_told_after_gates() -> None:
    result = examples.made({"gate": ["AND", "OR"], "hidden": [1, 2, 3], "init_scale": [1.0, 2.0]}, 5, at_width_2)
    assert answer(result)[:3] == [
        "AND and OR: 20 of 30 runs each converged (66.7 %); every run did at every number of hidden units from 2 to 3.",
        "hidden units = 1: 0 of 20 runs converged.",
        "hidden units = 2 and hidden units = 3: all 20 runs each converged.",
    ]


def test_encodings_are_told_in_words_and_grids_apart_are_not_compared() -> None:
    made = [
        examples.made({"encoding": [encoding], "gate": ["AND"], "learning_rate": rates})
        for encoding, rates in (("01", [0.1, 1.0]), ("pm1", [0.2, 2.0]))
    ]
    said = answer(examples.union(*made))
    assert sorted(sentence.partition(":")[0] for sentence in said[:2]) == ["Inputs 0 and 1", "Inputs −1 and +1"]
    assert not any("Of the runs with each" in sentence for sentence in said)


def test_the_main_numeric_axis_has_a_sentence_where_it_is_not_the_subject() -> None:
    def epoch(setting: dict[str, object], seed: int) -> int | None:
        return 5 if seed < {0.1: 2, 1.0: 8, 10.0: 3}[float(str(setting["init_scale"]))] else None

    result = examples.made({"gate": ["AND"], "update": ["batch", "online"], "init_scale": [0.1, 1.0, 10.0]}, 10, epoch)
    assert answer(result)[:2] == [
        "batch and online: 13 of 30 runs each converged (43.3 %).",
        "Of the runs with each init scale, from 20.0 % (init scale = 0.1) to 80.0 % (init scale = 1) converged.",
    ]


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


def test_many_others_are_told_together_with_their_range() -> None:
    gates = ["XOR", *(f"G{number}" for number in range(14))]

    def epoch(setting: dict[str, object], seed: int) -> int | None:
        return None if setting["gate"] == "XOR" else seed if seed < int(str(setting["gate"])[1:]) + 2 else None

    result = examples.made({"gate": gates}, 20, epoch)
    assert answer(result)[:2] == [
        "XOR: 0 of 20 runs converged (95 % interval 0 – 16.1 %).",
        "The fourteen other gates: from 10.0 % (G0) to 75.0 % (G13) of the 20 runs of each converged.",
    ]


def test_an_interval_is_given_for_one_setting_and_not_for_a_share_among_several() -> None:
    half = {"converged_epoch": lambda setting, seed: 5 if seed < 5 else None}
    assert answer(examples.made({"gate": ["AND", "OR"]}, **half))[0] == (
        "AND and OR: 5 of 10 runs each converged (50.0 %, 95 % interval 23.7 – 76.3 %)."
    )
    several = answer(examples.made({"gate": ["AND", "OR"], "learning_rate": [1.0, 2.0]}, **half))[0]
    assert several == "AND and OR: 10 of 20 runs each converged (50.0 %)."
    never = answer(examples.made({"gate": ["AND", "OR"], "learning_rate": [1.0, 2.0]}, converged_epoch=examples.never))
    assert never[0] == "AND and OR: 0 of 20 runs each converged."


@pytest.mark.parametrize(
    ("case", "first"),
    [
        ("one gate", "AND: all 10 runs converged (95 % interval 72.2 – 100 %)."),
        ("a single run", "The one run converged after 20 epochs; its final loss is 0.0099 nats."),
        ("all diverged", "All six gates: 0 of 80 runs each converged."),
        ("everything converged", "All six gates: all 80 runs each converged."),
        ("only starts", "zeros and normal(0, 1): all 10 runs each converged (95 % interval 72.2 – 100 %)."),
        ("256 gates", "256 of the 256 gates with 3 inputs converged."),
    ],
)
def test_first_sentence(case: str, first: str) -> None:
    assert answer(CASES[case])[0] == first


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("diverged", "The one run diverged: a weight or the loss is no longer finite."),
        (
            "stationary",
            "The one run became stationary: its weights come back every epoch; its final loss is 0.7 nats.",
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


def test_a_separable_gate_that_was_not_learned_is_told_how_long_theory_has_it_take() -> None:
    slow = {"learning_rate": [0.01, 0.02], "encoding": ["01"]}
    said = answer(examples.made({"gate": ["AND", "XOR"], **slow}, converged_epoch=examples.never))
    assert said[2:] == [  # for AND γ² = 1/17
        "The one gate that is linearly separable, AND, was not learned.",
        "AND is linearly separable and takes longer: theory predicts about 85,000 epochs until the loss is 0.01 nats, "
        "even at η = 0.02, and training ended after 1,000.",
    ]
    one = answer(examples.made({"gate": ["AND"], "learning_rate": [0.01]}, converged_epoch=examples.never))
    assert "about 170,000 epochs until the loss is 0.01 nats, at η = 0.01" in one[-1]
    fast = examples.made({"gate": ["AND"], "learning_rate": [5.0]}, converged_epoch=examples.never)
    assert "takes longer" not in " ".join(answer(fast))
    wide = examples.made({"gate": ["AND"], "hidden": [2], "learning_rate": [0.01]}, converged_epoch=examples.never)
    assert "takes longer" not in " ".join(answer(wide))


def test_neighbouring_numbers_are_told_as_a_range() -> None:
    rates = [0.001, 0.002, 0.003, 0.004, 0.005, 1.0]
    result = examples.made({"gate": ["AND"], "learning_rate": rates})
    assert answer(result) == [
        "learning rate η = 1: all 10 runs converged (95 % interval 72.2 – 100 %).",
        "Learning rate η from 0.001 to 0.005: 0 of 10 runs each converged (95 % interval 0 – 27.8 %).",
        "Half of the runs, at best (learning rate η = 1), converged within 100 epochs.",
        "Of all 60 runs, 10 (16.7 %) converged and 50 (83.3 %) had not converged after 1,000 epochs.",
    ]


def test_an_empty_result_says_so() -> None:
    assert answer(EMPTY) == ["There are no runs, so there is no answer yet."]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (1, "100"), (0.5, "50.0"), (0.000384, "0.04"), (0.99996, "99.996"), (1e-6, "0.0001"), (0.991, "99.10")],
)
def test_a_percentage_is_never_rounded_to_0_or_100(share: float, text: str) -> None:
    assert sentences.percent(share) == text


def test_the_failures_line_names_the_criteria() -> None:
    result = examples.made({"gate": ["AND"]})
    result = examples.with_train(result, target_error=0.5)
    said = plain(sentences.failures(result))
    assert "its loss is below 0.01 nats and every |output − target| is below 0.5, within 1,000 epochs" in said
    assert "stationary" not in said
    assert "stationary" in sentences.failures(CASES["nothing converged"])


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


def test_further_figures_come_after_the_others() -> None:
    result = CASES["one gate"]
    svg = '<svg viewBox="0 0 300 200" xmlns="http://www.w3.org/2000/svg"/>'
    report = Page(html.render(result, svgs(result), extra={"surfaces": (svg, "Where it says 1.", "A plane <cut>.")}))
    assert [figure["id"] for figure in report.attributes("figure")] == [*figures.figures_for(result), "surfaces"]
    last = report.attributes("img")[-1]
    assert base64.b64decode(str(last["src"]).partition(",")[2]).decode() == svg
    assert (last["alt"], report.text["figcaption"][-1]) == ("A plane <cut>.", "Where it says 1.")


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
    paths = html.write(result, tmp_path / "new")
    names = [f"figures/{name}.{kind}" for name in figures.figures_for(result) for kind in ("svg", "png")]
    assert [path.relative_to(tmp_path / "new").as_posix() for path in paths] == ["report.html", *names]
    assert sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file()) == sorted(paths)
    text = paths[0].read_text(encoding="utf-8")
    assert len(Page(text).attributes("img")) == 5
    assert html.write(result, tmp_path / "again")[0].read_text(encoding="utf-8") == text


def test_gates_of_which_half_never_converged_are_told_beside_the_fastest() -> None:
    result = examples.made({"gate": ["XOR", "XNOR", "AND", "OR"], "learning_rate": [1.0, 10.0]})
    said = "At the fastest setting of each gate, half of the runs converged within 10 epochs; of XOR and XNOR, at no "
    assert f"{said}setting did half." in answer(result)


def test_targets_between_0_and_1_are_not_told_as_ones_and_zeros() -> None:
    result = examples.made({"gate": ["soft", "AND"]}, converged_epoch=examples.never)
    result = examples.with_table(result, "soft", [[0, 0.5], [1, 0.25]])
    (said,) = (sentence for sentence in answer(result) if "cannot" in sentence)
    assert said.startswith("soft cannot be learned: no weights give every row its target (it is not linearly ")


def test_pairs_are_explained_only_where_they_are_told() -> None:
    assert "Pairs have the same seed" in sentences.failures(examples.made({"gate": ["AND"], "init": ["a", "b"]}))
    many = examples.made({"gate": [f"{n:08b}" for n in range(256)], "init": ["a", "b"]}, n_seeds=6)
    assert "Pairs have the same seed" not in sentences.failures(many)


def test_yes_and_no_are_no_numbers() -> None:
    result = examples.made({"gate": ["AND"], "shortcut": [False, True], "hidden": [2]})
    assert answer(result)[0].startswith("shortcut = false and shortcut = true: all 10 runs each converged")


def test_a_single_run_a_point_is_one() -> None:
    result = examples.made({"gate": ["AND"], "learning_rate": [1.0, 10.0]}, n_seeds=1)
    assert "from 1 run a point" in sentences.descriptions(result, [])["success_rate"].caption
