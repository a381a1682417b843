"""``POST /api/token``: a key's id and secret for a short-lived bearer (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, unquote_plus

from fastapi import APIRouter, Request, Response

from serving.errors import BadRequest, Unauthorized, Unavailable
from serving.gateway.documentation import TOKEN_BODY, TOKEN_RESPONSES
from serving.gateway.error_responses import TOKEN_PATH
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse

__all__ = ["router"]

router = APIRouter(tags=["token"])

_SECONDS = 3600
_BASIC = 'Basic realm="segue"'
# Given where authentication is off, since clients ask for one before anything else.
_ANY = "not-needed"
_MAX_FIELDS = 20


@router.post(
    TOKEN_PATH,
    response_class=Response,
    responses=TOKEN_RESPONSES,
    summary="A short-lived token",
    openapi_extra={"requestBody": TOKEN_BODY, "security": [{"basic": []}]},
)
async def post_token(request: Request) -> Response:
    """Client credentials, by HTTP Basic or in the form. The token ends with its key."""
    gateway = gateway_of(request)
    form = _form(await request.body())
    grant = form.get("grant_type", [""])[0]
    if grant != "client_credentials":
        raise BadRequest(
            f"grant_type: expected client_credentials, got {grant!r:.60}",
            oauth="unsupported_grant_type" if grant else "invalid_request",
        )
    token: str | None = _ANY
    if gateway.keys is not None:
        credential = _credential(request, form)
        await gateway.keys.look_for(credential)
        if not gateway.keys.ring.is_loaded:
            raise Unavailable("the keys were not read yet: the database does not answer")
        token = gateway.keys.ring.issue(credential, seconds=_SECONDS)
        # wrong secrets have a limit of their own, so that they do not use up the rate of the key
        key_id = credential.partition(".")[0]
        gateway.limits.take(key_id if token else f"guesses {key_id}")
    if token is None:
        raise Unauthorized("the client id or secret is wrong, revoked or expired", scheme=_BASIC)
    value = {"access_token": token, "token_type": "Bearer", "expires_in": _SECONDS, "scope": ""}
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    return JsonResponse(value, headers=headers)


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadRequest(f"expected a form of at most {_MAX_FIELDS} fields") from None


def _credential(request: Request, form: dict[str, list[str]]) -> str:
    """``<id>.<secret>`` out of the header or the form."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            client, found, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise BadRequest("the header Authorization: Basic can't be read") from None
        if found:
            return f"{unquote_plus(client)}.{unquote_plus(secret)}"
    client, secret = (form.get(name, [""])[0] for name in ("client_id", "client_secret"))
    if not (client and secret):
        raise Unauthorized("expected a key's id and secret, by HTTP Basic or in the form", scheme=_BASIC)
    return f"{client}.{secret}"
