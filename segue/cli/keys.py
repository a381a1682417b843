"""``segue keys``: who may call the gateway."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from segue.cli.database import JsonOption, open_current, print_json
from segue.cli.times import parse_moment
from segue.errors import CredentialError
from segue.keys import Key, create_key, list_keys, parse_scopes, revoke_key
from segue.keys.adopt import adopt_key

__all__ = ["app"]

_CREDENTIAL = "SEGUE_KEY_CREDENTIAL"

app = typer.Typer(
    help="Make, list and revoke the keys of the gateway's callers.\n\n"
    "They are in the database of SEGUE_DATABASE_URL, which keeps no secret, only what checks it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The sub-command, mounted by `segue.cli`."""


@app.command(epilog="Example: segue keys create --name page --scope read --scope feedback --expires 90d")
def create(
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="What people call it.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", "-s", help="read, feedback or admin; any number of them.")
    ],
    expires: Annotated[
        str | None, typer.Option("--expires", help="When it ends: 90d, or a date. Without it, never.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and print it: the one time that it can be seen."""
    ends = parse_moment("--expires", expires, ahead=True) if expires is not None else None
    key, credential = create_key(open_current(), name=name, scopes=parse_scopes(scopes), expires_at=ends)
    if as_json:
        print_json({**_plain(key), "credential": credential})
        return
    secret = credential.partition(".")[2]
    until = f", until {key.expires_at:%Y-%m-%d %H:%M} UTC" if key.expires_at else ""
    typer.echo(f"{credential}\n", nl=False)
    typer.echo(
        f"\nThis is key {name!r} for {_scopes(key)}{until}. It is stored nowhere: keep it now.\n"
        f"  over HTTP:       -H 'Authorization: Bearer {credential}'\n"
        f"  Spotify clients: client id {key.id}, client secret {secret}",
        err=True,
    )


@app.command(epilog="Example: segue keys adopt --name page --scope read --scope feedback")
def adopt(
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="What people call it.")],
    scopes: Annotated[
        list[str], typer.Option("--scope", "-s", help="read, feedback or admin; any number of them.")
    ],
    credential: Annotated[
        str, typer.Option(envvar=_CREDENTIAL, hidden=True, help="ID.SECRET, by variable alone.")
    ] = "",
) -> None:
    """Make the credential in SEGUE_KEY_CREDENTIAL the key of that name: a deployment's secret holds it.

    It is 16 hexadecimal digits, a point, and at least 43 characters of a URL's alphabet. The same again
    changes nothing; another key of the name is revoked.
    """
    if not credential:
        raise CredentialError(f"{_CREDENTIAL} is not set: expected ID.SECRET")
    changed = adopt_key(open_current(), credential, name=name, scopes=parse_scopes(scopes))
    typer.echo(
        f"key {credential.partition('.')[0]} ({name}) {'is adopted' if changed else 'is there already'}"
    )


@app.command("list", epilog="Example: segue keys list --json")
def list_(*, as_json: JsonOption = False) -> None:
    """List the keys, the revoked and expired ones too."""
    keys = list_keys(open_current())
    if as_json:
        print_json([_plain(key) for key in keys])
        return
    if not keys:
        typer.echo("no keys yet: segue keys create makes one")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "name", "scopes", "made", "until", "state"):
        # an id is there to be copied
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for key in keys:
        until = f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else ""
        texts = (key.id, key.name, _scopes(key), f"{key.created_at:%Y-%m-%d %H:%M}", until, _state(key))
        table.add_row(*(Text(text) for text in texts))
    Console().print(table)


@app.command(epilog="Example: segue keys revoke page")
def revoke(
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id, or the name of a live key.")],
    as_json: JsonOption = False,
) -> None:
    """Revoke a key and its tokens. Gateways notice when they next read the keys, within seconds."""
    engine = open_current()
    now = datetime.now(UTC)
    keys = list_keys(engine)
    named = next((found.id for found in keys if found.name == key and found.is_live(now)), key)
    revoked = revoke_key(engine, named)
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
