"""Monitoring and Models in a real browser: figures, reports, and an administrator's moves."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from segue.bundle.channel import read_channel
from segue.store.open import open_store
from serving.ui.sound import feature_name
from tests.ui.browser import Visitor
from tests.ui.conftest import System, Visit

pytestmark = pytest.mark.live


def ask(system: System, times: int) -> None:
    """Lists, as another application asks for them."""
    genres = [item["genre"] for item in system.get("/api/genres")["items"]]
    headers = {"authorization": f"Bearer {system.keys.page}"}
    with httpx.Client(base_url=system.gateway_url, headers=headers, timeout=20) as client:
        for number in range(times):
            body = {"seeds": [{"genre": genres[number % len(genres)]}], "k": 5}
            client.post("/api/recommendations", json=body).raise_for_status()


def unlock(visitor: Visitor, key: str) -> None:
    visitor.page.get_by_label("Admin key", exact=True).fill(key)
    visitor.button("Use this key").click()
    expect(visitor.button("Forget the key")).to_be_visible()


def act(visitor: Visitor, action: str, reason: str) -> None:
    visitor.page.get_by_role("radio", name=action).or_(visitor.button(action)).first.click()
    field = visitor.page.get_by_role("textbox", name="Reason")
    field.fill(reason)
    field.press("Tab")
    visitor.page.locator(".st-key-admin-go button").click()
    visitor.button("Confirm").click()


def test_it_shows_what_was_asked_for(visit: Visit, system: System) -> None:
    ask(system, 30)
    visitor = visit("/monitoring")
    page = visitor.page

    def metric(name: str) -> str:
        return (
            page.locator("[data-testid=stMetric]")
            .filter(has_text=name)
            .locator("[data-testid=stMetricValue]")
            .inner_text()
        )

    expect(page.get_by_text(system.store.champion[:12])).to_be_visible()
    # the log is written half a second late, and the page looks again by itself
    page.wait_for_function(
        "() => parseInt(document.querySelector('[data-testid=stMetricValue]')?.innerText) >= 30"
    )
    assert re.fullmatch(r"[\d,]+ ms", metric("Median latency"))
    assert re.fullmatch(r"\d+\.\d%", metric("Degraded"))
    assert 0 < float(metric("Average popularity")) <= 100
    for title in ("Latency over time", "Variety over time", "Genres recommended", "Decades recommended"):
        expect(page.get_by_text(title, exact=True)).to_be_visible()
    # median and 95th percentile; one line of variety
    for key, series in (("latency", 2), ("diversity", 1)):
        expect(page.locator(f".st-key-{key} .scatterlayer .trace")).to_have_count(series)
    stats = system.get("/api/stats", hours=24)
    for key, shares in (("genres", stats["genres"]), ("years", stats["decades"])):
        expect(page.locator(f".st-key-{key} .barlayer .point")).to_have_count(min(10, len(shares)))
        expect(page.locator(f".st-key-{key} .yaxislayer-above")).to_contain_text(shares[0]["name"])
    expect(page.locator("[data-testid=stDataFrame]")).to_be_visible()
    visitor.settled()
    assert not visitor.faults(), "\n".join(visitor.faults())
    visitor.keep("monitoring")


def test_it_shows_how_far_each_feature_has_moved(visit: Visit, system: System) -> None:
    found = system.get("/api/search", q="s", limit=50)["items"]
    headers = {"authorization": f"Bearer {system.keys.page}"}
    with httpx.Client(base_url=system.gateway_url, headers=headers, timeout=20) as client:
        for number in range(240):
            body = {"seeds": [found[number % len(found)]["track_id"]], "k": 1}
            client.post("/api/recommendations", json=body).raise_for_status()
    visitor = visit("/monitoring")
    chart = visitor.page.locator(".st-key-drift")
    expect(chart).to_be_visible()
    moved = system.get("/api/stats", hours=24)["drift"]
    assert moved["rows"] >= 100
    expect(chart.locator(".barlayer .point")).to_have_count(len(moved["psi"]))
    furthest = max(moved["psi"], key=lambda name: moved["psi"][name])
    expect(chart.locator(".yaxislayer-above text").last).to_have_text(feature_name(furthest))


def test_it_sets_champion_and_challenger_side_by_side_and_shows_a_report(
    visit: Visit, system: System
) -> None:
    visitor = visit("/models")
    page = visitor.page
    table = page.get_by_role("table")
    expect(table.get_by_role("columnheader")).to_have_text(["Measure", "Champion", "Challenger", "Change"])
    bundles = {one["digest"]: one for one in system.get("/api/bundles")["items"]}
    metrics = bundles[system.store.champion]["metrics"]
    leading = metrics["leading"]
    first = table.get_by_role("row").nth(1)
    expect(first).to_contain_text(metrics["labels"][leading])
    expect(first).to_contain_text(f"{metrics['methods']['segue']['figures'][leading]['mean']:.3f}")
    page.locator(f".st-key-bundle-{system.store.champion[:12]} summary").click()
    expect(page.get_by_text("Verdict of the gate")).to_be_visible()
    page.get_by_text("Show the report").click()
    report = page.frame_locator(f"iframe[title='Report {system.store.champion[:12]}']")
    expect(report.get_by_role("heading", level=1)).to_be_visible()
    with page.expect_download() as saving:
        visitor.button("Save the report").click()
    assert "<html" in saving.value.path().read_text(encoding="utf-8")[:500]
    visitor.settled()
    assert not visitor.faults(), "\n".join(visitor.faults())
    visitor.keep("models")


def test_it_refuses_a_key_that_may_not_administer(visit: Visit, system: System) -> None:
    visitor = visit("/models")
    unlock(visitor, system.keys.page)
    act(visitor, "Pin", "try")
    expect(visitor.page.get_by_text("may not administer")).to_be_visible()
    confirm, cancel = (visitor.button(name).bounding_box() for name in ("Confirm", "Cancel"))
    assert confirm
    assert cancel
    assert confirm["y"] == cancel["y"], "what was refused stands between the buttons"
    assert not read_channel(open_store(str(system.store.root)), "champion").pinned


def test_it_wants_a_reason(visit: Visit, system: System) -> None:
    visitor = visit("/models")
    unlock(visitor, system.keys.admin)
    visitor.page.locator(".st-key-admin-go button").click()
    expect(visitor.page.get_by_text("Give a reason first.")).to_be_visible()


def test_it_promotes_rolls_back_pins_and_unpins_for_an_administrator(visit: Visit, system: System) -> None:
    store = open_store(str(system.store.root))
    visitor = visit("/models")
    unlock(visitor, system.keys.admin)
    act(visitor, "Promote", "heard it, liked it")
    expect(visitor.page.get_by_text(f"now points at {system.store.challenger[:12]}")).to_be_visible()
    moved = read_channel(store, "champion")
    assert (moved.digest, moved.reason) == (system.store.challenger, "heard it, liked it")
    assert "admin of this machine" in moved.by
    expect(visitor.page.get_by_role("textbox", name="Reason")).to_have_value("")

    act(visitor, "Roll back", "full of one artist")
    expect(visitor.page.get_by_text(f"now points at {system.store.champion[:12]}")).to_be_visible()
    back = read_channel(store, "champion")
    assert (back.digest, back.pinned) == (system.store.champion, True)
    expect(visitor.page.get_by_text("Pinned: no pipeline moves champion")).to_be_visible()

    act(visitor, "Unpin", "mended")
    expect(visitor.page.get_by_text("Pinned: no pipeline moves champion")).to_be_hidden()
    assert not read_channel(store, "champion").pinned

    act(visitor, "Pin", "a holiday")
    expect(visitor.page.get_by_text("Pinned: no pipeline moves champion")).to_be_visible()
    held = read_channel(store, "champion")
    assert (held.digest, held.pinned, held.reason) == (system.store.champion, True, "a holiday")
    act(visitor, "Unpin", "back")
    expect(visitor.page.get_by_text("Pinned: no pipeline moves champion")).to_be_hidden()
    visitor.button("Forget the key").click()
    expect(visitor.page.get_by_label("Admin key", exact=True)).to_have_value("")
