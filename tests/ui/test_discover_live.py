"""Discover in a real browser, on the real system."""

from __future__ import annotations

import csv
import re
import time

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import System, Visit

pytestmark = pytest.mark.live


def wait_until(condition: object, what: str, seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends, f"waited {seconds} s for {what}"
        time.sleep(0.2)


def test_it_finds_chooses_recommends_explains_and_logs_what_was_liked(visit: Visit, system: System) -> None:
    visitor = visit()
    page = visitor.page
    before = system.get("/api/stats", hours=1)
    first = visitor.add_seed("so")
    second = visitor.add_seed("ma")
    assert first != second
    visitor.find_music()
    said = page.get_by_text(re.compile(r"^\d+ tracks from \d+ candidates$")).inner_text()
    titles = visitor.titles(int(said.split()[0]))
    assert 5 <= len(titles) <= 10
    assert not {first, second} & set(titles), "a seed came back"

    visitor.card(1).get_by_role("button", name="Why this?").click()
    reason = visitor.card(1).locator(".segue-reason").first
    expect(reason).to_contain_text(re.compile("nearest to"))
    assert first in reason.inner_text() or second in reason.inner_text()
    expect(visitor.card(1).locator(".segue-reason").nth(1)).to_contain_text("Close in")
    expect(visitor.card(1).locator(".js-plotly-plot")).to_be_visible()
    visitor.keep("discover")

    visitor.card(1).get_by_role("button", name="Like", exact=True).click()
    expect(visitor.card(1).get_by_role("button", name="Liked")).to_be_visible()
    visitor.card(2).get_by_role("button", name="Skip", exact=True).click()
    expect(visitor.card(2).get_by_role("button", name="Skipped")).to_be_visible()

    def is_logged() -> bool:
        now = system.get("/api/stats", hours=1)
        said = {
            name: now["feedback"].get(name, 0) - before["feedback"].get(name, 0) for name in ("like", "skip")
        }
        return (
            said == {"like": 1, "skip": 1} and now["totals"]["requests"] == before["totals"]["requests"] + 1
        )

    wait_until(is_logged, "the like, the skip and the list in the log")
    page.get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", name="Monitoring", level=1)).to_be_visible()
    expect(page.get_by_text("What listeners did")).to_be_visible()
    expect(page.locator("[class*=st-key-feedback]").get_by_text("Liked", exact=True)).to_be_visible()


def test_it_moves_a_weight_and_asks_for_less_like_a_seed(visit: Visit, system: System) -> None:
    visitor = visit()
    visitor.add_seed("so")
    visitor.add_seed("ma")
    row = visitor.page.locator(".st-key-seed-1")
    row.get_by_role("button", name="Less").click()
    expect(row).to_contain_text("A little")
    row.get_by_role("button", name="Less").click()
    expect(row).to_contain_text("Less like this")
    visitor.find_music()
    expect(visitor.page).to_have_url(re.compile(r"seed=[^&]+%40-0\.5"))


def test_it_opens_a_link_as_the_same_list(visit: Visit, system: System) -> None:
    visitor = visit()
    visitor.add_seed("so")
    visitor.find_music()
    titles = visitor.titles(10)
    visitor.button("Link to this list", exact=False).click()
    address = visitor.page.locator("[data-testid=stPopoverBody] code").inner_text()
    assert address.startswith(system.page_url)
    other = visit(address.removeprefix(system.page_url))
    expect(other.cards).to_have_count(10)
    assert other.titles(10) == titles


def test_it_shows_the_list_of_the_address_when_the_browser_goes_back(visit: Visit, system: System) -> None:
    first, second = (item["genre"] for item in system.get("/api/genres")["items"][:2])
    visitor = visit()
    page = visitor.page
    chosen = page.locator("[class*=st-key-seed-] .segue-title")
    titles = page.locator("h3.segue-title")
    lists = {}
    for genre in (first, second):
        if page.locator(".st-key-seed-0").count():
            visitor.button("Remove").click()
        page.locator(f".st-key-genre-{genre} button").click()
        expect(chosen).to_have_text([genre])
        visitor.button("Find music").click()
        expect(page).to_have_url(re.compile(rf"[?&]genre={genre}$"))
        if lists:
            expect(titles).not_to_have_text(lists[first])
        visitor.settled()
        lists[genre] = titles.all_inner_texts()
    page.go_back()
    expect(chosen).to_have_text([first])
    expect(titles).to_have_text(lists[first])
    page.go_forward()
    expect(chosen).to_have_text([second])
    expect(titles).to_have_text(lists[second])
    expect(page).to_have_url(re.compile(rf"[?&]genre={second}$"))
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    page.go_back()
    expect(titles).to_have_text(lists[second])
    page.get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Monitoring")
    page.get_by_role("link", name="Discover").click()
    # for a moment the address is /monitoring?genre=..., which a reload would open
    expect(page).to_have_url(f"{system.page_url}/?genre={second}")
    page.reload()
    expect(titles).to_have_text(lists[second])


def test_it_says_which_part_of_a_link_is_nonsense(visit: Visit, system: System) -> None:
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&k=9999&colour=blue")
    expect(visitor.page.get_by_text("not understood")).to_contain_text("k, colour")
    expect(visitor.card(1)).to_be_visible()
    visitor.card(1).get_by_role("button", name="Why this?").click()
    reason = visitor.card(1).locator(".segue-reason").first
    expect(reason).to_contain_text("Of the tracks that your seeds stand for")
    visitor.button("Find music").click()
    expect(visitor.page.get_by_text("not understood")).to_be_hidden()


def test_it_saves_the_list_as_csv_and_as_ids(visit: Visit) -> None:
    visitor = visit()
    visitor.add_seed("so")
    visitor.find_music()
    with visitor.page.expect_download() as saving:
        visitor.button("CSV").click()
    rows = list(csv.DictReader(saving.value.path().open(encoding="utf-8", newline="")))
    assert [row["track_name"] for row in rows] == visitor.titles(10)
    assert [row["rank"] for row in rows] == [str(rank) for rank in range(1, 11)]
    with visitor.page.expect_download() as saving:
        visitor.button("Track ids").click()
    assert saving.value.path().read_text().split() == [row["track_id"] for row in rows]


def test_it_recommends_by_a_sound_that_is_in_no_catalogue(visit: Visit) -> None:
    visitor = visit()
    visitor.page.get_by_text("From a sound").click()
    expect(visitor.page.get_by_text("say how it sounds")).to_be_visible()
    visitor.find_music()
    expect(visitor.page).to_have_url(re.compile(r"sound\.energy=0\.6"))
    visitor.card(1).get_by_role("button", name="Why this?").click()
    expect(visitor.card(1).locator(".segue-reason").first).to_contain_text("the sound that you described")


def test_it_offers_to_listen_and_to_open_a_track_and_logs_the_click(visit: Visit, system: System) -> None:
    before = system.get("/api/stats", hours=1)["feedback"].get("click", 0)
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&k=3")
    title = visitor.titles(3)[0]
    player = visitor.card(1).locator("audio")
    expect(player).to_have_attribute("aria-label", f"Preview of {title}")
    expect(player).to_have_attribute("preload", "none")
    track_id = player.get_attribute("src").removeprefix("https://preview.invalid/").removesuffix(".mp3")  # type: ignore[union-attr]
    link = visitor.card(1).get_by_role("link", name="Open")
    expect(link).to_have_attribute("href", f"https://open.spotify.com/track/{track_id}")
    # the address itself is no business of a test
    visitor.page.context.route("https://open.spotify.com/**", lambda route: route.fulfill(body="there"))
    link.click()
    wait_until(
        lambda: system.get("/api/stats", hours=1)["feedback"].get("click", 0) == before + 1,
        "the click in the log",
    )


def test_it_filters_by_genre_and_length(visit: Visit, system: System) -> None:
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&only={genre}&k=5&per_artist=5")
    expect(visitor.cards).to_have_count(5)
    for about in visitor.page.locator("[class*=st-key-card-] .segue-about").all_inner_texts():
        assert about.endswith(genre)


def test_it_says_that_no_track_passes(visit: Visit, system: System) -> None:
    genre = system.get("/api/genres")["items"][0]["genre"]
    visitor = visit(f"/?genre={genre}&year=1920-1921")
    expect(visitor.page.get_by_text("No track passes these settings")).to_be_visible()


def test_it_says_that_a_seed_is_unknown(visit: Visit) -> None:
    visitor = visit("/?seed=nosuchtrack")
    expect(visitor.page.get_by_text("None of these seeds is in this catalogue: nosuchtrack")).to_be_visible()
    visitor.keep("unknown-track")


def test_it_says_whose_each_result_is_and_of_what_year_and_genre(visit: Visit, system: System) -> None:
    visitor = visit()
    visitor.type_search("so")
    row = visitor.page.locator("[class*=st-key-found-]").filter(has=visitor.button("Add")).first
    expect(row).to_be_visible()
    kind = row.get_attribute("class") or ""
    known = system.get("/api/search", q="so", limit=50)["items"]
    [found] = [item for item in known if f"st-key-found-{item['track_id']}" in kind]
    expect(row.locator(".segue-title")).to_contain_text(found["track_name"])
    expect(row.locator("img")).to_have_count(1)
    for shown in (found["artist_name"], str(found["year"]), found["genre"]):
        expect(row).to_contain_text(shown)


def test_it_says_that_nothing_is_called_so(visit: Visit) -> None:
    visitor = visit()
    visitor.type_search("qqqqzzzzxxxx")
    expect(visitor.page.get_by_text("Nothing in the catalogue is called")).to_be_visible()


def test_it_speaks_korean_to_a_korean_browser_and_when_asked_to(visit: Visit) -> None:
    visitor = visit(locale="ko-KR")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("다음 곡을 찾아보세요")
    expect(visitor.page.locator("html")).to_have_attribute("lang", "ko")
    visitor.add_seed("so", name="추가")
    visitor.find_music(name="음악 찾기")
    visitor.card(1).get_by_role("button", name="추천 이유").click()
    expect(visitor.card(1).locator(".segue-reason").first).to_contain_text("가장 가까운 곡")
    visitor.keep("discover-korean")
    other = visit()
    other.page.get_by_text("한국어", exact=True).click()
    expect(other.page.get_by_role("heading", level=1)).to_have_text("다음 곡을 찾아보세요")
    other.page.get_by_role("link", name="모델").click()
    expect(other.page.get_by_role("heading", level=1)).to_have_text("모델")


def test_it_works_by_keyboard_alone(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    expect(visitor.button("Find music")).to_be_visible()

    def tab_to(what: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            name = page.evaluate(
                "() => document.activeElement.matches('button, input, a')"
                " ? document.activeElement.ariaLabel || document.activeElement.innerText : ''"
            )
            if what in name:
                return
        raise AssertionError(f"no way by keyboard to {what!r}")

    tab_to("Search for a song")
    page.keyboard.type("so", delay=20)
    expect(visitor.button("Add").first).to_be_visible()
    tab_to("Add")
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-seed-0")).to_be_visible()
    tab_to("Find music")
    page.keyboard.press("Enter")
    expect(visitor.card(1)).to_be_visible()
    tab_to("Like")
    page.keyboard.press("Space")
    expect(visitor.card(1).get_by_role("button", name="Liked")).to_be_visible()
    tab_to("Why this?")
    page.keyboard.press("Enter")
    expect(page.locator(".segue-reason").first).to_be_visible()


def test_it_says_in_words_that_the_gateway_is_away_and_recovers(visit: Visit, system: System) -> None:
    visitor = visit()
    visitor.add_seed("so")
    visitor.find_music()
    system.stop_gateway()
    try:
        visitor.button("Find music").click()
        expect(visitor.page.get_by_text("The gateway does not answer.").first).to_be_visible()
        expect(visitor.page.get_by_text(f"curl {system.gateway_url}/readyz").first).to_be_visible()
        visitor.keep("gateway-away")
        for path, title in (("/monitoring", "Monitoring"), ("/models", "Models")):
            other = visit(path)
            expect(other.page.get_by_role("heading", level=1)).to_have_text(title)
            expect(other.page.get_by_text("The gateway does not answer.").first).to_be_visible()
    finally:
        system.start_gateway()
    visitor.button("Try again").first.click()
    expect(visitor.card(1)).to_be_visible()
