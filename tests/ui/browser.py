"""Chromium through Playwright, and the page as a person finds things on it: by what they are called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from tests.conftest import require

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts" / "ui"
# Nothing but this machine is asked for anything, and software rendering is enough.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A shared machine may be slow; a test that passes does not wait for it.
PATIENCE_MS = 30_000


def launch(playwright: Playwright) -> Browser:
    """The browser that is installed here."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    require(program is not None, "Chromium", "apt-get install chromium")
    return playwright.chromium.launch(executable_path=program, args=list(FLAGS))


@dataclass
class Visitor:
    """A person with a browser of their own."""

    page: Page
    url: str

    def open(self, path: str = "/") -> Visitor:
        self.page.goto(f"{self.url}{path}")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def card(self, rank: int) -> Locator:
        return self.page.locator(f".st-key-card-{rank}")

    @property
    def cards(self) -> Locator:
        return self.page.locator("[class*=st-key-card-]")

    def type_search(self, text: str) -> None:
        field = self.page.get_by_role("textbox").or_(self.page.get_by_role("searchbox")).first
        field.click()
        field.press_sequentially(text, delay=20)

    def add_seed(self, text: str, *, name: str = "Add") -> str:
        """Type, take the first track that is found, and say what it is called."""
        self.type_search(text)
        row = self.page.locator("[class*=st-key-found-]").filter(has=self.button(name)).first
        title = row.locator(".segue-title").inner_text()
        row.get_by_role("button", name=name, exact=True).click()
        expect(self.page.locator("[class*=st-key-seed-]").filter(has_text=title).first).to_be_visible()
        return title

    def find_music(self, *, name: str = "Find music") -> None:
        self.button(name).click()
        expect(self.card(1)).to_be_visible()

    def settled(self) -> None:
        """Wait until the script has run and nothing is being drawn."""
        self.page.wait_for_function(
            "() => !document.querySelector('[data-testid=stStatusWidget], [data-stale=true],"
            " [data-testid=stSkeleton]')"
        )

    def faults(self) -> list[str]:
        """Serious and critical faults that axe finds, each with its elements; no rule is left out."""
        return [
            f"{fault['id']} ({fault['impact']}): {fault['help']}\n  "
            + "\n  ".join(node["html"] for node in fault["nodes"])
            for fault in Axe().run(self.page).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    def titles(self, count: int) -> list[str]:
        """Titles of the list, once all of it is drawn."""
        drawn = self.page.locator("h3.segue-title")
        expect(drawn).to_have_count(count)
        return drawn.all_inner_texts()

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(
            self.page.evaluate(
                "() => Math.max(...[document.documentElement, document.body,"
                " ...document.querySelectorAll('[data-testid=stMain]')]"
                ".map(e => e.scrollWidth - e.clientWidth))"
            )
        )

    def keep(self, name: str) -> None:
        """Keep a screenshot for whoever looks at the run."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


@contextmanager
def visiting(
    browser: Browser, url: str, *, phone: bool = False, locale: str = "en-US", scheme: Any = "light"
) -> Iterator[Visitor]:
    """A visitor with no cookies, and a window of a desk or of a phone."""
    size: Any = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    context = browser.new_context(
        viewport=size, locale=locale, color_scheme=scheme, has_touch=phone, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    try:
        yield Visitor(context.new_page(), url)
    finally:
        context.close()
