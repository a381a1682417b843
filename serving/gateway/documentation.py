"""Parts of the OpenAPI document that FastAPI can't derive from the routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from segue import __version__
from segue.recommend.request import Request as Instance
from serving.gateway import schemas
from serving.gateway.access import OPEN_PATHS
from serving.gateway.spotify.examples import ARTIST_ID, EXAMPLES, TRACK_ID
from serving.gateway.spotify.tuning import TUNABLE
from serving.wire import PLAIN_ID

__all__ = [
    "ABOUT",
    "ERRORS",
    "INSTANCE_BODY",
    "SESSION",
    "SPOTIFY_ERRORS",
    "TOKEN_BODY",
    "TOKEN_RESPONSES",
    "TUNING",
    "describe",
]

ABOUT = """More like this, self-hosted. `/api` is the native API, its errors are problem+json (RFC 9457).
`/v1` is shaped like Spotify's, so that clients written for it work with another base URL.

`Authorization: Bearer <key id>.<secret>` works on both; so does a token from `POST /api/token`.
"""

INSTANCE = "RecommendationRequest"
_OTHER_ID = "1s8tP3jP4GZcyHDsjvw218"
_Responses = dict[int | str, dict[str, Any]]


def _json(schema: dict[str, Any], media_type: str = "application/json") -> dict[str, Any]:
    return {"content": {media_type: {"schema": schema}}}


def _object(required: Sequence[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": properties}


def _errors(content: dict[str, Any], wrong: str = "The request is wrong, or not allowed") -> _Responses:
    return {
        "4XX": {"description": wrong, **content},
        "5XX": {"description": "It can't be answered now", **content},
    }


_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
ERRORS = _errors(_json({"$ref": "#/components/schemas/Problem"}, "application/problem+json"))
SPOTIFY_ERRORS = _errors(
    _json(_object(["error"], error=_object(["status", "message"], status=_INTEGER, message=_STRING)))
)
SESSION: dict[str, Any] = {
    "name": "X-Session-Id",
    "in": "header",
    "required": False,
    "description": "Opaque; what belongs to one listening session carries the same.",
    "schema": {"type": "string", "pattern": f"^{PLAIN_ID}$"},
}


def _parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


TUNING: list[dict[str, Any]] = [
    *(
        _parameter(f"seed_{kind}", {"type": "string", "examples": [one]}, f"{about}, a comma between them.")
        for kind, about, one in (
            ("tracks", "Ids of tracks", f"{TRACK_ID},{_OTHER_ID}"),
            ("artists", "Ids of artists", ARTIST_ID),
            ("genres", "Names of genres", "jazz,soul"),
        )
    ),
    _parameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}, "Length of the list."
    ),
    _parameter("market", {"type": "string"}, "Accepted; a catalogue has no markets."),
    *(
        _parameter(f"{prefix}_{name}", {"type": "number"}, f"{about} of {name}.")
        for name in TUNABLE
        for prefix, about in (
            ("min", "Lower bound"),
            ("max", "Upper bound"),
            ("target", "Value to be near to"),
        )
    ),
    SESSION,
]
INSTANCE_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": f"#/components/schemas/{INSTANCE}"},
            "examples": {
                "tracks": {
                    "summary": "Near one track, far from another",
                    "value": {"seeds": [TRACK_ID, {"track_id": _OTHER_ID, "weight": -0.5}], "k": 10},
                },
                "genre": {
                    "summary": "Lively jazz of the sixties",
                    "value": {
                        "seeds": [{"genre": "jazz"}],
                        "filters": {"year": [1960, 1969], "min": {"energy": 0.5}},
                    },
                },
                "features": {
                    "summary": "A track that is in no catalogue",
                    "value": {
                        "features": {"energy": 0.8, "valence": 0.3, "tempo": 128, "year": 2024},
                        "explain": True,
                    },
                },
            },
        }
    },
}


_TOKEN = _object(
    ["access_token", "token_type", "expires_in"],
    access_token=_STRING,
    token_type={"const": "Bearer"},
    expires_in={"type": "integer", "description": "Seconds."},
    scope=_STRING,
)
_TOKEN_ERROR = _object(["error", "error_description"], error=_STRING, error_description=_STRING)
TOKEN_RESPONSES: _Responses = {
    200: {"description": "A token", **_json(_TOKEN)},
    **_errors(_json(_TOKEN_ERROR), "The request is wrong, or the credentials"),
}
_CLIENT_CREDENTIALS = _object(
    ["grant_type"], grant_type={"const": "client_credentials"}, client_id=_STRING, client_secret=_STRING
)
TOKEN_BODY: dict[str, Any] = {
    "required": True,
    **_json(_CLIENT_CREDENTIALS, "application/x-www-form-urlencoded"),
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title="Segue", version=__version__, description=ABOUT, routes=app.routes, tags=app.openapi_tags
    )
    components = document.setdefault("components", {})
    models = components.setdefault("schemas", {})
    instance = Instance.model_json_schema(ref_template="#/components/schemas/{model}")
    models.update(instance.pop("$defs"))
    # a validator also takes a plain string, a track id, which the schema does not show
    seeds = instance["properties"]["seeds"]
    seeds["items"] = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 500}, seeds["items"]]}
    instance["description"] = "What is asked for. `null` means the bundle's default."
    models[INSTANCE] = instance
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key's id.secret, or a token."},
        "basic": {"type": "http", "scheme": "basic", "description": "A key's id and secret."},
    }
    for path, item in document["paths"].items():
        if path not in OPEN_PATHS:
            for operation in item.values():
                operation["security"] = [{"bearer": []}]
    for path, example in EXAMPLES.items():
        # added here, since FastAPI drops null values from examples
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        content["application/json"] = {"schema": {"type": "object"}, "example": example}
    models["Problem"] = schemas.Problem.model_json_schema()
    app.openapi_schema = document
    return document
