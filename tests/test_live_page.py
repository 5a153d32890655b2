"""The section that trains runs, as a reader uses it: in the playground and in a report."""

import base64
import csv
import gzip
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import browser
import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect

import sweep
from sweep.commands.address import find
from sweep.page import kernels, playground
from sweep.spec.experiment import load

ROOT = Path(__file__).parents[1]
PLAYGROUND = ROOT / "docs" / "playground.html"
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        browser.CHROMIUM is None and "NEED_CHROMIUM" not in os.environ,
        reason="no chromium here: apt-get install chromium fonts-dejavu-core",
    ),
]
Open = Callable[..., Page]
Made = Callable[[str], Path]
SPACE = "new KeyboardEvent('keydown', { key: ' ', bubbles: true })"
LUCKY = "#train?gate=XOR&hidden=2&learning_rate=3&seed=3"
CYCLE = "#train?gate=XOR&hidden=0&learning_rate=6&seed=1"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as started:
        yield started


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens the playground, or another page with a section that trains."""
    with browser.quiet_pages(chromium) as of:
        yield lambda address="", path=PLAYGROUND, **options: of(path, address, **options)


def now(page: Page, bench: int = 0) -> str:
    return page.locator(".now").nth(bench).inner_text()


def epoch(page: Page) -> int:
    found = re.match(r"Epoch ([\d,]+)", now(page))
    assert found
    return int(found[1].replace(",", ""))


def field(page: Page, name: str, bench: int = 0) -> Locator:
    return page.locator(".bench").nth(bench).get_by_label(name, exact=True)


def enter(page: Page, name: str, text: str, bench: int = 0) -> None:
    field(page, name, bench).fill(text)
    field(page, name, bench).press("Tab")


# --- time -----------------------------------------------------------------------------------------------------


def test_a_link_opens_on_its_run_and_its_epoch(opened: Open) -> None:
    page = opened(f"{LUCKY}&epoch=200")
    assert now(page) == "Epoch 200 · loss 0.0251693 · answers 0 1 1 0 (XOR), 4 of 4 right"
    page.get_by_role("button", name="To the end").click()
    assert "Converged after 396 epochs; loss 0.00998" in page.locator(".end").inner_text()
    again = opened(page.evaluate("location.hash"))
    assert now(again) == now(page)


def test_keys_step_rewind_and_play(opened: Open) -> None:
    page = opened(f"{LUCKY}&epoch=200")
    slider = page.get_by_label("Epoch", exact=True)
    for key, expected in {"ArrowRight": 201, "ArrowLeft": 200, "Shift+ArrowRight": 210, "End": 396}.items():
        slider.press(key)
        assert epoch(page) == expected
    slider.press("Home")
    first = page.locator(".network").get_attribute("aria-label")
    assert epoch(page) == 0
    page.evaluate(f"document.querySelector('.live').dispatchEvent({SPACE})")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".now")).to_contain_text(re.compile("Epoch [1-9]"))
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Rewind to the same start").click()
    assert epoch(page) == 0
    assert page.locator(".network").get_attribute("aria-label") == first


def test_every_epoch_is_the_same_forwards_and_backwards(opened: Open) -> None:
    page = opened(f"{LUCKY}&epoch=396")
    states = """async (epochs) => { const { benches: [bench] } = await sweep.opened;
      const weights = (epoch) => { bench.history.seek(bench.model, epoch); return Array.from(bench.model.weights); };
      return epochs.map(weights); }"""
    wanted = [0, 1, 31, 33, 34, 199, 200, 395, 396]
    assert page.evaluate(states, wanted) == page.evaluate(states, wanted[::-1])[::-1]


def test_with_reduced_motion_nothing_moves_by_itself(opened: Open) -> None:
    page = opened(LUCKY, reduced_motion="reduce")
    enter(page, "seed", "5")
    expect(page.locator(".end")).to_contain_text("Converged after 457 epochs")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.evaluate("""async () => { const live = await sweep.opened, draw = live.draw; window.drawn = 0;
      live.draw = (...args) => { window.drawn += 1; draw.apply(live, args); }; live.go(0); live.start(); }""")
    page.wait_for_timeout(1500)
    assert page.evaluate("drawn") <= 4


def test_what_changes_is_announced_once(opened: Open) -> None:
    page = opened(LUCKY)
    page.evaluate("""() => {
      window.heard = [];
      const region = document.querySelector('.live > .announced');
      const hear = new MutationObserver(() => window.heard.push(region.textContent));
      hear.observe(region, { childList: true, characterData: true, subtree: true });
    }""")
    enter(page, "seed", "5")
    expect(page.locator(".end")).to_contain_text("Converged", timeout=60_000)
    assert page.evaluate("heard") == ["Run: converged after 457 epochs; loss 0.00999846"]


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("learning rate", "0", "found 0; allowed: a number greater than 0"),
        ("learning rate", "abc", 'found "abc"; allowed: a number greater than 0'),
        ("seed", "-1", "found -1; allowed: an integer from 0 to 4,294,967,295"),
        ("seed", "1.5", "found 1.5; allowed: an integer from 0 to 4,294,967,295"),
        ("start", "normal(0, 0)", "allowed: normal(mean, std) with std > 0"),
        ("hidden units", "5", "no kernel in this page for 2-5-1"),
    ],
)
def test_wrong_input_is_told_beside_it_and_nothing_breaks(opened: Open, name: str, text: str, said: str) -> None:
    page = opened(f"{LUCKY}&epoch=200")
    before = now(page)
    enter(page, name, text)
    entry = field(page, name)
    assert entry.get_attribute("aria-invalid") == "true"
    assert said in page.locator(f"#{entry.get_attribute('aria-describedby')}").inner_text()
    assert now(page) == before
    enter(page, name, {"start": "normal(0, 1)", "hidden units": "2", "seed": "5"}.get(name, "3"))
    enter(page, "seed", "5")
    assert page.locator("[aria-invalid]").count() == 0
    expect(page.locator(".end")).to_contain_text("Converged after 457 epochs", timeout=60_000)


def test_a_step_from_a_wrong_value_starts_from_the_last_right_one(opened: Open) -> None:
    page = opened(LUCKY)
    for name, found in {"learning rate": "10", "seed": "4"}.items():
        enter(page, name, "abc")
        page.get_by_role("button", name=f"higher {name}").click()
        expect(field(page, name)).to_have_value(found)
    enter(page, "seed", "0")
    page.get_by_role("button", name="lower seed").click()
    expect(field(page, "seed")).to_have_value("0")
    assert page.locator("[aria-invalid]").count() == 0


def test_of_many_kernels_the_nearest_are_named(opened: Open) -> None:
    page = opened(LUCKY)
    enter(page, "hidden units", "5")
    near = "; ".join(f"2-{hidden}-1 sigmoid 01 sigmoid bce gd batch" for hidden in (1, 2, 3, 4))
    expect(page.locator(".field .wrong").nth(1)).to_contain_text(f"bce gd batch; allowed: {near}; and 256 more")


def test_two_runs_stand_side_by_side_with_what_differs(opened: Open) -> None:
    page = opened(LUCKY)
    page.get_by_role("button", name="Compare with a second run").click()
    enter(page, "seed", "0", bench=1)
    expect(page.locator("#live")).to_contain_text("They differ in: seed (3, 0).")
    page.evaluate("""async () => {
      const live = await sweep.opened;
      await Promise.all(live.benches.map((bench) => bench.done));
      live.go(live.last);
    }""")
    first, second = page.locator(".end").all_inner_texts()
    assert first.startswith("Converged after 396 epochs") and second.startswith("Not converged after 10,000 epochs")
    again = opened(page.evaluate("location.hash"))
    assert again.locator(".end").all_inner_texts() == [first, second]


def test_a_cycle_is_called_stationary_with_its_period(opened: Open) -> None:
    page = opened(CYCLE)
    page.get_by_role("button", name="To the end").click()
    assert (
        "Stationary after 10,000 epochs: short of the target, its weights come back every 2 epochs;"
        in page.locator(".end").inner_text()
    )


def test_of_three_inputs_the_outputs_of_each_row_are_shown(opened: Open) -> None:
    page = opened("#train?gate=parity-3&hidden=4&activation=tanh&learning_rate=1&seed=1")
    assert "Outputs of all rows" in (page.locator(".plane").get_attribute("aria-label") or "")
    assert page.locator(".now").inner_text().endswith("of 8 right")


def test_the_command_trains_the_same_run(opened: Open, tmp_path: Path) -> None:
    setting = "hidden=2&activation=tanh&learning_rate=0.7&optimizer=momentum&seed=11&init=uniform(-3%2C+1)"
    page = opened(f"#train?gate=XOR&{setting}")
    typed = shlex.split(page.locator(".command code").inner_text())
    outcome = page.evaluate("sweep.opened.then(({ benches: [bench] }) => bench.outcome)")
    assert typed[:2] == ["sweep", "run"] and typed[-2] == "--out"
    command = [sys.executable, "-m", *typed[:-1], str(tmp_path / "one"), "--no-figures"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    with (tmp_path / "one" / "runs.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    found = row["status"], int(row["epochs"]), float(row["final_loss"])
    assert found == tuple(outcome[key] for key in ("status", "epochs", "final_loss"))


def test_an_address_that_asks_for_the_impossible_is_told_and_the_page_is_whole(opened: Open) -> None:
    page = opened("#train?gate=XOR&learning_rate=0")
    expect(page.locator(".bench > .wrong")).to_contain_text("learning_rate: found 0; allowed: a number greater than 0")
    assert now(page).startswith("Epoch 0 · ")


# --- the line by hand -------------------------------------------------------------------------------------------


def test_a_line_drawn_by_hand_gets_three_of_four_and_no_more(opened: Open) -> None:
    page = opened("#train?gate=XOR&learning_rate=1&hidden=0")
    page.get_by_role("button", name="Why not?").click()
    score = page.locator(".ruler [role=status]")
    assert score.inner_text() == "2 of 4 right."
    box = page.locator(".plane").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8, steps=4)
    page.mouse.up()
    scores = {score.inner_text()}
    for turn in range(0, 181, 15):
        page.get_by_label("turn").fill(str(turn))
        for shift in range(-100, 101, 20):
            page.get_by_label("shift").fill(str(shift))
            scores.add(score.inner_text())
    assert scores == {"2 of 4 right.", "3 of 4 right: that is as good as it gets."}
    page.get_by_text("Why no line can do it").click()
    reasons = page.locator(".ruler details").inner_text()
    for row in ("0 0 must give 0: b < 0", "0 1 must give 1: w₂ + b > 0", "1 1 must give 0: w₁ + w₂ + b < 0"):
        assert row in reasons
    field(page, "gate").select_option(label="AND")
    expect(page.get_by_role("button", name="Why not?")).to_be_hidden()


# --- who reads it, and where --------------------------------------------------------------------------------------


def test_every_control_and_picture_has_a_name(opened: Open) -> None:
    page = opened(LUCKY)
    page.get_by_role("button", name="Compare with a second run").click()
    page.get_by_role("button", name="Why not?").click()
    nameless = page.evaluate("""() => {
      const all = ["button", "input", "select", "canvas", "[role=group]"].map((each) => `#live ${each}`).join();
      const named = (e) => e.ariaLabel || e.labels?.length || (e.tagName === "BUTTON" && e.textContent.trim());
      return [...document.querySelectorAll(all)].filter((e) => !named(e)).map((e) => e.outerHTML.slice(0, 80));
    }""")
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_400_pixels_in_light_and_dark(opened: Open, scheme: str) -> None:
    page = opened(LUCKY, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3]))
    assert brightness > 700 if scheme == "light" else brightness < 120


def test_scenes_ask_before_they_answer(opened: Open) -> None:
    page = opened()
    for number, scene in enumerate(playground.SCENES):
        page.locator(".scene-names button").nth(number).click()
        expect(page.locator(".question")).to_have_text(scene["question"])
        expect(page.locator(".now").first).to_contain_text("Epoch 0 · ")
        assert page.locator(".scene-answer").inner_text() == ""
        page.get_by_role("button", name="Watch, and see the answer").click()
        assert page.locator(".scene-answer").inner_text() == scene["answer"]


def test_what_the_scenes_say_is_so(opened: Open) -> None:
    page = opened()
    train = "(all) => Promise.all(all.map(sweep.train)).then((ends) => ends.map((one) => [one.status, one.period]))"
    ends = [page.evaluate(train, scene["settings"]) for scene in playground.SCENES]
    assert ends == [
        [["converged", None]],
        [["stationary", 1]],
        [["converged", None]],
        [["converged", None], ["max_epochs", None]],
        [["stationary", 1], ["stationary", 2]],
        [["max_epochs", None]],
    ]


def test_a_lecture_needs_no_mouse(opened: Open) -> None:
    page = opened(viewport={"width": 1280, "height": 500})
    expect(page.locator(".question")).to_be_visible()
    page.locator(".scene-names button").nth(2).press("Enter")
    expect(page.get_by_role("button", name="Watch, and see the answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".now")).to_contain_text(re.compile("Epoch [1-9]"))
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    before = epoch(page)
    page.keyboard.press("ArrowRight")
    assert epoch(page) == before + 1
    page.evaluate("document.activeElement.blur()")
    place = page.evaluate("scrollY")
    for key, expected in {"Home": 0, "ArrowRight": 1, "End": 396}.items():
        page.keyboard.press(key)
        assert epoch(page) == expected
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert page.evaluate("scrollY") == place > 0
    assert page.locator(".question").bounding_box()["y"] >= 0  # type: ignore[index]


def test_scenes_opened_in_a_hurry_leave_the_last_one(opened: Open) -> None:
    page = opened()
    names = "document.querySelectorAll('.scene-names button')"
    page.evaluate(f"for (const k of [3, 1, 4, 0]) {names}[k].click()")
    expect(page.get_by_role("button", name="Watch, and see the answer")).to_be_focused()
    expect(page.locator(".question")).to_have_text(playground.SCENES[0]["question"])
    expect(page.locator(".now")).to_contain_text("(TRUE), 1 of 4 right")
    expect(field(page, "gate")).to_have_value('"AND"')
    assert page.locator(".bench").count() == 1


def test_a_scene_is_there_again_after_a_reload(opened: Open) -> None:
    page = opened()
    page.locator(".scene-names button").nth(3).click()
    expect(page.locator(".now")).to_have_count(2)
    page.get_by_role("button", name="To the end").click()
    page.reload()
    expect(page.locator(".question")).to_have_text(playground.SCENES[3]["question"])
    expect(page.locator(".now").first).to_contain_text("Epoch 396 · ")
    page.get_by_role("button", name="Watch, and see the answer").click()
    expect(page.locator(".scene-answer")).to_have_text(playground.SCENES[3]["answer"])
    page = opened("#train?gate=XOR&hidden=2&learning_rate=3&seed=4")
    expect(page.locator(".scene-names button")).to_have_count(6)
    expect(page.get_by_role("button", name="Watch, and see the answer")).to_be_hidden()


def test_what_is_seen_in_scenes_is_what_they_say(opened: Open) -> None:
    page = opened()
    page.locator(".scene-names button").nth(2).click()
    answers = """async (points) => { const { benches: [bench] } = await sweep.opened; await bench.done;
      bench.history.seek(bench.model, bench.last); return Array.from(bench.model.respond(points), (p) => p > 0.5); }"""
    expect(page.locator(".network")).to_have_attribute("aria-label", re.compile("2 hidden units"))
    assert page.evaluate(answers, [[0.5, 0.5], [-0.3, 1.3], [1.3, -0.3]]) == [False, True, True]
    assert "In between the output is orange, and blue on either side" in playground.SCENES[2]["answer"]
    page.locator(".scene-names button").nth(4).click()
    expect(page.locator(".now")).to_have_count(2)
    page.get_by_role("button", name="To the end").click()
    expect(page.locator(".now").nth(1)).to_contain_text("answers 1 1 1 1")
    page.get_by_role("button", name="One epoch back").click()
    expect(page.locator(".now").nth(1)).to_contain_text("answers 0 0 0 0")
    assert "Step back with −1." in playground.SCENES[4]["answer"]


def test_of_thirty_starts_twenty_two_learn_xor() -> None:
    setting = {"gate": "XOR", "hidden": 2, "learning_rate": 3, "seeds": 30}
    assert (sweep.run({"grid": setting}).runs["status"] == "converged").sum() == 22
    assert any("Of 30 seeds 22 learn XOR" in scene["answer"] for scene in playground.SCENES)


def test_the_committed_playground_is_made_of_what_is_here() -> None:
    text = PLAYGROUND.read_text("utf-8")
    assert len(text) < 1_500_000
    assert kernels.script("scenes") in text
    found = re.search(r'id="kernels">(.*?)</script>', text)
    assert found
    packed = json.loads(found[1])
    described = json.loads(gzip.decompress(base64.b64decode(packed["experiment"])))
    wanted = [kernels.shape_of(kind) for kind in kernels.kinds(load(playground.EXPERIMENT))]
    assert len(wanted) == 260
    assert [{key: each[key] for key in each if key not in ("at", "size")} for each in described["kernels"]] == wanted


# --- the report -------------------------------------------------------------------------------------------------


def test_the_report_opens_on_xor_beside_and_and_knows_its_runs(opened: Open, committed: Made) -> None:
    page = opened(path=committed("gates") / "report.html")
    expect(page.locator("#live")).to_contain_text('They differ in: gate ("XOR", "AND").')
    for number, origin in enumerate(page.locator(".origin").all_inner_texts()):
        _, _, directory, *address = shlex.split(page.locator(".command code").nth(number).inner_text())
        assert [part.partition("=")[0] for part in address] == ["gate", "learning_rate", "init", "seed"]
        run = find(sweep.read(directory).experiment, address)
        assert origin.startswith(f"Run {run:,} of the sweep: ")
        assert ", to the last bit as in the sweep. " in origin
        assert re.search(r"Of its setting \d+ of 100 converged", origin)
    enter(page, "learning rate", "1.1")
    expect(page.locator(".origin").first).to_contain_text("Off the grid of this sweep")


def test_of_many_gates_one_is_typed_or_the_next_taken(opened: Open, tmp_path: Path) -> None:
    grid = {"gate": ["all-3", "classes-4"], "learning_rate": 1, "init": "zeros"}
    sweep.run({"name": "many", "grid": grid, "train": {"max_epochs": 1}}, tmp_path / "many")
    page = opened(path=tmp_path / "many" / "report.html")
    for typed, said in {"10000001": "Run 129 of the sweep: ", "parity-3": "Run 105 of the sweep: "}.items():
        enter(page, "gate", typed)
        expect(page.locator(".origin")).to_contain_text(said)
    enter(page, "gate", "11111111")
    page.get_by_role("button", name="next gate").click()
    expect(field(page, "gate")).to_have_value("0" * 16)
    enter(page, "gate", "0110")
    expect(page.locator(".field .wrong").first).to_contain_text("no kernel in this page for 2-1 ")


def test_a_page_says_which_ends_of_runs_it_does_not_know(opened: Open, tmp_path: Path) -> None:
    grid = {"gate": "AND", "learning_rate": 1, "seeds": 2 * kernels.MOST_KNOWN}
    sweep.run({"name": "many", "grid": grid, "train": {"max_epochs": 1}}, tmp_path / "many")
    page = opened("#train?seed=4", path=tmp_path / "many" / "report.html")
    expect(page.locator(".origin")).to_contain_text(", to the last bit as in the sweep. Of its setting ")
    enter(page, "seed", "5")
    expect(page.locator(".origin")).to_contain_text(
        "does not know how it ended in the sweep; of runs 0, 2, 4, … it does."
    )


@pytest.mark.parametrize("name", ["published", "kolen_pollack_slices", "and", "xor"])
def test_a_run_has_a_lasting_address(name: str, opened: Open, committed: Made) -> None:
    page = opened(path=committed(name) / "report.html")
    experiment = sweep.read(committed(name)).experiment
    runs = list(range(0, experiment.n_runs, experiment.n_runs // 40 + 1))
    told = page.evaluate(
        "runs => sweep.opened.then(({ experiment }) => runs.map(run => experiment.address(run)))", runs
    )
    assert [find(experiment, shlex.split(address)) for address in told] == runs
    assert all("=" in address for address in told)


def test_an_address_has_the_digits_that_tell_a_value_from_others(opened: Open, committed: Made) -> None:
    printed = """sweep.opened.then(({ experiment }) => {
      const rates = experiment.grids[0].values.learning_rate;
      const short = experiment.printed("learning_rate", rates[1]);
      rates.push(rates[1] * (1 + 1e-9));
      return [rates[1], short, experiment.printed("learning_rate", rates[1])];
    })"""
    rate, short, exact = opened(path=committed("gates") / "report.html").evaluate(printed)
    assert (short, exact) == (float(f"{rate:.6g}"), rate) and short != exact


@pytest.mark.parametrize(("gate", "said"), [("XOR", "about ½"), ("FALSE", "below ½"), ("TRUE", "above ½"), ("AND", "")])
def test_a_surface_without_a_line_says_why(gate: str, said: str, opened: Open) -> None:
    page = opened(f"#train?gate={gate}&hidden=0&learning_rate=1&seed=1&epoch=500")
    page.evaluate("""() => {
      window.texts = [];
      const of = CanvasRenderingContext2D.prototype, fill = of.fillText;
      of.fillText = function (text, ...at) { if (this.canvas.matches(".plane")) texts.push(text); return fill.call(this, text, ...at); };
    }""")
    page.get_by_label("Epoch", exact=True).press("ArrowLeft")
    expect(page.locator(".plane")).to_have_attribute("aria-label", re.compile(f"; output {said}" if said else "right$"))
    assert any(f"output {said} everywhere" in text for text in page.evaluate("texts")) == bool(said)


def test_a_page_whose_table_says_something_else_tells_so(opened: Open, committed: Made) -> None:
    page = opened(path=committed("and") / "report.html")
    page.evaluate("""sweep.opened.then(({ experiment }) => {
      experiment.confirms(0, {});
      experiment.known.values.fill(7);
    })""")
    enter(page, "seed", "1")
    expect(page.locator(".bench > .wrong")).to_be_visible()


def test_a_point_of_a_figure_is_seen_in_training(opened: Open, committed: Made) -> None:
    page = opened(path=committed("gates") / "report.html")
    overlay = page.locator(".main-figure .points")
    overlay.focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        overlay.press(key)
    told = page.locator(".tip").inner_text()
    address = shlex.split(re.search(r"sweep replay \S+ (.*seed=\d+)", told)[1])  # type: ignore[index]
    run = find(sweep.read(committed("gates")).experiment, address)
    overlay.press("t")
    expect(page.locator(".origin").first).to_contain_text(f"Run {run:,} of the sweep")
    assert shlex.split(page.locator(".command code").first.inner_text())[3:] == address
    overlay.focus()
    overlay.press("ArrowRight")
    page.locator(".main-figure .stage").click(position={"x": 200, "y": 200})
    if page.locator(".tip.pinned").count():
        page.get_by_role("button", name="See this run train").click()
        expect(page.locator(".tip")).to_be_hidden()


def test_without_scripts_the_section_is_not_there(chromium: Browser, committed: Made) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto((committed("and") / "report.html").as_uri())
    expect(page.locator("#live")).to_be_hidden()
    expect(page.locator("#answer")).to_be_visible()


def test_a_report_says_which_kinds_it_lacks_and_the_command_adds_them(opened: Open, tmp_path: Path) -> None:
    shapes = {"hidden": list(range(1, 10)), "activation": ["sigmoid", "tanh", "relu"]}
    experiment = {"name": "many", "grid": {"gate": "XOR", "learning_rate": 1, **shapes}, "train": {"max_epochs": 40}}
    directory = tmp_path / "many"
    result = sweep.run(experiment, directory)
    page = opened(path=directory / "report.html")
    told = page.locator("#live .lacking").inner_text()
    n_here, n_all = map(int, re.findall(r"(\d+) of the (\d+) kinds", told)[0])
    assert n_here <= kernels.MOST_KERNELS and n_all == len(kernels.kinds(load(experiment))) == 27
    lacking = "2-9-1 relu 01 sigmoid bce gd batch"
    assert told.startswith(f"This page trains {n_here} of the 27 kinds") and f"{lacking}. This adds them: " in told
    command = shlex.split(page.locator("#live .lacking code").inner_text())
    assert command == ["sweep", "report", str(directory), "--all-kernels"]
    asked = {"gate": "XOR", "hidden": 9, "activation": "relu"}
    with pytest.raises(Error, match=re.escape(f"no kernel in this page for {lacking}; {shlex.join(command)} adds it")):
        page.evaluate("(given) => sweep.train(given)", asked)
    page.evaluate("(run) => sweep.show(run)", 26)
    expect(page.locator(".bench > .wrong")).to_contain_text(f"Run 26: no kernel in this page for {lacking}; ")
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, capture_output=True, timeout=300)
    page = opened(path=directory / "report.html")
    assert page.locator("#live .lacking").count() == 0
    found = page.evaluate("(given) => sweep.train(given)", asked)
    expected = result.runs[(result.runs["hidden"] == 9) & (result.runs["activation"] == "relu")].iloc[0]
    assert [found[key] for key in ("run", "epochs", "final_loss")] == [
        expected[k] for k in ("run", "epochs", "final_loss")
    ]
