"""What the page says: complete in each language, and nothing that no code says."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from serving.ui.words import LANGUAGES, all_words, language_of, say_in

CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (Path(__file__).resolve().parents[2] / "serving" / "ui").rglob("*.py")
)
# names that are put together: say(f"feature.{name}")
FAMILIES = set(re.findall(r'f"(\w+)\.[^"]*\{', CODE))


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", LANGUAGES[1:])
def test_it_says_the_same_things_with_the_same_values_in_every_language(code: str) -> None:
    english, other = all_words("en"), all_words(code)
    assert set(other) == set(english)
    assert {name for name in english if names_in(other[name]) != names_in(english[name])} == set()
    assert {name for name in english if not other[name].strip()} == set()


def test_it_has_every_text_that_the_code_asks_for() -> None:
    asked = set(re.findall(r'(?:say\(|words = \(|, )"([a-z]+\.[\w-]+)"', CODE))
    assert asked - set(all_words("en")) == set()
    assert len(asked) > 60


def test_it_has_no_text_that_nobody_says() -> None:
    unsaid = {
        name
        for name in all_words("en")
        if not re.search(rf"""["']{re.escape(name)}["']""", CODE) and name.partition(".")[0] not in FAMILIES
    }
    assert unsaid == set()


def test_it_takes_english_where_the_browser_asks_for_another_language() -> None:
    given = ("ko", "ko-KR", "KO_kr", "en-GB", "de-DE", "", None)
    assert [language_of(locale) for locale in given] == ["ko", "ko", "ko", "en", "en", "en", "en"]


def test_it_fills_in_values() -> None:
    assert say_in("ko", "seeds.more_help", name="봄날") == "더 반영하기: 봄날"
    with pytest.raises(KeyError):
        say_in("en", "no.such")
