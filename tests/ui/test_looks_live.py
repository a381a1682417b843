"""What every page owes its visitors: no serious fault for assistive technology, no sideways scrolling."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from playwright.sync_api import expect

from tests.conftest import require
from tests.ui.browser import Visitor
from tests.ui.conftest import System, Visit

pytestmark = pytest.mark.live

PAGES = ("/", "/monitoring", "/models")


def with_a_list(visit: Visit, system: System, **options: object) -> Visitor:
    """Discover with a list and a reason open; everything that the page can show at once."""
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&k=4", **options)
    expect(visitor.cards).to_have_count(4)
    visitor.card(1).get_by_role("button", name="Why this?").click()
    expect(visitor.card(1).locator(".js-plotly-plot")).to_be_visible()
    visitor.page.get_by_text("Fine-tune").click()
    expect(visitor.page.get_by_text("Length of the list")).to_be_visible()
    return visitor


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_it_has_no_serious_fault_that_axe_finds(visit: Visit, system: System, path: str, scheme: str) -> None:
    visitor = with_a_list(visit, system, scheme=scheme) if path == "/" else visit(path, scheme=scheme)
    visitor.settled()
    visitor.keep(f"{path.strip('/') or 'discover'}-{scheme}")
    assert not visitor.faults(), "\n".join(visitor.faults())


@pytest.mark.parametrize("path", PAGES)
def test_it_does_not_scroll_sideways_on_a_phone(visit: Visit, system: System, path: str) -> None:
    visitor = with_a_list(visit, system, phone=True) if path == "/" else visit(path, phone=True)
    visitor.settled()
    visitor.keep(f"{path.strip('/') or 'discover'}-phone")
    assert visitor.overflow <= 0


def test_it_says_where_to_begin_before_anything_is_chosen(visit: Visit, system: System) -> None:
    visitor = visit()
    expect(visitor.page.get_by_text("Or start from a genre")).to_be_visible()
    expect(visitor.button("Find music")).to_be_disabled()
    expect(visitor.page.get_by_text("Your list will stand here.")).to_be_visible()


def test_it_is_legible_in_the_dark_on_the_buttons_that_matter(visit: Visit, system: System) -> None:
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&k=1", scheme="dark")
    expect(visitor.cards).to_have_count(1)
    # axe says nothing of what is scrolled away
    visitor.button("Find music").scroll_into_view_if_needed()
    visitor.settled()
    assert not visitor.faults(), "\n".join(visitor.faults())


def test_it_breaks_korean_lines_between_words(visit: Visit) -> None:
    listed = b""
    if shutil.which("fc-list"):
        listed = subprocess.run(["fc-list", ":lang=ko"], capture_output=True, check=True).stdout
    require(bool(listed), "a Korean font", "apt-get install fontconfig fonts-nanum")
    visitor = visit(phone=True, locale="ko-KR")
    visitor.page.set_viewport_size({"width": 320, "height": 800})
    visitor.settled()
    signs = visitor.page.locator("h1").evaluate(
        """heading => {
            const text = document.createTreeWalker(heading, NodeFilter.SHOW_TEXT).nextNode();
            const range = new Range();
            return [...text.data].map((sign, at) => {
                range.setStart(text, at);
                range.setEnd(text, at + 1);
                return [sign, Math.round(range.getBoundingClientRect().top)];
            });
        }"""
    )
    words = "".join(sign if sign == " " else f"{line}," for sign, line in signs).split()
    lines = [set(word.strip(",").split(",")) for word in words]
    assert len(set.union(*lines)) > 1, "the heading stands on one line"
    assert all(len(line) == 1 for line in lines), signs
    assert visitor.overflow <= 0


def test_it_cuts_no_figure_and_no_name_of_an_axis_on_a_narrow_phone(visit: Visit, system: System) -> None:
    narrow = {"width": 320, "height": 800}
    visitor = visit("/models", phone=True, locale="ko-KR")
    visitor.page.set_viewport_size(narrow)
    changes = visitor.page.locator("[data-testid=stTable] td:last-child p")
    expect(changes.first).to_be_visible()
    # the bundles here may measure the same
    lines = changes.evaluate_all(
        """cells => cells.map(cell => {
            cell.textContent = '−0.046';
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map(part => Math.round(part.top))).size;
        })"""
    )
    assert set(lines) == {1}
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor.open(f"/?genre={genre}&k=1")
    visitor.card(1).get_by_role("button", name="추천 이유").click()
    chart = visitor.page.locator(".js-plotly-plot")
    expect(chart.locator(".angularaxistick text").first).to_be_visible()
    visitor.settled()
    box = chart.bounding_box()
    assert box
    for name in chart.locator(".angularaxistick text").all():
        words = name.bounding_box()
        assert words
        assert box["x"] <= words["x"], name.inner_text()
        assert words["x"] + words["width"] <= box["x"] + box["width"], name.inner_text()
