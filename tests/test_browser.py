"""The report in a real browser: what it says, what it shows when pointed at, its table, on screens wide and narrow."""

import csv
import json
import math
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from conftest import TINY
from playwright.sync_api import Browser, Locator, Page, sync_playwright

import sweep
from sweep.commands.address import find
from sweep.spec.schema import FAILURES

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        CHROMIUM is None and "NEED_CHROMIUM" not in os.environ,
        reason="no chromium here: apt-get install chromium fonts-dejavu-core",
    ),
]
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 400, "height": 800}
N_GATES = 1600
AXES = ("gate", "learning_rate", "init")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def report(committed: Callable[[str], Path]) -> Callable[[str], Path]:
    """The report of a committed experiment."""
    return lambda name: committed(name) / "report.html"


@pytest.fixture
def opened(browser: Browser, report: Callable[[str], Path]) -> Iterator[Callable[..., Page]]:
    """Opens the report of an experiment; at the end nothing may have gone wrong in any of the pages."""
    contexts = []
    troubles: list[str] = []

    def of(name: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        address = report(name).resolve().as_uri()
        page.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("data:", address)) else troubles.append(request.url),
        )
        page.goto(address)
        return page

    yield of
    for context in contexts:
        context.close()
    assert troubles == []


@cache
def summary(path: Path) -> list[dict[str, str]]:
    with (path.parent / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def run_of(path: Path, number: int) -> dict[str, str]:
    """A line of the table of runs of a complete result."""
    with (path.parent / "runs.csv").open(newline="") as file:
        head = next(file)
        return next(csv.DictReader([head, next(islice(file, number, None))]))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def data_of(page: Page) -> dict[str, Any]:
    return json.loads(page.locator("#points").text_content() or "")


def tip(page: Page) -> str:
    page.locator(".tip").wait_for(state="visible")
    return plain(page.locator(".tip").inner_text())


def pointed_at(page: Page, stage: Locator, x: float, y: float) -> str:
    """What is told with the mouse at a place of a figure, in shares of its width and height."""
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return tip(page)


def told(row: dict[str, str]) -> list[str]:
    """What must be said of a setting of gates.toml, from its row of summary.csv."""
    said = [f"gate {row['gate']}", f"learning rate η {float(row['learning_rate']):.6g} ", f"start {row['init']}"]
    said.append(f"{row['n_converged']} of {row['n']} (")
    median = f"{int(row['epochs_q50']):,}" if row["epochs_q50"] else "> 10,000"
    return [*said, f"{float(row['final_loss_q50']):.3g}", median]


def is_run_of(path: Path, row: dict[str, str], said: str) -> bool:
    """Whether what is told names the result and a run of a row of its summary."""
    command = next(line for line in said.splitlines() if line.startswith("sweep replay"))
    _, _, directory, *address = shlex.split(command.removesuffix(" a click copies it").removesuffix(" Enter copies it"))
    run = run_of(path, find(sweep.read(path.parent).experiment, address))
    return Path(directory).absolute() == path.parent.absolute() and all(run[key] == row[key] for key in AXES)


@pytest.mark.parametrize("name", TINY)
def test_a_report_is_whole_quiet_and_fits_every_screen(
    name: str, opened: Callable[..., Page], report: Callable[[str], Path]
) -> None:
    page = opened(name)
    rows = summary(report(name))
    counts = [
        f"{sum(int(row[f'n_{status}']) for row in rows):,} {status}"
        for status in ("converged", *FAILURES.values())
        if any(int(row[f"n_{status}"]) for row in rows)
    ]
    outcomes = plain(page.locator(".outcomes").inner_text())
    assert all(count in outcomes for count in counts)

    assert page.locator("h1").count() == page.locator("main").count() == page.locator("header").count() == 1
    levels = page.locator("h1, h2, h3, h4").evaluate_all("found => found.map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(len(alt) > 40 for alt in page.locator("img").evaluate_all("found => found.map(one => one.alt)"))
    assert page.locator("svg:not([aria-label])").count() == 0
    assert page.locator("[id]").evaluate_all("found => new Set(found.map(one => one.id)).size === found.length")

    top = page.locator(".main-figure img").bounding_box()
    assert top is not None
    assert top["y"] < WIDE["height"] / 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"

    for figure in data_of(page)["figures"]:
        page.locator(f"#{figure} .points").focus()
        page.keyboard.press("ArrowRight")
        said = tip(page)
        page.keyboard.press("Escape")
        page.locator(".tip").wait_for(state="hidden")
        assert "converged" in said
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_the_sentences_agree_with_the_summary(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    rows = summary(report("gates"))
    gates: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        gates.setdefault(row["gate"], []).append(row)
    converged = {gate: sum(int(row["n_converged"]) for row in of_gate) for gate, of_gate in gates.items()}
    never = [gate for gate, count in converged.items() if count == 0]
    total = sum(converged.values())

    page = opened("gates")
    assert page.locator(".answer p:visible").count() == 3
    page.locator(".answer summary").click()
    answer = plain(page.locator(".answer").inner_text())
    assert (len(gates), len(never)) == (16, 2)
    assert (
        f"learned fourteen of the sixteen gates; it never learned {' or '.join(never)}: none of 10,000 runs" in answer
    )
    assert f"Of all 160,000 runs of this grid, {total:,} ({total / 1600:.1f} %) converged" in answer
    assert page.locator("#settings tbody tr").count() == len(rows) == N_GATES


@pytest.mark.parametrize("figure", ["success_rate", "epochs_to_converge"])
def test_the_mouse_finds_the_numbers_of_a_point(
    figure: str, opened: Callable[..., Page], report: Callable[[str], Path]
) -> None:
    page = opened("gates")
    rows = summary(report("gates"))
    data = data_of(page)
    stage = page.locator(f"#{figure} .stage")
    series = data["figures"][figure]["series"]
    for line in (0, len(series) // 2, len(series) - 1):
        one = series[line]
        for point in (0, len(one["x"]) // 2):
            said = pointed_at(page, stage, one["x"][point] / data["fraction"], one["y"][point] / data["fraction"])
            row = rows[one["records"][point]]
            first, rest = re.split("at the same place", said + "at the same place", flags=re.IGNORECASE)[:2]
            if not all(part in first for part in told(row)):  # another line is at the very same place
                assert f"start {row['init']}" in rest
                assert "The same numbers" in first or f"{row['n_converged']} of {row['n']}" in rest
                row = next(other for other in rows if all(part in first for part in told(other)))
            assert is_run_of(report("gates"), row, said)


def test_the_keyboard_walks_from_point_to_point(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("gates")
    rows = summary(report("gates"))
    page.locator("#success_rate .points").focus()
    starts = list(dict.fromkeys(row["init"] for row in rows))
    rates = list(dict.fromkeys(row["learning_rate"] for row in rows))
    at = {"line": 0, "rate": 0}
    for key, line, rate in [
        ("ArrowRight", 0, 0),
        ("ArrowRight", 0, 1),
        ("ArrowDown", 1, 1),
        ("End", 1, 24),
        ("ArrowRight", 1, 24),
        ("ArrowLeft", 1, 23),
        ("Home", 1, 0),
        ("ArrowUp", 0, 0),
    ]:
        page.keyboard.press(key)
        at = {"line": line, "rate": rate}
        wanted = ("FALSE", rates[at["rate"]], starts[at["line"]])
        row = next(row for row in rows if tuple(row[axis] for axis in AXES) == wanted)
        page.wait_for_function("said => document.querySelector('.tip').innerText.includes(said)", arg=told(row)[2])
        said = tip(page)
        assert all(part in said for part in told(row))
        assert is_run_of(report("gates"), row, said)
        live = plain(page.locator("[aria-live=polite]").inner_text())
        assert all(part in live for part in told(row))


def test_a_click_and_enter_copy_the_command(opened: Callable[..., Page]) -> None:
    page = opened("gates", permissions=["clipboard-read", "clipboard-write"])
    data = data_of(page)
    one = data["figures"]["success_rate"]["series"][0]
    stage = page.locator("#success_rate .stage")
    said = pointed_at(page, stage, one["x"][3] / data["fraction"], one["y"][3] / data["fraction"])
    command = next(line for line in said.splitlines() if line.startswith("sweep replay")).replace(
        " a click copies it", ""
    )
    page.mouse.down()
    page.mouse.up()
    page.locator(".tip.pinned").wait_for()
    page.wait_for_function("() => document.querySelector('[aria-live=polite]').textContent.startsWith('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert "Paste it into a terminal" in tip(page)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "said => !document.querySelector('[aria-live=polite]').textContent.endsWith(said)", arg=command
    )
    assert page.evaluate("navigator.clipboard.readText()").split()[:2] == ["sweep", "replay"]


def test_a_finger_finds_a_point_on_a_narrow_screen(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("gates", viewport=NARROW, has_touch=True)
    data = data_of(page)
    one = data["figures"]["success_rate"]["series"][0]
    window = page.locator("#success_rate .window").first
    window.scroll_into_view_if_needed()
    box = window.bounding_box()
    assert box is not None
    left, top, width, height = json.loads(window.get_attribute("data-box") or "")
    page.touchscreen.tap(
        box["x"] + (one["x"][0] / data["fraction"] - left) / width * box["width"],
        box["y"] + (one["y"][0] / data["fraction"] - top) / height * box["height"] + 5,
    )
    said = tip(page)
    assert all(part in said for part in told(summary(report("gates"))[one["records"][0]])[:2])
    shown = page.locator(".tip").bounding_box()
    assert shown is not None
    assert (shown["x"], shown["width"]) == (0, NARROW["width"])


def test_every_cell_of_a_picture_tells_its_own_numbers(
    opened: Callable[..., Page], report: Callable[[str], Path]
) -> None:
    page = opened("trainability_boundary")
    rows = summary(report("trainability_boundary"))
    (cells,) = data_of(page)["figures"]["heat_map"]["cells"]
    left, top, width, height = cells["box"]
    assert cells["shape"] == [16, 16]
    stage = page.locator("#heat_map .stage")
    failed = next(at for at, row in enumerate(rows) if row["n_diverged"] == "1" or row["n_stationary"] == "1")
    for upwards, rightwards in [(0, 0), (15, 15), (0, 15), (7, 3), divmod(failed, 16)]:
        row = rows[16 * upwards + rightwards]
        said = pointed_at(
            page, stage, left + (rightwards + 0.4) / 16 * width, top + height - (upwards + 0.6) / 16 * height
        )
        assert f"hidden learning rate {float(row['hidden_learning_rate']):.6g} ·" in said
        assert f"learning rate η {float(row['learning_rate']):.6g}\n" in said
        assert f"{row['n_converged']} of 1 (" in said
        for name, status in FAILURES.items():
            assert (status in said.split("sweep")[0]) == (row[name] == "1")
        loss = float(row["final_loss_q50"])
        assert ("∞" if math.isinf(loss) else f"{loss:.3g}") in said
        command = next(line for line in said.splitlines() if "replay" in line)
        address = [part for part in command.split() if "=" in part]
        experiment = sweep.read(report("trainability_boundary").parent).experiment
        assert find(experiment, address) == 16 * upwards + rightwards


def test_settings_counted_together_are_told_as_such(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("threshold_functions")
    rows = summary(report("threshold_functions"))
    page.locator("#success_rate .points").focus()
    page.keyboard.press("ArrowRight")
    said = tip(page)
    assert "256 settings counted together, which differ in gate" in said
    assert f"{sum(int(row['n_converged']) for row in rows)} of 256 (" in said
    assert "interval" not in said


def column(page: Page, name: str) -> list[str]:
    place = page.locator("#settings thead tr").first.locator("th").all_text_contents().index(name)
    cells: list[str] = page.locator("#settings tbody").evaluate(
        "(body, place) => [...body.rows].map(row => row.cells[place].textContent)", place
    )
    return cells


def as_number(text: str) -> float:
    return math.inf if text[0] in ">∞" else float(text.replace(",", ""))


def test_the_table_sorts_by_numbers_with_what_is_later_last(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    name = "epochs: median"
    before = column(page, name)
    head = page.locator("th", has_text=name)
    assert head.get_attribute("aria-sort") is None
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, name) == sorted(before, key=as_number)
    assert column(page, name)[-1] == "> 10,000"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, name) == sorted(before, key=as_number, reverse=True)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") is None
    assert column(page, name) == before
    page.locator("th", has_text="final loss: median").locator("button").click()
    losses = [as_number(text) for text in column(page, "final loss: median")]
    assert losses == sorted(losses)
    assert page.locator("[aria-sort]").count() == 1


def test_the_table_filters_by_column_and_by_words(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("gates")
    rows = summary(report("gates"))
    shown = page.locator("#settings tbody tr")
    status = page.get_by_role("status").filter(has_text="lines")

    def count(chosen: Callable[[dict[str, str]], bool]) -> int:
        return sum(map(chosen, rows))

    page.get_by_label("Filter by gate").select_option("AND")
    assert shown.count() == count(lambda row: row["gate"] == "AND") == 100
    page.get_by_label("Filter by learning rate η").fill("0.1 .. 10")
    expected = count(lambda row: row["gate"] == "AND" and 0.0999 < float(row["learning_rate"]) < 10.001)
    assert shown.count() == expected
    assert status.inner_text().startswith(f"{expected} of 1,600 lines")
    page.get_by_label("Filter by learning rate η").fill("about 3")
    assert page.get_by_label("Filter by learning rate η").get_attribute("aria-invalid") == "true"
    page.get_by_role("button", name="Show all").click()
    assert shown.count() == N_GATES
    page.get_by_label("Filter by epochs: median").fill("> 10,000")
    assert shown.count() == count(lambda row: not row["epochs_q50"]) > 0
    page.get_by_label("Filter by epochs: median").fill("<= 10")
    assert shown.count() == count(lambda row: int(row["epochs_q50"] or 10**9) <= 10) > 0
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Find").fill("xnor normal(0, 10)")
    assert shown.count() == count(lambda row: row["gate"] == "XNOR" and row["init"] == "normal(0, 10)") == 25
    page.get_by_label("Find").fill("no such thing")
    assert shown.count() == 0


def test_the_table_leads_with_what_converged_most_often_and_fastest(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    rates = [as_number(rate) for rate in column(page, "%")]
    medians = [as_number(epochs) for epochs in column(page, "epochs: median")]
    order = [(-rate, epochs) for rate, epochs in zip(rates, medians, strict=True)]
    assert order == sorted(order)
    assert order[0] < order[-1]


def test_legends_hide_and_show_lines(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    data = data_of(page)
    stage = page.locator("#success_rate .stage")
    before = stage.locator("img").get_attribute("src") or ""
    buttons = stage.get_by_role("button")
    assert buttons.evaluate_all("all => all.map(one => one.ariaLabel)") == [
        "uniform(0, 1)", "normal(0, 1)", "uniform(-5, 5)", "normal(0, 10)",
    ]  # fmt: skip
    hidden = [one["line"] for one in data["figures"]["success_rate"]["series"]].index("line-3")
    one = data["figures"]["success_rate"]["series"][hidden]
    point = one["x"][6] / data["fraction"], one["y"][6] / data["fraction"]
    assert "start normal(0, 10)" in pointed_at(page, stage, *point)
    buttons.nth(3).click()
    assert buttons.nth(3).get_attribute("aria-pressed") == "false"
    after = stage.locator("img").get_attribute("src") or ""
    assert '[id^="line-3-"]{display:none}' in unquote(after)
    assert "id='line-3-0-" in unquote(after) or 'id="line-3-0-' in unquote(after)
    stage.locator("img").evaluate("image => image.decode()")
    page.mouse.move(0, 0)
    assert "start normal(0, 10)" not in pointed_at(page, stage, *point).partition("sweep replay")[0].splitlines()[0]
    buttons.nth(3).focus()
    page.keyboard.press("Enter")
    assert unquote(stage.locator("img").get_attribute("src") or "") == unquote(before).replace(
        "</svg>", "<style></style></svg>"
    )


def test_panels_are_two_abreast_on_a_narrow_screen(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("gates", viewport=NARROW)
    data, rows = data_of(page), summary(report("gates"))
    figure = page.locator("#success_rate")
    panels = [box for box in (one.bounding_box() for one in figure.locator(".window").all()) if box]
    assert len(panels) == len({row["gate"] for row in rows}) == 16
    for left, right in zip(panels[::2], panels[1::2], strict=True):
        assert (left["y"], left["width"]) == pytest.approx((right["y"], right["width"]), abs=0.5)
        assert 10 < left["x"] < left["x"] + left["width"] < right["x"] < right["x"] + right["width"] < 400
        assert left["width"] > 140
    ticks = [box for box in (one.bounding_box() for one in figure.locator(".below").all()) if box]
    inch = page.evaluate("document.querySelector('#success_rate .below').offsetHeight") / 0.25
    for panel, of_next in zip(panels[::2], ticks[1::2], strict=True):  # a panel's frame is 0.03 inches wide
        assert of_next["x"] >= panel["x"] + panel["width"] + 0.06 * inch
    assert not figure.locator(".stage > img").is_visible()
    one = data["figures"]["success_rate"]["series"][-1]
    window = figure.locator(".window").last
    left, top, width, height = json.loads(window.get_attribute("data-box") or "")
    x, y = one["x"][4] / data["fraction"], one["y"][4] / data["fraction"]
    said = pointed_at(page, window, (x - left) / width, (y - top) / height)
    assert "gate TRUE" in said
    shown = page.locator(".tip").bounding_box()
    assert shown is not None
    assert shown["height"] < NARROW["height"] / 2
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert figure.locator(".stage > img").is_visible()
    assert not figure.locator(".pieces").is_visible()


def test_figures_are_two_abreast_on_a_wide_screen(opened: Callable[..., Page]) -> None:
    page = opened("gates", viewport={"width": 1400, "height": 900})
    boxes = page.locator(".figures > figure").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    first, second, third = boxes[:3]  # all at once: the section above them opens by itself
    assert first["y"] == second["y"] < third["y"]
    assert first["x"] + first["width"] <= second["x"]
    assert page.evaluate("document.documentElement.scrollWidth") == 1400


def test_what_is_told_leaves_the_title_of_the_panel_in_sight(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    data = data_of(page)
    stage = page.locator("#success_rate .stage")
    panels = json.loads(stage.get_attribute("data-parts") or "")["panels"]
    stage.scroll_into_view_if_needed()
    for one in data["figures"]["success_rate"]["series"][::4]:
        x, y = one["x"][-1] / data["fraction"], one["y"][-1] / data["fraction"]
        pointed_at(page, stage, x, y)
        shown, box = page.locator(".tip").bounding_box(), stage.bounding_box()
        assert shown is not None
        assert box is not None
        left, _, width, _ = next(
            (left, top, width, height)
            for left, top, width, height in (panel["box"] for panel in panels)
            if left <= x <= left + width and top <= y <= top + height
        )
        right = box["x"] + (left + width) * box["width"]
        assert shown["x"] > right or shown["x"] + shown["width"] < box["x"] + left * box["width"]


def test_points_stay_true_after_sorting(opened: Callable[..., Page], report: Callable[[str], Path]) -> None:
    page = opened("gates")
    page.locator("th", has_text="first run").locator("button").dblclick()
    page.get_by_label("Filter by gate").select_option("XOR")
    page.locator("#success_rate .points").focus()
    page.keyboard.press("ArrowRight")
    said = tip(page)
    assert all(part in said for part in told(summary(report("gates"))[0]))


def test_without_scripts_everything_is_there_to_read(opened: Callable[..., Page]) -> None:
    page = opened("gates", java_script_enabled=False)
    assert page.locator("#settings tbody tr").count() == N_GATES
    assert page.locator("figure img").count() >= 3
    assert page.locator("button, input, select, .points").count() == 0
    assert "sweep replay" in page.locator("main").inner_text()


def test_printed_are_no_controls_and_as_many_lines_as_it_says(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    page.emulate_media(media="print")
    assert page.locator(".controls, .filters, nav, .hint").evaluate_all(
        "found => found.every(one => getComputedStyle(one).display === 'none')"
    )
    lines = page.locator("#settings tbody tr").evaluate_all(
        "found => found.filter(one => getComputedStyle(one).display !== 'none').length"
    )
    assert f"the first {lines} lines" in page.locator(".print-only").inner_text()
    assert lines == 100
    heads = page.locator("th button")
    assert heads.count() and heads.evaluate_all(
        "found => found.every(one => getComputedStyle(one).display === 'contents')"
    )
    assert page.locator("#word-setting + dd").is_visible()
    assert page.locator(".answer p").last.is_visible()
    assert not page.locator(".sums").is_visible()


def test_printed_figures_have_one_scale(opened: Callable[..., Page]) -> None:
    page = opened("gates", viewport={"width": 740, "height": 980})
    page.emulate_media(media="print")
    scales = page.locator(".stage > img").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect().width / Number(one.getAttribute('width')))"
    )
    assert len(scales) > 5
    assert sorted(scales)[1:] == pytest.approx([max(scales)] * (len(scales) - 1), rel=1e-3)  # but for a tall one


def test_a_picture_is_drawn_and_not_blocked(opened: Callable[..., Page]) -> None:
    page = opened("and")
    widths = page.locator("img").evaluate_all(
        "async found => (await Promise.all(found.map(one => one.decode())), found.map(one => one.naturalWidth))"
    )
    assert len(widths) >= 3
    assert all(widths)
    drawn = page.locator("img").first.get_attribute("src") or ""
    assert "<svg" in unquote(drawn.partition(",")[2])


def test_a_word_leads_to_its_meaning(opened: Callable[..., Page]) -> None:
    page = opened("gates")
    meaning = page.locator("#word-setting + dd")
    assert not meaning.is_visible()
    page.locator('.answer a.word[href="#word-setting"]').click()
    meaning.wait_for(state="visible")
    assert "one value of everything" in meaning.inner_text()
