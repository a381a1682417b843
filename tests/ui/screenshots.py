"""Pictures of the page for the README, on the demo's sample catalogue: ``make screenshots``.

Needs `make demo` to have run. A second bundle is trained as a challenger, a day of sample traffic is sent
through the gateway and dated back over the day, and each page is photographed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright
from sqlalchemy import select, update

from segue.bundle.inventory import list_bundles
from segue.database import open_engine
from segue.database.tables import FEEDBACK, RECOMMEND_LOGS
from segue.store.open import open_store
from serving.stack.keys import make_keys
from serving.stack.members import gateway_and_page, pair
from serving.stack.ports import Ports
from serving.stack.supervisor import Supervisor
from tests.live_services import free_port
from tests.ui.browser import Visitor, launch, visiting

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / ".segue" / "demo"
IMAGES = ROOT / "docs" / "images"
MAX_BYTES = 200_000
REQUESTS = 1_400
TASTES = ("house", "techno", "hip-hop", "reggae", "classical", "k-pop", "rock-n-roll")


def train_challenger() -> None:
    """A bundle beside the champion, unless there is one."""
    if len(list_bundles(open_store(str(DEMO)))) > 1:
        return
    words = ["--catalog", DEMO / "data/catalog.csv", "--interactions", DEMO / "data/playlists.csv"]
    words += ["--store", DEMO, "--workdir", DEMO / "work", "--set", "promote=false"]
    words += ["--set", "rounds=15", "--set", "loss_allowed=0.2"]
    subprocess.run([sys.executable, "-m", "pipelines", "run", *map(str, words)], cwd=ROOT, check=True)


def send_traffic(url: str, key: str) -> None:
    """Lists for seeds of a few tastes, and what listeners may have done with them."""
    drawn = random.Random(7)
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=20) as client:
        found = [
            client.get("/api/search", params={"q": word, "limit": 50}).json()["items"] for word in "aeisno"
        ]
        tracks = [track for items in found for track in items]
        for number in range(REQUESTS):
            session = {"x-session-id": f"listener-{drawn.randrange(180)}"}
            seed: Any = {"genre": drawn.choice(TASTES)}
            if drawn.random() < 0.75:
                seed = drawn.choice(tracks)["track_id"]
            body = {"seeds": [seed], "diversity": drawn.choice((0.0, 0.0, 0.3, 0.6))}
            answer = client.post("/api/recommendations", json=body, headers=session).json()
            if number % 4 == 0 and answer["items"]:
                event = drawn.choice(("play", "play", "play", "like", "like", "skip", "click"))
                said = {
                    "impression_id": answer["impression_id"],
                    "track_id": drawn.choice(answer["items"])["track_id"],
                    "event": event,
                }
                client.post("/api/feedback", json=said, headers=session).raise_for_status()


def spread_over_a_day(database_url: str) -> None:
    """Date the lists back over the last day, more of them in the evening than at night."""
    drawn = random.Random(7)
    engine = open_engine(database_url)
    now = datetime.now(UTC)
    hours = list(range(24))
    busy = [1.2 + (4 if 17 <= (now - timedelta(hours=ago)).hour <= 23 else 1.5) for ago in hours]
    with engine.begin() as connection:
        for (impression,) in connection.execute(select(RECOMMEND_LOGS.c.impression_id)).all():
            ago = drawn.choices(hours, busy)[0] * 3600 + drawn.randrange(3600)
            then = now - timedelta(seconds=ago)
            logs, feedback = RECOMMEND_LOGS, FEEDBACK
            connection.execute(update(logs).where(logs.c.impression_id == impression).values(time=then))
            connection.execute(
                update(feedback).where(feedback.c.impression_id == impression).values(time=then)
            )
    engine.dispose()


def save(visitor: Visitor, name: str) -> None:
    """A PNG of the window, with no more colours than it needs."""
    visitor.settled()
    visitor.page.mouse.move(2, 2)
    visitor.page.wait_for_timeout(1_000)
    picture = Image.open(BytesIO(visitor.page.screenshot())).convert("RGB")
    path = IMAGES / f"{name}.png"
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MAX_BYTES:
            break
    sys.stdout.write(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB\n")


def discover(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.add_seed("summer")
    visitor.add_seed("midnight")
    visitor.page.locator(".st-key-seed-1").get_by_role("button", name="Less").click()
    visitor.find_music()
    visitor.titles(10)
    visitor.card(1).get_by_role("button", name="Like", exact=True).click()
    visitor.card(1).get_by_role("button", name="Why this?").click()
    expect(visitor.card(1).locator(".js-plotly-plot")).to_be_visible()


def monitoring(visitor: Visitor) -> None:
    visitor.open("/monitoring")
    expect(visitor.page.locator("[data-testid=stDataFrame]")).to_be_visible()


def models(visitor: Visitor) -> None:
    visitor.open("/models")
    expect(visitor.page.get_by_role("table")).to_be_visible()


def phone(visitor: Visitor) -> None:
    """In Korean and in the dark, too."""
    visitor.open("/?genre=house&k=5")
    visitor.titles(5)
    visitor.settled()
    visitor.page.get_by_role("heading", name="추천 목록").evaluate(
        "heading => document.querySelector('[data-testid=stMain]')"
        ".scrollBy(0, heading.getBoundingClientRect().top - 80)"
    )


def photograph(browser: Browser, url: str) -> None:
    shots: dict[str, tuple[Callable[[Visitor], None], dict[str, Any], tuple[int, int]]] = {
        "discover": (discover, {}, (1280, 1010)),
        "monitoring": (monitoring, {}, (1280, 1500)),
        "models": (models, {}, (1280, 1330)),
        "phone": (phone, {"phone": True, "locale": "ko-KR", "scheme": "dark"}, (390, 844)),
    }
    for name, (take, options, (width, height)) in shots.items():
        with visiting(browser, url, **options) as visitor:
            visitor.page.set_viewport_size({"width": width, "height": height})
            take(visitor)
            save(visitor, name)


def main() -> None:
    """Take them all."""
    if not (DEMO / "channels" / "champion.json").exists():
        sys.exit("there is no bundle to show: make demo DEMO_ARGS=--once first")
    train_challenger()
    home = DEMO / "screenshots"
    home.mkdir(exist_ok=True)
    database = home / "log.sqlite"
    database.unlink(missing_ok=True)
    database_url = f"sqlite:///{database}"
    keys = make_keys(database_url)
    os.environ["SEGUE_RATE_LIMIT_PER_MINUTE"] = "0"
    ports = Ports(**{name: free_port() for name in Ports.__dataclass_fields__})
    bundle = f"{DEMO}/channels/champion"
    front = gateway_and_page(bundle, ports, database_url=database_url, page_key=keys.page, logs=home)
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Supervisor([*pair(bundle, ports, logs=home), *front]) as running, sync_playwright() as playwright:
        running.wait_ready()
        send_traffic(f"http://127.0.0.1:{ports.gateway}", keys.page)
        # the log's last batch
        running.wait_ready()
        spread_over_a_day(database_url)
        photograph(launch(playwright), f"http://127.0.0.1:{ports.page}")


if __name__ == "__main__":
    main()
