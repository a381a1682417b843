"""The page in a browser: how soon it is useful, and how soon a list is there after the click.

``python -m tests.benchmarks.bench_page``; needs Chromium, and a bundle of ``make demo``. The baseline is a
Streamlit page of one line in the same browser, since what that takes is nobody's here to mend.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect, sync_playwright

from serving.stack.keys import make_keys
from serving.stack.members import gateway_and_page, pair
from serving.stack.ports import Ports
from serving.stack.supervisor import Supervisor
from tests.benchmarks.measure import Bound, report
from tests.live_services import free_port
from tests.ui.browser import launch, visiting

BUNDLE = ".segue/demo/channels/champion"
VISITS = 7


@contextmanager
def empty_page(folder: Path) -> Iterator[str]:
    """A Streamlit page of one line."""
    script = folder / "empty.py"
    script.write_text("import streamlit as st\nst.title('x')\n", encoding="utf-8")
    port = free_port()
    options = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    flags = [f"--server.{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    process = subprocess.Popen([*command, "--browser.gatherUsageStats=false"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def seconds_to_heading(browser: Browser, url: str) -> float:
    """From the address to a title, with an empty cache."""
    with visiting(browser, url) as visitor:
        begun = time.perf_counter()
        visitor.open()
        return time.perf_counter() - begun


def seconds_to_use(browser: Browser, url: str) -> tuple[float, float]:
    """From the address to a search field and a genre to press; from the click to all ten cards."""
    with visiting(browser, url) as visitor:
        begun = time.perf_counter()
        visitor.open()
        expect(visitor.page.get_by_label("Search for a song, an artist, or both")).to_be_visible()
        genre = visitor.page.locator(".st-key-genre-seeds button").first
        expect(genre).to_be_visible()
        expect(visitor.button("Find music")).to_be_visible()
        useful = time.perf_counter() - begun
        genre.click()
        expect(visitor.button("Find music")).to_be_enabled()
        visitor.settled()
        begun = time.perf_counter()
        visitor.button("Find music").click()
        # looked for at every frame, where `expect` would look a few times a second
        visitor.page.wait_for_function("() => document.querySelectorAll('h3.segue-title').length == 10")
        return useful, time.perf_counter() - begun


def main() -> bool:
    """Measure, and say whether what is promised is kept."""
    if not Path(f"{BUNDLE}.json").exists():
        sys.exit(f"there is no bundle at {BUNDLE}: run make demo DEMO_ARGS=--once first")
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        database_url = f"sqlite:///{folder}/log.sqlite"
        keys = make_keys(database_url)
        ports = Ports(**{each: free_port() for each in Ports.__dataclass_fields__})
        front = gateway_and_page(BUNDLE, ports, database_url=database_url, page_key=keys.page, logs=folder)
        with (
            Supervisor([*pair(BUNDLE, ports, logs=folder), *front]) as running,
            empty_page(folder) as empty,
        ):
            running.wait_ready()
            browser = launch(playwright)
            url = f"http://127.0.0.1:{ports.page}"
            # the browser's own start is not the page's
            seconds_to_heading(browser, empty)
            first = seconds_to_use(browser, url)
            baseline = [seconds_to_heading(browser, empty) for _ in range(VISITS)]
            used = [seconds_to_use(browser, url) for _ in range(VISITS)]
            browser.close()
    useful = statistics.median(useful for useful, _ in used)
    listed = statistics.median(listed for _, listed in used)
    return report(
        "page",
        [
            Bound("first useful page, the server's first visitor, s", first[0], 3.0),
            Bound("first useful page, median of visits with an empty cache, s", useful, 3.0),
            Bound(
                "the same over a Streamlit page of one line, ratio", useful / statistics.median(baseline), 3.0
            ),
            Bound("list of ten cards after the click, median, s", listed, 1.0),
        ],
        {"visits": used, "first": first, "baseline": baseline},
    )


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
