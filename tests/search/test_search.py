"""What a person types, and what is found first."""

from __future__ import annotations

import pytest

from segue.search import SearchIndex
from tests.search.conftest import NAMES, Finder


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("bohemian rhapsody queen", ("Queen", "Bohemian Rhapsody")),
        ("queen bohemian", ("Queen", "Bohemian Rhapsody - Remastered 2011")),
        ("rhapsody bohem", ("Queen", "Bohemian Rhapsody - Remastered 2011")),
        ("RADIOHEAD   creep", ("Radiohead", "Creep")),
        ("beyonce", ("Beyoncé", "Halo")),
        ("BEYONCÉ irr", ("Beyoncé", "Irreplaceable")),
        ("hoppipolla", ("Sigur Rós", "Hoppípolla")),
        ("bjork hyper", ("Björk", "Hyperballad")),
        ("full width", ("Full", "ＦＵＬＬ ＷＩＤＴＨ")),
        ("ac/dc", ("AC/DC", "Back In Black")),
        ("acdc back", ("AC/DC", "Back In Black")),
        ("ac dc tnt", ("AC/DC", "T.N.T.")),
        ("t.n.t.", ("AC/DC", "T.N.T.")),
        ("jay z", ("Jay-Z", "99 Problems")),
        ("jayz 99", ("Jay-Z", "99 Problems")),
        ("p!nk", ("P!nk", "So What")),
        ("dont stop", ("Queen", "Don't Stop Me Now")),
        ("don’t stop", ("Queen", "Don't Stop Me Now")),
        ("!!!", ("!!!", "Heart of Hearts")),
        ("🤘", ("Emoji", "🤘🔥")),
        ("the the", ("The The", "This Is the Day")),
        ("heroes", ("Quote", '"Heroes"')),
    ],
)
def test_words_in_any_order_folded_and_unfinished(find: Finder, typed: str, first: tuple[str, str]) -> None:
    assert find(typed)[0] == first


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("U", ("Kendrick Lamar", "U")),
        ("u", ("Kendrick Lamar", "U")),
        ("i", ("Nobody", "I")),
        ("U2", ("U2", "With or Without You")),
        ("봄날", ("방탄소년단", "봄날")),
        ("光", ("宇多田ヒカル", "光")),
        ("one", ("U2", "One")),
    ],
)
def test_titles_of_one_or_two_characters(find: Finder, typed: str, first: tuple[str, str]) -> None:
    assert find(typed)[0] == first


@pytest.mark.parametrize(
    ("typed", "among"),
    [
        ("ㅂ", "봄날"),
        ("보", "봄날"),
        ("봄", "봄날"),
        ("봄ㄴ", "봄날"),
        ("봄나", "봄날"),
        ("방탄", "봄날"),
        ("소년단 봄", "봄날"),  # from the middle of a word
        ("편지", "밤편지"),
        ("아이유 밤", "밤편지"),
        ("ヒカル", "光"),
        ("駆ける", "夜に駆ける"),
        ("夜", "夜に駆ける"),
        ("yoasobi 夜に", "夜に駆ける"),
        ("группа", "Группа крови"),
        ("КРОВИ кино", "Группа крови"),
        ("ежик", "Ёжик"),
        ("نسم", "نسم علينا الهوى"),
        ("हिन्दी", "हिन्दी गाना"),
    ],
)
def test_other_scripts_while_typing(find: Finder, typed: str, among: str) -> None:
    assert among in [title for _, title in find(typed)]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("radiohaed", ("Radiohead", "Creep")),  # swapped
        ("radiohed", ("Radiohead", "Creep")),  # missing
        ("raddiohead", ("Radiohead", "Creep")),  # too many
        ("karma policee", ("Radiohead", "Karma Police")),  # too many, the last
        ("sadiohead", ("Radiohead", "Creep")),  # wrong, the first
        ("radoih", ("Radiohead", "Creep")),  # unfinished, too
        ("black sabath", ("Black Sabbath", "Paranoid")),
        ("blak sabath", ("Black Sabbath", "Paranoid")),
        ("paranoid black sabboth", ("Black Sabbath", "Paranoid")),
        ("blacksabbath", ("Black Sabbath", "Paranoid")),
        ("black sab bath", ("Black Sabbath", "Paranoid")),
        ("kwndrick lamar u", ("Kendrick Lamar", "U")),
        ("beyonse halo", ("Beyoncé", "Halo")),
        ("범날", ("방탄소년단", "봄날")),
        ("봄닐", ("방탄소년단", "봄날")),
        ("밤펀지", ("아이유", "밤편지")),
        ("группа кпови", ("Кино", "Группа крови")),
        ("ленингад", ("Ленинград", "Экспонат")),
        ("ヒガル", ("宇多田ヒカル", "First Love")),
        ("宇多川", ("宇多田ヒカル", "First Love")),
        ("夜に欠ける", ("YOASOBI", "夜に駆ける")),
    ],
)
def test_one_typo_is_forgiven(find: Finder, typed: str, first: tuple[str, str]) -> None:
    assert find(typed)[0] == first


def test_what_was_typed_comes_before_what_is_near(find: Finder) -> None:
    titles = find("halo")
    assert titles[:2] == [("Beyoncé", "Halo"), ("Unrated", "Halo")]


def test_exact_titles_and_exact_artists_take_turns_by_popularity(find: Finder) -> None:
    found = find("queen")
    assert found[0] == ("Queen", "Don't Stop Me Now")
    assert found[1] == ("Tribute", "Queen")
    assert {artist for artist, _ in found[:6]} == {"Queen", "Tribute"}


def test_whole_names_come_before_beginnings_before_words(find: Finder) -> None:
    found = find("radio")
    assert found[0] == ("Radiohead", "Creep")  # all begin so: the most popular first
    assert [pair for pair in found if pair[0] == "Queen"] == [("Queen", "Radio Ga Ga")]
    assert find("봄봄봄")[0] == ("로이킴", "봄봄봄")
    assert find("black")[-1] == ("AC/DC", "Back In Black")  # not at the beginning of a name


def test_releases_of_a_recording_answer_to_its_title_by_popularity(find: Finder) -> None:
    assert find("bohemian rhapsody") == [
        ("Queen", "Bohemian Rhapsody - Remastered 2011"),
        ("Queen", "Bohemian Rhapsody"),
    ]


def test_a_space_at_the_end_ends_the_word(find: Finder) -> None:
    assert find("radio")[0] == ("Radiohead", "Creep")
    ended = find("radio ")
    assert ended[:2] == [("Queen", "Radio Ga Ga"), ("Radio Moscow", "Little Eyes")]
    assert ended[2:] == [("Radiohead", "Creep"), ("Radiohead", "Karma Police")]


def test_fields_are_kept_apart(find: Finder) -> None:
    assert find(artist="queen", track="radio") == [("Queen", "Radio Ga Ga")]
    assert find(track="queen") == [("Tribute", "Queen")]
    assert {artist for artist, _ in find(artist="queen")} == {"Queen"}
    assert find("ga", artist="queen") == [("Queen", "Radio Ga Ga")]
    assert find(artist="u2", track="on")[0] == ("U2", "One")
    assert find(artist="quen", track="radio") == [("Queen", "Radio Ga Ga")]
    assert find(artist="radiohead", track="halo") == []


@pytest.mark.parametrize(
    "typed",
    [
        '"',
        "'",
        "*",
        "-",
        "NEAR(",
        "a AND",
        "OR",
        "NOT x",
        "title:",
        "^",
        "(",
        "{a b}:c",
        "a\x00b",
        "\ud800",
        "%_\\",
    ],
)
def test_syntax_is_data(index: SearchIndex, typed: str) -> None:
    assert isinstance(index.search(typed), list)
    assert isinstance(index.search(artist=typed, track=typed), list)


def test_words_that_look_like_syntax_are_found(find: Finder) -> None:
    wild = ("Wild", "A*B NEAR OR AND NOT")
    for typed in ("near", "not near", "a*b", "or and", "A*B NEAR OR AND NOT"):
        assert wild in find(typed), typed
    assert find("=sum(a1)")[0] == ("<b>Bold</b>", "=SUM(A1)")
    assert find("<b>bold")[0] == ("<b>Bold</b>", "=SUM(A1)")
    assert find('"heroes')[0] == ("Quote", '"Heroes"')


@pytest.mark.parametrize("typed", ["", " ", "\n\t", None])
def test_nothing_typed_finds_nothing(index: SearchIndex, typed: str | None) -> None:
    assert index.search(typed) == []
    assert index.search(typed, artist=typed, track=typed) == []


def test_what_is_not_there_is_not_found(find: Finder) -> None:
    assert find("zzzzqqqq") == []
    assert find("queen zzzzqqqq") == []


@pytest.mark.parametrize("limit", [-1, 0, 1, 3, 10_000])
def test_limit_is_kept(index: SearchIndex, limit: int) -> None:
    found = index.search("r", limit=limit)
    assert len(found) <= max(limit, 0)
    assert found == index.search("r", limit=10_000)[: max(limit, 0)]
    assert len(set(found)) == len(found)


def test_every_track_is_found_by_its_own_name(index: SearchIndex) -> None:
    for row, (artist, title, _) in enumerate(NAMES):
        assert row in index.search(f"{artist} {title}"), (artist, title)
        assert row in index.search(artist=artist, track=title), (artist, title)
        assert row in index.search(title), title


def test_only_what_passes_is_found_and_fills_the_list(index: SearchIndex) -> None:
    unpopular = {row for row, (_, _, popularity) in enumerate(NAMES) if (popularity or 0) < 75}
    found = index.search("queen", limit=2, passes=unpopular.__contains__)
    assert [NAMES[row][:2] for row in found] == [("Queen", "Radio Ga Ga"), ("Tribute", "Queen")]
    assert index.search("queen", passes=lambda _: False) == []
    assert index.search("queen", passes=lambda _: True) == index.search("queen")
