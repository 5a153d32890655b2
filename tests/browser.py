"""A page of a test's own in chromium, with the scripts that train runs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from sweep.page import kernels
from sweep.spec.experiment import load

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
INSIDE = ("exactFma", "instantiate", "drawn", "parsedInit", "fingerprint", "Experiment", "Model", "History", "trainOut")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def training_page(browser: Browser, experiment: Any) -> Page:
    """A page whose `sweep` trains runs of an experiment, and whose `inside` has what the scripts keep to themselves."""
    page = browser.new_page()
    script = kernels.script().replace('"use strict";\n', f'"use strict";\nwindow.inside = {{ {", ".join(INSIDE)} }};\n')
    script = script.replace("window.inside", "setTimeout(() => 0); window.inside") if False else script
    loaded = kernels.data(load(experiment))
    page.set_content(f'<script type="application/json" id="kernels">{loaded}</script><script>{script}</script>')
    return page
