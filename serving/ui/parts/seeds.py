"""The chosen seeds with their weights, and buttons to change them."""

from __future__ import annotations

from html import escape

import streamlit as st

from serving.gateway import schemas
from serving.ui import gateway, state
from serving.ui.faults import GatewayFault
from serving.ui.parts.markup import name_line, named
from serving.ui.parts.page import plain
from serving.ui.query import WEIGHTS, PageSeed
from serving.ui.words import say

__all__ = ["seed_list", "seed_names"]


def seed_names(seeds: tuple[PageSeed, ...]) -> dict[PageSeed, str]:
    """Name of each seed: a track's title if the catalogue has it, else its value."""
    known = _known(seeds)
    return {seed: known[seed.value].track_name if seed.value in known else seed.value for seed in seeds}


def seed_list() -> None:
    """Draw the seeds, or how to choose one."""
    chosen = state.seeds()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{say('seeds.title')}**")
        if len(chosen) > 1:
            st.button(say("seeds.clear"), key="clear-seeds", type="tertiary", on_click=state.clear_seeds)
    if not chosen:
        st.caption(say("seeds.none"))
        return
    known = _known(chosen)
    names = seed_names(chosen)
    covers = gateway.covers(list(known.values()))
    for position, seed in enumerate(chosen):
        track = known.get(seed.value) if seed.kind == "track" else None
        _seed(position, seed, names[seed], track, covers.get(seed.value))
    if not any(seed.weight > 0 for seed in chosen):
        st.warning(say("seeds.only_negative"))


def _known(seeds: tuple[PageSeed, ...]) -> dict[str, schemas.Track]:
    try:
        return gateway.tracks([seed.value for seed in seeds if seed.kind == "track"])
    except GatewayFault:
        # the list shows the fault; the seeds can still be changed
        return {}


def _seed(position: int, seed: PageSeed, name: str, track: schemas.Track | None, address: str | None) -> None:
    with st.container(border=True, key=f"seed-{position}", gap="xsmall"):
        sign = "against" if seed.weight < 0 else "for"
        weight = f'<div class="segue-weight segue-weight-{sign}">{escape(_weight(seed))}</div>'
        st.html(name_line(named(name), named(_about(seed, track)), address, end=weight))
        with st.container(horizontal=True, gap="xsmall"):
            for label, steps, icon in (("less", -1, "remove"), ("more", 1, "add")):
                st.button(
                    say(f"seeds.{label}"),
                    key=f"{label}-{position}",
                    help=plain(say(f"seeds.{label}_help", name=name)),
                    icon=f":material/{icon}:",
                    disabled=seed.weight == WEIGHTS[0 if steps < 0 else -1],
                    on_click=state.move_seed,
                    args=(position, steps),
                )
            st.button(
                say("seeds.remove"),
                key=f"remove-{position}",
                help=plain(say("seeds.remove_help", name=name)),
                icon=":material/close:",
                type="tertiary",
                on_click=state.remove_seed,
                args=(position,),
            )


def _about(seed: PageSeed, track: schemas.Track | None) -> str:
    if seed.kind != "track":
        return say(f"seeds.{seed.kind}")
    return track.artist_name if track else say("seeds.unknown")


def _weight(seed: PageSeed) -> str:
    nearest = min(WEIGHTS, key=lambda weight: abs(weight - seed.weight))
    return say(f"weight.{nearest:g}")
