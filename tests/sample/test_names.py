"""Names: many, in many scripts, some of them awkward; and the spelling of further releases."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from segue.features.recordings import fold_text, title_keys
from segue.sample.names import artist_names, base62_ids, draw_titles, locale_numbers, titles
from segue.sample.words import locales, odd_names
from tests.sample.conftest import Sample


def test_every_slot_of_every_pattern_has_words() -> None:
    for locale in locales().values():
        for pattern in (*locale.artists, *locale.titles):
            for slot in re.findall(r"\{(\w+)\}", pattern):
                assert locale.words[slot]
        for words in locale.words.values():
            assert len(words) == len(set(words))


def test_artists_are_told_apart_by_folded_name() -> None:
    locale = np.zeros(20_000, dtype=np.int8)
    names = artist_names(locale, np.random.default_rng(3)).to_pylist()
    assert len({name.lower() for name in names}) == 20_000
    assert {"U2nder", 'The "Quotes"', "M"} <= set(names)


def test_titles_are_spelled_from_their_draw_alone() -> None:
    locale = np.repeat(np.arange(len(locale_numbers()), dtype=np.int8), 400)
    pattern, salt = draw_titles(locale, np.random.default_rng(5))
    whole = titles(pattern, salt).to_pylist()
    assert whole[1_000:1_020] == titles(pattern[1_000:1_020], salt[1_000:1_020]).to_pylist()
    assert not any(re.search(r"\{(noun|verb|adj|first|last)\}", title) for title in whole)
    korean = whole[400 * locale_numbers()["ko"] :][:400]
    assert sum(bool(re.search("[가-힣]", title)) for title in korean) > 390


def test_ids_are_as_random_as_they_look() -> None:
    ids = base62_ids(50_000, np.random.default_rng(1)).to_pylist()
    assert len(set(ids)) == 50_000
    assert {len(one) for one in ids} == {22}
    assert len({one[5] for one in ids}) == 62


def test_scripts_and_awkward_names_are_in_a_sample(sample: Sample) -> None:
    text = "\n".join(sample.tracks.track_name) + "\n".join(sample.tracks.artist_name)
    for script in ("[가-힣]", "[ぁ-んァ-ン]", "[а-яё]", "[一-鿿]", "[ء-ي]", "[א-ת]", "[éüåñç]"):
        assert len(re.findall(script, text)) > 20, script
    seen = set(sample.tracks.track_name)
    assert len(seen & set(odd_names("titles"))) > len(odd_names("titles")) / 2
    assert "Line One\nLine Two" in seen
    assert (sample.tracks.track_name.str.len() <= 2).sum() > 20


def test_titles_repeat_as_titles_do_but_mostly_not(sample: Sample) -> None:
    tracks = sample.tracks
    assert 0.4 < tracks.track_name.nunique() / len(tracks) < 0.9
    assert tracks.artist_name.nunique() > 1_000


def test_further_releases_fold_to_the_recording_that_they_hold(sample: Sample) -> None:
    tracks = sample.tracks
    keys = title_keys(pa.array(tracks.track_name, pa.string())).to_pylist()
    artists = [fold_text(name) for name in tracks.artist_name]
    recordings = {pair: [] for pair in zip(artists, keys, strict=True)}
    for row, pair in enumerate(zip(artists, keys, strict=True)):
        recordings[pair].append(row)
    suffix = r"Remaster|\(Radio Edit\)| - Radio Edit|feat\. "
    again = tracks.track_name.str.contains(suffix)
    paired = [len(recordings[artists[row], keys[row]]) > 1 for row in np.flatnonzero(again)]
    assert again.sum() > 1_000
    assert np.mean(paired) > 0.95  # the others lost their original to a broken row

    remastered = tracks.track_name.str.extract(r"Remastered (\d{4})")[0].dropna().astype(float)
    years = tracks.year[remastered.index]
    assert (remastered[years.notna()] == years.dropna()).all()
