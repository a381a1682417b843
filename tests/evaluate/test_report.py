from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from segue.evaluate.findings import Findings
from segue.evaluate.report import SECTIONS, render_html, render_markdown
from segue.evaluate.wording import GLOSSARY
from tests.evaluate.findings_factory import (
    ARABIC,
    LABELS,
    METHODS,
    SCRIPT,
    make_change,
    make_eda,
    make_findings,
    make_profile,
    make_training,
    make_verdict,
)

VOID = {"meta", "br", "link", "img", "input", "hr"}
# Ends on its own in SVG.
CLOSED = {"line", "path", "circle", "rect"}


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps text, tags, ids and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in CLOSED, tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def ids(self) -> set[str]:
        return {str(attributes["id"]) for _, attributes in self.tags if "id" in attributes}


def draw(findings: Findings | None = None, *, low: float = 0.09, champion: bool = True, **of_profile) -> str:
    findings = findings or make_findings(champion=champion)
    return render_html(
        findings,
        make_verdict(findings, low=low),
        make_profile(**of_profile),
        eda=make_eda(),
        champion_profile=make_profile() if champion else None,
        training=make_training(),
    )


@pytest.fixture(scope="module")
def whole() -> str:
    return draw()


@pytest.fixture(scope="module")
def page(whole: str) -> Page:
    return Page(whole)


def test_the_page_asks_nothing_of_anyone_else(whole: str, page: Page) -> None:
    assert "http://" not in whole
    assert "https://" not in whole
    assert "@import" not in whole
    assert "url(" not in whole
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object", "img")]
    assert not [attributes for _, attributes in page.tags if "src" in attributes]
    links = [str(attributes["href"]) for tag, attributes in page.tags if tag == "a"]
    assert links
    assert all(link.startswith("#") and link[1:] in page.ids() for link in links)


def test_the_contents_list_every_section_in_order(page: Page) -> None:
    listed = [str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a"]
    drawn = [str(attributes["id"]) for tag, attributes in page.tags if tag == "section"]
    assert listed == drawn == [name for name, _ in SECTIONS]


def test_every_chart_says_in_words_what_it_shows(page: Page) -> None:
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert charts
    assert all(chart["role"] == "img" and len(str(chart["aria-label"])) > 10 for chart in charts)


def test_the_same_findings_give_the_same_bytes(whole: str) -> None:
    assert draw() == whole


def test_findings_read_back_from_their_file_give_the_same_tables(whole: str) -> None:
    findings = make_findings()
    # metrics.json is written with sorted keys
    shuffled = {name: findings.methods[name] for name in sorted(findings.methods)}
    by_name = {name: findings.labels[name] for name in sorted(findings.labels)}
    again = draw(findings.model_copy(update={"labels": by_name}))
    assert again == whole
    assert draw(findings.model_copy(update={"methods": shuffled})).index("Segue</th>") > 0


def test_every_label_and_every_method_is_named(page: Page) -> None:
    for label in LABELS.values():
        assert label in page.text, label
    for title, _ in METHODS.values():
        assert title in page.text, title


def test_every_figure_has_its_line_in_the_glossary() -> None:
    assert set(GLOSSARY) == set(LABELS)


def test_a_promoted_bundle_opens_with_verdict_figure_and_meaning(page: Page) -> None:
    opening = page.text[: page.text.index("The base design, with which Segue is compared")]
    assert "Promotion allowed" in opening
    assert "P@10, other artists is 0.123; the champion reaches 0.0062, a difference of +0.117" in opening
    assert "95 % interval +0.090 to +0.139" in opening
    assert "Of 10 tracks that Segue suggests for a song, on average 1.2 are also in the playlist" in opening
    assert "With the base design 0.06 and with random tracks 0.02." in opening
    assert "95 %: 0.099 to 0.148" in opening
    assert "20 ×" in opening


def test_a_refused_bundle_says_why_and_by_how_much() -> None:
    findings = make_findings().model_copy(update={"change": make_change(psi=0.61)})
    text = Page(draw(findings, low=-0.05)).text
    assert "Promotion refused" in text
    assert "Promotion allowed" not in text
    assert "for 2 reasons:" in text
    assert "is 0.0499 below it." in text
    assert "The catalogue has drifted: PSI of energy 0.61 (limit 0.25)." in text


def test_figures_intervals_and_differences_appear(page: Page) -> None:
    for words in (
        "0.123 0.099 to 0.148",  # Segue's P@10
        "+0.117 +0.107 to +0.127",  # its lead on the base design
        "−0.0025 −0.012 to +0.0075",  # and on nearest only
        "46.7 %",  # coverage
        "13,233",  # distinct tracks
        "1.08 ×",  # popularity lift
        "0.9961",  # recall at 100
        "0.9512",  # and of the worst query
        "17.38",  # mean absolute error
        "0.440",  # Spearman
        "default 0.35",
    ):
        assert words in page.text, words


def test_what_is_surely_better_or_worse_is_marked(page: Page) -> None:
    marked = [attributes.get("class") for tag, attributes in page.tags if tag == "span"]
    # 11 figures against base design, most popular and random, and the legend
    assert marked.count("better") == 33 + 1
    assert marked.count("worse") == 1


def test_parts_of_the_seeds_stand_apart_with_their_methods(whole: str, page: Page) -> None:
    assert "Seeds of artists in no training playlist, 1,424 seeds" in page.text
    table = whole[whole.index("Subsets of the seeds") : whole.index("How much popularity?")]
    assert table.count('scope="rowgroup"') == 2
    assert (
        re.findall(r'<th scope="row">(.*?)</th><td>([0-9.]+)<', table)
        == [
            ("Segue", "0.446"),
            ("Standardised", "0.161"),
        ]
        * 2
    )


def test_variety_is_drawn_against_the_leading_figure(whole: str) -> None:
    (alt,) = re.findall(r'aria-label="([^"]* over artists per list[^"]*)"', whole)
    assert "diversity from 0.254 at 8.0 artists to 0.214 at 10.0" in alt
    assert "max_per_artist from 0.254 at 8.0 artists to 0.214 at 10.0" in alt


def test_the_popularity_of_the_youngest_is_told_apart(page: Page) -> None:
    assert "(512 of this catalogue)" in page.text
    assert "The newest tenth of them: tracks of 2019 or later" in page.text


def test_the_data_section_shows_what_was_read_and_rejected(page: Page) -> None:
    assert "28,356 rows were read, 28,352 kept and 4 rejected (0.01 %)." in page.text
    assert "12 of the kept rows repeat a track_id" in page.text
    assert "required, but missing" in page.text
    assert "row 4,704" in page.text
    assert "not in the catalogue" in page.text
    assert "7,205 25.4 %" in page.text
    assert "No row has a value of album_id." in page.text
    assert "r&b" in page.text


def test_drift_is_read_beside_the_champion(page: Page) -> None:
    section = page.text[page.text.index("The champion's catalogue has") :]
    assert section.startswith("The champion's catalogue has 27,100 rows, this one 28,352.")
    assert "tempo 0.130 changed slightly" in section
    assert "energy 0.040 stable" in section
    assert "popularity – not defined" in section
    assert "+2.1 points" in section


def test_names_are_data() -> None:
    findings = make_findings(track_name=SCRIPT)
    text = draw(findings, rejected='"><img src=x onerror=alert(1)>', source="a<b>.csv")
    page = Page(text)
    assert "<script" not in text
    assert "<img" not in text
    assert SCRIPT in page.text
    assert '"><img src=x onerror=alert(1)>' in page.text
    assert "a<b>.csv" in page.text


def test_right_to_left_names_stand_isolated(whole: str) -> None:
    assert f"<bdi>{ARABIC}</bdi>" in whole


def test_control_characters_become_visible() -> None:
    text = draw(make_findings(track_name="a\x00b\x1b[31m\x7f\ud800\nc"))
    text.encode()
    assert "a␀b␛[31m␡\ufffd␊c" in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)


def test_a_very_long_name_is_cut() -> None:
    text = draw(make_findings(track_name="x" * 5000))
    assert "x" * 160 + "…" in text
    assert "x" * 161 not in text


def test_without_playlists_the_genre_leads() -> None:
    text = Page(draw(make_findings(playlists=False), playlists=False)).text
    assert "No playlists were given" in text
    assert "on average 8.1 are of the seed's genre" in text
    assert "This data does not define it." in text


def test_with_neither_playlists_nor_genres_nothing_leads() -> None:
    text = Page(draw(make_findings(playlists=False, genres=False), playlists=False, genres=False)).text
    assert "there was no quality metric to compare" in text
    assert "neither playlists nor genres to judge by" in text
    assert "The catalogue has no genres." in text
    assert "no leading metric to choose the default popularity_weight by" in text


def test_without_a_champion_there_is_nothing_to_drift_from() -> None:
    text = draw(champion=False)
    assert "There is no champion" in Page(text).text
    assert 'class="outline"' not in text


def test_without_popularity_the_model_is_not_judged() -> None:
    text = Page(draw(make_findings(popularity=False))).text
    assert "No held-out track has a known popularity" in text
    assert "true popularity" not in text


def test_an_exact_index_is_told_in_a_sentence() -> None:
    findings = make_findings()
    exact = findings.model_copy(update={"index_curve": findings.index_curve[-1:]})
    text = Page(draw(exact)).text
    assert "scans 1,160,000 vectors per query, which is all of them" in text


def test_training_that_had_nothing_to_stop_on_has_no_learning_curve() -> None:
    findings = make_findings()
    text = render_html(
        findings,
        make_verdict(findings),
        make_profile(),
        eda=make_eda(),
        champion_profile=None,
        training={"importance": {}, "validation_curve": [], "trees": 300},
    )
    assert "Learning curve" not in text
    Page(text)


def test_the_markdown_has_verdict_figures_and_checks() -> None:
    findings = make_findings()
    text = render_markdown(findings, make_verdict(findings))
    lines = text.splitlines()
    assert lines[0] == "# Promotion allowed"
    header = next(line for line in lines if line.startswith("| Metric |"))
    assert header.split(" | ")[1:3] == ["Segue", "Nearest only"]
    assert "| P@10, other artists | 0.123 (0.099 to 0.148) |" in text
    assert "| Quality | passed |" in text
    assert "0.9943 at 200" in text
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {7, 4}
    assert "\n\n\n" not in text


def test_the_markdown_of_a_refusal_lists_the_reasons() -> None:
    findings = make_findings()
    text = render_markdown(findings, make_verdict(findings, low=-0.05))
    assert text.startswith("# Promotion refused\n\nThe gate refuses promotion, for this reason:\n\n- P@10")
    assert "below it.\n\nOf 10 tracks" in text
