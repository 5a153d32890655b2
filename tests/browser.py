"""A page of a test's own in chromium, with the scripts that train runs."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from sweep.page import kernels
from sweep.spec.experiment import load

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
INSIDE = ("exactFma", "instantiate", "drawn", "parsedInit", "STACK", "thisExperiment")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def quiet_pages(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages with a section that trains, by file and address; nothing may go wrong in them, nothing be fetched."""
    contexts, troubles = [], []

    def of(path: Path, address: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        file = path.resolve().as_uri()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda each: None if each.url.startswith(("data:", file)) else troubles.append(each.url))
        page.goto(file + address)
        page.evaluate("sweep.opened.then(() => null)")
        return page

    yield of
    for context in contexts:
        context.close()
    assert troubles == []


def training_page(browser: Browser, experiment: Mapping[str, Any]) -> Page:
    """A page whose `sweep` trains runs of an experiment, and whose `inside` has what the scripts keep to themselves."""
    page = browser.new_page()
    inside = f"window.inside = {{ {', '.join(INSIDE)} }};\n}})();\n"
    script = kernels.script().removesuffix("})();\n") + inside
    data = kernels.data(load(experiment), kernels.Known())
    page.set_content(f'<script type="application/json" id="kernels">{data}</script><script>{script}</script>')
    return page
