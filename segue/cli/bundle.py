"""``segue bundle``: manage the bundles and channels of a store."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn
from rich.table import Table
from rich.text import Text

from segue.bundle import channel as channels
from segue.bundle.channel import Channel
from segue.bundle.inventory import (
    StoredBundle,
    find_digest,
    list_bundles,
    list_channels,
    list_evaluations,
    prune,
)
from segue.bundle.location import BundleLocation, read_definition
from segue.bundle.reader import Resolved, empty_channel, resolve
from segue.bundle.verify import FileCheck, Verification, verify_bundle
from segue.cli.terminal import JsonOption, print_json, progress_bar
from segue.store.base import Store
from segue.store.open import open_store

__all__ = ["app"]

app = typer.Typer(
    help="List, verify, promote and roll back bundles.\n\n"
    "A STORE is a path, file:///path or s3://bucket/prefix (SEGUE_S3_ENDPOINT, SEGUE_S3_ACCESS_KEY, "
    "SEGUE_S3_SECRET_KEY). A BUNDLE is STORE/bundles/DIGEST, STORE/channels/NAME or a folder that holds "
    "bundle.json; 8 digits of a digest are enough.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
"""The sub-command, mounted by `segue.cli`."""


def _default_by() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # the user of a container often has no name
        return f"uid {os.getuid()}"


StoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="Path, file:///path or s3://bucket/prefix.")
]
BundleArgument = Annotated[
    str, typer.Argument(metavar="BUNDLE", help="STORE/bundles/DIGEST, STORE/channels/NAME or a folder.")
]
ChannelOption = Annotated[str, typer.Option("--channel", "-c", help="Name of the channel.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-m", help="Why, recorded in the pointer.")]
ByOption = Annotated[
    str,
    typer.Option(
        "--by", default_factory=_default_by, show_default="you", help="Who, recorded in the pointer."
    ),
]


@app.command("list", epilog="Example: segue bundle list s3://music/segue")
def list_(*, store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the channels and bundles of a store."""
    opened = open_store(store)
    pointers, bundles = list_channels(opened), list_bundles(opened)
    if as_json:
        print_json({"channels": pointers, "bundles": bundles})
        return
    console = Console()
    if not pointers and not bundles:
        console.print(Text(f"{opened.url} holds no bundles and no channels"))
        return
    columns = ("channel", "digest", "generation", "updated", "by", "reason")
    _print_under("Channels", _table(columns, _channel_rows(pointers)))
    columns = ("digest", "tracks", "bytes", "written", "state", "channels")
    _print_under("\nBundles", _table(columns, _bundle_rows(bundles)))


@app.command(epilog="Example: segue bundle show .segue/channels/champion")
def show(*, bundle: BundleArgument, as_json: JsonOption = False) -> None:
    """Show the definition of a bundle and its evaluations."""
    resolved, place = _located(bundle)
    definition, digest = read_definition(place)
    runs = list_evaluations(place.store, digest) if place.digest else {}
    if as_json:
        print_json(
            {
                "digest": digest,
                "url": place.url,
                "channel": resolved.channel,
                "definition": definition,
                "evaluations": runs,
            }
        )
        return
    index = definition.index
    rows = {
        "digest": digest,
        "tracks": f"{definition.tracks:,}, {definition.bytes_per_track:,.0f} bytes each",
        "features": ", ".join(definition.features),
        "embedding": ", ".join(f"{block.name} ({block.width})" for block in definition.blocks),
        "boosters": ", ".join(f"{booster.name} ({booster.trees} trees)" for booster in definition.boosters),
        "index": f"{index.factory}, recall@{index.neighbours} {index.recall:.4f} of {index.recall_target}",
        "defaults": ", ".join(f"{name} {value}" for name, value in definition.defaults.model_dump().items()),
        "evaluations": ", ".join(runs) or "none",
        **({"channel": _one_line(resolved.channel)} if resolved.channel else {}),
        **{name: f"{entry.bytes:>13,}  {entry.sha256[:12]}" for name, entry in definition.files.items()},
    }
    _print_under(place.url, _table(("", ""), rows.items(), show_header=False))


@app.command(epilog="Example: segue bundle verify s3://music/segue/bundles/5f2c81d0")
def verify(
    *,
    bundle: BundleArgument,
    quick: Annotated[bool, typer.Option("--quick", help="Check sizes only, read no files.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every file of a bundle against bundle.json. Exit 1 if anything differs."""
    _resolved, place = _located(bundle)
    verification = _verified(place, quick=quick)
    if as_json:
        ok, files = not verification.problems, verification.files
        print_json({"digest": verification.digest, "ok": ok, "files": files})
    else:
        rows = ((check.name, f"{check.bytes:,}", check.problem or "ok") for check in verification.files)
        _print_under(place.url, _table(("file", "bytes", "state"), rows))
        wrong, count = len(verification.problems), len(verification.files)
        outcome = f"{wrong} of {count} files wrong" if wrong else f"{count} files ok"
        Console().print(f"{outcome}, by {'sizes' if quick else 'sizes and sha256'}")
    if verification.problems:
        raise typer.Exit(1)


@app.command(epilog="Example: segue bundle promote .segue 5f2c81d0 --reason 'A/B test won'")
def promote(
    *,
    store: StoreArgument,
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="At least 8 digits of the digest.")],
    reason: ReasonOption,
    by: ByOption,
    channel: ChannelOption = "champion",
    force: Annotated[
        bool, typer.Option("--force", help="Move a pinned channel too; it stays pinned.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle in full, then point a channel at it."""
    opened = open_store(store)
    full = find_digest(opened, digest)
    moved = channels.promote(opened, channel, full, by=by, reason=reason, force=force)
    _print_channel(channel, moved, as_json)


@app.command(epilog="Example: segue bundle rollback s3://music/segue --reason 'lists full of duplicates'")
def rollback(
    *,
    store: StoreArgument,
    reason: ReasonOption,
    by: ByOption,
    channel: ChannelOption = "champion",
    as_json: JsonOption = False,
) -> None:
    """Point a channel at its previous bundle, and pin it, so that a nightly run can't undo that.

    Another rollback goes back one more. Only the sizes of files are checked: run verify for a full check. To
    undo, run promote --force, then unpin.
    """
    moved = channels.rollback(open_store(store), channel, by=by, reason=reason)
    _print_channel(channel, moved, as_json)


@app.command(epilog="Example: segue bundle pin .segue --reason 'festival week'")
def pin(
    *,
    store: StoreArgument,
    reason: ReasonOption,
    by: ByOption,
    channel: ChannelOption = "champion",
    as_json: JsonOption = False,
) -> None:
    """Keep pipelines from moving a channel."""
    _print_channel(channel, channels.pin(open_store(store), channel, by=by, reason=reason), as_json)


@app.command(epilog="Example: segue bundle unpin .segue --reason 'fixed in 5f2c81d0'")
def unpin(
    *,
    store: StoreArgument,
    reason: ReasonOption,
    by: ByOption,
    channel: ChannelOption = "champion",
    as_json: JsonOption = False,
) -> None:
    """Let pipelines move a channel again."""
    _print_channel(channel, channels.unpin(open_store(store), channel, by=by, reason=reason), as_json)


@app.command("prune", epilog="Example: segue bundle prune .segue --keep 3 --keep-days 30 --yes")
def prune_(
    *,
    store: StoreArgument,
    keep: Annotated[int, typer.Option(min=0, help="Previous bundles of each channel to keep.")] = 3,
    keep_days: Annotated[float, typer.Option(min=0, help="Remove nothing younger than this, in days.")] = 7.0,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it, only list them.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove bundles that no channel needs, and incomplete ones. Evaluations are kept."""
    opened: Store = open_store(store)
    pruned = prune(opened, keep=keep, keep_days=keep_days, dry_run=not yes)
    if as_json:
        print_json({"removed": yes, "bundles": pruned})
        return
    console = Console()
    if pruned:
        rows = (
            (one.digest[:12], f"{one.bytes:,}", f"{one.modified:%Y-%m-%d %H:%M}", one.why) for one in pruned
        )
        _print_under("Bundles", _table(("digest", "bytes", "written", "why"), rows))
    size = sum(bundle.bytes for bundle in pruned) / 1e6
    verb = "removed" if yes else "would be removed: run again with --yes"
    console.print(Text(f"{len(pruned)} bundles, {size:,.1f} MB {verb}" if pruned else "nothing to remove"))


def _located(url: str) -> tuple[Resolved, BundleLocation]:
    resolved = resolve(url)
    if not resolved.places:
        raise empty_channel(url)
    return resolved, resolved.places[0]


def _verified(place: BundleLocation, *, quick: bool) -> Verification:
    definition, _digest = read_definition(place)
    total = sum(entry.bytes for entry in definition.files.values())
    with progress_bar(TextColumn("verifying"), BarColumn(), DownloadColumn()) as progress:
        task = progress.add_task("verifying", total=total)

        def advance(check: FileCheck) -> None:
            progress.advance(task, check.bytes)

        return verify_bundle(place, quick=quick, on_file=advance)


def _print_under(title: str, table: Table) -> None:
    console = Console()
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print(table)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, show_header: bool = True) -> Table:
    table = Table(show_header=show_header, box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column, overflow="fold", justify="right" if column in ("bytes", "tracks") else "left"
        )
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _channel_rows(pointers: dict[str, Channel]) -> Iterator[tuple[str, ...]]:
    for name, channel in pointers.items():
        updated = f"{channel.updated:%Y-%m-%d %H:%M}" if channel.updated else ""
        shown = f"{name} (pinned)" if channel.pinned else name
        digest = (channel.digest or "empty")[:12]
        yield shown, digest, str(channel.generation), updated, channel.by, channel.reason


def _bundle_rows(bundles: list[StoredBundle]) -> Iterator[tuple[str, ...]]:
    for bundle in bundles:
        tracks = f"{bundle.tracks:,}" if bundle.tracks is not None else ""
        written, channels = f"{bundle.modified:%Y-%m-%d %H:%M}", ", ".join(bundle.channels)
        yield bundle.digest[:12], tracks, f"{bundle.bytes:,}", written, bundle.state, channels


def _one_line(channel: Channel) -> str:
    pinned = ", pinned" if channel.pinned else ""
    digest = (channel.digest or "empty")[:12]
    return f"{digest}, generation {channel.generation}{pinned}: {channel.reason} ({channel.by})"


def _print_channel(name: str, channel: Channel, as_json: bool) -> None:
    if as_json:
        print_json({"channel": name, **channel.model_dump(mode="json")})
    else:
        Console().print(Text(f"{name}: {_one_line(channel)}"))
