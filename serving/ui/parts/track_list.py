"""The list: its cards, the dropped candidates, and the buttons to share or save it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from segue.files import spreadsheet_cells
from serving.gateway import schemas
from serving.ui import gateway, state
from serving.ui.link import to_params
from serving.ui.parts.card import TrackCard, card
from serving.ui.parts.page import plain
from serving.ui.parts.radar import Features
from serving.ui.parts.seeds import seed_names
from serving.ui.query import PageQuery
from serving.ui.why import dropped_words
from serving.ui.words import say

__all__ = ["as_csv", "track_list"]


def track_list(shown: state.Shown) -> None:
    """Draw the list that is on the page."""
    answer = shown.answer
    _notes(shown)
    if not answer.items:
        with st.container(border=True, key="empty-list"):
            st.markdown(f"**{say('list.empty')}**")
            st.markdown(plain(say("list.empty_more", reason=answer.reason or "")))
        return
    explained = {entry["track_id"]: entry for entry in (answer.explanation or {}).get("items", [])}
    near = {str(entry["nearest_seed"]) for entry in explained.values() if entry.get("nearest_seed")}
    wanted = dict.fromkeys((*(item.track_id for item in answer.items), *sorted(near)))
    known = gateway.tracks(tuple(wanted))
    listed = [known[item.track_id] for item in answer.items if item.track_id in known]
    _take_along(shown, {track.track_id: track for track in listed})
    if answer.reason:
        st.caption(plain(answer.reason))
    covers = gateway.covers(listed)
    for item in answer.items:
        # a bundle that was just promoted may lack it
        if item.track_id not in known:
            continue
        entry = explained.get(item.track_id)
        card(
            TrackCard(
                impression=answer,
                item=item,
                track=known[item.track_id],
                cover=covers.get(item.track_id),
                explained=entry,
                seed=_seed(entry, known, shown.query),
                is_chosen=_is_chosen(entry, shown.query),
            )
        )
    if dropped := dropped_words(answer.explanation):
        st.caption(plain(dropped))


def as_csv(items: list[schemas.Item], tracks: Mapping[str, schemas.Track]) -> str:
    """The list as CSV. A cell that a spreadsheet would read as a formula is quoted."""
    text = io.StringIO()
    table = csv.writer(text)
    columns = (
        "rank",
        "track_id",
        "track_name",
        "artist_name",
        "year",
        "genre",
        "similarity",
        "popularity",
        "score",
    )
    table.writerow(columns)
    for item in items:
        track = tracks.get(item.track_id)
        year, genre = (track.year, track.genre) if track else (None, None)
        row = (item.rank, item.track_id, item.track_name, item.artist_name, year, genre)
        table.writerow(spreadsheet_cells(*row, item.similarity, item.popularity, item.score))
    return text.getvalue()


def _notes(shown: state.Shown) -> None:
    answer = shown.answer
    if answer.degraded:
        st.warning(say("list.degraded"), icon=":material/bolt:")
    if answer.unknown_seeds:
        names = ", ".join(answer.unknown_seeds)
        st.info(plain(say("list.unknown_seeds", seeds=names)), icon=":material/help:")


def _take_along(shown: state.Shown, tracks: Mapping[str, schemas.Track]) -> None:
    items = shown.answer.items
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="list-head"
    ):
        st.caption(say("list.count", count=len(items), pool=shown.answer.pool.after_filters))
        with st.container(horizontal=True, gap="xsmall", width="content", key="take-along"):
            with st.popover(say("list.share"), icon=":material/link:", type="tertiary"):
                st.caption(say("list.share_help"))
                st.code(_address(shown.query), language=None, wrap_lines=True)
            # made at once, which saves a round trip: a list has two kilobytes
            ids = "".join(f"{item.track_id}\n" for item in items)
            for name, content, kind in (("csv", as_csv(items, tracks), "csv"), ("ids", ids, "plain")):
                st.download_button(
                    say(f"list.{name}"),
                    content,
                    f"segue.{'csv' if name == 'csv' else 'txt'}",
                    f"text/{kind}",
                    key=f"save-{name}",
                    help=say(f"list.{name}_help"),
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )


def _address(query: PageQuery) -> str:
    here = (st.context.url or "").partition("?")[0]
    return f"{here}?{urlencode(to_params(query), doseq=True)}"


def _is_chosen(entry: Mapping[str, Any] | None, query: PageQuery) -> bool:
    nearest = (entry or {}).get("nearest_seed")
    return nearest is None or any(seed.kind == "track" and seed.value == nearest for seed in query.seeds)


def _seed(
    entry: Mapping[str, Any] | None, known: Mapping[str, schemas.Track], query: PageQuery
) -> tuple[str | None, Features]:
    """Name and features of the nearest seed: a track, or the sound of the form."""
    track = known.get(str((entry or {}).get("nearest_seed")))
    if track is not None:
        return track.track_name, track.features
    names = seed_names(query.seeds)
    return (next(iter(names.values()), None), {}) if query.seeds else (None, query.sound)
