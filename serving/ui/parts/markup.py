"""HTML of tracks, with all text of a catalogue escaped. Streamlit sanitizes it as well."""

from __future__ import annotations

from html import escape

from serving.gateway import schemas
from serving.ui.words import say

__all__ = ["about", "bar", "cover", "explicit_mark", "name_line", "named", "track_line"]


def named(text: str) -> str:
    """A name from the catalogue, isolated: a right-to-left name does not change the text around it."""
    return f"<bdi>{escape(text)}</bdi>"


def cover(address: str | None, *, size: str) -> str:
    """A cover, decorative beside the title. ``size`` is ``small`` or ``large``."""
    if not address:
        return f'<div class="segue-cover segue-{size} segue-blank" aria-hidden="true">♪</div>'
    return (
        f'<img class="segue-cover segue-{size}" src="{escape(address, quote=True)}" alt="" '
        'loading="lazy" referrerpolicy="no-referrer">'
    )


def name_line(title: str, more: str, address: str | None, *, end: str = "") -> str:
    """A small cover, and HTML beside it: a title, more below it, and what stands at the end of the line."""
    return (
        f'<div class="segue-track">{cover(address, size="small")}<div class="segue-names">'
        f'<div class="segue-title">{title}</div><div class="segue-about">{more}</div></div>{end}</div>'
    )


def track_line(track: schemas.TrackSummary, address: str | None) -> str:
    """A cover with title, artist, year and genre beside it."""
    return name_line(f"{named(track.track_name)}{explicit_mark(track)}", about(track), address)


def about(track: schemas.TrackSummary) -> str:
    """Artist, year and genre, as far as they are known."""
    known = [track.artist_name, str(track.year) if track.year else "", track.genre or ""]
    return '<span class="segue-dot"> · </span>'.join(named(part) for part in known if part)


def explicit_mark(track: schemas.TrackSummary) -> str:
    """The mark E of explicit tracks, with a label for screen readers."""
    if not track.explicit:
        return ""
    words = escape(say("card.explicit"), quote=True)
    return f' <abbr class="segue-explicit" role="img" title="{words}" aria-label="{words}">E</abbr>'


def bar(label: str, value: float | None, shown: str) -> str:
    """A labelled bar from 0 to 1, empty where the value is not known."""
    share = min(max(value or 0.0, 0.0), 1.0)
    return (
        f'<div class="segue-bar"><div class="segue-bar-words"><span>{escape(label)}</span>'
        f"<span>{escape(shown)}</span></div>"
        f'<div class="segue-bar-track" aria-hidden="true"><div style="width:{share:.1%}"></div></div></div>'
    )
