"""``segue keys``: the API keys of the gateway."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.cli.database import open_current
from segue.cli.terminal import JsonOption, print_json
from segue.cli.times import parse_moment
from segue.errors import CredentialError
from segue.keys import Key, create_key, list_keys, parse_scopes, revoke_key
from segue.keys.adopt import adopt_key

__all__ = ["app"]

_CREDENTIAL = "SEGUE_KEY_CREDENTIAL"

app = typer.Typer(
    help="Create, list and revoke the API keys of the gateway.\n\n"
    "They are in the database of SEGUE_DATABASE_URL, which does not store their secrets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The sub-command, mounted by `segue.cli`."""


@app.command(epilog="Example: segue keys create --name page --scope read --scope feedback --expires 90d")
def create(
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the key.")],
    scopes: Annotated[list[str], typer.Option("--scope", "-s", help="read, feedback or admin; repeatable.")],
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it expires: 90d, or a date. Without it, never.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a key, and print it. It can't be shown again."""
    expires_at = parse_moment("--expires", expires, ahead=True) if expires is not None else None
    key, credential = create_key(
        open_current(), name=name, scopes=parse_scopes(scopes), expires_at=expires_at
    )
    if as_json:
        print_json({**_plain(key), "credential": credential})
        return
    secret = credential.partition(".")[2]
    until = f", until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
    typer.echo(f"{credential}\n", nl=False)
    typer.echo(
        f"\nThis is key {name!r} for {_scopes(key)}{until}. It can't be shown again: save it now.\n"
        f"  over HTTP:       -H 'Authorization: Bearer {credential}'\n"
        f"  Spotify clients: client id {key.id}, client secret {secret}",
        err=True,
    )


@app.command(epilog="Example: segue keys adopt --name page --scope read --scope feedback")
def adopt(
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the key.")],
    scopes: Annotated[list[str], typer.Option("--scope", "-s", help="read, feedback or admin; repeatable.")],
    credential: Annotated[
        str, typer.Option(envvar=_CREDENTIAL, hidden=True, help="ID.SECRET; set it by the variable.")
    ] = "",
) -> None:
    """Make the credential in SEGUE_KEY_CREDENTIAL, from a deployment's secret, the key of that name.

    It is 16 hexadecimal digits, a dot, and at least 43 characters of URL-safe base64. Adopting it again
    changes nothing. Another key of that name is revoked.
    """
    if not credential:
        raise CredentialError(f"{_CREDENTIAL} is not set: expected ID.SECRET")
    changed = adopt_key(open_current(), credential, name=name, scopes=parse_scopes(scopes))
    typer.echo(
        f"key {credential.partition('.')[0]} ({name}) {'is adopted' if changed else 'is there already'}"
    )


@app.command("list", epilog="Example: segue keys list --json")
def list_(*, as_json: JsonOption = False) -> None:
    """List the keys, including revoked and expired ones."""
    keys = list_keys(open_current())
    if as_json:
        print_json([_plain(key) for key in keys])
        return
    if not keys:
        typer.echo("no keys yet: segue keys create makes one")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "name", "scopes", "created", "expires", "state"):
        # ids are not wrapped, so that they can be copied
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for key in keys:
        until = f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else ""
        texts = (key.id, key.name, _scopes(key), f"{key.created_at:%Y-%m-%d %H:%M}", until, _state(key))
        table.add_row(*(Text(text) for text in texts))
    Console().print(table)


@app.command(epilog="Example: segue keys revoke page")
def revoke(
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of a key, or name of a live one.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a key and its tokens. Gateways refuse them within seconds, when they next read the keys."""
    engine = open_current()
    now = datetime.now(UTC)
    keys = list_keys(engine)
    key_id = next((other.id for other in keys if other.name == key and other.is_live(now)), key)
    revoked = revoke_key(engine, key_id)
    if as_json:
        print_json(_plain(revoked))
    else:
        typer.echo(f"{revoked.id} ({revoked.name}) is revoked")


def _state(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
    return "live" if key.is_live(datetime.now(UTC)) else "expired"


def _scopes(key: Key) -> str:
    return ", ".join(sorted(key.scopes))


def _plain(key: Key) -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes), "state": _state(key).partition(" ")[0]}
