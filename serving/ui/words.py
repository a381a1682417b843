"""Texts of the page in the reader's language: ``strings/*.toml``, English where a language lacks a text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st

__all__ = ["LANGUAGES", "all_words", "language", "language_of", "say", "say_in"]

LANGUAGES = ("en", "ko")
_FOLDER = Path(__file__).with_name("strings")


@cache
def all_words(code: str) -> Mapping[str, str]:
    """All texts of a language by dotted name."""
    sections = tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


def say_in(code: str, name: str, /, **values: object) -> str:
    """A text in a language, its ``{names}`` filled in; raises `KeyError` if no language has it."""
    text = all_words(code).get(name) or all_words("en")[name]
    return text.format(**values) if values else text


def say(name: str, /, **values: object) -> str:
    """A text in the language of this session."""
    return say_in(language(), name, **values)


def language() -> str:
    """The language that was chosen, else the browser's."""
    chosen: str | None = st.session_state.get("language")
    return chosen or language_of(st.context.locale)


def language_of(locale: str | None) -> str:
    """The page's language for a browser's locale such as ``ko-KR``; English where there is none.

    Examples
    --------
    >>> language_of("ko-KR"), language_of("fr"), language_of(None)
    ('ko', 'en', 'en')
    """
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else LANGUAGES[0]
