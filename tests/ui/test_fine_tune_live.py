"""The sliders of Discover, moved by keyboard in a real browser: the list obeys them."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.ui.browser import Visitor
from tests.ui.conftest import System, Visit

pytestmark = pytest.mark.live


def move(visitor: Visitor, name: str, key: str, times: int, *, thumb: int = 0) -> None:
    """Press a key on one thumb of a slider."""
    slider = visitor.page.locator(f".st-key-set_{name}").get_by_role("slider").nth(thumb)
    slider.focus()
    for _ in range(times):
        slider.press(key)


def listed(visitor: Visitor, system: System) -> list[dict[str, Any]]:
    """What the gateway knows of the tracks of the list."""
    with visitor.page.expect_download() as saving:
        visitor.button("Track ids").click()
    ids = saving.value.path().read_text().split()
    items: list[dict[str, Any]] = system.get("/api/tracks", ids=",".join(ids))["items"]
    return items


def test_it_keeps_to_what_the_sliders_say(visit: Visit, system: System) -> None:
    visitor = visit()
    page = visitor.page
    visitor.add_seed("so")
    page.get_by_text("Fine-tune").click()
    expect(page.locator(".st-key-set_energy").get_by_role("slider")).to_have_count(2)
    move(visitor, "energy", "ArrowRight", 8)
    move(visitor, "valence", "ArrowLeft", 6, thumb=1)
    move(visitor, "tempo", "ArrowRight", 8)
    move(visitor, "year", "ArrowRight", 65)
    move(visitor, "known", "ArrowLeft", 4, thumb=1)
    move(visitor, "diversity", "ArrowRight", 4)
    page.get_by_text("Let the model choose how much popularity counts").click()
    expect(page.locator(".st-key-set_popularity").get_by_role("slider")).to_be_visible()
    move(visitor, "popularity", "End", 1)
    page.get_by_text("Leave explicit tracks out").click()
    visitor.settled()
    visitor.find_music()
    for part in (
        "energy=0.4-1",
        "valence=0-0.7",
        "tempo=80-220",
        "year=1985-2030",
        "known=0-80",
        "diversity=0.2",
    ):
        expect(page).to_have_url(re.compile(rf"[?&]{re.escape(part)}(&|$)"))
    tracks = listed(visitor, system)
    assert len(tracks) >= 3
    for track in tracks:
        features = track["features"]
        assert features["energy"] >= 0.4
        assert features["valence"] <= 0.7
        assert features["tempo"] >= 80
        assert track["year"] >= 1985
        assert track["popularity"] <= 80
        assert track["explicit"] is not True


def test_it_lets_popularity_count_as_much_as_was_asked(visit: Visit, system: System) -> None:
    genre = system.get("/api/genres")["items"][0]["genre"]
    headers = {"authorization": f"Bearer {system.keys.page}"}
    lists = []
    for weight in (0, 1):
        visitor = visit(f"/?genre={genre}&k=10&per_artist=10&popularity={weight}")
        expect(visitor.cards).to_have_count(10)
        lists.append([track["track_id"] for track in listed(visitor, system)])
        asked = {"seeds": [{"genre": genre}], "max_per_artist": 10, "popularity_weight": weight}
        answer = httpx.post(f"{system.gateway_url}/api/recommendations", json=asked, headers=headers).json()
        assert lists[-1] == [item["track_id"] for item in answer["items"]]
    assert lists[0] != lists[1]
