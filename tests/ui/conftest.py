"""The whole system on a small catalogue, as `make demo` starts it, and a browser."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from segue import steps
from segue.sample import generate
from serving.stack.keys import StackKeys, make_keys
from serving.stack.members import gateway_and_page, pair
from serving.stack.ports import Ports
from serving.stack.supervisor import Member, Supervisor
from tests.serving.processes import free_port
from tests.ui.browser import Visitor, launch, visiting

ROWS = 3_000
TRAINING = {"threads": 1, "max_queries": 300}
QUICK = {"max_seeds": 60, "bootstrap_rounds": 100, "examples": 2, "recall_queries": 20}


@dataclass
class Store:
    """Two bundles of one catalogue with their reports: the champion, and one that was not promoted."""

    root: Path
    champion: str
    challenger: str

    @property
    def channel_url(self) -> str:
        return f"{self.root}/channels/champion"


def _publish(folders: steps.Folders, store: Path, run: str, *, rounds: int, promote: bool) -> str:
    out = store.parent / run
    folders = steps.Folders(folders.tracks, folders.features, out / "model", out / "index")
    steps.train(folders.features, folders.model, settings={"rounds": rounds, **TRAINING})
    steps.build_index(folders.model, folders.features, folders.index)
    steps.evaluate(folders, out, page=out / "page", store=str(store), settings=QUICK)
    target = steps.Target(store=str(store), run_id=run, promote=promote)
    steps.publish(folders, out, out / "published.json", target=target)
    digest: str = json.loads((out / "published.json").read_text())["digest"]
    return digest


def _add_previews(catalog: Path) -> None:
    """Give each track an address to listen at, which nobody there answers: nothing is fetched unasked."""
    with catalog.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    with catalog.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [[*header, "preview_url"], *([*row, f"https://preview.invalid/{row[3]}.mp3"] for row in rows)]
        )


@pytest.fixture(scope="session")
def ui_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that the pipeline's steps filled."""
    root = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_MLFLOW_TRACKING_URI", "")
        sample = generate(ROWS, root / "sample")
        folders = steps.Folders(*(root / name for name in ("tracks", "features", "model", "index")))
        _add_previews(sample.catalog)
        steps.ingest(str(sample.catalog), folders.tracks, interactions=str(sample.playlists))
        steps.preprocess(folders.tracks, folders.features)
        store = root / "store"
        champion = _publish(folders, store, "run-1", rounds=20, promote=True)
        challenger = _publish(folders, store, "run-2", rounds=12, promote=False)
    assert champion != challenger
    return Store(store, champion, challenger)


@dataclass
class System:
    """The processes; the gateway can be taken away and brought back."""

    store: Store
    keys: StackKeys
    ports: Ports
    gateway: Member
    running: dict[str, Supervisor] = field(default_factory=dict)

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.page}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.gateway}"

    def start_gateway(self) -> None:
        supervisor = Supervisor([self.gateway])
        self.running["gateway"] = supervisor.__enter__()
        supervisor.wait_ready()

    def stop_gateway(self) -> None:
        self.running.pop("gateway").stop()

    def get(self, path: str, **params: Any) -> Any:
        headers = {"authorization": f"Bearer {self.keys.page}"}
        answer = httpx.get(f"{self.gateway_url}{path}", params=params, headers=headers, timeout=20)
        return answer.raise_for_status().json()


@pytest.fixture(scope="session")
def system(ui_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """All processes, ready."""
    folder = tmp_path_factory.mktemp("system")
    database_url = f"sqlite:///{folder}/log.sqlite"
    keys = make_keys(database_url)
    ports = Ports(**{name: free_port() for name in Ports.__dataclass_fields__})
    front = gateway_and_page(
        ui_store.channel_url, ports, database_url=database_url, page_key=keys.page, logs=folder
    )
    system = System(ui_store, keys, ports, gateway=front[0])
    with ExitStack() as stack:
        rest = stack.enter_context(Supervisor([*pair(ui_store.channel_url, ports, logs=folder), front[1]]))
        system.start_gateway()
        stack.callback(lambda: [running.stop() for running in system.running.values()])
        rest.wait_ready()
        yield system


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(system: System, browser: Browser) -> Iterator[Visit]:
    """Come to the page; options as of `visiting`."""
    with ExitStack() as stack:

        def come(path: str = "/", **options: Any) -> Visitor:
            visitor = stack.enter_context(visiting(browser, system.page_url, **options))
            return visitor.open(path)

        yield come
