"""The page's HTTP client of the gateway; errors of the API become exceptions."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from serving.gateway import schemas
from serving.ui.faults import GatewayAway, GatewaySlow, GatewayStrange, refusal_of

__all__ = ["GatewayClient"]

_CONNECT_SECONDS = 1.0
_MAX_IDS = 100
Answer = TypeVar("Answer", bound=BaseModel)


class GatewayClient:
    """Calls the gateway with the page's own key, if it needs one; safe from several threads.

    Any call raises `GatewayFault`: the gateway does not answer, is slow, refuses, or its answer is not the
    API's.
    """

    def __init__(self, url: str, key: SecretStr | None, *, timeout_seconds: float) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_keepalive_connections=8),
            # no proxy of the environment: the gateway is near
            trust_env=False,
        )
        self.timeout_seconds = timeout_seconds
        self.has_key = key is not None

    def search(self, text: str, *, limit: int) -> schemas.SearchAnswer:
        """Tracks that match a text."""
        return self._get("/api/search", schemas.SearchAnswer, params={"q": text, "limit": limit})

    def tracks(self, track_ids: Sequence[str]) -> list[schemas.Track | None]:
        """Tracks with their features, None for those that the catalogue lacks."""
        found: list[schemas.Track | None] = []
        # the gateway splits the ids at commas, so an id that contains one is left out
        plain = [name for name in track_ids if "," not in name]
        for start in range(0, len(plain), _MAX_IDS):
            ids = ",".join(plain[start : start + _MAX_IDS])
            found += self._get("/api/tracks", schemas.TrackList, params={"ids": ids}).items
        by_id = dict(zip(plain, found, strict=True))
        return [by_id.get(name) for name in track_ids]

    def genres(self) -> list[schemas.GenreCount]:
        """Genres, the largest first."""
        return self._get("/api/genres", schemas.GenreList).items

    def recommend(self, instance: Mapping[str, Any], *, session: str) -> schemas.Recommendations:
        """A list, logged under an opaque session."""
        return self._post("/api/recommendations", instance, schemas.Recommendations, session=session)

    def send_feedback(self, impression_id: UUID, track_id: str, event: str, *, session: str) -> None:
        """Send an event on a track of a list."""
        body = {"impression_id": str(impression_id), "track_id": track_id, "event": event}
        self._post("/api/feedback", body, schemas.FeedbackAnswer, session=session)

    def image(self, path: str) -> str:
        """Address of a cover for ``<img>``: the one that the gateway redirects to, else a data URL."""
        answer = self._send("GET", path)
        if answer.is_redirect and (found := answer.headers["location"]).startswith(("https://", "http://")):
            return str(found)
        kind = answer.headers.get("content-type", "image/svg+xml").partition(";")[0]
        return f"data:{kind};base64,{base64.b64encode(answer.content).decode('ascii')}"

    def stats(self, *, hours: int) -> schemas.StatsAnswer:
        """Statistics of the last hours."""
        return self._get("/api/stats", schemas.StatsAnswer, params={"hours": hours})

    def bundles(self) -> schemas.Bundles:
        """Bundles and channels of the store."""
        return self._get("/api/bundles", schemas.Bundles)

    def report(self, path: str) -> str:
        """The report of an evaluation, one HTML page."""
        return self._send("GET", path).text

    def move(self, action: str, move: schemas.Move, *, admin_key: str) -> schemas.ChannelState:
        """Move a channel: ``promote`` (which takes a `Promotion`), ``rollback``, ``pin`` or ``unpin``.

        It is refused if the channel is pinned, or somebody else moved it meanwhile.
        """
        answer = self._send(
            "POST",
            f"/api/bundles/{quote(action)}",
            json=move.model_dump(),
            headers={"authorization": f"Bearer {admin_key}"},
        )
        return self._read(answer, schemas.ChannelState)

    def _get(self, path: str, kind: type[Answer], **options: Any) -> Answer:
        return self._read(self._send("GET", path, **options), kind)

    def _post(self, path: str, body: Mapping[str, Any], kind: type[Answer], *, session: str) -> Answer:
        answer = self._send("POST", path, json=body, headers={"x-session-id": session})
        return self._read(answer, kind)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.ConnectTimeout:
            raise GatewayAway(self.url) from None
        except httpx.TimeoutException:
            raise GatewaySlow(self.timeout_seconds) from None
        except httpx.HTTPError:
            raise GatewayAway(self.url) from None
        except httpx.InvalidURL as error:
            # httpx parses the address of a redirect even if it does not follow it
            raise GatewayStrange(f"{path}: {error}") from None
        if answer.is_error:
            raise refusal_of(answer, has_key=self.has_key)
        return answer

    def _read(self, answer: httpx.Response, kind: type[Answer]) -> Answer:
        try:
            # a newer gateway may send more fields
            return kind.model_validate_json(answer.content, extra="ignore")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise GatewayStrange(f"{answer.request.url.path}: {where}: {first['msg']}") from None
