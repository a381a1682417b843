"""Map the columns of a file to the canonical columns, by built-in aliases and those that the user adds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from segue.catalog.columns import COLUMNS, REQUIRED, SOUND
from segue.errors import CatalogError

__all__ = [
    "ALIASES",
    "CATALOGUE",
    "INTERACTIONS",
    "INTERACTION_ALIASES",
    "MULTI_VALUED",
    "FileSchema",
    "check_aliases",
    "check_targets",
    "match_columns",
    "missing_columns",
    "name_layout",
    "read_alias",
]

# File's column name -> canonical name. If a file has several columns for one canonical name, the canonical
# name itself takes precedence, then the order of this dictionary. Case and surrounding blanks are ignored.
ALIASES: dict[str, str] = {
    # TidyTuesday 2020-01-21
    "track_artist": "artist_name",
    "track_popularity": "popularity",
    "track_album_id": "album_id",
    "track_album_name": "album_name",
    "track_album_release_date": "year",
    "playlist_genre": "genre",
    # Kaggle's 114,000 tracks
    "artists": "artist_name",
    "track_genre": "genre",
    # Kaggle's 600,000 tracks
    "id": "track_id",
    "name": "track_name",
    "id_artists": "artist_id",
    "release_date": "year",
    # smaller files
    "artist": "artist_name",
    "artist_names": "artist_name",
    "title": "track_name",
    "song": "track_name",
    "track": "track_name",
    "album": "album_name",
    "release_year": "year",
    "duration": "duration_ms",
    "spotify_id": "track_id",
}

# These hold several values, separated by ";" or written as a Python list. Only the first, the main artist,
# is used: the other layouts have no more, and filters by artist need one name per track.
MULTI_VALUED: frozenset[str] = frozenset({"artists", "artist_names", "id_artists"})

INTERACTION_ALIASES: dict[str, str] = {
    "session_id": "playlist_id",
    "pid": "playlist_id",
    "playlist": "playlist_id",
    "id": "track_id",
    "spotify_id": "track_id",
    "pos": "position",
    "track_position": "position",
}


@dataclass(frozen=True, kw_only=True)
class FileSchema:
    """The columns of a kind of file.

    Attributes
    ----------
    canonical
        Columns that are read if the file has them.
    required
        Columns that the file must have.
    aliases
        File's column name -> canonical name.
    """

    canonical: tuple[str, ...]
    required: tuple[str, ...]
    aliases: Mapping[str, str]


CATALOGUE = FileSchema(
    canonical=tuple(column.name for column in COLUMNS), required=(*REQUIRED, *SOUND), aliases=ALIASES
)
INTERACTIONS = FileSchema(
    canonical=("playlist_id", "track_id", "position"),
    required=("playlist_id", "track_id"),
    aliases=INTERACTION_ALIASES,
)

# Public layouts, each recognised by columns that only it has.
_LAYOUTS: dict[str, set[str]] = {
    "canonical": set(CATALOGUE.canonical),
    "tidytuesday": {"track_artist", "track_album_release_date"},
    "114k": {"artists", "track_genre"},
    "600k": {"id", "name", "artists", "id_artists", "release_date"},
    "kaggle-1m": {"artist_name", "track_name", "track_id", "year", "genre"},
}


def _fold(name: str) -> str:
    return name.strip().lower()


def name_layout(header: Iterable[str]) -> str:
    """Name of the public layout of a header, or ``custom``."""
    seen = {_fold(name) for name in header}
    return next((layout for layout, signature in _LAYOUTS.items() if signature <= seen), "custom")


def read_alias(text: str) -> tuple[str, str]:
    """Parse ``theirs=canonical``: a column name of the file, and the canonical one.

    Raises
    ------
    CatalogError
        There is no ``=``, or one side of it is empty.
    """
    theirs, _, canonical = text.rpartition("=")
    if not theirs.strip() or not canonical.strip():
        raise CatalogError(f"alias {text!r}: expected theirs=canonical, for example 'Song Title=track_name'")
    return theirs.strip(), canonical.strip()


def check_targets(extra: Mapping[str, str]) -> None:
    """Refuse an alias (file's column name -> canonical name) whose target does not exist.

    Raises
    ------
    CatalogError
        A target is not a canonical column.
    """
    known = CATALOGUE.canonical
    for theirs, canonical in extra.items():
        if canonical not in known and canonical not in INTERACTIONS.canonical:
            close = get_close_matches(canonical, known, n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise CatalogError(
                f"alias {theirs}={canonical}: {canonical!r} is not a canonical column{hint}; "
                f"they are {', '.join(known)}"
            )


def check_aliases(extra: Mapping[str, str], headers: Mapping[str, Sequence[str]]) -> None:
    """Refuse an alias of a column that no file has: it is probably misspelt.

    `headers` has the column names by source: ``the catalogue``, ``the interactions``.

    Raises
    ------
    CatalogError
        No file has the column.
    """
    seen = {_fold(name) for header in headers.values() for name in header}
    for theirs, canonical in extra.items():
        if _fold(theirs) not in seen:
            where = "; ".join(f"{what} has {describe(header)}" for what, header in headers.items())
            raise CatalogError(f"alias {theirs}={canonical}: there is no column {theirs!r}; {where}")


def match_columns(
    header: Sequence[str], extra: Mapping[str, str], schema: FileSchema, *, source: str
) -> dict[str, str]:
    """Find the column of a file for each canonical column that it has.

    The user's aliases `extra` take precedence over the canonical names, and these over the built-in aliases.

    Returns
    -------
    dict
        Canonical name -> the file's column name, in canonical order.

    Raises
    ------
    CatalogError
        A matched column is more than once in the header.
    """
    folded = [_fold(name) for name in header]
    matched: dict[str, str] = {}
    user = [(_fold(theirs), target) for theirs, target in extra.items()]
    for theirs, target in [*user, *((name, name) for name in schema.canonical), *schema.aliases.items()]:
        if target in schema.canonical and theirs in folded and target not in matched:
            matched[target] = header[folded.index(theirs)]
    counts = Counter(folded)
    for target, theirs in matched.items():
        if counts[_fold(theirs)] > 1:
            raise CatalogError(
                f"{source}: the header has the column {theirs!r} {counts[_fold(theirs)]} times, "
                f"and {target} is read from it: rename all but one"
            )
    return {name: matched[name] for name in schema.canonical if name in matched}


def missing_columns(
    header: Sequence[str],
    extra: Mapping[str, str],
    matched: Mapping[str, str],
    missing: Sequence[str],
    *,
    aliases: Mapping[str, str],
) -> str:
    """Message: which columns a file lacks, which it has, and what to do."""
    known = {target: [theirs for theirs, to in aliases.items() if to == target] for target in missing}
    names = [
        f"{target} (also known as {', '.join(known[target])})" if known[target] else target
        for target in missing
    ]
    unmatched = [
        f"{theirs!r}, the alias of {target}" for theirs, target in extra.items() if target in missing
    ]
    return (
        f"required column{'s' * (len(missing) > 1)} missing: {', '.join(names)}; it has {describe(header)}"
        f"{', but not ' * bool(unmatched)}{' or '.join(unmatched)}. "
        f"If a column has another name, add an alias, for example {_alias_example(header, matched, missing)}"
    )


def _alias_example(header: Sequence[str], matched: Mapping[str, str], missing: Sequence[str]) -> str:
    """Suggest options for the missing columns, from unused columns with similar names."""
    unused = {_fold(name): name for name in header if name not in matched.values() and name.strip()}
    close = {target: get_close_matches(target, unused, n=1, cutoff=0.5) for target in missing}
    guesses = {unused[names[0]]: target for target, names in close.items() if names}
    guesses = guesses or {"THEIRS": missing[0]}
    options = " ".join(f"--alias '{theirs}={target}'" for theirs, target in guesses.items())
    return f"{options}, or in a run --set layout='{json.dumps(guesses, ensure_ascii=False)}'"


def describe(header: Sequence[str], *, limit: int = 30) -> str:
    """List column names for a message, at most `limit` of them."""
    shown = [name[:40] if name.strip() else "(unnamed)" for name in header[:limit]]
    more = f" and {len(header) - limit} more" if len(header) > limit else ""
    return ", ".join(shown) + more
