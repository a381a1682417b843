"""The OpenAPI document's examples of the API shaped like Spotify's against what the API answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.conftest import NATIVE_TRACK, Stack

ROUTES = {
    "/v1/recommendations": f"/v1/recommendations?seed_tracks={NATIVE_TRACK}&limit=1",
    "/v1/recommendations/available-genre-seeds": "/v1/recommendations/available-genre-seeds",
    "/v1/search": "/v1/search?q=sinnerman&limit=1",
    "/v1/tracks/{public_id}": f"/v1/tracks/{NATIVE_TRACK}",
    "/v1/tracks": f"/v1/tracks?ids={NATIVE_TRACK}",
    "/v1/audio-features/{public_id}": f"/v1/audio-features/{NATIVE_TRACK}",
    "/v1/audio-features": f"/v1/audio-features?ids={NATIVE_TRACK}",
}


def differences(example: Any, answer: Any, path: str = "") -> list[str]:
    """Where an answer has other keys or kinds of values; of a list the first is looked at."""
    if isinstance(example, dict) and isinstance(answer, dict):
        found = [f"{path}.{name}" for name in example.keys() ^ answer.keys()]
        for name in example.keys() & answer.keys():
            found += differences(example[name], answer[name], f"{path}.{name}")
        return found
    if isinstance(example, list) and isinstance(answer, list):
        return differences(example[0], answer[0], f"{path}[0]") if example and answer else []
    is_same = None in (example, answer) or type(example) is type(answer)
    return [] if is_same else [f"{path}: {example!r}, {answer!r}"]


def test_it_shows_an_example_of_every_answer(stack: Stack) -> None:
    paths = stack.call("GET", "/openapi.json").json["paths"]
    assert {path for path in paths if path.startswith("/v1/")} == set(ROUTES)


@pytest.mark.parametrize("path", ROUTES)
def test_it_answers_as_its_example_says(stack: Stack, path: str) -> None:
    operation = stack.call("GET", "/openapi.json").json["paths"][path]["get"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert differences(example, stack.call("GET", ROUTES[path]).json) == []


def test_it_shows_an_example_of_every_id_and_seed(stack: Stack) -> None:
    paths = stack.call("GET", "/openapi.json").json["paths"]
    for path in ROUTES:
        for given in paths[path]["get"].get("parameters", []):
            if given["name"] in ("q", "ids", "public_id") or given["name"].startswith("seed_"):
                assert given["schema"]["examples"], (path, given["name"])
