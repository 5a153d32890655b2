"""A page of a test's own in chromium, with the scripts that train runs."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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


def training_page(browser: Browser, experiment: Mapping[str, Any]) -> Page:
    """A page whose `sweep` trains runs of an experiment, and whose `inside` has what the scripts keep to themselves."""
    page = browser.new_page()
    inside = f"window.inside = {{ {', '.join(INSIDE)} }};\n}})();\n"
    script = kernels.script().removesuffix("})();\n") + inside
    data = kernels.data(load(experiment), kernels.Known())
    page.set_content(f'<script type="application/json" id="kernels">{data}</script><script>{script}</script>')
    return page
