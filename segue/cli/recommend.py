"""``segue recommend``: recommend tracks from a bundle, for a request or a file of seeds; needs no server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from segue.cli.terminal import BundleArgument, escape, print_json, progress_bar
from segue.errors import RequestError
from segue.recommend.request import Request

if TYPE_CHECKING:
    from segue.api import Model

__all__ = ["recommend"]

_WEIGHTED = re.compile(r"(?s)(?P<seed>.+)@(?P<weight>-?\d+(?:\.\d+)?)")
_UNKNOWN_SHOWN = 10

EXAMPLES = """
Examples:

  segue recommend .segue/demo/channels/champion --seed 3AJwUDP919kvQ9QcozQPxg

  segue recommend BUNDLE --seed "Queen - Bohemian Rhapsody" --year 1970-1985 --explain

  segue recommend BUNDLE --seed ID1 --seed ID2@0.5 --seed ID3@-0.5 --min energy=0.6 -k 20 --json

  segue recommend BUNDLE --artist "Nina Simone" --diversity 0.3

  segue recommend BUNDLE --feature energy=0.9 --feature genre=techno

  segue recommend BUNDLE --seeds-file ids.txt --out recs.csv

`segue search` finds ids, `segue genres` lists genres.
"""


def recommend(
    bundle: BundleArgument,
    seed: Annotated[
        list[str],
        typer.Option(
            metavar="SEED", help='Track id or "artist - title"; a suffix such as @0.5 or @-0.5 is its weight.'
        ),
    ] = [],
    artist: Annotated[list[str], typer.Option(metavar="NAME", help="Artist as a seed.")] = [],
    genre_seed: Annotated[list[str], typer.Option(metavar="GENRE", help="Genre as a seed.")] = [],
    feature: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="Feature of a track outside the catalogue.")
    ] = [],
    k: Annotated[int | None, typer.Option("-k", help="Length of the list, 1 to 100.")] = None,
    candidates: Annotated[int | None, typer.Option(help="Tracks retrieved for ranking.")] = None,
    genre: Annotated[list[str], typer.Option(metavar="GENRE", help="Only these genres.")] = [],
    year: Annotated[str, typer.Option(metavar="FIRST-LAST", help="Only these years.")] = "",
    exclude_artist: Annotated[list[str], typer.Option(metavar="NAME", help="Leave out an artist.")] = [],
    exclude_track: Annotated[list[str], typer.Option(metavar="ID", help="Leave out a track id.")] = [],
    explicit: Annotated[
        bool | None, typer.Option("--explicit/--no-explicit", help="Only explicit tracks, or none.")
    ] = None,
    minimum: Annotated[
        list[str], typer.Option("--min", metavar="NAME=VALUE", help="Lower bound, such as energy=0.4.")
    ] = [],
    maximum: Annotated[list[str], typer.Option("--max", metavar="NAME=VALUE", help="Upper bound.")] = [],
    target: Annotated[
        list[str], typer.Option(metavar="NAME=VALUE", help="Look for tracks near this value.")
    ] = [],
    popularity_weight: Annotated[float | None, typer.Option(help="0: most similar. 1: most popular.")] = None,
    diversity: Annotated[float | None, typer.Option(help="0: best scores. 1: most diverse.")] = None,
    max_per_artist: Annotated[int | None, typer.Option(help="Most tracks by one artist.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Explain each recommendation.")] = False,
    request: Annotated[
        Path | None,
        typer.Option(help="A JSON file with one instance of the API; options replace its fields."),
    ] = None,
    seeds_file: Annotated[Path | None, typer.Option(help="One track id per line: a list for each.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV that --seeds-file writes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    threads: Annotated[int, typer.Option(help="Threads for LightGBM.")] = 2,
) -> None:
    """Recommend tracks from a bundle."""
    filters = {
        "genres": genre,
        "year": _years(year),
        "exclude_artists": exclude_artist,
        "exclude_tracks": exclude_track,
        "explicit": explicit,
        "min": _numbers("--min", minimum),
        "max": _numbers("--max", maximum),
    }
    instance: dict[str, Any] = {
        "features": _features(feature) or None,
        "k": k,
        "candidates": candidates,
        "filters": {name: value for name, value in filters.items() if value not in (None, [], {})},
        "target": _numbers("--target", target),
        "popularity_weight": popularity_weight,
        "diversity": diversity,
        "max_per_artist": max_per_artist,
        "explain": explain,
    }
    if request is not None:
        # an option that is 0 is given, unlike a flag that is not
        unset = {name for name, value in instance.items() if value is None or value is False or value == {}}
        instance = {**_read(request), **{name: instance[name] for name in instance.keys() - unset}}
    tracks = [_seed("track_id", text) for text in seed]
    others = [_seed("artist", text) for text in artist] + [_seed("genre", text) for text in genre_seed]
    if tracks or others:
        instance["seeds"] = tracks + others
    _run(bundle, instance, seeds_file, out, as_json=as_json, threads=threads)


def _run(
    url: str,
    instance: dict[str, Any],
    seeds_file: Path | None,
    out: Path | None,
    *,
    as_json: bool,
    threads: int,
) -> None:
    # imported here, so that `segue recommend --help` does not wait for FAISS
    from segue.api import open as open_model
    from segue.cli.list_view import describe_seed, print_list
    from segue.recommend.batch import read_seeds

    if (seeds_file is None) != (out is None):
        raise RequestError("--seeds-file", "must be given together with --out")
    seeds = [] if seeds_file is None else read_seeds(seeds_file)
    if seeds_file is not None:
        instance["seeds"] = ["(each of the file)"]
    parsed = Request.parse(instance)
    model = open_model(url, threads=threads)
    if out is not None:
        _write_lists(model, seeds, parsed, out)
        return
    named = model.named(parsed)
    answer = model.answer(named)
    if as_json:
        print_json(answer)
    else:
        print_list(model, answer, [describe_seed(model.bundle, seed) for seed in named.seeds])


def _write_lists(model: Model, seeds: list[str], template: Request, out: Path) -> None:
    from segue.recommend.batch import recommend_each, write_batch

    each = recommend_each(model.recommender, model.ranker, seeds, template)
    with progress_bar(TextColumn("recommending"), BarColumn(), MofNCompleteColumn()) as bar:
        task = bar.add_task("recommending", total=len(seeds))
        unknown = write_batch(out, each, progress=lambda done: bar.update(task, completed=done))
    typer.echo(f"{out}: lists {len(seeds) - len(unknown):,}, unknown seeds {len(unknown):,}", err=True)
    for seed in unknown[:_UNKNOWN_SHOWN]:
        typer.echo(f"unknown seed: {escape(seed)}", err=True)
    if len(unknown) > _UNKNOWN_SHOWN:
        typer.echo(f"and {len(unknown) - _UNKNOWN_SHOWN:,} more unknown seeds", err=True)


def _seed(kind: str, text: str) -> dict[str, Any]:
    matched = _WEIGHTED.fullmatch(text)
    return {kind: matched["seed"], "weight": float(matched["weight"])} if matched else {kind: text}


def _years(text: str) -> list[float] | None:
    if not text:
        return None
    matched = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    if not matched:
        raise RequestError("--year", f"expected 1990 or 1990-1999, got {text!r}")
    return [float(matched[1]), float(matched[2] or matched[1])]


def _numbers(option: str, pairs: list[str]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, value in _pairs(option, pairs).items():
        try:
            numbers[name] = float(value)
        except ValueError:
            raise RequestError(option, f"{name}: expected a number, got {value!r}") from None
    return numbers


def _features(pairs: list[str]) -> dict[str, float | str]:
    features: dict[str, float | str] = {}
    for name, value in _pairs("--feature", pairs).items():
        features[name] = value if name == "genre" else _numbers("--feature", [f"{name}={value}"])[name]
    return features


def _pairs(option: str, pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise RequestError(option, f"expected NAME=VALUE, got {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs)


def _read(path: Path) -> dict[str, Any]:
    try:
        instance = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise RequestError("--request", f"{path} can't be read: {error}") from None
    if not isinstance(instance, dict):
        raise RequestError("--request", f"{path}: expected one JSON object, got {type(instance).__name__}")
    return instance


recommend.__doc__ = f"{recommend.__doc__}\n{EXAMPLES}"
